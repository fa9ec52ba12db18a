"""The steps of a flow as buttons, dialogs and posts: one view per flow, one template for all."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _

from app.access.actor import Actor, current_actor
from app.access.scope import scoped_get
from app.core.errors import Problem, Refused
from app.core.whole import whole_number
from app.extensions import db
from app.indicators.catalog import Catalog, language
from app.views.base import BaseView
from app.views.labels import present_catalog
from app.views.listing import address_of
from app.views.once import first_result, remember
from app.views.writing import REFUSED
from app.workflows.addition import ADDITION
from app.workflows.change import CHANGE
from app.workflows.engine import MOST_FIELDS, Field, Step, Workflow, teacher_of
from app.workflows.review import REVIEW
from app.workflows.transfer import TRANSFER

PRIMARY = "primary"
CHECK = "check"
PLACES = 3  # Rows for reasons of places in a dialog, until more are asked for.


class StepAction(NamedTuple):
    """A step that this person may take from here, as it is drawn."""

    name: str
    label: Any
    icon: str
    primary: bool
    url: str
    version: int
    needs_reason: bool
    inputs: tuple[Field, ...]
    places: int = 0
    most_places: int = MOST_FIELDS

    @property
    def asks(self) -> bool:
        """Whether something must be said before it is sent."""
        return self.needs_reason or bool(self.inputs)


def step_actions(flow: Workflow, item: Any, actor: Actor) -> list[StepAction]:
    """Return the steps the actor may take with an object, the one forward first."""
    steps = flow.available(db.session(), item, actor)
    found = [_action(flow, step, item) for step in steps]
    return sorted(found, key=lambda each: not each.primary)


def _action(flow: Workflow, step: Step, item: Any) -> StepAction:
    return StepAction(
        step.name,
        step.label,
        step.icon,
        step.tone == PRIMARY,
        url_for(f"{view_name(flow)}.act", pk=item.id, step=step.name),
        item.version,
        step.needs_reason,
        step.inputs,
        PLACES if step.needs_reason else 0,
    )


def view_name(flow: Workflow) -> str:
    """Return the name of the view that takes the steps of a flow."""
    return "".join(part.title() for part in flow.name.split("_")) + "FlowView"


def sent_inputs(step: Step) -> dict[str, Any]:
    """Return what the form of a step says beside the reason: ticks, texts, reasons per field."""
    given: dict[str, Any] = {}
    for each in step.inputs:
        sent = request.form.get(each.name, "")
        given[each.name] = bool(sent) if each.kind == CHECK else sent.strip()
    places = request.form.getlist("place")
    reasons = request.form.getlist("place_reason")
    fields = {
        place: reason.strip()
        for place, reason in zip(places, reasons, strict=False)
        if place and reason.strip()
    }
    return given | ({"fields": fields} if fields else {})


class ProblemLine(NamedTuple):
    """A problem with the name of its place and the address that leads there."""

    place: str
    message: str
    href: str


def problem_lines(
    problems: Iterable[Problem], catalog: Catalog, teacher_id: int | None
) -> list[ProblemLine]:
    """Return problems in words, each with a link to the place in the file."""
    return [
        ProblemLine(
            place_name(each.set, each.field, catalog),
            str(each.message),
            place_url(each, teacher_id) if each.set in catalog.sets else "",
        )
        for each in problems
    ]


def place_name(set_code: str | None, field: str | None, catalog: Catalog) -> str:
    """Return the name of a set and, where one is meant, of its indicator."""
    if set_code is None or set_code not in catalog.sets:
        return ""
    lang = language()
    name = catalog.name(catalog.set(set_code), lang)
    item = catalog.by_key.get(f"{set_code}.{field}")
    return f"{name} · {catalog.name(item, lang)}" if item else name


def place_url(problem: Any, teacher_id: int | None) -> str:
    """Return the address of the place in the file that a problem names."""
    if teacher_id is None:
        return ""
    return address_of("FileView", "show", pk=teacher_id, _anchor=f"set-{problem.set}")


class FlowView(BaseView, abstract=True):
    """The posts of one flow; a subclass names the flow and the page of its objects."""

    flow: Workflow
    page: str = ""

    def page_url(self, pk: int) -> str:
        """Return the page of an object."""
        return url_for(self.page, pk=pk)

    @expose("/<int:pk>/<step>", methods=["POST"])
    @has_access
    def act(self, pk: int, step: str) -> Any:
        """Take a step; the engine asks party, state, version and guards."""
        session, actor = db.session(), current_actor()
        item = scoped_get(session, self.flow.model, pk)
        known = self.flow.steps_named(step)[0]
        if (answer := first_result(session)) is not None:
            return answer
        teacher, back = teacher_of(item), self.next_url() or self.page_url(pk)
        try:
            self.flow.perform(
                session,
                pk,
                step,
                actor,
                version=_version(),
                reason=request.form.get("reason", ""),
                catalog=present_catalog(),
                **sent_inputs(known),
            )
            remember(session, back)
            session.commit()
        except Refused as refusal:
            session.rollback()
            return self._refused(known, refusal, teacher, back), REFUSED
        flash(_("Done: %(step)s", step=known.label), "success")
        return redirect(back)

    def _refused(self, step: Step, refusal: Refused, teacher: int | None, back: str) -> str:
        lines = problem_lines(refusal.problems, present_catalog(), teacher)
        return self.render_template(
            "flow/refused.html", step=step, message=str(refusal), lines=lines, back_url=back
        )


def _version() -> int | None:
    return whole_number(request.form.get("_version", ""))


class ReviewFlowView(FlowView):
    """The steps of the file review."""

    class_permission_name = "Review"
    route_base = "/flow/review"
    flow = REVIEW
    page = "FileView.show"


class AdditionFlowView(FlowView):
    """The steps of additions to effective files."""

    class_permission_name = "Addition"
    route_base = "/flow/addition"
    flow = ADDITION
    page = "AdditionView.show"


class ChangeFlowView(FlowView):
    """The steps of changes of effective files."""

    class_permission_name = "Change"
    route_base = "/flow/change"
    flow = CHANGE
    page = "ChangeView.show"


class TransferFlowView(FlowView):
    """The steps of transfers."""

    class_permission_name = "Transfer"
    route_base = "/flow/transfer"
    flow = TRANSFER
    page = "TransferView.show"


FLOW_VIEWS: Mapping[str, type[FlowView]] = {
    view.flow.name: view
    for view in (ReviewFlowView, AdditionFlowView, ChangeFlowView, TransferFlowView)
}
