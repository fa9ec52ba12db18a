"""Charts: every bar leads to a list of exactly as many rows; files, scope and limits."""

import csv
import io
import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import openpyxl
import pytest
from werkzeug.datastructures import MultiDict

from app.access.actor import acting_as
from app.indicators.catalog import catalog
from app.views import charts
from app.views.chart import BaseChartView
from tests.variety import statements, vary
from tests.views.pages import sign_in

ACTORS = ("city_info", "district_info_A", "district_info_B", "school_info_A1", "school_head_U")
VIEWS = (
    charts.ProgressChartView,
    charts.StaffChartView,
    charts.DistrictChartView,
    charts.UnitChartView,
)
CHARTS = [(view, each["name"]) for view in VIEWS for each in view.definitions]
# Filters of the page: none, everything, and some that meet the dimensions of the charts.
QUERIES = (
    "",
    "all=1",
    "_flt_4_state=draft&_flt_4_state=effective",
    "_flt_4_category=primary_secondary&_flt_4_subject=13&_flt_4_subject=14",
    "all=1&_flt_4_stage=2&_flt_0_sex=2",
)
UNIT_QUERIES = ("", "all=1", "_flt_4_category=higher&_flt_4_category=primary_secondary")


def views_of(app: Any) -> dict[str, Any]:
    return {type(view).__name__: view for view in app.appbuilder.baseviews}


def rows_behind(app: Any, href: str) -> int:
    """How many rows the list at an address has."""
    parts = urlsplit(href)
    name = {"/teacher/list/": "TeacherView", "/units/list/": "UnitView"}[parts.path]
    return views_of(app)[name].matching(MultiDict(parse_qsl(parts.query))).count()


def links(chart: Any) -> list[tuple[float, str]]:
    """Every figure of a chart with its address: bars, parts, drawing, total."""
    found = [(chart.total, chart.total_url)]
    for row in (*chart.rows, *chart.drawn):
        found.append((row.value, row.href))
        found += [(part["value"], part["href"]) for part in row.parts if part["value"]]
    return list(dict.fromkeys(found))


def draw(app: Any, view: type, name: str, query: str) -> Any:
    found = views_of(app)[view.__name__]
    return found.draw(found.definition(name), MultiDict(parse_qsl(query)))


def offered(app: Any, view: type, name: str, actor: Any) -> bool:
    return any(each["name"] == name for each in views_of(app)[view.__name__].offered(actor))


@pytest.fixture
def varied(session: Any, world: Any) -> Any:
    return vary(session, world)


@pytest.mark.parametrize(("view", "name"), CHARTS, ids=lambda each: getattr(each, "__name__", each))
def test_every_figure_leads_to_a_list_of_as_many_rows(
    app: Any, world: Any, varied: Any, view: Any, name: str
) -> None:
    seen = 0
    for key in ACTORS:
        actor = world.actors[key]
        if not offered(app, view, name, actor):
            continue
        for query in UNIT_QUERIES if view is charts.UnitChartView else QUERIES:
            with app.test_request_context(f"/?{query}"), acting_as(actor):
                chart = draw(app, view, name, query)
                for number, href in links(chart):
                    assert href, (key, query, number)
                    assert rows_behind(app, href) == number, (key, query, href)
                    seen += 1
    assert seen > 10


def test_a_list_behind_a_large_figure_counts_exactly(
    app: Any, world: Any, varied: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.views.chart.COUNT_CAP", 3)
    with app.test_request_context("/"), acting_as(world.actors["city_info"]):
        chart = draw(app, charts.StaffChartView, "subject", "all=1")

    asked = {("count=exact" in href, number > 3) for number, href in links(chart)}
    assert asked == {(True, True), (False, False)}


@pytest.mark.parametrize(("view", "name"), CHARTS, ids=lambda each: getattr(each, "__name__", each))
def test_bars_and_series_add_up_to_the_total(
    app: Any, world: Any, varied: Any, view: Any, name: str
) -> None:
    with app.test_request_context("/"), acting_as(world.actors["city_info"]):
        chart = draw(app, view, name, "")

    assert chart.total == sum(row.value for row in chart.rows) > 0
    if chart.series:
        assert all(sum(part["value"] for part in row.parts) == row.value for row in chart.rows)
        assert sum(chart.sums) == chart.total


@pytest.mark.parametrize(("view", "name"), CHARTS, ids=lambda each: getattr(each, "__name__", each))
def test_a_chart_takes_one_statement_whatever_it_shows(
    app: Any, world: Any, varied: Any, view: Any, name: str
) -> None:
    with app.test_request_context("/"), acting_as(world.actors["city_info"]):
        draw(app, view, name, "")
        with statements() as seen:
            draw(app, view, name, "_flt_4_category=primary_secondary")

    assert len(seen) == 1


def test_the_usual_population_is_files_in_force_of_persons_on_the_rolls(
    app: Any, world: Any, varied: Any
) -> None:
    with app.test_request_context("/"), acting_as(world.actors["city_info"]):
        usual = draw(app, charts.StaffChartView, "degree", "")
        everything = draw(app, charts.StaffChartView, "degree", "all=1")
        progress = draw(app, charts.ProgressChartView, "states", "")

    live = ("effective", "city_accepted", "reported")
    on_rolls = [row for row in varied if row["active"]]
    assert usual.total == len([row for row in on_rolls if row["state"] in live])
    assert everything.total == len(varied)
    assert progress.total == len(on_rolls)


def test_the_city_sees_districts_and_a_district_its_schools(app: Any, world: Any) -> None:
    def codes(key: str, query: str = "") -> list[str]:
        with app.test_request_context("/"), acting_as(world.actors[key]):
            return [row.code for row in draw(app, charts.ProgressChartView, "units", query).rows]

    schools = {key: world.units[key].code for key in ("A1", "A2")}
    assert codes("city_info") == ["110101", "110105", "110000"]
    assert sorted(codes("district_info_A")) == sorted(schools.values())
    own = world.units["A"].id
    assert codes("city_info", f"_flt_0_authority_id={own}") == codes("district_info_A")
    assert codes("school_info_A1") == [schools["A1"]]


@pytest.mark.parametrize("key", ACTORS)
def test_every_offered_chart_has_its_page_data_and_files(
    app: Any, session: Any, world: Any, key: str
) -> None:
    client = sign_in(app, world, key)
    for view, name in CHARTS:
        base = view.route_base
        known = offered(app, view, name, world.actors[key])
        page = client.get(f"{base}/chart/{name}")
        data = client.get(f"{base}/data/{name}")
        assert (page.status_code, data.status_code) == ((200, 200) if known else (404, 404))
        if known:
            assert f'data-chart="{base}/data/{name}"' in page.text
            for row in data.json["rows"]:
                assert row["label"] in page.text.replace("&amp;", "&")
        for answer in (page, data):
            world.assert_no_leak(answer, world.actors[key], place="list")


def test_the_first_chart_is_shown_where_none_is_named(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "district_info_A")

    assert (
        'data-chart="/charts/districts/data/units"' in client.get("/charts/districts/chart/").text
    )
    assert client.get("/charts/districts/chart/map").status_code == 404
    assert client.get("/charts/districts/data/nothing").status_code == 404


@pytest.mark.parametrize(
    "case",
    [
        ("city_info", "authority_id", "A", 200),
        ("city_info", "school", "B1", 200),
        ("city_info", "school", "none", 404),
        ("district_info_A", "authority_id", "A", 200),
        ("district_info_A", "authority_id", "B", 404),
        ("district_info_A", "authority_id", "city", 404),
        ("district_info_A", "school", "A2", 200),
        ("district_info_A", "school", "B1", 404),
        ("district_info_A", "school", "none", 404),
        ("school_info_A1", "school", "A1", 200),
        ("school_info_A1", "school", "A2", 404),
        ("school_info_A1", "authority_id", "A", 200),
        ("school_info_A1", "authority_id", "B", 404),
        ("school_info_A1", "school", "text", 404),
    ],
)
def test_a_foreign_unit_in_a_filter_does_not_exist(
    app: Any, session: Any, world: Any, case: tuple[str, str, str, int]
) -> None:
    key, column, unit, status = case
    value = {"none": "987654", "text": "x"}.get(unit) or world.units[unit].id
    client = sign_in(app, world, key)

    for place in ("chart", "data"):
        answer = client.get(f"/charts/progress/{place}/units?_flt_0_{column}={value}")
        assert answer.status_code == status, place


def test_answers_about_foreign_and_missing_units_are_equal(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "district_info_A")

    foreign, missing = (
        client.get(f"/charts/staff/data/age?_flt_0_school={value}").text
        for value in (world.units["B1"].id, 987654)
    )

    # The number of the request and the token of the form, which tells the second.
    fleeting = re.compile(r'[0-9a-f]{16}|csrf[-_]token"[^>]*')
    assert fleeting.sub("", foreign) == fleeting.sub("", missing)


@pytest.mark.parametrize(
    "query",
    ["_flt_0_name=x", "_flt_0_id_no=1", "_flt_9_state=draft", "_flt_0_active=n", "_flt_x=1",
     "_flt_0_birth_year=1980"],
)  # fmt: skip
def test_a_filter_that_is_not_offered_is_refused(
    app: Any, session: Any, world: Any, query: str
) -> None:
    client = sign_in(app, world, "city_info")

    assert client.get(f"/charts/staff/chart/age?{query}").status_code == 400
    assert client.get(f"/charts/staff/data/age?{query}").status_code == 400


@pytest.mark.parametrize("key", ["city_system", "city_audit", "district_system_A", "teacher_A1"])
def test_charts_of_files_are_closed_to_those_without_files(
    app: Any, session: Any, world: Any, key: str
) -> None:
    client = sign_in(app, world, key)

    assert client.get("/charts/staff/chart/").status_code == 403
    assert client.get("/charts/progress/data/units").status_code == 403


def test_files_have_all_the_figures_and_say_what_was_counted(
    app: Any, world: Any, varied: Any
) -> None:
    client = sign_in(app, world, "city_info")
    shown = client.get("/charts/staff/data/subject?all=1").json
    answer = client.get("/charts/staff/data/subject?all=1&format=csv", buffered=True)
    notice, heading, *lines = list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))))
    workbook = client.get("/charts/staff/data/subject?all=1&format=xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(workbook.data)).active
    table = [list(row) for row in sheet.iter_rows(values_only=True)]

    assert answer.text.startswith("\ufeff")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert heading[1:-1] == shown["series"]
    assert len(lines) - 1 > len(shown["rows"])  # All subjects, and not only those drawn.
    assert int(lines[-1][-1]) == sum(int(line[-1]) for line in lines[:-1]) == len(varied)
    assert table[0][0] == notice[0]
    assert [[str(cell) for cell in row] for row in table[1:]] == [heading, *lines]
    assert client.get("/charts/staff/data/subject?format=exe").status_code == 400


def test_names_follow_the_language(app: Any, session: Any, world: Any) -> None:
    rows = {
        language: sign_in(app, world, "city_info", language)
        .get("/charts/staff/data/title_level?all=1")
        .json["rows"]
        for language in ("zh", "en")
    }

    assert {row["label"] for row in rows["zh"]} == {"中级"}
    assert {row["label"] for row in rows["en"]} == {"Intermediate"}


def test_a_page_says_what_was_counted_and_offers_all_files(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "city_info", "en")
    page = client.get("/charts/staff/chart/age").text

    assert "Counted: Files in force." in page
    assert "Age is this year minus the year of birth." in page
    assert re.search(r"As of \d{4}-\d\d-\d\d \d\d:\d\d\.", page)
    assert "/charts/staff/chart/age?all=1" in page
    assert "Counted: All files." in client.get("/charts/staff/chart/age?all=1").text


def test_home_charts_are_those_of_the_tier(app: Any, session: Any, world: Any) -> None:
    catalog(session)
    names = {}
    for key in ("city_info", "district_info_A", "school_info_A1", "teacher_A1", "city_system"):
        actor = world.actors[key]
        with app.test_request_context("/"), acting_as(actor), statements() as seen:
            made = charts.home_charts(session, actor)
        names[key] = [chart.name for chart in made]
        assert len(seen) == len(made)
        for chart in made:
            json.dumps(chart.as_json())

    assert names == {
        "city_info": ["map", "title_level", "subject"],
        "district_info_A": ["units", "title_level", "subject"],
        "school_info_A1": ["age", "title_level", "subject"],
        "teacher_A1": [],
        "city_system": [],
    }


def test_a_chart_view_without_its_declarations_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="search_columns"):
        type("Half", (BaseChartView,), {"class_permission_name": "Chart", "definitions": []})


def test_the_map_of_the_progress_counts_files_in_force_or_in_the_state_asked_for(
    app: Any, world: Any, varied: Any
) -> None:
    with app.test_request_context("/"), acting_as(world.actors["city_info"]):
        usual = draw(app, charts.ProgressChartView, "map", "")
        returned = draw(app, charts.ProgressChartView, "map", "_flt_4_state=returned")

    live = ("effective", "city_accepted", "reported")
    for chart, states in ((usual, live), (returned, ("returned",))):
        wanted: dict[int, int] = {}
        for row in varied:
            if row["active"] and row["state"] in states:
                wanted[row["authority_id"]] = wanted.get(row["authority_id"], 0) + 1
        assert chart.kind == "map"
        assert sorted(row.value for row in chart.rows if row.value) == sorted(wanted.values())


def test_a_district_has_no_map_of_the_progress(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "district_info_A")

    assert client.get("/charts/progress/chart/map").status_code == 404
