"""Jobs: my own with progress and result, cancelling and resuming, those of others not at all."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.access.actor import system
from app.core.clock import now
from app.jobs.worker import JOBS
from app.models.exchange import ImportBatch
from app.models.history import Audit
from app.models.job import Job, JobState
from app.views.job import KINDS
from tests.variety import statements
from tests.views.figures import token
from tests.views.pages import sign_in

RUNNING = {"worker": "w", "done": 30, "total": 120}


def add(session: Any, actor: Any, name: str = "export", state: str = "done", **values: Any) -> int:
    """Add a job of an actor, or of the system; returns its id."""
    ended = None if state in ("queued", "running") else now()
    if state == "running":
        values = RUNNING | {"lease": now() + timedelta(minutes=1)} | values
    owner = {"account_id": actor.account_id} if actor else {}
    with system():
        job = Job(name=name, state=state, finished_at=ended, args=values.pop("args", {}),
                  **owner, **values)  # fmt: skip
        session.add(job)
        session.flush()
        return job.id


def state_of(session: Any, key: int) -> tuple[str, bool]:
    with system():
        session.expire_all()
        job = session.get(Job, key)
        return job.state, job.cancel_requested


def post(client: Any, path: str, **form: Any) -> Any:
    return client.post(path, data={"csrf_token": token(client)} | form)


def test_every_job_has_a_name_that_people_understand(app: Any) -> None:
    assert set(JOBS) <= set(KINDS)


def test_my_jobs_are_shown_and_no_others(app: Any, session: Any, world: Any) -> None:
    mine = add(session, world.actors["school_info_A1"])
    foreign = add(session, world.actors["school_head_A1"])
    nightly = add(session, None, "recheck_files")

    page = sign_in(app, world, "school_info_A1").get("/jobs/list/").text

    assert f"/jobs/show/{mine}" in page
    assert f"/jobs/show/{foreign}" not in page
    assert f"/jobs/show/{nightly}" not in page


def test_the_system_administrator_sees_all_without_what_they_are_about(
    app: Any, session: Any, world: Any
) -> None:
    ref = world.teacher("A1", "draft")
    failed = [{"id": ref.id, "status": 422, "message": ref.name, "problems": []}]
    result = {"done": 1, "refused": 1, "failed": failed}
    args = {"step": "confirm", "ids": [ref.id], "reason": "机密理由", "data": {}}
    keys = [
        add(session, world.actors["school_head_A1"], "review_bulk", result=result, args=args),
        add(session, None, "recheck_files"),
    ]
    client = sign_in(app, world, "city_system")

    page = client.get("/jobs/list/").text
    for key in keys:
        assert f"/jobs/show/{key}" in page
        shown = client.get(f"/jobs/show/{key}")
        assert shown.status_code == 200
        assert "机密理由" not in shown.text
        assert f"/review/outcome/{key}" not in shown.text
        world.assert_no_leak(shown, world.actors["city_system"])
    assert "机密理由" not in page


def test_a_running_job_shows_its_progress_and_asks_again(
    app: Any, session: Any, world: Any
) -> None:
    key = add(session, world.actors["school_info_A1"], state="running")
    client = sign_in(app, world, "school_info_A1", language="en")

    page, part = client.get("/jobs/list/").text, client.get(f"/jobs/part/{key}").text

    assert f'data-src="/jobs/part/{key}"' in page
    assert '<progress max="120" value="30"' in part
    assert 'data-poll="2"' in part
    assert "30 of 120" in part
    assert "<html" not in part


def test_a_job_that_ended_asks_no_more(app: Any, session: Any, world: Any) -> None:
    key = add(session, world.actors["school_info_A1"])
    client = sign_in(app, world, "school_info_A1")

    assert "data-poll" not in client.get(f"/jobs/part/{key}").text
    assert "/jobs/part/" not in client.get("/jobs/list/").text


def test_only_the_first_jobs_of_a_page_move_by_themselves(
    app: Any, session: Any, world: Any
) -> None:
    for _number in range(15):
        add(session, world.actors["school_info_A1"], state="queued")
    client = sign_in(app, world, "school_info_A1")

    assert client.get("/jobs/list/").text.count('data-src="/jobs/part/') == 10


def test_results_lead_to_their_pages(app: Any, session: Any, world: Any) -> None:
    clerk = world.actors["school_info_A1"]
    with system():
        batch = ImportBatch(
            uuid=uuid4().hex,
            school_id=clerk.unit_id,
            authority_id=clerk.authority_id,
            account_id=clerk.account_id,
            at=now(),
            file_name="x.xlsx",
            digest="0" * 64,
            state="checked",
        )
        session.add(batch)
        session.flush()
        place, uuid = {"batch": batch.id}, batch.uuid
    result = {"done": 0, "refused": 0, "failed": []}
    args = {"step": "submit", "ids": [], "reason": "", "data": {}}
    wanted = {
        add(session, clerk, "import_check", args=place): f"/import/{uuid}",
        add(session, clerk, "export"): "/export/list/",
        add(session, clerk, "review_bulk", result=result, args=args): "/review/outcome/",
    }
    client = sign_in(app, world, "school_info_A1")

    for key, path in wanted.items():
        page = client.get(f"/jobs/show/{key}").text
        link = re.search(rf'href="({re.escape(path)}[^"]*)"', page.partition("tm-part")[2])
        assert link, (key, path)
        assert client.get(link[1]).status_code == 200, link[1]


def test_a_failed_job_says_why_and_can_go_on(app: Any, session: Any, world: Any) -> None:
    key = add(session, world.actors["school_info_A1"], state="failed", error="磁盘已满", done=3)
    client = sign_in(app, world, "school_info_A1")
    assert "磁盘已满" in client.get(f"/jobs/show/{key}").text

    answer = post(client, f"/jobs/{key}/resume")

    assert answer.headers["Location"] == f"/jobs/show/{key}"
    assert state_of(session, key) == ("queued", False)


@pytest.mark.parametrize(
    ("state", "after"), [("queued", ("cancelled", True)), ("running", ("running", True))]
)
def test_a_job_can_be_stopped(
    app: Any, session: Any, world: Any, state: str, after: tuple[str, bool]
) -> None:
    key = add(session, world.actors["school_info_A1"], state=state)
    client = sign_in(app, world, "school_info_A1", language="en")
    assert f"/jobs/{key}/cancel" in client.get(f"/jobs/show/{key}").text
    with system():
        last = session.scalar(select(func.max(Audit.id))) or 0

    assert post(client, f"/jobs/{key}/cancel").status_code == 302

    assert state_of(session, key) == after
    assert f"/jobs/{key}/cancel" not in client.get(f"/jobs/show/{key}").text
    with system():
        (row,) = session.scalars(select(Audit).where(Audit.id > last, Audit.act == "job")).all()
    assert (row.object_id, row.detail["act"]) == (str(key), "cancel")


@pytest.mark.parametrize(
    ("state", "act"), [("done", "cancel"), ("done", "resume"), ("running", "resume")]
)
def test_what_does_not_fit_the_state_is_refused(
    app: Any, session: Any, world: Any, state: str, act: str
) -> None:
    key = add(session, world.actors["school_info_A1"], state=state)
    client = sign_in(app, world, "school_info_A1")

    assert post(client, f"/jobs/{key}/{act}").status_code == 409
    assert state_of(session, key) == (state, False)


def test_foreign_jobs_are_answered_like_absent_ones(app: Any, session: Any, world: Any) -> None:
    key = add(session, world.actors["school_head_A1"], state="queued")
    client = sign_in(app, world, "school_info_A1")

    for path in ("/jobs/show/{}", "/jobs/part/{}"):
        assert client.get(path.format(key)).status_code == 404
        assert client.get(path.format(99_999_999)).status_code == 404
    for path in ("/jobs/{}/cancel", "/jobs/{}/resume"):
        assert post(client, path.format(key)).status_code == 404
        assert client.post(path.format(key)).status_code == 400
    assert state_of(session, key) == ("queued", False)


def test_no_jobs_says_what_they_are(app: Any, session: Any, world: Any) -> None:
    page = sign_in(app, world, "teacher_A1", language="en").get("/jobs/list/").text

    assert "No jobs so far" in page


def test_the_list_takes_few_statements_whatever_its_length(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "city_system", language="en")
    client.get("/jobs/list/")
    for name in KINDS:
        for key in ("school_info_A1", "school_head_B1"):
            add(session, world.actors[key], name, args={"batch": 1})

    with statements() as seen:
        page = client.get("/jobs/list/?psize_JobView=100").text

    assert page.count("/jobs/show/") == 2 * len(KINDS)
    assert len(seen) <= 8, "\n".join(seen)
    assert JobState.DONE in page or "Finished" in page
