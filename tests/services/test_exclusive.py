"""The matrix of open processes per teacher, cell by cell, and the one place that the database
guards (s0)."""

from typing import Any

import pytest

from app.access.actor import acting_as
from app.core.errors import NotFound, Refused
from app.services import exclusive
from app.services.exclusive import Kind, Open
from tests.processes import make_process

# The matrix of the specification, copied by hand: what is open, then what it refuses of addition,
# change, status change, transfer, rotation.
MATRIX = """
review            addition change status_change transfer rotation
addition
change
status_change     status_change transfer rotation
transfer          transfer rotation
transfer_issued   addition change status_change transfer rotation
rotation          status_change transfer rotation
rotation_active   status_change transfer
"""
ROWS = {name: set(refused) for name, *refused in map(str.split, MATRIX.strip().splitlines())}


@pytest.mark.parametrize("what", Open)
@pytest.mark.parametrize("wanted", Kind)
def test_the_matrix_is_that_of_the_specification(what: Open, wanted: Kind) -> None:
    assert (wanted in exclusive.REFUSED[what]) == (wanted in ROWS[what])


def test_what_is_open_is_found_wherever_it_lies_and_names_the_school_alone(
    session: Any, world: Any
) -> None:
    draft, free, busy = (world.teacher(*each) for each in
                         (("A1", "draft"), ("A1", "effective"), ("A1", "reported")))  # fmt: skip
    made = make_process(session, world, busy, "change", "pending_authority")

    with acting_as(world.actors["school_info_B1"]):
        found = exclusive.opened(session, [draft.id, free.id, busy.id])
        refused = exclusive.refusals(
            session, Kind.TRANSFER, dict.fromkeys((draft.id, free.id, busy.id))
        )

    school = world.units["A1"].name
    assert [(each.what, each.id, each.school) for each in found[draft.id]] == [
        (Open.REVIEW, None, school)
    ]
    assert found[free.id] == []
    assert [(each.what, each.id) for each in found[busy.id]] == [(Open.CHANGE, made.id)]
    assert list(refused) == [draft.id]
    (problem,) = refused[draft.id]
    assert (problem.code, school in str(problem.message)) == ("open_process", True)


def test_a_person_has_one_place_for_transfer_and_rotation(session: Any, world: Any) -> None:
    file = world.teacher("A1", "effective")
    exclusive.occupy(session, Kind.TRANSFER, file.id, 1)
    exclusive.leave(session, Kind.ROTATION, [1])
    exclusive.leave(session, Kind.TRANSFER, [2])

    with pytest.raises(Refused):
        exclusive.occupy(session, Kind.ROTATION, file.id, 1)


def test_a_place_is_free_once_its_process_has_ended(session: Any, world: Any) -> None:
    file = world.teacher("A1", "effective")
    exclusive.occupy(session, Kind.TRANSFER, file.id, 1)

    exclusive.leave(session, Kind.TRANSFER, [1])

    exclusive.occupy(session, Kind.ROTATION, file.id, 7)


def test_a_file_is_held_from_any_school_and_one_that_has_gone_is_told(
    session: Any, world: Any
) -> None:
    file = world.teacher("A1", "effective")
    with acting_as(world.actors["school_info_B1"]):
        exclusive.hold(session, [file.id])
        with pytest.raises(NotFound):
            exclusive.hold(session, [file.id, 10**9])
