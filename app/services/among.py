"""Sets of ids in statements, fast for hundreds of them and the same on both databases."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Integer, String, any_, cast, func, literal
from sqlalchemy.dialects.postgresql import JSONB
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


def looked_up(session: Session, column: Any, texts: Mapping[int, str]) -> ColumnElement[str]:
    """The text that belongs to the id in a column, NULL without one.

    One statement then writes another text into each of hundreds of rows.
    """
    table, key = json.dumps({str(key): text for key, text in texts.items()}), cast(column, String)
    if session.get_bind().dialect.name == "postgresql":
        found = cast(literal(table), JSONB).op("->>", return_type=String())(key)
        return cast(found, String)
    return func.json_extract(literal(table), literal('$."') + key + literal('"'))


def parts(ids: Sequence[int], size: int) -> list[Sequence[int]]:
    """Cut a list into pieces of at most `size`."""
    return [ids[start : start + size] for start in range(0, len(ids), size)]
