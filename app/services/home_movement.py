"""What a home page tells of movements of staff: status changes that wait, and recent ones (5.2)."""

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import case, func, select

from app.core import clock
from app.models.status_change import StatusChange, StatusState
from app.services.home_figures import Figures, midnight
from app.services.home_parts import Figure, TodoItem
from app.services.listed import at_least, equals
from app.services.queue import is_overdue

LIST = "status_change"
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
