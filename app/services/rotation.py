"""Rotations without change of personnel relation: drafted, edited, discarded (6.1); what they say.

The file stays with the school that sends: a rotation lies in that school's scope and names the
host, a school of the public register or one outside it in words.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.modules import Module, is_on, module_problems
from app.access.roles import Role
from app.access.scope import scoped_get
from app.core.clock import now
from app.core.errors import Forbidden, Malformed, NotFound, Problem, Refused, Stale
from app.indicators.catalog import Catalog
from app.indicators.file import FileData
from app.models.attachment import Attachment
from app.models.record import TEACHER_SETS
from app.models.rotation import Rotation, RotationState
from app.models.teacher import Teacher
from app.models.unit import Unit, UnitKind
from app.services import attachment, audit, transition
from app.services.attachment import Upload
from app.services.change_desk import EDITED, OPENED, brought
from app.services.contents import file_data
from app.services.effect import Coming
from app.services.exclusive import Kind, leave, occupy, require_free
from app.services.filling import hold
from app.services.raw_values import parse_values
from app.services.register import names_of
from app.services.storage import Storage
from app.services.wording import kept_words

SET = "rotation"
ON_DUTY, AWAY, HERE = "100", "205", "101"  # Codes of on_duty_status: here, sent out, as a guest.
NO_TYPE = "0"  # The code 无 of rotation_type.
# What is said of a rotation, and the indicator of the file that it becomes.
FIELDS: Mapping[str, str] = {
    "type": "type",
    "direction": "direction",
    "full_time": "is_full_rotation",
    "start": "start",
    "planned_end": "end",
    "to_text": "to_org",
}
Values = Mapping[str, Any]


def create(
    session: Session,
    actor: Actor,
    teacher: Teacher,
    raw: Values,
    *,
    catalog: Catalog,
    reason: str = "",
    document_no: str = "",
) -> Rotation:
    """Draft a rotation of a teacher of the own school (6.1).

    `raw` holds raw values by the names of FIELDS, and `to_school`, the id of the host if it is a
    school of the register. Raises Forbidden, Malformed, Refused with field and remedy.
    """
    if actor.role != Role.SCHOOL_INFO or actor.unit_id != teacher.school_id:
        raise Forbidden()
    hold(session, teacher)
    problems = module_problems(Module.ROTATION, teacher.school, catalog) + serving_problems(teacher)
    if problems:
        raise Refused(problems=problems)
    require_free(session, Kind.ROTATION, teacher.id)
    stamp = now()
    item = Rotation(
        uuid=uuid4().hex,
        teacher_id=teacher.id,
        school_id=teacher.school_id,
        from_school_id=teacher.school_id,
        authority_id=teacher.authority_id,
        state=RotationState.DRAFT,
        version=1,
        state_since=stamp,
        opened_by=actor.account_id,
        opened_role=str(actor.role),
        opened_at=stamp,
        transfer_personnel=False,
        **kept_words(reason, document_no),
    )
    _fill(session, item, teacher, raw, catalog)
    session.add(item)
    session.flush()
    occupy(session, Kind.ROTATION, teacher.id, item.id)
    _note(session, actor, item, OPENED)
    return item


def edit(
    session: Session,
    actor: Actor,
    item: Rotation,
    raw: Values,
    *,
    version: int | None,
    catalog: Catalog,
    reason: str | None = None,
    document_no: str | None = None,
) -> None:
    """Alter a draft; what is left out stays. Raises as create(), and Stale when it is no draft any
    more or another version."""
    teacher = _hold_draft(session, actor, item, version)
    words = kept_words(
        (item.reason or "") if reason is None else reason,
        (item.document_no or "") if document_no is None else document_no,
    )
    with session.no_autoflush:
        try:
            _fill(session, item, teacher, raw, catalog)
        except Refused:
            session.expire(item)
            raise
    item.reason, item.document_no = words["reason"], words["document_no"]
    item.version += 1
    session.flush()
    _note(session, actor, item, EDITED)


def discard(session: Session, actor: Actor, item: Rotation, *, version: int | None) -> None:
    """Delete a draft and free the place of the person; raises Forbidden, NotFound, Stale."""
    _hold_draft(session, actor, item, version)
    place = (item.flow, item.id, item.teacher_id)
    attachment.let_go(session, item)
    leave(session, Kind.ROTATION, [item.id])
    session.delete(item)
    audit.record(session, "delete", actor=actor, object=place)


def attach(
    session: Session, actor: Actor, item: Rotation, upload: Upload, *, storage: Storage
) -> Attachment:
    """Keep a file as evidence of a rotation in draft. Raises Forbidden for all but the school that
    sends, Stale later on, Refused, Busy."""
    _hold_draft(session, actor, item, None)
    return attachment.keep_evidence(session, actor, item, upload, storage=storage)


def may_send(actor: Actor, teacher: Teacher, catalog: Catalog) -> bool:
    """Whether a rotation of a teacher is the actor's to draft; the guards are asked later."""
    mine = actor.role == Role.SCHOOL_INFO and actor.unit_id == teacher.school_id
    return mine and teacher.is_in_force and is_on(Module.ROTATION, teacher.school, catalog)


def waits_for_authority() -> ColumnElement[bool]:
    """The rotations that the authority has to decide on, or whose extension it has."""
    asked = (Rotation.state == RotationState.ACTIVE) & Rotation.asked_end.is_not(None)
    return (Rotation.state == RotationState.PENDING) | asked


def serving_problems(teacher: Teacher) -> list[Problem]:
    """Why a teacher cannot be sent out: only who is active and on duty here can (6.1)."""
    if teacher.active and teacher.staff_status == ON_DUTY:
        return []
    text = _("Only a teacher on duty in your school can be sent out. Check the staff status.")
    return [Problem("staff_status", text, set="basic", field="staff_status")]


def find_host(session: Session, key: int | None) -> Unit:
    """The active school of that id, wherever it lies: the register is public. Raises NotFound."""
    found = session.scalars(
        select(Unit).where(Unit.id == key, Unit.kind == UnitKind.SCHOOL, Unit.active),
        execution_options={"unscoped": True},
    ).first()
    if found is None:
        raise NotFound()
    return found


def find_hosts(session: Session, actor: Actor, text: str, *, limit: int) -> list[Unit]:
    """The active schools whose name or code has a text in it, without the actor's own."""
    fitting = Unit.name.contains(text, autoescape=True) | Unit.code.startswith(
        text, autoescape=True
    )
    return list(
        session.scalars(
            select(Unit)
            .where(Unit.kind == UnitKind.SCHOOL, Unit.active, Unit.id != actor.unit_id, fitting)
            .order_by(Unit.name, Unit.id)
            .limit(limit),
            execution_options={"unscoped": True},
        )
    )


def host_name(item: Rotation, names: Mapping[int, str]) -> str:
    """The name of the host."""
    if item.to_school_id is None:
        return item.to_text or ""
    return names.get(item.to_school_id, "")


def new_row(item: Rotation, names: Mapping[int, str], uuid: str) -> Any:
    """The record that a rotation becomes in the file, not yet stored."""
    row = TEACHER_SETS[SET](
        uuid=uuid,
        teacher_id=item.teacher_id,
        school_id=item.school_id,
        authority_id=item.authority_id,
        entered_by=item.opened_by,
        entered_at=now(),
    )
    values = {code: getattr(item, name) for name, code in FIELDS.items()}
    values |= {
        "transfer_personnel": item.transfer_personnel,
        "from_org": names[item.from_school_id],
        "to_org": host_name(item, names),
    }
    for code, value in values.items():
        row.put(code, value)
    return row


def rule_problems(
    file: FileData, item: Rotation, names: Mapping[int, str], catalog: Catalog
) -> list[Problem]:
    """The errors of the rules that a file would have with the record of a rotation: two different
    units, months in order, no other rotation in the same period (DQ063, DQ064)."""
    if not (item.start and item.planned_end):
        return []
    row = new_row(item, names, item.record_uuid or item.uuid)
    coming = Coming(None, row, tuple(FIELDS.values()))
    return brought(file, coming, catalog, only_sets={SET})


def _fill(
    session: Session, item: Rotation, teacher: Teacher, raw: Values, catalog: Catalog
) -> None:
    """Write what is said into a draft and ask the rules. Raises Malformed, Refused."""
    unknown = sorted(raw.keys() - FIELDS.keys() - {"to_school"})
    if unknown:
        raise Malformed(problems=[Problem("field", unknown[0], field=unknown[0])])
    given = {code: raw[name] for name, code in FIELDS.items() if name in raw}
    values, problems = parse_values(catalog, SET, given, teacher.category)
    for name, code in FIELDS.items():
        if code in values:
            setattr(item, name, values[code])
    problems = [replace(each, field=_name_of(each.field)) for each in problems]
    problems += _name_host(session, item, raw)
    if not problems:
        file = file_data(session, [teacher], catalog)[teacher.id]
        problems = rule_problems(file, item, names_of(session, [item]), catalog)
    if problems:
        raise Refused(problems=problems)


def _name_of(code: str | None) -> str | None:
    return next((name for name, each in FIELDS.items() if each == code), code)


def _name_host(session: Session, item: Rotation, raw: Values) -> list[Problem]:
    """Write the host: a school of the register takes the place of words, and the other way."""
    key = raw.get("to_school")
    if key is not None:
        try:
            host = find_host(session, key)
        except NotFound:
            text = _("There is no such school in the register. Search for it by name or code.")
            return [Problem("to_school", text, set=SET, field="to_school")]
        item.to_school_id, item.to_authority_id, item.to_text = host.id, host.authority_id, None
    elif "to_school" in raw or raw.get("to_text"):
        item.to_school_id = item.to_authority_id = None
    if item.to_school_id == item.school_id:
        text = _("A teacher rotates to another school. Choose another one.")
        return [Problem("to_school", text, set=SET, field="to_school")]
    return []


def _hold_draft(session: Session, actor: Actor, item: Rotation, version: int | None) -> Teacher:
    """Lock the file and a draft of the actor's school, in the order of the steps."""
    teacher = scoped_get(session, Teacher, item.teacher_id)
    hold(session, teacher)
    again = select(Rotation).where(Rotation.id == item.id).with_for_update(of=Rotation)
    if session.scalars(again.execution_options(populate_existing=True)).first() is None:
        raise NotFound()
    if actor.role != Role.SCHOOL_INFO or actor.unit_id != item.school_id:
        raise Forbidden()
    if item.state != RotationState.DRAFT or version not in (None, item.version):
        raise Stale()
    return teacher


def _note(session: Session, actor: Actor, item: Rotation, step: str) -> None:
    is_new = step == OPENED
    before = None if is_new else item.state
    transition.note(session, actor, item, flow=item.flow, step=step, from_state=before)
    place = (item.flow, item.id, item.teacher_id)
    audit.record(session, "create" if is_new else "change", actor=actor, object=place)
