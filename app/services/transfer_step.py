"""Guards and columns of the steps of transfers (4.2 to 4.6); each takes many at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from app.access.modules import Module, module_problems
from app.access.roles import Role
from app.core.errors import Problem
from app.indicators import checks
from app.indicators.catalog import Catalog
from app.indicators.file import FileData, Row, SchoolFacts
from app.models.change import OPEN as OPEN_CHANGES
from app.models.change import RecordChange
from app.models.history import Transition
from app.models.record import TEACHER_SETS
from app.models.teacher import IN_FORCE_STATES, Teacher
from app.models.transfer import Transfer, TransferState
from app.models.unit import Unit
from app.services import check, exclusive
from app.services.among import among
from app.services.exclusive import Kind
from app.services.transfer import (
    AS_INDICATORS,
    EDITED,
    OPENED,
    read_values,
)

Guarded = dict[int, list[Problem]]

# What an application says at least (4.2), and the receiving school as it takes the file (4.6).
APPLIED = ("planned_on", "position", "reason")
POST = ("post_category", "post_grade")
TAKEN = ("join_month", "staff_category", *POST)


def teacher_ids(items: Iterable[Transfer]) -> list[int]:
    """The files that transfers are about."""
    return sorted({item.teacher_id for item in items})


def is_complete(_act: Any, items: list[Transfer]) -> Guarded:
    """Planned date, receiving post and reason are said (4.2)."""
    text = _("This is needed before the application is submitted.")
    return _missing(items, lambda item: [n for n in APPLIED if not getattr(item, n)], text)


def is_free(act: Any, items: list[Transfer]) -> Guarded:
    """No other process of the person stands in the way by now (s0, the matrix)."""
    asking = {item.teacher_id: item.id for item in items}
    refused = exclusive.refusals(act.session, Kind.TRANSFER, asking)
    return {item.id: refused[item.teacher_id] for item in items if item.teacher_id in refused}


def is_at_school(act: Any, items: list[Transfer]) -> Guarded:
    """The person is still active at the sending school (4.5)."""
    here = _at_school(act, items)
    text = _("The person is no longer active at the sending school. Withdraw or reject this.")
    return {item.id: [Problem("not_there", text)] for item in items if item.id not in here}


def _at_school(act: Any, items: Sequence[Transfer]) -> set[int]:
    places = act.session.execute(
        select(Teacher.id, Teacher.school_id).where(
            among(act.session, Teacher.id, teacher_ids(items)),
            Teacher.active,
            Teacher.state.in_(IN_FORCE_STATES),
        ),
        execution_options={"unscoped": True},
    )
    by_file = dict(places.all())
    return {item.id for item in items if by_file.get(item.teacher_id) == item.from_school_id}


def modules_on(act: Any, items: list[Transfer]) -> Guarded:
    """Both schools use the module (S66), and the receiving one that of rotations for one (6.2)."""
    ids = {key for item in items for key in (item.school_id, item.from_school_id)}
    asked = select(Unit).where(Unit.id.in_(ids))
    units = act.session.scalars(asked, execution_options={"unscoped": True}).all()
    known = act.known
    off = {unit.id: module_problems(Module.TRANSFER, unit, known) for unit in units}
    no_rotation = {unit.id: module_problems(Module.ROTATION, unit, known) for unit in units}
    problems = {
        item.id: [
            *off.get(item.school_id, ()),
            *off.get(item.from_school_id, ()),
            *(no_rotation.get(item.school_id, ()) if item.is_rotation else ()),
        ]
        for item in items
    }
    return {key: found for key, found in problems.items() if found}


def not_own_work(act: Any, items: list[Transfer]) -> Guarded:
    """Nobody decides on what they entered or submitted, nor confirms as authority what they
    released as head; one authority may stand on both sides (s0)."""
    barred = Transition.step.in_((OPENED, EDITED, "submit")) | (
        (Transition.step == "release") & (Transition.role == str(Role.SCHOOL_HEAD))
    )
    mine = act.session.scalars(
        select(Transition.object_id).where(
            Transition.flow == Transfer.flow,
            among(act.session, Transition.object_id, [item.id for item in items]),
            Transition.account_id == act.actor.account_id,
            barred,
        )
    )
    text = _("You entered, submitted or confirmed this; somebody else must decide on it.")
    return {key: [Problem("own_work", text)] for key in mine}


def nothing_is_open(act: Any, items: list[Transfer]) -> Guarded:
    """Additions and changes of the file are decided or withdrawn; those that are not are named
    (4.4). Nothing can be opened since the transfer was issued, and so nothing is left at the end.
    """
    rows = act.session.execute(
        select(RecordChange.teacher_id, RecordChange.flow, RecordChange.id, RecordChange.set)
        .where(
            among(act.session, RecordChange.teacher_id, teacher_ids(items)),
            RecordChange.state.in_(OPEN_CHANGES),
        )
        .order_by(RecordChange.id),
        execution_options={"unscoped": True},
    )
    known = act.known
    found: Guarded = {}
    for teacher_id, flow, key, code in rows:
        problem = _still_open(flow, key, code, known)
        found.setdefault(teacher_id, []).append(problem)
    return {item.id: found[item.teacher_id] for item in items if item.teacher_id in found}


def _still_open(flow: str, key: int, code: str, known: Catalog) -> Problem:
    text = (
        _("An addition to “%(set)s” is open. Decide on it or withdraw it first.")
        if flow == "addition"
        else _("A change of “%(set)s” is open. Decide on it or withdraw it first.")
    )
    words = text % {"set": known.name(known.set(code))}
    return Problem("open_process", words, set=code, record=key)


def is_placed(act: Any, items: list[Transfer]) -> Guarded:
    """Month of joining, staff category and post at the receiving school are said (4.6)."""
    known, category = act.known, act.actor.category or ""
    given = {name: act.data[name] for name in TAKEN if name in act.data}
    values, problems = read_values(given, category, known)
    asked = [name for name in TAKEN if known.rule(*AS_INDICATORS[name], category).collected]
    text = _("This is needed to take the file.")

    def missing(item: Transfer) -> list[str]:
        return [name for name in asked if not (values.get(name) or getattr(item, name))]

    found = {item.id: list(problems) for item in items} if problems else {}
    for key, more in _missing(items, missing, text).items():
        found.setdefault(key, []).extend(more)
    return found


def post_is_sound(act: Any, items: list[Transfer]) -> Guarded:
    """Post category and grade agree, as the rules ask of an appointment (DQ033; 4.6)."""
    known, category = act.known, act.actor.category or ""
    school = SchoolFacts(0, "", "", category, "")
    found: Guarded = {}
    for item in items:
        post = {name: act.data.get(name) or getattr(item, name) for name in POST}
        if not all(post.values()):
            continue
        file = FileData(None, school, "", {"post": (Row("", post),)})
        asked = checks.run(file, check.context(known), trigger="submit", only_sets={"post"})
        problems = [
            Problem(each.code, each.message, field=each.field)
            for each in asked
            if each.is_error and each.field in POST
        ]
        if problems:
            found[item.id] = problems
    return found


def joins_later(act: Any, items: list[Transfer]) -> Guarded:
    """Nobody joins a school before the one that they leave (4.6)."""
    basic = TEACHER_SETS["basic"]
    rows = act.session.execute(
        select(basic.teacher_id, basic.join_school).where(
            among(act.session, basic.teacher_id, teacher_ids(items)), basic.as_of()
        ),
        execution_options={"unscoped": True},
    )
    joined = dict(rows.all())
    found: Guarded = {}
    text = _("This is before the month in which the person joined the present school.")
    for item in items:
        month = act.data.get("join_month") or item.join_month
        if month and month < (joined.get(item.teacher_id) or ""):
            found[item.id] = [Problem("join_month", text, field="join_month")]
    return found


def _missing(items: Iterable[Transfer], names: Any, text: str) -> Guarded:
    found = {
        item.id: [Problem("required", text, field=name) for name in names(item)] for item in items
    }
    return {key: problems for key, problems in found.items() if problems}


def placed(act: Any, _items: list[Transfer]) -> Mapping[str, Any]:
    """What is said with the step is kept with the transfer (4.6)."""
    given = {name: act.data[name] for name in TAKEN if act.data.get(name)}
    values, _problems = read_values(given, act.actor.category, act.known)
    return values


def issued(act: Any, _items: list[Transfer]) -> Mapping[str, Any]:
    """From now on the sending side sees it (4.3)."""
    return {"issued_at": act.at}


def take_place(act: Any, items: list[Transfer]) -> None:
    """Take the one place that a person has for a transfer or rotation (4.2)."""
    for item in items:
        exclusive.occupy(act.session, Kind.TRANSFER, item.teacher_id, item.id)


def give_place_back(act: Any, items: list[Transfer]) -> None:
    """Whatever ends a transfer makes room for the next one."""
    exclusive.leave(act.session, Kind.TRANSFER, [item.id for item in items])


def confirms_itself(act: Any, item: Transfer) -> bool:
    """Whether the system confirms for an authority that has issued the same transfer (s4.3)."""
    same = item.is_of_one_authority and item.state == TransferState.PENDING_OUT_AUTHORITY
    return same and bool(act.known.parameter("same_authority_auto_confirm"))
