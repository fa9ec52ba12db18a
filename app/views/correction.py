"""Correction tasks of the city: open ones first, closed with a reason."""

from typing import Any

from flask import redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import case, func
from sqlalchemy.orm import Query

from app.access.actor import current_actor
from app.core.errors import AppError
from app.extensions import db
from app.models.correction import Correction
from app.models.teacher import Teacher
from app.services import correction, queue, search
from app.views.base import BaseModelView, Selection, row_action
from app.views.datamodel import Condition, Datamodel, OneOf
from app.views.labels import column_label, present_catalog
from app.views.listing import Segment, address_of, link
from app.views.school_filters import authority_choices
from app.views.selection import Outcome
from app.views.widgets import Badge

OPEN, CLOSED = "y", "n"
STATE = "open"


class IsOpen(Condition):
    """Open or closed, which is no column of the task."""

    name = _l("is")
    arg_name = "eq"

    def apply(self, query: Query, value: Any) -> Query:
        is_open = Correction.closed_at.is_(None)
        return query.filter(is_open if value == OPEN else ~is_open)


class IsOneOf(OneOf):
    def apply(self, query: Query, value: Any) -> Query:
        values = list(value) if isinstance(value, list | tuple | set) else [value]
        # Both together are all tasks.
        one = IsOpen(STATE, self.datamodel)
        return query if len(set(values)) > 1 else one.apply(query, values[0])


def tasks_model() -> Datamodel:
    """Return the data model of tasks, which can be filtered by `open` like by a column."""
    model = Datamodel(Correction)
    model.condition_cache[STATE] = [
        *(IsOpen(STATE, model) for _place in range(4)),
        IsOneOf(STATE, model),
    ]
    return model


class CorrectionView(BaseModelView):
    """Tasks: the school answers with a change, the city may close them with a reason."""

    route_base = "/corrections"
    datamodel = tasks_model()
    class_permission_name = "Correction"
    exclude_route_methods = {"show", "tab"}
    list_title = _l("Correction tasks")
    list_columns = ["teacher", "school", "reason", "opened_at", "waiting", "state"]
    optional_columns = ("authority_id", "closed_at", "close_reason")
    search_columns = [STATE, "authority_id", "opened_at", "closed_at"]
    order_columns = ["opened_at", "closed_at"]
    base_order = ("opened_at", "asc")
    list_relations = ("teacher", "teacher.school")
    label_columns = {
        "teacher": column_label("name"),
        "school": _l("School"),
        "authority_id": _l("Authority"),
        "reason": _l("What is to be corrected"),
        "opened_at": _l("Opened"),
        "closed_at": _l("Settled at"),
        "close_reason": _l("Why it was closed"),
        "waiting": _l("Waiting"),
        "state": _l("State"),
        STATE: _l("State"),
    }
    code_columns = {
        "authority_id": authority_choices,
        STATE: lambda: [(OPEN, _l("Not settled")), (CLOSED, _l("Settled"))],
    }
    list_kinds = {"waiting": "badge", "state": "badge"}
    quick_hint = _l("Name, pinyin initials or teacher number")
    empty_hint = _l("No correction is required.")
    exports = ()

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Show the tasks; the plain address opens the open ones."""
        if not request.args and self.start_url() is None:
            return redirect(self.list_url(**{STATE: OPEN}))
        return super().list()

    def quick_filter(self, query: Query, text: str) -> Query:
        return query.join(Teacher, Teacher.id == Correction.teacher_id).filter(search.matches(text))

    def row_link(self, item: Correction) -> str:
        return address_of("FileView", "show", pk=item.teacher_id)

    def row_name(self, item: Correction) -> str:
        return item.teacher.name

    def cell(self, item: Correction, column: str) -> Any:
        if column == "school":
            return item.teacher.school.name
        if column == "state":
            if _is_open(item):
                return Badge(_("Not settled"), "alert-circle", "wait")
            return Badge(_("Settled"), "circle-check", "good")
        if column == "waiting":
            return _age(item)
        return super().cell(item, column)

    def segments(self, filters: Any) -> Any:
        """Open and closed tasks with their numbers, under the other filters."""
        others = filters.copy()
        pairs = [(f, v) for f, v in filters.get_filters_values() if f.column_name != STATE]
        others.filters, others.values = [f for f, _v in pairs], [v for _f, v in pairs]
        query = self._matching(others, request.args.get("q", "").strip()).order_by(None)
        is_open = case((Correction.closed_at.is_(None), 1), else_=0)
        total, waiting = query.with_entities(func.count(Correction.id), func.sum(is_open)).one()
        name, active = f"_flt_0_{STATE}", request.args.get(f"_flt_0_{STATE}", "")
        drop = [name, f"page_{type(self).__name__}", "view"]
        numbers = {OPEN: waiting or 0, CLOSED: total - (waiting or 0)}
        return [
            Segment(_("All"), total, link(drop), not active),
            *(
                Segment(label, numbers[key], link(drop, **{name: key}), active == key)
                for key, label in self.code_columns[STATE]()
            ),
        ]

    @row_action(
        "close",
        _l("Close the task"),
        icon="circle-check",
        reason="required",
        primary=True,
        single=False,
        confirmation=_l("Close {n} task(s) without a change?"),
    )
    def close(self, selection: Selection) -> Any:
        """Close the chosen tasks; each is decided by itself."""
        session, outcomes = db.session(), []
        for item in list(selection.items()):
            href = self.row_link(item)
            try:
                with session.begin_nested():
                    correction.close(session, current_actor(), item, selection.reason)
            except AppError as refusal:
                outcomes.append(Outcome(item.teacher.name, href, False, str(refusal)))
            else:
                outcomes.append(Outcome(item.teacher.name, href, True))
        session.commit()
        return self.outcome_page(_("Correction tasks"), outcomes)


def _is_open(item: Correction) -> bool:
    return item.closed_at is None


def _age(item: Correction) -> Badge | None:
    if not _is_open(item):
        return None
    days = queue.age_of(item.opened_at, present_catalog())
    return Badge(_("%(n)s working day(s)", n=days), "clock", "draft")
