"""Rotations under real commits: several people at once, and nights that are cut off."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.actor import SYSTEM_ACTOR, acting_as, system
from app.extensions import db
from app.jobs.rotation import start_rotations
from app.models.record import TEACHER_SETS
from app.models.rotation import Rotation
from app.models.teacher import Affiliation, FileVersion, OpenProcess, Teacher
from app.services import exclusive
from app.services import rotation as rotations
from app.services.exclusive import Kind
from app.services.filling import hold
from app.services.integrity import find_faults
from app.workflows.rotation import ROTATION
from tests.rotations import RotationRef, make_rotation, month
from tests.workflows.tables import checksum
from tests.workflows.test_change_races import at_once
from tests.workflows.test_engine import Fault, failing_at

INFO, DISTRICT = "school_info_A1", "district_info_A"


def prepared(app: Any, world: Any, state: str, **more: Any) -> RotationRef:
    """A rotation of an effective file, committed."""
    with app.app_context():
        made = make_rotation(db.session(), world, world.teacher("A1", "effective"), state, **more)
        db.session.commit()
        db.session.remove()
    return made


def step(ref: RotationRef, name: str, actor: Any, **inputs: Any) -> Any:
    version = {"pending_out_authority": 2, "active": 3}[ref.state]
    return actor, lambda session: ROTATION.perform(
        session, ref.id, name, actor, version=version, **inputs
    )


def sound(world: Any) -> bool:
    return find_faults(db.session(), world.catalog) == []


def test_of_many_confirmations_at_once_one_succeeds(live_app: Any, world: Any) -> None:
    ref = prepared(live_app, world, "pending_out_authority")

    found = at_once(live_app, *[step(ref, "confirm", world.actors[DISTRICT])] * 6)

    assert sorted(found) == [200] + [409] * 5
    with live_app.app_context(), system():
        session, cls = db.session(), TEACHER_SETS["rotation"]
        versions = select(func.max(FileVersion.number)).where(FileVersion.teacher_id == ref.file.id)
        rows = select(func.count()).where(cls.teacher_id == ref.file.id, cls.as_of())
        guests = select(func.count()).where(Affiliation.kind == "guest")
        assert [session.scalar(each) for each in (versions, rows, guests)] == [2, 1, 1]
        assert sound(world)


def test_a_withdrawal_and_a_confirmation_do_not_both_happen(live_app: Any, world: Any) -> None:
    ref = prepared(live_app, world, "pending_out_authority")

    found = at_once(
        live_app,
        step(ref, "confirm", world.actors[DISTRICT]),
        step(ref, "withdraw", world.actors[INFO]),
    )

    assert sorted(found) == [200, 409]
    with live_app.app_context(), system():
        state = db.session.get_one(Rotation, ref.id).state
        assert state == ("active" if found[0] == 200 else "withdrawn")
        assert db.session.get(OpenProcess, ref.file.id) is None
        assert sound(world)


def test_an_end_and_a_confirmed_extension_come_one_after_the_other(
    live_app: Any, world: Any
) -> None:
    ref = prepared(live_app, world, "active", asked=9)
    version = 4  # Opened, submitted, confirmed, asked.
    clerk, district = world.actors[INFO], world.actors[DISTRICT]

    def act(actor: Any, name: str) -> Any:
        return actor, lambda session: ROTATION.perform(
            session, ref.id, name, actor, version=version
        )

    found = at_once(live_app, act(clerk, "end"), act(district, "confirm_extension"))

    assert sorted(found) == [200, 409]
    with live_app.app_context(), system():
        assert sound(world)


def test_one_of_many_drafts_takes_the_place_of_a_person(live_app: Any, world: Any) -> None:
    ref, actor = world.teacher("A1", "effective"), world.actors[INFO]

    assert sorted(at_once(live_app, *[(actor, drafting(world, ref, actor))] * 4)) == [
        200, 422, 422, 422,
    ]  # fmt: skip


def drafting(world: Any, ref: Any, actor: Any) -> Callable[[Any], Any]:
    raw = {"to_school": world.units["B1"].id, "type": "1", "direction": "3",
           "start": month(-1), "planned_end": month(6)}  # fmt: skip

    def draft(session: Any) -> None:
        rotations.create(
            session, actor, session.get_one(Teacher, ref.id), raw, catalog=world.catalog
        )

    return draft


def test_a_rotation_and_another_status_do_not_both_come_about(live_app: Any, world: Any) -> None:
    """What a status change does first: it holds the file and asks the matrix (s0)."""
    ref, actor = world.teacher("A1", "effective"), world.actors[INFO]

    def leave_of_absence(session: Any) -> None:
        teacher = session.get_one(Teacher, ref.id)
        hold(session, teacher)
        exclusive.require_free(session, Kind.STATUS_CHANGE, ref.id)
        teacher.staff_status = "204"

    found = at_once(live_app, (actor, drafting(world, ref, actor)), (actor, leave_of_absence))

    assert sorted(found) == [200, 422]


@pytest.mark.parametrize("name", ["confirm", "end"])
def test_a_fault_half_way_leaves_nothing(live_app: Any, world: Any, name: str) -> None:
    state, who = {"confirm": ("pending_out_authority", DISTRICT), "end": ("active", INFO)}[name]
    ref, number, stopped = prepared(live_app, world, state), 1, True
    actor = world.actors[who]
    with live_app.app_context():
        with system():
            before = checksum(db.session())
            db.session.rollback()
        while stopped:
            with acting_as(actor), failing_at(db.engine, number):
                try:
                    step(ref, name, actor)[1](db.session())
                    stopped = False
                except Fault:
                    number += 11  # A prime apart: no part of the act is left out for long.
                finally:
                    db.session.rollback()
        with system():
            assert checksum(db.session()) == before
            db.session.rollback()

    assert number > 50


def test_a_night_that_is_cut_off_goes_on_and_does_nothing_twice(
    live_app: Any, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.rotation.BATCH", 1)
    monkeypatch.setattr("app.services.rotation_effect.has_begun", lambda _item: False)
    refs = []
    with live_app.app_context():
        for number in (1, 2):
            file = world.teacher("A1", "effective", number)
            refs.append(make_rotation(db.session(), world, file))
        db.session.commit()

        class Killed(Exception):
            pass

        def night(*, kill: bool) -> None:
            session = db.session()
            ctx = SimpleNamespace(session=session, done=0, actor=SYSTEM_ACTOR)
            ctx.job = SimpleNamespace(id=1, name="start_rotations")

            def goes_on(done: int) -> None:
                session.commit()
                ctx.done = done
                if kill:
                    raise Killed

            ctx.step = goes_on
            with system():
                start_rotations(ctx)

        with pytest.raises(Killed):
            night(kill=True)
        db.session.rollback()
        night(kill=False)
        night(kill=False)

        with system():
            guests = select(Affiliation.teacher_id).where(Affiliation.kind == "guest")
            keys = sorted(db.session.scalars(guests))
            assert keys == sorted(each.file.id for each in refs)
            assert sound(world)
        db.session.remove()
