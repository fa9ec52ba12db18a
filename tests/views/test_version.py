"""The versions of a file: what caused them, what the file said, and how two of them differ."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.core.clock import today
from app.models.account import Account
from app.models.record import TEACHER_SETS
from app.models.teacher import Teacher
from app.services import version
from app.services.effect import Coming
from tests.broken import WORDS, flipped
from tests.processes import DOCTORATE
from tests.services.test_effect import Desk
from tests.variety import statements
from tests.views.api_caller import Caller
from tests.views.pages import sign_in
from tests.workflows.test_changes import STUDY, Office

CLERK, ASSISTANT = "school_info_A1", "city_assistant"
MOBILE = "13912345678"


@pytest.fixture
def desk(session: Any, world: Any) -> Iterator[Desk]:
    """A file of four versions: a record was added, a contact altered, pay raised."""
    with system():
        made = Desk(session, world)
        doctorate = made.add(made.file(), "learning", **DOCTORATE)
        made.come([doctorate], made.file(), cause="addition")
        contact = made.change(made.file(), "contact", address="新地址", mobile=MOBILE)
        made.come([contact], made.file())
        made.come([made.change(made.file(), "treatment", base_salary=98765)], made.file())
        session.commit()
    return made


def page_of(desk: Desk, app: Any, key: str, **numbers: int) -> str:
    file = desk.world.teacher("A1", "effective")
    client = sign_in(app, desk.world, key, language="en")
    answer = client.get(f"/teacher/{file.id}/difference", query_string=numbers)
    assert answer.status_code == 200
    return str(answer.text)


def own_client(app: Any, session: Any, world: Any, ref: Any) -> Any:
    """The teacher of A1, whose file is that one."""
    with system():
        account = session.get_one(Account, world.actors["teacher_A1"].account_id)
        account.teacher_id = ref.id
        session.commit()
    return sign_in(app, world, "teacher_A1", language="en")


def test_history_lists_versions_with_their_causes(app: Any, world: Any, desk: Desk) -> None:
    file = world.teacher("A1", "effective")

    page = sign_in(app, world, CLERK, language="en").get(f"/teacher/{file.id}/history").text

    for number in (1, 2, 3, 4):
        assert f'href="/teacher/{file.id}?v={number}"' in page
    assert "First effect" in page
    assert f'href="/teacher/{file.id}/difference?old=3&amp;new=4"' in page
    assert "difference?old=0" not in page


def test_a_version_names_the_process_behind_it_to_who_may_see_it(
    app: Any, session: Any, world: Any
) -> None:
    office = Office(session, world)
    office.approve(office.add("school_info_A1", "learning", STUDY))
    session.commit()
    file = world.teacher("A1", "effective")

    with acting_as(world.actors[CLERK]):
        last = version.known(session, session.get_one(Teacher, file.id))[0]
    page = sign_in(app, world, CLERK, language="en").get(f"/teacher/{file.id}/history").text

    assert (last.number, [each.set for each in last.processes]) == (2, ["learning"])
    assert re.search(r"/addition/show/\d+\">[^<]*New record", page)


def test_a_version_opens_what_the_file_said_then(app: Any, desk: Desk) -> None:
    file = desk.world.teacher("A1", "effective")
    client = sign_in(app, desk.world, CLERK)

    then = client.get(f"/teacher/{file.id}/set/contact?v=2").text
    after = client.get(f"/teacher/{file.id}/set/contact?v=3").text

    assert "新地址" not in then
    assert "新地址" in after


def test_the_last_version_is_compared_with_the_one_before(app: Any, desk: Desk) -> None:
    page = page_of(desk, app, CLERK)

    assert "98765" in page
    assert "新地址" not in page
    assert "测试大学" not in page


def test_differences_are_those_of_the_two_moments_alone(app: Any, desk: Desk) -> None:
    page = page_of(desk, app, CLERK, old=1, new=3)

    assert "测试大学" in page
    assert "新地址" in page
    assert "98765" not in page
    assert page.count(">Added<") == 1
    backwards = page_of(desk, app, CLERK, old=3, new=1)
    assert "<del>新地址" not in backwards  # The earlier one stands first, whatever is asked.


def test_a_record_that_ended_is_removed_and_one_that_came_and_went_is_nothing(
    app: Any, desk: Desk
) -> None:
    with system():
        row = desk.row(desk.file(), "learning")
        rows = [
            each
            for each in desk.session.scalars(
                select(type(row)).where(type(row).teacher_id == row.teacher_id, type(row).as_of())
            )
            if each.value("education_org") == "测试大学"
        ]
        desk.come([Coming(rows[0], None)], desk.file())
        desk.session.commit()

    assert ">Removed<" in page_of(desk, app, CLERK)
    assert "测试大学" not in page_of(desk, app, CLERK, old=1, new=5)


def test_sealed_values_are_masked_and_told_apart(app: Any, desk: Desk) -> None:
    page = page_of(desk, app, CLERK, old=2, new=3)

    assert MOBILE not in page
    assert "139****5678" in page


def test_the_teacher_sees_the_own_values_whole(
    app: Any, session: Any, world: Any, desk: Desk
) -> None:
    client = own_client(app, session, world, world.teacher("A1", "effective"))

    history = client.get("/my-file/history").text
    page = client.get("/my-file/difference?old=2&new=3").text

    assert "/my-file/difference?old=2&amp;new=3" in history
    assert MOBILE in page


def test_restricted_sets_and_their_processes_are_hidden(
    app: Any, session: Any, world: Any, desk: Desk
) -> None:
    page = page_of(desk, app, ASSISTANT)

    assert "98765" not in page
    assert "as far as you may see them" in page
    file = world.teacher("A1", "effective")
    answer = Caller(app.test_client(), world.usernames[ASSISTANT]).get(
        f"/version/{file.id}/difference"
    )
    assert answer.json["result"] == []


def test_an_unreadable_value_is_told_in_its_cell(app: Any, desk: Desk) -> None:
    with system():
        coming = desk.change(desk.file(), "contact", address="又一地址", mobile=MOBILE)
        coming.after.mobile = flipped(coming.after.mobile)
        desk.session.flush()
        desk.come([coming], desk.file())
        desk.session.commit()

    file = desk.world.teacher("A1", "effective")
    page = sign_in(app, desk.world, CLERK).get(f"/teacher/{file.id}/difference").text

    assert WORDS in page
    assert "又一地址" in page
    caller = Caller(app.test_client(), desk.world.usernames[CLERK])
    (contact,) = caller.get(f"/version/{file.id}/difference").json["result"]
    assert [each["field"] for each in contact["problems"]] == ["mobile"]


@pytest.mark.parametrize("key", ["school_info_A2", "district_info_B", "teacher_A1"])
def test_a_foreign_file_has_no_difference(app: Any, desk: Desk, key: str) -> None:
    file = desk.world.teacher("A1", "effective")

    assert sign_in(app, desk.world, key).get(f"/teacher/{file.id}/difference").status_code == 404


@pytest.mark.parametrize(
    ("query", "status"), [("old=0&new=4", 404), ("new=5", 404), ("old=x", 400), ("new=1", 404)]
)
def test_versions_outside_the_file_do_not_exist(
    app: Any, desk: Desk, query: str, status: int
) -> None:
    file = desk.world.teacher("A1", "effective")
    client = sign_in(app, desk.world, CLERK)

    assert client.get(f"/teacher/{file.id}/difference?{query}").status_code == status


@pytest.mark.parametrize("day", [str(today() + timedelta(days=1)), "9999-12-31"])
def test_a_day_to_come_is_refused_in_words(app: Any, session: Any, world: Any, day: str) -> None:
    file = world.teacher("A1", "effective")
    client = sign_in(app, world, CLERK, language="en")

    answer = client.get(f"/teacher/{file.id}?on={day}")

    assert answer.status_code == 422
    assert "still to come" in answer.text


def test_files_without_two_versions_say_so(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, CLERK, language="en")
    for state in ("draft", "effective"):
        file = world.teacher("A1", state)
        assert "nothing to compare" in client.get(f"/teacher/{file.id}/difference").text
    draft = world.teacher("A1", "draft")
    assert "has no version yet" in client.get(f"/teacher/{draft.id}/history").text


def test_the_interface_tells_the_same(app: Any, session: Any, world: Any, desk: Desk) -> None:
    file = world.teacher("A1", "effective")
    caller = Caller(app.test_client(), world.usernames[CLERK])

    listed = caller.get(f"/version/{file.id}").json
    told = caller.get(f"/version/{file.id}/difference", old=2, new=3).json

    assert [each["number"] for each in listed["result"]] == [4, 3, 2, 1]
    (contact,) = (each for each in told["result"] if each["set"] == "contact")
    fields = {each["field"]: (each["old"], each["new"]) for each in contact["fields"]}
    assert fields["address"][1] == "新地址"
    assert fields["mobile"][1] == "139****5678"
    foreign = Caller(app.test_client(), world.usernames["school_info_B1"])
    assert foreign.get(f"/version/{file.id}").status_code == 404
    assert foreign.get(f"/version/{file.id}/difference").status_code == 404


def test_statements_do_not_grow_with_the_history(session: Any, world: Any, desk: Desk) -> None:
    def asked(old: int, new: int) -> int:
        with acting_as(world.actors[CLERK]):
            file = desk.file()
            first, last = version.pair(session, file, old, new) or (None, None)
            assert first is not None
            assert last is not None
            session.expire_all()
            file = desk.file()
            with statements() as seen:
                version.known(session, file)
                version.differences(
                    session, world.actors[CLERK], file, first.at, last.at, catalog=world.catalog
                )
            return len(seen)

    few = asked(3, 4)
    with system():
        for number in range(3):
            moved = desk.change(desk.file(), "contact", address=f"第{number}处")
            desk.come([moved], desk.file())
    assert asked(1, 7) == few <= len(TEACHER_SETS) + 4
