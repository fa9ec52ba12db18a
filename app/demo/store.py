"""From plain values to rows: sealed columns, and bulk inserts on either database."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Connection,
    Date,
    Index,
    LargeBinary,
    Numeric,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.orm import Session

from app.core.crypto import index_columns, seal
from app.models.base import UtcDateTime
from app.models.record import SETS, index_kind

Columns = dict[str, Any]
BATCH = 2000


def set_columns(set_code: str, uuid: str, values: Mapping[str, Any]) -> Columns:
    """All columns of a record that hold indicators, every one named, for a bulk insert."""
    cls = SETS[set_code]
    found: Columns = {}
    for item in cls.indicator_set.indicators:
        value: Any = values.get(item.code)
        found[item.code] = value
        if item.sealed:
            place = {"table": cls.__tablename__, "column": item.code, "uuid": uuid}
            blank = value is None
            found[item.code] = None if blank else seal(value, **place)
            found |= index_columns(item.code, value, index_kind(item))
    return found


def insert_rows(session: Session, table: Any, rows: Iterable[Columns], size: int = BATCH) -> int:
    """Insert rows that name the same columns, in batches; returns how many."""
    pending: Sequence[Columns] = list(rows)
    for start in range(0, len(pending), size):
        session.execute(insert(table), pending[start : start + size])
    return len(pending)


class Writer:
    """Collects rows by table; writes `order` first, then tables as they were first named.

    PostgreSQL takes them by COPY, which is several times as fast as inserts; other databases by
    executemany. Everything happens in the transaction of the connection. Used as a context, it
    leaves no thread behind on the connection.
    """

    def __init__(self, connection: Connection, order: Iterable[Table] = ()) -> None:
        self._connection = connection
        self._copies = connection.dialect.name == "postgresql"
        self._tables: dict[str, _Sink] = {table.name: _Sink(table) for table in order}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="demo-writer")
        self._pending: Future[None] | None = None

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._thread.shutdown(wait=True)

    def add(self, table: Table, row: Columns) -> None:
        """Take a row; columns it does not name stay empty."""
        sink = self._tables.get(table.name)
        if sink is None:
            sink = self._tables[table.name] = _Sink(table)
        sink.rows.append(row)

    def flush(self, *, wait: bool = True) -> int:
        """Write what was collected; returns how many rows.

        With `wait=False` a thread writes to PostgreSQL while the caller makes the next rows; until
        the next flush the connection is the thread's.
        """
        self._finish()
        full = [(sink, sink.take()) for sink in self._tables.values() if sink.rows]
        if wait or not self._copies:
            self._write(full)
        else:
            self._pending = self._thread.submit(self._write, full)
        return sum(len(rows) for _sink, rows in full)

    def _write(self, full: "list[tuple[_Sink, list[Columns]]]") -> None:
        for sink, rows in full:
            if self._copies:
                sink.copy(self._connection, rows)
            else:
                sink.insert(self._connection, rows)

    def _finish(self) -> None:
        if self._pending is not None:
            pending, self._pending = self._pending, None
            pending.result()


class _Sink:
    """The rows of one table. Its own number is left to the database unless rows name it."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.rows: list[Columns] = []

    def take(self) -> list[Columns]:
        """Hand over the rows and begin anew."""
        rows, self.rows = self.rows, []
        return rows

    def _columns(self, rows: list[Columns]) -> list[Any]:
        with_id = "id" in rows[0]
        return [each for each in self.table.columns if each.name != "id" or with_id]

    def insert(self, connection: Connection, found: list[Columns]) -> None:
        names = [each.name for each in self._columns(found)]
        rows = [{name: row.get(name) for name in names} for row in found]
        for start in range(0, len(rows), BATCH):
            connection.execute(insert(self.table), rows[start : start + BATCH])

    def copy(self, connection: Connection, rows: list[Columns]) -> None:
        columns = self._columns(rows)
        lines = list(_lines(columns, rows))
        quoted = ", ".join(f'"{each.name}"' for each in columns)
        driver: Any = connection.connection.driver_connection
        with (
            driver.cursor() as cursor,
            cursor.copy(f'COPY "{self.table.name}" ({quoted}) FROM STDIN') as copy,
        ):
            copy.write("\n".join(lines) + "\n")


def _lines(columns: list[Any], rows: list[Columns]) -> Iterator[str]:
    """The text form of COPY: most cells of a row are empty, so only the others are looked at."""
    place = {each.name: number for number, each in enumerate(columns)}
    spell = [_speller(each.type) for each in columns]
    empty = ["\\N"] * len(columns)
    for row in rows:
        cells = empty.copy()
        for name, value in row.items():
            if value is not None:
                number = place[name]
                cells[number] = spell[number](value)
        yield "\t".join(cells)


_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def _spell_text(value: str) -> str:
    # Translating costs ten times as much as looking, and next to nothing needs it.
    if "\\" in value or "\n" in value or "\t" in value or "\r" in value:
        return value.translate(_ESCAPES)
    return value


def _spell_moment(value: datetime) -> str:
    # PostgreSQL ignores the zone of a moment for a column without one, so it has to be UTC.
    return (value if value.tzinfo is UTC else value.astimezone(UTC)).isoformat(" ")


def _spell_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).translate(_ESCAPES)


def _speller(kind: Any) -> Callable[[Any], str]:
    """How a value of a column stands in the text form of COPY."""
    spellings: tuple[tuple[Any, Callable[[Any], str]], ...] = (
        (UtcDateTime, _spell_moment),
        (JSON, _spell_json),
        (Boolean, lambda value: "t" if value else "f"),
        (LargeBinary, lambda value: "\\\\x" + value.hex()),
        (Date, date.isoformat),
        (Numeric, str),
        ((String, Text), _spell_text),
    )
    found = next((spell for types, spell in spellings if isinstance(kind, types)), None)
    if found is not None:
        return found
    # Naive moments of the framework's own tables, and whole numbers.
    return str


def next_id(connection: Connection, table: Table) -> int:
    """The first free number of a table."""
    return int(connection.scalar(select(func.coalesce(func.max(table.c.id), 0))) or 0) + 1


def move_sequences(connection: Connection, tables: Iterable[Table]) -> None:
    """After rows were inserted with numbers of their own: go on behind them (PostgreSQL)."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        default = table.c.id.default
        named = getattr(default, "name", None) if default is not None else None
        name = named or connection.scalar(
            text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": table.name}
        )
        if name:
            connection.execute(
                text("SELECT setval(:sequence, :value)"),
                {"sequence": name, "value": max(1, next_id(connection, table) - 1)},
            )


class Suspended:
    """Takes indexes and foreign keys away while much is loaded, and builds them anew as they were.

    Worth it from some ten thousand files on.
    """

    def __init__(self, connection: Connection, tables: Iterable[Table]) -> None:
        self._connection = connection
        self._tables = list(tables)
        self._indexes: list[Index] = []
        self._keys: list[str] = []

    def drop(self) -> None:
        """Drop what only serves queries and checks; unique ones stay."""
        for table in self._tables:
            for index in table.indexes:
                if not index.unique:
                    index.drop(self._connection)
                    self._indexes.append(index)
        if self._connection.dialect.name == "postgresql":
            self._drop_keys()

    def restore(self) -> None:
        """Build everything anew; foreign keys are checked again."""
        # From the model: what PostgreSQL tells of a condition it would store in another form.
        for index in self._indexes:
            index.create(self._connection)
        for statement in self._keys:
            self._connection.exec_driver_sql(statement)
        self._indexes.clear()
        self._keys.clear()
        self._connection.exec_driver_sql("ANALYZE")

    def _drop_keys(self) -> None:
        keys = self._connection.execute(
            text(
                "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
                " FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text = ANY(:names)"
            ),
            {"names": [table.name for table in self._tables]},
        ).all()
        for table, name, definition in keys:
            self._connection.exec_driver_sql(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
            self._keys.append(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
