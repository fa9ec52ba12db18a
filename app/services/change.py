"""Additions to effective files and changes of them: opened, edited, discarded (2.1, 2.2, 3.1).

What is proposed is a pending row in the table of the set, beside the row in force under the same
identity; the process tells which of its values would differ.
"""

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import may_add, may_change
from app.access.roles import Role
from app.core.clock import now
from app.core.errors import Forbidden, Malformed, Problem, Refused, Stale
from app.indicators.catalog import Catalog
from app.models.attachment import Attachment
from app.models.change import Addition, AdditionState, Change, ChangeKind, ChangeState
from app.models.change import RecordChange as Process
from app.models.record import PENDING, TEACHER_SETS
from app.models.teacher import Teacher
from app.services import attachment, audit, notice
from app.services.attachment import Upload
from app.services.change_desk import (
    ADD,
    EDITED,
    OPENED,
    Desk,
    Values,
    differing,
    hold_item,
    is_school,
)
from app.services.contents import find_record
from app.services.exclusive import Kind
from app.services.notice import Telling
from app.services.storage import Storage
from app.services.wording import kept_words


def add(
    session: Session,
    actor: Actor,
    teacher: Teacher,
    set_code: str,
    raw: Values,
    *,
    catalog: Catalog,
    record_uuid: str | None = None,
    reason: str = "",
    document_no: str = "",
) -> Addition:
    """Add a record to an effective file, or say what a record of it leaves blank (2.1, 2.2).

    `raw` holds raw values by indicator code. Raises NotFound, Forbidden with the values that are
    not the actor's to say, Stale while the file is not effective, Refused.
    """
    desk = Desk(session, actor, teacher, catalog)
    desk.hold(Kind.ADDITION)
    desk.require(set_code, raw, may_add)
    before = desk.record_of(set_code, record_uuid)
    desk.refuse_second(set_code, before)
    made, problems = desk.proposed(set_code, before, raw)
    fields = differing(before, made)
    problems += _only_blanks(before, fields, set_code)
    if not problems and not any(code in raw for code in fields):
        problems = [Problem("nothing_new", _("Enter at least one value."), set=set_code)]
    _refuse(problems)
    item = Addition(
        kind=ChangeKind.ADD if before is None else ChangeKind.FILL,
        state=AdditionState.PENDING_SCHOOL,
        fields=fields,
        **kept_words(reason, document_no),
    )
    desk.open(item, made, before)
    desk.note(item, before, made, step=ADD)
    by_teacher = actor.role == Role.TEACHER
    parties = ("school_info", "school_head") if by_teacher else ("school_head",)
    notice.tell(session, Telling("addition_opened", parties), actor, [item])
    notice.tell(session, Telling("head_addition_opened", ("stand_in",)), actor, [item])
    return item


def open_change(
    session: Session,
    actor: Actor,
    teacher: Teacher,
    set_code: str,
    record_uuid: str,
    *,
    kind: str,
    raw: Values,
    catalog: Catalog,
    reason: str = "",
    document_no: str = "",
    correction_id: int | None = None,
) -> Change:
    """Draft a change of a record of an effective file, or its removal (3.1).

    `kind` is modify or delete, `raw` holds raw values by indicator code, `correction_id` names an
    open correction task that the change answers. Raises NotFound, Forbidden, Malformed, Stale
    while the file is not effective, Refused.
    """
    desk = Desk(session, actor, teacher, catalog)
    desk.hold()
    if kind not in (ChangeKind.MODIFY, ChangeKind.DELETE) or (kind == ChangeKind.DELETE and raw):
        raise Malformed()
    desk.require(set_code, raw, may_change)
    before = find_record(session, teacher, set_code, record_uuid)
    desk.refuse_second(set_code, before)
    if kind == ChangeKind.DELETE:
        made, problems = None, desk.not_removable(before)
    else:
        made, problems = desk.proposed(set_code, before, raw)
    _refuse(problems)
    item = Change(
        kind=kind,
        state=ChangeState.DRAFT,
        fields=[] if made is None else differing(before, made),
        correction_id=desk.open_correction(correction_id),
        **kept_words(reason, document_no),
    )
    desk.open(item, made, before)
    desk.note(item, before, made, step=OPENED)
    return item


def edit_change(
    session: Session,
    actor: Actor,
    item: Change,
    raw: Values,
    *,
    version: int | None,
    catalog: Catalog,
    reason: str | None = None,
    document_no: str | None = None,
) -> None:
    """Alter the draft of a change; what is left out stays. Raises as open_change(), and Stale when
    it is no draft any more or another version."""
    desk = Desk(session, actor, session.get_one(Teacher, item.teacher_id), catalog)
    desk.hold_draft(item, version)
    if item.kind == ChangeKind.DELETE and raw:
        raise Malformed()
    desk.require(item.set, raw, may_change)
    before = find_record(session, desk.teacher, item.set, item.record_uuid)
    made = pending_row(session, item)
    if made is not None:
        old = made.values()
        problems = desk.fill(made, raw)
        problems += desk.save_problems(before, made)
        if problems:
            session.expire(made)
            raise Refused(problems=problems)
        if made.values() != old:
            made.entered_by, made.entered_at = actor.account_id, now()
        attachment.link_proposed(session, item, made)
        item.fields = differing(before, made)
    words = kept_words(
        (item.reason or "") if reason is None else reason,
        (item.document_no or "") if document_no is None else document_no,
    )
    item.reason, item.document_no = words["reason"], words["document_no"]
    item.version += 1
    desk.note(item, before, made, step=EDITED)


def discard(
    session: Session, actor: Actor, item: Change, *, version: int | None, catalog: Catalog
) -> None:
    """Delete the draft of a change with what it proposes; raises Forbidden, NotFound, Stale."""
    desk = Desk(session, actor, session.get_one(Teacher, item.teacher_id), catalog)
    desk.hold_draft(item, version)
    made = pending_row(session, item)
    place = (item.flow, item.id, item.teacher_id)
    attachment.let_go(session, item)
    for row in filter(None, (made, item)):
        session.delete(row)
    audit.record(session, "delete", actor=actor, object=place, detail={"set": item.set})


def attach(
    session: Session, actor: Actor, item: Process, upload: Upload, *, storage: Storage
) -> Attachment:
    """Keep a file as evidence of a change in draft, or of an addition that the school has not yet
    confirmed. Raises Forbidden for all but who prepares it, Stale later on, Refused, Busy."""
    hold_item(session, item)
    mine, while_in = _preparing(actor, item)
    if not mine:
        raise Forbidden()
    if item.state != while_in:
        raise Stale()
    return attachment.keep_evidence(session, actor, item, upload, storage=storage)


def may_attach(actor: Actor, item: Process) -> bool:
    """Whether the actor prepares the process at present, and so may prove it."""
    mine, while_in = _preparing(actor, item)
    return mine and item.state == while_in


def may_edit_draft(actor: Actor, item: Process) -> bool:
    """Whether it is a draft that the actor may alter, discard and submit."""
    return isinstance(item, Change) and may_attach(actor, item)


def _preparing(actor: Actor, item: Process) -> tuple[bool, str]:
    """Whether the actor is who prepares a process, and in which state it is prepared."""
    if isinstance(item, Addition):
        return item.opened_by == actor.account_id, str(AdditionState.PENDING_SCHOOL)
    return is_school(actor, item), str(ChangeState.DRAFT)


def pending_row(session: Session, item: Process) -> Any:
    """The row that an addition or change proposes; None for a removal and once it is decided."""
    cls = TEACHER_SETS[item.set]
    return session.scalars(
        select(cls).where(
            cls.teacher_id == item.teacher_id,
            cls.uuid == item.record_uuid,
            cls.state == PENDING,
        )
    ).first()


def proposed_row(session: Session, item: Process) -> Any:
    """The row that an addition or change proposed, whatever has become of it; None for a removal
    and for what lapsed with it."""
    if item.is_open:
        return pending_row(session, item)
    cls = TEACHER_SETS[item.set]
    return session.scalars(
        select(cls).where(
            cls.teacher_id == item.teacher_id,
            cls.uuid == item.record_uuid,
            cls.valid_from == item.state_since,
        )
    ).first()


def before_row(session: Session, item: Process) -> Any:
    """The row that an addition or change stands on; None for a new record."""
    if item.before_id is None:
        return None
    cls = TEACHER_SETS[item.set]
    mine = (cls.id == item.before_id, cls.teacher_id == item.teacher_id)
    return session.scalars(select(cls).where(*mine)).first()


def _only_blanks(before: Any, fields: list[str], set_code: str) -> list[Problem]:
    """Filling a blank is an addition; altering what is in force is a change (s2)."""
    if before is None:
        return []
    text = _("This has a value in force. It is altered or deleted by a change.")
    return [
        Problem("in_force", text, set=set_code, field=code)
        for code in fields
        if before.value(code) not in (None, "")
    ]


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise Refused(problems=problems)
