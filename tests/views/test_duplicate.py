"""Duplicates on pages and over the API: the list, both files side by side, the decision."""

from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import system
from app.jobs.duplicate import find_duplicates
from app.models.duplicate import DuplicateCase, DuplicateState
from app.models.history import Audit
from app.models.teacher import Teacher
from tests.jobs.test_nightly import night
from tests.services.test_duplicate import alike, pairs
from tests.views.api_caller import Caller
from tests.views.figures import figures, rows_behind
from tests.views.pages import sign_in, token_of

NAME = "欧阳重复"


def case_of(session: Any, world: Any) -> tuple[int, list[int]]:
    """The case of two files that are alike."""
    keys = alike(session, world, NAME, native_place="110105")
    night(session, find_duplicates)
    with system():
        key = session.scalars(select(DuplicateCase.id)).one()
        session.commit()
    return key, keys


def test_the_city_compares_both_files_and_decides_with_a_reason(
    app: Any, session: Any, world: Any
) -> None:
    key, keys = case_of(session, world)
    client = sign_in(app, world, "city_info", language="en")
    with system():
        files = [session.get_one(Teacher, each) for each in keys]
        schools, number = [each.school.name for each in files], files[0].teacher_no

    figure = next(e for e in figures(client.get("/").text) if "/duplicates/list/" in e.href)
    assert rows_behind(client, figure.href) == figure.count == 1
    listed = client.get(figure.href).text
    page = client.get(f"/duplicates/show/{key}").text
    for school in schools:
        assert f"{NAME} · {school}" in listed
        assert f"{NAME} · {school}" in page
    assert number in page
    assert all(f'href="/teacher/{each}"' in page for each in keys)
    assert "ID number" in page  # Two numbers, each masked.
    assert "Birth date" not in page

    def answer(**form: str) -> Any:
        token = token_of(client.get("/").text)
        address = f"/duplicates/action/dismiss/{key}"
        return client.post(address, data={"csrf_token": token, **form})

    assert answer().status_code == 422
    assert answer(reason="双胞胎").status_code == 302
    assert pairs(session)[0][3] == DuplicateState.DISMISSED
    page = client.get(f"/duplicates/show/{key}").text
    assert "双胞胎" in page
    assert "/duplicates/action/dismiss/" not in page
    with system():
        opened = session.scalars(select(Audit.teacher_id).where(Audit.act == "open_file")).all()
    assert sorted(opened) == sorted(keys)


def test_the_api_tells_the_same_and_decides_once(app: Any, session: Any, world: Any) -> None:
    key, keys = case_of(session, world)
    city = Caller(app.test_client(), "city_info")

    assert city.get("/duplicate/").json["result"][0]["id"] == key
    found = city.get(f"/duplicate/{key}").json["result"]
    assert [found["first_id"], found["second_id"], found["state"]] == [*keys, "open"]
    assert city.post(f"/duplicate/{key}/dismiss", {"reason": 1}).status_code == 400
    assert city.post(f"/duplicate/{key}/dismiss", {"reason": " "}).status_code == 422
    assert city.post(f"/duplicate/{key}/dismiss", {"reason": "双胞胎"}).json["state"] == "dismissed"
    assert city.post(f"/duplicate/{key}/dismiss", {"reason": "双胞胎"}).status_code == 409
    assert city.post(f"/duplicate/{key + 1}/dismiss", {"reason": "双胞胎"}).status_code == 404


@pytest.mark.parametrize(
    "who", ["school_info_A1", "district_info_A", "city_system", "city_assistant"]
)
def test_nobody_else_opens_or_decides(app: Any, session: Any, world: Any, who: str) -> None:
    key, _keys = case_of(session, world)
    client = sign_in(app, world, who)
    token = token_of(client.get("/").text)
    form = {"csrf_token": token, "reason": "双胞胎"}

    assert client.get("/duplicates/list/").status_code == 403
    assert client.get(f"/duplicates/show/{key}").status_code == 403
    assert client.post(f"/duplicates/action/dismiss/{key}", data=form).status_code == 403
    assert pairs(session)[0][3] == DuplicateState.OPEN
