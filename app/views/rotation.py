"""Rotations: the list, the page of one with its line of steps, and the small form of a draft."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from flask import request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Query

from app.access.actor import Actor, current_actor
from app.access.modules import Module, is_on
from app.access.roles import Role
from app.extensions import db
from app.indicators.catalog import language
from app.models.rotation import Rotation, RotationState
from app.models.teacher import Teacher
from app.services import attachment, search
from app.services import rotation as rotations
from app.services.register import names_of
from app.services.rotation import waits_for_authority
from app.views import evidence
from app.views.base import BaseModelView
from app.views.datamodel import Condition, Datamodel, OneOf
from app.views.flow_actions import FlowView, StepAction, step_actions
from app.views.flow_line import line_of
from app.views.labels import code_choices, column_label, indicator_label, present_catalog
from app.views.listing import address_of
from app.views.once import once
from app.views.school_filters import authority_choices
from app.views.step_acts import StepActs
from app.views.teacher.history import steps_of
from app.views.widgets import badge_of, text_of
from app.workflows.rotation import ROTATION

STATES: Mapping[Any, tuple[str, str]] = {
    RotationState.DRAFT: ("pencil", "draft"),
    RotationState.PENDING: ("hourglass", "wait"),
    RotationState.ACTIVE: ("circle-check", "good"),
    RotationState.ENDED: ("flag", "info"),
    RotationState.REJECTED: ("circle-x", "bad"),
    RotationState.WITHDRAWN: ("arrow-back", "draft"),
    RotationState.TERMINATED: ("circle-off", "back"),
}
# The words of the code table say who waits for whom; a badge has room for a few characters.
WORDS: Mapping[str, Any] = {
    RotationState.DRAFT: _l("Draft"),
    RotationState.PENDING: _l("To be confirmed"),
    RotationState.ACTIVE: _l("On rotation"),
    RotationState.ENDED: _l("Rotation over"),
    RotationState.REJECTED: _l("Rejected"),
    RotationState.WITHDRAWN: _l("Withdrawn"),
    RotationState.TERMINATED: _l("Terminated"),
}
WAITS = "waits"
TYPES, DIRECTIONS = "rotation_type", "rotation_direction"


def said_label(name: str) -> Any:
    """Return the name of what is said of a rotation, as the dictionary has it."""
    return indicator_label(rotations.SET, rotations.FIELDS[name])


class Waits(Condition):
    """Whether the authority has to decide, on the rotation or on an extension of it."""

    name = _l("is")
    arg_name = "eq"

    def apply(self, query: Query, value: Any) -> Query:
        return query.filter(waits_for_authority() if value == "y" else ~waits_for_authority())


class WaitsIn(OneOf):
    def apply(self, query: Query, value: Any) -> Query:
        values = set(value) if isinstance(value, list | tuple | set) else {value}
        return query if len(values) > 1 else Waits(WAITS, self.datamodel).apply(query, *values)


def rotations_model() -> Datamodel:
    """Return the data model of rotations, filtered by whether they wait like by a column."""
    model = Datamodel(Rotation)
    model.condition_cache[WAITS] = [
        *(Waits(WAITS, model) for _place in range(4)),
        WaitsIn(WAITS, model),
    ]
    return model


# What is asked before a step of many; {n} is their number.
QUESTIONS: Mapping[str, Any] = {
    "submit": _l("Submit {n} rotation(s) to the authority?"),
    "reject": _l("Reject {n} rotation(s)?"),
    "confirm": _l("Confirm {n} rotation(s)?"),
    "end": _l("End {n} rotation(s) with today as the last day?"),
    "confirm_extension": _l("Confirm the extension of {n} rotation(s)?"),
    "reject_extension": _l("Reject the extension of {n} rotation(s)?"),
}


class RotationView(StepActs, BaseModelView):
    """The rotations of one's school, or of the schools one decides on."""

    route_base = "/rotations"
    flow = ROTATION
    questions = QUESTIONS
    datamodel = rotations_model()
    class_permission_name = "Rotation"
    method_permission_name: ClassVar[dict[str, str]] = {"attach": "write"}
    exclude_route_methods = {"tab"}
    list_title = _l("Rotations")
    list_template = "rotation/list.html"
    list_columns = ["teacher", "school", "host", "type", "start", "planned_end", "state", "since"]
    optional_columns = ("authority_id", "direction", "asked_end", "ended_on", "document_no")
    search_columns = [
        WAITS, "state", "type", "direction", "authority_id", "start", "planned_end", "state_since",
    ]  # fmt: skip
    order_columns = ["start", "planned_end", "state", "state_since"]
    base_order = ("state_since", "desc")
    list_relations = ("teacher",)
    label_columns = {
        "teacher": column_label("name"),
        "school": _l("Sending school"),
        "host": _l("Receiving school"),
        "type": said_label("type"),
        "direction": said_label("direction"),
        "start": said_label("start"),
        "planned_end": _l("Planned end"),
        "asked_end": _l("Extension asked for"),
        "ended_on": _l("Ended on"),
        "document_no": _l("Document number"),
        "state": _l("State"),
        "since": _l("Since"),
        "state_since": _l("Since"),
        "authority_id": _l("Authority"),
        WAITS: _l("Waits for the authority"),
    }
    code_columns = {
        "state": lambda: [(str(state), words) for state, words in WORDS.items()],
        "type": code_choices(TYPES),
        "direction": code_choices(DIRECTIONS),
        "authority_id": authority_choices,
        WAITS: lambda: [("y", _l("Yes")), ("n", _l("No"))],
    }
    list_kinds = {"start": "month", "planned_end": "month", "asked_end": "month", "since": "date"}
    badges = {"state": STATES}
    segment_column = "state"
    quick_hint = _l("Name, pinyin initials or teacher number")
    empty_hint = _l("There is no rotation. It is drafted from the file of a teacher.")
    exports = ()

    def may_rotate_in(self) -> bool:
        """Whether this person applies for teachers whose personnel relation changes (6.2)."""
        actor, known = current_actor(), present_catalog()
        uses = all(is_on(each, actor, known) for each in (Module.ROTATION, Module.TRANSFER))
        return actor.role == Role.SCHOOL_INFO and uses

    def quick_filter(self, query: Query, text: str) -> Query:
        return query.join(Teacher, Teacher.id == Rotation.teacher_id).filter(search.matches(text))

    def row_name(self, item: Rotation) -> str:
        return item.teacher.name

    def chosen_columns(self) -> Any:
        """Return the columns to show; in a school its own name says nothing."""
        chosen = super().chosen_columns()
        usual = chosen == self.list_columns and current_actor().tier in ("school", "teacher")
        return [each for each in chosen if each != "school"] if usual else chosen

    def _page(self, query: Query, arguments: Any, columns: Any) -> Any:
        rows = super()._page(query, arguments, columns)
        request.environ["tm.schools"] = names_of(db.session(), rows)
        return rows

    def cell(self, item: Rotation, column: str) -> Any:
        names = request.environ.get("tm.schools", {})
        if column == "school":
            return names.get(item.from_school_id, "")
        if column == "host":
            return rotations.host_name(item, names)
        if column == "since":
            return item.state_since
        return super().cell(item, column)

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    def show(self, pk: Any) -> Any:
        """Show a rotation: what it says, its way so far, whose turn it is."""
        return self._shown(pk)

    @expose("/<int:pk>/evidence", methods=["POST"])
    @has_access
    @once
    def attach(self, pk: int) -> Any:
        """Attach a document to a draft."""
        page = url_for("RotationView.show", pk=pk)
        again = partial(self._shown, pk)
        return evidence.attach(self.one(pk), rotations.attach, page, again)

    def _shown(self, pk: Any, problem: str = "") -> str:
        session, actor, item = db.session(), current_actor(), self.one(pk)
        names, known = names_of(session, [item]), present_catalog()
        is_mine = prepares(actor, item)
        return self.render_template(
            "rotation/show.html",
            title=_("Rotation"),
            item=item,
            name=item.teacher.name,
            state=badge_of(item.state, STATES, WORDS[item.state]),
            meta=[f"{names[item.from_school_id]} → {rotations.host_name(item, names)}"],
            stops=line_of(session, item, names),
            facts=facts_of(item, names),
            events=steps_of(session, item, known),
            steps=[
                each for each in step_actions(ROTATION, item, actor) if _makes_sense(each, item)
            ],
            proofs=evidence.proofs(session, actor, item),
            may_read_proofs=attachment.may_read_evidence(actor),
            problem=problem,
            is_mine=is_mine,
            urls={
                "list": self.list_url(),
                "file": address_of("FileView", "show", pk=item.teacher_id),
                "edit": url_for("RotationFormView.redraft", pk=item.id) if is_mine else "",
                "discard": url_for("RotationFormView.discard", pk=item.id) if is_mine else "",
                "attach": url_for("RotationView.attach", pk=item.id) if is_mine else "",
            },
        )


def prepares(actor: Actor, item: Rotation) -> bool:
    """Whether a draft is this person's to alter."""
    mine = actor.role == Role.SCHOOL_INFO and actor.unit_id == item.school_id
    return mine and item.state == RotationState.DRAFT


def _makes_sense(step: StepAction, item: Rotation) -> bool:
    """Whether there is something to decide: an extension that was asked for, a stay that began."""
    if step.name in ("confirm_extension", "reject_extension"):
        return item.asked_end is not None
    return step.name != "end" or item.started_at is not None


def facts_of(item: Rotation, names: Mapping[int, str]) -> list[tuple[Any, Any]]:
    """What a rotation says, each with its label."""
    known, lang, labels = present_catalog(), language(), RotationView.label_columns
    rows = [
        (labels["type"], known.label(TYPES, item.type, lang)),
        (labels["direction"], known.label(DIRECTIONS, item.direction, lang)),
        (labels["school"], names[item.from_school_id]),
        (labels["host"], rotations.host_name(item, names)),
        (labels["start"], item.start),
        (labels["planned_end"], item.planned_end),
        (said_label("full_time"), text_of(item.full_time)),
        (labels["document_no"], item.document_no),
        (_l("Reason"), item.reason),
    ]
    if item.asked_end:
        rows.append((labels["asked_end"], item.asked_end))
    if item.started_at:
        rows.append((_l("Away since"), text_of(item.started_at)))
    if item.ended_on:
        rows.append((labels["ended_on"], text_of(item.ended_on)))
    return rows


class RotationFlowView(FlowView):
    """The steps of a rotation."""

    class_permission_name = "Rotation"
    route_base = "/flow/rotation"
    flow = ROTATION
    page = "RotationView.show"
