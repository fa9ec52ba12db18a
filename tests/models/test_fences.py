"""The fences of the database: what is in force cannot be changed or deleted by anybody."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    text,
)
from sqlalchemy.exc import IntegrityError, ProgrammingError

from app.access.actor import system
from app.models import fences
from app.models.history import Audit, AuditSeal, Transition
from app.models.record import MOVABLE, SETS
from tests.databases import engine, kept_engine  # noqa: F401

METADATA = MetaData()
RECORD = Table(
    "rec_test",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("uuid", String(32)),
    Column("teacher_id", Integer),
    Column("school_id", Integer),
    Column("authority_id", Integer),
    Column("state", String(10)),
    Column("valid_from", DateTime),
    Column("valid_to", DateTime),
    Column("version", Integer, default=1),
    Column("extra", JSON),
    Column("order", String(10)),
    Column("photo", LargeBinary),
    Column("id_no", LargeBinary),
    Column("id_no_index", LargeBinary),
)
DRAFT, LIVE, PAST = 1, 2, 3
FROM, TO = "2026-01-01 00:00:00.000000", "2026-06-01 00:00:00.000000"
OLD_KEY, SAME_KEY, NEW_KEY = b"\x01\x01old", b"\x01\x01new", b"\x01\x02new"


@pytest.fixture(scope="module")
def fenced(kept_engine) -> Iterator[Engine]:  # noqa: F811
    METADATA.create_all(kept_engine)
    rows = [
        {"id": DRAFT},
        {"id": LIVE, "valid_from": _moment(FROM)},
        {"id": PAST, "valid_from": _moment(FROM), "valid_to": _moment(TO)},
    ]
    same = {"uuid": "u", "state": "x", "order": "1", "id_no": OLD_KEY, "valid_from": None}
    with kept_engine.begin() as connection:
        for statement in fences.all_fences(kept_engine.dialect.name, METADATA):
            connection.execute(text(statement))
        connection.execute(RECORD.insert(), [same | {"valid_to": None} | row for row in rows])
    return kept_engine


@pytest.fixture
def connection(fenced) -> Iterator[Connection]:
    with system(), fenced.connect() as connection:
        yield connection
        connection.rollback()


def _moment(value):
    return datetime.fromisoformat(value)


def put(connection, row, **values):
    connection.execute(RECORD.update().where(RECORD.c.id == row).values(values))


FIXED = {
    "id": 9,
    "uuid": "v",
    "teacher_id": 4,
    "valid_from": _moment(TO),
    "extra": {"a": "b"},
    "order": "2",
    "photo": b"x",
}
FREE = {"school_id": 4, "authority_id": 5, "state": "y", "version": 2, "id_no_index": b"z"}


def test_every_column_of_the_test_table_is_tried():
    assert {*FIXED, *FREE, "valid_to", "id_no"} == set(RECORD.columns.keys())


@pytest.mark.parametrize("row", [LIVE, PAST])
@pytest.mark.parametrize("column", FIXED)
def test_what_a_row_in_force_says_cannot_be_changed(connection, row, column):
    with pytest.raises(IntegrityError, match="history of rec_test cannot be changed"):
        put(connection, row, **{column: FIXED[column]})


@pytest.mark.parametrize("row", [DRAFT, LIVE, PAST])
@pytest.mark.parametrize("column", FREE)
def test_place_state_and_index_of_every_row_may_move(connection, row, column):
    put(connection, row, **{column: FREE[column]})

    value = connection.scalar(
        RECORD.select().with_only_columns(RECORD.c[column]).where(RECORD.c.id == row)
    )
    assert value == FREE[column]


@pytest.mark.parametrize("column", [*FIXED, "id_no"])
def test_draft_may_change_everything(connection, column):
    put(connection, DRAFT, **{column: FIXED.get(column, SAME_KEY)})

    row = FIXED["id"] if column == "id" else DRAFT
    assert connection.execute(RECORD.select().where(RECORD.c.id == row)).one()


def test_row_ends_once(connection):
    put(connection, LIVE, valid_to=_moment(TO))

    for value in (_moment(FROM), None):
        with pytest.raises(IntegrityError), connection.begin_nested():
            put(connection, LIVE, valid_to=value)


@pytest.mark.parametrize("row", [LIVE, PAST])
def test_row_in_force_or_past_is_not_deleted(connection, row):
    with pytest.raises(IntegrityError):
        connection.execute(RECORD.delete().where(RECORD.c.id == row))


def test_draft_is_deleted(connection):
    assert connection.execute(RECORD.delete().where(RECORD.c.id == DRAFT)).rowcount == 1


@pytest.mark.parametrize("row", [LIVE, PAST])
@pytest.mark.parametrize("value", [SAME_KEY, None], ids=["same key", "gone"])
def test_sealed_value_in_force_cannot_be_changed(connection, row, value):
    with pytest.raises(IntegrityError):
        put(connection, row, id_no=value)


@pytest.mark.parametrize("row", [LIVE, PAST])
def test_sealed_value_may_be_sealed_anew_under_another_key(connection, row):
    put(connection, row, id_no=NEW_KEY)

    assert connection.scalar(text(f"SELECT id_no FROM rec_test WHERE id = {row}")) == NEW_KEY  # noqa: S608


def test_sealed_value_does_not_appear_in_a_row_in_force(connection):
    put(connection, DRAFT, id_no=None)
    put(connection, DRAFT, valid_from=_moment(FROM))

    with pytest.raises(IntegrityError):
        put(connection, DRAFT, id_no=NEW_KEY)


def test_missing_fence_is_named(connection):
    assert fences.missing_fences(connection, METADATA) == []
    on = " ON rec_test" if connection.dialect.name == "postgresql" else ""

    connection.execute(text(f"DROP TRIGGER fence_rec_test_ended{on}"))

    assert fences.missing_fences(connection, METADATA) == ["fence_rec_test_ended"]


def test_dropped_fences_leave_nothing_behind(connection):
    for statement in fences.drop_statements(connection.dialect.name, METADATA)[:4]:
        connection.execute(text(statement))

    put(connection, LIVE, order="2")
    assert len(fences.missing_fences(connection, METADATA)) == 4


def test_fences_follow_an_added_column_and_the_tables_of_the_database(connection):
    connection.execute(text("ALTER TABLE rec_test ADD COLUMN added varchar(10)"))
    put(connection, LIVE, school_id=5)
    connection.execute(text("UPDATE rec_test SET added = 'x'"))

    fences.refence(connection)

    with pytest.raises(IntegrityError), connection.begin_nested():
        connection.execute(text("UPDATE rec_test SET added = 'y'"))
    with pytest.raises(IntegrityError), connection.begin_nested():
        put(connection, LIVE, id_no=SAME_KEY)
    put(connection, LIVE, id_no=NEW_KEY, school_id=6)
    assert fences.missing_fences(connection, METADATA) == []
    assert fences.missing_fences(connection, Audit.metadata) == sorted(
        name for name in _all_names(connection) if name.startswith("fence_rec_")
    )


def _all_names(connection):
    statements = fences.all_fences(connection.dialect.name, Audit.metadata)
    return {each.split()[2] for each in statements if each.startswith("CREATE TRIGGER")}


def test_no_fence_is_left_after_taking_all_away(connection):
    fences.unfence(connection)

    put(connection, LIVE, order="2")
    assert len(fences.missing_fences(connection, METADATA)) == 4
    fences.unfence(connection)
    fences.refence(connection)
    assert fences.missing_fences(connection, METADATA) == []


def test_all_record_and_history_tables_have_fences():
    wanted = {each.__tablename__ for each in (*SETS.values(), Audit, AuditSeal, Transition)}
    metadata = Audit.metadata

    for dialect in ("sqlite", "postgresql"):
        created = [each for each in fences.all_fences(dialect, metadata) if "TRIGGER" in each]
        tables = {each.partition(" ON ")[2].split()[0] for each in created}
        assert tables == wanted


def test_sealed_columns_are_those_of_the_catalogue():
    statements = fences.all_fences("sqlite", Audit.metadata)

    sealed = [each for each in statements if "_sealed BEFORE" in each]

    assert [each.split()[2] for each in sealed] == [
        "fence_rec_basic_sealed",
        "fence_rec_contact_sealed",
    ]
    assert 'OLD."mobile"' in sealed[1]
    assert 'OLD."emergency_phone"' in sealed[1]


def test_movable_columns_are_named_by_the_record():
    assert set(FREE) - {"id_no_index"} | {"valid_to"} == set(MOVABLE)


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_role_of_the_web_process_cannot_touch_history_even_without_triggers(engine):  # noqa: F811
    role = "web_" + engine.url.database[-12:]
    with engine.connect() as connection:
        connection.execute(text(f"CREATE ROLE {role}"))
        for statement in fences.grant_statements(role, Audit.metadata):
            connection.execute(text(statement))
        connection.execute(text("INSERT INTO audit (at, act, outcome) VALUES (now(), 'x', 'done')"))
        connection.commit()
        try:
            assert fences.alterable(connection) == list(fences.APPEND_ONLY)
            connection.execute(text(f"SET ROLE {role}"))
            assert fences.alterable(connection) == []
            connection.execute(
                text("INSERT INTO audit (at, act, outcome) VALUES (now(), 'y', 'done')")
            )
            connection.commit()
            for attack in (
                *(f"UPDATE {name} SET id = id" for name in fences.APPEND_ONLY),
                *(f"DELETE FROM {name}" for name in fences.APPEND_ONLY),
                *(f"TRUNCATE {name}" for name in fences.APPEND_ONLY),
                "ALTER TABLE audit DISABLE TRIGGER ALL",
                "DROP TRIGGER fence_audit_update ON audit",
            ):
                with pytest.raises(ProgrammingError, match="permission denied|must be owner"):
                    connection.execute(text(attack))
                connection.rollback()
                connection.execute(text(f"SET ROLE {role}"))
        finally:
            connection.rollback()
            connection.execute(text("RESET ROLE"))
            connection.execute(text(f"DROP OWNED BY {role}"))
            connection.execute(text(f"DROP ROLE {role}"))
            connection.commit()


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_history_is_not_truncated(engine):  # noqa: F811
    with engine.connect() as connection, pytest.raises(IntegrityError):
        connection.execute(text("TRUNCATE audit"))
