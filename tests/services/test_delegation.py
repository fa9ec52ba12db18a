"""Delegation: a head lets a colleague act in the own place; what is refused, and who is named."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.access.actor import acting_as, held_assignments, make_actor, system
from app.access.roles import Role
from app.core.clock import today
from app.core.errors import Forbidden, NotFound, Refused
from app.indicators.catalog import catalog
from app.models.account import Account, Assignment
from app.models.history import Audit
from app.models.notice import Notice
from app.models.unit import Unit
from app.services import delegation
from app.workflows.review import REVIEW


def appoint(session: Any, head: Any, account: int, **changes: Any) -> Any:
    given = {"role": "school_head", "since": today(), "until": today() + timedelta(days=9)}
    with acting_as(head):
        return delegation.appoint(session, head, account, known=catalog(session), **given | changes)


def problems(error: Any) -> list[str]:
    return [each.field for each in error.value.problems]


@pytest.fixture
def head(world: Any) -> Any:
    return world.actors["school_head_A1"]


@pytest.fixture
def colleague(world: Any) -> Any:
    return world.actors["school_system_A1"]


def acts_as(session: Any, made: Any) -> Any:
    with system():
        unit, account = session.get(Unit, made.unit_id), session.get(Account, made.account_id)
    return make_actor(made, unit, account)


def test_the_delegate_acts_as_head_and_the_log_names_both(
    session: Any, world: Any, head: Any, colleague: Any
) -> None:
    made = appoint(session, head, colleague.account_id)
    file, deputy = world.teacher("A1", "submitted"), acts_as(session, made)

    with acting_as(deputy):
        REVIEW.perform(session, file.id, "confirm", deputy, version=None)
        names = delegation.delegators(session, [made.id, head.assignment_id, None])

    assert names == {made.id: head.name}
    with system():
        row = session.scalars(select(Audit).where(Audit.act == "role_grant")).one()
    assert row.account_id == head.account_id
    assert row.detail["account"] == colleague.account_id
    assert row.detail["delegated_from"] == head.assignment_id
    assert head.name not in str(row.detail)


def test_both_are_told_of_beginning_and_end(session: Any, head: Any, colleague: Any) -> None:
    made = appoint(session, head, colleague.account_id)
    with acting_as(head):
        delegation.end(session, head, made.id)

    with system():
        told = session.execute(select(Notice.event, Notice.account_id)).all()
    both = {head.account_id, colleague.account_id}
    for event in ("delegation_granted", "delegation_ended"):
        assert {account for name, account in told if name == event} == both
    with system():
        acts = session.scalars(select(Audit.act).where(Audit.object_type == "assignment")).all()
    assert list(acts) == ["role_grant", "role_revoke"]


def test_ended_early_it_counts_no_longer_today(session: Any, head: Any, colleague: Any) -> None:
    made = appoint(session, head, colleague.account_id)

    def roles() -> set[str]:
        held = held_assignments(session, colleague.account_id, today())
        return {assignment.role for assignment, _unit, _account in held}

    assert Role.SCHOOL_HEAD in roles()

    with acting_as(head):
        delegation.end(session, head, made.id)

    assert Role.SCHOOL_HEAD not in roles()
    with acting_as(head), pytest.raises(NotFound):
        delegation.end(session, head, made.id)


def test_nobody_is_the_own_delegate(session: Any, head: Any) -> None:
    with pytest.raises(Refused) as error:
        appoint(session, head, head.account_id)
    assert problems(error) == ["account"]


@pytest.mark.parametrize("key", ["school_info_A2", "district_info_A", "school_head_B1"])
def test_persons_of_other_units_do_not_exist(session: Any, world: Any, head: Any, key: str) -> None:
    with pytest.raises(NotFound):
        appoint(session, head, world.actors[key].account_id)


@pytest.mark.parametrize("role", ["school_info", "school_system", "district_info", "city_info"])
def test_no_role_beyond_the_own_one_is_delegated(
    session: Any, head: Any, colleague: Any, role: str
) -> None:
    with pytest.raises(Forbidden):
        appoint(session, head, colleague.account_id, role=role)


@pytest.mark.parametrize("key", ["school_info_A1", "district_info_A", "teacher_A1"])
def test_other_roles_delegate_nothing(session: Any, world: Any, colleague: Any, key: str) -> None:
    actor = world.actors[key]
    for role in (actor.role, "school_head"):
        with pytest.raises(Forbidden):
            appoint(session, actor, colleague.account_id, role=role)


def test_a_delegate_appoints_nobody(session: Any, world: Any, head: Any, colleague: Any) -> None:
    deputy = acts_as(session, appoint(session, head, colleague.account_id))

    with pytest.raises(Forbidden):
        appoint(session, deputy, world.actors["school_info_A1"].account_id)
    with acting_as(deputy):
        assert not delegation.may_delegate(session, deputy)


@pytest.mark.parametrize(
    ("days", "field"),
    [((-1, 5), "since"), ((3, 2), "until"), ((0, 90), "until"), ((0, 4000), "until")],
)
def test_days_that_do_not_fit_are_refused(
    session: Any, head: Any, colleague: Any, days: tuple[int, int], field: str
) -> None:
    since, until = (today() + timedelta(days=each) for each in days)

    with pytest.raises(Refused) as error:
        appoint(session, head, colleague.account_id, since=since, until=until)
    assert problems(error) == [field]


def test_it_ends_with_the_own_role_at_the_latest(session: Any, head: Any, colleague: Any) -> None:
    with system():
        session.execute(
            update(Assignment)
            .where(Assignment.id == head.assignment_id)
            .values(valid_to=today() + timedelta(days=5))
        )
        session.expire_all()

    with pytest.raises(Refused) as error:
        appoint(session, head, colleague.account_id, until=today() + timedelta(days=6))
    assert problems(error) == ["until"]
    assert appoint(session, head, colleague.account_id, until=today() + timedelta(days=5))


def test_nobody_is_appointed_twice_for_the_same_days(
    session: Any, head: Any, colleague: Any
) -> None:
    appoint(session, head, colleague.account_id)

    with pytest.raises(Refused) as error:
        appoint(session, head, colleague.account_id)
    assert problems(error) == ["account"]


def test_only_the_one_who_gave_it_ends_it(
    session: Any, world: Any, head: Any, colleague: Any
) -> None:
    made = appoint(session, head, colleague.account_id)

    for key in ("school_head_A2", "school_info_A1"):
        with acting_as(world.actors[key]), pytest.raises(NotFound):
            delegation.end(session, world.actors[key], made.id)
