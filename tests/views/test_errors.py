"""What was not expected: a page with a number, one line with the trace, no value (REL-15)."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text, update

from app.access.actor import system
from app.core import logs
from app.core.clock import now
from app.extensions import db
from app.jobs.worker import JOBS, work
from app.models.job import Job
from app.models.saved_view import SubmitKey
from app.services import job as queue
from app.services import report
from app.views import home
from tests.views.pages import sign_in, token_for

SECRET = "CANARY-in-the-row"


@pytest.fixture
def lines(app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the program's log says, as it stands on a server."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


def _errors(stream: io.StringIO) -> list[dict[str, Any]]:
    kept = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [line for line in kept if line["level"] in ("ERROR", "CRITICAL")]


@pytest.fixture
def clerk(app: Any, session: Any, world: Any) -> Any:
    return sign_in(app, world, "school_info_A1")


def _assert_one_line(answer: Any, stream: io.StringIO, place: str) -> None:
    (line,) = _errors(stream)
    assert answer.status_code == 500
    assert line["request_id"] in answer.text
    assert place in line["trace"]
    assert SECRET not in stream.getvalue()
    assert SECRET not in answer.text


def test_an_error_in_a_view(
    clerk: Any, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> Any:
        raise KeyError("planted")

    with monkeypatch.context() as broken:
        broken.setattr(home.HomeView, "render_template", fail)
        answer = clerk.get("/")

    _assert_one_line(answer, lines, "KeyError: 'planted'")
    assert clerk.get("/").status_code == 200


def test_an_error_in_a_template(clerk: Any, app: Any, lines: io.StringIO) -> None:
    view = app.view_functions["NoticeView.list"]
    app.view_functions["NoticeView.list"] = lambda: app.jinja_env.from_string(
        "{{ nothing.of_it.at_all }}"
    ).render()
    try:
        answer = clerk.get("/notices/list/")
    finally:
        app.view_functions["NoticeView.list"] = view

    _assert_one_line(answer, lines, "UndefinedError")
    assert clerk.get("/notices/list/").status_code == 200


def test_an_error_in_the_error_page_too(
    clerk: Any, app: Any, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> Any:
        raise KeyError("planted")

    monkeypatch.setattr("app.web._page", fail)
    monkeypatch.setattr(home.HomeView, "render_template", fail)

    answer = clerk.get("/")

    assert answer.status_code == 500
    assert _errors(lines)[0]["request_id"] in answer.text


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO submit_key (key, account_id, at) VALUES (NULL, 1, '{SECRET}')",
        f"SELECT '{SECRET}' FROM nothing_of_it",
    ],
)
def test_what_a_database_says_stays_in_no_log_and_on_no_page(
    clerk: Any, app: Any, lines: io.StringIO, statement: str
) -> None:
    view = app.view_functions["NoticeView.list"]
    app.view_functions["NoticeView.list"] = lambda: db.session.execute(text(statement))
    try:
        answer = clerk.get("/notices/list/")
    finally:
        app.view_functions["NoticeView.list"] = view

    assert answer.status_code in (500, 503)
    assert SECRET not in lines.getvalue() + answer.text
    assert "nothing_of_it" not in answer.text


def test_who_meets_a_taken_key_is_told_that_somebody_was_faster(
    clerk: Any, app: Any, lines: io.StringIO, world: Any
) -> None:
    """The row is quoted by PostgreSQL; neither page nor log repeats it."""
    account = world.actors["school_info_A1"].account_id

    def twice() -> str:
        for _n in range(2):
            row = {"key": SECRET, "account_id": account, "at": now()}
            db.session.execute(SubmitKey.__table__.insert().values(row))
        return ""

    view = app.view_functions["NoticeView.list"]
    app.view_functions["NoticeView.list"] = twice
    try:
        answer = clerk.get("/notices/list/")
    finally:
        app.view_functions["NoticeView.list"] = view

    assert answer.status_code == 409
    assert "IntegrityError" in lines.getvalue()
    assert SECRET not in lines.getvalue() + answer.text


def test_an_error_in_the_interface_for_programs_tells_its_number(
    app: Any, client: Any, world: Any, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {"username": world.usernames["school_info_A1"], "password": world.password}
    signed = client.post("/api/v1/security/login", json=form | {"provider": "db"})
    headers = {"Authorization": f"Bearer {signed.json['access_token']}"}

    def fail(*_args: Any, **_kwargs: Any) -> Any:
        raise KeyError("planted")

    with monkeypatch.context() as broken:
        broken.setitem(app.view_functions, "MeApi.get", fail)
        answer = client.get("/api/v1/me", headers=headers)

    _assert_one_line(answer, lines, "KeyError: 'planted'")
    assert answer.json["request_id"] == _errors(lines)[0]["request_id"]
    assert client.get("/api/v1/me", headers=headers).status_code == 200


def test_an_error_in_a_job(
    live_app: Any, world: Any, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner sees the number of the one line with the trace; the worker does what is next."""

    def fail(_ctx: Any) -> None:
        raise KeyError("planted")

    monkeypatch.setitem(JOBS, report.TRIAL_JOB, replace(JOBS[report.TRIAL_JOB], run=fail))
    client = sign_in(live_app, world, "city_info")
    ordered = client.post("/reports/trial", data={"csrf_token": token_for(client)})
    with live_app.app_context(), system():
        db.session.execute(update(Job).values(max_attempts=1))  # Not tried again.
        after = queue.enqueue(db.session(), "remove_uploads").id
        db.session.commit()
        db.session.remove()

        work(live_app, once=True)

        kept = {job.id: (job.name, job.state) for job in db.session.scalars(select(Job))}
        db.session.remove()
    (key,) = [each for each, (name, _state) in kept.items() if name == report.TRIAL_JOB]
    assert kept[key][1] == "failed"
    assert kept[after][1] == "done"
    (line,) = _errors(lines)
    assert line["request_id"] == f"job-{key}-1"
    assert "KeyError: 'planted'" in line["trace"]
    assert lines.getvalue().count("KeyError: 'planted'") == 1
    for page in (f"/jobs/show/{key}", "/jobs/list/", ordered.headers["Location"]):
        shown = client.get(page).text
        assert f"{key}-1" in shown, page
        assert "planted" not in shown
