"""What a home page tells of movements of staff: status changes, rotations and transfers that wait
for the reader, and what took effect lately (5.2, F3)."""

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import case, func, select

from app.access.roles import AUTHORITIES
from app.core import clock
from app.indicators.periods import month_of
from app.models.rotation import Rotation, RotationState
from app.models.status_change import StatusChange, StatusState
from app.models.transfer import Transfer
from app.services import guest, transfer_queue
from app.services.home_figures import Figures, midnight
from app.services.home_parts import Figure, TodoItem
from app.services.listed import at_least, at_most, equals
from app.services.queue import is_overdue
from app.services.rotation import waits_for_authority

LIST, ROTATIONS = "status_change", "rotation"
MOVES = "arrows-exchange"
RECENT = timedelta(days=29)  # Today and the days before it: thirty.


def registered(page: Figures) -> list[TodoItem]:
    """What a school has registered: drafts to be put into effect, and what waits for its day."""
    rows = page.session.execute(
        select(StatusChange.on_its_day, func.count(), func.min(StatusChange.state_since))
        .where(StatusChange.state == StatusState.DRAFT)
        .group_by(StatusChange.on_its_day)
    )
    labels = {
        False: _l("Status changes to put into effect"),
        True: _l("Status changes that take effect on their day"),
    }
    return [
        TodoItem(
            "status_ahead" if ahead else "status_draft",
            labels[bool(ahead)],
            number,
            LIST,
            (equals("state", StatusState.DRAFT), equals("on_its_day", bool(ahead))),
            oldest,
            icon="clock" if ahead else "user-exclamation",
        )
        for ahead, number, oldest in rows
    ]


def of_authority(page: Figures) -> tuple[int, datetime | None, int]:
    """What waits for the decision of an authority, since when, and what is recent."""
    own = StatusChange.authority_id == page.actor.unit_id
    waits = (StatusChange.state == StatusState.PENDING_AUTHORITY) & own
    is_recent = (StatusChange.state == StatusState.EFFECTIVE) & (
        StatusChange.state_since >= midnight(clock.today() - RECENT)
    )
    row = page.session.execute(
        select(
            func.count(case((waits, StatusChange.id))),
            func.min(case((waits, StatusChange.state_since))),
            func.count(case((is_recent, StatusChange.id))),
        )
        # The scope is added to a table that is named; inside cases alone it is not found.
        .select_from(StatusChange)
        .where(waits | is_recent)
    ).one()
    return row[0], row[1], row[2]


def to_approve(page: Figures, number: int, oldest: datetime | None) -> TodoItem:
    """What waits for the decision of an authority, its own schools only."""
    where = (
        equals("state", StatusState.PENDING_AUTHORITY),
        equals("authority_id", page.actor.unit_id),
    )
    late = is_overdue(oldest, page.known)
    label = _l("Status changes to approve")
    return TodoItem("status", label, number, LIST, where, oldest, late, "user-exclamation")


def recent(number: int) -> Figure:
    """The status changes of the last thirty days that are in effect, for who is told of them."""
    first = clock.today() - RECENT
    where = (equals("state", StatusState.EFFECTIVE), at_least("state_since", first.isoformat()))
    return Figure(
        "status_changes",
        _l("Status changes, last 30 days"),
        number,
        LIST,
        where,
        about=_l("Leaves, returns, retirements and departures that the schools put into effect."),
    )


def rotations(page: Figures) -> list[TodoItem]:
    """What an authority decides on; what a school has left in draft, or should end."""
    if page.actor.role in AUTHORITIES:
        number, oldest = page.session.execute(
            select(func.count(), func.min(Rotation.state_since))
            .select_from(Rotation)
            .where((Rotation.authority_id == page.actor.unit_id) & waits_for_authority())
        ).one()
        label = _l("Rotations to decide on")
        mine = (equals("waits", True), equals("authority_id", page.actor.unit_id))
        late = is_overdue(oldest, page.known)
        return [TodoItem("rotation", label, number, ROTATIONS, mine, oldest, late, MOVES)]
    month = month_of(clock.today())
    draft = Rotation.state == RotationState.DRAFT
    ending = (Rotation.state == RotationState.ACTIVE) & (Rotation.planned_end <= month)
    to_end = (equals("state", RotationState.ACTIVE), at_most("planned_end", month))
    drafts, ends = page.session.execute(
        select(func.count(case((draft, 1))), func.count(case((ending, 1))))
        .select_from(Rotation)
        .where(draft | ending)
    ).one()
    where = (equals("state", RotationState.DRAFT),)
    return [
        TodoItem("rotation_draft", _l("Rotations to submit"), drafts, ROTATIONS, where, icon=MOVES),
        TodoItem(
            "rotation_end", _l("Rotations to end or extend"), ends, ROTATIONS, to_end, icon=MOVES
        ),
    ]


def guests_here(page: Figures) -> list[TodoItem]:
    """The persons on rotation at a school, as its people."""
    number = len(guest.guests(page.session))
    label = _l("Guests on rotation at your school")
    return [TodoItem("guest", label, number, "guest", icon="users")]


def transfers(page: Figures) -> list[TodoItem]:
    """The transfers whose turn it is here (F3)."""
    number, oldest = page.session.execute(
        select(func.count(), func.min(Transfer.state_since))
        .select_from(Transfer)
        .where(transfer_queue.waiting(page.actor))
    ).one()
    where, late = (equals("show", "mine"),), is_overdue(oldest, page.known)
    label = _l("Transfers that wait for you")
    return [TodoItem("transfer", label, number, "transfer", where, oldest, late, MOVES)]
