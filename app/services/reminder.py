"""Reminders by night of last days: schools and authorities near or past that of a round.

workflows.waiting reminds those whose decision is waited for. All are reminded again every few days
(a parameter, s0: weekly), and no more once nothing waits.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.access.roles import Role
from app.core.clock import today
from app.indicators.catalog import Catalog
from app.models.notice import Notice
from app.models.teacher import ReviewState, Teacher
from app.models.unit import Unit, UnitKind
from app.services import audit, notice
from app.services import round as rounds
from app.services.home_figures import midnight

URGE, DECIDE = "urge", "decision_due"
SCHOOL = (Role.SCHOOL_INFO, Role.SCHOOL_HEAD)
AUTHORITIES = (Role.DISTRICT_INFO, Role.CITY_INFO)


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
    told = tell(session, catalog, URGE, near, SCHOOL)
    rows = [("unit", key) for key in told]
    audit.record_many(session, "urge", actor=None, objects=rows, detail={"by": "deadline"})
    return len(told)


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
    return len(tell(session, catalog, DECIDE, due, AUTHORITIES))


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


def tell(
    session: Session,
    catalog: Catalog,
    event: str,
    counts: Mapping[int, int],
    roles: Sequence[str],
    *,
    flow: str = "",
) -> list[int]:
    """Tell units a number, with one notice to each account of the roles; returns who was told.

    Who was told of the same within the days of a parameter is left alone, so that a night that is
    repeated tells nobody twice. Reminders of a `flow` are the same when they go to the same roles.
    """
    first = today() - timedelta(days=int(catalog.parameter("reminder_repeat_days")) - 1)
    to = ",".join(sorted(roles))
    query = select(Notice.unit_id).where(Notice.event == event, Notice.at >= midnight(first))
    if flow:
        params = Notice.params
        query = query.where(params["flow"].as_string() == flow, params["to"].as_string() == to)
    recent = set(session.scalars(query.distinct()))
    fresh = {key: number for key, number in counts.items() if key not in recent}
    accounts = notice.accounts_of(session, fresh, roles)
    common = {"days": int(catalog.parameter("reminder_working_days")), "reason": ""}
    if flow:
        common |= {"flow": flow, "to": to}
    told = {key: common | {"count": number} for key, number in fresh.items()}
    notice.send_to_units(session, event, accounts, told)
    return sorted(accounts)
