"""An upgrade by a next release: the data stay what they were, and one that fails leaves the old
schema (REL-16)."""

import re
import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade
from sqlalchemy import column, func, inspect, select, table, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from app.access.actor import system
from app.extensions import db
from app.models.fences import missing_fences
from app.models.unit import Unit
from config import ROOT
from tests.factories import Wanted, make_teachers

TEACHERS = 1000
STATES = ("draft", "submitted", "effective", "reported")

# What a next release may do: wider and new columns in tables that many others point to, in
# history and in a set.
NEXT = '''"""the next release"""

import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{head}"
branch_labels = depends_on = None
TABLES = ("unit", "teacher", "audit", "rec_basic")


def upgrade():
    for name in TABLES:
        with op.batch_alter_table(name) as batch:
            batch.add_column(sa.Column("hue", sa.String(8), nullable=False, server_default="red"))
    for name in ("unit", "teacher"):
        with op.batch_alter_table(name) as batch:
            batch.alter_column("name", existing_type=sa.String(100), type_=sa.String(240))
            batch.create_index("ix_" + name + "_hue", ["hue"])
    {then}


def downgrade():
    for name in ("unit", "teacher"):
        with op.batch_alter_table(name) as batch:
            batch.drop_index("ix_" + name + "_hue")
            batch.alter_column("name", existing_type=sa.String(240), type_=sa.String(100))
    for name in TABLES:
        with op.batch_alter_table(name) as batch:
            batch.drop_column("hue")
'''
Columns = dict[str, list[str]]


@pytest.fixture
def place(live_app: Any) -> Iterator[Any]:
    with live_app.app_context(), system():
        yield live_app
        db.session.remove()


@pytest.fixture
def release(tmp_path: Path) -> Callable[..., str]:
    """Make the migrations of a next release; returns their folder."""

    def make(then: str = "") -> str:
        folder = tmp_path / "migrations"
        shutil.copytree(ROOT / "migrations", folder, dirs_exist_ok=True)
        head = ScriptDirectory(str(ROOT / "migrations")).get_current_head()
        code = NEXT.replace("{head}", str(head)).replace("{then}", then)
        (folder / "versions" / "next.py").write_text(code, encoding="utf-8")
        return str(folder)

    return make


def columns() -> Columns:
    """The tables with their columns, the version of the schema aside."""
    found = inspect(db.engine).get_multi_columns()
    return {
        name: [each["name"] for each in parts]
        for (_schema, name), parts in found.items()
        if name != "alembic_version"
    }


def content(of: Columns) -> dict[str, tuple[int, str]]:
    """The number of rows of each table and the checksum of what stands in these columns."""
    sums = {}
    with db.engine.connect() as connection:
        for name, parts in of.items():
            rows = connection.execute(select(*map(column, parts)).select_from(table(name)))
            lines = sorted(repr(tuple(map(_plain, row))) for row in rows)
            sums[name] = len(lines), sha256("\n".join(lines).encode()).hexdigest()
    return sums


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def schema() -> dict[str, Any]:
    """Everything of the schema that can be asked for, and its version."""
    ask = inspect(db.engine)
    found: dict[str, Any] = {
        kind: {
            name: sorted(re.sub(" at 0x[0-9a-f]+", "", str(each)) for each in parts)
            for (_schema, name), parts in getattr(ask, f"get_multi_{kind}")().items()
        }
        for kind in ("columns", "indexes", "foreign_keys", "check_constraints")
    }
    with db.engine.connect() as connection:
        found["version"] = connection.scalar(text("SELECT version_num FROM alembic_version"))
        found["missing"] = missing_fences(connection, db.metadata)
    return found


@pytest.mark.wide
def test_a_thousand_files_pass_an_upgrade_and_the_way_back_unchanged(
    place: Any, release: Callable[..., str]
) -> None:
    session = db.session()
    school = session.scalar(select(Unit).where(Unit.kind == "school"))
    wanted = [Wanted(school, STATES[number % len(STATES)]) for number in range(TEACHERS)]
    make_teachers(session, wanted)
    session.commit()
    before, old = content(columns()), columns()
    folder = release()

    upgrade(directory=folder)

    assert before["teacher"][0] >= TEACHERS
    assert before["rec_learning"][0] >= TEACHERS
    assert content(old) == before
    assert set(columns()["teacher"]) - set(old["teacher"]) == {"hue"}
    with db.engine.connect() as connection:
        hues = select(column("hue"), func.count()).select_from(table("teacher"))
        count = before["teacher"][0]
        assert [tuple(row) for row in connection.execute(hues.group_by(column("hue")))] == [
            ("red", count)
        ]
        assert missing_fences(connection, db.metadata) == []

    downgrade(directory=folder, revision="-1")

    assert columns() == old
    assert content(old) == before
    assert schema()["missing"] == []


def test_foreign_keys_and_fences_hold_after_an_upgrade(
    place: Any, release: Callable[..., str]
) -> None:
    upgrade(directory=release())

    for statement in (
        "DELETE FROM unit WHERE kind = 'district'",
        "UPDATE teacher SET school_id = 999999",
        "UPDATE transition SET step = 'x'",
    ):
        with pytest.raises(IntegrityError), db.engine.begin() as connection:
            connection.execute(text(statement))


FAILURES = {
    "an error of the program": ('raise ValueError("planted")', ValueError),
    "an error of the database": (
        'op.execute("INSERT INTO nothing_of_it VALUES (1)")',
        (OperationalError, ProgrammingError),
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_an_upgrade_that_fails_half_way_leaves_the_old_schema_and_data(
    place: Any, release: Callable[..., str], case: str
) -> None:
    fault, error = FAILURES[case]
    spoilt = 'op.execute("UPDATE teacher SET name = \'x\'"); op.drop_table("file_problem")'
    old, kept = columns(), schema()
    before = content(old)

    with pytest.raises(error):
        upgrade(directory=release(f"{spoilt}; {fault}"))

    assert schema() == kept
    assert columns() == old
    assert content(old) == before
    upgrade(directory=release())
    assert content(old) == before


def test_an_upgrade_that_leaves_rows_pointing_to_nothing_is_taken_back(
    place: Any, release: Callable[..., str]
) -> None:
    old, kept = columns(), schema()
    before = content(old)

    with pytest.raises((SystemExit, IntegrityError)):
        upgrade(directory=release("op.execute(\"DELETE FROM unit WHERE kind = 'school'\")"))

    assert schema() == kept
    assert content(old) == before
