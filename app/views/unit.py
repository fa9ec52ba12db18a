"""Units: the list of all schools and authorities, and the page of one with its particulars."""

from typing import Any, NamedTuple

from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.access.roles import READ, may_open
from app.access.scope import current_actor
from app.core import clock
from app.indicators.catalog import DISTRICTS, SCHOOL_TYPES, language
from app.indicators.values import display
from app.models.record import SETS
from app.models.teacher import Teacher
from app.models.unit import Unit, UnitKind
from app.views.account import AccountView
from app.views.base import BaseModelView
from app.views.datamodel import EQUAL, Datamodel
from app.views.labels import REVIEW_STATES, code_choices, indicator_label, present_catalog
from app.views.listing import address_of
from app.views.school_filters import authority_choices
from app.views.widgets import Badge

KINDS = (
    (UnitKind.SCHOOL, _l("School or institution")),
    (UnitKind.DISTRICT, _l("District")),
    (UnitKind.CITY, _l("City")),
    (UnitKind.PROVIDER, _l("Training provider")),
    (UnitKind.BASE, _l("Training base")),
)
PARTICULARS = "school_basic"


class Fact(NamedTuple):
    """One line of the particulars; `missing` where the category requires what is not there."""

    label: str
    value: str
    missing: bool = False


class Sheet(NamedTuple):
    """The particulars in force, in the order of the catalogue."""

    title: str
    since: str
    facts: list[Fact]


class Figure(NamedTuple):
    """A number with the list behind it."""

    label: str
    number: int
    href: str


class UnitView(BaseModelView):
    """Units as their scope shows them: the city all, a district its own, a school itself."""

    route_base = "/units"
    datamodel = Datamodel(Unit)
    class_permission_name = "Unit"
    list_title = _l("Units")
    show_title = _l("Unit")
    list_columns = [
        "name",
        "code",
        "kind",
        "authority_id",
        "category",
        "type_code",
        "urban_rural",
        "active",
    ]
    optional_columns = ("district_code", "sponsor_type", "first_effective", "name_en")
    show_columns = ["code", "kind", "authority_id", "category", "type_code", "district_code"]
    search_columns = [
        "kind",
        "category",
        "type_code",
        "authority_id",
        "district_code",
        "urban_rural",
        "sponsor_type",
        "active",
        "first_effective",
    ]
    order_columns = ["name", "code", "category", "type_code", "urban_rural"]
    base_order = ("code", "asc")
    quick_columns = ("name", "code", "name_en")
    quick_hint = _l("Name or code of a unit")
    empty_hint = _l("No unit lies in your scope.")
    segment_column = "kind"
    label_columns = {
        "name": _l("Name"),
        "name_en": _l("English name"),
        "code": _l("Code"),
        "kind": _l("Kind"),
        "authority_id": _l("Authority"),
        "category": _l("School category"),
        "type_code": indicator_label(PARTICULARS, "school_type"),
        "district_code": indicator_label(PARTICULARS, "district"),
        "urban_rural": indicator_label(PARTICULARS, "urban_rural"),
        "sponsor_type": indicator_label(PARTICULARS, "sponsor_type"),
        "active": _l("In operation"),
        "first_effective": _l("First collection in effect"),
    }
    code_columns = {
        "kind": lambda: list(KINDS),
        "authority_id": authority_choices,
        "category": code_choices("school_category"),
        "type_code": code_choices(SCHOOL_TYPES),
        "district_code": code_choices(DISTRICTS),
        "urban_rural": code_choices("urban_rural"),
        "sponsor_type": code_choices("sponsor_type"),
    }
    show_template = "unit/show.html"
    related_views = [AccountView]

    def cell(self, item: Any, column: str) -> Any:
        if column == "active":
            words = (_("In operation"), "circle-check", "good")
            return Badge(*words) if item.active else Badge(_("Closed"), "ban", "draft")
        return super().cell(item, column)

    @expose("/choices")
    @has_access
    def choices(self) -> Any:
        """Answer a remote select of schools, which is what files and rounds ask for."""
        return self.offer(self.datamodel.rows().filter(Unit.kind == UnitKind.SCHOOL))

    @expose("/any")
    @has_access
    def any_unit(self) -> Any:
        """Answer a remote select of units of every kind."""
        return self.offer(self.datamodel.rows())

    def choice_hint(self, item: Unit) -> str:
        names = [
            self.code_name("authority_id", item.authority_id),
            self.code_name("category", item.category),
        ]
        return " · ".join(str(name) for name in names if name)

    def sheet(self, item: Unit) -> Sheet | None:
        """Return the particulars in force of a school; None for a unit without any."""
        cls, known, lang = SETS[PARTICULARS], present_catalog(), language()
        record = self.datamodel.session.scalar(
            select(cls).where(cls.unit_id == item.id, cls.as_of())
        )
        if item.category is None:
            return None
        facts = []
        for each in known.indicators(PARTICULARS):
            if not known.collected(PARTICULARS, each.code, item.category):
                continue
            value = record.value(each.code) if record is not None else None
            text = display(each, value, known, lang, category=item.category)
            missing = not text and known.required(PARTICULARS, each.code, item.category)
            facts.append(Fact(known.name(each, lang), text, missing))
        since = clock.local(record.valid_from).strftime("%Y-%m-%d") if record is not None else ""
        return Sheet(known.name(known.set(PARTICULARS), lang), since, facts)

    def files(self, item: Unit) -> list[Figure]:
        """Return the files of the unit by state, for those who work with files."""
        if not may_open(current_actor().role, "Teacher", READ):
            return []
        column = Teacher.school_id if item.kind == UnitKind.SCHOOL else Teacher.authority_id
        counted = (
            select(Teacher.state, func.count())
            .where(column == item.id, Teacher.active)
            .group_by(Teacher.state)
        )
        numbers = dict(self.datamodel.session.execute(counted).all())
        name = "school" if item.kind == UnitKind.SCHOOL else "authority_id"
        filters = {f"_flt_{EQUAL}_{name}": item.id, f"_flt_{EQUAL}_active": "y"}
        return [
            Figure(
                label,
                numbers[state],
                address_of("TeacherView", "list", **filters, **{f"_flt_{EQUAL}_state": state}),
            )
            for state, label in code_choices(REVIEW_STATES)()
            if state in numbers
        ]

    def schools(self, item: Unit) -> list[Figure]:
        """Return the units that an authority is in charge of, by category."""
        if item.kind == UnitKind.SCHOOL:
            return []
        counted = (
            select(Unit.category, func.count())
            .where(Unit.authority_id == item.id, Unit.kind == UnitKind.SCHOOL)
            .group_by(Unit.category)
        )
        numbers = dict(self.datamodel.session.execute(counted).all())
        filters = {"authority_id": item.id, "kind": UnitKind.SCHOOL}
        return [
            Figure(label, numbers[category], self.list_url(**filters, category=category))
            for category, label in self.code_columns["category"]()
            if category in numbers
        ]
