"""One spelling of "one of these ids" that stays fast for hundreds of ids on both databases."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Integer, any_, literal
from sqlalchemy.orm import Session


def among(session: Session, column: Any, ids: Iterable[int]) -> ColumnElement[bool]:
    """Tell that a column holds one of the ids.

    PostgreSQL takes them as one array: a list of 500 parameters costs it more to plan than the
    statement itself (data-model.md s6). SQLite has no arrays and plans a list quickly.
    """
    keys = list(ids)
    if session.get_bind().dialect.name == "postgresql":
        return column == any_(literal(keys, ARRAY(Integer)))
    return column.in_(keys)


def parts(ids: Sequence[int], size: int) -> list[Sequence[int]]:
    """Cut a list into pieces of at most `size`."""
    return [ids[start : start + size] for start in range(0, len(ids), size)]
