"""The list of open problems, what the figures of home and unit say, and "last confirmed"."""

import html
import re
from datetime import date
from typing import Any

import pytest
from sqlalchemy import update

from app.access.actor import acting_as, system
from app.core.clock import now, today
from app.models.teacher import FileProblem, Teacher
from app.services import home, problem
from tests.factories import finding
from tests.views.figures import figures, rows_behind
from tests.views.pages import sign_in

LINKS = re.compile(r'tm-first[^"]*"[^>]*><a href="/teacher/(\d+)')


def add(session: Any, *found: Any) -> None:
    with system():
        session.execute(update(FileProblem).values(acknowledged_at=now()))
        session.add_all(found)
        session.flush()


def listed(client: Any, query: str = "") -> list[int]:
    page = client.get(f"/problems/list/?psize_ProblemView=100&{query}")
    assert page.status_code == 200
    return [int(key) for key in LINKS.findall(page.text)]


def test_lists_errors_and_open_warnings_inside_the_scope(
    app: Any, session: Any, world: Any
) -> None:
    mine, left, foreign = (world.teacher(*each) for each in
                           (("A1", "draft"), ("A1", "returned"), ("B1", "draft")))  # fmt: skip
    done = finding(mine, "warning", acknowledged_at=now())
    add(session, finding(mine, "error"), finding(mine, "warning"), done,
        finding(left, "error"), finding(foreign, "error"))  # fmt: skip
    with system():
        session.execute(update(Teacher).where(Teacher.id == left.id).values(active=False))
    client = sign_in(app, world, "school_info_A1")

    assert listed(client) == [mine.id, mine.id]
    assert listed(client, "_flt_0_severity=error") == [mine.id]
    page = client.get("/problems/list/")
    assert f"/teacher/{mine.id}#set-basic" in page.text
    world.assert_no_leak(page, world.actors["school_info_A1"], place="list")


def test_problems_of_sets_that_a_role_does_not_open_are_not_listed(
    app: Any, session: Any, world: Any
) -> None:
    file = world.teacher("A1", "draft")
    add(session, finding(file, "error", set="treatment", field=None))

    assert listed(sign_in(app, world, "city_info")) == [file.id]
    assert listed(sign_in(app, world, "city_assistant")) == []


@pytest.mark.parametrize("key", ["teacher_A1", "city_system", "city_audit"])
def test_the_list_is_closed_to_those_who_work_with_no_files(
    app: Any, session: Any, world: Any, key: str
) -> None:
    assert sign_in(app, world, key).get("/problems/list/").status_code in (302, 403)


def test_the_figures_of_a_school_open_exactly_their_rows(
    app: Any, session: Any, world: Any
) -> None:
    file = world.teacher("A1", "draft")
    add(session, finding(file, "error"), finding(file, "warning"), finding(file, "warning"))
    client = sign_in(app, world, "school_info_A1", language="en")

    tile = next(each for each in figures(client.get("/").text) if "Open problems" in each.label)

    assert tile.count == 3
    assert rows_behind(client, tile.href) == 3
    assert "1 errors, 2 warnings" in client.get("/").text
    unit = client.get(f"/units/show/{world.units['A1'].id}").text
    href = re.search(r'href="(/problems/list/[^"]+)"><b>3</b>', unit)[1]  # type: ignore[index]
    assert rows_behind(client, html.unescape(href)) == 3
    assert "Completeness on average" in unit
    assert "Days since the last update" in unit


def test_every_figure_about_files_says_what_it_counts(session: Any, world: Any) -> None:
    for key in ("city_info", "district_info_A", "school_info_A1", "school_head_A1"):
        with acting_as(world.actors[key]):
            found = home.figures(session, world.actors[key])
        assert [each.key for each in found if not each.about] == [], key


def test_not_confirmed_this_year_lists_exactly_these(app: Any, session: Any, world: Any) -> None:
    old, fresh = (world.teacher("A1", "effective", number) for number in (1, 2))
    last_day, first_day = date(today().year - 1, 12, 31), date(today().year, 1, 1)
    with system():
        session.execute(update(Teacher).values(confirmed_on=first_day))
        for each, day in ((old, last_day), (fresh, first_day)):
            session.execute(update(Teacher).where(Teacher.id == each.id).values(confirmed_on=day))
        session.expire_all()
    client = sign_in(app, world, "school_head_A1", language="en")

    tile = next(e for e in figures(client.get("/").text) if e.label == "Not confirmed this year")

    assert tile.count == 1
    page = client.get(tile.href).text
    assert [int(key) for key in LINKS.findall(page)] == [old.id]


def test_last_confirmed_stands_on_the_file_and_in_the_list(
    app: Any, session: Any, world: Any
) -> None:
    file, day = world.teacher("A1", "effective"), date(2024, 9, 17)
    with system():
        session.execute(update(Teacher).where(Teacher.id == file.id).values(confirmed_on=day))
        session.execute(
            update(Teacher)
            .where(Teacher.id == world.actors["teacher_A1"].teacher_id)
            .values(confirmed_on=day)
        )
        session.expire_all()
    client = sign_in(app, world, "school_info_A1")

    assert "2024-09-17" in client.get(f"/teacher/{file.id}").text
    query = "_flt_2_confirmed_on=2024-09-17&_oc_TeacherView=confirmed_on&_od_TeacherView=asc"
    found = client.get(f"/teacher/list/?{query}")
    assert file.id in [int(key) for key in LINKS.findall(found.text)]
    assert "2024-09-17" in sign_in(app, world, "teacher_A1").get("/my-file/").text


def test_counts_are_those_of_the_scope(session: Any, world: Any) -> None:
    add(session, finding(world.teacher("A1", "draft"), "error"),
        finding(world.teacher("A2", "draft"), "error"))  # fmt: skip

    for key, number in (("school_head_A1", 1), ("district_info_A", 2), ("district_info_B", 0)):
        with acting_as(world.actors[key]):
            assert problem.counts(session, world.actors[key]).get("error", 0) == number


def test_exports_that_wait_open_only_those(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "school_head_A1", language="en")

    page = client.get("/export/list/?show=waiting").text

    assert "Nothing waits for you." in page
    assert "You have not exported anything" not in page
    assert "You have not exported anything" in client.get("/export/list/").text
