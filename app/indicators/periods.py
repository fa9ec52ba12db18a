"""Months, ages and terms: the arithmetic of the checks. A month is a text "YYYY-MM"."""

from datetime import date, timedelta
from typing import NamedTuple


class Period(NamedTuple):
    """A span of months; `end` None means that it goes on."""

    start: str
    end: str | None

    def ends_before(self, month: str) -> bool:
        """Whether it was over by a month."""
        return self.end is not None and self.end < month


def month_of(day: date) -> str:
    """The month in which a day lies."""
    return f"{day.year:04d}-{day.month:02d}"


def month_number(month: str) -> int:
    """A month as a number, so that differences are months."""
    return int(month[:4]) * 12 + int(month[5:]) - 1


def months_apart(earlier: str, later: str) -> int:
    """How many months lie between two months; negative when they stand the other way round."""
    return month_number(later) - month_number(earlier)


def years_later(month: str, years: int) -> str:
    """The same month some years later."""
    return f"{int(month[:4]) + years:04d}{month[4:]}"


def add_months(day: date, months: int) -> date:
    """The day some months later; the last day of a month where that one is shorter."""
    number = day.year * 12 + day.month - 1 + months
    year, month = divmod(number, 12)
    return date(year, month + 1, min(day.day, _length(year, month + 1)))


def years_on(day: date, years: int) -> date:
    """The day some years later; 29 February gives 28 February."""
    return add_months(day, years * 12)


def age_on(birth: date, day: date) -> int:
    """Completed years of life on a day."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def full_months(first: date, last: date) -> int:
    """Completed months of a span of days, both included: 1 September to 31 August are twelve."""
    after = last + timedelta(days=1)
    months = (after.year - first.year) * 12 + after.month - first.month
    return months - (add_months(first, months) > after)


def overlap(one: Period, other: Period, *, until: str) -> int:
    """Months that two periods share; periods that touch in one month share none.

    `until` is the end of a period that goes on.
    """
    start = max(one.start, other.start)
    end = min(one.end or until, other.end or until)
    return max(0, months_apart(start, end))


def current_term(today: date) -> tuple[int, str]:
    """The academic year (the calendar year in which it begins) and semester of a day.

    Autumn from August to January is "1", spring from February to July is "2".
    """
    if today.month >= 8:
        return today.year, "1"
    return today.year - 1, "1" if today.month == 1 else "2"


def _length(year: int, month: int) -> int:
    first_of_next = date(year + month // 12, month % 12 + 1, 1)
    return (first_of_next - timedelta(days=1)).day
