"""Each limit of a request: what is exactly at it passes, one more is refused (SEC-35)."""

import io
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import update

from app.access.actor import system
from app.core.clock import now
from app.models.job import Job, JobState
from app.views.searching import COUNTERS
from tests.views.pages import sign_in, token_for, token_of

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


STILL_RUNNING = "Your previous import or export is still running."


def export(client: Any) -> Any:
    """Order an export of the teachers' list as its page does; small ones take a job too."""
    form = {"query": "", "column": ["name"], "format": "xlsx", "purpose": "核对名册"}
    return client.post("/teacher/export", data=form | {"csrf_token": token_for(client)})


def upload(client: Any) -> Any:
    """Send the school's empty template back, as a person does who has filled it in."""
    workbook = io.BytesIO(client.get("/import/template").data)
    form = {"workbook": (workbook, "teachers.xlsx"), "csrf_token": token_for(client)}
    return client.post("/import/upload", data=form, content_type="multipart/form-data")


@pytest.fixture
def by_job(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small exports are left to the worker too."""
    monkeypatch.setitem(app.config, "MAX_EXPORT_ROWS_DIRECT", 0)


@pytest.mark.usefixtures("by_job")
@pytest.mark.parametrize("order", [export, upload])
@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
def test_an_account_has_one_export_and_one_import_under_way(
    app: Any, session: Any, world: Any, order: Any, state: str
) -> None:
    """The second one is refused with words until the first has ended; others are not held up."""
    clerk = sign_in(app, world, "school_info_A1", language="en")
    assert order(clerk).status_code == 302
    running = {"state": state, "worker": "w", "lease": now()}
    with system():
        session.execute(update(Job).values(running))

    second = order(clerk)

    assert second.status_code == 429
    assert STILL_RUNNING in second.text
    assert order(sign_in(app, world, "school_info_B1")).status_code == 302
    with system():
        ended = {"state": JobState.DONE, "finished_at": now()}
        session.execute(update(Job).values(ended))
    assert order(clerk).status_code == 302


@pytest.mark.usefixtures("by_job")
def test_an_import_under_way_does_not_hold_up_an_export(session: Any, clerk: Any) -> None:
    assert [upload(clerk).status_code, export(clerk).status_code] == [302, 302]


@pytest.mark.parametrize("order", [export, upload])
def test_of_two_ordered_at_the_same_moment_one_is_refused(
    live_app: Any, world: Any, order: Any
) -> None:
    live_app.config["MAX_EXPORT_ROWS_DIRECT"] = 0
    clerks = [sign_in(live_app, world, "school_info_A1") for _ in range(2)]
    start, said = Barrier(2), []

    def send(clerk: Any) -> None:
        start.wait()
        said.append(order(clerk).status_code)

    threads = [Thread(target=send, args=(clerk,)) for clerk in clerks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(said) == [302, 429]
