"""The search box: whom a typed text finds, and what it costs."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.actor import system
from app.models.teacher import ReviewState, Teacher
from app.models.unit import Unit
from app.services import search
from tests.factories import Wanted, make_teachers


@pytest.fixture
def named(session: Session, world: Any) -> Any:
    """Make files of these names at A1."""

    def make(*names: str) -> list[Teacher]:
        with system():
            school = session.get(Unit, world.units["A1"].id)
            wanted = [Wanted(school, ReviewState.DRAFT, basic={"name": name}) for name in names]
            teachers = make_teachers(session, wanted)
            search.index(session, teachers)
            session.flush()
        return teachers

    return make


def found(session: Session, text: str) -> set[int]:
    """The ids of the files that a text finds."""
    with system():
        return set(session.scalars(select(Teacher.id).where(search.matches(text))))


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("欧阳修", {0}),
        ("欧", {0, 1}),
        ("阳修", {0}),
        ("修远", {1}),
        ("欧阳修远", set()),
        ("oyxy", {1}),
        ("OY", {0, 1}),
        ("阿卜杜热合曼", {2}),
        ("杜热合曼", {2}),
        ("欧 阳 修", {0}),
        ("欧阳%", set()),
    ],
)
def test_a_name_is_found_by_any_piece_and_by_initials(
    session: Session, named: Any, text: str, who: set[int]
) -> None:
    teachers = named("欧阳修", "欧元修远", "阿卜杜热合曼")
    mine = [each.id for each in teachers]

    assert found(session, text) & {*mine} == {mine[place] for place in who}


def test_a_new_name_with_the_same_initials_is_found_and_the_old_one_is_not(
    session: Session, named: Any
) -> None:
    (teacher,) = named("张玮晔")
    with system():
        teacher.name = "章玮晔"
        search.index(session, [teacher])
        session.flush()

    assert teacher.id in found(session, "章玮晔")
    assert teacher.id not in found(session, "张玮晔")
    assert teacher.id not in found(session, "张")


def test_a_long_text_costs_no_more_than_a_short_one(session: Session) -> None:
    long = str(select(Teacher.id).where(search.matches("一二三四五六七八九十" * 10)))

    assert long.count("FROM name_gram") == search.MAX_PIECES
