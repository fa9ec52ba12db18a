"""Empty databases of both kinds for tests that need tables and processes, but no application."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from flask_appbuilder import Model
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.orm import Session

import app.core.database  # noqa: F401 - sets how SQLite connections behave.
from app.access.scope import system
from app.models import history, job
from app.models.fences import APPEND_ONLY, append_only_statements, fence_function

TABLES = [
    each.__table__ for each in (job.Job, history.Audit, history.AuditSeal, history.Transition)
]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Yield an engine on a database with queue, history and its fences; the system looks on."""
    with system():
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path / 'test.db'}"
            with _tables(url) as engine:
                yield engine
            return
        server = os.environ.get("TEST_PG_URL")
        if server is None:
            pytest.skip("no PostgreSQL")
        with _postgres_database(server) as url, _tables(url) as engine:
            yield engine


def fences_off(session: Session) -> None:
    """Drop the triggers, as somebody could who owns the database."""
    dialect = session.get_bind().dialect.name
    for table in APPEND_ONLY:
        for statement in append_only_statements(dialect, table):
            on = f" ON {table}" if dialect == "postgresql" else ""
            session.execute(text(f"DROP TRIGGER {statement.split()[2]}{on}"))


@contextmanager
def _tables(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    Model.metadata.create_all(engine, tables=TABLES)
    with engine.begin() as connection:
        dialect = engine.dialect.name
        for statement in fence_function(dialect):
            connection.execute(text(statement))
        for table in APPEND_ONLY:
            for statement in append_only_statements(dialect, table):
                connection.execute(text(statement))
    yield engine
    engine.dispose()


@contextmanager
def _postgres_database(server: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()
