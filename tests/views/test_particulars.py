"""The form of a unit's particulars: made from the catalogue, in force at once, never lost."""

import re
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.actor import system
from app.models.record import SETS
from tests.views.pages import sign_in, token_for

ROWS = SETS["school_basic"]


def path(world: Any, key: str = "A1") -> str:
    return f"/units/{world.units[key].id}/particulars/edit"


def inputs(page: str) -> dict[str, str]:
    """What the form of a page would send."""
    body = re.search(r'<form method="post" action="" class="tm-form".*?</form>', page, re.DOTALL)[0]
    found = {}
    for each in re.findall(r"<input [^>]*>", body):
        name, value = re.search(r'name="([^"]*)"', each), re.search(r'value="([^"]*)"', each)
        radio = 'type="radio"' in each
        if name and (not radio or "checked" in each):
            found[name[1]] = value[1] if value else ""
    for name, choices in re.findall(
        r'<select [^>]*name="([^"]*)"[^>]*>(.*?)</select>', body, re.DOTALL
    ):
        chosen = re.search(r'<option[^>]*selected[^>]*value="([^"]*)"', choices)
        found[name] = chosen[1] if chosen else ""
    return found


def count(session: Any, world: Any) -> int:
    with system():
        statement = select(func.count()).where(ROWS.unit_id == world.units["A1"].id)
        return int(session.scalar(statement))


def test_the_form_asks_for_what_the_catalogue_says(app: Any, session: Any, world: Any) -> None:
    page = sign_in(app, world, "school_info_A1").get(path(world)).text
    sent = inputs(page)

    asked = [item for item in world.catalog.indicators("school_basic") if not item.read_only]
    assert {item.code for item in asked} <= sent.keys()
    assert sent["address"] == "测试路2号"
    assert (sent["urban_rural"], sent["school_type"]) == ("111", "211")
    # What the register says stands beside, with the reason.
    assert not {"school_code", "authority"} & sent.keys()
    assert world.units["A1"].code in page


def test_a_school_fills_in_its_particulars(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "school_info_A1")
    shown = f"/units/show/{world.units['A1'].id}"
    assert path(world) in client.get(shown).text
    form = inputs(client.get(path(world)).text) | {"address": "新址路1号"}

    answer = client.post(path(world), data=form)

    assert (answer.status_code, answer.headers["Location"]) == (302, shown)
    assert "新址路1号" in client.get(shown).text
    # The repeat of the same form is answered alike and writes nothing.
    assert client.post(path(world), data=form).status_code == 302
    assert count(session, world) == 2


def test_refusals_stand_at_their_fields_and_nothing_is_lost(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "school_info_A1")
    form = inputs(client.get(path(world)).text) | {"address": "", "sponsor_name": "新举办单位"}

    answer = client.post(path(world), data=form)

    assert answer.status_code == 422
    assert 'id="f-address-error"' in answer.text
    assert "新举办单位" in answer.text
    assert count(session, world) == 1


def test_a_form_of_a_former_row_is_refused_and_keeps_what_was_typed(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "school_info_A1")
    first, second = (inputs(client.get(path(world)).text) for _each in range(2))
    client.post(path(world), data=first | {"address": "新址路1号"})

    answer = client.post(path(world), data=second | {"address": "新址路2号"})

    assert answer.status_code == 409
    assert "新址路2号" in answer.text
    assert count(session, world) == 2


@pytest.mark.parametrize(
    "case",
    [
        ("school_info_A1", "A2", 404),
        ("school_info_A1", "U", 404),
        ("school_info_A1", "A", 404),
        ("school_head_A1", "A1", 403),
        ("school_system_A1", "A1", 403),
        ("teacher_A1", "A1", 403),
        ("district_info_A", "A1", 403),
        ("district_system_A", "A1", 403),
        ("city_info", "A1", 403),
    ],
)
def test_only_the_school_opens_its_form(
    app: Any, session: Any, world: Any, case: tuple[str, str, int]
) -> None:
    key, unit, status = case
    client = sign_in(app, world, key)
    token = token_for(client)

    assert client.get(path(world, unit)).status_code == status
    sent = client.post(path(world, unit), data={"csrf_token": token, "address": "x"})
    assert sent.status_code == status
    assert path(world, unit) not in client.get(f"/units/show/{world.units[unit].id}").text


def test_the_telephone_is_whole_for_those_who_read_files_and_masked_for_others(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "school_info_A1")
    form = inputs(client.get(path(world)).text) | {"admin_phone": "13812345678"}
    assert client.post(path(world), data=form).status_code == 302
    shown = f"/units/show/{world.units['A1'].id}"

    for key in ("school_info_A1", "school_head_A1", "district_info_A", "city_info"):
        assert "13812345678" in sign_in(app, world, key).get(shown).text, key
    for key in ("city_assistant", "city_system", "district_system_A", "school_system_A1"):
        page = sign_in(app, world, key).get(shown)
        assert page.status_code == 200, key
        assert "13812345678" not in page.text, key
        assert "138****5678" in page.text, key
