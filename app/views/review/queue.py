"""The review queue: what waits for my decision, oldest first, one by one or many at once."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Query, load_only
from werkzeug.datastructures import MultiDict

from app.access.actor import current_actor
from app.extensions import db
from app.jobs import review as bulk
from app.models.teacher import ReviewState, Teacher
from app.services import compare, queue, search
from app.views.base import BaseModelView, RowAction
from app.views.labels import (
    REVIEW_BADGES,
    code_choices,
    column_label,
    present_catalog,
    review_words,
)
from app.views.opinion import may_read as may_read_opinions
from app.views.review import opinions, page
from app.views.review.claims import WORDS, Claims, claim_badge, keep_holders, with_claims
from app.views.review.many import ManyActs
from app.views.school_filters import authority_choices, files_model, run_by_badge, run_by_choices
from app.views.step_acts import act_of
from app.views.widgets import Badge
from app.workflows.engine import Step
from app.workflows.review import REVIEW

# What is asked before a step of many files; {n} is their number.
QUESTIONS: Mapping[str, Any] = {
    "submit": _l("Submit {n} file(s) to the school?"),
    "return_to_teacher": _l("Return {n} file(s) to their teachers?"),
    "confirm": _l("Confirm {n} file(s) and report them to the authority?"),
    "withdraw_report": _l("Withdraw the report of {n} file(s)?"),
    "return": _l("Return {n} file(s) to their schools?"),
    "approve": _l("Approve {n} file(s)? They take effect at once."),
    "accept": _l("Accept {n} file(s) of the districts?"),
    "require_correction": _l("Require a correction of {n} file(s)? They stay effective."),
}
SHORTCUTS = {"confirm": "a", "approve": "a", "accept": "a", "return": "r", "return_to_teacher": "r"}
PRIMARY, WARNING = "primary", "warning"
COUNTS = "tm.review_counts"
COLUMNS = (
    "id", "uuid", "name", "school_id", "authority_id", "state", "state_since", "submitted_at",
    "late", "decision_late", "error_count", "warning_count", "complete_percent", "version",
)  # fmt: skip


class Waiting(BaseFilter):
    """The files of the queue of whoever asks."""

    name = "waiting"
    arg_name = "wait"

    def apply(self, query: Query, _value: Any) -> Query:
        return query.filter(queue.waiting(current_actor()))


class ReviewView(Claims, ManyActs, BaseModelView):
    """Files that wait for the role's decision; every decision is the engine's."""

    route_base = "/review"
    datamodel = opinions.with_opinions(with_claims(files_model()))
    posts_versions = True
    subject = bulk.FILES
    class_permission_name = "ReviewQueue"
    exclude_route_methods = {"tab"}
    method_permission_name = {"cancel": "write", "resume": "write"}
    base_filters = [["id", Waiting, ""]]
    list_title = _l("Review")
    list_template = "review/list.html"
    list_columns = [
        "name", "school", "state", "waiting", "claim", "opinion", "findings", "changes", "run_by",
        "late",
        "submitted_at",
    ]  # fmt: skip
    optional_columns = ("authority_id", "complete_percent", "state_since")
    search_columns = [
        "state", "authority_id", "school", "category", "run_by", "late", "decision_late",
        "error_count", "warning_count", "claim", "opinion", "state_since", "submitted_at",
        "post_category", "in_establishment", "staff_category",
    ]  # fmt: skip
    order_columns = ["name", "state_since", "submitted_at", "error_count"]
    base_order = ("state_since", "asc")
    list_relations = ("school",)
    label_columns = {
        "name": column_label("name"),
        "school": _l("School"),
        "authority_id": _l("Authority"),
        "category": _l("School category"),
        "run_by": _l("Run by"),
        "state": _l("State"),
        "state_since": _l("Waiting since"),
        "waiting": _l("Waiting"),
        "claim": _l("Claimed by"),
        "opinion": _l("Opinion"),
        "findings": _l("Findings"),
        "changes": _l("Changes since last time"),
        "late": _l("Late"),
        "decision_late": _l("Decision late"),
        "error_count": _l("Errors"),
        "warning_count": _l("Warnings"),
        "submitted_at": _l("Submitted"),
        "complete_percent": _l("Complete %"),
        "post_category": column_label("post_category"),
        "in_establishment": column_label("in_establishment"),
        "staff_category": column_label("staff_category"),
    }
    list_kinds = {
        "waiting": "badge",
        "claim": "badge",
        "findings": "badge",
        "late": "badge",
        "run_by": "badge",
        "name": "short",
    }
    code_columns = {
        "state": review_words,
        "claim": lambda: list(WORDS.items()),
        "opinion": lambda: list(opinions.WORDS.items()),
        "authority_id": authority_choices,
        "category": code_choices("school_category"),
        "run_by": run_by_choices,
        "post_category": code_choices("post_category"),
        "in_establishment": code_choices("in_establishment"),
        "staff_category": code_choices("staff_category"),
    }
    badges = {"state": REVIEW_BADGES}
    remote_columns = {"school": "UnitView"}
    segment_column = "state"
    quick_hint = _l("Name, pinyin initials or teacher number")
    empty_hint = _l("Nothing waits for your decision.")
    exports = ()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.datamodel.counts_versions = self.posts_versions
        steps = {step.name: self._act_of(step) for step in REVIEW.steps if step.bulk}
        self.actions = steps | self.claim_acts()

    def _act_of(self, step: Step) -> RowAction:
        return act_of(
            step,
            partial(self.decide, step.name, step.inputs),
            question=QUESTIONS.get(step.name),
            shortcut=SHORTCUTS.get(step.name),
        )

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Show the queue; its plain address opens what the role decides first."""
        states = queue.states_of(current_actor().role)
        if not request.args and states and self.start_url() is None:
            return redirect(self.list_url(state=states[0]))
        return super().list()

    def panel_columns(self) -> Any:
        """Leave out what the role may not read."""
        gone = set() if may_read_opinions(current_actor()) else {"opinion"}
        return [name for name in self.search_columns if name not in gone]

    @expose("/show/<int:pk>", methods=["GET"])
    @has_access
    def show(self, pk: int) -> Any:
        """Show one file of the queue with all a decision needs."""
        return page.answer(self, pk, request.args.get("queue", ""))

    def offered_acts(self) -> Any:
        """The steps of the role that fit the state shown; of all its states when all are shown.
        Claims stand behind them."""
        role, shown = current_actor().role, set(self._states_shown())
        steps = {s.name for s in REVIEW.steps_for(role) if s.bulk and shown & set(s.sources)}
        offered = super().offered_acts()
        return [
            *(act for act in offered if act.name in steps),
            *(act for act in offered if act.name in self.claim_acts()),
        ]

    def segments(self, filters: Any) -> Any:
        self.count_segments(filters)
        return self._segments("state", self.state_counts())

    def _states_shown(self) -> Any:
        asked = [*request.args.getlist("_flt_0_state"), *request.args.getlist("_flt_4_state")]
        return asked or queue.states_of(current_actor().role)

    def chosen_columns(self) -> Any:
        """No column that says the same in every row: one's own school, the one state shown."""
        chosen = super().chosen_columns()
        single = {"school": {"school", "authority_id"}, "district": {"authority_id"}}
        hidden = set(single.get(current_actor().tier, set()))
        shown = set(self._states_shown())
        if len(shown) == 1:
            hidden.add("state")
        if not may_read_opinions(current_actor()) or ReviewState.SCHOOL_CONFIRMED not in shown:
            hidden.add("opinion")
        return [name for name in chosen if name not in hidden]

    def quick_filter(self, query: Query, text: str) -> Query:
        return query.filter(search.matches(text))

    def row_link(self, item: Teacher) -> str:
        return page.review_url(item.id, self._own_query())

    def _own_query(self) -> str:
        name = type(self).__name__
        gone = (f"page_{name}", f"psize_{name}", f"_oc_{name}", f"_od_{name}", "view", "count")
        return urlencode([pair for pair in request.args.items(multi=True) if pair[0] not in gone])

    def _page(self, query: Query, arguments: Any, columns: Any) -> Any:
        query = query.options(load_only(*(getattr(Teacher, name) for name in COLUMNS)))
        rows = super()._page(query, arguments, columns)
        ids = [row.id for row in rows]
        request.environ[COUNTS] = compare.counts(db.session(), ids) if ids else {}
        keep_holders(ids)
        if "opinion" in columns:
            opinions.keep_opinions(ids)
        return rows

    def cell(self, item: Teacher, column: str) -> Any:
        drawn = {
            "waiting": waiting_badge,
            "claim": claim_badge,
            "opinion": opinions.opinion_badge,
            "findings": findings_badge,
            "changes": _changes,
            "late": late_badge,
            "run_by": lambda file: run_by_badge(file.school),
        }
        return drawn[column](item) if column in drawn else super().cell(item, column)

    def neighbours(self, item: Teacher, text: str) -> page.Place:
        """Where a file stands in the queue of a filter, and which stand before and after it."""
        rows = self.matching(MultiDict(parse_qsl(text))).order_by(None)
        return page.place_of(rows, item, lambda key: page.review_url(key, text))


def waiting_badge(item: Teacher) -> Badge:
    """For how long a file has been waiting; red when it is overdue."""
    known = present_catalog()
    days = queue.age_of(item.state_since, known)
    words = _("%(n)s working day(s)", n=days)
    if queue.is_overdue(item.state_since, known):
        return Badge(words, "clock-exclamation", "bad")
    return Badge(words, "clock", "draft")


def findings_badge(item: Teacher) -> Badge | None:
    """How many findings the rules have."""
    if item.error_count:
        words = _("%(n)s error(s)", n=item.error_count)
        return Badge(words, "alert-circle", "bad")
    if item.warning_count:
        # On submission every warning was acknowledged: a note, no call for action.
        words = _("%(n)s warning(s)", n=item.warning_count)
        return Badge(words, "alert-triangle", "wait" if item.is_open else "draft")
    return Badge(_("None"), "circle-check", "good")


def late_badge(item: Teacher) -> Badge | None:
    """Whether the school was late."""
    late = item.late or item.decision_late
    return Badge(_("late"), "clock-exclamation", "back") if late else None


def _changes(item: Teacher) -> str:
    number = request.environ.get(COUNTS, {}).get(item.id)
    if number is None:
        return _("first submission")
    return _("%(n)s value(s)", n=number)
