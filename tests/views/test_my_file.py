"""My file: what is left to do, submission, withdrawal, who read it; nobody else's file."""

import re
from typing import Any

import pytest
from sqlalchemy import select, update

from app.access.actor import system
from app.models.account import Account
from app.models.record import TEACHER_SETS
from app.models.teacher import Teacher
from app.services import check, contents
from tests.views.pages import sign_in, token_of
from tests.views.test_teacher import state_of, version_of

LEFT = re.compile(r'class="tm-mark tm-todo-mark"')


def submit(client: Any, ref: Any, version: str, **form: Any) -> Any:
    """Submit the own file as the dialog does."""
    token = token_of(client.get("/my-file/").text)
    data = {"csrf_token": token, "_version": version, "next": "/my-file/", **form}
    return client.post(f"/flow/review/{ref.id}/submit", data=data)


def erase(session: Any, world: Any, ref: Any, set_code: str, code: str) -> None:
    """Empty a value and check the file anew, as if it had never been filled in."""
    with system():
        cls = TEACHER_SETS[set_code]
        session.execute(update(cls).where(cls.teacher_id == ref.id).values({code: None}))
        teacher = session.get_one(Teacher, ref.id)
        content = contents.file_data(session, [teacher], world.catalog)
        check.keep(session, [teacher], content, world.catalog)
        session.commit()


def test_shows_the_own_file_whole_and_no_other(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "teacher_A1")
    actor, ref = world.actors["teacher_A1"], world.teachers["A1_draft_1"]

    for path in ("/my-file/", *(f"/my-file/set/{code}" for code in TEACHER_SETS),
                 "/my-file/history", "/my-file/readers"):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code in (200, 404), path
        world.assert_no_leak(answer, actor)
    assert ref.id_no in client.get("/my-file/set/basic").text
    for other in (world.teacher("A1", "draft", 2), world.teacher("B1", "draft")):
        assert client.get(f"/teacher/{other.id}").status_code == 404


@pytest.mark.parametrize("key", ["school_info_A1", "district_info_A", "city_info", "city_system"])
def test_is_the_teachers_page_alone(app: Any, session: Any, world: Any, key: str) -> None:
    assert sign_in(app, world, key).get("/my-file/").status_code == 403


def test_an_account_without_a_file_is_told_whom_to_ask(app: Any, session: Any, world: Any) -> None:
    with system():
        account = session.get_one(Account, world.actors["teacher_A1"].account_id)
        account.teacher_id = None
        session.commit()
    client = sign_in(app, world, "teacher_A1")

    answer = client.get("/my-file/")

    assert answer.status_code == 200
    assert "administrator" in answer.text or "管理员" in answer.text
    assert client.get("/my-file/set/basic").status_code == 404


def test_lists_what_the_teacher_can_mend_and_not_what_the_school_fills_in(
    app: Any, session: Any, world: Any
) -> None:
    ref = world.teachers["A1_draft_1"]
    client = sign_in(app, world, "teacher_A1")
    assert not LEFT.findall(client.get("/my-file/").text)

    erase(session, world, ref, "title", "org_name")
    without_mine = LEFT.findall(client.get("/my-file/").text)
    erase(session, world, ref, "work", "org_name")
    with_mine = client.get("/my-file/").text

    assert not without_mine
    assert LEFT.findall(with_mine)
    assert 'href="/my-file/set/work"' in with_mine.partition("tm-tasks")[2].partition("</ul>")[0]


def test_what_the_school_has_not_filled_in_does_not_hold_the_teacher_up(
    app: Any, session: Any, world: Any
) -> None:
    ref = world.teachers["A1_draft_1"]
    erase(session, world, ref, "title", "org_name")
    client = sign_in(app, world, "teacher_A1")

    submit(client, ref, version_of(session, ref), declared="1")

    assert state_of(session, ref) == "submitted"


def test_what_the_teacher_has_not_filled_in_does(app: Any, session: Any, world: Any) -> None:
    ref = world.teachers["A1_draft_1"]
    erase(session, world, ref, "work", "org_name")
    client = sign_in(app, world, "teacher_A1")

    answer = submit(client, ref, version_of(session, ref), declared="1")

    assert answer.status_code == 422
    assert f'href="/teacher/{ref.id}#set-work"' in answer.text
    assert state_of(session, ref) == "draft"


def test_is_submitted_with_a_declaration_and_withdrawn_again(
    app: Any, session: Any, world: Any
) -> None:
    ref = world.teachers["A1_draft_1"]
    client = sign_in(app, world, "teacher_A1")

    undeclared = submit(client, ref, version_of(session, ref))
    declared = submit(client, ref, version_of(session, ref), declared="1")
    page = client.get("/my-file/").text
    data = {"csrf_token": token_of(page), "_version": version_of(session, ref)}
    client.post(f"/flow/review/{ref.id}/withdraw", data=data)

    assert undeclared.status_code == 422
    assert declared.headers["Location"] == "/my-file/"
    assert 'aria-current="step"' in page
    assert f"/flow/review/{ref.id}/withdraw" in page
    assert "/set/contact/edit" not in client.get("/my-file/").text
    assert state_of(session, ref) == "draft"
    history = client.get("/my-file/history").text
    assert history.count("tm-time-mark") == 3


def test_a_submitted_file_offers_no_form(app: Any, session: Any, world: Any) -> None:
    ref = world.teachers["A1_draft_1"]
    client = sign_in(app, world, "teacher_A1")
    assert f"/teacher/{ref.id}/set/contact/edit" in client.get("/my-file/set/contact").text

    submit(client, ref, version_of(session, ref), declared="1")

    assert f"/teacher/{ref.id}/set/contact/edit" not in client.get("/my-file/set/contact").text
    token = token_of(client.get("/my-file/").text)
    answer = client.post(f"/teacher/{ref.id}/set/learning/none", data={"csrf_token": token})
    assert answer.status_code == 409


def test_core_sets_are_shown_and_say_who_fills_them_in(app: Any, session: Any, world: Any) -> None:
    ref = world.teachers["A1_draft_1"]
    client = sign_in(app, world, "teacher_A1")

    page = client.get("/my-file/set/title").text

    assert ref.values["title"]["org_name"] in page
    assert "/set/title/new" not in page
    assert "information administrator" in page or "信息管理员" in page


def test_the_neighbours_of_a_set_are_linked_for_the_thumb(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "teacher_A1")
    order = [entry.code for entry in world.catalog.category_sets("primary_secondary")]

    page = client.get(f"/my-file/set/{order[1]}").text

    assert f'href="/my-file/set/{order[0]}" rel="prev"' in page
    assert f'href="/my-file/set/{order[2]}" rel="next"' in page


def test_the_file_of_a_teacher_is_reached_from_no_address_but_the_own(
    app: Any, session: Any, world: Any
) -> None:
    with system():
        keys = session.scalars(select(Teacher.id)).all()
    own = world.teachers["A1_draft_1"].id
    client = sign_in(app, world, "teacher_A1")

    open_ = [key for key in keys if client.get(f"/teacher/{key}/set/contact").status_code != 404]

    assert open_ == [own]
