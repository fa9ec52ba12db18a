"""The home page of every role: each figure opens its list, which has exactly so many rows."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, update

from app.access.actor import system
from app.core.clock import now, today
from app.models.account import Assignment
from app.models.correction import Correction
from app.models.exchange import ExportFile
from app.models.history import Audit
from app.models.job import Job, JobState
from app.models.round import Round
from app.models.teacher import FileProblem, ReviewState, Teacher
from tests.variety import statements
from tests.views.figures import figures, rows_behind
from tests.views.pages import sign_in

ROLES = (
    "city_info",
    "city_assistant",
    "city_system",
    "city_audit",
    "district_info_A",
    "district_info_B",
    "district_system_A",
    "school_info_A1",
    "school_head_A1",
    "school_system_A1",
    "school_info_U",
    "school_head_U",
    "teacher_A1",
)


@pytest.fixture
def busy(session: Any, world: Any) -> Any:
    """The world with work of every kind, and with files that no figure may count."""
    with system():
        _vary_files(session, world)
        _add_work(session, world)
        session.flush()
        session.expire_all()
    return world


def _vary_files(session: Any, world: Any) -> None:
    def change(ref: Any, **values: Any) -> None:
        session.execute(update(Teacher).where(Teacher.id == ref.id).values(**values))

    for school in ("A1", "A2", "B1", "U"):
        change(world.teacher(school, "submitted"), error_count=2, complete_percent=80)
        change(world.teacher(school, "effective", 2), active=False)
        change(world.teacher(school, "school_confirmed"), state_since=now() - timedelta(days=40))
    change(world.teacher("A2", "returned"), active=False, error_count=1)
    session.execute(update(Round).values(school_deadline=today() - timedelta(days=1)))
    ref = world.teacher("A1", "draft")
    place = {"teacher_id": ref.id, "school_id": ref.school_id, "authority_id": ref.authority_id}
    missing = {"code": "DQ075", "severity": "error", "message": "缺"}
    sets = ("contact", "contact", "learning", "treatment")
    session.execute(insert(FileProblem), [place | missing | {"set": code} for code in sets])


def _add_work(session: Any, world: Any) -> None:
    ref = world.teacher("A1", "city_accepted")
    city = world.actors["city_info"]
    for closed in (False, True):
        session.add(
            Correction(
                teacher_id=ref.id,
                school_id=ref.school_id,
                authority_id=ref.authority_id,
                reason="请更正",
                opened_by=city.account_id,
                opened_at=now(),
                closed_at=now() if closed else None,
                close_reason="已更正" if closed else None,
            )
        )
    clerk = world.actors["school_info_A1"]
    place = {"unit": clerk.unit_id, "authority": clerk.authority_id}
    # One waits for approval; the head's own one must not be counted with it.
    for owner, approval in ((clerk, "waiting"), (world.actors["school_head_A1"], "none")):
        session.add(
            ExportFile(
                uuid=uuid4().hex,
                account_id=owner.account_id,
                at=now(),
                expires_at=now() + timedelta(hours=1),
                file_name="x.xlsx",
                purpose="测试",
                approval=approval,
                request=place,
            )
        )
    for state in (JobState.FAILED, JobState.QUEUED, JobState.DONE):
        ended = None if state is JobState.QUEUED else now()
        session.add(Job(name="export", state=state, finished_at=ended, account_id=city.account_id))
    for key, days in (("school_info_A1", 3), ("district_info_A", 90)):
        until = today() + timedelta(days=days)
        where = Assignment.id == world.actors[key].assignment_id
        session.execute(update(Assignment).where(where).values(valid_to=until))
    stamp = now()
    acts = (("alert", "done"), ("refused", "refused"), ("sign_in_failed", "failed"))
    session.execute(
        insert(Audit), [{"act": act, "outcome": outcome, "at": stamp} for act, outcome in acts]
    )


@pytest.mark.parametrize("key", ROLES)
def test_each_figure_opens_a_list_with_exactly_so_many_rows(
    app: Any, session: Any, busy: Any, key: str
) -> None:
    client = sign_in(app, busy, key, language="en")
    answer = client.get("/")
    found = figures(answer.text)

    assert answer.status_code == 200
    assert len(found) >= (1 if key == "teacher_A1" else 2), answer.text
    for each in found:
        assert rows_behind(client, each.href) == each.count, each
    busy.assert_no_leak(answer, busy.actors[key], place="list")


@pytest.mark.parametrize("key", ROLES)
def test_home_leaks_nothing_and_its_charts_follow(
    app: Any, session: Any, world: Any, key: str
) -> None:
    client = sign_in(app, world, key)
    answer = client.get("/")
    charts = re.search(r'data-src="([^"]+)"', answer.text)

    assert answer.status_code == 200
    world.assert_no_leak(answer, world.actors[key], place="list")
    looks_at_files = world.actors[key].works_with_files and world.actors[key].tier != "teacher"
    assert bool(charts) is looks_at_files
    if charts:
        part = client.get(charts[1])
        assert part.text.count("<figure") == 3
        assert "<html" not in part.text
        world.assert_no_leak(part, world.actors[key], place="list")


def test_a_head_sees_the_corrections_that_the_city_asks_for(
    app: Any, session: Any, busy: Any
) -> None:
    client = sign_in(app, busy, "school_head_A1", language="en")

    found = {each.label.strip(): each for each in figures(client.get("/").text)}
    item = next(each for label, each in found.items() if "Corrections that the city" in label)

    assert item.count == 1
    assert rows_behind(client, item.href) == 1


def test_nobody_gets_the_charts_without_signing_in(client: Any) -> None:
    answer = client.get("/home/charts")

    assert answer.status_code in (302, 401)


def test_a_teacher_sees_the_parts_that_are_left(app: Any, session: Any, busy: Any) -> None:
    client = sign_in(app, busy, "teacher_A1", language="en")

    page = client.get("/").text
    left = re.search(r'<ul class="tm-gaps">(.*?)</ul>', page, re.DOTALL)

    assert left[1].count("<li>") == 2  # type: ignore[index]
    assert "/my-file/set/contact" in page
    assert "/my-file/set/learning" in page
    assert "/my-file/set/treatment" not in page


def test_a_returned_file_says_why_on_the_home_page(app: Any, session: Any, world: Any) -> None:
    actor = world.actors["teacher_A1"]
    with system():
        notes = {"reason": "照片不清楚", "fields": {"contact.email": "请填写"}}
        values = {"state": ReviewState.RETURNED, "return_notes": notes}
        session.execute(update(Teacher).where(Teacher.id == actor.teacher_id).values(values))
        session.expire_all()

    page = sign_in(app, world, "teacher_A1").get("/").text

    assert "照片不清楚" in page
    assert "/my-file/set/contact" in page


@pytest.mark.parametrize("key", ROLES)
def test_the_api_tells_the_same_as_the_page(
    app: Any, session: Any, client: Any, busy: Any, key: str
) -> None:
    login = {"username": busy.usernames[key], "password": busy.password, "provider": "db"}
    token = client.post("/api/v1/security/login", json=login).json["access_token"]
    answer = client.get("/api/v1/todo", headers={"Authorization": f"Bearer {token}"})
    page = sign_in(app, busy, key, language="en").get("/").text
    shown = re.search(r'<ul class="tm-todo">(.*?)</ul>', page, re.DOTALL)

    assert answer.status_code == 200
    counts = [each["count"] for each in answer.json["result"]]
    if key != "teacher_A1":
        numbers = re.findall(r"<b[^>]*>([\d,]+)</b>", shown[1]) if shown else []
        assert [int(number) for number in numbers] == counts
    assert all(set(each) == {"key", "label", "count", "oldest", "overdue"}
               for each in answer.json["result"])  # fmt: skip


@pytest.mark.parametrize("key", ["city_info", "district_info_A", "school_head_A1", "teacher_A1"])
def test_the_page_takes_few_statements(app: Any, session: Any, world: Any, key: str) -> None:
    client = sign_in(app, world, key)
    client.get("/")

    with statements() as seen:
        client.get("/")

    assert len(seen) <= 16, "\n".join(seen)  # One for each kind of work.
