"""Migrations: one head, there and back on both databases, and nothing left to generate (REL-16)."""

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from app.extensions import db
from app.models.fences import missing_fences
from config import ROOT
from tests.conftest import Database, make_app


@pytest.fixture
def empty_app(kind: str, key_file: Path, tmp_path: Path) -> Any:
    """The application on a database without tables."""
    made = Database(kind, tmp_path)
    app = make_app(made.url, key_file, tmp_path)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    made.drop(made.name)


def differences() -> list[Any]:
    """What autogenerate would still write."""
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, db.metadata))


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory(str(ROOT / "migrations")).get_heads()) == 1


def test_up_down_up_leaves_nothing_to_generate(empty_app: Any) -> None:
    from flask_migrate import downgrade, upgrade

    upgrade()
    downgrade(revision="base")
    left = set(inspect(db.engine).get_table_names()) - {"alembic_version"}
    upgrade()

    assert left == set()
    assert differences() == []


def test_history_is_fenced_by_the_database(empty_app: Any) -> None:
    from flask_migrate import upgrade

    upgrade()
    with db.engine.connect() as connection:
        assert missing_fences(connection, db.metadata) == []
