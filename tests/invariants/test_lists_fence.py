"""Every list, chart and API: only its white lists sort and filter, and nothing foreign (SEC-05,
SEC-09)."""

from typing import Any
from urllib.parse import urlencode

import pytest

from app.views.base import BaseModelApi, BaseModelView
from app.views.chart import BaseChartView
from tests.invariants.addresses import Browser, furnish, lines

pytestmark = pytest.mark.wide

# Who opens a list: the first of these that may.
READERS = ("city_info", "city_system", "city_audit", "school_info_A1")
OPERATORS = (0, 1, 4, 9)
PLAIN = {"Accept": "application/json"}  # A refusal without the page around it.
API_OPERATORS = ("eq", "neq", "ct", "sw", "gt", "lt", "ge", "le", "in", "null", "rel_o_m")


def views_of(app: Any, kind: type) -> list[Any]:
    return [view for view in app.appbuilder.baseviews if isinstance(view, kind)]


def hidden_columns(view: Any, allowed: Any) -> list[str]:
    """Everything mapped that a white list does not hold, and names of nothing."""
    mapped = [each.key for each in view.datamodel.obj.__mapper__.attrs]
    made_up = ["nothing", "id_no_index", "school.name", "__class__"]
    return [name for name in dict.fromkeys([*mapped, *made_up]) if name not in allowed]


def reader_of(browsers: dict[str, Browser], address: str) -> Browser | None:
    """Who may open a list."""
    for browser in browsers.values():
        if browser.send(address).status_code in (200, 302):
            return browser
    return None


@pytest.fixture
def browsers(app: Any, session: Any, world: Any) -> dict[str, Browser]:
    return {key: Browser(app, world, key) for key in READERS}


def own_address(app: Any, view: Any, session: Any, world: Any) -> str:
    """Where a list is shown: its page, or the tab of its parent."""
    if "list" not in view.exclude_route_methods:
        return f"{view.route_base}/list/"
    report = furnish(app, session, world)["report"][0]
    return f"/reports/tab/{type(view).__name__}/{report.key}"


def test_lists_sort_and_filter_by_their_white_lists_alone(
    app: Any, session: Any, world: Any, browsers: dict[str, Browser]
) -> None:
    taken, asked = [], 0
    for view in views_of(app, BaseModelView):
        address = own_address(app, view, session, world)
        reader = reader_of(browsers, address)
        assert reader is not None, address
        name = type(view).__name__
        wrong = [{f"_oc_{name}": each} for each in hidden_columns(view, view.order_columns)]
        if "/tab/" not in address:
            columns = hidden_columns(view, view.search_columns)
            # The generated lists of sets share one class.
            digits = OPERATORS[:1] if address.startswith("/record/") else OPERATORS
            wrong += [{f"_flt_{digit}_{each}": "1"} for each in columns for digit in digits]
        for arguments in wrong:
            asked += 1
            answer = reader.client.get(address, query_string=arguments, headers=PLAIN)
            if answer.status_code != 400:
                taken.append((address, arguments, answer.status_code))

    assert asked > 1000
    assert not taken, lines(taken)


def test_a_tab_takes_no_filter_beyond_its_parent(
    app: Any, session: Any, world: Any, browsers: dict[str, Browser]
) -> None:
    """A tab shows the rows of its parent whatever its address says."""
    report = furnish(app, session, world)["report"][0]
    address = f"/reports/tab/ReportItemView/{report.key}"
    reader = browsers["city_info"]
    usual = reader.send(address).text

    for filters in ("_flt_0_school_id=1", "_flt_0_teacher=1", "q=x", "_flt_0_batch=99999999"):
        assert reader.send(f"{address}?{filters}").text.count("<tr") == usual.count("<tr")


def test_the_order_of_rows_does_not_tell_a_hidden_column(
    app: Any, session: Any, world: Any, browsers: dict[str, Browser]
) -> None:
    reader, usual = browsers["city_info"], "/teacher/list/?psize_TeacherView=100"
    before = reader.send(usual).text
    one, other = (world.teacher("A1", state).name for state in ("draft", "effective"))

    for column in ("birth_date", "birth_year", "id_no", "id_no_index"):
        for direction in ("asc", "desc"):
            order = {"_oc_TeacherView": column, "_od_TeacherView": direction}
            assert reader.send(f"{usual}&{urlencode(order)}").status_code == 400
    after = reader.send(usual).text

    assert before.index(one) < before.index(other) or before.index(other) < before.index(one)
    assert (before.index(one) < before.index(other)) == (after.index(one) < after.index(other))


def test_the_interface_sorts_and_filters_by_its_white_lists_alone(
    app: Any, session: Any, world: Any
) -> None:
    # What a school keeps is not even the city's to read.
    readers = [Browser(app, world, key) for key in ("city_info", "school_info_A1")]

    taken, asked = [], 0
    for api in views_of(app, BaseModelApi):
        reader = next(e for e in readers if e.send(f"{api.route_base}/").status_code != 403)
        orders = hidden_columns(api, api.order_columns)
        columns = hidden_columns(api, api.search_columns)
        queries = [f"(order_column:'{each}',order_direction:asc)" for each in orders]
        queries += [
            f"(filters:!((col:'{each}',opr:{operator},value:'1')))"
            for each in columns
            for operator in API_OPERATORS
        ]
        for query in queries:
            asked += 1
            answer = reader.send(f"{api.route_base}/?{urlencode({'q': query})}")
            if answer.status_code != 400:
                taken.append((api.route_base, query, answer.status_code))

    assert asked > 100
    assert not taken, lines(taken)


def test_charts_filter_by_their_white_lists_alone(app: Any, session: Any, world: Any) -> None:
    reader = Browser(app, world, "city_info")

    taken = []
    for view in views_of(app, BaseChartView):
        for definition in view.definitions:
            address = f"{view.route_base}/data/{definition['name']}"
            assert reader.send(address).status_code == 200
            for column in hidden_columns(view, view.search_columns):
                argument = {f"_flt_0_{column}": "1"}
                answer = reader.client.get(address, query_string=argument, headers=PLAIN)
                if answer.status_code != 400:
                    taken.append((address, column, answer.status_code))

    assert not taken, lines(taken)


@pytest.mark.parametrize("key", ["school_info_A1", "district_info_A", "school_head_U"])
def test_a_filter_by_a_foreign_row_is_answered_like_one_by_nothing(
    app: Any, session: Any, world: Any, key: str
) -> None:
    """Every list and chart that filters by school or unit (SEC-09)."""
    browser, foreign = Browser(app, world, key), world.units["B1"].id
    places = [
        f"{address}?_flt_{operator}_{column}="
        for view in (*views_of(app, BaseModelView), *views_of(app, BaseChartView))
        for column in ("school", "school_id", "unit")
        if column in view.search_columns
        for address in _addresses(view)
        if browser.send(address).status_code != 403
        for operator in (0, 1)
    ]
    places += [f"/api/v1/teacher/?q=(filters:!((col:school_id,opr:{o},value:" for o in ("eq", "in")]

    told = []
    for place in places:
        end = ")))" if "!((" in place else ""
        one, other = (browser.send(f"{place}{each}{end}") for each in (foreign, 99_999_999))
        if (one.status_code, other.status_code) != (404, 404):
            told.append((place, one.status_code, other.status_code))

    assert len(places) > 10
    assert not told, lines(told)


def _addresses(view: Any) -> list[str]:
    """Where a list or the charts of a view read filters from an address."""
    if isinstance(view, BaseChartView):
        return [f"{view.route_base}/data/{each['name']}" for each in view.definitions]
    left_out = view.exclude_route_methods
    return [f"{view.route_base}/{part}" for part in ("list/", "panel") if part[:4] not in left_out]
