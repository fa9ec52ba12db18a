"""Steps of flows as acts on the rows of a list."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from flask import request

from app.access.actor import current_actor
from app.extensions import db
from app.views.datamodel import EQUAL, ONE_OF
from app.views.flow_actions import CHECK, PRIMARY
from app.views.labels import present_catalog
from app.views.selection import Outcome, RowAction, Selection
from app.workflows.engine import Step, Workflow


def act_of(
    step: Step,
    take: Callable[[Selection], Any],
    *,
    label: Any = None,
    question: Any = None,
    shortcut: str | None = None,
) -> RowAction:
    """Return a step as an act on many rows; `question` is asked before it, {n} is their number."""
    return RowAction(
        step.name,
        label or step.label,
        take,
        icon=step.icon,
        confirmation=question,
        reason="required" if step.needs_reason else None,
        primary=step.tone == PRIMARY,
        single=False,
        shortcut=shortcut,
        inputs=tuple(each for each in step.inputs if each.kind == CHECK),
    )


def states_asked() -> set[str]:
    """The states that the list is filtered by; none where it shows all."""
    places = (f"_flt_{place}_state" for place in (EQUAL, ONE_OF))
    return {state for place in places for state in request.args.getlist(place)}


class StepActs:
    """The steps of one flow over the rows of its list, taken at once, with the outcome of each row
    as the answer; a subclass of BaseModelView names the flow and what is asked before a step."""

    flow: ClassVar[Workflow]
    questions: ClassVar[Mapping[str, Any]]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.actions = {
            step.name: act_of(
                step, partial(self.take_rows, step), question=self.questions[step.name]
            )
            for step in self.flow.steps
            if step.bulk
        }

    def offered_acts(self: Any) -> Any:
        """The steps that the role may take from the states shown."""
        asked = states_asked()
        mine = {
            step.name
            for step in self.flow.steps_for(current_actor().role)
            if not asked or asked & set(step.sources)
        }
        return [act for act in super().offered_acts() if act.name in mine]

    def take_rows(self: Any, step: Step, selection: Selection) -> Any:
        """Take a step of all that is selected; each row succeeds or fails for itself."""
        session = db.session()
        names = {each.id: (self.row_name(each), self.row_link(each)) for each in selection.items()}
        outcome = self.flow.perform_many(
            session,
            selection.seen(),
            step.name,
            current_actor(),
            reason=selection.reason,
            catalog=present_catalog(),
        )
        session.commit()
        return self.outcome_page(
            step.label,
            [
                Outcome(name, href, key not in outcome.failed, _words_of(outcome.failed.get(key)))
                for key, (name, href) in names.items()
            ],
        )


def _words_of(failed: Any) -> str:
    if failed is None:
        return ""
    return " ".join(str(each.message) for each in failed.problems) or str(failed)
