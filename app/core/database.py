"""How connections behave: SQLite as a careful single-writer database; one preparer at a time."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

# A transaction that only reads need not wait for the writer; requests that cannot write say so.
reads_only: ContextVar[bool] = ContextVar("reads_only", default=False)
# Seconds that a statement may take, where that is not what the connection says (PostgreSQL).
statement_seconds: ContextVar[int | None] = ContextVar("statement_seconds", default=None)
LIMIT_TRANSACTION = "SELECT set_config('statement_timeout', %s, true)"


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None  # BEGIN is ours, see below.
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=15000")
    cursor.close()


@event.listens_for(Engine, "begin")
def _begin(connection: Any) -> None:
    """Take the write lock at the start: a lock upgraded half-way could fail at once."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN" if reads_only.get() else "BEGIN IMMEDIATE")
    elif (seconds := statement_seconds.get()) is not None:
        connection.exec_driver_sql(LIMIT_TRANSACTION, (f"{seconds}s",))


# "prep" in ASCII: the advisory lock of whoever prepares a database.
PREPARE_LOCK = 0x70726570


@contextmanager
def prepared_by_one(engine: Engine) -> Iterator[None]:
    """Let one process at a time bring a database up to date; the next one waits, however long,
    and finds the work done (REL-18). A process that dies leaves no lock behind."""
    if engine.dialect.name == "sqlite":
        with Path(f"{engine.url.database}.lock").open("w", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # Closing the file lets go of it.
            yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET lock_timeout = 0")
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({PREPARE_LOCK})")
        try:
            yield
        finally:
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({PREPARE_LOCK})")
            connection.exec_driver_sql("RESET lock_timeout")
            connection.exec_driver_sql("RESET statement_timeout")


class BrokenReferences(RuntimeError):
    """A migration would leave rows that point to nothing; the message names their tables."""


@contextmanager
def schema_transaction(engine: Engine) -> Iterator[Connection]:
    """The one transaction of all migrations that are missing: whole, or the old schema and data
    stay (REL-16).

    SQLite changes a table by building it anew and dropping the old one. With foreign keys in force
    that would delete what hangs on its rows, so they are looked at in the end instead. Raise
    BrokenReferences, and nothing is kept, when rows point to what is no longer there.
    """
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if is_sqlite:
            _enforce_references(connection, "OFF")
        try:
            with connection.begin():
                yield connection
                if is_sqlite:
                    _refuse_broken_references(connection)
        finally:
            if is_sqlite:
                _enforce_references(connection, "ON")


def _enforce_references(connection: Connection, state: str) -> None:
    # On the driver's connection: inside of a transaction, which any statement of ours begins,
    # SQLite passes this over without a word.
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA foreign_keys={state}")


def _refuse_broken_references(connection: Connection) -> None:
    found = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if found:
        tables = ", ".join(sorted({row[0] for row in found}))
        raise BrokenReferences(f"Rows would point to what is no longer there: {tables}.")
