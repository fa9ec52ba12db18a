"""Monitoring: tables by tier whose numbers open their lists, urging by post, files, refusals."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.access.actor import system
from app.core.clock import now, today
from app.models.history import Audit
from app.models.notice import Notice
from app.models.round import Round
from app.models.teacher import IN_FORCE_STATES, ReviewState, Teacher
from app.models.unit import Unit
from tests.factories import make_school, make_teacher
from tests.variety import statements
from tests.views.figures import linked, rows_behind, token
from tests.views.pages import sign_in

LIST = "/monitor/list/"
CONFIRMED = (ReviewState.SCHOOL_CONFIRMED, *IN_FORCE_STATES)


@pytest.fixture
def varied(session: Any, world: Any) -> Any:
    """The world with late, incomplete and departed files; A2 has reported everything."""
    with system():
        for school in ("A1", "B1", "U"):
            for state, values in (
                ("draft", {"late": True}),
                ("submitted", {"complete_percent": 70}),
                ("effective", {"active": False}),
            ):
                ref = world.teacher(school, state)
                session.execute(update(Teacher).where(Teacher.id == ref.id).values(**values))
        session.execute(
            update(Teacher)
            .where(Teacher.school_id == world.units["A2"].id, Teacher.state.not_in(CONFIRMED))
            .values(active=False)
        )
        session.expire_all()
    return world


def round_id(session: Any) -> int:
    with system():
        return session.scalar(select(Round.id).order_by(Round.id))


def rows_of(page: str) -> list[str]:
    """The names in the first column of the table."""
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.DOTALL)
    found = re.findall(r'<td class="tm-first[^>]*>(.*?)</td>', body[1] if body else "")
    return [re.sub(r"<[^>]+>", "", each).strip() for each in found]


def urged(session: Any) -> set[int]:
    with system():
        session.expire_all()
        return set(session.scalars(select(Notice.unit_id).where(Notice.event == "urge")))


def urge(client: Any, query: str = "", **form: Any) -> Any:
    data = {"csrf_token": token(client), "filter": query} | form
    return client.post("/monitor/urge", data=data)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("city_info", ""),
        ("city_assistant", ""),
        ("city_info", "?show=behind"),
        ("district_info_A", ""),
        ("district_info_B", ""),
        ("school_info_A1", ""),
        ("school_head_U", ""),
    ],
)
def test_every_number_opens_a_list_with_exactly_so_many_rows(
    app: Any, session: Any, varied: Any, key: str, path: str
) -> None:
    client = sign_in(app, varied, key, language="en")
    answer = client.get(LIST + path)
    found = linked(answer.text)
    if varied.actors[key].tier == "school":
        figure = r'<b><a href="([^"]+)" class="tm-count-bad">(\d+)</a></b>'
        found = [
            (href.replace("&amp;", "&"), int(n)) for href, n in re.findall(figure, answer.text)
        ]

    assert answer.status_code == 200
    assert found
    for href, number in found:
        assert rows_behind(client, href) == number, href
    varied.assert_no_leak(answer, varied.actors[key], place="list")


def test_numbers_of_a_round_of_some_categories_open_their_lists(
    app: Any, session: Any, varied: Any
) -> None:
    with system():
        session.execute(update(Round).values(categories="higher,special"))
        session.expire_all()
    client = sign_in(app, varied, "city_info", language="en")

    page = client.get(LIST).text

    assert rows_of(page) == ["Units run by the city"]
    for href, number in linked(page):
        assert rows_behind(client, href) == number, href


def test_the_city_sees_authorities_and_opens_their_schools(
    app: Any, session: Any, varied: Any
) -> None:
    client = sign_in(app, varied, "city_info", language="en")
    key = round_id(session)

    page = client.get(LIST).text
    inside = client.get(f"{LIST}?round={key}&authority={varied.units['A'].id}").text

    assert len(rows_of(page)) == 3
    assert sorted(rows_of(inside)) == [varied.units[each].name for each in ("A1", "A2")]


def test_segments_count_and_narrow_the_schools(app: Any, session: Any, varied: Any) -> None:
    client = sign_in(app, varied, "district_info_A", language="en")

    counts = dict(
        re.findall(r">([A-Z][\w ]+)<span class=\"tm-figure\">(\d+)<", client.get(LIST).text)
    )

    assert counts == {
        "All": "2",
        "Behind": "1",
        "Past their deadline": "0",
        "Nothing reported": "0",
        "All reported": "1",
    }
    assert rows_of(client.get(LIST + "?show=done").text) == [varied.units["A2"].name]
    assert rows_of(client.get(LIST + "?show=behind").text) == [varied.units["A1"].name]
    assert "No school is in this state" in client.get(LIST + "?show=overdue").text


def test_the_table_can_be_sorted_searched_and_filtered(app: Any, session: Any, varied: Any) -> None:
    client = sign_in(app, varied, "city_info")
    names = [varied.units[each].name for each in ("A1", "A2", "B1", "U")]

    found = rows_of(client.get(LIST + "?show=&q=测试&_oc_MonitorView=name").text)
    falling = rows_of(
        client.get(LIST + "?q=测试&_oc_MonitorView=expected&_od_MonitorView=desc").text
    )

    assert sorted(found) == sorted(names)
    assert falling[-1] == varied.units["A2"].name
    assert rows_of(client.get(LIST + "?category=higher").text) == [varied.units["U"].name]
    for order in ("name", "percent", "late", "schools", "behind"):
        for direction in ("asc", "desc"):
            path = f"{LIST}?_oc_MonitorView={order}&_od_MonitorView={direction}"
            assert len(rows_of(client.get(path).text)) == 3, path


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("show=nonsense", 400),
        ("category=nonsense", 400),
        ("_oc_MonitorView=authority_id", 400),
        ("round=x", 400),
        ("authority=x", 400),
        ("page_MonitorView=-1", 400),
        ("round=999999", 404),
        ("authority=999999", 404),
    ],
)
def test_what_the_page_does_not_offer_is_refused(
    app: Any, session: Any, world: Any, query: str, status: int
) -> None:
    client = sign_in(app, world, "city_info")

    assert client.get(f"{LIST}?{query}").status_code == status
    assert client.get(f"/monitor/export?{query}", buffered=True).status_code == status
    answer = urge(client, query, select_all="1")
    assert answer.status_code == status
    assert urged(session) == set()


def test_a_foreign_authority_or_round_is_answered_like_an_absent_one(
    app: Any, session: Any, world: Any
) -> None:
    with system():
        day = today()
        own = Round(
            name="B区采集",
            authority_id=world.units["B"].id,
            opens_on=day,
            school_deadline=day,
            authority_deadline=day,
            city_deadline=day,
        )
        session.add(own)
        session.flush()
        foreign_round = own.id
    client = sign_in(app, world, "district_info_A")

    for query in (f"authority={world.units['B'].id}", f"round={foreign_round}"):
        answer = client.get(f"{LIST}?{query}")
        absent = client.get(f"{LIST}?{query.partition('=')[0]}=999999")
        assert answer.status_code == absent.status_code == 404
        assert urge(client, query, select_all="1").status_code == 404
    assert "B区采集" not in client.get(LIST).text


@pytest.mark.parametrize(
    ("key", "status"),
    [
        ("city_info", 200),
        ("city_assistant", 200),
        ("district_info_A", 200),
        ("school_info_A1", 200),
        ("school_head_A1", 200),
        ("city_system", 403),
        ("city_audit", 403),
        ("district_system_A", 403),
        ("school_system_A1", 403),
        ("teacher_A1", 403),
    ],
)
def test_who_may_look_and_who_may_urge(
    app: Any, session: Any, world: Any, key: str, status: int
) -> None:
    client = sign_in(app, world, key, language="en")
    answer = client.get(LIST)
    may_urge = key in ("city_info", "district_info_A")

    assert answer.status_code == status
    assert ("/monitor/urge" in answer.text) is may_urge
    world.assert_no_leak(answer, world.actors[key], place="list")
    if not may_urge:
        assert urge(client, f"round={round_id(session)}", select_all="1").status_code == 403
        assert urged(session) == set()


def test_all_that_are_behind_are_urged_once(app: Any, session: Any, varied: Any) -> None:
    client = sign_in(app, varied, "city_info", language="en")
    query = f"round={round_id(session)}&show=behind"
    with system():
        last = session.scalar(select(func.max(Audit.id))) or 0

    first = urge(client, query, select_all="1", count="3", **{"reason-urge": "请尽快"})
    page = client.get(first.headers["Location"]).text
    again = urge(client, query, select_all="1", count="3")

    assert first.headers["Location"] == f"{LIST}?{query}"
    assert "3 school(s) urged." in page
    assert "3 had been urged today already." in client.get(again.headers["Location"]).text
    assert urged(session) == {varied.units[each].id for each in ("A1", "B1", "U")}
    with system():
        rows = session.scalars(select(Audit).where(Audit.id > last, Audit.act == "urge")).all()
    assert len(rows) == 3
    assert today().isoformat() in page


def test_marked_schools_alone_are_urged(app: Any, session: Any, varied: Any) -> None:
    client = sign_in(app, varied, "district_info_A")
    rows = [str(varied.units["A1"].id), str(varied.units["A2"].id)]

    answer = urge(client, f"round={round_id(session)}", rowid=rows, action="urge")

    assert answer.status_code == 302
    assert urged(session) == {varied.units["A1"].id}


def test_a_marked_authority_stands_for_its_schools(app: Any, session: Any, varied: Any) -> None:
    client = sign_in(app, varied, "city_info")

    urge(client, f"round={round_id(session)}", rowid=[str(varied.units["B"].id)])

    assert urged(session) == {varied.units["B1"].id}


@pytest.mark.parametrize("row", ["B1", "absent", "nonsense"])
def test_a_foreign_row_is_refused_and_nobody_is_urged(
    app: Any, session: Any, varied: Any, row: str
) -> None:
    client = sign_in(app, varied, "district_info_A")
    foreign = {"B1": str(varied.units["B1"].id), "absent": "999999"}.get(row, "x")

    answer = urge(client, f"round={round_id(session)}", rowid=[str(varied.units["A1"].id), foreign])

    assert answer.status_code == 404
    assert urged(session) == set()


def test_urging_needs_rows_a_token_and_the_list_as_it_was(
    app: Any, session: Any, varied: Any
) -> None:
    client = sign_in(app, varied, "district_info_A")
    query = f"round={round_id(session)}"

    assert urge(client, query).status_code == 400
    assert (
        client.post("/monitor/urge", data={"filter": query, "select_all": "1"}).status_code == 400
    )
    assert client.get("/monitor/urge").status_code == 405
    assert urge(client, query, select_all="1", count="7").status_code == 409
    assert urge(client, query, select_all="1", **{"reason-urge": "字" * 501}).status_code == 422
    assert urged(session) == set()


def test_a_repeated_form_is_answered_with_its_first_result(
    app: Any, session: Any, varied: Any
) -> None:
    client = sign_in(app, varied, "district_info_A")
    form = {"select_all": "1", "submit_key": "k" * 20}

    first = urge(client, f"round={round_id(session)}", **form)
    again = urge(client, f"round={round_id(session)}", **form)

    assert first.headers["Location"] == again.headers["Location"]
    with system():
        assert session.scalar(select(func.count()).where(Notice.event == "urge")) == 2


def test_a_closed_round_is_shown_but_urges_nobody(app: Any, session: Any, varied: Any) -> None:
    with system():
        session.execute(update(Round).values(closed=True, closed_at=now()))
        session.expire_all()
    client = sign_in(app, varied, "district_info_A", language="en")

    page = client.get(LIST).text

    assert "This round is closed" in page
    assert "/monitor/urge" not in page
    answer = urge(client, f"round={round_id(session)}", select_all="1")
    assert answer.status_code == 422
    assert urged(session) == set()


@pytest.mark.parametrize("key", ["city_info", "district_info_A", "school_info_A1"])
def test_without_a_round_the_page_says_what_will_be_here(
    app: Any, session: Any, world: Any, key: str
) -> None:
    with system():
        session.delete(session.get(Round, round_id(session)))
        session.flush()
    client = sign_in(app, world, key, language="en")

    assert "There is no collection round yet" in client.get(LIST).text
    if key != "school_info_A1":
        assert client.get("/monitor/export", buffered=True).status_code == 404
        assert urge(client, "", select_all="1").status_code == 404


def test_the_file_holds_exactly_the_schools_of_the_page(
    app: Any, session: Any, varied: Any
) -> None:
    client = sign_in(app, varied, "district_info_A", language="en")

    answer = client.get("/monitor/export?format=csv", buffered=True)
    rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    behind = client.get("/monitor/export?format=csv&show=behind", buffered=True)

    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert {row[1] for row in rows[1:]} == {varied.units[each].name for each in ("A1", "A2")}
    line = next(row for row in rows if row[1] == varied.units["A1"].name)
    assert line[3:10] == ["13", "12", "9", "7", "5", "2", "1"]
    assert behind.get_data().decode("utf-8-sig").count(varied.units["A2"].name) == 0
    varied.assert_no_leak(answer, varied.actors["district_info_A"], place="list")
    xlsx = client.get("/monitor/export?format=xlsx", buffered=True)
    assert xlsx.get_data()[:2] == b"PK"
    varied.assert_no_leak(xlsx, varied.actors["district_info_A"], place="list")
    assert client.get("/monitor/export?format=pdf", buffered=True).status_code == 400


def test_names_that_look_like_formulas_stay_text_in_the_file(
    app: Any, session: Any, world: Any
) -> None:
    with system():
        authority = session.get(Unit, world.units["A"].id)
        make_school(session, authority=authority, name="=1+1<script>")
    client = sign_in(app, world, "district_info_A")

    text = client.get("/monitor/export?format=csv", buffered=True).get_data().decode("utf-8-sig")

    assert "'=1+1<script>" in text
    assert "=1+1<script>" not in client.get(LIST).text


def test_a_school_sees_its_own_deadline_and_whose_files_are_missing(
    app: Any, session: Any, varied: Any
) -> None:
    client = sign_in(app, varied, "school_head_A1", language="en")

    page = client.get(LIST)

    shown = {ref.name for ref in varied.of("A1") if ref.name in page.text}
    open_states = ("draft", "submitted", "returned")
    wanted = {ref.name for ref in varied.of("A1") if ref.state in open_states}
    assert shown == wanted
    assert (today() + timedelta(days=20)).isoformat() in page.text
    assert client.get("/monitor/export", buffered=True).status_code == 400
    varied.assert_no_leak(page, varied.actors["school_head_A1"], place="list")


def test_a_round_that_does_not_ask_the_school_says_so(app: Any, session: Any, world: Any) -> None:
    with system():
        session.execute(update(Round).values(categories="higher"))
        session.expire_all()

    page = sign_in(app, world, "school_info_A1", language="en").get(LIST).text

    assert "This round does not ask your school" in page


def test_the_page_takes_as_many_statements_for_two_schools_as_for_twenty(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "district_info_A")
    client.get(LIST)

    def taken() -> int:
        with statements() as seen:
            assert client.get(LIST).status_code == 200
        return len(seen)

    few = taken()
    with system():
        authority = session.get(Unit, world.units["A"].id)
        for _number in range(18):
            make_teacher(session, school=make_school(session, authority=authority))
    assert taken() == few <= 12
