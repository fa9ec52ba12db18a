"""Applications for teachers of other schools: a person is found, a draft opened, edited (4.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from app.access.actor import Actor
from app.access.modules import Module, module_problems
from app.access.roles import Role
from app.access.scope import scoped_get
from app.core.clock import now, today
from app.core.crypto import search_indexes
from app.core.errors import Forbidden, Malformed, NotFound, Problem, Refused, Stale
from app.core.sealed import readable
from app.indicators.catalog import Catalog
from app.indicators.readers import BadValue
from app.indicators.values import mask, parse
from app.models.teacher import Teacher
from app.models.transfer import Transfer, TransferState
from app.models.unit import Unit
from app.services import audit, look_up, transition
from app.services.exclusive import Kind, hold, require_free
from app.services.transfer_rotation import asked_problems
from app.services.wording import kept_words

OPENED, EDITED = "apply", "amend"  # Beside the steps of the flow in its history.
SHOWN_DIGITS = 4  # Of the ID number, as lists show it.
# What the receiving school says of the person, by the indicator that reads it.
AS_INDICATORS = {
    "position": ("work", "position"),
    "join_month": ("basic", "join_school"),
    "staff_category": ("basic", "staff_category"),
    "post_category": ("post", "post_category"),
    "post_grade": ("post", "post_grade"),
    "rotation_type": ("rotation", "type"),
    "planned_end": ("rotation", "end"),
}
DAYS = ("planned_on", "document_on")
PLAIN = (*DAYS, "reason", "document_no")
FIELDS = (*PLAIN, *AS_INDICATORS)
NO_MATCH = "no_match"
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Person:
    """Somebody of another school as far as the applicant may know (SEC-13)."""

    id: int
    name: str
    school: str
    masked: str


def find(session: Session, actor: Actor, id_no: str, name: str, *, catalog: Catalog) -> int | None:
    """The file of exactly this ID number and name, wherever it lies; None alike for a number that
    nobody has and for another name. The caller commits what is put on record.

    Raises Forbidden for other roles, Refused while the module is off, LimitReached.
    """
    _require_clerk(session, actor, catalog)
    look_up.require_left(session, actor, catalog)
    key = session.scalar(
        select(Teacher.id)
        .where(Teacher.has_number(_indexes(id_no)), Teacher.name == name.strip())
        .order_by(Teacher.active.desc(), Teacher.id.desc())
        .limit(1)
        .execution_options(unscoped=True)
    )
    look_up.note(session, actor, key, catalog)
    return key


def no_match() -> Refused:
    """What is answered when nobody has both this number and this name."""
    text = _("Nobody has both this ID number and this name. Please check them with the documents.")
    return Refused(problems=[Problem(NO_MATCH, text, field="id_no")])


def require_open(session: Session, actor: Actor, key: int, *, catalog: Catalog) -> Teacher:
    """Hold a file that was found, and tell why no transfer of it may be opened (4.1). Raises
    Refused with the reasons."""
    hold(session, [key])
    file, school = _person(session, key)
    problems = []
    if file.school_id == actor.unit_id:
        text = _("This person belongs to your school already.")
        problems.append(Problem("own_school", text))
    elif not file.active:
        text = _(
            "This person is not on the rolls of a school. The file is taken up again instead;"
            " please ask your authority."
        )
        problems.append(Problem("inactive", text))
    else:
        problems += module_problems(Module.TRANSFER, school, catalog)
    if problems:
        raise Refused(problems=problems)
    require_free(session, Kind.TRANSFER, key)
    return file


def person(session: Session, key: int, catalog: Catalog) -> Person:
    """What is shown of a person to whoever may see the transfer: name, school, masked number."""
    file, school = _person(session, key)
    return Person(file.id, file.name, school.name, _masked(file, catalog))


def masked_number(session: Session, key: int, catalog: Catalog) -> str:
    """The ID number of a person with all but the last digits hidden, for the parties of a transfer
    in their scope."""
    return _masked(_person(session, key)[0], catalog)


def _masked(file: Teacher, catalog: Catalog) -> str:
    number = None
    if file.id_no:
        number = readable(file.id_no, table="teacher", column="id_no", uuid=file.uuid)
    return mask(catalog.indicator("basic", "id_no"), number, keep=SHOWN_DIGITS)


def open_transfer(
    session: Session, actor: Actor, file: Teacher, raw: Values, *, catalog: Catalog
) -> Transfer:
    """Draft an application for a person whose file is held (4.1). It links to the one that was
    rejected before. Raises Refused, Malformed for fields that there are not."""
    school = scoped_get(session, Unit, actor.unit_id)
    values = _read(raw, school, catalog)
    stamp = now()
    item = Transfer(
        uuid=uuid4().hex,
        teacher_id=file.id,
        school_id=school.id,
        authority_id=school.authority_id,
        from_school_id=file.school_id,
        from_authority_id=file.authority_id,
        name=file.name,
        state=TransferState.DRAFT,
        version=1,
        state_since=stamp,
        opened_by=actor.account_id,
        opened_at=stamp,
        previous_id=_rejected(session, file.id, school.id),
        **values,
    )
    session.add(item)
    session.flush()
    _note(session, actor, item, OPENED)
    return item


def edit(
    session: Session,
    actor: Actor,
    item: Transfer,
    raw: Values,
    *,
    version: int | None,
    catalog: Catalog,
) -> None:
    """Alter a draft; what is left out stays. Raises Forbidden for all but the receiving school,
    Stale when it is no draft any more or another version, Refused, Malformed."""
    hold(session, [item.teacher_id])
    again = select(Transfer).where(Transfer.id == item.id).with_for_update()
    found = session.scalars(again.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound()
    if actor.role != Role.SCHOOL_INFO or actor.unit_id != found.school_id:
        raise Forbidden()
    if found.state != TransferState.DRAFT or version not in (None, found.version):
        raise Stale()
    school = scoped_get(session, Unit, actor.unit_id)
    for name, value in _read(raw, school, catalog).items():
        setattr(found, name, value)
    found.version += 1
    session.flush()
    _note(session, actor, found, EDITED)


def read_values(
    raw: Values, category: str | None, catalog: Catalog
) -> tuple[dict[str, Any], list[Problem]]:
    """The typed values of raw ones, and a problem per bad one. Raises Malformed for fields that
    there are not."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, given in raw.items():
        if name not in FIELDS:
            text = _("There is no such field.")
            raise Malformed(problems=[Problem("field", text, field=name)])
        try:
            values[name] = _value(name, given, category, catalog)
        except Refused as bad:
            problems += bad.problems
    return values, problems


def _indexes(id_no: str) -> list[bytes]:
    """Where a number may stand; what is blank stands nowhere."""
    try:
        return search_indexes(id_no, "idcard")
    except ValueError:
        return []


def _require_clerk(session: Session, actor: Actor, catalog: Catalog) -> None:
    """Only the information administrator of a school with the module on applies."""
    if actor.role != Role.SCHOOL_INFO:
        raise Forbidden()
    problems = module_problems(Module.TRANSFER, scoped_get(session, Unit, actor.unit_id), catalog)
    if problems:
        raise Refused(problems=problems)


def _person(session: Session, key: int) -> tuple[Teacher, Unit]:
    row = session.execute(
        select(Teacher, Unit)
        .join(Unit, Unit.id == Teacher.school_id)
        .where(Teacher.id == key)
        .options(undefer(Teacher.id_no))
        .execution_options(unscoped=True, populate_existing=True)
    ).one()
    return row[0], row[1]


def _rejected(session: Session, teacher_id: int, school_id: int) -> int | None:
    """The application of the school for that person that was rejected last."""
    return session.scalar(
        select(Transfer.id)
        .where(
            Transfer.teacher_id == teacher_id,
            Transfer.school_id == school_id,
            Transfer.state == TransferState.REJECTED,
        )
        .order_by(Transfer.id.desc())
        .limit(1)
    )


def _read(raw: Values, school: Unit, catalog: Catalog) -> dict[str, Any]:
    values, problems = read_values(raw, school.category, catalog)
    problems += asked_problems(values, school, catalog)
    if problems:
        raise Refused(problems=problems)
    return values


def _value(name: str, given: Any, category: str | None, catalog: Catalog) -> Any:
    if name in AS_INDICATORS:
        indicator = catalog.indicator(*AS_INDICATORS[name])
        try:
            return parse(indicator, given, catalog, category=category)
        except BadValue as bad:
            raise Refused(problems=[Problem(bad.code, bad.message, field=name)]) from None
    if given is not None and not isinstance(given, str):
        raise Malformed(problems=[Problem("text", name, field=name)])
    words = (given or "").strip()
    if name in DAYS:
        return _day(name, words)
    if name == "reason":
        return kept_words(words, "")[name]
    if name == "document_no":
        return kept_words("", words)[name]
    return words or None


def _day(name: str, words: str) -> date | None:
    try:
        day = date.fromisoformat(words) if words else None
    except ValueError:
        text = _("Enter a day as year, month and day, e.g. 2026-09-01.")
        raise Refused(problems=[Problem(name, text, field=name)]) from None
    if name == "document_on" and day and day > today():
        text = _("A document cannot bear a date in the future.")
        raise Refused(problems=[Problem(name, text, field=name)])
    return day


def _note(session: Session, actor: Actor, item: Transfer, step: str) -> None:
    is_new = step == OPENED
    old = None if is_new else item.state
    transition.note(session, actor, item, flow=item.flow, step=step, from_state=old)
    act = "create" if is_new else "change"
    audit.record(session, act, actor=actor, object=(item.flow, item.id, item.teacher_id))
