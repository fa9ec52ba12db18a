"""The rules and words of indicators as the city sets them: tried, changed, put back (S09, S51).

A change is in force from the moment of its commit, in a new version of the catalogue; the kept
check results of all files then no longer hold (services.check.outdated).
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from flask_babel import gettext as _
from sqlalchemy import case, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from app.access.actor import Actor
from app.core.errors import Malformed, NotFound, Problem, Refused, Stale
from app.core.reference import FILLED_BY, REVIEWED_BY, Indicator, structure
from app.indicators.catalog import Catalog, touch
from app.models.indicator import Indicator as IndicatorRow
from app.models.indicator import IndicatorRule
from app.models.record import KEPT_ON_TEACHER, TEACHER_SETS
from app.models.teacher import IN_FORCE_STATES, Teacher
from app.models.unit import Unit
from app.services import audit
from app.services.contents import present
from app.services.versioned import current_row, former_rows, replace_row, require_right

RESOURCE = "Indicator"
WORDS = ("name_zh", "name_en", "help_zh", "help_en")
NEEDED_WORDS = ("name_zh", "name_en")
LONGEST = {"name_zh": 60, "name_en": 80, "help_zh": 300, "help_en": 300}


class Treatment(NamedTuple):
    """How a school category treats an indicator."""

    collected: bool
    required: bool
    filled_by: str
    reviewed_by: str


class Effect(NamedTuple):
    """What a change would do: files that lack the value, and how many of them are complete now."""

    lacking: int
    complete: int


def treatment_of(row: Any) -> Treatment:
    """The treatment that a rule says."""
    return Treatment(row.collected, row.required, row.filled_by, row.reviewed_by)


def rules_in_force(session: Session, item: Indicator) -> dict[str, Any]:
    """The rows in force of an indicator by category, read from the database."""
    rows = session.scalars(
        select(IndicatorRule).filter_by(set_code=item.set, indicator=item.code, valid_to=None)
    )
    return {row.category: row for row in rows}


def stamp_of(rules: Mapping[str, Any]) -> int:
    """What a form remembers of the rules that it showed: the newest of them."""
    return max((row.id for row in rules.values()), default=0)


def former_rules(session: Session, item: Indicator) -> list[Any]:
    """The rules of an indicator that are no longer in force, the last one first."""
    return former_rows(session, IndicatorRule, set_code=item.set, indicator=item.code)


def change_rules(
    session: Session,
    actor: Actor,
    item: Indicator,
    wanted: Mapping[str, Treatment],
    *,
    reason: str | None = None,
    seen: int | None = None,
) -> list[str]:
    """Put rules of an indicator in force; returns the categories that changed.

    `seen` is the stamp of the rules that the person saw. Raises Forbidden, Malformed, Stale, and
    Refused where a core indicator would be switched off or left to teachers (S52, S104).
    """
    require_right(actor, RESOURCE)
    rules = rules_in_force(session, item)
    if seen is not None and seen != stamp_of(rules):
        raise Stale()
    if not wanted.keys() <= rules.keys():
        raise Malformed()
    settled = {category: _settled(item, each) for category, each in wanted.items()}
    problems = [p for category, each in settled.items() for p in _faults(item, category, each)]
    if problems:
        raise Refused(problems=problems)
    changes = {
        category: (treatment_of(rules[category]), each)
        for category, each in settled.items()
        if treatment_of(rules[category]) != each
    }
    if not changes:
        return []
    for category, (_before, after) in changes.items():
        replace_row(session, rules[category], after._asdict())
    detail = {category: {"from": list(a), "to": list(b)} for category, (a, b) in changes.items()}
    _put_on_record(session, actor, item, {"rules": detail}, reason)
    return list(changes)


def put_back(session: Session, actor: Actor, item: Indicator, row_id: int) -> str:
    """Put an earlier rule in force again; returns its category. NotFound, Forbidden, Refused."""
    require_right(actor, RESOURCE)
    for row in former_rules(session, item):
        if row.id == row_id:
            change_rules(session, actor, item, {row.category: treatment_of(row)})
            return row.category
    raise NotFound()


def change_words(
    session: Session, actor: Actor, item: Indicator, words: Mapping[str, str]
) -> list[str]:
    """Change names and help of an indicator; returns what changed. Forbidden, Refused."""
    require_right(actor, RESOURCE)
    row = current_row(session, IndicatorRow, set_code=item.set, code=item.code)
    if row is None:
        raise NotFound()
    given = {name: words[name].strip() for name in WORDS if name in words}
    problems = [p for name, text in given.items() for p in _word_faults(name, text)]
    if problems:
        raise Refused(problems=problems)
    before = {name: getattr(row, name) for name in given}
    changed = [name for name, text in given.items() if before[name] != text]
    if not changed:
        return []
    replace_row(session, row, given)
    detail = {name: {"from": before[name], "to": given[name]} for name in changed}
    _put_on_record(session, actor, item, {"words": detail}, None)
    return changed


def _put_on_record(
    session: Session, actor: Actor, item: Indicator, detail: dict[str, Any], reason: str | None
) -> None:
    place = ("indicator", item.key)
    audit.record(session, "setting", actor=actor, object=place, reason=reason, detail=detail)
    touch(session)


def _settled(item: Indicator, wanted: Treatment) -> Treatment:
    """Nobody fills what is not collected, and nobody types what is computed."""
    if wanted.filled_by not in FILLED_BY or wanted.reviewed_by not in REVIEWED_BY:
        raise Malformed()
    if not wanted.collected:
        return Treatment(False, False, "", wanted.reviewed_by)
    return wanted._replace(required=False) if item.computed else wanted


def _faults(item: Indicator, category: str, wanted: Treatment) -> Iterable[Problem]:
    shipped = structure().rules[item.set, item.code, category]
    if item.indispensable and shipped.collected and not wanted.collected:
        text = _("The State asks for this core indicator: it cannot be switched off.")
        yield Problem("national_core", text, set=item.set, field=f"kind_{category}")
    if not wanted.collected or item.computed:
        return
    if not wanted.filled_by:
        text = _("Say who fills it in.")
        yield Problem("required", text, set=item.set, field=f"filler_{category}")
    elif item.core and wanted.filled_by != "school":
        text = _("Core information is filled in by the school only.")
        yield Problem("core", text, set=item.set, field=f"filler_{category}")
    if item.core and wanted.reviewed_by != "authority":
        text = _("Core information is reviewed by the authority.")
        yield Problem("core", text, set=item.set, field=f"reviewer_{category}")


def _word_faults(name: str, text: str) -> Iterable[Problem]:
    if not text and name in NEEDED_WORDS:
        yield Problem("required", _("This is needed."), field=name)
    if len(text) > LONGEST[name]:
        longest = LONGEST[name]
        yield Problem("long", _("At most %(number)s characters.", number=longest), field=name)


def effect_of(
    session: Session, item: Indicator, wanted: Mapping[str, Treatment], catalog: Catalog
) -> Effect:
    """Count the files that would miss the indicator if it were required as wanted.

    One statement, under the scope of the actor; categories that require it already do not count.
    """
    fresh = [
        category
        for category, each in wanted.items()
        if each.collected and each.required and not catalog.required(item.set, item.code, category)
    ]
    cls = TEACHER_SETS.get(item.set)
    if not fresh or cls is None or item.computed or item.code in KEPT_ON_TEACHER.get(item.set, ()):
        return Effect(0, 0)
    lacking = _lacks(cls, item, catalog)
    complete = func.sum(case((Teacher.complete_percent == 100, 1), else_=0))
    counted = (
        select(func.count(), complete)
        .select_from(Teacher)
        .join(Unit, Unit.id == Teacher.school_id)
        .where(Teacher.active, Unit.category.in_(fresh), lacking)
    )
    number, whole = session.execute(counted).one()
    return Effect(number, whole or 0)


def _lacks(cls: Any, item: Indicator, catalog: Catalog) -> Any:
    """Whether a present row of the file has no value where one applies (completeness.py)."""
    rows = aliased(cls)
    column = getattr(rows, item.code)
    blank = column.is_(None)
    if item.data_type not in ("int", "decimal", "date", "bool") and not item.sealed:
        blank = or_(blank, column == "")
    condition = catalog.condition(item)
    applies: Any = literal(True)
    if condition is not None and condition.set == item.set:
        applies = _holds(rows, condition, catalog)
    elif condition is not None:
        asked = aliased(TEACHER_SETS[condition.set])
        applies = (
            select(asked.id).where(_present(asked), _holds(asked, condition, catalog)).exists()
        )
    found = select(rows.id).where(_present(rows), blank, applies).exists()
    entry = catalog.set(item.set)
    if entry.multi_row or (condition is not None and condition.set == item.set):
        return found
    any_row = aliased(cls)
    none = ~select(any_row.id).where(_present(any_row)).exists()
    return or_(found, none & applies)


def _present(rows: Any) -> Any:
    """The rows that make up the file at present: its drafts while open, else those in force."""
    in_force = Teacher.state.in_(IN_FORCE_STATES)
    now = or_(in_force & present(rows, True), ~in_force & present(rows, False))
    return (rows.teacher_id == Teacher.id) & now


def _holds(rows: Any, condition: Any, catalog: Catalog) -> Any:
    """A condition of the catalogue as SQL; several codes stand in one text, joined by commas."""
    if condition.field in KEPT_ON_TEACHER.get(condition.set, ()):
        column = getattr(Teacher, condition.field)
    else:
        column = getattr(rows, condition.field)
    asked = catalog.indicator(condition.set, condition.field)
    if asked.data_type == "bool":
        return (
            column.is_(condition.value == "1")
            if condition.equal
            else column.is_(condition.value != "1")
        )
    filled = column.is_not(None) & (column != "")
    if asked.multi_value:
        among = (literal(",") + column + literal(",")).contains(f",{condition.value},")
        return filled & (among if condition.equal else ~among)
    return filled & ((column == condition.value) if condition.equal else column != condition.value)
