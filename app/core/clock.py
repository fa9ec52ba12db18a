"""The time of the application; nothing else reads the clock of the machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta, timezone

# Beijing time has had no daylight saving since 1991, and no act of the system is older.
BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")


class FrozenClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def move(self, **by: float) -> None:
        """Advance by the given days, hours, minutes, seconds."""
        self.at += timedelta(**by)


_frozen: ContextVar[FrozenClock | None] = ContextVar("frozen_clock", default=None)


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    clock = _frozen.get()
    return clock.at if clock else datetime.now(UTC)


def today() -> date:
    """Return the calendar day in Beijing."""
    return now().astimezone(BEIJING).date()


def local(moment: datetime) -> datetime:
    """Return an aware moment in Beijing time."""
    return moment.astimezone(BEIJING)


@contextmanager
def frozen(at: datetime | date) -> Iterator[FrozenClock]:
    """Stop the clock of this thread at a moment, or at the Beijing midnight of a day.

    Raise ValueError for a moment without a zone.
    """
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day, tzinfo=BEIJING)
    if at.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    clock = FrozenClock(at.astimezone(UTC))
    token = _frozen.set(clock)
    try:
        yield clock
    finally:
        _frozen.reset(token)
