"""`flask check` finds each kind of damage and nothing in a sound database."""

from typing import Any

import pytest
from sqlalchemy import text, update

from app.access.actor import system
from app.models.teacher import Affiliation, Teacher
from app.services.integrity import find_faults


def faults(session: Any, world: Any) -> list[str]:
    """What the check says."""
    session.flush()
    with system():
        return find_faults(session, world.catalog)


def change(session: Any, statement: Any) -> None:
    """Damage the data past everything that would refuse it."""
    with system():
        session.execute(statement.execution_options(synchronize_session=False))


def test_a_sound_database_has_no_fault(session: Any, world: Any) -> None:
    assert faults(session, world) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"teacher_no": "0000000000"}, "check digit"),
        ({"file_version": 7}, "version"),
        ({"state": "reported"}, "history"),
    ],
)
def test_damage_to_a_file_is_named(
    session: Any, world: Any, values: dict[str, Any], words: str
) -> None:
    key = world.teacher("A1", "effective").id

    change(session, update(Teacher).where(Teacher.id == key).values(values))

    assert any(f"file {key}" in each and words in each for each in faults(session, world))


def test_a_second_open_affiliation_is_named(session: Any, world: Any) -> None:
    key = world.teacher("A1", "draft").id

    with system():
        session.add(
            Affiliation(
                teacher_id=key,
                school_id=world.units["A1"].id,
                authority_id=world.units["A"].id,
                kind="personnel",
                status="100",
            )
        )

        found = faults(session, world)

    assert any(f"file {key}" in each and "affiliations" in each for each in found)


def test_a_fence_that_is_down_is_named(session: Any, world: Any) -> None:
    on = " ON transition" if session.get_bind().dialect.name == "postgresql" else ""

    session.execute(text(f"DROP TRIGGER fence_transition_update{on}"))

    assert faults(session, world) == ["history: the fence fence_transition_update is down"]
