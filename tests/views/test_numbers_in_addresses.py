"""No number of a person stands in an address, a saved view or a redirect (SEC-17)."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select

from app.core.address import names_a_person
from app.models.exchange import ExportFile
from app.models.saved_view import SavedView
from app.views.lists import Lists
from tests.views.pages import sign_in

pytestmark = [
    pytest.mark.wide,
    pytest.mark.sends_numbers("it asks with numbers in addresses and sees them refused"),
]

MOBILE = "13801012345"
NUMBER = "110199198503150131"
PERSONAL = (
    NUMBER, "11019919850315013x", "110199850315013", f" {NUMBER} ", "110199 19850315 0131",
    "１１０１９９１９８５０３１５０１３１",
    MOBILE, "+86 138 0101 2345", f"q={NUMBER}&a=1", f"q%3D{NUMBER}",
    f"(filters:!((col:name,opr:eq,value:'{NUMBER}')))",
)  # fmt: skip
PLAIN = (
    "", "张三", "1234567890", "2026-09-01", "draft", "12110105400612345X", "210101199999999999",
    "6ba7b8109dad11d180b400c04fd430c8", "110105", "20261301",
)  # fmt: skip


@pytest.mark.parametrize("text", PERSONAL)
def test_a_number_of_a_person_is_known_in_every_spelling(text: str) -> None:
    assert names_a_person(text)


@pytest.mark.parametrize("text", PLAIN)
def test_other_texts_of_addresses_are_none(text: str) -> None:
    assert not names_a_person(text)


def _token(client: Any) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/notices/list/").text)
    assert found is not None
    return found[1]


def _lists(app: Any) -> list[str]:
    """The addresses of every list and of all that is narrowed like one."""
    with app.test_request_context():
        views = [v for v in app.appbuilder.baseviews if isinstance(v, Lists)]
        rules = {rule.endpoint: rule.rule for rule in app.url_map.iter_rules()}
    kinds = ("list", "panel", "choices", "export")
    found = [rules.get(f"{view.endpoint}.{kind}") for view in views for kind in kinds]
    return [rule for rule in found if rule]


def test_no_list_takes_a_number_by_its_address(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_info")
    number = world.teacher("A1", "draft").id_no
    addresses = [rule for rule in _lists(app) if rule != "/teacher/list/"]
    assert {"/review/list/", "/record/basic/list/", "/units/list/"} <= set(addresses)

    for address in addresses:
        for name in ("q", "_flt_0_name", "queue"):
            answer = client.get(f"{address}?{name}={number}")
            assert answer.status_code in (400, 405), address
            assert number not in answer.text
            assert number not in answer.headers.get("Location", "")


def test_the_list_of_files_leads_a_number_to_its_file(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_info")
    ref = world.teacher("A1", "draft")

    found = client.get(f"/teacher/list/?q={ref.id_no}")
    nobody = client.get(f"/teacher/list/?q={MOBILE}")
    filtered = client.get(f"/teacher/list/?_flt_0_title={ref.id_no}")

    assert found.headers["Location"] == f"/teacher/{ref.id}"
    assert nobody.headers["Location"] == "/teacher/list/"
    assert filtered.status_code == 400


def test_signing_in_first_does_not_carry_the_number_along(client: Any, session: Any) -> None:
    answer = client.get(f"/teacher/list/?q={NUMBER}")

    assert answer.status_code == 302
    assert NUMBER not in answer.headers["Location"]
    assert client.get(f"/login/?next={quote('/teacher/list/?q=' + NUMBER)}").status_code == 400


@pytest.mark.parametrize(
    "path", ["/api/v1/teacher/?q=(page:0,order_column:{0})", "/api/v1/me?q={0}"]
)
def test_programs_are_refused_alike(client: Any, session: Any, path: str) -> None:
    answer = client.get(path.format(NUMBER))

    assert answer.status_code == 400
    assert "search box" in answer.json["message"] or "搜索框" in answer.json["message"]


def test_no_form_brings_a_number_into_an_address_or_a_table(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "city_info")
    token = _token(client)
    forms: dict[str, dict[str, str]] = {
        "/teacher/views": {"name": "planted", "query": f"q={NUMBER}"},
        "/teacher/columns": {"query": f"q={NUMBER}"},
        "/teacher/export": {"query": f"q={NUMBER}", "purpose": "x"},
        "/notices/read": {"next": f"/teacher/list/?q={NUMBER}"},
    }
    for path, form in forms.items():
        answer = client.post(path, data=form | {"csrf_token": token})
        assert answer.status_code in (302, 400), path
        assert NUMBER not in answer.headers.get("Location", "")

    session.expire_all()
    assert not [v for v in session.scalars(select(SavedView.query)) if NUMBER in v]
    assert session.scalar(select(ExportFile.id)) is None


def test_every_search_box_posts_numbers_to_the_look_up(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_info")

    for path in ("/teacher/list/", "/review/list/?q=", "/record/basic/list/", "/units/list/"):
        assert 'data-lookup="/teacher/lookup"' in client.get(path).text, path
