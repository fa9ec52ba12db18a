"""Additions and changes under real commits: several people at once, and faults half-way."""

from collections.abc import Callable
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, Thread
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.actor import acting_as, system
from app.core.errors import AppError
from app.extensions import db
from app.models.change import RecordChange
from app.models.record import TEACHER_SETS
from app.models.teacher import FileVersion, Teacher
from app.services import change as changes
from app.services import contents
from app.services.integrity import find_faults
from app.workflows import WORKFLOWS, engine
from app.workflows.addition import ADDITION
from tests.processes import DOCTORATE, ProcessRef, make_process
from tests.workflows.tables import checksum
from tests.workflows.test_engine import Fault, failing_at

INFO, DISTRICT = "school_info_A1", "district_info_A"


def prepared(app: Any, world: Any, *wanted: tuple[str, str, Any]) -> list[ProcessRef]:
    """Additions and changes of one effective file, committed."""
    with app.app_context():
        made = [
            make_process(
                db.session(), world, world.teacher("A1", "effective"), flow, state, values=values
            )
            for flow, state, values in wanted
        ]
        db.session.commit()
        db.session.remove()
    return made


def at_once(app: Any, *acts: tuple[Any, Callable[[Any], Any]]) -> list[int]:
    """Let people act at the same moment; return their statuses in order."""
    barrier, found = Barrier(len(acts)), [0] * len(acts)

    def run(number: int, actor: Any, act: Callable[[Any], Any]) -> None:
        with app.app_context(), acting_as(actor):
            session = db.session()
            barrier.wait()
            try:
                act(session)
                session.commit()
                found[number] = 200
            except AppError as refusal:
                session.rollback()
                found[number] = refusal.status
            finally:
                db.session.remove()

    threads = [Thread(target=run, args=(number, *act)) for number, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def step(ref: ProcessRef, name: str, actor: Any) -> tuple[Any, Callable[[Any], Any]]:
    flow = WORKFLOWS[ref.flow]
    version = 2  # That of an object that was opened and moved once.
    return actor, lambda session: flow.perform(session, ref.id, name, actor, version=version)


@pytest.mark.parametrize("flow", ["addition", "change"])
def test_of_many_approvals_at_once_one_succeeds(live_app: Any, world: Any, flow: str) -> None:
    (ref,) = prepared(live_app, world, (flow, "pending_authority", None))

    found = at_once(live_app, *[step(ref, "approve", world.actors[DISTRICT])] * 8)

    assert sorted(found) == [200] + [409] * 7
    with live_app.app_context(), system():
        versions = select(func.max(FileVersion.number)).where(FileVersion.teacher_id == ref.file.id)
        assert db.session.scalar(versions) == 2
        assert find_faults(db.session(), world.catalog) == []


@pytest.mark.parametrize("flow", ["addition", "change"])
def test_a_withdrawal_and_an_approval_do_not_both_happen(
    live_app: Any, world: Any, flow: str
) -> None:
    (ref,) = prepared(live_app, world, (flow, "pending_authority", None))

    found = at_once(
        live_app,
        step(ref, "approve", world.actors[DISTRICT]),
        step(ref, "withdraw", world.actors[INFO]),
    )

    assert sorted(found) == [200, 409]
    with live_app.app_context(), system():
        state = db.session.get_one(RecordChange, ref.id).state
        assert state == ("approved" if found[0] == 200 else "withdrawn")
        assert find_faults(db.session(), world.catalog) == []


def test_two_of_one_file_come_into_force_one_after_the_other(live_app: Any, world: Any) -> None:
    """Both make a version of the basic set: the second one stands on that of the first."""
    first, second = prepared(
        live_app,
        world,
        ("addition", "pending_authority", None),
        ("addition", "pending_authority", DOCTORATE | {"degree_org": "另一大学", "end": "2015-06"}),
    )
    actor = world.actors[DISTRICT]

    found = at_once(live_app, step(first, "approve", actor), step(second, "approve", actor))

    assert found == [200, 200]
    with live_app.app_context(), system():
        file = db.session.get_one(Teacher, first.file.id)
        assert file.file_version == 3
        assert len(contents.records(db.session(), file, "learning")) == 3
        assert len(contents.records(db.session(), file, "basic")) == 1
        assert find_faults(db.session(), world.catalog) == []


def test_two_bulk_acts_that_cross_do_not_wait_for_each_other(
    live_app: Any, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One begins with the file that the other ends with, batch by batch."""
    files = [world.teacher("A1", "effective", number) for number in (1, 2)]
    with live_app.app_context():
        first, third, fourth, second = (
            make_process(db.session(), world, files[which], "addition", "pending_authority",
                         values=DOCTORATE | {"end": f"201{number}-06"})
            for number, which in enumerate((0, 1, 0, 1), start=4)
        )  # fmt: skip
        db.session.commit()
        db.session.remove()
    met, take = Barrier(2), engine.Workflow._take

    def taking(flow: Any, *given: Any) -> Any:
        done = take(flow, *given)
        with suppress(BrokenBarrierError):
            met.wait(timeout=1)  # Each holds its first batch before it turns to its second.
        return done

    monkeypatch.setattr(engine, "BATCH", 1)
    monkeypatch.setattr(engine.Workflow, "_take", taking)

    def approving(*refs: ProcessRef) -> tuple[Any, Callable[[Any], Any]]:
        actor, seen = world.actors[DISTRICT], {ref.id: None for ref in refs}
        act = ADDITION.perform_many
        return actor, lambda session: done.extend(act(session, seen, "approve", actor).done)

    done: list[int] = []
    found = at_once(live_app, approving(first, second), approving(third, fourth))

    assert found == [200, 200]
    assert sorted(done) == sorted(each.id for each in (first, second, third, fourth))


def test_one_of_two_changes_of_a_record_is_opened(live_app: Any, world: Any) -> None:
    ref, actor = world.teacher("A1", "effective"), world.actors[INFO]
    with live_app.app_context(), system():
        cls = TEACHER_SETS["learning"]
        uuid = db.session.scalar(select(cls.uuid).where(cls.teacher_id == ref.id))
        db.session.remove()

    def opening(session: Any) -> None:
        changes.open_change(
            session, actor, session.get_one(Teacher, ref.id), "learning", uuid,
            kind="modify", raw={"major": "物理"}, catalog=world.catalog,
        )  # fmt: skip

    assert sorted(at_once(live_app, *[(actor, opening)] * 4)) == [200, 422, 422, 422]


@pytest.mark.parametrize("flow", ["addition", "change"])
def test_a_fault_half_way_leaves_nothing(live_app: Any, world: Any, flow: str) -> None:
    (ref,) = prepared(live_app, world, (flow, "pending_authority", None))
    actor, number, stopped = world.actors[DISTRICT], 1, True
    with live_app.app_context():
        with system():
            before = checksum(db.session())
            db.session.rollback()
        while stopped:
            with acting_as(actor), failing_at(db.engine, number):
                try:
                    step(ref, "approve", actor)[1](db.session())
                    stopped = False
                except Fault:
                    number += 7  # A prime apart: no part of the act is left out for long.
                finally:
                    db.session.rollback()
        with system():
            assert checksum(db.session()) == before
            db.session.rollback()

    assert number > 50
