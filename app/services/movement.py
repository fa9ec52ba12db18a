"""Movement of staff as one unit sees it: what waits for the reader, who leaves, comes and is away,
what waits too long and what is done (3, 4, 5.2, 6, F3).

As on the home page, every figure says which rows of which list it counts (services.listed). What
is open is told by name, at most LINES of it, what has waited longest first.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import joinedload

from app.access.modules import Module, is_on
from app.access.roles import AUTHORITIES, HOSTS
from app.core import clock
from app.models.change import RecordChange
from app.models.rotation import UNDECIDED, Rotation, RotationState
from app.models.status_change import REGISTERED, StatusChange, StatusState
from app.models.transfer import CLOSED, Transfer, TransferState
from app.services import guest, home_movement, queue, transfer_queue
from app.services.home_figures import Figures, midnight
from app.services.home_movement import LIST, MOVES, RECENT, ROTATIONS
from app.services.home_parts import CLERK, HEAD, Figure, TodoItem
from app.services.listed import Where, at_least, at_most, equals, one_of
from app.services.rotation import waits_for_authority

LINES = 20  # Open processes that the page names.
UNDER_WAY = tuple(state for state in TransferState if state not in CLOSED)
OVER = (RotationState.ENDED, RotationState.TERMINATED)
DECIDERS = AUTHORITIES | HEAD
# The states of each flow in which what waits too long is overdue.
DECIDED_IN: Mapping[str, Sequence[str]] = {
    "transfer": UNDER_WAY,
    "rotation": (RotationState.PENDING,),
    "status_change": (StatusState.PENDING_AUTHORITY,),
}
Counted = Sequence[Any]


class Movement(Figures):
    """What the page of movements of one actor shows; everything is read once, when asked for."""

    def todo(self) -> list[TodoItem]:
        """What waits for the actor, the overdue first, then in the order of the flows."""
        role = self.actor.role
        found = [each for roles, read in WORK if role in roles for each in read(self)]
        return sorted((each for each in found if each.count), key=lambda each: not each.overdue)

    def figures(self) -> list[Figure]:
        """Who leaves the unit, comes to it, is away from it and is its guest at present."""
        found = []
        if self._transfers_on:
            out, coming, *_more = self._transfers
            leave = _l("Transfers under way from your unit, as soon as they are issued.")
            come = _l("Transfers under way to your unit, applications in draft as well.")
            for key, label, number, about in (
                ("out", _l("Leaving us"), out, leave),
                ("in", _l("Coming to us"), coming, come),
            ):
                where = (equals("show", key), one_of("state", UNDER_WAY))
                found.append(Figure(key, label, number, "transfer", where, about=about))
        label, number = _l("On rotation elsewhere"), self._rotations[0]
        about = _l("Rotations that are confirmed and not over; the file stays with your unit.")
        away = (equals("state", RotationState.ACTIVE),)
        found.append(Figure("away", label, number, ROTATIONS, away, about=about))
        if self.actor.role in HOSTS:
            number, about = len(guest.guests(self.session)), _l("Whom other schools send to yours.")
            found.append(Figure("guests", _l("With us as guests"), number, "guest", about=about))
        return found

    def overdue(self) -> list[TodoItem]:
        """What has waited for longer than the working days of the reminders, of each flow: of
        additions and changes what waits for the actor."""
        late = at_most("state_since", self._last_day.isoformat())
        pending = equals("state", RotationState.PENDING)
        asked = equals("state", StatusState.PENDING_AUTHORITY)
        transfers = self._transfers if self._transfers_on else (0,) * 4
        found = [
            _late("transfer", _l("Transfers"), transfers[2:4], equals("show", "overdue")),
            _late(ROTATIONS, _l("Rotations"), self._rotations[1:3], pending, late),
            _late(LIST, _l("Status changes"), self._status_changes[:2], asked, late),
        ]
        if self.actor.role in DECIDERS:
            label, mine = _l("Additions and changes"), equals("turn", "me")
            found.append(_late("process", label, self._changes[2:4], mine, late))
        return [each for each in found if each.count]

    def done(self) -> list[TodoItem]:
        """What the flows brought to an end within the last thirty days."""
        since = at_least("state_since", self._first_day.isoformat())
        transfers = self._transfers[4] if self._transfers_on else 0
        found = [
            _done("transfer", _l("Transfers completed"), transfers,
                  equals("state", TransferState.COMPLETED), since),
            _done(ROTATIONS, _l("Rotations over"), self._rotations[3], one_of("state", OVER),
                  since),
            _done(LIST, _l("Status changes in effect"), self._status_changes[2],
                  equals("state", StatusState.EFFECTIVE), since),
        ]  # fmt: skip
        return [each for each in found if each.count]

    def open_processes(self) -> list[Any]:
        """The movements on which somebody has to act or whose day comes, at most LINES: the overdue
        first, then as long as they have waited, last those of which nobody knows since when."""
        undecided = Rotation.state.in_(UNDECIDED) | waits_for_authority()
        found = [
            *self._oldest(Transfer, Transfer.state.in_(UNDER_WAY)),
            *self._oldest(Rotation, undecided),
            *self._oldest(StatusChange, StatusChange.state.in_(REGISTERED)),
        ]
        return sorted(found, key=self._rank)[:LINES]

    def is_late(self, item: Any) -> bool:
        """Whether an open movement is one of those that overdue() counts."""
        return item.state in DECIDED_IN[item.flow] and queue.is_overdue(
            item.state_since, self.known
        )

    def _rank(self, item: Any) -> tuple[bool, bool, datetime]:
        return not self.is_late(item), not has_age(item), item.state_since

    def _oldest(self, model: Any, wanted: Any) -> list[Any]:
        first = model.state.not_in(DECIDED_IN[model.flow])
        statement = select(model).where(wanted).order_by(first, model.state_since, model.id)
        if model is not Transfer:  # It knows the name itself; the file may be of another school.
            statement = statement.options(joinedload(model.teacher))
        return list(self.session.scalars(statement.limit(LINES)))

    @cached_property
    def _transfers_on(self) -> bool:
        """Whether the unit uses transfers (S66)."""
        return is_on(Module.TRANSFER, self.actor, self.known)

    @cached_property
    def _last_day(self) -> date:
        return queue.overdue_day(self.known)

    @cached_property
    def _first_day(self) -> date:
        return clock.today() - RECENT

    @cached_property
    def _transfers(self) -> Counted:
        """How many go out and come in, wait too long, since when, and are completed lately."""
        is_open = Transfer.state.in_(UNDER_WAY)
        late = transfer_queue.overdue(self.known)
        return self._count(
            Transfer,
            _number(is_open & transfer_queue.going_out(self.actor)),
            _number(is_open & transfer_queue.coming_in(self.actor)),
            _number(late),
            _since(late, Transfer.state_since),
            _number((Transfer.state == TransferState.COMPLETED) & self._lately(Transfer)),
        )

    @cached_property
    def _rotations(self) -> Counted:
        """How many are on, wait too long, since when, and are over lately."""
        late = (Rotation.state == RotationState.PENDING) & self._too_long(Rotation)
        return self._count(
            Rotation,
            _number(Rotation.state == RotationState.ACTIVE),
            _number(late),
            _since(late, Rotation.state_since),
            _number(Rotation.state.in_(OVER) & self._lately(Rotation)),
        )

    @cached_property
    def _status_changes(self) -> Counted:
        """How many wait too long, since when, and took effect lately."""
        late = (StatusChange.state == StatusState.PENDING_AUTHORITY) & self._too_long(StatusChange)
        done = (StatusChange.state == StatusState.EFFECTIVE) & self._lately(StatusChange)
        return self._count(
            StatusChange, _number(late), _since(late, StatusChange.state_since), _number(done)
        )

    @cached_property
    def _changes(self) -> Counted:
        """How many wait for the actor and since when, and the same of those that wait too long."""
        mine = queue.my_turn(self.actor)
        late = mine & self._too_long(RecordChange)
        return self._count(
            RecordChange,
            _number(mine),
            _since(mine, RecordChange.state_since),
            _number(late),
            _since(late, RecordChange.state_since),
        )

    def _count(self, model: Any, *columns: Any) -> Counted:
        # The scope is added to a table that is named; inside cases alone it is not found.
        return self.session.execute(select(*columns).select_from(model)).one()

    def _too_long(self, model: Any) -> ColumnElement[bool]:
        found: ColumnElement[bool] = model.state_since < midnight(
            self._last_day + timedelta(days=1)
        )
        return found

    def _lately(self, model: Any) -> ColumnElement[bool]:
        found: ColumnElement[bool] = model.state_since >= midnight(self._first_day)
        return found

    def changes_to_decide(self) -> list[TodoItem]:
        """The additions and changes that wait for the actor."""
        number, oldest = self._changes[:2]
        late = self.actor.role in DECIDERS and queue.is_overdue(oldest, self.known)
        label, where = _l("Additions and changes"), (equals("turn", "me"),)
        return [TodoItem("process", label, number, "process", where, oldest, late, "replace")]

    def status_changes_to_approve(self) -> list[TodoItem]:
        """The status changes that wait for the decision of the authority."""
        number, oldest, _recent = home_movement.of_authority(self)
        return [home_movement.to_approve(self, number, oldest)]


def is_prolonged(item: Any) -> bool:
    """Whether an extension of a rotation under way is asked for."""
    return bool(getattr(item, "asked_end", None))


def has_age(item: Any) -> bool:
    """Whether an open movement has waited since it came into its state: neither one that takes
    effect on its day by itself, nor a rotation under way whose extension is asked for."""
    by_itself = item.state == StatusState.SCHEDULED or (
        item.state == StatusState.DRAFT and getattr(item, "on_its_day", False)
    )
    return not by_itself and not is_prolonged(item)


def _number(condition: ColumnElement[bool]) -> Any:
    return func.count(case((condition, 1)))


def _since(condition: ColumnElement[bool], moment: Any) -> Any:
    return func.min(case((condition, moment)))


def _late(name: str, label: Any, counted: Counted, *where: Where) -> TodoItem:
    number, oldest = counted
    since: datetime | None = oldest
    return TodoItem(f"{name}_late", label, number, name, where, since, True, "clock-exclamation")


def _done(name: str, label: Any, number: int, *where: Where) -> TodoItem:
    return TodoItem(f"{name}_done", label, number, name, where, icon=MOVES)


# Who has which work, in the order in which it is told.
WORK: tuple[tuple[Collection[str], Callable[[Movement], list[TodoItem]]], ...] = (
    (AUTHORITIES | CLERK | HEAD, home_movement.transfers),
    (AUTHORITIES | CLERK, home_movement.rotations),
    (CLERK, home_movement.registered),
    (AUTHORITIES, Movement.status_changes_to_approve),
    (AUTHORITIES | CLERK | HEAD, Movement.changes_to_decide),
)
