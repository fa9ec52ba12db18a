"""Notices: mine, unread first; opening and marking read by post alone."""

import re
from typing import Any

import pytest
from sqlalchemy import insert, select

from app.access.actor import system
from app.core.clock import now
from app.models.notice import Notice
from app.services.notice_words import EVENTS
from app.views.notice import LOOKS
from tests.variety import statements
from tests.views.figures import token
from tests.views.pages import sign_in


def tell(session: Any, actor: Any, *events: str, **values: Any) -> list[int]:
    """Write notices to an actor; returns their ids."""
    row = {"account_id": actor.account_id, "params": {"count": 3}, "at": now()} | values
    with system():
        session.execute(insert(Notice), [row | {"event": event} for event in events])
        found = session.scalars(
            select(Notice.id).where(Notice.account_id == actor.account_id).order_by(Notice.id)
        )
        return list(found)[-len(events) :]


def unread(session: Any, actor: Any) -> set[int]:
    with system():
        session.expire_all()
        return set(
            session.scalars(
                select(Notice.id).where(
                    Notice.account_id == actor.account_id, Notice.read_at.is_(None)
                )
            )
        )


def post(client: Any, path: str, **form: Any) -> Any:
    return client.post(path, data={"csrf_token": token(client)} | form)


def test_every_event_has_its_look_and_words_in_both_languages(
    app: Any, session: Any, world: Any
) -> None:
    assert set(LOOKS) == set(EVENTS)
    tell(session, world.actors["school_info_A1"], *EVENTS)

    for language in ("zh", "en"):
        client = sign_in(app, world, "school_info_A1", language)
        page = client.get("/notices/list/").text
        assert page.count("tm-unread") == min(len(EVENTS), 25)
        assert "%(" not in page


def test_only_my_notices_are_shown_and_the_unread_come_first(
    app: Any, session: Any, world: Any
) -> None:
    clerk, head = world.actors["school_info_A1"], world.actors["school_head_A1"]
    tell(session, clerk, "file_accepted", params={"count": 71}, read_at=now())
    tell(session, clerk, "file_effective", params={"count": 72})
    tell(session, clerk, "file_reported", params={"count": 73}, read_at=now())
    tell(session, head, "file_submitted", params={"count": 74})

    page = sign_in(app, world, "school_info_A1").get("/notices/list/").text

    assert re.findall(r"\b7[1-4]\b", re.sub(r"<[^>]+>", " ", page)) == ["72", "73", "71"]


def test_the_bell_counts_the_unread_and_leads_to_them(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "school_info_A1", language="en")
    tell(session, world.actors["school_info_A1"], "export_ready", "urge")

    page = client.get("/").text

    bell = re.search(r'class="tm-icon-button tm-bell" href="([^"]+)" aria-label="([^"]+)"', page)
    assert bell[1] == "/notices/list/"  # type: ignore[index]
    assert "2" in bell[2]  # type: ignore[index]


def test_nothing_to_read_says_so(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "school_head_U", language="en")
    assert "No notices so far" in client.get("/notices/list/").text

    tell(session, world.actors["school_head_U"], "urge", read_at=now())

    assert "You have read everything" in client.get("/notices/list/?show=unread").text


def test_opening_marks_read_and_leads_to_the_place(app: Any, session: Any, world: Any) -> None:
    actor, ref = world.actors["school_info_A1"], world.teacher("A1", "returned")
    one, other, place = tell(session, actor, "file_returned", "urge", "export_ready")
    with system():
        session.get(Notice, one).teacher_id = ref.id
        session.flush()
    client = sign_in(app, world, "school_info_A1")

    answer = post(client, f"/notices/{one}/open")

    assert answer.status_code == 302
    assert (
        answer.headers["Location"] == f"/teacher/file/{ref.id}"
        or str(ref.id) in (answer.headers["Location"])
    )
    assert client.get(answer.headers["Location"]).status_code == 200
    assert unread(session, actor) == {other, place}


@pytest.mark.wide
def test_every_place_of_a_notice_can_be_opened(app: Any, session: Any, world: Any) -> None:
    for key in ("school_info_A1", "district_info_A", "city_info", "teacher_A1", "city_audit"):
        actor = world.actors[key]
        client = sign_in(app, world, key)
        for each in tell(session, actor, *EVENTS):
            answer = post(client, f"/notices/{each}/open")
            assert answer.status_code == 302
            page = client.get(answer.headers["Location"], follow_redirects=True)
            assert page.status_code == 200, (key, each, answer.headers["Location"])
            world.assert_no_leak(page, actor, place="list")
        assert unread(session, actor) == set()


def test_a_teacher_is_led_to_the_own_file(app: Any, session: Any, world: Any) -> None:
    actor = world.actors["teacher_A1"]
    (key,) = tell(session, actor, "my_file_returned", teacher_id=actor.teacher_id)
    client = sign_in(app, world, "teacher_A1")

    answer = post(client, f"/notices/{key}/open")

    assert answer.headers["Location"] == "/my-file/"


def test_marking_read_stays_on_the_site(app: Any, session: Any, world: Any) -> None:
    actor = world.actors["school_info_A1"]
    one, other = tell(session, actor, "urge", "export_ready")
    client = sign_in(app, world, "school_info_A1")

    back = post(client, f"/notices/{one}/read", next="/notices/list/?show=unread")
    away = post(client, f"/notices/{one}/read", next="https://evil.example/")

    assert back.headers["Location"] == "/notices/list/?show=unread"
    assert away.headers["Location"] == "/notices/list/"
    assert unread(session, actor) == {other}


def test_marking_all_read_leaves_those_of_others(app: Any, session: Any, world: Any) -> None:
    clerk, head = world.actors["school_info_A1"], world.actors["school_head_A1"]
    tell(session, clerk, "urge", "export_ready")
    foreign = tell(session, head, "urge")
    client = sign_in(app, world, "school_info_A1")

    assert post(client, "/notices/read").status_code == 302

    assert unread(session, clerk) == set()
    assert unread(session, head) == set(foreign)


@pytest.mark.parametrize("act", ["open", "read"])
def test_a_foreign_notice_is_answered_like_one_that_does_not_exist(
    app: Any, session: Any, world: Any, act: str
) -> None:
    head = world.actors["school_head_A1"]
    (foreign,) = tell(session, head, "urge")
    client = sign_in(app, world, "school_info_A1")
    tell(session, world.actors["school_info_A1"], "urge")

    first = post(client, f"/notices/{foreign}/{act}")
    second = post(client, f"/notices/99999999/{act}")

    assert first.status_code == second.status_code == 404
    assert unread(session, head) == {foreign}


def test_reading_the_page_and_posts_without_token_change_nothing(
    app: Any, session: Any, world: Any
) -> None:
    actor = world.actors["school_info_A1"]
    (key,) = tell(session, actor, "urge")
    client = sign_in(app, world, "school_info_A1")

    client.get("/notices/list/")
    assert client.get(f"/notices/{key}/open").status_code == 405
    assert client.post(f"/notices/{key}/open").status_code == 400
    assert client.post("/notices/read").status_code == 400

    assert unread(session, actor) == {key}


def test_pages_follow_one_another(app: Any, session: Any, world: Any) -> None:
    actor = world.actors["school_info_A1"]
    tell(session, actor, *["urge"] * 30)
    client = sign_in(app, world, "school_info_A1", language="en")
    client.get("/notices/list/")  # The catalogue is read by then.

    with statements() as seen:
        first = client.get("/notices/list/").text
    older = re.search(r'href="([^"]+)" rel="next"', first)
    second = client.get(older[1].replace("&amp;", "&")).text  # type: ignore[index]

    assert len(seen) <= 8
    assert (first.count("tm-unread"), second.count("tm-unread")) == (25, 5)
    assert 'rel="prev"' in second
    assert 'rel="next"' not in second
    assert client.get("/notices/list/?page_NoticeView=x").status_code == 400
