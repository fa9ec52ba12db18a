"""Two acts about one teacher at the same moment, in sessions of their own: one wins, or both hold
one after the other where the matrix permits it, and the loser is told why (REL-03)."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.core.clock import today
from app.core.errors import AppError
from app.extensions import db
from app.models.teacher import PERSONNEL, Affiliation, ReviewState, Teacher
from app.models.unit import Unit
from app.services import status_change, transfer
from app.services.integrity import find_faults
from app.workflows import WORKFLOWS
from app.workflows.rotation import ROTATION
from tests.factories import Wanted, make_teachers
from tests.processes import make_process
from tests.rotations import make_rotation
from tests.transfers import PLACED, make_transfer

INFO, DISTRICT, FROM_INFO, FROM_DISTRICT = (
    "school_info_A1", "district_info_A", "school_info_B1", "district_info_B",
)  # fmt: skip
OPEN = "open"  # The deed begins a process and takes no step of one.


@dataclass(frozen=True)
class Deed:
    """One side of a pair: somebody opens a process, or takes a step of one in a state."""

    flow: str
    step: str
    who: str
    state: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """Two deeds about one teacher, of one process where both name the same state of a flow.
    `outcomes` are the pairs of statuses that the matrix permits; the file gets a new version from
    each deed that is done and `counts`."""

    first: Deed
    second: Deed
    outcomes: tuple[tuple[int, int], ...]
    counts: tuple[int, int] = (0, 0)


ONE_OPENED, ONE_TAKEN = ((200, 422), (422, 200)), ((200, 409), (409, 200))
REGISTER = Deed("status_change", OPEN, FROM_INFO)
APPROVE = Deed("change", "approve", FROM_DISTRICT, "pending_authority")
TAKE = Deed("transfer", "take", INFO, "ready_to_take", PLACED)
PAIRS = {
    "two transfers of one teacher": Pair(
        Deed("transfer", OPEN, INFO), Deed("transfer", OPEN, "school_info_A2"), ONE_OPENED
    ),
    "a transfer and a status": Pair(
        Deed("transfer", "issue", DISTRICT, "pending_in_authority"), REGISTER, ONE_OPENED
    ),
    "approved and withdrawn": Pair(
        APPROVE, Deed("change", "withdraw", FROM_INFO, "pending_authority"), ONE_TAKEN, (1, 0)
    ),
    "taken and cancelled": Pair(
        TAKE,
        Deed("transfer", "cancel", "city_info", "ready_to_take", {"reason": "有误"}),
        ONE_TAKEN,
        (1, 0),
    ),
    # What is open hinders the taking; once it is approved, both may happen.
    "approved and taken": Pair(APPROVE, TAKE, ((200, 200), (200, 422)), (1, 1)),
    # A rotation stands in the way from its draft on: the confirmation must not open a gap.
    "a rotation and a status": Pair(
        Deed("rotation", "confirm", FROM_DISTRICT, "pending_out_authority"),
        REGISTER,
        ((200, 422),),
        (1, 0),
    ),
}


def make_rounds(world: Any, pair: Pair, rounds: int) -> list[tuple[int, list[int]]]:
    """A file of B1 for each round, and the processes of both deeds, committed."""
    session, known = db.session(), world.teacher("B1", "effective")
    with system():
        school = session.get_one(Unit, known.school_id)
        made = make_teachers(session, [Wanted(school, ReviewState.EFFECTIVE)] * rounds)
        files = [replace(known, id=each.id, uuid=each.uuid, name=each.name) for each in made]
    found = []
    for file in files:
        first = _prepared(world, pair.first, file)
        shared = (pair.first.flow, pair.first.state) == (pair.second.flow, pair.second.state)
        found.append((file.id, [first, first if shared else _prepared(world, pair.second, file)]))
    if pair.first.flow == "rotation":
        drafts = dict.fromkeys(keys[0] for _file, keys in found)
        clerk = world.actors[FROM_INFO]
        with acting_as(clerk):
            done = ROTATION.perform_many(session, drafts, "submit", clerk, catalog=world.catalog)
        assert not done.failed
    session.commit()
    db.session.remove()
    return found


def _prepared(world: Any, deed: Deed, file: Any) -> int:
    session = db.session()
    if deed.step == OPEN:
        return int(file.id)
    if deed.flow == "transfer":
        return make_transfer(session, world, file, "A1", deed.state).id
    if deed.flow == "rotation":
        return make_rotation(session, world, file, "draft", host="A1").id  # Submitted together.
    return make_process(session, world, file, deed.flow, deed.state).id


def do(session: Any, world: Any, deed: Deed, actor: Any, key: int) -> None:
    """Take the step of a deed, or open what it opens about the file of that id."""
    known = world.catalog
    if deed.step != OPEN:
        WORKFLOWS[deed.flow].perform(
            session, key, deed.step, actor, version=None, catalog=known, **deed.inputs
        )
    elif deed.flow == "transfer":
        held = transfer.require_open(session, actor, key, catalog=known)
        transfer.open_transfer(session, actor, held, {}, catalog=known)
    else:
        status_change.register(
            session, actor, session.get_one(Teacher, key), to_status="203",
            effective_date=today(), catalog=known,
        )  # fmt: skip


def race(app: Any, world: Any, pair: Pair, keys: list[int], pool: Any) -> tuple[int, ...]:
    """Let both act at once; each is done, or refused for a reason that is told."""
    barrier = Barrier(2)

    def act(deed: Deed, key: int) -> int:
        actor = world.actors[deed.who]
        with app.app_context(), acting_as(actor):
            session = db.session()
            barrier.wait()
            try:
                do(session, world, deed, actor, key)
                session.commit()
                return 200
            except AppError as refusal:
                session.rollback()
                told = [str(each.message) for each in refusal.problems] or [str(refusal.message)]
                assert all(told)
                return refusal.status
            finally:
                db.session.remove()

    return tuple(pool.map(act, (pair.first, pair.second), keys))


def assert_sound(world: Any, pair: Pair, files: list[int], ended: list[tuple[int, ...]]) -> None:
    """In the end each person has one personnel affiliation, at most one place, and as many versions
    as there were deeds that made one."""
    session = db.session()
    with system():
        assert find_faults(session, world.catalog) == []
        personnel = Affiliation.kind == PERSONNEL, Affiliation.valid_to.is_(None)
        query = select(Affiliation.teacher_id).where(Affiliation.teacher_id.in_(files), *personnel)
        assert sorted(session.scalars(query)) == sorted(files)
        versions = dict(
            session.execute(
                select(Teacher.id, Teacher.file_version).where(Teacher.id.in_(files))
            ).all()
        )
        for key, found in zip(files, ended, strict=True):
            made = sum(n for n, status in zip(pair.counts, found, strict=True) if status == 200)
            assert versions[key] == 1 + made
    db.session.remove()


@pytest.mark.postgres
@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("rounds", [50, pytest.param(1_000, marks=pytest.mark.slow)])
def test_of_two_acts_at_once_one_wins(live_app: Any, world: Any, name: str, rounds: int) -> None:
    pair = PAIRS[name]
    with live_app.app_context():
        prepared = make_rounds(world, pair, rounds)

    with ThreadPoolExecutor(2) as pool:
        ended = [race(live_app, world, pair, keys, pool) for _file, keys in prepared]

    assert set(ended) <= set(pair.outcomes)
    with live_app.app_context():
        assert_sound(world, pair, [file for file, _keys in prepared], ended)
