"""Correction hints of teachers: the school's information administrator answers them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from flask import redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Query

from app.access.actor import Actor, current_actor
from app.core.errors import AppError
from app.core.sealed import Unreadable
from app.extensions import db
from app.indicators.catalog import Catalog
from app.indicators.values import FULL_MASK
from app.models.hint import CorrectionHint, HintState
from app.models.teacher import Teacher
from app.services import hint, queue, search
from app.views.base import BaseModelView, Selection, row_action
from app.views.datamodel import Datamodel
from app.views.flow_actions import place_name
from app.views.labels import column_label, present_catalog
from app.views.listing import address_of
from app.views.problem import set_choices
from app.views.selection import Outcome
from app.views.widgets import Badge, text_of, unless_lost

WORDS = {
    HintState.OPEN: _l("Not yet answered"),
    HintState.TAKEN_UP: _l("Taken up"),
    HintState.SET_ASIDE: _l("Set aside"),
}
LOOKS = {
    HintState.OPEN: ("message-2", "wait"),
    HintState.TAKEN_UP: ("circle-check", "good"),
    HintState.SET_ASIDE: ("circle-off", "draft"),
}


class Said(NamedTuple):
    """A hint as a page prints it; `is_masked` where its text must be revealed first."""

    uuid: str
    record: str
    field: str
    place: str
    text: Any
    is_masked: bool
    at: str
    state: Badge
    reason: str
    is_open: bool


def said(hints: Iterable[CorrectionHint], actor: Actor, catalog: Catalog) -> list[Said]:
    """Return hints in words for one reader."""
    found = []
    for each in hints:
        whole = hint.is_shown_whole(actor, each, catalog)
        icon, tint = LOOKS[HintState(each.state)]
        found.append(
            Said(
                each.uuid,
                each.record_uuid,
                each.field,
                place_name(each.set, each.field, catalog),
                str(hint.text_of(each)) if whole else FULL_MASK,
                not whole,
                text_of(each.given_at),
                Badge(WORDS[HintState(each.state)], icon, tint),
                each.reason or "",
                each.state == HintState.OPEN,
            )
        )
    return found


class HintView(BaseModelView):
    """Messages of teachers about single fields of their effective files."""

    route_base = "/hints"
    datamodel = Datamodel(CorrectionHint)
    class_permission_name = "Hint"
    exclude_route_methods = {"show", "tab"}
    list_title = _l("Correction hints")
    list_columns = ["teacher", "place", "text", "given_at", "waiting", "state", "reason"]
    search_columns = ["state", "set", "given_at"]
    order_columns = ["given_at"]
    base_order = ("given_at", "asc")
    list_relations = ("teacher",)
    label_columns = {
        "teacher": column_label("name"),
        "set": _l("Set"),
        "place": _l("Place"),
        "text": _l("What the teacher proposes"),
        "given_at": _l("Sent"),
        "waiting": _l("Waiting"),
        "state": _l("State"),
        "reason": _l("Answer"),
    }
    code_columns = {"state": lambda: list(WORDS.items()), "set": set_choices}
    badges = {"state": LOOKS}
    list_kinds = {"waiting": "badge"}
    segment_column = "state"
    quick_hint = _l("Name, pinyin initials or teacher number")
    empty_hint = _l("No teacher has proposed a correction.")
    exports = ()

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Show the hints; the plain address opens those that wait."""
        if not request.args and self.start_url() is None:
            return redirect(self.list_url(state=HintState.OPEN))
        return super().list()

    def quick_filter(self, query: Query, text: str) -> Query:
        fitting = select(Teacher.id).where(search.matches(text))
        return query.filter(CorrectionHint.teacher_id.in_(fitting))

    def row_link(self, item: CorrectionHint) -> str:
        return address_of("FileView", "show", pk=item.teacher_id, _anchor=f"set-{item.set}")

    def row_name(self, item: CorrectionHint) -> str:
        return item.teacher.name

    def cell(self, item: CorrectionHint, column: str) -> Any:
        if column == "place":
            return place_name(item.set, item.field, present_catalog())
        if column == "text":
            return _shown_text(item)
        if column == "waiting":
            if item.state != HintState.OPEN:
                return None
            days = queue.age_of(item.given_at, present_catalog())
            return Badge(_("%(n)s working day(s)", n=days), "clock", "draft")
        return super().cell(item, column)

    @row_action(
        "take_up",
        _l("Taken up"),
        icon="circle-check",
        reason="optional",
        primary=True,
        confirmation=_l("Tell {n} teacher(s) that a change answers the hint?"),
    )
    def take_up(self, selection: Selection) -> Any:
        """Answer the chosen hints: a change takes care of them."""
        return self._settled(selection, HintState.TAKEN_UP)

    @row_action("set_aside", _l("Set aside"), icon="circle-off", reason="required")
    def set_aside(self, selection: Selection) -> Any:
        """Answer the chosen hints with the reason why nothing is altered."""
        return self._settled(selection, HintState.SET_ASIDE)

    def _settled(self, selection: Selection, state: HintState) -> Any:
        session, outcomes = db.session(), []
        for item in [*selection.items()]:
            href = self.row_link(item)
            try:
                with session.begin_nested():
                    hint.settle(session, current_actor(), item, state, selection.reason)
            except AppError as refusal:
                outcomes.append(Outcome(item.teacher.name, href, False, str(refusal)))
            else:
                outcomes.append(Outcome(item.teacher.name, href, True))
        session.commit()
        if all(each.ok for each in outcomes):
            return None
        return self.outcome_page(_("Correction hints"), outcomes)


def _shown_text(item: CorrectionHint) -> Any:
    """The text of a hint, masked in the list where the value that it is about would be."""
    known = present_catalog()
    about = known.by_key.get(f"{item.set}.{item.field}")
    if about is None or about.masked:
        return FULL_MASK
    text = hint.text_of(item)
    return unless_lost(text) if isinstance(text, Unreadable) else text
