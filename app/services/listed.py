"""Which rows of which list a figure counts, in words that know no addresses."""

from collections.abc import Iterable
from typing import Any, NamedTuple


class Where(NamedTuple):
    """One condition on a column of a list: equals, one_of, from or to."""

    column: str
    operator: str
    values: tuple[str, ...]


def equals(column: str, value: Any) -> Where:
    """The column has this value; a yes-or-no column takes a bool."""
    if isinstance(value, bool):
        value = "y" if value else "n"
    return Where(column, "equals", (str(value),))


def one_of(column: str, values: Iterable[Any]) -> Where:
    """The column has one of these values."""
    return Where(column, "one_of", tuple(str(value) for value in values))


def at_least(column: str, value: Any) -> Where:
    """The column has this value or a greater one."""
    return Where(column, "from", (str(value),))


def at_most(column: str, value: Any) -> Where:
    """The column has this value or a smaller one."""
    return Where(column, "to", (str(value),))
