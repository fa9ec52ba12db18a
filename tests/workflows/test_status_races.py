"""Status changes under real commits: several people at once, and faults half-way."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.actor import acting_as, system
from app.core.clock import today
from app.extensions import db
from app.models.change import RecordChange
from app.models.status_change import StatusChange
from app.models.teacher import FileVersion, Teacher
from app.services import status_change as changes
from app.services.integrity import find_faults
from app.workflows.status_change import STATUS_CHANGE
from tests.processes import ProcessRef, make_process, make_status_change
from tests.workflows.tables import checksum
from tests.workflows.test_change_races import at_once, step
from tests.workflows.test_engine import Fault, failing_at

INFO, DISTRICT = "school_info_A1", "district_info_A"


def registered(app: Any, world: Any, state: str = "draft", **columns: Any) -> ProcessRef:
    """A status change of an effective file, committed."""
    with app.app_context():
        file = world.teacher("A1", "effective")
        made = make_status_change(db.session(), world, file, state, **columns)
        db.session.commit()
        db.session.remove()
    return made


def act(ref: ProcessRef, name: str, actor: Any, **inputs: Any) -> Any:
    """A step of somebody, at the version that is there."""

    def run(session: Any) -> None:
        STATUS_CHANGE.perform(session, ref.id, name, actor, version=None, **inputs)

    return actor, run


def sound(app: Any, world: Any, ref: ProcessRef) -> tuple[str, Teacher]:
    """The state and the file in the end; nothing is wrong with the data."""
    with app.app_context(), system():
        assert find_faults(db.session(), world.catalog) == []
        file = db.session.get_one(Teacher, ref.file.id)
        db.session.refresh(file)
        state = db.session.get_one(StatusChange, ref.id).state
        db.session.expunge_all()
        return state, file


def test_of_many_who_put_it_into_effect_one_does(live_app: Any, world: Any) -> None:
    ref = registered(live_app, world, to_status="307")

    found = at_once(live_app, *[act(ref, "make_effective", world.actors[INFO])] * 6)

    assert sorted(found) == [200] + [409] * 5
    state, file = sound(live_app, world, ref)
    assert (state, file.active, file.file_version) == ("effective", False, 2)
    with live_app.app_context(), system():
        versions = select(func.count()).where(FileVersion.teacher_id == ref.file.id)
        assert db.session.scalar(versions) == 2


def test_an_effect_and_a_revocation_come_one_after_the_other(live_app: Any, world: Any) -> None:
    ref = registered(live_app, world, to_status="307")
    revoked = act(ref, "revoke", world.actors[DISTRICT], reason="登记有误")

    found = at_once(live_app, act(ref, "make_effective", world.actors[INFO]), revoked)

    assert found in ([200, 200], [200, 409])
    state, file = sound(live_app, world, ref)
    assert (state, file.active) == (("revoked", True) if found[1] == 200 else ("effective", False))


def test_of_two_revocations_one_happens(live_app: Any, world: Any) -> None:
    ref = registered(live_app, world, "effective")
    inputs = {"reason": "登记有误"}

    found = at_once(
        live_app,
        act(ref, "revoke", world.actors[DISTRICT], **inputs),
        act(ref, "revoke", world.actors[INFO], **inputs),
    )

    assert sorted(found) == [200, 409]
    state, file = sound(live_app, world, ref)
    assert (state, file.staff_status, file.file_version) == ("revoked", "100", 2)


@pytest.mark.parametrize("flow", ["addition", "change"])
def test_a_departure_and_an_approval_both_hold_or_the_approval_lapses(
    live_app: Any, world: Any, flow: str
) -> None:
    """Which of them is first may vary; neither waits for the other for ever."""
    with live_app.app_context():
        file = world.teacher("A1", "effective")
        other = make_process(db.session(), world, file, flow, "pending_authority")
        db.session.commit()
        db.session.remove()
    ref = registered(live_app, world, to_status="307")

    found = at_once(
        live_app,
        act(ref, "make_effective", world.actors[INFO]),
        step(other, "approve", world.actors[DISTRICT]),
    )

    assert found[0] == 200
    assert found[1] in (200, 409)
    state, file = sound(live_app, world, ref)
    assert (state, file.active) == ("effective", False)
    with live_app.app_context(), system():
        became = db.session.get_one(RecordChange, other.id).state
    lapsed = {"addition": "withdrawn", "change": "superseded"}[flow]
    assert became == ("approved" if found[1] == 200 else lapsed)


def test_one_of_two_is_registered(live_app: Any, world: Any) -> None:
    file, actor = world.teacher("A1", "effective"), world.actors[INFO]

    def register(session: Any) -> None:
        changes.register(
            session, actor, session.get_one(Teacher, file.id), to_status="203",
            effective_date=today(), catalog=world.catalog,
        )  # fmt: skip

    opening: tuple[Any, Callable[[Any], Any]] = (actor, register)
    assert sorted(at_once(live_app, *[opening] * 4)) == [200, 422, 422, 422]


def test_a_fault_half_way_leaves_nothing(live_app: Any, world: Any) -> None:
    ref = registered(live_app, world, to_status="307")
    actor, number, stopped = world.actors[INFO], 1, True
    run = act(ref, "make_effective", actor)[1]
    with live_app.app_context():
        with system():
            before = checksum(db.session())
            db.session.rollback()
        while stopped:
            with acting_as(actor), failing_at(db.engine, number):
                try:
                    run(db.session())
                    stopped = False
                except Fault:
                    number += 7  # A prime apart: no part of the act is left out for long.
                finally:
                    db.session.rollback()
        with system():
            assert checksum(db.session()) == before
            db.session.rollback()

    assert number > 50
