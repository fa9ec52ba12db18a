"""Collection rounds: which round asks a unit, by when, who is late, and what is locked (S82).

A round asks the units of some categories, of all authorities or of one, by three deadlines:
school, authority, city. A passed deadline marks late and urges; only closing the round locks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import inspect, or_, select, update
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import AUTHORITIES, Role
from app.core.clock import now, today
from app.core.errors import Forbidden, NotFound, Problem, Refused
from app.models.round import Extension, Round
from app.models.teacher import OPEN_STATES, ReviewState, Teacher
from app.models.unit import Unit, UnitKind
from app.services import audit, notice

NOT_REPORTED = (*OPEN_STATES, ReviewState.SUBMITTED)
# What waits at each later stage, and the column of a round with its last day.
STAGES = {
    ReviewState.SCHOOL_CONFIRMED: "authority_deadline",
    ReviewState.EFFECTIVE: "city_deadline",
}
SCHOOL_ROLES = (Role.SCHOOL_INFO, Role.SCHOOL_HEAD)
REASON_LENGTH = 500


@dataclass(frozen=True)
class Terms:
    """The round that asks a unit, and the unit's own last day."""

    round: Round
    due: date
    extended: bool

    @property
    def locked(self) -> bool:
        """Whether submitting and reporting are locked: closed, and no extension runs."""
        return self.round.closed and not (self.extended and today() <= self.due)

    @property
    def begins_later(self) -> bool:
        """Whether the round has not begun."""
        return today() < self.round.opens_on

    @property
    def overdue(self) -> bool:
        """Whether the last day has passed."""
        return today() > self.due

    @property
    def days_left(self) -> int:
        """Days until the last day; negative when it has passed."""
        return (self.due - today()).days


def covers(each: Round, unit: Unit) -> bool:
    """Whether a round asks a unit: its category, and its authority where the round names one."""
    wanted = [c for c in each.categories.split(",") if c]
    if wanted and unit.category not in wanted:
        return False
    return each.authority_id is None or each.authority_id == unit.authority_id


def rounds_of(session: Session, units: Sequence[Unit]) -> dict[int, Round]:
    """The latest round that covers each unit, open or closed, by unit id; one that has not begun
    counts only where no other does."""
    latest = session.scalars(select(Round).order_by(Round.id.desc())).all()
    rounds = sorted(latest, key=lambda each: each.opens_on > today())
    first = ((unit.id, next((r for r in rounds if covers(r, unit)), None)) for unit in units)
    return {key: each for key, each in first if each is not None}


def terms_of(session: Session, units: Sequence[Unit]) -> dict[int, Terms]:
    """Under which terms each unit reports, by unit id; a unit that no round asks is left out."""
    rounds = rounds_of(session, units)
    if not rounds:
        return {}
    longer = {
        (each.unit_id, each.round_id): each.until
        for each in session.scalars(
            select(Extension).where(Extension.round_id.in_({r.id for r in rounds.values()}))
        )
    }
    found = {}
    for key, each in rounds.items():
        until = longer.get((key, each.id))
        due = max(until, each.school_deadline) if until else each.school_deadline
        found[key] = Terms(each, due, until is not None)
    return found


def terms_by_id(session: Session, unit_ids: set[int]) -> dict[int, Terms]:
    """As terms_of, for units by id."""
    statement = select(Unit).where(Unit.id.in_(unit_ids)).execution_options(unscoped=True)
    return terms_of(session, session.scalars(statement).all())


def closed_units(session: Session, unit_ids: set[int]) -> set[int]:
    """The units whose latest round is closed and who hold no running extension."""
    return {key for key, terms in terms_by_id(session, unit_ids).items() if terms.locked}


def overdue_units(session: Session, unit_ids: set[int]) -> set[int]:
    """The units whose last day has passed."""
    return {key for key, terms in terms_by_id(session, unit_ids).items() if terms.overdue}


def deadline(session: Session, unit: Unit) -> date | None:
    """The day by which a unit must have reported: its extension, else the round's."""
    terms = terms_of(session, [unit]).get(unit.id)
    return None if terms is None else terms.due


def visible(actor: Actor) -> Any:
    """The condition on the rounds an actor reads about: those for all, and of the own authority."""
    if actor.tier == "city":
        return None
    own = actor.unit_id if actor.tier == "district" else actor.authority_id
    return or_(Round.authority_id.is_(None), Round.authority_id == own)


def may_manage(actor: Actor, each: Round | None = None) -> bool:
    """Whether an actor sets a round: the city any, another authority those of its own units."""
    if actor.role not in AUTHORITIES:
        return False
    if actor.role == Role.CITY_INFO or each is None:
        return True
    return each.authority_id == actor.unit_id


def save(session: Session, actor: Actor, each: Round) -> Round:
    """Store a new or changed round. Raises Forbidden, and Refused with the problems of its dates
    and its name; deadlines moved change who is late at once."""
    if actor.role == Role.DISTRICT_INFO and each.id is None:
        each.authority_id = actor.unit_id
    if not may_manage(actor, each):
        raise Forbidden()
    problems = _problems(session, each)
    if problems:
        raise Refused(problems=problems)
    is_new = each.id is None
    session.add(each)
    detail = _changes(each)
    session.flush()
    audit.record(session, "create" if is_new else "change", actor=actor, object=each, detail=detail)
    mark_late(session)
    return each


def _changes(each: Round) -> dict[str, list[str]]:
    """What a round said before and says now, by column; known only before it is flushed."""
    state: Any = inspect(each)
    found = {}
    for column in state.mapper.column_attrs:
        after, _same, before = state.attrs[column.key].history
        if after:
            found[column.key] = [_said(before), _said(after)]
    return found


def _said(values: Sequence[Any]) -> str:
    return "" if not values or values[0] is None else str(values[0])


def _problems(session: Session, each: Round) -> list[Problem]:
    found = []
    order = ("opens_on", "school_deadline", "authority_deadline", "city_deadline")
    for first, second in zip(order, order[1:], strict=False):
        if getattr(each, first) > getattr(each, second):
            message = _("This day lies before the stage that comes first.")
            found.append(Problem("order", message, field=second))
    with session.no_autoflush:
        same = select(Round.id).where(Round.name == each.name)
        if each.id is not None:
            same = same.where(Round.id != each.id)
        if session.scalar(same.limit(1)) is not None:
            found.append(Problem("name", _("There is a round of this name."), field="name"))
    return found


def close(session: Session, actor: Actor, each: Round) -> None:
    """Close a round: its units can no longer submit or report, except those with a running
    extension. Raises Forbidden, Refused when it is closed already."""
    _set_closed(session, actor, each, closed=True)


def reopen(session: Session, actor: Actor, each: Round) -> None:
    """Open a closed round again. Raises Forbidden, Refused when it is open."""
    _set_closed(session, actor, each, closed=False)


def _set_closed(session: Session, actor: Actor, each: Round, *, closed: bool) -> None:
    if not may_manage(actor, each):
        raise Forbidden()
    if each.closed is closed:
        raise Refused(_("The round is closed already.") if closed else _("The round is open."))
    each.closed, each.closed_at = closed, now() if closed else None
    session.flush()
    audit.record(session, "change", actor=actor, object=each, detail={"closed": closed})


def extend(
    session: Session, actor: Actor, each: Round, unit: Unit, *, until: date, reason: str
) -> Extension:
    """Grant a unit a later last day in a round, and tell it.

    Raises NotFound for a unit the actor is not the authority of or the round does not ask,
    Refused for a day that is no later than the round's, or a missing reason.
    """
    if actor.role not in AUTHORITIES:
        raise Forbidden()
    decides = actor.role == Role.CITY_INFO or unit.authority_id == actor.unit_id
    if unit.kind != UnitKind.SCHOOL or not decides or not covers(each, unit):
        raise NotFound()
    problems = []
    if until <= each.school_deadline or until < today():
        message = _("Choose a day that lies ahead and after the deadline of the round.")
        problems.append(Problem("until", message, field="until"))
    if not 0 < len(reason.strip()) <= REASON_LENGTH:
        problems.append(notice.reason_problem())
    if problems:
        raise Refused(problems=problems)
    granted = session.scalar(
        select(Extension).where(Extension.round_id == each.id, Extension.unit_id == unit.id)
    )
    granted = granted or Extension(round_id=each.id, unit_id=unit.id)
    granted.until, granted.reason, granted.granted_by = until, reason.strip(), actor.account_id
    session.add(granted)
    session.flush()
    detail = {"unit": unit.id, "until": until.isoformat()}
    audit.record(session, "change", actor=actor, object=each, reason=granted.reason, detail=detail)
    told = notice.accounts_of(session, [unit.id], SCHOOL_ROLES).get(unit.id, set())
    notice.send(session, "extension_granted", told, until=until.isoformat(), reason=granted.reason)
    mark_late(session, {unit.id})
    return granted


def mark_late(session: Session, unit_ids: set[int] | None = None) -> None:
    """Mark the files that their school has not yet reported as late or in time, as of today, and
    those whose decision by the authority or the city is late.

    The mark of a reported file stays: it tells that the school was late then.
    """
    statement = select(Unit).where(Unit.kind == UnitKind.SCHOOL)
    if unit_ids is not None:
        statement = statement.where(Unit.id.in_(unit_ids))
    units = session.scalars(statement.execution_options(unscoped=True)).all()
    terms = terms_of(session, units)
    overdue = {key for key, each in terms.items() if each.overdue}
    everybody = {unit.id for unit in units}
    for late, chosen in ((True, overdue), (False, everybody - overdue)):
        if chosen:
            _write_late(session, chosen, NOT_REPORTED, Teacher.late, late)
    for state, column in STAGES.items():
        day = today()
        passed = {key for key, each in terms.items() if day > getattr(each.round, column)}
        for late, chosen in ((True, passed), (False, everybody - passed)):
            if chosen:
                _write_late(session, chosen, [state], Teacher.decision_late, late)


def _write_late(
    session: Session, units: Iterable[int], states: Sequence[str], mark: Any, late: bool
) -> None:
    session.execute(
        update(Teacher)
        .where(Teacher.school_id.in_(units), Teacher.state.in_(states), mark.is_not(late))
        .values({mark: late})
        .execution_options(synchronize_session=False, unscoped=True)
    )


def late_decisions(session: Session, unit_ids: set[int], state: str) -> set[int]:
    """The units whose files in a state wait for a decision that is late."""
    column, day = STAGES[ReviewState(state)], today()
    terms = terms_by_id(session, unit_ids)
    return {key for key, each in terms.items() if day > getattr(each.round, column)}


def open_rounds(session: Session, actor: Actor) -> list[Round]:
    """The rounds under way that an actor reads about, the nearest deadline first."""
    condition = visible(actor)
    statement = select(Round).where(Round.closed.is_(False), Round.opens_on <= today())
    if condition is not None:
        statement = statement.where(condition)
    return list(session.scalars(statement.order_by(Round.school_deadline, Round.id)))


def covered_by(each: Round) -> Any:
    """The condition on the units that a round asks."""
    wanted = [code for code in each.categories.split(",") if code]
    tests = [Unit.kind == UnitKind.SCHOOL, Unit.active]
    if wanted:
        tests.append(Unit.category.in_(wanted))
    if each.authority_id is not None:
        tests.append(Unit.authority_id == each.authority_id)
    return tests


def words_of(categories: Mapping[str, str], each: Round) -> list[str]:
    """The names of the categories a round asks; empty for all."""
    return [categories.get(code, code) for code in each.categories.split(",") if code]
