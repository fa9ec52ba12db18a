"""Units: the list of all schools and authorities, and the page of one with its particulars."""

from typing import Any, NamedTuple

from flask import url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.access.actor import current_actor
from app.access.modules import Module, Switch, switch_of
from app.access.roles import READ, WRITE, may_open
from app.core import clock
from app.indicators.catalog import DISTRICTS, SCHOOL_TYPES, language
from app.models.teacher import Teacher
from app.models.unit import Unit, UnitKind
from app.services import problem
from app.services.unit import PARTICULARS, particulars
from app.views.account import AccountView
from app.views.base import BaseModelView
from app.views.datamodel import EQUAL
from app.views.labels import REVIEW_STATES, code_choices, column_label, present_catalog
from app.views.listing import address_of
from app.views.record_form import shown_value
from app.views.school_filters import (
    authority_choices,
    run_by_badge,
    run_by_choices,
    units_model,
)
from app.views.widgets import Badge

KINDS = (
    (UnitKind.SCHOOL, _l("School or institution")),
    (UnitKind.DISTRICT, _l("District")),
    (UnitKind.CITY, _l("City")),
    (UnitKind.PROVIDER, _l("Training provider")),
    (UnitKind.BASE, _l("Training base")),
)


MODULES = {
    Switch.ON: _l("Transfers, rotations and training are open to this school."),
    Switch.CATEGORY_OFF: _l("Transfers, rotations and training are not open to this category."),
    Switch.NOT_COLLECTED: _l(
        "Transfers, rotations and training open once the first collection is in effect."
    ),
}


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
    """A number with the list behind it; `note` stands beside the label."""

    label: str
    number: int | str
    href: str
    note: str = ""


class UnitView(BaseModelView):
    """Units as their scope shows them: the city all, a district its own, a school itself."""

    route_base = "/units"
    datamodel = units_model()
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
        "run_by",
        "active",
    ]
    list_kinds = {"run_by": "badge"}
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
        "run_by",
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
        "type_code": column_label("type_code"),
        "district_code": column_label("district_code"),
        "urban_rural": column_label("urban_rural"),
        "sponsor_type": column_label("sponsor_type"),
        "run_by": _l("Run by"),
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
        "run_by": run_by_choices,
    }
    show_template = "unit/show.html"
    related_views = [AccountView]

    def cell(self, item: Any, column: str) -> Any:
        if column == "active":
            words = (_("In operation"), "circle-check", "good")
            return Badge(*words) if item.active else Badge(_("Closed"), "ban", "draft")
        if column == "run_by":
            return self.run_by(item)
        return super().cell(item, column)

    def run_by(self, item: Unit) -> Badge | None:
        """Return the flag of a unit that no education authority runs."""
        return run_by_badge(item)

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
        if item.category is None:
            return None
        known, lang = present_catalog(), language()
        record = particulars(self.datamodel.session, item)
        facts = []
        for each in known.indicators(PARTICULARS):
            if not known.collected(PARTICULARS, each.code, item.category):
                continue
            value = record.value(each.code) if record is not None else None
            text = shown_value(current_actor(), each, value, known, item.category)
            missing = not text and known.required(PARTICULARS, each.code, item.category)
            facts.append(Fact(known.name(each, lang), text, missing))
        since = clock.local(record.valid_from).strftime("%Y-%m-%d") if record is not None else ""
        return Sheet(known.name(known.set(PARTICULARS), lang), since, facts)

    def particulars_url(self, item: Unit) -> str:
        """Return where the particulars are filled in, for whom it is to do; else nothing."""
        actor = current_actor()
        mine = actor.unit_id == item.id and may_open(actor.role, "Particulars", WRITE)
        return url_for("ParticularsView.edit", pk=item.id) if mine and item.category else ""

    def modules(self, item: Unit) -> str:
        """Say whether the business modules are open to a school, or why not."""
        if item.category is None:
            return ""
        # All of them are switched together.
        return str(MODULES[switch_of(Module.TRANSFER, item, present_catalog())])

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

    def quality(self, item: Unit) -> list[Figure]:
        """Return how true the files of a school are: completeness, problems, last update (S30)."""
        actor, session = current_actor(), self.datamodel.session
        if item.kind != UnitKind.SCHOOL or not may_open(actor.role, "Problem", READ):
            return []
        total, percent, last = session.execute(
            select(
                func.count(), func.avg(Teacher.complete_percent), func.max(Teacher.state_since)
            ).where(Teacher.school_id == item.id, Teacher.active)
        ).one()
        if not total:
            return []
        counted = problem.counts(session, actor, item.id)
        href = address_of("ProblemView", "list", **{f"_flt_{EQUAL}_school": item.id})
        found = [
            Figure(_("Completeness on average"), f"{round(percent)}%", ""),
            Figure(_("Open problems"), sum(counted.values()), href, problem.words(counted)),
        ]
        if last is not None:
            days = (clock.today() - clock.local(last).date()).days
            found.append(Figure(_("Days since the last update"), days, ""))
        return found

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
