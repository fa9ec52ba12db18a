"""Numbers no key can have: whoever types them into an address or a form gets an answer, not a 500.

A whole number beyond what a database takes, or longer than Python reads, names nothing.
"""

import re
from typing import Any

import pytest

from tests.views.pages import sign_in

pytestmark = pytest.mark.wide

BEYOND = ("2147483648", "9" * 19, "9" * 30, "9" * 5000)


def token_of(client: Any) -> str:
    """The token of the pages of a client."""
    found = re.search(r'csrf-token" content="([^"]+)"', client.get("/").text)
    assert found
    return found[1]


@pytest.fixture
def clerk(app: Any, session: Any, world: Any) -> Any:
    return sign_in(app, world, "school_info_A1")


@pytest.mark.parametrize("number", BEYOND, ids=lambda number: str(len(number)))
@pytest.mark.parametrize("key", ["city_info", "school_info_A1"])
def test_an_address_with_such_a_number_names_nothing(
    app: Any, session: Any, world: Any, key: str, number: str
) -> None:
    client = sign_in(app, world, key)
    form = {"csrf_token": token_of(client), "version": "1", "_version": "1", "reason": "x"}

    answered = {}
    for rule in app.url_map.iter_rules():
        if "<int:" not in rule.rule and "<pk>" not in rule.rule:
            continue
        path = re.sub(r"<(int:\w+|pk)>", number, rule.rule)
        path = re.sub(r"<[^>]+>", "x", path.replace("<set_code>", "basic"))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            answer = client.open(path, method=method, data=None if method == "GET" else form)
            answered[method, rule.rule] = answer.status_code

    assert len(answered) > 50
    assert {each: code for each, code in answered.items() if not 300 < code < 500} == {}


@pytest.mark.parametrize("number", BEYOND, ids=lambda number: str(len(number)))
@pytest.mark.parametrize(
    "address",
    [
        "/monitor/?round={}",
        "/monitor/?authority={}",
        "/teachers/list/?page_TeacherView={}",
        "/teachers/list/?_flt_0_id={}",
        "/teachers/list/?school={}",
        "/teacher/{own}?v={}",
        "/teacher/{own}/set/basic?v={}",
    ],
)
def test_a_query_with_such_a_number_is_refused_or_finds_nothing(
    clerk: Any, world: Any, address: str, number: str
) -> None:
    own = next(iter(world.teachers.values()))

    answer = clerk.get(address.replace("{own}", str(own.id)).format(number))

    assert answer.status_code < 500


@pytest.mark.parametrize("number", BEYOND, ids=lambda number: str(len(number)))
@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/assignment/switch", "assignment"),
        ("/print/sheet", "id"),
        ("/flow/review/{own}/confirm", "_version"),
        ("/teacher/{own}/set/basic", "_version"),
    ],
)
def test_a_form_with_such_a_number_is_refused(
    clerk: Any, world: Any, address: str, name: str, number: str
) -> None:
    own = next(iter(world.teachers.values()))
    form = {"csrf_token": token_of(clerk), "purpose": "annual check", name: number}

    answer = clerk.post(address.replace("{own}", str(own.id)), data=form)

    assert 400 <= answer.status_code < 500
