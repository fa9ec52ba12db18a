"""The way of an object through its flow as a line: who took which step when, whose turn it is since
how many days, and what comes then; drawn from the flow's own table (B11, F3)."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.roles import ROLE_LABELS, SCHOOL
from app.core.clock import local
from app.models.account import Account
from app.models.history import Transition
from app.models.unit import Unit
from app.services import change_desk, delegation, queue, status_change, transfer
from app.services.notice import UNIT_COLUMNS
from app.services.workday import working_days
from app.views.flow_actions import PRIMARY
from app.views.labels import present_catalog
from app.views.widgets import text_of
from app.workflows import WORKFLOWS
from app.workflows.engine import Step, Workflow

# How what is typed into an object is called, beside the steps of its flow.
TYPED: Mapping[str, Any] = {
    change_desk.ADD: _l("Entered"),
    change_desk.OPENED: _l("Drafted"),
    change_desk.EDITED: _l("Altered"),
    status_change.REGISTERED: _l("Registered"),
    transfer.OPENED: _l("Drafted"),
    transfer.EDITED: _l("Altered"),
}


class Stop(NamedTuple):
    """A step of the line: `state` is done, now or later."""

    title: Any
    state: str
    note: str = ""


class Due(NamedTuple):
    """The step at which an object stands, and whose turn it is."""

    title: Any
    turn: str


def due(item: Any, units: Mapping[int, str]) -> Due | None:
    """The step that an object waits for, by the table of its flow; None once it has ended. `units`
    as in line_of()."""
    step = next(_coming(WORKFLOWS[item.flow], item), None)
    return None if step is None else Due(step.label, _turn(step, item, units))


def line_of(session: Session, item: Any, units: Mapping[int, str]) -> list[Stop]:
    """The steps that an object went through with who, when and after how many working days; whose
    turn it is, and what is still to come by the table of its flow.

    `units` are the names of those that take part. An object may have an `asked_step`, which comes
    first, and `passed_steps`, which are left out.
    """
    flow = WORKFLOWS[item.flow]
    return [*_taken(session, item, units), *_to_come(flow, item, units)]


class Decision(NamedTuple):
    """A step that was taken: who, in which role and unit, when, after how long, and why."""

    title: Any
    name: str
    role: str
    unit: str
    at: str
    after: str
    reason: str


def decisions(session: Session, item: Any, units: Mapping[int, str]) -> Iterator[Decision]:
    """The steps that an object went through, the first one first; `units` as in line_of()."""
    flow = WORKFLOWS[item.flow]
    rows = session.execute(
        select(Transition, Account, Unit.name)
        .outerjoin(Account, Account.id == Transition.account_id)
        .outerjoin(Unit, Unit.id == Transition.unit_id)
        .where(Transition.flow == flow.name, Transition.object_id == item.id)
        .order_by(Transition.id)
    ).all()
    instead = delegation.delegators(session, [step.assignment_id for step, _who, _unit in rows])
    calendar = present_catalog().calendar
    last: date | None = None
    for row, account, unit in rows:
        day = local(row.at).date()
        days = 0 if last is None else working_days(calendar, last, day)
        after = _("after %(n)s working day(s)", n=days) if days else ""
        who = _who(row, account, unit or units.get(row.unit_id or 0, ""), instead)
        reason = (row.reason or "") if account else ""
        yield Decision(_title(flow, row.step), *who, text_of(row.at), after, reason)
        last = day


def _taken(session: Session, item: Any, units: Mapping[int, str]) -> Iterator[Stop]:
    for title, *parts in decisions(session, item, units):
        yield Stop(title, "done", " · ".join(filter(None, parts)))


def _who(
    row: Transition, account: Account | None, unit: str, instead: Mapping[int, str]
) -> tuple[str, str, str]:
    if account is None:
        return _("The system"), "", ""
    role = str(ROLE_LABELS.get(row.role, "")) if row.role else ""  # type: ignore[call-overload]
    head = instead.get(row.assignment_id or 0, "")
    role = f"{role} ({_('delegate of %(name)s', name=head)})" if head else role
    return account.display_name, role, unit


def _title(flow: Workflow, name: str) -> Any:
    step = next((each for each in flow.steps if each.name == name), None)
    return TYPED.get(name, name) if step is None else step.label


def _to_come(flow: Workflow, item: Any, units: Mapping[int, str]) -> Iterator[Stop]:
    """The steps ahead: the one that is due now, then those after it as far as all agree."""
    status = "now"
    for step in _coming(flow, item):
        note = _("Turn: %(who)s", who=_turn(step, item, units))
        if status == "now":
            days = queue.age_of(item.state_since, present_catalog())
            note += " · " + _("%(n)s working day(s)", n=days)
        yield Stop(step.label, status, note)
        status = "later"


def _coming(flow: Workflow, item: Any) -> Iterator[Step]:
    """What somebody has asked for meanwhile, then the steps of the table but for those that need
    not be taken any more."""
    asked = getattr(item, "asked_step", "")
    yield from flow.steps_named(asked) if asked else ()
    yield from _ahead(flow, str(item.state), getattr(item, "passed_steps", ()))


def _ahead(flow: Workflow, state: str, passed: Collection[str]) -> Iterator[Step]:
    """The steps that lead on from a state to an end: each the first one forward."""
    while state not in flow.terminal:
        open_to = (each for each in flow.steps if state in each.sources and each.tone == PRIMARY)
        step = next((each for each in open_to if each.name not in passed), None)
        if step is None or step.target == state:
            return
        yield step
        if not isinstance(step.target, str):
            return
        state = str(step.target)


def _turn(step: Step, item: Any, units: Mapping[int, str]) -> str:
    """Whose turn a step is: the unit, in a school with the role."""
    party = next((each for each in step.by if not each.is_system), None)
    if party is None:
        return _("The system")
    unit = units.get(getattr(item, UNIT_COLUMNS.get(party.name, "school_id")), "")
    roles = sorted(party.roles) if set(party.roles) <= SCHOOL else []
    return " · ".join(filter(None, [unit, *(str(ROLE_LABELS[role]) for role in roles)]))  # type: ignore[index]
