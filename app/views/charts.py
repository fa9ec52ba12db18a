"""The charts: what each counts and groups by, declared; drawing and lists come from the base."""

from collections.abc import Mapping
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from app.access.actor import Actor, current_actor
from app.indicators.catalog import DISTRICTS, SCHOOL_TYPES
from app.models.teacher import IN_FORCE_STATES, ReviewState
from app.models.unit import Unit, UnitKind
from app.reports import dimensions as by
from app.reports.dimensions import Dimension
from app.views.base import BaseChartView
from app.views.chart import Chart, values_of
from app.views.datamodel import EQUAL, ONE_OF, Datamodel
from app.views.labels import REVIEW_STATES, code_choices, column_label
from app.views.school_filters import authority_choices, files_model, require_units

Population = Mapping[str, tuple[str, ...]]
ON_THE_ROLLS: Population = {f"_flt_{EQUAL}_active": ("y",)}
IN_FORCE: Population = {
    **ON_THE_ROLLS,
    f"_flt_{ONE_OF}_state": tuple(str(state) for state in IN_FORCE_STATES),
}
SCHOOLS: Population = {f"_flt_{EQUAL}_kind": (str(UnitKind.SCHOOL),)}
MOST_SCHOOLS = 12
MOST_CODES = 15

# Colours of charts.js: what is under way is warm, what is done is cool.
STATE_TINTS = {
    ReviewState.DRAFT: "grey",
    ReviewState.SUBMITTED: "yellow",
    ReviewState.SCHOOL_CONFIRMED: "amber",
    ReviewState.RETURNED: "red",
    ReviewState.EFFECTIVE: "green",
    ReviewState.CITY_ACCEPTED: "teal",
    ReviewState.REPORTED: "blue",
}

BY_MAIN_TERM = _l("Stage and subject are the first ones of the latest term.")
BY_AUTHORITY = _l(
    "A file counts for the authority in charge of its school, wherever the school lies."
)
NOT_ON_MAP = _l(
    "The map has no outline of Yanshan and the Development Area, and none for units run by the "
    "city: their figures are in the table."
)
BY_YEAR = _l("Age is this year minus the year of birth.")


def units_below(actor: Actor, arguments: MultiDict) -> Dimension:
    """Return what a tier looks down on: the city on authorities, everybody else on schools."""
    chosen = values_of(arguments, ("authority_id", "school"))
    return by.AUTHORITY if actor.tier == "city" and not chosen else by.SCHOOL


def check_units(view: BaseChartView, arguments: MultiDict) -> None:
    """Raise NotFound where a filter names a unit outside the scope (SEC-09)."""
    require_units(
        view.datamodel.session,
        current_actor(),
        authorities=values_of(arguments, ("authority_id",)),
        schools=values_of(arguments, ("school",)),
    )


class TeacherCharts(BaseChartView, abstract=True):
    """Charts over teachers' files."""

    datamodel = files_model()
    class_permission_name = "Chart"
    list_view = "TeacherView"
    measure = _l("Number of teachers")
    search_columns = [
        "authority_id",
        "category",
        "school",
        "state",
        "staff_category",
        "post_category",
        "in_establishment",
        "stage",
        "subject",
        "sex",
    ]
    label_columns = {
        "authority_id": _l("Authority"),
        "category": _l("School category"),
        "school": _l("School"),
        "state": _l("State"),
        "staff_category": column_label("staff_category"),
        "post_category": column_label("post_category"),
        "in_establishment": column_label("in_establishment"),
        "stage": column_label("stage"),
        "subject": column_label("subject"),
        "sex": column_label("sex"),
    }
    code_columns = {
        "authority_id": authority_choices,
        "category": code_choices("school_category"),
        "state": code_choices(REVIEW_STATES),
        "staff_category": code_choices("staff_category"),
        "post_category": code_choices("post_category"),
        "in_establishment": code_choices("in_establishment"),
        "stage": code_choices("teaching_stage"),
        "subject": code_choices("subject"),
        "sex": code_choices("sex"),
    }
    remote_columns = {"school": "UnitView"}
    population: Population = IN_FORCE
    population_label = _l("Files in force")
    everything_label = _l("All files")
    check_filters = check_units

    def panel_columns(self, actor: Actor) -> list[str]:
        """Leave out what has only one value in the scope of the actor."""
        single = {"city": (), "district": ("authority_id",)}
        fixed = single.get(actor.tier, ("authority_id", "category", "school"))
        return [name for name in self.search_columns if name not in fixed]


class ProgressChartView(TeacherCharts):
    """How far the review of files is."""

    route_base = "/charts/progress"
    chart_title = _l("Review progress")
    # Whoever left has nothing to be reviewed any more.
    population: Population = ON_THE_ROLLS
    population_label = _l("Files of persons on the rolls")
    definitions = [
        {
            "name": "units",
            "title": _l("Review progress by unit"),
            "label": _l("Unit"),
            "kind": "stacked",
            "group": units_below,
            "split": by.STATE,
            "tints": STATE_TINTS,
            "top": MOST_SCHOOLS,
            "note": BY_AUTHORITY,
        },
        {
            "name": "map",
            "title": _l("Review progress on the map"),
            "label": _l("District"),
            "kind": "map",
            "group": by.AUTHORITY,
            "population": IN_FORCE,
            "counted": _l("Files in force, or those in the state that the filter names"),
            "tiers": ("city",),
            "note": NOT_ON_MAP,
        },
        {
            "name": "states",
            "title": _l("Files by state"),
            "label": _l("State"),
            "kind": "hbar",
            "group": by.STATE,
            "tints": STATE_TINTS,
        },
    ]


class StaffChartView(TeacherCharts):
    """Who the teachers are."""

    route_base = "/charts/staff"
    chart_title = _l("Staff")
    definitions = [
        {
            "name": "age",
            "title": _l("Age and sex"),
            "label": _l("Age"),
            "kind": "stacked",
            "group": by.AGE,
            "split": by.SEX,
            "note": BY_YEAR,
        },
        {
            "name": "education",
            "title": _l("Education"),
            "kind": "hbar",
            "group": by.EDUCATION,
        },
        {"name": "degree", "title": _l("Degree"), "kind": "pie", "group": by.DEGREE},
        {
            "name": "title_level",
            "title": _l("Title level"),
            "label": _l("Title level"),
            "kind": "pie",
            "group": by.TITLE_LEVEL,
        },
        {
            "name": "title",
            "title": _l("Professional title"),
            "kind": "hbar",
            "group": by.TITLE,
            "top": MOST_CODES,
        },
        {"name": "post", "title": _l("Post category"), "kind": "pie", "group": by.POST},
        {
            "name": "establishment",
            "title": _l("Establishment"),
            "kind": "pie",
            "group": by.ESTABLISHMENT,
        },
        {
            "name": "subject",
            "title": _l("Subject and stage"),
            "kind": "stacked",
            "group": by.SUBJECT,
            "split": by.STAGE,
            "top": MOST_CODES,
            "note": BY_MAIN_TERM,
        },
        {
            "name": "backbone",
            "title": _l("Backbone teachers"),
            "kind": "hbar",
            "group": by.BACKBONE,
            "missing": False,
        },
    ]


class DistrictChartView(TeacherCharts):
    """How the districts compare; a district compares its schools."""

    route_base = "/charts/districts"
    chart_title = _l("Districts and schools")
    definitions = [
        {
            "name": "map",
            "title": _l("Teachers by district"),
            "label": _l("District"),
            "kind": "map",
            "group": by.AUTHORITY,
            "tiers": ("city",),
            "note": NOT_ON_MAP,
        },
        {
            "name": "units",
            "title": _l("Teachers by unit"),
            "label": _l("Unit"),
            "kind": "hbar",
            "group": units_below,
            "top": MOST_SCHOOLS,
            "note": BY_AUTHORITY,
        },
        {
            "name": "education",
            "title": _l("Education by unit"),
            "label": _l("Unit"),
            "kind": "stacked",
            "group": units_below,
            "split": by.EDUCATION_LEVEL,
            "top": MOST_SCHOOLS,
            "note": BY_AUTHORITY,
        },
    ]


class UnitChartView(BaseChartView):
    """What kinds of schools there are."""

    route_base = "/charts/units"
    datamodel = Datamodel(Unit)
    class_permission_name = "Unit"
    chart_title = _l("Schools and institutions")
    list_view = "UnitView"
    measure = _l("Number of units")
    search_columns = [
        "authority_id",
        "category",
        "type_code",
        "urban_rural",
        "sponsor_type",
        "district_code",
    ]
    label_columns = {
        "authority_id": _l("Authority"),
        "category": _l("School category"),
        "type_code": column_label("type_code"),
        "urban_rural": column_label("urban_rural"),
        "sponsor_type": column_label("sponsor_type"),
        "district_code": column_label("district_code"),
    }
    code_columns = {
        "authority_id": authority_choices,
        "category": code_choices("school_category"),
        "type_code": code_choices(SCHOOL_TYPES),
        "urban_rural": code_choices("urban_rural"),
        "sponsor_type": code_choices("sponsor_type"),
        "district_code": code_choices(DISTRICTS),
    }
    always: Population = SCHOOLS
    population: Population = ON_THE_ROLLS
    population_label = _l("Schools and institutions in operation")
    everything_label = _l("Closed ones too")
    check_filters = check_units
    definitions = [
        {
            "name": "category",
            "title": _l("Units by category"),
            "label": _l("School category"),
            "kind": "hbar",
            "group": by.UNIT_CATEGORY,
        },
        {
            "name": "authority",
            "title": _l("Units by authority and category"),
            "label": _l("Authority"),
            "kind": "stacked",
            "group": by.AUTHORITY,
            "split": by.UNIT_CATEGORY,
            "tiers": ("city",),
        },
        {
            "name": "type",
            "title": _l("Units by type"),
            "kind": "hbar",
            "group": by.UNIT_TYPE,
            "top": MOST_CODES,
        },
        {
            "name": "place",
            "title": _l("City and country"),
            "kind": "pie",
            "group": by.UNIT_PLACE,
        },
        {
            "name": "sponsor",
            "title": _l("Units by sponsor"),
            "kind": "hbar",
            "group": by.UNIT_SPONSOR,
        },
    ]


CHART_VIEWS = (ProgressChartView, StaffChartView, DistrictChartView, UnitChartView)

# The charts of the home page by tier: what is below, who the teachers are, what they teach.
HOME_CHARTS = {
    "city": (("DistrictChartView", "map"), ("StaffChartView", "title_level")),
    "district": (("ProgressChartView", "units"), ("StaffChartView", "title_level")),
    "school": (("StaffChartView", "age"), ("StaffChartView", "title_level")),
}
LAST_HOME_CHART = ("StaffChartView", "subject")


def home_charts(session: Any, actor: Actor) -> list[Chart]:
    """Return the charts of the home page for an actor who works with files; one statement each."""
    if not actor.works_with_files or actor.tier not in HOME_CHARTS:
        return []
    views = {type(view).__name__: view for view in current_app.appbuilder.baseviews}
    wanted = (*HOME_CHARTS[actor.tier], LAST_HOME_CHART)
    return [
        views[name].draw(views[name].definition(chart), MultiDict())
        for name, chart in wanted
        if name in views
    ]
