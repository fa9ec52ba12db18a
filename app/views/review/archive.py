"""The archive of a reviewer: every step of the file review that the account took, latest first."""

from collections.abc import Iterable
from typing import Any

from flask import request
from flask_appbuilder.models.filters import BaseFilter
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Query

from app.access.actor import current_actor
from app.models.history import Transition
from app.models.teacher import Teacher
from app.services import search
from app.views.base import BaseModelView
from app.views.datamodel import Datamodel
from app.views.labels import REVIEW_BADGES, review_words
from app.views.listing import address_of
from app.views.review import outcome
from app.workflows.review import REVIEW

NAMES = "tm.archive_names"


class Mine(BaseFilter):
    """The account's own steps of the file review, on files that are in scope today."""

    name = "mine"
    arg_name = "mine"

    def apply(self, query: Query, _value: Any) -> Query:
        return query.filter(
            Transition.flow == REVIEW.name,
            Transition.account_id == current_actor().account_id,
            Transition.teacher_id.in_(select(Teacher.id)),
        )


def step_choices() -> list[tuple[str, Any]]:
    """Return the steps of the review with their names."""
    return [(name, REVIEW.steps_named(name)[0].label) for name in REVIEW.step_names()]


class ArchiveView(BaseModelView):
    """What I decided, with date and reason (D7); it is read and never written."""

    route_base = "/review/archive"
    datamodel = Datamodel(Transition)
    class_permission_name = "ReviewQueue"
    exclude_route_methods = {"show", "tab", "choices", "action", "action_post"}
    base_filters = [["id", Mine, ""]]
    list_title = _l("My decisions")
    list_columns = ["teacher", "school", "step", "to_state", "at", "reason"]
    search_columns = ["step", "to_state", "at"]
    order_columns = ["at"]
    base_order = ("id", "desc")
    label_columns = {
        "teacher": _l("Teacher"),
        "school": _l("School"),
        "step": _l("Decision"),
        "to_state": _l("State afterwards"),
        "at": _l("Time"),
        "reason": _l("Reason"),
    }
    code_columns = {"step": step_choices, "to_state": review_words}
    badges = {"to_state": REVIEW_BADGES}
    segment_column = "step"
    quick_hint = _l("Name, pinyin initials or teacher number")
    empty_hint = _l("You have decided nothing yet.")
    exports = ()

    def quick_filter(self, query: Query, text: str) -> Query:
        fitting = select(Teacher.id).where(search.matches(text))
        return query.filter(Transition.teacher_id.in_(fitting))

    def _page(self, query: Query, arguments: Any, columns: Any) -> Any:
        rows = super()._page(query, arguments, columns)
        keep_names(self.datamodel.session, rows)
        return rows

    def _parts(self, filters: Any) -> Any:
        parts = super()._parts(filters)
        # A number of a person is posted and stands in no address.
        lookup = address_of("TeacherView", "lookup")
        return parts | {"urls": parts["urls"] | {"lookup": lookup}}

    def row_link(self, item: Transition) -> str:
        return address_of("FileView", "show", pk=item.teacher_id, _anchor="history")

    def row_name(self, item: Transition) -> str:
        return _name(item)[0]

    def cell(self, item: Transition, column: str) -> Any:
        if column in ("teacher", "school"):
            return _name(item)[column == "school"]
        return super().cell(item, column)


def keep_names(session: Any, rows: Iterable[Transition]) -> None:
    """Read the names of the files of a page, once."""
    keys = {row.teacher_id for row in rows if row.teacher_id}
    request.environ[NAMES] = outcome.names_of(session, keys) if keys else {}


def _name(item: Transition) -> tuple[str, str]:
    return request.environ.get(NAMES, {}).get(item.teacher_id, (_("A file outside your scope"), ""))
