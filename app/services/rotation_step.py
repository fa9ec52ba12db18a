"""Guards and effects of the steps of a rotation (6.2 to 6.7); each takes many at once."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import today
from app.core.errors import Problem
from app.indicators.periods import month_of
from app.indicators.values import BadValue, parse
from app.models.change import OPEN, RecordChange
from app.models.history import Transition
from app.models.record import TEACHER_SETS
from app.models.rotation import Rotation
from app.models.teacher import Teacher
from app.services import exclusive
from app.services.among import among
from app.services.change_desk import brought
from app.services.contents import file_data
from app.services.effect import Coming, copied
from app.services.exclusive import Kind
from app.services.register import names_of
from app.services.rotation import (
    NO_TYPE,
    SET,
    rule_problems,
    serving_problems,
)

CAUSE = "rotation"
Guarded = dict[int, list[Problem]]


@dataclass(frozen=True)
class Sent:
    """A rotation with its file, which is locked, and its record in force, if it has one."""

    item: Rotation
    teacher: Teacher
    record: Any


def sent(act: Any, items: Sequence[Rotation]) -> list[Sent]:
    """Some rotations in order of id with their files, read once per act; the files are held, so
    that they stay what they are until its end."""
    if "sent" not in act.notes:
        act.notes["sent"] = _read(act.session, items)
    known: dict[int, Sent] = act.notes["sent"]
    return [known[item.id] for item in sorted(items, key=lambda item: item.id)]


def _read(session: Session, items: Sequence[Rotation]) -> dict[int, Sent]:
    ids = sorted({item.teacher_id for item in items})
    files = (
        select(Teacher)
        .where(among(session, Teacher.id, ids))
        .execution_options(populate_existing=True)
    )
    teachers = {teacher.id: teacher for teacher in session.scalars(files)}
    cls = TEACHER_SETS[SET]
    rows = select(cls).where(among(session, cls.teacher_id, ids), cls.as_of())
    records = {row.uuid: row for row in session.scalars(rows)}
    return {
        item.id: Sent(item, teachers[item.teacher_id], records.get(item.record_uuid or ""))
        for item in items
    }


def last_day(month: str) -> date:
    """The last day of a month YYYY-MM."""
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, monthrange(year, number)[1])


def has_begun(item: Rotation) -> bool:
    """Whether the first month of a rotation has come."""
    return item.start is not None and item.start <= month_of(today())


# Guards.


def is_complete(_act: Any, items: list[Rotation]) -> Guarded:
    """Type, host, start, planned end and direction are said (6.2)."""
    words = {
        "type": _("Choose how the teacher is exchanged."),
        "direction": _("Choose the direction."),
        "start": _("Enter the first month."),
        "planned_end": _("Enter the last month that is planned."),
        "to_school": _("Name the school that receives the teacher."),
    }
    found: Guarded = {}
    for item in items:
        said = {name: getattr(item, name) for name in words if name != "to_school"}
        said["to_school"] = item.to_school_id or item.to_text
        missing = [name for name in words if said[name] in (None, "")]
        if item.type == NO_TYPE:
            missing.append("type")
        if missing:
            found[item.id] = [Problem("required", words[n], set=SET, field=n) for n in missing]
    return found


def still_serves(act: Any, items: list[Rotation]) -> Guarded:
    """The teacher is active and on duty in the school that sends (6.1)."""
    found = {each.item.id: serving_problems(each.teacher) for each in sent(act, items)}
    return {key: problems for key, problems in found.items() if problems}


def matrix_allows(act: Any, items: list[Rotation]) -> Guarded:
    """No other process of the person stands in the way (s0, asked again at 6.5)."""
    by_person = {each.teacher.id: each.item.id for each in sent(act, items)}
    refused = exclusive.refusals(act.session, Kind.ROTATION, by_person)
    return {by_person[key]: problems for key, problems in refused.items()}


def rules_hold(act: Any, items: list[Rotation]) -> Guarded:
    """The record fits the file (DQ063, DQ064)."""
    known, mine = act.known, sent(act, items)
    files = file_data(act.session, [each.teacher for each in mine], known)
    names = names_of(act.session, items)
    found = {
        each.item.id: rule_problems(files[each.teacher.id], each.item, names, known)
        for each in mine
    }
    return {key: problems for key, problems in found.items() if problems}


def record_is_free(act: Any, items: list[Rotation]) -> Guarded:
    """No addition to its record and no change of it is open: it would come upon a record that the
    step replaces."""
    by_record = {item.record_uuid: item.id for item in items if item.record_uuid}
    busy = act.session.scalars(
        select(RecordChange.record_uuid).where(
            RecordChange.set == SET,
            RecordChange.record_uuid.in_(by_record),
            RecordChange.state.in_(OPEN),
        )
    )
    text = _("An addition to this record or a change of it is open. Decide on it first.")
    return {by_record[uuid]: [Problem("open_process", text, set=SET)] for uuid in busy}


def is_due(_act: Any, items: list[Rotation]) -> Guarded:
    """Its first month has come, and it has not begun yet."""
    text = _("It has begun already, or its first month has not come yet.")
    return {
        item.id: [Problem("start", text, set=SET, field="start")]
        for item in items
        if item.started_at is not None or not has_begun(item)
    }


def has_started(_act: Any, items: list[Rotation]) -> Guarded:
    """Only what has begun can end (6.6)."""
    text = _("It has not begun yet. Terminate it instead.")
    return {
        item.id: [Problem("start", text, set=SET, field="start")]
        for item in items
        if item.started_at is None
    }


def day_fits(act: Any, items: list[Rotation]) -> Guarded:
    """What has begun ends on a day that has come, not before its first month (6.6, 6.7)."""
    found: Guarded = {}
    for item in items:
        try:
            day = ended_on(act, item)
        except ValueError:
            text = _("Enter the day as YYYY-MM-DD.")
        else:
            if day > today():
                text = _("The last day has not come yet. A planned end is changed by an extension.")
            elif item.started_at is not None and month_of(day) < (item.start or ""):
                text = _("The end cannot come before the start.")
            else:
                continue
        found[item.id] = [Problem("ended_on", text, set=SET, field="ended_on")]
    return found


def ended_on(act: Any, item: Rotation) -> date:
    """The last day that is meant: the one that is given, else the present one, at the latest the
    last as it was planned. Raises ValueError."""
    given = act.data.get("ended_on")
    if given:
        return date.fromisoformat(given)
    return min(today(), last_day(item.planned_end)) if item.planned_end else today()


def is_later(act: Any, items: list[Rotation]) -> Guarded:
    """What is asked for is a month after the planned end, and fits the file (s6.1)."""
    found: Guarded = {}
    months: dict[int, str] = {}
    for item in items:
        try:
            month = asked_month(act)
        except BadValue as bad:
            text = str(bad.problem(act.known.indicator(SET, "end")).message)
            month = ""
        else:
            text = _("An extension ends later than %(month)s.", month=item.planned_end)
        if not month or month <= (item.planned_end or ""):
            found[item.id] = [Problem("until", text, set=SET, field="until")]
        else:
            months[item.id] = month
    left = [item for item in items if item.id in months]
    return found | _fits_until(act, left, months)


def asked_month(act: Any) -> str:
    """The month that an extension asks for. Raises BadValue."""
    known = act.known
    return str(parse(known.indicator(SET, "end"), act.data.get("until"), known) or "")


def is_asked(_act: Any, items: list[Rotation]) -> Guarded:
    """An extension waits for the authority."""
    text = _("No extension is asked for.")
    return {item.id: [Problem("asked_end", text, set=SET)] for item in items if not item.asked_end}


def asked_by_another(act: Any, items: list[Rotation]) -> Guarded:
    """Nobody confirms an extension that they asked for themselves (s0)."""
    mine = act.session.scalars(
        select(Transition.object_id).where(
            Transition.flow == Rotation.flow,
            among(act.session, Transition.object_id, [item.id for item in items]),
            Transition.account_id == act.actor.account_id,
            Transition.step == "extend",
        )
    )
    text = _("You asked for this; somebody else must decide on it.")
    return {key: [Problem("own_work", text)] for key in mine}


def asked_end_fits(act: Any, items: list[Rotation]) -> Guarded:
    """The file still has room for the longer period (DQ064)."""
    months = {item.id: item.asked_end for item in items if item.asked_end}
    return _fits_until(act, [item for item in items if item.id in months], months)


def _fits_until(act: Any, items: list[Rotation], months: Mapping[int, str]) -> Guarded:
    known = act.known
    mine = [each for each in sent(act, items) if each.record is not None]
    if not mine:
        return {}
    files = file_data(act.session, [each.teacher for each in mine], known)
    found = {}
    for each in mine:
        after = successor(each, months[each.item.id])
        coming = Coming(each.record, after, ("end",))
        problems = brought(files[each.teacher.id], coming, known, only_sets={SET})
        if problems:
            found[each.item.id] = problems
    return found


def successor(each: Sent, month: str) -> Any:
    """The record of a rotation with another end, not yet stored."""
    row = TEACHER_SETS[SET](**copied(each.record))
    row.put("end", month)
    return row
