"""The forms of the code tables: who opens them, what they send, what stands on the page after."""

import re
from typing import Any

import pytest

from app.indicators.catalog import catalog
from tests.views.pages import sign_in, token_for

PATH = "/codes/language/edit/BJ-zz"


def version_of(page: str) -> str:
    return re.search(r'name="_version" value="(\d+)"', page)[1]


def test_a_mapping_is_entered_where_the_report_asks_for_it(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "city_info")
    page = client.get(PATH).text
    form = {"csrf_token": token_for(client), "name_zh": "其他语种", "name_en": "Other"}
    form |= {"report_as": "en", "_version": version_of(page)}

    assert client.post(PATH, data=form).status_code == 302

    assert "report_as=en" in client.get("/codes/language").text
    assert client.post(PATH, data=form).status_code == 409
    # A code of a standard has no such field.
    assert 'name="report_as"' not in client.get("/codes/language/edit/en").text


def test_a_code_is_added_refused_retired_and_put_back(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_info")
    form = {"csrf_token": token_for(client), "name_zh": "世界语", "code": "xx", "report_as": "en"}

    refused = client.post("/codes/language/new", data=form)
    assert refused.status_code == 422
    assert "以 BJ- 开头" in refused.text
    assert client.post("/codes/language/new", data=form | {"code": "BJ-xx"}).status_code == 302
    assert "BJ-xx" in catalog(session).codes("language")

    token = {"csrf_token": form["csrf_token"]}
    assert client.post("/codes/language/retire/BJ-xx", data=token).status_code == 302
    page = client.get("/codes/language").text
    assert 'action="/codes/language/back/BJ-xx"' in page
    assert client.post("/codes/language/back/BJ-xx", data=token).status_code == 302
    assert 'href="/codes/language/edit/BJ-xx"' in client.get("/codes/language").text


@pytest.mark.parametrize("key", ["city_system", "district_info_A", "school_info_A1", "teacher_A1"])
def test_others_read_the_table_and_get_no_form(
    app: Any, session: Any, world: Any, key: str
) -> None:
    client = sign_in(app, world, key)
    form = {"csrf_token": token_for(client), "name_zh": "x"}

    page = client.get("/codes/language").text
    assert "/codes/language/edit/" not in page
    assert "/codes/language/new" not in page
    for path in ("/codes/language/new", PATH):
        assert client.get(path).status_code == 403
        assert client.post(path, data=form).status_code == 403
    for act in ("retire", "back"):
        assert client.post(f"/codes/language/{act}/en", data=form).status_code == 403


def test_what_does_not_exist_is_not_found(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_info")
    form = {"csrf_token": token_for(client)}

    for path in ("/codes/nothing/new", "/codes/wf_review_state/new", "/codes/language/edit/none"):
        assert client.get(path).status_code == 404, path
    for path in ("/codes/language/retire/none", "/codes/language/back/none"):
        assert client.post(path, data=form).status_code == 404, path
