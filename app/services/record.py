"""Many rows of a set written at once: what is stored of plain values, one statement per set.

The unit of work of the ORM updates versioned rows one by one; a batch of 500 files must not.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, insert, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.core.crypto import index_columns, seal
from app.core.errors import Stale
from app.core.sealed import UNREADABLE
from app.models.record import index_kind

Columns = dict[str, Any]
# A loaded record and the columns of it that are to be written.
Change = tuple[Any, Columns]


def stored(cls: Any, uuid: str, values: Mapping[str, Any]) -> Columns:
    """The columns that plain values take in a row; sealed ones with their blind index.

    What is UNREADABLE has none: it stays as it is.
    """
    found: Columns = {}
    for code, value in values.items():
        if value is UNREADABLE:
            continue
        item = cls.indicator_set.indicator(code)
        if not item.sealed:
            found[code] = value
            continue
        blank = value in (None, "")
        place = {"table": cls.__tablename__, "column": code, "uuid": uuid}
        found[code] = None if blank else seal(value, **place)
        found |= index_columns(code, value, index_kind(item))
    return found


def insert_rows(session: Session, cls: Any, rows: Sequence[Columns]) -> None:
    """Insert rows of one set in one statement; columns that a row leaves out are null."""
    if rows:
        names = {name for row in rows for name in row}
        full = [dict.fromkeys(names) | row for row in rows]
        session.execute(insert(cls.__table__), full)


def update_rows(session: Session, cls: Any, changes: Iterable[Change]) -> None:
    """Update loaded rows of one set in one statement and raise their versions.

    All rows write the same columns. Raise Stale when one was changed since it was loaded.
    """
    changes = [change for change in changes if change[1]]
    if not changes:
        return
    names = sorted({name for _row, columns in changes for name in columns})
    table = cls.__table__
    written: dict[str, Any] = {name: bindparam(f"to_{name}") for name in names}
    statement = (
        update(table)
        .where(table.c.id == bindparam("row_id"), table.c.version == bindparam("row_version"))
        .values(written | {"version": table.c.version + 1})
    )
    parameters = [
        {"row_id": row.id, "row_version": row.version}
        | {f"to_{name}": columns.get(name, getattr(row, name)) for name in names}
        for row, columns in changes
    ]
    result = session.execute(statement, parameters)
    if result.rowcount != len(parameters):  # type: ignore[attr-defined]
        raise Stale()
    for row, columns in changes:
        for name, value in columns.items():
            set_committed_value(row, name, value)
        set_committed_value(row, "version", row.version + 1)
