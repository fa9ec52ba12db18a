"""How long a statement may take: 10 seconds on a page, 60 in a report, on PostgreSQL (SEC-35)."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from app.access.actor import system
from app.extensions import db
from app.jobs.worker import JOBS, JobContext, job, work
from app.services import job as queue
from app.services import report
from tests.conftest import make_app
from tests.views.pages import sign_in

pytestmark = pytest.mark.postgres

# Endpoint, address and reader; those that count over many rows are reports.
PAGES = (
    ("TeacherView.list", "/teacher/list/", "city_info"),
    ("HomeView.index", "/", "city_info"),
    ("JobView.list", "/jobs/list/", "city_info"),
)
REPORTS = (
    ("ProgressChartView.chart", "/charts/progress/chart/", "city_info"),
    ("StaffChartView.data", "/charts/staff/data/age", "district_info_A"),
    ("MonitorView.list", "/monitor/list/", "district_info_A"),
    ("MonitorView.export", "/monitor/export", "city_info"),
    ("ReportView.prepare", "/reports/new", "city_info"),
)


@pytest.fixture
def quick(live_app: Any, key_file: Any, tmp_path: Any) -> Iterator[Any]:
    """The application with limits of one and of two seconds."""
    made = make_app(
        live_app.config["DATABASE_URL"], key_file, tmp_path, STATEMENT_TIMEOUT=1, REPORT_TIMEOUT=2
    )
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


def ask(app: Any, client: Any, page: tuple[str, str, str], statement: str) -> Any:
    """Let a page answer with what a statement gives in its place."""
    endpoint, address, _who = page
    view = app.view_functions[endpoint]

    def answer(*_args: Any, **_kwargs: Any) -> str:
        return str(db.session.execute(text(statement)).scalar())

    answer.__dict__.update(view.__func__.__dict__)  # What the page declares stays.
    app.view_functions[endpoint] = answer
    try:
        return client.get(address)
    finally:
        app.view_functions[endpoint] = view


def test_the_limit_of_pages_and_of_reports(live_app: Any, world: Any) -> None:
    clients = {who: sign_in(live_app, world, who) for who in ("city_info", "district_info_A")}

    said = [
        ask(live_app, clients[page[2]], page, "SHOW statement_timeout").text
        for page in (*PAGES, *REPORTS, *PAGES)  # No report leaves its limit to the next page.
    ]

    assert said == ["10s"] * len(PAGES) + ["1min"] * len(REPORTS) + ["10s"] * len(PAGES)


@pytest.mark.parametrize(
    ("page", "seconds", "status"),
    [(PAGES[0], 0.6, 200), (PAGES[0], 1.2, 503), (REPORTS[0], 1.2, 200), (REPORTS[0], 2.2, 503)],
)
def test_what_takes_longer_is_broken_off_with_words(
    quick: Any, world: Any, page: Any, seconds: float, status: int
) -> None:
    client = sign_in(quick, world, page[2], language="en")

    answer = ask(quick, client, page, f"SELECT pg_sleep({seconds})")

    assert answer.status_code == status
    if status == 503:
        assert "The system is busy. Please try again in a moment." in answer.text
        assert answer.headers["Retry-After"] == "5"
        assert "pg_sleep" not in answer.text
    assert client.get("/notices/list/").status_code == 200


def test_the_limit_of_jobs_is_that_of_pages_but_for_reports(
    live_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: dict[str, list[str]] = {}

    def note(ctx: JobContext) -> None:
        for _ in range(2):
            now = ctx.session.scalar(text("SHOW statement_timeout"))
            said.setdefault(ctx.job.name, []).append(now)
            ctx.step(1)

    names = ("import_check", "export", *report.JOBS, "remind")
    for name in names:
        monkeypatch.delitem(JOBS, name)
        job(name)(note)
    with live_app.app_context(), system():
        for name in names:
            queue.enqueue(db.session(), name)
        db.session.commit()
        db.session.remove()
        work(live_app, once=True)

    assert said == {name: ["1min" if name in report.JOBS else "10s"] * 2 for name in names}
