"""The statutory day of retirement, with the gradual delay from 2025 on (DQ040)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from app.indicators.periods import add_months, month_of, months_apart

MALE = "1"


def retirement_day(
    birth: date, sex: str | None, post_category: str | None, parameters: Mapping[str, Any]
) -> date | None:
    """Return the day on which a person reaches the age of retirement; None for an unknown sex.

    Before the reform men retired at 60, women at 55 and women workers at 50. Who would have
    reached that age in the month of the reform or later is delayed by one month for each 4 (4, 2)
    months, up to 63 (58, 55). All figures are parameters.
    """
    group = _group(sex, post_category, parameters)
    if group is None:
        return None
    age = parameters[f"retire_{group}_age"] * 12
    former = add_months(birth, age)
    waited = months_apart(parameters["retire_reform_start"], month_of(former))
    if waited < 0:
        return former
    delay = waited // parameters[f"retire_{group}_step"] + 1
    longest = parameters[f"retire_{group}_final"] * 12 - age
    return add_months(birth, age + min(delay, longest))


def _group(sex: str | None, post_category: str | None, parameters: Mapping[str, Any]) -> str | None:
    if sex == MALE:
        return "male"
    if sex != "2":
        return None
    worker = post_category in parameters["retire_worker_posts"]
    return "female_worker" if worker else "female_cadre"
