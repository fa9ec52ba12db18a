"""Reminders by night: schools and authorities near or past their last day, reviewers whose files
wait too long.

Nothing is ever approved by a time-out (workflows s0): people are reminded after the working days
of a parameter and then every few days, and no more once nothing waits.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from app.access.roles import Role
from app.core.clock import BEIJING, now, today
from app.indicators.catalog import Catalog
from app.models.notice import Notice
from app.models.teacher import ReviewState, Teacher
from app.models.unit import Unit, UnitKind
from app.services import audit, notice
from app.services import round as rounds
from app.services.queue import is_sole_head, overdue_day

URGE, WAITING, DECIDE = "urge", "review_waiting", "decision_due"
SCHOOL = (Role.SCHOOL_INFO, Role.SCHOOL_HEAD)
HEADS, AUTHORITIES = (Role.SCHOOL_HEAD,), (Role.DISTRICT_INFO, Role.CITY_INFO)


def remind_schools(session: Session, catalog: Catalog) -> int:
    """Urge the schools with files not reported whose last day is near or has passed.

    Returns how many were told. Schools of a closed round and those that are done are left alone.
    """
    ahead = int(catalog.parameter("round_reminder_days"))
    open_files = _counts(session, Teacher.school_id, Teacher.state.in_(rounds.NOT_REPORTED))
    units = session.scalars(select(Unit).where(Unit.id.in_(open_files))).all()
    near = {
        key: open_files[key]
        for key, terms in rounds.terms_of(session, units).items()
        if not terms.round.closed and terms.days_left <= ahead
    }
    told = _tell(session, catalog, URGE, near, SCHOOL)
    rows = [("unit", key) for key in told]
    audit.record_many(session, "urge", actor=None, objects=rows, detail={"by": "deadline"})
    return len(told)


def remind_reviewers(session: Session, catalog: Catalog) -> int:
    """Remind heads and authorities of files that have waited for longer than the working days of
    a parameter. Returns how many units were told."""
    last = datetime.combine(overdue_day(catalog) + timedelta(days=1), datetime.min.time(), BEIJING)
    late = Teacher.state_since < last
    submitted = late & (Teacher.state == ReviewState.SUBMITTED)
    for_heads = _counts(session, Teacher.school_id, submitted & ~is_sole_head())
    told = _tell(session, catalog, WAITING, for_heads, HEADS)
    told += _tell(session, catalog, WAITING, _for_authorities(session, late), AUTHORITIES)
    return len(told)


def _for_authorities(session: Session, condition: Any) -> dict[int, int]:
    """What waits for each authority: reported files, those of heads for whom nobody acts, and for
    the city what the districts have decided (1.6, 1.9, 1.10)."""
    state = Teacher.state
    confirmed = state == ReviewState.SCHOOL_CONFIRMED
    of_heads = (state == ReviewState.SUBMITTED) & is_sole_head()
    found = _counts(session, Teacher.authority_id, condition & (confirmed | of_heads))
    city = session.scalar(select(Unit.id).where(Unit.kind == UnitKind.CITY))
    if city is not None:
        to_accept = (state == ReviewState.EFFECTIVE) & (Teacher.authority_id != city)
        accepted = _counts(session, literal(city), condition & to_accept)
        found[city] = found.get(city, 0) + accepted.get(city, 0)
    return {key: number for key, number in found.items() if number}


def remind_deciders(session: Session, catalog: Catalog) -> int:
    """Urge the authorities and the city whose last day of an open round is near or has passed.

    Returns how many units were told.
    """
    ahead = today() + timedelta(days=int(catalog.parameter("round_reminder_days")))
    schools = _counts(session, Teacher.school_id, Teacher.state.in_(list(rounds.STAGES)))
    units = session.scalars(select(Unit).where(Unit.id.in_(schools))).all()
    running = {
        key: terms.round
        for key, terms in rounds.terms_of(session, units).items()
        if not terms.round.closed
    }
    due: dict[int, int] = {}
    for state, column in rounds.STAGES.items():
        near = {key for key, each in running.items() if getattr(each, column) <= ahead}
        _add_due(session, due, state, near)
    return len(_tell(session, catalog, DECIDE, due, AUTHORITIES))


def _add_due(session: Session, due: dict[int, int], state: str, schools: set[int]) -> None:
    here = (Teacher.state == state) & Teacher.school_id.in_(schools)
    place: Any = Teacher.authority_id
    if state == ReviewState.EFFECTIVE:
        place = select(Unit.id).where(Unit.kind == UnitKind.CITY).scalar_subquery()
        here &= Teacher.authority_id != place
    for key, number in _counts(session, place, here).items():
        due[key] = due.get(key, 0) + number


def _counts(session: Session, place: Any, condition: Any) -> dict[int, int]:
    rows = session.execute(
        select(place, func.count()).where(Teacher.active, condition).group_by(place)
    )
    return dict(rows.all())


def _tell(
    session: Session,
    catalog: Catalog,
    event: str,
    counts: Mapping[int, int],
    roles: Iterable[Role],
) -> list[int]:
    """Tell the units that were not told of the same within the days of a parameter."""
    days = int(catalog.parameter("reminder_repeat_days"))
    recent = set(
        session.scalars(
            select(Notice.unit_id).where(
                Notice.event == event, Notice.at > now() - timedelta(days=days)
            )
        )
    )
    fresh = {key: number for key, number in counts.items() if key not in recent}
    accounts = notice.accounts_of(session, fresh, roles)
    waited = int(catalog.parameter("reminder_working_days"))
    notice.send_to_units(
        session,
        event,
        accounts,
        {key: {"count": number, "days": waited, "reason": ""} for key, number in fresh.items()},
    )
    return sorted(accounts)
