"""The clock: Beijing days, aware moments, frozen time."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.core import clock


def test_day_changes_at_midnight_in_beijing():
    with clock.frozen(datetime(2026, 8, 31, 15, 59, 59, tzinfo=UTC)) as stopped:
        before = clock.today()
        stopped.move(seconds=1)
        after = clock.today()

    assert (before, after) == (date(2026, 8, 31), date(2026, 9, 1))


def test_now_is_aware_and_in_utc():
    assert clock.now().utcoffset() == timedelta(0)


def test_clock_frozen_at_a_day_stands_at_its_midnight_and_goes_on_afterwards():
    with clock.frozen(date(2026, 9, 1)):
        stopped = clock.now()

    assert stopped == datetime(2026, 8, 31, 16, tzinfo=UTC)
    assert clock.now() > stopped


def test_clock_is_not_frozen_at_a_moment_without_zone():
    with pytest.raises(ValueError, match="time zone"), clock.frozen(datetime(2026, 9, 1)):  # noqa: DTZ001
        pass


def test_local_time_is_eight_hours_ahead():
    assert clock.local(datetime(2026, 1, 1, 20, tzinfo=UTC)).isoformat() == (
        "2026-01-02T04:00:00+08:00"
    )
