"""The form of an indicator: tried, saved, refused, put back; and what others see of it at once."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from app.indicators.catalog import catalog
from app.models.indicator import IndicatorRule
from tests.views.pages import sign_in, token_for

PATH = "/indicators/edit/basic/staff_no"
CATEGORY = "primary_secondary"


def form_of(client: Any, path: str = PATH) -> dict[str, str]:
    """What the form of the page sends when nothing is touched."""
    page = client.get(path).text
    body = re.search(r'<form method="post" action="" class="tm-form".*?</form>', page, re.DOTALL)[0]
    found = {}
    for each in re.findall(r"<input [^>]*>", body):
        name, value = re.search(r'name="([^"]*)"', each), re.search(r'value="([^"]*)"', each)
        found[name[1]] = value[1] if value else ""
    for attributes, inside in re.findall(r"<select ([^>]*)>(.*?)</select>", body, re.DOTALL):
        chosen = re.search(r'<option selected value="([^"]*)"', inside)
        found[re.search(r'name="([^"]*)"', attributes)[1]] = chosen[1] if chosen else ""
    for name, text in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', body, re.S):
        found[name] = text.strip()
    return found


def rules(session: Any) -> int:
    named = {"set_code": "basic", "indicator": "staff_no"}
    return len(session.scalars(select(IndicatorRule).filter_by(**named)).all())


def test_an_untouched_form_changes_nothing(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_info")

    answer = client.post(PATH, data=form_of(client))

    assert answer.status_code == 302
    assert rules(session) == 7


def test_a_change_shows_in_form_template_and_grid_at_once(
    app: Any, session: Any, world: Any
) -> None:
    client, school = sign_in(app, world, "city_info"), sign_in(app, world, "school_info_A1")
    row = f"/teacher/{world.teachers['A1_draft_1'].id}/set/basic/edit"
    assert 'name="staff_no"' in school.get(row).text
    before = school.get("/import/template").data

    sent = form_of(client) | {f"kind_{CATEGORY}": "none"}
    assert client.post(PATH, data=sent).status_code == 302

    assert 'name="staff_no"' not in school.get(row).text
    assert school.get("/import/template").data != before
    assert not catalog(session).collected("basic", "staff_no", CATEGORY)
    assert "tm-rule-none" in client.get("/indicators/matrix?set=basic").text


def test_trying_tells_the_effect_and_saves_nothing(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_info", "en")
    sent = form_of(client) | {f"kind_{CATEGORY}": "required", "try": "1"}

    answer = client.post(PATH, data=sent)

    assert answer.status_code == 200
    assert "Nothing is saved yet" in answer.text
    assert rules(session) == 7


def test_a_core_indicator_is_refused_with_words_at_its_field(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "city_info")
    path = "/indicators/edit/title/title"
    sent = form_of(client, path) | {f"kind_{CATEGORY}": "none"}

    answer = client.post(path, data=sent)

    assert answer.status_code == 422
    assert "不能停用" in answer.text
    assert f'id="kind_{CATEGORY}-error"' in answer.text


def test_an_earlier_rule_is_put_back_from_the_page(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_info")
    client.post(PATH, data=form_of(client) | {f"kind_{CATEGORY}": "required"})
    page = client.get(PATH).text
    (back,) = re.findall(rf'action="({PATH}/back/\d+)"', page)

    answer = client.post(back, data={"csrf_token": token_for(client)})

    assert answer.status_code == 302
    assert not catalog(session).required("basic", "staff_no", CATEGORY)
    assert len(re.findall(rf'action="{PATH}/back/\d+"', client.get(PATH).text)) == 2


def test_a_form_of_former_rules_is_refused(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_info")
    first, second = form_of(client), form_of(client)
    client.post(PATH, data=first | {f"kind_{CATEGORY}": "required"})

    answer = client.post(PATH, data=second | {f"kind_{CATEGORY}": "none"})

    assert answer.status_code == 409
    assert catalog(session).required("basic", "staff_no", CATEGORY)


@pytest.mark.parametrize("key", ["city_system", "district_info_A", "school_info_A1", "teacher_A1"])
def test_others_read_the_grid_and_get_no_form(app: Any, session: Any, world: Any, key: str) -> None:
    client = sign_in(app, world, key)
    form = {"csrf_token": token_for(client)}

    assert "/indicators/edit/" not in client.get("/indicators/matrix").text
    assert client.get(PATH).status_code == 403
    assert client.post(PATH, data=form).status_code == 403
    assert client.post(f"{PATH}/back/1", data=form).status_code == 403


def test_what_does_not_exist_is_not_found(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_info")
    form = {"csrf_token": token_for(client)}

    for path in ("/indicators/edit/basic/nothing", "/indicators/edit/nothing/name"):
        assert client.get(path).status_code == 404
    assert client.post(f"{PATH}/back/99999999", data=form).status_code == 404
