"""Every flow against its table in the specification: every state, step, role and place."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select

from app.access.actor import Actor, acting_as, system
from app.access.roles import Role
from app.core.errors import Refused
from app.models.history import Transition
from app.models.status_change import StatusState
from app.models.transfer import CLOSED
from app.services import report
from tests.processes import make_process, make_status_change
from tests.rotations import PATHS, make_rotation
from tests.transfers import make_transfer
from tests.workflows.tables import (
    ADDITION_TABLE,
    CHANGE_TABLE,
    REVIEW_TABLE,
    ROLES,
    ROTATION_TABLE,
    STATUS_TABLE,
    TABLES,
    TRANSFER_TABLE,
    Table,
    as_owner,
    checksum,
    file_of,
    home_of,
    submitted_by,
    take,
)

# Every state, step, role and side: minutes, as the fences over pages are.
pytestmark = pytest.mark.wide


class Walk(NamedTuple):
    """A flow with objects of each of its states; `opener` is the role that opened them."""

    table: Table
    opener: str = ""

    def items(self, session: Any, world: Any, school: str) -> Mapping[str, Any]:
        """An object of a school in each state."""
        states = [str(state) for state in self.table.flow.states]
        if self.table is REVIEW_TABLE:
            return {state: world.teacher(school, state) for state in states}
        if self.table is ROTATION_TABLE:
            return rotations(session, world, school)
        if self.table is TRANSFER_TABLE:
            return transfers(session, world, school, states)
        opener = world.actor(self.opener, school)
        if self.table is STATUS_TABLE:
            return self._status_changes(session, world, school, opener)
        # One record has one open change at a time.
        sets = {"draft": ("work", {"reference": "李四"})}
        usual = ("learning", None)
        return {
            state: make_process(
                session, world, world.teacher(school, "effective"), self.table.name, state,
                opener=opener, set_code=sets.get(state, usual)[0], values=sets.get(state, usual)[1],
            )
            for state in sorted(states, key=lambda state: state != "approved")
        }  # fmt: skip

    @staticmethod
    def _status_changes(session: Any, world: Any, school: str, opener: Actor) -> Mapping[str, Any]:
        """What is registered or in force is of a person of its own."""
        own = {
            "draft": ("effective", 1), "pending_authority": ("effective", 2),
            "scheduled": ("city_accepted", 1), "effective": ("city_accepted", 2),
        }  # fmt: skip
        return {
            str(state): make_status_change(
                session, world, world.teacher(school, *own.get(state, ("reported", 1))), state,
                opener=opener,
            )
            for state in StatusState
        }  # fmt: skip


def rotations(session: Any, world: Any, school: str) -> Mapping[str, Any]:
    """A rotation in each state; the active one asks for an extension."""
    # A person has one that is undecided, or active; any number are over.
    places = {"draft": ("effective", 1), "pending_out_authority": ("effective", 2),
              "active": ("city_accepted", 1), "ended": ("reported", 1),
              "terminated": ("reported", 2)}  # fmt: skip
    files = {state: places.get(state, ("city_accepted", 2)) for state in PATHS}
    return {
        state: make_rotation(
            session, world, world.teacher(school, *file), state,
            host="A2" if school == "B1" else "B1", asked=9 if state == "active" else None,
        )
        for state, file in files.items()
    }  # fmt: skip


# Where the person comes from who goes to a school: from another district, from the same one.
SENDING = {"A1": "B1", "A2": "A1"}


def transfers(session: Any, world: Any, school: str, states: list[str]) -> Mapping[str, Any]:
    """A transfer to a school in each state, all that are open of different persons."""
    to = school if school in SENDING else "A2"
    free = [
        world.teacher(SENDING[to], state, number)
        for state in ("effective", "city_accepted", "reported")
        for number in (1, 2)
    ]
    over = free.pop()
    return {
        state: make_transfer(session, world, over if state in CLOSED else free.pop(), to, state)
        for state in states
    }


WALKS = (
    Walk(REVIEW_TABLE),
    Walk(ADDITION_TABLE, "school_info"),
    Walk(ADDITION_TABLE, "teacher"),
    Walk(CHANGE_TABLE, "school_info"),
    Walk(STATUS_TABLE, "school_info"),
    Walk(ROTATION_TABLE, "school_info"),
    Walk(TRANSFER_TABLE),
)
BY_NAME = [f"{walk.table.name}-{walk.opener}" for walk in WALKS]
every_walk = pytest.mark.parametrize("walk", WALKS, ids=BY_NAME)
every_school = pytest.mark.parametrize("school", ["A1", "U"])


def cases(
    session: Any, world: Any, walk: Walk, school: str
) -> Iterator[tuple[Actor, str, str, Any]]:
    """Every role and place with every state and step."""
    items = walk.items(session, world, school)
    for role, unit in ROLES:
        for state, item in items.items():
            for step in walk.table.steps:
                yield world.actor(role, unit), state, step, item


@pytest.fixture
def codes_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every code be one of the Ministry's: those of a university's file are no matter here."""
    monkeypatch.setattr(report, "counterpart", lambda code: code and code.code)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_steps_of_the_flow_are_those_of_the_specification(table: Table) -> None:
    assert [(s.number, s.name, tuple(map(str, s.sources))) for s in table.flow.steps] == [
        (row.number, row.step, row.sources) for row in table.rows
    ]


@pytest.mark.usefixtures("codes_aside")
@every_walk
@every_school
def test_a_party_moves_the_object(session: Any, world: Any, walk: Walk, school: str) -> None:
    table, moved = walk.table, 0
    for actor, state, step, item in cases(session, world, walk, school):
        if table.expected(actor, item, state, step, world) != 200:
            continue
        with session.begin_nested() as trial:
            who = as_owner(session, actor, item)
            if (table.name, step) == ("review", "withdraw"):
                submitted_by(session, who, item)
            assert take(session, table, who, item, step) == 200, (actor.role, state, step)
            assert_moved(session, table, who, item, (state, step))
            trial.rollback()
        session.expire_all()
        moved += 1

    assert moved >= sum(len(row.sources) for row in table.rows if "system" not in row.parties)


@every_walk
@every_school
def test_everybody_else_is_refused_and_nothing_changes(
    session: Any, world: Any, walk: Walk, school: str
) -> None:
    table, before = walk.table, ""
    for actor, state, step, item in cases(session, world, walk, school):
        before = before or checksum(session)
        wanted = table.expected(actor, item, state, step, world)
        if wanted == 200:
            continue
        mine = actor.role == Role.TEACHER and actor.unit_id == home_of(item)
        who = replace(actor, teacher_id=file_of(item)) if mine else actor
        assert take(session, table, who, item, step) == wanted, (actor.role, state, step)

    assert checksum(session) == before


@pytest.mark.usefixtures("codes_aside")
@every_walk
@every_school
def test_nobody_decides_on_the_own_file_under_whatever_role(
    session: Any, world: Any, walk: Walk, school: str
) -> None:
    table, before = walk.table, ""
    for actor, state, step, item in cases(session, world, walk, school):
        before = before or checksum(session)
        decides = step not in table.own_affairs and actor.role != Role.TEACHER
        if not decides or table.expected(actor, item, state, step, world) != 200:
            continue
        owner = replace(actor, teacher_id=file_of(item))
        inputs = table.inputs.get(step, {})
        with acting_as(owner), pytest.raises(Refused) as caught:
            table.flow.perform(session, item.id, step, owner, version=None, **inputs)
        assert [problem.code for problem in caught.value.problems] == ["own_file"], (state, step)

    assert checksum(session) == before


def assert_moved(
    session: Any, table: Table, actor: Actor, item: Any, case: tuple[str, str]
) -> None:
    state, step = case
    wanted = table.target(state, step, item.school)
    with system():
        moved = session.get(table.flow.model, item.id, populate_existing=True)
        last = session.scalars(
            select(Transition)
            .where(Transition.object_id == item.id, Transition.flow == table.name)
            .order_by(Transition.id.desc())
        ).first()
    assert moved.state == wanted
    # What the diagram of the flow shows is what happens.
    taken = [each for each in table.flow.steps_named(step) if state in each.sources]
    assert wanted in {to for each in taken for to in each.targets or (state,)}
    assert (last.step, last.from_state, last.to_state) == (step, state, wanted)
    assert (last.account_id, last.role) == (actor.account_id, str(actor.role))
    assert last.object_version == moved.version
