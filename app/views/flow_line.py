"""The way of an object through its flow as a line: who took which step when, whose turn it is since
how many days, and what comes then; drawn from the flow's own table."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.roles import ROLE_LABELS
from app.core import clock
from app.models.account import Account
from app.models.history import Transition
from app.services.queue import age_of
from app.views.flow_actions import PRIMARY
from app.views.teacher.history import Event, step_event
from app.views.widgets import text_of
from app.workflows.engine import Step, Workflow

# Who a party of a flow is, in words.
PARTIES: Mapping[str, Any] = {
    "teacher_self": _l("Teacher"),
    "submitter": _l("Whoever submitted it"),
    "school_info": _l("School information administrator"),
    "school_head": _l("School head"),
    "authority": _l("Authority"),
    "city": _l("City information administrator"),
    "system": _l("System"),
}


class Stop(NamedTuple):
    """A step on the line: done, now or later."""

    title: Any
    note: str
    state: str


Taken = Sequence[tuple[Transition, str]]


def taken(session: Session, flow: Workflow, key: int) -> Taken:
    """The history of an object with the names of who acted, the earliest first."""
    rows = session.execute(
        select(Transition, Account)
        .outerjoin(Account, Account.id == Transition.account_id)
        .where(Transition.flow == flow.name, Transition.object_id == key)
        .order_by(Transition.id)
    )
    return [(row[0], row[1].display_name if row[1] else "") for row in rows]


def line(flow: Workflow, item: Any, history: Taken, opened: Any, *, asked: str = "") -> list[Stop]:
    """Return the stops of an object; `opened` is the word for the one that opened it, `asked` the
    step that somebody has asked for meanwhile and that comes first."""
    steps = {step.name: step for step in flow.steps}
    found: list[Stop] = []
    before: datetime | None = None
    for row, name in history:
        if row.from_state is not None and row.step not in steps:
            continue  # A draft that was altered is no step of the way.
        title = steps[row.step].label if row.step in steps else opened
        found.append(Stop(title, _note(row, name, before), "done"))
        before = row.at
    ahead = [*([steps[asked]] if asked else []), *_ahead(flow, item.state)]
    if ahead:
        days = _("for %(n)s working day(s)", n=age_of(before or item.state_since))
        found.append(Stop(ahead[0].label, f"{_turn(ahead[0])} · {days}", "now"))
        found += [Stop(step.label, _turn(step), "later") for step in ahead[1:]]
    return found


def _note(row: Transition, name: str, before: datetime | None) -> str:
    who = name or str(ROLE_LABELS.get(row.role, "") or PARTIES["system"])  # type: ignore[call-overload]
    days = ""
    if before is not None:
        apart = (clock.local(row.at).date() - clock.local(before).date()).days
        days = _("after %(n)s day(s)", n=apart)
    return " · ".join(filter(None, (who, text_of(row.at), days)))


def _turn(step: Step) -> str:
    people = [party for party in step.by if not party.is_system] or step.by
    return _(", ").join(str(PARTIES.get(party.name, party.name)) for party in people)


def _ahead(flow: Workflow, state: str) -> list[Step]:
    """The steps that lead on from a state to an end: each the first one forward."""
    found: list[Step] = []
    while state not in flow.terminal:
        step = next(filter(lambda each: _leads_on(each, state), flow.steps), None)
        if step is None or step in found:
            break
        found.append(step)
        state = str(step.target)
    return found


def _leads_on(step: Step, state: str) -> bool:
    forward = step.tone == PRIMARY and isinstance(step.target, str)
    return forward and state in step.sources and step.target != state


def events(flow: Workflow, history: Iterable[tuple[Transition, str]]) -> list[Event]:
    """Return the history for the timeline, the latest first."""
    return [step_event(row, name) for row, name in reversed(list(history))]
