"""Working days: Monday to Friday. Public holidays are no data of the system; a term that counts
them as working days reminds a little early, never late."""

from datetime import date, timedelta

WEEK, WORKING = 7, 5


def working_days(start: date, end: date) -> int:
    """How many working days lie after `start` up to `end`; none when `end` is no later."""
    if end <= start:
        return 0
    weeks, rest = divmod((end - start).days, WEEK)
    tail = (start + timedelta(days=number) for number in range(1, rest + 1))
    return weeks * WORKING + sum(day.weekday() < WORKING for day in tail)


def working_days_before(end: date, number: int) -> date:
    """The last day of which at least `number` working days have passed by `end`."""
    day = end
    while working_days(day, end) < number:
        day -= timedelta(days=1)
    return day
