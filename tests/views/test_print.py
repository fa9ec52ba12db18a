"""Print: whole values for a purpose that is kept, within scope and field rights."""

from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import system
from app.models.history import Audit
from app.models.record import TEACHER_SETS
from app.views.print import MOST_PRINTED
from tests.variety import statements
from tests.views.pages import sign_in, token_of

WHOLE = ("basic.id_no", "contact.mobile", "contact.emergency_phone")


def send(client: Any, page: str = "/teacher/list/", **form: Any) -> Any:
    """Ask for sheets as the dialog of the file does."""
    return client.post("/print/sheet", data={"csrf_token": token_of(client.get(page).text), **form})


def printed(session: Any) -> list[Audit]:
    """What was printed, the oldest first."""
    with system():
        session.expire_all()
        return list(session.scalars(select(Audit).filter_by(act="print").order_by(Audit.id)))


@pytest.mark.parametrize("sheet", ["form", "file"])
@pytest.mark.parametrize("key", ["school_info_A1", "district_info_A", "city_info"])
def test_prints_whole_values_and_keeps_the_purpose(
    app: Any, session: Any, world: Any, key: str, sheet: str
) -> None:
    ref = world.teacher("A1", "effective")
    client = sign_in(app, world, key)

    answer = send(client, id=ref.id, kind=sheet, purpose="职称评审")

    assert answer.status_code == 200
    for value in (ref.id_no, ref.values["contact"]["mobile"], ref.teacher_no):
        assert value in answer.text
    world.assert_no_leak(answer, world.actors[key], whole=WHOLE)
    assert [(a.teacher_id, a.reason) for a in printed(session)] == [(ref.id, "职称评审")]


def test_the_whole_file_has_every_filled_set_the_form_a_part(
    app: Any, session: Any, world: Any
) -> None:
    ref = world.teacher("A1", "effective")
    client = sign_in(app, world, "school_info_A1")

    form, file = (
        send(client, id=ref.id, kind=kind, purpose="核对").text for kind in ("form", "file")
    )

    for code in TEACHER_SETS:
        if code in ref.values and code != "basic":
            assert f"<h2>{world.catalog.set(code).name_zh}</h2>" in file, code
    training = world.catalog.set("training").name_zh
    assert f"<h2>{training}</h2>" not in form


def test_prints_masks_for_the_assistant_and_no_pay(app: Any, session: Any, world: Any) -> None:
    ref = world.teacher("A1", "effective")
    client = sign_in(app, world, "city_assistant")

    answer = send(client, id=ref.id, kind="file", purpose="抽查")

    assert ref.name in answer.text
    assert world.catalog.set("treatment").name_zh not in answer.text
    world.assert_no_leak(answer, world.actors["city_assistant"])


def test_prints_a_selection_one_sheet_each(app: Any, session: Any, world: Any) -> None:
    refs = [world.teacher("A1", state) for state in ("draft", "effective", "reported")]
    client = sign_in(app, world, "school_info_A1")
    token = token_of(client.get("/teacher/list/").text)
    form = {"csrf_token": token, "action": "print", "rowid": [ref.id for ref in refs],
            "reason-print": "归档"}  # fmt: skip

    answer = client.post("/teacher/action_post", data=form)

    assert answer.text.count('class="p-sheet"') == 3
    assert {a.teacher_id for a in printed(session)} == {ref.id for ref in refs}


def test_needs_as_many_statements_for_many_files_as_for_one(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "school_info_A1")
    ids = [ref.id for ref in world.of("A1")]
    counts = []
    for chosen in (ids[:1], ids):
        token = token_of(client.get("/teacher/list/").text)
        form = {"csrf_token": token, "id": chosen, "kind": "form", "purpose": "归档"}
        with statements() as seen:
            assert client.post("/print/sheet", data=form).status_code == 200
        counts.append(len(seen))

    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"purpose": " "}, 422),
        ({"kind": "other"}, 400),
        ({"id": "1 or 1=1"}, 400),
        ({"id": []}, 400),
        ({"id": "999999"}, 404),
        ({"id": [str(n) for n in range(1, MOST_PRINTED["form"] + 2)]}, 429),
    ],
)
def test_refuses_and_writes_nothing(
    app: Any, session: Any, world: Any, change: dict[str, Any], status: int
) -> None:
    ref = world.teacher("A1", "effective")
    client = sign_in(app, world, "school_info_A1")

    answer = send(client, **{"id": ref.id, "kind": "form", "purpose": "归档"} | change)

    assert answer.status_code == status
    assert not printed(session)


def test_a_foreign_file_in_the_selection_refuses_the_whole(
    app: Any, session: Any, world: Any
) -> None:
    mine, foreign = world.teacher("A1", "effective"), world.teacher("B1", "effective")
    client = sign_in(app, world, "school_info_A1")

    answer = send(client, id=[mine.id, foreign.id], kind="form", purpose="归档")

    assert answer.status_code == 404
    assert mine.id_no not in answer.text
    assert not printed(session)


def test_a_teacher_prints_the_own_file_without_a_purpose_and_no_other(
    app: Any, session: Any, world: Any
) -> None:
    own, other = world.teachers["A1_draft_1"], world.teacher("A1", "effective")
    client = sign_in(app, world, "teacher_A1")

    mine = send(client, "/my-file/", id=own.id, kind="form")
    theirs = send(client, "/my-file/", id=other.id, kind="form", purpose="归档")

    assert own.id_no in mine.text
    assert theirs.status_code == 404


def test_is_not_reached_by_an_address(app: Any, session: Any, world: Any) -> None:
    ref = world.teacher("A1", "effective")
    client = sign_in(app, world, "school_info_A1")

    assert client.get(f"/print/sheet?id={ref.id}&purpose=x").status_code == 405
