"""Correction hints: given by the teacher, answered by the school (workflows s3).

A hint is a message. It moves nothing in the file; what comes of it is a change of its own. Its text
stands sealed in its own table and nowhere else: not in notices, logs or the audit log.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import View, view_on_file, visible
from app.access.roles import Role
from app.core.clock import now
from app.core.crypto import seal
from app.core.errors import Forbidden, NotFound, Problem, Refused, Stale
from app.core.sealed import REMEDY, Unreadable, readable
from app.indicators.catalog import Catalog
from app.models.change import ChangeKind, RecordChange
from app.models.hint import CorrectionHint, HintState
from app.models.teacher import Teacher
from app.services import audit, notice, reveal
from app.services.among import among
from app.services.contents import find_record
from app.services.filling import hold
from app.services.notice import REASON_LENGTH, Telling

TABLE, COLUMN = CorrectionHint.__tablename__, "text"
TEXT_LENGTH = 500
MOST_OPEN = 20
SHOWN = 50
KEY = "hint"  # Stands for the place of an indicator where the text of a hint is revealed.


class About(NamedTuple):
    """What a hint is about: one field of one record of a set."""

    set: str
    field: str
    record: str


def may_give(actor: Actor, teacher: Teacher) -> bool:
    """Whether the actor may send hints about the file at present: the teacher, once effective."""
    mine = actor.role == Role.TEACHER and actor.teacher_id == teacher.id
    return mine and teacher.is_in_force


def reads_hints(actor: Actor) -> bool:
    """Whether hints are for the actor at all: who gives them and who answers them."""
    return actor.role in (Role.TEACHER, Role.SCHOOL_INFO)


def give(
    session: Session,
    actor: Actor,
    teacher: Teacher,
    about: About,
    text: str,
    *,
    catalog: Catalog,
) -> CorrectionHint:
    """Send the school a hint about one field of one record of the own effective file.

    Raises Forbidden for all but the teacher, Stale while the file is not effective, NotFound for a
    field that is not shown or a record that is not there, Refused for a text of no or too many
    characters and when too many hints wait.
    """
    if actor.role != Role.TEACHER or actor.teacher_id != teacher.id:
        raise Forbidden()
    hold(session, teacher)
    if not teacher.is_in_force:
        raise Stale(_("Hints are for effective files. This one can still be filled in."))
    entry = catalog.sets.get(about.set)
    shown = visible(actor, entry, teacher.category, catalog) if entry else []
    if about.field not in {item.code for item in shown}:
        raise NotFound()
    record = find_record(session, teacher, about.set, about.record)
    text = text.strip()
    if not 0 < len(text) <= TEXT_LENGTH:
        words = _("Say in 1 to %(n)s characters what should stand there.", n=TEXT_LENGTH)
        raise Refused(words, [Problem("text", words, set=about.set, field=about.field)])
    if open_count(session, teacher.id) >= MOST_OPEN:
        words = _("%(n)s of your hints are not yet answered. Please wait for them.", n=MOST_OPEN)
        raise Refused(words, [Problem("too_many", words)])
    uuid = uuid4().hex
    made = CorrectionHint(
        uuid=uuid,
        teacher_id=teacher.id,
        school_id=teacher.school_id,
        authority_id=teacher.authority_id,
        set=about.set,
        field=about.field,
        record_uuid=record.uuid,
        text=seal(text, table=TABLE, column=COLUMN, uuid=uuid),
        state=HintState.OPEN,
        given_by=actor.account_id,
        given_at=now(),
    )
    session.add(made)
    session.flush()
    place = {"set": about.set, "field": about.field}
    audit.record(session, "create", actor=actor, object=made, detail=place)
    notice.tell(session, Telling("hint_given", ("school_info",)), actor, [made])
    return made


def settle(
    session: Session, actor: Actor, hint: CorrectionHint, state: str, reason: str = ""
) -> None:
    """Answer a hint: taken up by a change, or set aside with a reason that the teacher reads.

    Raises Forbidden for all but the school's information administrator, Stale when it is answered
    already, Refused without a reason where one is due or with one that is too long.
    """
    if actor.role != Role.SCHOOL_INFO or actor.unit_id != hint.school_id:
        raise Forbidden()
    again = select(CorrectionHint).where(CorrectionHint.id == hint.id).with_for_update()
    session.scalars(again.execution_options(populate_existing=True)).first()
    if hint.state != HintState.OPEN:
        raise Stale(_("This hint is answered already."))
    reason = reason.strip()
    missing = state == HintState.SET_ASIDE and not reason
    if missing or len(reason) > REASON_LENGTH:
        raise Refused(problems=[notice.reason_problem()])
    hint.state, hint.reason = HintState(state), reason or None
    hint.settled_by, hint.settled_at = actor.account_id, now()
    session.flush()
    audit.record(session, "change", actor=actor, object=hint, detail={"state": str(hint.state)})
    notice.tell(session, Telling("my_hint_answered", ("teacher",)), actor, [hint])


def take_up(session: Session, actor: Actor, changes: Sequence[RecordChange], at: datetime) -> None:
    """Answer the open hints about what some changes alter or remove: they are taken up (3.2). The
    teachers hear of the changes themselves."""
    asked = {(each.teacher_id, each.set, each.record_uuid): each for each in changes}
    rows = session.scalars(
        select(CorrectionHint)
        .where(
            among(session, CorrectionHint.teacher_id, sorted({key for key, *_rest in asked})),
            CorrectionHint.state == HintState.OPEN,
        )
        .order_by(CorrectionHint.id)
        .with_for_update()
    )
    answered = []
    for hint in rows:
        found = asked.get((hint.teacher_id, hint.set, hint.record_uuid))
        if found is None or (found.kind != ChangeKind.DELETE and hint.field not in found.fields):
            continue
        hint.state, hint.settled_by, hint.settled_at = HintState.TAKEN_UP, actor.account_id, at
        answered.append(hint)
    session.flush()
    detail = {"state": str(HintState.TAKEN_UP)}
    audit.record_many(session, "change", actor=actor, objects=answered, detail=detail)


def text_of(hint: CorrectionHint) -> str | Unreadable:
    """The text of a hint; UNREADABLE where it is broken."""
    return readable(bytes(hint.text), table=TABLE, column=COLUMN, uuid=hint.uuid)


def is_shown_whole(actor: Actor, hint: CorrectionHint, catalog: Catalog) -> bool:
    """Whether the text shows as it is: it is about a value that may be masked for the reader."""
    item = catalog.by_key.get(f"{hint.set}.{hint.field}")
    return item is not None and view_on_file(actor, item) is View.WHOLE


def reveal_text(
    session: Session, actor: Actor, teacher: Teacher, uuid: str, *, purpose: str, limit: int
) -> str:
    """Return the text of a hint whole and write who read it for what purpose (SEC-10); raises
    NotFound, Refused for one that cannot be read, LimitReached."""
    hint = session.scalars(
        select(CorrectionHint).where(
            CorrectionHint.teacher_id == teacher.id, CorrectionHint.uuid == uuid
        )
    ).first()
    if hint is None:
        raise NotFound()
    text = text_of(hint)
    if isinstance(text, Unreadable):
        raise Refused(REMEDY, [Problem("unreadable", REMEDY, set=hint.set, field=hint.field)])
    place = {"set": hint.set, "field": hint.field}
    reveal.note_revealed(session, actor, hint, purpose=purpose, detail=place, limit=limit)
    return text


def of_file(
    session: Session, teacher: Teacher, set_code: str | None = None, *, only_open: bool = False
) -> Sequence[CorrectionHint]:
    """The latest hints of a file or of one set of it, the last one first."""
    statement = select(CorrectionHint).where(CorrectionHint.teacher_id == teacher.id)
    if set_code is not None:
        statement = statement.where(CorrectionHint.set == set_code)
    if only_open:
        statement = statement.where(CorrectionHint.state == HintState.OPEN)
    return session.scalars(statement.order_by(CorrectionHint.id.desc()).limit(SHOWN)).all()


def open_count(session: Session, teacher_id: int) -> int:
    """How many hints of a file are not yet answered."""
    waiting = select(func.count()).where(
        CorrectionHint.teacher_id == teacher_id, CorrectionHint.state == HintState.OPEN
    )
    return session.scalar(waiting) or 0


def waiting(session: Session) -> tuple[int, datetime | None]:
    """How many hints in scope are not yet answered, and since when the oldest waits."""
    number, oldest = session.execute(
        select(func.count(), func.min(CorrectionHint.given_at)).where(
            CorrectionHint.state == HintState.OPEN
        )
    ).one()
    return number, oldest
