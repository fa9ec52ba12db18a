"""Rotations with change of personnel relation: transfers that say how and until when (6.2).

They have the states, actors and effects of any transfer, and write a record of rotation too.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from app.access.modules import Module, module_problems
from app.core.errors import Problem
from app.indicators.catalog import Catalog
from app.indicators.file import FileData, Row, SchoolFacts
from app.indicators.periods import month_of
from app.models.record import TEACHER_SETS
from app.models.rotation import Rotation
from app.models.transfer import Transfer
from app.models.unit import Unit
from app.services.among import among
from app.services.register import names_of
from app.services.rotation import NO_TYPE, SET, new_row, rule_problems

Guarded = dict[int, list[Problem]]


def asked_problems(values: Mapping[str, Any], school: Unit, catalog: Catalog) -> list[Problem]:
    """Why what is said in a draft makes no rotation to a school: the module is off there, or the
    type says that it is none."""
    kind = values.get("rotation_type")
    if kind is None:
        return []
    problems = module_problems(Module.ROTATION, school, catalog)
    if kind == NO_TYPE:
        problems.append(_no_type())
    return problems


def _no_type() -> Problem:
    return Problem("required", _("Choose how the teacher is exchanged."), field="rotation_type")


def rotation_is_complete(_act: Any, items: list[Transfer]) -> Guarded:
    """A rotation says how the teacher is exchanged and until when (6.2)."""
    found = {item.id: _missing(item) for item in items}
    return {key: problems for key, problems in found.items() if problems}


def _missing(item: Transfer) -> list[Problem]:
    if item.rotation_type is None and item.planned_end is None:
        return []
    problems = [] if item.rotation_type else [_no_type()]
    if item.planned_end is None:
        text = _("Enter the last month that is planned.")
        problems.append(Problem("required", text, field="planned_end"))
    elif item.planned_on and item.planned_end < month_of(item.planned_on):
        text = _("The end cannot come before the start.")
        problems.append(Problem("planned_end", text, field="planned_end"))
    return problems


def period_is_free(act: Any, items: list[Transfer]) -> Guarded:
    """The record fits those of the file: no two rotations at a time (DQ063, DQ064). The sending
    side is told first; nobody hears of the other records."""
    mine = [item for item in items if item.is_rotation]
    if not mine:
        return {}
    session, known, names = act.session, act.known, names_of(act.session, mine)
    ids = sorted({item.teacher_id for item in mine})
    cls: Any = TEACHER_SETS[SET]
    unscoped = {"unscoped": True}
    rows: dict[int, list[Row]] = {key: [] for key in ids}
    written = select(cls).where(among(session, cls.teacher_id, ids), cls.as_of())
    for row in session.scalars(written, execution_options=unscoped):
        rows[row.teacher_id].append(Row(row.uuid, row.values()))
    schools = {item.from_school_id for item in mine}
    kinds = select(Unit.id, Unit.category).where(Unit.id.in_(schools))
    category = dict(session.execute(kinds, execution_options=unscoped).all())
    found: Guarded = {}
    for item in mine:
        school = SchoolFacts(0, "", "", category[item.from_school_id] or "", "")
        file = FileData(None, school, "", {SET: tuple(rows[item.teacher_id])})
        problems = rule_problems(file, _as_rotation(item), names, known)
        if problems:
            found[item.id] = [_without_record(each) for each in problems]
    return found


def _without_record(problem: Problem) -> Problem:
    return Problem(problem.code, problem.message, field="planned_end")


def records(act: Any, items: Iterable[Transfer]) -> dict[int, dict[str, Any]]:
    """What the records of those that are rotations say, by file."""
    mine = [item for item in items if item.is_rotation]
    names = names_of(act.session, mine)
    return {
        item.teacher_id: new_row(_as_rotation(item), names, item.uuid).values() for item in mine
    }


def _as_rotation(item: Transfer) -> Rotation:
    """The rotation that a transfer is, never stored: from the planned day on."""
    return Rotation(
        uuid=item.uuid,
        teacher_id=item.teacher_id,
        school_id=item.from_school_id,
        from_school_id=item.from_school_id,
        authority_id=item.from_authority_id,
        to_school_id=item.school_id,
        type=item.rotation_type,
        start=month_of(item.planned_on) if item.planned_on else None,
        planned_end=item.planned_end,
        transfer_personnel=True,
        opened_by=item.opened_by,
    )
