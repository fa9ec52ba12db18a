"""What happened to a file: the steps of its flows, its versions, and the file on a past day."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.access.actor import Actor
from app.access.roles import ROLE_LABELS
from app.core.clock import BEIJING, today
from app.core.errors import Malformed, NotFound, Refused
from app.core.whole import whole_number
from app.indicators.catalog import Catalog
from app.models.account import Account
from app.models.change import RecordChange
from app.models.history import Transition
from app.models.rotation import Rotation
from app.models.status_change import StatusChange
from app.models.teacher import FileVersion, Teacher
from app.models.transfer import Transfer
from app.models.unit import Unit
from app.services import (
    change_desk,
    check,
    confirmation,
    delegation,
    opinion,
    status_change,
    transfer,
)
from app.views.flow_actions import place_name
from app.views.labels import REVIEW_BADGES
from app.views.opinion import badge_of, may_read
from app.views.widgets import text_of
from app.workflows import WORKFLOWS

# What the history holds beside the steps of flows.
OTHER_STEPS = {
    check.ACKNOWLEDGE: _l("Warnings acknowledged"),
    confirmation.UNCHANGED: _l("Confirmed: nothing has changed"),
    change_desk.ADD: _l("Addition entered"),
    change_desk.OPENED: _l("Change drafted"),
    change_desk.EDITED: _l("Draft of a change altered"),
    status_change.REGISTERED: _l("Status change registered"),
    status_change.AMENDED: _l("Registered status change altered"),
    transfer.OPENED: _l("Transfer drafted"),
    transfer.EDITED: _l("Draft of a transfer altered"),
}

# Where another flow calls such a row by the same name.
OF_FLOWS = {
    ("rotation", change_desk.OPENED): _l("Rotation drafted"),
    ("rotation", change_desk.EDITED): _l("Draft of a rotation altered"),
}

TINTS = {"primary": "good", "warning": "back", "secondary": "draft"}
SHOWN_EVENTS = 100
# Flows whose objects are not the files themselves, and what those are.
OBJECTS: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("addition", "change"), RecordChange),
    (("status_change",), StatusChange),
    (("rotation",), Rotation),
    (("transfer",), Transfer),
)


class Event(NamedTuple):
    """A line of the timeline."""

    icon: str
    tint: str
    title: Any
    when: str
    who: str
    reason: str = ""


def timeline(session: Session, teacher: Teacher, catalog: Catalog, actor: Actor) -> list[Event]:
    """Return the steps that the file went through, the latest first; opinions among them for
    those who may read them."""
    rows = session.execute(
        select(Transition, Account, Unit.name)
        .outerjoin(Account, Account.id == Transition.account_id)
        .outerjoin(Unit, Unit.id == Transition.unit_id)
        .where(Transition.teacher_id == teacher.id, _is_open_to_reader())
        .order_by(Transition.id.desc())
        .limit(SHOWN_EVENTS)
    )
    found = list(rows)
    instead = delegation.delegators(
        session, [step.assignment_id for step, _account, _unit in found]
    )
    events = [
        (step.at, _event(step, account, unit, instead, catalog)) for step, account, unit in found
    ]
    if may_read(actor):
        events += [(said.at, _opinion(said)) for said in opinion.on_file(session, teacher)]
        events.sort(key=lambda each: each[0], reverse=True)
    opened = Event("file-plus", "draft", _("File opened"), text_of(teacher.created_at), "")
    return [*(event for _at, event in events), opened]


def _is_open_to_reader() -> ColumnElement[bool]:
    """History has no scope of its own: steps of other flows are read where their objects are."""
    return and_(
        *(
            Transition.flow.not_in(flows)
            | select(cls.id).where(cls.id == Transition.object_id).exists()
            for flows, cls in OBJECTS
        )
    )


def steps_of(session: Session, item: Any, catalog: Catalog) -> list[Event]:
    """Return the steps that a process in scope went through, the latest first."""
    rows = session.execute(
        select(Transition, Account, Unit.name)
        .outerjoin(Account, Account.id == Transition.account_id)
        .outerjoin(Unit, Unit.id == Transition.unit_id)
        .where(Transition.flow == item.flow, Transition.object_id == item.id)
        .order_by(Transition.id.desc())
        .limit(SHOWN_EVENTS)
    ).all()
    instead = delegation.delegators(session, [step.assignment_id for step, _who, _unit in rows])
    return [_event(step, account, unit, instead, catalog) for step, account, unit in rows]


def _opinion(said: opinion.Said) -> Event:
    look = badge_of(said.verdict)
    title = _("Opinion: %(verdict)s", verdict=look.label)
    return Event(look.icon, look.tint, title, text_of(said.at), said.name, said.text)


def _event(
    row: Transition,
    account: Account | None,
    unit: str | None,
    instead: Mapping[int, str],
    catalog: Catalog,
) -> Event:
    role = str(ROLE_LABELS.get(row.role, "")) if row.role else ""  # type: ignore[call-overload]
    name, head = account.display_name if account else "", instead.get(row.assignment_id or 0, "")
    role = f"{role} ({_('delegate of %(name)s', name=head)})" if head else role
    who = " · ".join(filter(None, (name, role, unit or "")))
    flow = WORKFLOWS.get(row.flow)
    known = flow and next((each for each in flow.steps if each.name == row.step), None)
    icon, tint = REVIEW_BADGES.get(row.to_state, ("point", "info"))
    other = OF_FLOWS.get((row.flow, row.step), OTHER_STEPS.get(row.step, row.step))
    return Event(
        known.icon if known else icon,
        TINTS.get(known.tone, tint) if known else tint,
        known.label if known else other,
        text_of(row.at),
        who,
        _reason(row, catalog),
    )


def _reason(row: Transition, catalog: Catalog) -> str:
    parts = [row.reason or ""]
    for place, words in (row.field_reasons or {}).items():
        set_code, _dot, code = place.partition("@")[0].partition(".")
        parts.append(f"{place_name(set_code, code or None, catalog) or place}: {words}")
    return "\n".join(filter(None, parts))


def asked_moment(session: Session, teacher: Teacher, arguments: MultiDict) -> datetime | None:
    """Return the moment that `on` (a day) or `v` (a version) asks for, None for the present.

    A day means what was in force when it ended. Raises Malformed, NotFound, and Refused for a
    day to come.
    """
    if day := arguments.get("on", ""):
        try:
            wanted = date.fromisoformat(day)
        except ValueError:
            raise Malformed(_("This is not a day of the calendar.")) from None
        if wanted > today():
            raise Refused(_("This day is still to come. Choose today or an earlier day."))
        return datetime.combine(wanted + timedelta(days=1), time(), BEIJING) - timedelta(seconds=1)
    if text := arguments.get("v", ""):
        number = whole_number(text)
        if number is None:
            raise Malformed()
        at = session.scalar(
            select(FileVersion.at).where(
                FileVersion.teacher_id == teacher.id, FileVersion.number == number
            )
        )
        if at is None:
            raise NotFound()
        return at
    return None
