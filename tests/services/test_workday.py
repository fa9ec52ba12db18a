"""Working days: the week, the holidays and the make-up days of the calendar."""

from datetime import date, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given

from app.indicators.catalog import shipped_calendar
from app.models.calendar import Calendar, DayKind, is_weekend, read_shipped
from app.services.workday import working_days, working_days_before

SHIPPED = shipped_calendar()
KINDS = {row["day"]: row["kind"] for row in read_shipped()}
DAYS = st.dates(date(2023, 6, 1), date(2027, 6, 1))


@pytest.mark.parametrize(
    ("start", "end", "number"),
    [
        (date(2026, 11, 2), date(2026, 11, 9), 5),  # an ordinary week
        (date(2026, 9, 30), date(2026, 10, 8), 1),  # the National Day holidays
        (date(2026, 10, 8), date(2026, 10, 12), 3),  # Saturday the 10th is worked
        (date(2025, 9, 30), date(2025, 10, 11), 3),
        (date(2026, 2, 13), date(2026, 2, 24), 2),  # Saturday the 14th, Tuesday the 24th
        (date(2026, 11, 9), date(2026, 11, 2), 0),
    ],
)
def test_holidays_do_not_count_and_make_up_days_do(start, end, number):
    assert working_days(SHIPPED, start, end) == number


@given(start=DAYS, length=st.integers(0, 400))
def test_the_count_is_that_of_looking_at_every_day(start, length):
    days = [start + timedelta(days=each) for each in range(1, length + 1)]
    worked = [
        day
        for day in days
        if KINDS.get(day, DayKind.HOLIDAY if is_weekend(day) else DayKind.MAKE_UP)
        == DayKind.MAKE_UP
    ]

    assert working_days(SHIPPED, start, start + timedelta(days=length)) == len(worked)


@given(end=DAYS, number=st.integers(0, 30))
def test_the_day_before_is_the_last_one_that_is_far_enough(end, number):
    day = working_days_before(SHIPPED, end, number)

    assert working_days(SHIPPED, day, end) >= number
    assert working_days(SHIPPED, day + timedelta(days=1), end) < max(number, 1)


def test_what_the_week_says_anyway_changes_nothing():
    saturday, monday = date(2026, 11, 7), date(2026, 11, 9)

    needless = Calendar.of({saturday: DayKind.HOLIDAY, monday: DayKind.MAKE_UP})

    assert needless == Calendar()
