"""What waits for whom in the file review: the files of each role's queue, and since when (D7)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, or_, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import AUTHORITIES, Role
from app.core.clock import local, today
from app.indicators.catalog import Catalog
from app.models.account import Account, Assignment
from app.models.change import AdditionState, ChangeState, RecordChange
from app.models.teacher import Contributor, ReviewState, Teacher
from app.models.transfer import Transfer
from app.services.among import among
from app.services.workday import working_days, working_days_before

State = ReviewState
# The states a role deals with; the first one is what it decides.
STATES: Mapping[str, tuple[State, ...]] = {
    Role.SCHOOL_INFO: (State.RETURNED, State.DRAFT, State.SUBMITTED),
    Role.SCHOOL_HEAD: (State.SUBMITTED, State.SCHOOL_CONFIRMED),
    Role.DISTRICT_INFO: (State.SCHOOL_CONFIRMED, State.SUBMITTED),
    Role.CITY_INFO: (
        State.EFFECTIVE,
        State.SCHOOL_CONFIRMED,
        State.CITY_ACCEPTED,
        State.SUBMITTED,
    ),
    Role.CITY_ASSISTANT: (State.SCHOOL_CONFIRMED,),
}


def states_of(role: str) -> tuple[State, ...]:
    """The states of files that a role deals with, what it decides first."""
    return STATES.get(role, ())


def waiting(actor: Actor) -> ColumnElement[bool]:
    """The condition on the files of an actor's queue, inside the scope."""
    if actor.role not in STATES:
        return false()
    parts = [_in_state(actor, state) for state in STATES[actor.role]]
    return and_(Teacher.active, or_(*parts))


def _in_state(actor: Actor, state: State) -> ColumnElement[bool]:
    here = Teacher.state == state
    if actor.tier == "school":
        return here
    if state == State.SUBMITTED:
        # The authority stands in for a head without delegate, for the head's own file (s0).
        return and_(here, Teacher.authority_id == actor.unit_id, is_sole_head())
    if state == State.SCHOOL_CONFIRMED:
        return and_(here, Teacher.authority_id == actor.unit_id)
    if state == State.EFFECTIVE:
        return and_(here, Teacher.authority_id != actor.unit_id)
    return here


def my_turn(actor: Actor) -> ColumnElement[bool]:
    """The condition on additions and changes that wait for the actor (2.3, 2.6, 3.2, 3.5), but for
    those on which the actor may not decide: of the own file, or opened by the actor."""
    item = RecordChange
    if actor.role == Role.SCHOOL_INFO:
        return and_(item.school_id == actor.unit_id, item.state == ChangeState.DRAFT)
    mine = [item.opened_by != actor.account_id]
    if actor.teacher_id is not None:
        mine.append(item.teacher_id != actor.teacher_id)
    at_school = item.state == AdditionState.PENDING_SCHOOL
    if actor.role == Role.SCHOOL_HEAD:
        return and_(item.school_id == actor.unit_id, at_school, *mine)
    if actor.role not in AUTHORITIES:
        return false()
    opened = item.opened_by == Account.__table__.c.id
    of_head = select(Teacher.id).where(Teacher.id == item.teacher_id, is_sole_head(opened)).exists()
    waits = or_(item.state == ChangeState.PENDING_AUTHORITY, and_(at_school, of_head))
    return and_(item.authority_id == actor.unit_id, waits, *mine)


def is_sole_head(contributed: ColumnElement[bool] | None = None) -> ColumnElement[bool]:
    """The file of a head for whom nobody else may act as head today.

    A delegate who entered or submitted data of this file may not confirm it and counts as none;
    so does one whose account is switched off. `contributed` says of an account (`ab_user`)
    whether it did, where this is about something else than the review of the file.
    """
    # Tables, not classes: the scope shows a person the own assignments only.
    account, held = Account.__table__, Assignment.__table__
    day = today()
    valid = and_(
        held.c.role == str(Role.SCHOOL_HEAD),
        held.c.unit_id == Teacher.school_id,
        held.c.valid_from <= day,
        or_(held.c.valid_to.is_(None), held.c.valid_to >= day),
    )
    own = and_(account.c.teacher_id == Teacher.id, account.c.id == held.c.account_id)
    other = held.join(account, account.c.id == held.c.account_id)
    if contributed is None:
        contributed = exists().where(
            Contributor.teacher_id == Teacher.id, Contributor.account_id == account.c.id
        )
    somebody_else = and_(
        or_(account.c.teacher_id.is_(None), account.c.teacher_id != Teacher.id),
        account.c.active,
        ~contributed,
    )
    return and_(
        exists().select_from(other).where(valid, own),
        ~exists().select_from(other).where(valid, somebody_else),
    )


def age_of(since: datetime | None, catalog: Catalog) -> int:
    """For how many working days of the city's calendar a file has been waiting."""
    if since is None:
        return 0
    return working_days(catalog.calendar, local(since).date(), today())


def is_overdue(since: datetime | None, catalog: Catalog) -> bool:
    """Whether a file has waited longer than the days after which a decision is reminded."""
    return age_of(since, catalog) > int(catalog.parameter("reminder_working_days"))


def overdue_day(catalog: Catalog) -> date:
    """The last day since which a waiting file is overdue: lists filter by it."""
    number = int(catalog.parameter("reminder_working_days")) + 1
    return working_days_before(catalog.calendar, today(), number)


def sole_heads(session: Session, items: Sequence[Any]) -> set[int]:
    """The ids of those files, additions to files or transfers that are of a head without anybody to
    act for them. All are of one kind."""
    if not items:
        return set()
    ids = [item.id for item in items]
    if isinstance(items[0], RecordChange):
        opened = RecordChange.opened_by == Account.__table__.c.id
        statement = (
            select(RecordChange.id)
            .join(Teacher, Teacher.id == RecordChange.teacher_id)
            .where(among(session, RecordChange.id, ids), is_sole_head(opened))
        )
    elif isinstance(items[0], Transfer):
        # Asked for the receiving side as well, to which the file is foreign; yes or no comes out.
        statement = (
            select(Transfer.id)
            .join(Teacher, Teacher.id == Transfer.teacher_id)
            .where(among(session, Transfer.id, ids), is_sole_head(false()))
            .execution_options(unscoped=True)
        )
    else:
        statement = select(Teacher.id).where(among(session, Teacher.id, ids), is_sole_head())
    return set(session.scalars(statement))
