"""When an indicator applies and who treats it how: conditions and rules per school category."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.core.reference import Rule, split_condition

ValuesOf = Callable[[str, str], Any]


def codes_of(value: Any) -> tuple[str, ...]:
    """The codes of a stored code value: none, one, or several joined by commas."""
    if value is None or value == "":
        return ()
    if isinstance(value, bool):
        return ("1",) if value else ("0",)
    return tuple(str(value).split(","))


@dataclass(frozen=True)
class Condition:
    """An `applicable_when`: field=value or field!=value, in the indicator's set or another."""

    set: str
    field: str
    equal: bool
    value: str

    def holds(self, values_of: ValuesOf) -> bool | None:
        """Tell whether the condition is met; None while the field it asks for is blank.

        On a field with several values equality means "contains", inequality "does not contain".
        """
        codes = codes_of(values_of(self.set, self.field))
        if not codes:
            return None
        return (self.value in codes) == self.equal


def condition_of(set_code: str, text: str) -> Condition | None:
    """Return the condition written in `applicable_when`; None for an empty text."""
    if not text:
        return None
    name, equal, value = split_condition(text)
    if "." in name:
        set_code, name = name.split(".", 1)
    return Condition(set_code, name, equal, value)


def may_fill(rule: Rule, side: str) -> bool:
    """Tell whether "school" or "teacher" fills the indicator (S51)."""
    return rule.collected and rule.filled_by in (side, "both")


def is_core_review(rule: Rule) -> bool:
    """Tell whether the authority alone reviews it, as it does core information (S52)."""
    return rule.reviewed_by == "authority"
