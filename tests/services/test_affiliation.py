"""Affiliations are closed and opened, never altered: what is counted of a past day stays (s4.2)."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from app.access.actor import acting_as, system
from app.core.clock import now
from app.models.teacher import Affiliation
from app.services import affiliation


def on(session: Any, moment: Any) -> list[tuple[int, str]]:
    """What a count of that moment reads: school and status of everybody."""
    with system():
        rows = session.execute(
            select(Affiliation.teacher_id, Affiliation.status)
            .where(Affiliation.valid_from <= moment)
            .where(Affiliation.valid_to.is_(None) | (Affiliation.valid_to > moment))
            .order_by(Affiliation.teacher_id)
        )
        return [tuple(row) for row in rows]


def test_another_status_follows_and_the_past_stays(session: Any, world: Any) -> None:
    file, other = world.teacher("A1", "effective"), world.teacher("A1", "effective", 2)
    before, at = now(), now() + timedelta(seconds=1)
    was = on(session, before)

    with acting_as(world.actors["school_info_A1"]):
        affiliation.restate(session, [file.id], status="202", at=at)

    assert on(session, before) == was
    assert dict(on(session, at)) == dict(was) | {file.id: "202"}
    assert dict(was)[other.id] == "100"


def test_who_leaves_is_counted_until_then_and_the_last_status_is_kept(
    session: Any, world: Any
) -> None:
    file = world.teacher("A1", "effective")
    before, at = now(), now() + timedelta(seconds=1)
    was = on(session, before)

    # The receiving school takes the step, to whom the row of the sending one is foreign.
    with acting_as(world.actors["school_info_B1"]):
        affiliation.end(session, [file.id], status="305", month="2026-08", at=at)

    assert on(session, before) == was
    assert file.id not in dict(on(session, at))
    with system():
        last = session.scalars(
            select(Affiliation)
            .where(Affiliation.teacher_id == file.id)
            .order_by(Affiliation.id.desc())
        ).first()
    assert (last.status, last.to_month, last.valid_from) == ("305", "2026-08", last.valid_to)


def test_two_changes_at_one_moment_lose_nobody(session: Any, world: Any) -> None:
    file = world.teacher("A1", "effective")
    at = now() + timedelta(seconds=1)
    with acting_as(world.actors["school_info_A1"]):
        affiliation.restate(session, [file.id], status="202", at=at)
        affiliation.restate(session, [file.id], status="203", at=at)

    assert dict(on(session, at))[file.id] == "203"


def test_a_place_begins_where_another_has_ended(session: Any, world: Any) -> None:
    file, school = world.teacher("A1", "effective"), world.units["B1"]
    at = now() + timedelta(seconds=1)
    with acting_as(world.actors["school_info_B1"]):
        affiliation.end(session, [file.id], status="305", month="2026-08", at=at)
        row = {"teacher_id": file.id, "school_id": school.id, "authority_id": school.authority_id,
               "kind": "personnel", "status": "100", "from_month": "2026-09"}  # fmt: skip
        affiliation.begin(session, [row], at=at)

    with system():
        open_ = select(Affiliation.school_id).where(
            Affiliation.teacher_id == file.id, Affiliation.valid_to.is_(None)
        )
        assert session.scalars(open_).all() == [school.id]
        count = select(func.count()).where(Affiliation.teacher_id == file.id)
        assert session.scalar(count) == 3
