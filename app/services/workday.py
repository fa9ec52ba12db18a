"""Working days, the one place that counts them: Monday to Friday without the holidays of the
working calendar, and its make-up days (s0). The city keeps the calendar (services.special_day)."""

from datetime import date, timedelta

from app.models.calendar import WORKING, Calendar, is_weekend

WEEK = 7


def working_days(calendar: Calendar, start: date, end: date) -> int:
    """How many working days lie after `start` up to `end`; none when `end` is no later."""
    if end <= start:
        return 0
    weeks, rest = divmod((end - start).days, WEEK)
    tail = (start + timedelta(days=number) for number in range(1, rest + 1))
    by_week = weeks * WORKING + sum(not is_weekend(day) for day in tail)
    return by_week + calendar.surplus(start, end)


def working_days_before(calendar: Calendar, end: date, number: int) -> date:
    """The last day of which at least `number` working days have passed by `end`."""
    day = end
    while working_days(calendar, day, end) < number:
        day -= timedelta(days=1)
    return day
