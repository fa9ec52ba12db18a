"""Duplicates: which pairs are found, how often, and what the city may say of them."""

from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.core.errors import Forbidden, Refused, Stale
from app.demo.ids import SEQUENCES, id_number
from app.jobs.duplicate import find_duplicates
from app.models.duplicate import DuplicateCase, DuplicateKind, DuplicateState
from app.models.history import Audit
from app.models.teacher import Teacher
from app.models.unit import Unit
from app.services import duplicate
from tests.factories import Wanted, make_teachers
from tests.jobs.test_nightly import night


def alike(session: Any, world: Any, name: str = "欧阳重复", **second: Any) -> list[int]:
    """Two files of one name, sex and birth date in schools of two districts."""
    with system():
        schools = [session.get_one(Unit, world.units[code].id) for code in ("A1", "B1")]
        first = make_teachers(session, [Wanted(schools[0], "effective", {"name": name})])[0]
        session.refresh(first)
        basic = duplicate.TEACHER_SETS["basic"]
        of_first = select(basic).where(basic.teacher_id == first.id)
        born = session.scalars(of_first).one().birth_date
        number = id_number(born, first.sex, SEQUENCES - len(name))
        content = {"name": name, "sex": first.sex, "birth_date": born, "id_no": number} | second
        return [first.id, make_teachers(session, [Wanted(schools[1], "draft", content)])[0].id]


def pairs(session: Any) -> list[tuple[int, int, str, str]]:
    with system():
        rows = session.scalars(select(DuplicateCase).order_by(DuplicateCase.id)).all()
        return [(each.first_id, each.second_id, each.kind, each.state) for each in rows]


def test_a_pair_is_found_once_and_stays_dismissed(session: Any, world: Any) -> None:
    city, keys = world.actors["city_info"], alike(session, world)
    _other_sex(session, world)

    night(session, find_duplicates)
    night(session, find_duplicates)

    assert pairs(session) == [(*keys, DuplicateKind.LIKENESS, DuplicateState.OPEN)]
    with acting_as(city):
        case = session.scalars(select(DuplicateCase)).one()
        with pytest.raises(Refused):
            duplicate.dismiss(session, city, case, "  ")
        duplicate.dismiss(session, city, case, "双胞胎，证件已核对")
        with pytest.raises(Stale):
            duplicate.dismiss(session, city, case, "再判一次")
        assert duplicate.waiting(session) == (0, None)
    night(session, find_duplicates)

    assert pairs(session) == [(*keys, DuplicateKind.LIKENESS, DuplicateState.DISMISSED)]
    with system():
        rows = session.scalars(select(Audit).where(Audit.object_type == "duplicate_case")).all()
    assert sorted((each.teacher_id, each.act, each.account_id) for each in rows) == [
        (key, "change", city.account_id) for key in sorted(keys)
    ]


def _other_sex(session: Any, world: Any) -> None:
    """Two files of one name and birth date, a woman and a man."""
    first, second = alike(session, world, "欧阳相同名")
    with system():
        other = {"1": "2", "2": "1"}[session.get_one(Teacher, first).sex or "1"]
        session.get_one(Teacher, second).sex = other
        session.flush()


def test_the_number_of_one_who_left_makes_a_pair_that_cannot_be_two_persons(
    session: Any, world: Any
) -> None:
    keys, city = alike(session, world), world.actors["city_info"]
    with system():
        left, here = (session.get_one(Teacher, key) for key in keys)
        left.active = False
        left.id_no_index, left.id_no_index2 = here.id_no_index, here.id_no_index2
        session.flush()

    night(session, find_duplicates)

    assert pairs(session) == [(*keys, DuplicateKind.NUMBER, DuplicateState.OPEN)]
    with acting_as(city):
        case = session.scalars(select(DuplicateCase)).one()
        with pytest.raises(Refused) as refusal:
            duplicate.dismiss(session, city, case, "不是同一人")
    assert [each.code for each in refusal.value.problems] == ["DQ008"]
    assert pairs(session)[0][3] == DuplicateState.OPEN


def test_nobody_but_the_information_administrator_of_the_city_sees_or_decides(
    session: Any, world: Any
) -> None:
    alike(session, world)
    night(session, find_duplicates)
    others = [actor for key, actor in world.actors.items() if key != "city_info"]
    with system():
        case = session.scalars(select(DuplicateCase)).one()

    for actor in others:
        with acting_as(actor):
            assert session.scalars(select(DuplicateCase)).all() == []
            with pytest.raises(Forbidden):
                duplicate.dismiss(session, actor, case, "不是同一人")
    assert pairs(session)[0][3] == DuplicateState.OPEN
