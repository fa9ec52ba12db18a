"""The list of additions and changes: what waits for me, one by one or many at once."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Query

from app.access.actor import current_actor
from app.access.roles import AUTHORITIES, Role
from app.core.errors import Malformed
from app.jobs import review as bulk
from app.models.change import RecordChange
from app.models.teacher import Teacher
from app.services import queue, search
from app.views.base import BaseModelView, RowAction
from app.views.datamodel import Condition, Datamodel
from app.views.labels import (
    FLOW_WORDS,
    KIND_WORDS,
    PROCESS_BADGES,
    PROCESS_WORDS,
    column_label,
    present_catalog,
)
from app.views.listing import address_of
from app.views.open_process import process_url
from app.views.problem import set_choices
from app.views.review.many import ManyActs
from app.views.school_filters import authority_choices
from app.views.step_acts import act_of, states_asked
from app.views.widgets import Badge
from app.workflows.engine import Step

TURN, ME = "turn", "me"
DECIDERS = AUTHORITIES | {Role.SCHOOL_HEAD, Role.SCHOOL_INFO}
# What is asked before a step of many; {n} is their number.
QUESTIONS: Mapping[str, Any] = {
    "submit": _l("Submit {n} change(s) to the authority?"),
    "confirm": _l("Confirm {n} addition(s) and report them to the authority?"),
    "approve": _l("Approve {n} addition(s) and change(s)? They take effect at once."),
    "reject": _l("Reject {n} addition(s) and change(s)?"),
}
LABELS: Mapping[str, Any] = {"approve": _l("Approve")}  # Where the flows say it differently.
SHORTCUTS = {"confirm": "a", "approve": "a", "reject": "r"}


class MyTurn(Condition):
    """Those that wait for whoever asks, which is no column of theirs."""

    name = _l("is")
    arg_name = "eq"

    def apply(self, query: Query, value: Any) -> Query:
        if value != ME:
            raise Malformed(_("This filter value is not valid."))
        return query.filter(queue.my_turn(current_actor()))


def processes_model() -> Datamodel:
    """Return the data model of processes, which can be filtered by `turn` like by a column."""
    model = Datamodel(RecordChange)
    model.condition_cache[TURN] = [MyTurn(TURN, model)]
    return model


def _bulk_steps() -> dict[str, Step]:
    """The steps that may be taken of many, by name; a name that both flows have stands once."""
    steps = [step for flow in bulk.PROCESSES.flows for step in flow.steps if step.bulk]
    return {step.name: step for step in reversed(steps)}


class ProcessListView(ManyActs, BaseModelView):
    """Additions and changes in scope; every decision is the engine's."""

    route_base = "/processes"
    datamodel = processes_model()
    posts_versions = True
    subject = bulk.PROCESSES
    class_permission_name = "Process"
    exclude_route_methods = {"show", "tab"}
    method_permission_name = {"cancel": "write", "resume": "write"}
    list_title = _l("Additions and changes")
    list_columns = ["teacher", "school", "flow", "set", "kind", "state", "waiting", "opened_at"]
    optional_columns = ("authority_id", "state_since", "document_no")
    search_columns = [
        TURN, "flow", "set", "kind", "state", "school", "authority_id", "state_since", "opened_at",
    ]  # fmt: skip
    order_columns = ["state_since", "opened_at", "state", "set"]
    base_order = ("state_since", "asc")
    list_relations = ("teacher", "school")
    label_columns = {
        "teacher": column_label("name"),
        "school": _l("School"),
        "authority_id": _l("Authority"),
        "flow": _l("Process"),
        "set": _l("Set"),
        "kind": _l("What is asked for"),
        "state": _l("State"),
        "waiting": _l("Waiting"),
        "opened_at": _l("Opened"),
        "state_since": _l("In this state since"),
        "document_no": _l("Document number"),
        TURN: _l("Turn"),
    }
    code_columns = {
        TURN: lambda: [(ME, _l("Waits for me"))],
        "flow": lambda: list(FLOW_WORDS.items()),
        "set": set_choices,
        "kind": lambda: [(str(key), words) for key, words in KIND_WORDS.items()],
        "state": lambda: [(str(key), words) for key, words in PROCESS_WORDS.items()],
        "authority_id": authority_choices,
    }
    badges = {"state": PROCESS_BADGES}
    list_kinds = {"waiting": "badge", "teacher": "short"}
    remote_columns = {"school": "UnitView"}
    segment_column = "state"
    quick_hint = _l("Name, pinyin initials or teacher number")
    empty_hint = _l("There is no such addition or change.")
    exports = ()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.datamodel.counts_versions = self.posts_versions
        self.actions = {name: self._act_of(step) for name, step in _bulk_steps().items()}

    def _act_of(self, step: Step) -> RowAction:
        return act_of(
            step,
            partial(self.decide, step.name, step.inputs),
            label=LABELS.get(step.name),
            question=QUESTIONS.get(step.name),
            shortcut=SHORTCUTS.get(step.name),
        )

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Show the list; its plain address opens what waits for the reader."""
        plain = not request.args and self.start_url() is None
        if plain and current_actor().role in DECIDERS:
            return redirect(self.list_url(**{TURN: ME}))
        return super().list()

    def offered_acts(self) -> Any:
        """The steps of the role that fit the states shown; of all states when all are shown."""
        role, asked = current_actor().role, states_asked()
        names = {
            step.name
            for flow in self.subject.flows
            for step in flow.steps_for(role)
            if step.bulk and (not asked or asked & set(step.sources))
        }
        return [act for act in super().offered_acts() if act.name in names]

    def chosen_columns(self) -> Any:
        """No column that says the same in every row."""
        hidden = self._said_by_the_tier()
        return [name for name in super().chosen_columns() if name not in hidden]

    def panel_columns(self) -> Any:
        hidden = self._said_by_the_tier()
        hidden |= {TURN} if current_actor().role not in DECIDERS else set()
        return [name for name in self.search_columns if name not in hidden]

    @staticmethod
    def _said_by_the_tier() -> set[str]:
        single = {
            "school": {"school", "authority_id"},
            "district": {"authority_id"},
            "teacher": {"teacher", "school", "authority_id"},
        }
        return set(single.get(current_actor().tier, set()))

    def quick_filter(self, query: Query, text: str) -> Query:
        query = query.join(Teacher, Teacher.id == RecordChange.teacher_id)
        return query.filter(search.matches(text))

    def _parts(self, filters: Any) -> Any:
        parts = super()._parts(filters)
        # A number of a person is posted and stands in no address.
        lookup = address_of("TeacherView", "lookup")
        return parts | {"urls": parts["urls"] | {"lookup": lookup}}

    def row_link(self, item: RecordChange) -> str:
        return process_url(item.flow, item.id)

    def row_name(self, item: RecordChange) -> str:
        return item.teacher.name

    def cell(self, item: RecordChange, column: str) -> Any:
        if column == "teacher":
            return item.teacher.name
        if column == "school":
            return item.school.name
        if column == "waiting":
            return waiting_badge(item)
        return super().cell(item, column)


def waiting_badge(item: RecordChange) -> Badge | None:
    """For how long an open one has been in its state; red when it is overdue."""
    if not item.is_open:
        return None
    known = present_catalog()
    words = _("%(n)s working day(s)", n=queue.age_of(item.state_since, known))
    if queue.is_overdue(item.state_since, known):
        return Badge(words, "clock-exclamation", "bad")
    return Badge(words, "clock", "draft")
