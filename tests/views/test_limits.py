"""Each limit of a request: what is exactly at it passes, one more is refused (SEC-35)."""

from typing import Any

import pytest

from app.views.searching import COUNTERS
from tests.views.pages import sign_in, token_of

MEGABYTE = 1024 * 1024


@pytest.fixture
def clerk(app: Any, session: Any, world: Any) -> Any:
    return sign_in(app, world, "school_info_A1")


@pytest.fixture
def caller(app: Any, session: Any, world: Any) -> dict[str, str]:
    """The header of a token."""
    form = {"username": world.usernames["school_info_A1"], "password": world.password}
    answer = app.test_client().post("/api/v1/security/login", json=form | {"provider": "db"})
    return {"Authorization": f"Bearer {answer.json['access_token']}"}


def test_the_size_of_a_page(clerk: Any, client: Any, caller: dict[str, str]) -> None:
    assert clerk.get("/teacher/list/?psize_TeacherView=100").status_code == 200
    assert clerk.get("/teacher/list/?psize_TeacherView=101").status_code == 400
    for size, status in ((100, 200), (101, 400)):
        answer = client.get(f"/api/v1/teacher/?q=(page_size:{size})", headers=caller)
        assert answer.status_code == status


def test_the_depth_of_a_list(clerk: Any, client: Any, caller: dict[str, str]) -> None:
    for page, status in ((10_000, 200), (10_001, 400)):
        address = f"/teacher/list/?psize_TeacherView=100&page_TeacherView={page}"
        assert clerk.get(address).status_code == status
    asked = "/api/v1/teacher/?q=(page_size:100,page:10001)"
    assert client.get(asked, headers=caller).status_code == 400


def test_the_length_of_a_query(client: Any, session: Any) -> None:
    assert client.get("/login/?" + "x" * 8192).status_code == 200
    assert client.get("/login/?" + "x" * 8193).status_code == 400


@pytest.mark.parametrize("content", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_the_number_of_fields(clerk: Any, content: str) -> None:
    token = token_of(clerk.get("/rounds/list/").text) or ""
    for number, refused in ((1000, False), (1001, True)):
        form = {"csrf_token": token} | {f"f{n}": "x" for n in range(number - 1)}
        answer = clerk.post("/notices/read", data=form, content_type=content)
        assert (answer.status_code == 413) is refused, number


@pytest.mark.parametrize(
    "content", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_the_size_of_a_body(clerk: Any, client: Any, caller: dict[str, str], content: str) -> None:
    """What is longer is refused by its announced length, before it is read."""
    address = "/api/v1/teacher/" if content == "application/json" else "/notices/read"
    asks, headers = (client, caller) if content == "application/json" else (clerk, {})
    answer = asks.post(
        address, data=b"x" * (12 * MEGABYTE + 1), content_type=content, headers=headers
    )

    assert answer.status_code == 413


def test_a_body_of_exactly_the_limit_is_read(client: Any, caller: dict[str, str]) -> None:
    body = b'{"basic": {}}'
    answer = client.post(
        "/api/v1/teacher/",
        data=body + b" " * (12 * MEGABYTE - len(body)),
        content_type="application/json",
        headers=caller,
    )

    assert answer.status_code in (400, 422)


def test_searches_of_an_account_share_one_count(
    app: Any, clerk: Any, client: Any, caller: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """120 a minute over lists, filters, choices, look-ups and REST together; others go on."""
    monkeypatch.setitem(app.config, "RATELIMIT_ENABLED", True)
    monkeypatch.setitem(app.config, "SEARCHES_PER_MINUTE", 4)
    app.extensions.pop(COUNTERS, None)
    token = token_of(clerk.get("/teacher/list/").text)
    for address in ("/teacher/list/?q=张", "/teacher/list/?_flt_0_sex=1", "/units/choices?q=a"):
        assert clerk.get(address).status_code == 200, address
    assert clerk.post("/teacher/lookup", data={"csrf_token": token, "q": "1"}).status_code == 302

    over = [clerk.get("/teacher/list/?q=张"), client.get("/api/v1/teacher/", headers=caller)]

    assert [each.status_code for each in over] == [429, 429]
    assert over[0].headers["Retry-After"] == "60"
    assert clerk.get("/teacher/list/").status_code == 200
    app.extensions.pop(COUNTERS)


def test_the_limit_of_searches_is_that_of_the_checklist(app: Any) -> None:
    assert app.config["SEARCHES_PER_MINUTE"] == 120
