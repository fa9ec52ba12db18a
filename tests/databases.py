"""Empty databases of both kinds for tests that need tables and processes, but no application."""

import atexit
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from flask_appbuilder import Model
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.orm import Session

import app.core.database  # noqa: F401 - sets how SQLite connections behave.
from app.access.actor import system
from app.models import history, job
from app.models.fences import APPEND_ONLY, append_only_statements, fence_function

TABLES = [
    each.__table__ for each in (job.Job, history.Audit, history.AuditSeal, history.Transition)
]


_folder = TemporaryDirectory(prefix="original-")
atexit.register(_folder.cleanup)
DIALECTS = ("sqlite", "postgresql")


@pytest.fixture(params=DIALECTS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Yield an engine on a database with queue, history and its fences; the system looks on."""
    with system(), _copy(request.param, tmp_path) as engine:
        yield engine


@pytest.fixture(scope="module", params=DIALECTS)
def kept_engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """The same for all tests of a module, which roll back what they do."""
    with _copy(request.param, tmp_path_factory.mktemp("kept")) as engine:
        yield engine


@contextmanager
def _copy(dialect: str, folder: Path) -> Iterator[Engine]:
    if dialect == "sqlite":
        path = folder / "test.db"
        shutil.copy(_sqlite_original(), path)
        engine = create_engine(f"sqlite:///{path}")
        yield engine
        engine.dispose()
        return
    if "TEST_PG_URL" not in os.environ:
        pytest.skip("no PostgreSQL")
    with _postgres_database(_postgres_original()) as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()


@cache
def _sqlite_original() -> Path:
    """A file with the tables, made once per worker, from which copies are made."""
    path = Path(_folder.name) / "original.db"
    _fill(f"sqlite:///{path}")
    return path


@cache
def _postgres_original() -> str:
    """The same on the server; its name."""
    name = f"test_{uuid4().hex}"
    _administer(f"CREATE DATABASE {name}")
    _fill(_postgres_address(name))
    return name


def fences_off(session: Session) -> None:
    """Drop the triggers, as somebody could who owns the database."""
    dialect = session.get_bind().dialect.name
    for table in APPEND_ONLY:
        for statement in append_only_statements(dialect, table):
            on = f" ON {table}" if dialect == "postgresql" else ""
            session.execute(text(f"DROP TRIGGER {statement.split()[2]}{on}"))


def close() -> None:
    """Remove from the server what was made once per worker."""
    if _postgres_original.cache_info().currsize:
        _administer(f"DROP DATABASE {_postgres_original()} WITH (FORCE)")
    if administrator.cache_info().currsize:
        administrator().dispose()


def _fill(url: str) -> None:
    engine = create_engine(url)
    Model.metadata.create_all(engine, tables=TABLES)
    with engine.begin() as connection:
        dialect = engine.dialect.name
        for statement in fence_function(dialect):
            connection.execute(text(statement))
        for table in APPEND_ONLY:
            for statement in append_only_statements(dialect, table):
                connection.execute(text(statement))
    engine.dispose()


@contextmanager
def _postgres_database(original: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    _administer(f"CREATE DATABASE {name} TEMPLATE {original}")
    try:
        yield _postgres_address(name)
    finally:
        _administer(f"DROP DATABASE {name} WITH (FORCE)")


def _postgres_address(name: str) -> str:
    server = make_url(os.environ["TEST_PG_URL"])
    return server.set(database=name).render_as_string(hide_password=False)


def _administer(statement: str) -> None:
    with administrator().connect() as connection:
        connection.execute(text(statement))


@cache
def administrator() -> Engine:
    """The server's own database; one connection per worker makes and drops all others."""
    url = make_url(os.environ["TEST_PG_URL"]).set(drivername="postgresql+psycopg")
    return create_engine(url, isolation_level="AUTOCOMMIT", pool_size=1)
