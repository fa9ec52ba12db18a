"""Transfers under real commits: two schools for one teacher, opposite acts at once, faults half-way
(s4.4, REL-03)."""

from typing import Any

from sqlalchemy import func, select

from app.access.actor import acting_as, system
from app.extensions import db
from app.models.change import RecordChange
from app.models.teacher import FileVersion, OpenProcess, Teacher
from app.models.transfer import Transfer
from app.services import transfer
from app.services.integrity import find_faults
from app.workflows import WORKFLOWS
from app.workflows.transfer import TRANSFER, void_of_files
from tests.processes import make_process
from tests.transfers import PATHS, PLACED, TransferRef, make_transfer
from tests.workflows.tables import checksum
from tests.workflows.test_change_races import at_once
from tests.workflows.test_engine import Fault, failing_at

INFO, DISTRICT, FROM_INFO, FROM_HEAD = (
    "school_info_A1", "district_info_A", "school_info_B1", "school_head_B1",
)  # fmt: skip


def prepared(app: Any, world: Any, state: str, to: str = "A1") -> TransferRef:
    """A transfer of the first effective file of B1, committed."""
    with app.app_context():
        made = make_transfer(db.session(), world, world.teacher("B1", "effective"), to, state)
        db.session.commit()
        db.session.remove()
    return made


def step(ref: TransferRef, name: str, actor: Any, **inputs: Any) -> tuple[Any, Any]:
    inputs = (PLACED if name == "take" else {}) | inputs
    version = len(PATHS[ref.state])
    return actor, lambda session: TRANSFER.perform(
        session, ref.id, name, actor, version=version, **inputs
    )


def assert_sound(app: Any, world: Any) -> None:
    with app.app_context(), system():
        assert find_faults(db.session(), world.catalog) == []
        db.session.remove()


def state_of(app: Any, ref: TransferRef) -> str:
    with app.app_context(), system():
        found = db.session.get_one(Transfer, ref.id).state
        db.session.remove()
        return str(found)


def test_of_two_schools_that_ask_for_one_teacher_one_is_heard(live_app: Any, world: Any) -> None:
    file = world.teacher("B1", "effective")

    def opening(key: str) -> tuple[Any, Any]:
        actor = world.actors[key]

        def act(session: Any) -> None:
            held = transfer.require_open(session, actor, file.id, catalog=world.catalog)
            transfer.open_transfer(session, actor, held, {}, catalog=world.catalog)

        return actor, act

    found = at_once(live_app, *[opening(key) for key in (INFO, "school_info_A2")] * 3)

    assert sorted(found) == [200] + [422] * 5
    with live_app.app_context(), system():
        assert db.session.scalar(select(func.count()).select_from(Transfer)) == 1


def test_of_two_drafts_one_is_submitted(live_app: Any, world: Any) -> None:
    """Drafts that slipped past the first question: the place that the database guards is one."""
    first, second = (prepared(live_app, world, "draft", to) for to in ("A1", "A2"))

    found = at_once(
        live_app,
        step(first, "submit", world.actors[INFO]),
        step(second, "submit", world.actors["school_info_A2"]),
    )

    assert 200 not in found  # Each stands in the way of the other.
    with live_app.app_context(), system():
        assert db.session.scalar(select(func.count()).select_from(OpenProcess)) == 0
    at_once(live_app, step(first, "withdraw", world.actors[INFO]))
    again = at_once(live_app, *[step(second, "submit", world.actors["school_info_A2"])] * 4)
    assert sorted(again) == [200, 409, 409, 409]
    assert_sound(live_app, world)


def test_an_answer_and_a_withdrawal_do_not_both_happen(live_app: Any, world: Any) -> None:
    ref = prepared(live_app, world, "pending_in_authority")

    found = at_once(
        live_app,
        step(ref, "issue", world.actors[DISTRICT]),
        step(ref, "withdraw", world.actors[INFO]),
    )

    assert sorted(found) == [200, 409]
    wanted = "pending_out_school" if found[0] == 200 else "withdrawn"
    assert state_of(live_app, ref) == wanted
    assert_sound(live_app, world)


def test_a_file_is_taken_or_the_transfer_is_cancelled(live_app: Any, world: Any) -> None:
    ref = prepared(live_app, world, "ready_to_take")

    found = at_once(
        live_app,
        step(ref, "take", world.actors[INFO]),
        step(ref, "cancel", world.actors["city_info"], reason="有误"),
    )

    assert sorted(found) == [200, 409]
    with live_app.app_context(), system():
        school = db.session.get_one(Teacher, ref.file.id).school_id
    moved = found[0] == 200
    assert state_of(live_app, ref) == ("completed" if moved else "cancelled")
    assert school == world.units["A1" if moved else "B1"].id
    assert_sound(live_app, world)


def test_of_two_who_take_the_file_one_does(live_app: Any, world: Any) -> None:
    ref = prepared(live_app, world, "ready_to_take")

    found = at_once(live_app, *[step(ref, "take", world.actors[INFO])] * 2)

    assert sorted(found) == [200, 409]
    with live_app.app_context(), system():
        count = select(func.count()).where(FileVersion.teacher_id == ref.file.id)
        assert db.session.scalar(count) == 2
    assert_sound(live_app, world)


def test_a_change_is_approved_before_the_file_is_taken_or_hinders_it(
    live_app: Any, world: Any
) -> None:
    ref, authority = prepared(live_app, world, "ready_to_take"), world.actors["district_info_B"]
    with live_app.app_context():
        change = make_process(db.session(), world, ref.file, "change", "pending_authority")
        db.session.commit()
        db.session.remove()

    def approve(session: Any) -> None:
        WORKFLOWS["change"].perform(session, change.id, "approve", authority, version=2)

    found = at_once(live_app, (authority, approve), step(ref, "take", world.actors[INFO]))

    assert found in ([200, 200], [200, 422])
    with live_app.app_context(), system():
        assert db.session.get_one(RecordChange, change.id).state == "approved"
    assert state_of(live_app, ref) == ("completed" if found[1] == 200 else "ready_to_take")
    assert_sound(live_app, world)


def test_what_is_void_goes_no_further(live_app: Any, world: Any) -> None:
    """The sending school ends the service while the other authority issues the transfer."""
    ref, clerk = prepared(live_app, world, "pending_in_authority"), world.actors[FROM_INFO]

    found = at_once(
        live_app,
        (clerk, lambda session: void_of_files(session, [ref.file.id], reason="已去世")),
        step(ref, "issue", world.actors[DISTRICT]),
    )

    assert found[0] == 200
    assert state_of(live_app, ref) == "cancelled"
    assert_sound(live_app, world)


def test_a_fault_half_way_leaves_nothing(live_app: Any, world: Any) -> None:
    ref = prepared(live_app, world, "ready_to_take")
    actor, number, stopped = world.actors[INFO], 1, True
    with live_app.app_context():
        with system():
            before = checksum(db.session())
            db.session.rollback()
        while stopped:
            with acting_as(actor), failing_at(db.engine, number):
                try:
                    step(ref, "take", actor)[1](db.session())
                    stopped = False
                except Fault:
                    number += 11  # A prime apart: no part of the act is left out for long.
                finally:
                    db.session.rollback()
        with system():
            assert checksum(db.session()) == before
            db.session.rollback()

    assert number > 100
