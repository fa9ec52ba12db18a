"""Every figure obeys the scope of its reader: parts add up to the whole, others change nothing
(SEC-09)."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update
from werkzeug.datastructures import MultiDict

from app.access.actor import acting_as, system
from app.models.teacher import ReviewState, Teacher
from app.models.unit import Unit
from app.reports.dimensions import Dimension
from app.services.home import Home
from app.views.chart import BaseChartView, Chart
from tests.invariants.test_lists_fence import views_of

pytestmark = pytest.mark.wide

EVERYTHING = MultiDict({"all": "1"})
DISTRICTS = ("district_info_A", "district_info_B")


def charts_of(app: Any, actor: Any, given: MultiDict) -> dict[tuple[str, str], Chart]:
    """Every chart that an actor has, without the moment it was drawn."""
    with app.test_request_context(), acting_as(actor):
        return {
            (type(view).__name__, each["name"]): replace(view.draw(each, given), note="")
            for view in views_of(app, BaseChartView)
            for each in view.offered(actor)
        }


def bars(chart: Chart) -> Counter:
    return Counter({row.label: row.value for row in chart.rows if row.value})


def test_the_districts_and_the_units_of_the_city_add_up_to_the_city(
    app: Any, session: Any, world: Any
) -> None:
    own = MultiDict({"all": "1", "_flt_0_authority_id": str(world.units["city"].id)})
    city = charts_of(app, world.actor("city_info"), EVERYTHING)
    parts = [
        *(charts_of(app, world.actors[key], EVERYTHING) for key in DISTRICTS),
        charts_of(app, world.actor("city_info"), own),
    ]
    alike = {
        (type(view).__name__, each["name"])
        for view in views_of(app, BaseChartView)
        for each in view.definitions
        if isinstance(each["group"], Dimension) and "tiers" not in each
    }

    for name, chart in city.items():
        if all(name in part for part in parts):
            assert chart.total == sum(part[name].total for part in parts), name
        if name in alike:
            assert bars(chart) == sum((bars(part[name]) for part in parts), Counter()), name
    assert len(alike) > 8
    assert city["StaffChartView", "age"].total == len(world.teachers)


def test_the_schools_of_a_district_add_up_to_it(app: Any, session: Any, world: Any) -> None:
    district = charts_of(app, world.actors["district_info_A"], EVERYTHING)
    schools = [charts_of(app, world.actor("school_info", key), EVERYTHING) for key in ("A1", "A2")]

    for name in set(district) & set(schools[0]):
        assert district[name].total == sum(each[name].total for each in schools), name


def home_of(app: Any, session: Any, actor: Any) -> tuple[Any, ...]:
    with app.test_request_context(), acting_as(actor):
        page = Home(session, actor)
        return page.figures(), page.progress(), page.todo()


@pytest.mark.parametrize("key", ["school_info_A1", "school_head_A1", "district_info_A"])
def test_figures_do_not_change_with_the_rows_of_others(
    app: Any, session: Any, world: Any, key: str
) -> None:
    actor = world.actors[key]
    inside = {"A1"} if "school" in key else {"A1", "A2"}
    others = [each.id for each in world.teachers.values() if each.school not in inside]
    before = charts_of(app, actor, EVERYTHING), home_of(app, session, actor)

    with system():
        changed = {
            "state": ReviewState.DRAFT, "sex": "2", "active": True, "birth_year": 1999,
            "title": None, "education": None, "subject": None, "stage": None, "error_count": 3,
        }  # fmt: skip
        session.execute(update(Teacher).where(Teacher.id.in_(others)).values(changed))
        units = [ref.id for unit, ref in world.units.items() if unit in {"B1", "U"}]
        session.execute(update(Unit).where(Unit.id.in_(units)).values(category="kindergarten"))
    session.expire_all()
    after = charts_of(app, actor, EVERYTHING), home_of(app, session, actor)

    assert len(before[0]) > 5
    assert before == after
    with app.test_request_context(), acting_as(world.actor("city_info")):
        assert charts_of(app, world.actor("city_info"), EVERYTHING) != before[0]
