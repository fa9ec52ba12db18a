"""Two processes that prepare one empty database leave one schema and one seed (REL-18)."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, make_url, select, text
from sqlalchemy.orm import Session

from app.access.actor import system
from app.core.database import prepared_by_one
from app.models.indicator import Code, Indicator, IndicatorRule
from config import ROOT
from tests.conftest import Database

LIMIT = 600
FLASK = [sys.executable, "-m", "flask", "--app", "app"]
PREPARE = ["db upgrade", "seed"]


@pytest.fixture
def empty(kind: str, tmp_path: Path) -> Any:
    made = Database(kind, tmp_path)
    yield made
    made.drop(made.name)


def environment(made: Database, key_file: Path, folder: Path) -> dict[str, str]:
    return os.environ | {
        "APP_ENV": "test",
        "DATABASE_URL": made.url,
        "FIELD_KEY_FILE": str(key_file),
        "STORAGE_DIR": str(folder / "files"),
        "AUDIT_HEAD_FILE": str(folder / "audit-head"),
    }


def prepare(made: Database, key_file: Path, folder: Path) -> subprocess.Popen:
    """A process that does what the start of an installation does."""
    commands = " && ".join(f"'{sys.executable}' -m flask --app app {each}" for each in PREPARE)
    return subprocess.Popen(
        ["sh", "-c", commands],
        cwd=ROOT,
        env=environment(made, key_file, folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def engine_of(made: Database) -> Any:
    url = make_url(made.url)
    driver = "postgresql+psycopg" if url.drivername == "postgresql" else url.drivername
    return create_engine(url.set(drivername=driver))


def test_two_starts_on_an_empty_database_make_one_schema_and_one_seed(
    empty: Database, key_file: Path, tmp_path: Path
) -> None:
    both = [prepare(empty, key_file, tmp_path) for _ in range(2)]
    said = [each.communicate(timeout=LIMIT)[0] for each in both]

    assert [each.returncode for each in both] == [0, 0], said
    engine = engine_of(empty)
    with system(), Session(engine) as session:
        versions = session.execute(text("SELECT version_num FROM alembic_version")).all()
        assert len(versions) == 1
        for cls in (Indicator, Code, IndicatorRule):
            keys = [getattr(cls, name) for name in cls.KEY]
            rows = session.execute(select(*keys).where(cls.valid_to.is_(None))).all()
            assert rows
            assert [row for row, count in Counter(rows).items() if count > 1] == []
    assert "teacher" in inspect(engine).get_table_names()
    engine.dispose()
    loaded = [text for text in said if "added=0, changed=0" in text]
    assert len(loaded) == 1, said  # The second found everything there.


def test_a_preparer_that_is_killed_leaves_no_lock(
    empty: Database, key_file: Path, tmp_path: Path
) -> None:
    first = prepare(empty, key_file, tmp_path)
    time.sleep(4)  # In the middle of its migration or about to be: it makes no difference.
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate(timeout=LIMIT)

    second = prepare(empty, key_file, tmp_path)
    said = second.communicate(timeout=LIMIT)[0]

    assert second.returncode == 0, said
    engine = engine_of(empty)
    started = time.monotonic()
    with prepared_by_one(engine):
        assert time.monotonic() - started < 5
    engine.dispose()
