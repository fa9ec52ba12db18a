"""Acts on everything that matches, however much it is: offered, or in words why not."""

import html
import re
from typing import Any

import pytest

from app.access.actor import system
from app.models.job import Job, JobState
from app.models.teacher import Teacher
from app.views.datamodel import Datamodel
from app.views.review.queue import ReviewView
from tests.views.pages import sign_in, token_of

QUEUE = "/review/list/?_flt_0_state=submitted"


@pytest.fixture
def few_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists count no further than one row, as they do beyond 10,000."""
    monkeypatch.setattr(Datamodel.count, "__defaults__", (1,))


def hidden(page: str, name: str) -> str:
    return html.unescape(re.search(rf'name="{name}" value="([^"]*)"', page)[1])


@pytest.mark.usefixtures("few_counted")
def test_more_than_is_counted_is_chosen_after_an_exact_count(
    app: Any, session: Any, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.review.LIMIT", 1)
    client = sign_in(app, world, "school_head_A1", "en")
    listed = client.get(f"{QUEUE}&psize_ReviewView=1").text
    counted = client.get(f"{QUEUE}&psize_ReviewView=1&count=exact").text

    assert "Count all that match" in listed
    assert "data-everything" not in listed
    assert 'data-everything data-count="2"' in counted

    form = {name: hidden(counted, name) for name in ("filter", "count", "checksum")}
    sent = client.post(
        "/review/action_post",
        data={
            **form,
            "csrf_token": token_of(counted),
            "action": "confirm",
            "select_all": "1",
        },
    )

    assert sent.status_code == 302
    with system():
        made = session.get(Job, int(re.search(r"/outcome/(\d+)", sent.location)[1]))
        assert made.state == JobState.QUEUED
        assert made.args["ids"] == sorted(world.teacher("A1", "submitted", n).id for n in (1, 2))


@pytest.mark.usefixtures("few_counted")
def test_what_an_act_cannot_reach_is_said_in_words(
    app: Any, session: Any, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReviewView, "bulk_limit", 1)
    client = sign_in(app, world, "school_head_A1", "en")
    page = client.get(f"{QUEUE}&psize_ReviewView=1&count=exact").text
    form = {
        "action": "confirm",
        "select_all": "1",
        "count": "2",
        "filter": "_flt_0_state=submitted",
    }

    refused = client.post("/review/action_post", data=form | {"csrf_token": token_of(page)})

    assert "At most 1 at once" in page
    assert "data-everything" not in page
    assert refused.status_code == 429
    assert "More than 1 rows match" in refused.text
    with system():
        file = session.get(Teacher, world.teacher("A1", "submitted").id)
        assert file.state == "submitted"


def test_files_beyond_the_last_kept_refusal_are_not_told_as_done(
    app: Any, session: Any, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.review.KEPT", 1)
    client = sign_in(app, world, "school_head_A1", "en")
    page = client.get(QUEUE).text
    drafts = [world.teacher("A1", "school_confirmed", n).id for n in (1, 2)]

    sent = client.post(
        "/review/action_post",
        data={"action": "confirm", "rowid": drafts, "csrf_token": token_of(page)},
    )
    told = client.get(sent.location).text

    assert told.count(f"/review/show/{drafts[0]}") == 1
    assert f"/review/show/{drafts[1]}" not in told
