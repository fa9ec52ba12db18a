"""The national numbers entered by the city: looked at first, unique, all or none, on record."""

from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.core.errors import Forbidden, Malformed, Refused
from app.models.history import Audit
from app.models.teacher import Teacher
from app.services import national_number
from tests.views.pages import sign_in, token_for

A, B = "A1_effective_1", "B1_reported_1"
PATH = "/national-numbers/"


def number_of(session: Any, world: Any, key: str) -> str | None:
    with system():
        return session.scalar(
            select(Teacher.national_no).where(Teacher.id == world.teachers[key].id)
        )


def save(session: Any, world: Any, text: str, key: str = "city_info") -> int:
    actor = world.actors[key]
    with acting_as(actor):
        return national_number.save(session, actor, text)


def pairs(world: Any, first: str, second: str) -> str:
    return f"{world.teachers[A].teacher_no}\t{first}\n\n{world.teachers[B].teacher_no}，{second}\n"


def test_pairs_are_written_and_on_record(session: Any, world: Any) -> None:
    assert save(session, world, pairs(world, "gj00000001", "GJ00000002")) == 2

    assert number_of(session, world, A) == "GJ00000001"
    assert number_of(session, world, B) == "GJ00000002"
    with system():
        rows = session.scalars(select(Audit).order_by(Audit.id.desc()).limit(2)).all()
    assert {row.teacher_id for row in rows} == {world.teachers[A].id, world.teachers[B].id}
    assert {row.detail["national_no"]["to"] for row in rows} == {"GJ00000001", "GJ00000002"}


def test_the_same_again_writes_nothing_and_a_taken_number_is_refused(
    session: Any, world: Any
) -> None:
    save(session, world, pairs(world, "GJ00000001", "GJ00000002"))

    assert save(session, world, pairs(world, "GJ00000001", "GJ00000002")) == 0
    with pytest.raises(Refused):
        save(session, world, f"{world.teachers[A].teacher_no} GJ00000002")


@pytest.mark.parametrize(
    "wrong", ["x", "1234567890 GJ00000003", "{a} short", "{a} GJ0000000-1", "{b} GJ00000009", "{b}"]
)
def test_one_wrong_line_keeps_everything_unwritten(session: Any, world: Any, wrong: str) -> None:
    named = wrong.format(a=world.teachers[A].teacher_no, b=world.teachers[B].teacher_no)
    text = pairs(world, "GJ00000001", "GJ00000009") + named

    with acting_as(world.actors["city_info"]):
        lines = national_number.preview(session, text)
    assert lines[-1].problem
    assert [line.row for line in lines] == [1, 3, 4]
    with pytest.raises(Refused):
        save(session, world, text)
    assert number_of(session, world, A) is None


def test_empty_and_endless_entries_are_refused(session: Any, world: Any) -> None:
    with pytest.raises(Refused):
        save(session, world, " \n")
    with pytest.raises(Malformed):
        save(session, world, "a b\n" * (national_number.MOST + 1))


@pytest.mark.parametrize("key", ["city_system", "district_info_A", "school_info_A1", "teacher_A1"])
def test_only_the_city_enters_them(app: Any, session: Any, world: Any, key: str) -> None:
    with pytest.raises(Forbidden):
        save(session, world, pairs(world, "GJ00000001", "GJ00000002"), key)

    client = sign_in(app, world, key)
    assert client.get(PATH).status_code == 403
    form = {"csrf_token": token_for(client), "pairs": "x", "save": "1"}
    assert client.post(PATH, data=form).status_code == 403


def test_the_page_shows_first_and_writes_when_told(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_info")
    text = pairs(world, "GJ00000001", "GJ00000002")
    form = {"csrf_token": token_for(client), "pairs": text}

    shown = client.post(PATH, data=form)
    assert shown.status_code == 200
    assert world.teachers[A].name in shown.text
    assert number_of(session, world, A) is None

    assert client.post(PATH, data=form | {"save": "1"}).status_code == 302
    assert number_of(session, world, A) == "GJ00000001"
    assert "GJ00000001" in client.get(f"/teacher/{world.teachers[A].id}").text
    refused = client.post(PATH, data=form | {"pairs": "x", "save": "1"})
    assert refused.status_code == 422
