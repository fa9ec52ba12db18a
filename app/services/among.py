"""Sets of ids in statements, fast for hundreds of them and the same on both databases."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Integer, String, any_, cast, func, literal
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

PRIME = 2_147_483_647  # The square of what is smaller fits the integers of both databases.


def among(session: Session, column: Any, ids: Iterable[int]) -> ColumnElement[bool]:
    """Tell that a column holds one of the ids.

    PostgreSQL takes them as one array: a list of 500 parameters costs it more to plan than the
    statement itself (data-model.md s6). SQLite has no arrays and plans a list quickly.
    """
    keys = list(ids)
    if session.get_bind().dialect.name == "postgresql":
        return column == any_(literal(keys, ARRAY(Integer)))
    return column.in_(keys)


def checksum(key: Any, version: Any = 0) -> ColumnElement[str]:
    """An aggregate that tells one set of rows from another: other ids, or other versions of them.

    Sums of a mixed number and of its square: what adds up to the same ids does not to the same
    squares. It guards against what changed meanwhile, not against somebody who means harm.
    """
    mixed = (cast(key, BigInteger) * 1_000_003 + cast(version, BigInteger) * 8_191) % PRIME
    plain = func.coalesce(func.sum(mixed), 0)
    squares = func.coalesce(func.sum(mixed * mixed % PRIME), 0)
    return cast(plain, String) + literal("-") + cast(squares, String)


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
