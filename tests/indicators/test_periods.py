"""Months, ages, terms and the day of retirement."""

from datetime import date

import pytest

from app.indicators.periods import (
    Period,
    add_months,
    age_on,
    current_term,
    full_months,
    months_apart,
    overlap,
    years_later,
)
from app.indicators.retirement import retirement_day
from tests.indicators.files import reference_catalog

PARAMETERS = reference_catalog().parameters


def test_months_are_counted_across_years():
    assert months_apart("2025-11", "2026-02") == 3
    assert months_apart("2026-02", "2025-11") == -3
    assert years_later("1985-03", 16) == "2001-03"


def test_a_month_is_added_up_to_its_last_day():
    assert add_months(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert add_months(date(2024, 2, 29), 12) == date(2025, 2, 28)
    assert add_months(date(2024, 12, 15), 1) == date(2025, 1, 15)


def test_a_year_of_life_is_complete_on_the_birthday():
    assert age_on(date(2010, 10, 15), date(2026, 10, 14)) == 15
    assert age_on(date(2010, 10, 15), date(2026, 10, 15)) == 16


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [
        (date(2025, 9, 1), date(2026, 8, 31), 12),
        (date(2025, 9, 1), date(2026, 8, 30), 11),
        (date(2025, 9, 15), date(2026, 9, 14), 12),
        (date(2025, 9, 15), date(2026, 9, 15), 12),
        (date(2024, 2, 29), date(2025, 2, 27), 12),
        (date(2026, 1, 1), date(2025, 1, 1), -12),
    ],
)
def test_a_contract_counts_both_its_days(first, last, months):
    assert full_months(first, last) == months


def test_periods_that_touch_share_no_month():
    first, second = Period("2003-09", "2007-07"), Period("2007-07", None)

    assert overlap(first, second, until="2026-10") == 0
    assert overlap(first, Period("2007-05", None), until="2026-10") == 2
    assert overlap(second, Period("2020-01", None), until="2026-10") == 81


def test_terms_begin_in_august_and_february():
    assert current_term(date(2026, 8, 1)) == (2026, "1")
    assert current_term(date(2027, 1, 31)) == (2026, "1")
    assert current_term(date(2027, 2, 1)) == (2026, "2")
    assert current_term(date(2027, 7, 31)) == (2026, "2")


@pytest.mark.parametrize(
    ("birth", "sex", "post", "day"),
    [
        (date(1964, 12, 31), "1", "1", date(2024, 12, 31)),
        (date(1965, 1, 1), "1", "1", date(2025, 2, 1)),
        (date(1965, 4, 30), "1", "1", date(2025, 5, 30)),
        (date(1965, 5, 1), "1", "1", date(2025, 7, 1)),
        (date(1976, 9, 1), "1", "1", date(2039, 9, 1)),
        (date(1990, 1, 1), "1", "1", date(2053, 1, 1)),
        (date(1969, 12, 1), "2", "1", date(2024, 12, 1)),
        (date(1970, 1, 1), "2", "1", date(2025, 2, 1)),
        (date(1990, 1, 1), "2", "1", date(2048, 1, 1)),
        (date(1975, 1, 1), "2", "4", date(2025, 2, 1)),
        (date(1975, 3, 1), "2", "4", date(2025, 5, 1)),
        (date(1990, 1, 1), "2", "4", date(2045, 1, 1)),
        (date(1990, 1, 1), "9", "1", None),
    ],
)
def test_retirement_is_delayed_month_by_month(birth, sex, post, day):
    assert retirement_day(birth, sex, post, PARAMETERS) == day
