"""Plain values as the columns of a set's table: sealed where the catalogue says so."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.core.crypto import blind_index, seal
from app.models.record import SETS, index_kind

Columns = dict[str, Any]


def set_columns(set_code: str, uuid: str, values: Mapping[str, Any]) -> Columns:
    """All columns of a record that hold indicators, every one named, for a bulk insert."""
    cls = SETS[set_code]
    found: Columns = {}
    for item in cls.indicator_set.indicators:
        value = values.get(item.code)
        if not item.sealed:
            found[item.code] = value
            continue
        place = {"table": cls.__tablename__, "column": item.code, "uuid": uuid}
        blank = value is None
        found[item.code] = None if blank else seal(value, **place)
        found[f"{item.code}_index"] = None if blank else blind_index(value, index_kind(item))
    return found


def insert_rows(session: Session, table: Any, rows: Iterable[Columns], size: int = 1000) -> int:
    """Insert rows that name the same columns, in batches; returns how many."""
    pending: Sequence[Columns] = list(rows)
    for start in range(0, len(pending), size):
        session.execute(insert(table), pending[start : start + size])
    return len(pending)
