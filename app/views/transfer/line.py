"""The line of steps of a transfer: who took each and when, whose turn it is, what comes (F3)."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.roles import ROLE_LABELS
from app.core.clock import local
from app.models.account import Account
from app.models.history import Transition
from app.models.transfer import Transfer
from app.services import delegation, queue, transfer
from app.services.transfer_queue import TURNS
from app.services.workday import working_days
from app.views.widgets import text_of
from app.workflows.engine import Step
from app.workflows.transfer import TRANSFER

PRIMARY = "primary"
TYPED: Mapping[str, Any] = {
    transfer.OPENED: lambda: _("Drafted"),
    transfer.EDITED: lambda: _("Altered"),
}


class Stage(NamedTuple):
    """A step of the line: taken, due now or still to come."""

    title: Any
    state: str
    note: str = ""


def line_of(session: Session, item: Transfer, units: Mapping[int, str]) -> list[Stage]:
    """The steps that a transfer went through, and those ahead by the table of its flow. `units`
    are the names of those that take part."""
    rows = session.execute(
        select(Transition, Account)
        .outerjoin(Account, Account.id == Transition.account_id)
        .where(Transition.flow == transfer.FLOW, Transition.object_id == item.id)
        .order_by(Transition.id)
    ).all()
    instead = delegation.delegators(session, [step.assignment_id for step, _account in rows])
    found, last = [], None
    for row, account in rows:
        days = 0 if last is None else working_days(local(last).date(), local(row.at).date())
        after = _("after %(n)s working day(s)", n=days) if days else ""
        parts = (_who(row, account, instead, units), text_of(row.at), after, row.reason or "")
        found.append(Stage(_title(row.step), "done", " · ".join(filter(None, parts))))
        last = row.at
    return [*found, *_to_come(item, units)]


def _who(
    row: Transition, account: Account | None, instead: Mapping[int, str], units: Mapping[int, str]
) -> str:
    role = str(ROLE_LABELS.get(row.role, "")) if row.role else ""  # type: ignore[call-overload]
    head = instead.get(row.assignment_id or 0, "")
    role = f"{role} ({_('delegate of %(name)s', name=head)})" if head else role
    name = account.display_name if account else _("The system")
    return " · ".join(filter(None, (name, role, units.get(row.unit_id or 0, ""))))


def _title(name: str) -> Any:
    return TYPED[name]() if name in TYPED else TRANSFER.steps_named(name)[0].label


def _to_come(item: Transfer, units: Mapping[int, str]) -> Iterator[Stage]:
    state, status = str(item.state), "now"
    while (step := _forward(state)) is not None:
        column, roles = TURNS[state]
        names = [str(ROLE_LABELS[role]) for role in sorted(roles)] if len(roles) == 1 else []
        who = " · ".join([units[getattr(item, column)], *names])
        note = _("Turn: %(who)s", who=who)
        if status == "now":
            note += " · " + _("%(n)s working day(s)", n=queue.age_of(item.state_since))
        yield Stage(step.label, status, note)
        state, status = str(step.target), "later"


def _forward(state: str) -> Step | None:
    """The step that leads on from a state."""
    ahead = (each for each in TRANSFER.steps if state in each.sources and each.tone == PRIMARY)
    return next(ahead, None)
