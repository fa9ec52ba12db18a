"""The open problems of files across a scope: what, where, and the way to the field (L3)."""

from typing import Any

from flask_appbuilder.models.filters import BaseFilter
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Query

from app.access.actor import current_actor
from app.access.fields import may_view_set
from app.indicators.catalog import language
from app.models.teacher import FileProblem, Teacher
from app.services import problem, search
from app.services.check import as_problem
from app.views.base import BaseModelView
from app.views.datamodel import Datamodel
from app.views.flow_actions import place_name
from app.views.labels import column_label, present_catalog
from app.views.listing import address_of
from app.views.school_filters import authority_choices
from app.views.widgets import Badge

SEVERITIES = ((problem.ERROR, _l("Error")), (problem.WARNING, _l("Warning")))
LOOKS = {problem.ERROR: ("alert-circle", "bad"), problem.WARNING: ("alert-triangle", "wait")}


class Open(BaseFilter):
    """Open problems that whoever asks may read."""

    name = "open"
    arg_name = "open"

    def apply(self, query: Query, _value: Any) -> Query:
        return query.filter(*problem.is_open(current_actor()))


def set_choices() -> list[tuple[str, str]]:
    """Return the sets that the role opens, in the order of the catalogue."""
    known, actor, lang = present_catalog(), current_actor(), language()
    return [
        (code, known.name(entry, lang))
        for code, entry in known.sets.items()
        if entry.entity == "teacher" and may_view_set(actor, code)
    ]


class ProblemView(BaseModelView):
    """What the last check of each file found; it is mended in the file."""

    route_base = "/problems"
    datamodel = Datamodel(FileProblem)
    class_permission_name = "Problem"
    exclude_route_methods = {"show", "tab", "choices", "action", "action_post"}
    base_filters = [["id", Open, ""]]
    list_title = _l("Open problems")
    list_columns = ["teacher", "school", "severity", "place", "message", "code"]
    optional_columns = ("authority_id",)
    search_columns = ["severity", "set", "code", "school", "authority_id"]
    order_columns = ["severity", "code"]
    base_order = ("severity", "asc")
    list_relations = ("teacher", "teacher.school")
    label_columns = {
        "teacher": column_label("name"),
        "school": _l("School"),
        "authority_id": _l("Authority"),
        "severity": _l("Severity"),
        "set": _l("Set"),
        "place": _l("Place"),
        "message": _l("What is to be mended"),
        "code": _l("Rule"),
    }
    code_columns = {
        "severity": lambda: list(SEVERITIES),
        "set": set_choices,
        "authority_id": authority_choices,
    }
    badges = {"severity": LOOKS}
    list_kinds = {"code": "short"}
    remote_columns = {"school": "UnitView"}
    segment_column = "severity"
    quick_hint = _l("Name, pinyin initials or teacher number")
    empty_hint = _l("The rules find nothing to complain about.")
    exports = ()

    def chosen_columns(self) -> Any:
        """No column that says the same in every row: one's own school."""
        chosen = super().chosen_columns()
        mine = {"school": {"school", "authority_id"}, "district": {"authority_id"}}
        gone = mine.get(current_actor().tier, set())
        return [name for name in chosen if name not in gone]

    def panel_columns(self) -> Any:
        mine = {"school": {"school", "authority_id"}, "district": {"authority_id"}}
        gone = mine.get(current_actor().tier, set())
        return [name for name in self.search_columns if name not in gone]

    def quick_filter(self, query: Query, text: str) -> Query:
        fitting = select(Teacher.id).where(search.matches(text))
        return query.filter(FileProblem.teacher_id.in_(fitting))

    def _parts(self, filters: Any) -> Any:
        parts = super()._parts(filters)
        # A number of a person is posted and stands in no address.
        lookup = address_of("TeacherView", "lookup")
        return parts | {"urls": parts["urls"] | {"lookup": lookup}}

    def row_link(self, item: FileProblem) -> str:
        anchor = f"set-{item.set}" if item.set else None
        return address_of("FileView", "show", pk=item.teacher_id, _anchor=anchor)

    def row_name(self, item: FileProblem) -> str:
        return item.teacher.name

    def cell(self, item: FileProblem, column: str) -> Any:
        if column == "school":
            return item.teacher.school.name
        if column == "place":
            return place_name(item.set, item.field, present_catalog()) or _("The whole file")
        if column == "message":
            return str(as_problem(item).message)
        value = super().cell(item, column)
        return str(value) if column == "teacher" and not isinstance(value, Badge) else value
