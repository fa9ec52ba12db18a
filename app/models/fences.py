"""Triggers that keep history as it was: append-only tables and rows in force (data-model.md s7)."""

from collections.abc import Iterable

from sqlalchemy import Column, Connection, LargeBinary, MetaData, Table, inspect, text

from app.core.crypto import INDEX_SUFFIXES
from app.models.history import AUDIT_RETENTION_DAYS
from app.models.record import MOVABLE

APPEND_ONLY = ("audit", "audit_seal", "transition")
RECORD_PREFIX = "rec_"

_FUNCTION = """CREATE OR REPLACE FUNCTION history_fence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'history of % cannot be changed', TG_TABLE_NAME USING ERRCODE = '23001';
END $$"""


# The table of the migrations is there once they have run.
_VERSIONS_READ_ONLY = """DO $$ BEGIN
  IF to_regclass('public.alembic_version') IS NOT NULL THEN
    REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON alembic_version FROM {role};
  END IF;
END $$"""


def fence_function(dialect: str) -> list[str]:
    """Return the statements that the triggers of all tables need once, before them."""
    return [_FUNCTION] if dialect == "postgresql" else []


def append_only_statements(dialect: str, table: str) -> list[str]:
    """Return the triggers that refuse every change of a table; only the audit log ages."""
    ages = _is_young(dialect) if table == "audit" else None
    triggers = [
        _trigger(dialect, table, "update", "UPDATE"),
        _trigger(dialect, table, "delete", "DELETE", when=ages),
    ]
    if dialect == "postgresql":
        triggers.append(
            f"CREATE TRIGGER fence_{table}_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION history_fence()"
        )
    return triggers


def fence_statements(
    dialect: str, table: str, *, columns: Iterable[str], sealed: Iterable[str] = ()
) -> list[str]:
    """Return the triggers of a record table whose rows in force say the same for ever.

    `columns` are all columns of the table, `sealed` those with sealed values. A sealed value may
    be written anew only under another key, as a rotation does, and never appear or vanish; its
    blind index follows it and is free. `valid_to` is written once. Nothing in force is deleted.
    """
    sealed = sorted(sealed)
    free = {*MOVABLE, *sealed} | {name + end for name in sealed for end in INDEX_SUFFIXES}
    fixed = [name for name in columns if name not in free]
    in_force = "OLD.valid_from IS NOT NULL"
    triggers = [
        _trigger(dialect, table, "says", f"UPDATE OF {', '.join(map(_quoted, fixed))}", in_force),
        _trigger(dialect, table, "ended", "UPDATE OF valid_to", "OLD.valid_to IS NOT NULL"),
        _trigger(dialect, table, "delete", "DELETE", in_force),
    ]
    if sealed:
        same = " OR ".join(_is_same_key(name) for name in sealed)
        on = f"UPDATE OF {', '.join(map(_quoted, sealed))}"
        triggers.append(_trigger(dialect, table, "sealed", on, f"{in_force} AND ({same})"))
    return triggers


def all_fences(dialect: str, metadata: MetaData) -> list[str]:
    """Return all statements for the append-only and record tables of the metadata."""
    statements = fence_function(dialect)
    for table in _fenced(metadata):
        statements += _statements(dialect, table)
    return statements


def drop_statements(dialect: str, metadata: MetaData) -> list[str]:
    """Return the statements that take the fences of the metadata away."""
    statements = []
    for table in _fenced(metadata):
        names = [_name(statement) for statement in _statements(dialect, table)]
        on = f" ON {table.name}" if dialect == "postgresql" else ""
        statements += [f"DROP TRIGGER IF EXISTS {name}{on}" for name in names]
    if dialect == "postgresql":
        statements.append("DROP FUNCTION IF EXISTS history_fence()")
    return statements


def refence(connection: Connection) -> None:
    """Put all fences up anew from the tables as they are in the database.

    Every migration ends with this: an added column needs a wider fence, and SQLite loses the
    triggers of a table that is rebuilt. It reads the database and not the models, which are
    ahead of an early migration.
    """
    unfence(connection)
    inspector, metadata = inspect(connection), MetaData()
    for name in filter(_is_fenced, inspector.get_table_names()):
        columns = inspector.get_columns(name)
        Table(name, metadata, *(Column(each["name"], each["type"]) for each in columns))
    for statement in all_fences(connection.dialect.name, metadata):
        connection.execute(text(statement))


def unfence(connection: Connection) -> None:
    """Take all fences away: before a migration of history, a downgrade, an anonymised copy."""
    dialect = connection.dialect.name
    for name, table in connection.execute(text(_TRIGGERS[dialect])).all():
        if name.startswith(f"fence_{table}_"):
            on = f" ON {table}" if dialect == "postgresql" else ""
            connection.execute(text(f"DROP TRIGGER {name}{on}"))
    if dialect == "postgresql":
        connection.execute(text("DROP FUNCTION IF EXISTS history_fence()"))


def missing_fences(connection: Connection, metadata: MetaData) -> list[str]:
    """Return the names of triggers that the database lacks: SQLite loses them with a rebuilt table.

    A start-up check asks this, and a test after the migrations.
    """
    dialect = connection.dialect.name
    wanted = {_name(each) for table in _fenced(metadata) for each in _statements(dialect, table)}
    return sorted(wanted - set(connection.scalars(text(_TRIGGERS[dialect]))))


_TRIGGERS = {
    "postgresql": "SELECT tgname, relname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid"
    " WHERE NOT tgisinternal AND tgenabled <> 'D'",
    "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'",
}


def grant_statements(role: str, metadata: MetaData) -> list[str]:
    """Return the rights of the web process on PostgreSQL: it owns nothing and keeps history.

    The triggers guard against mistakes of the application, the rights against a stolen login.
    To be run again after an upgrade: a new append-only table is writable until then.
    """
    tables = "SELECT, INSERT, UPDATE, DELETE ON TABLES"
    statements = [
        f"GRANT USAGE ON SCHEMA public TO {_quoted(role)}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {tables} TO {_quoted(role)}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, USAGE ON SEQUENCES"
        f" TO {_quoted(role)}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {_quoted(role)}",
        f"GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA public TO {_quoted(role)}",
    ]
    names = [name for name in APPEND_ONLY if name in metadata.tables]
    statements += [
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {name} FROM {_quoted(role)}" for name in names
    ]
    return [*statements, _VERSIONS_READ_ONLY.format(role=_quoted(role))]


def alterable(connection: Connection) -> list[str]:
    """Return the append-only tables that the present role could change or delete by right.

    PostgreSQL only; SQLite has no roles. The owner of the tables may, the web process must not.
    """
    if connection.dialect.name != "postgresql":
        return []
    ask = text("SELECT has_table_privilege(:name, 'UPDATE, DELETE, TRUNCATE')")
    return [name for name in APPEND_ONLY if connection.scalar(ask, {"name": name})]


def _fenced(metadata: MetaData) -> list[Table]:
    return [table for name, table in sorted(metadata.tables.items()) if _is_fenced(name)]


def _is_fenced(table: str) -> bool:
    return table in APPEND_ONLY or table.startswith(RECORD_PREFIX)


def _statements(dialect: str, table: Table) -> list[str]:
    if table.name in APPEND_ONLY:
        return append_only_statements(dialect, table.name)
    sealed = [
        column.name
        for column in table.columns
        if isinstance(column.type, LargeBinary) and f"{column.name}_index" in table.columns
    ]
    return fence_statements(dialect, table.name, columns=table.columns.keys(), sealed=sealed)


def _name(statement: str) -> str:
    return statement.split()[2]


def _trigger(dialect: str, table: str, name: str, on: str, when: str | None = None) -> str:
    head = f"CREATE TRIGGER fence_{table}_{name} BEFORE {on} ON {table} FOR EACH ROW"
    condition = f" WHEN ({when})" if when else ""
    if dialect == "postgresql":
        return f"{head}{condition} EXECUTE FUNCTION history_fence()"
    refusal = f"SELECT RAISE(ABORT, 'history of {table} cannot be changed')"
    return f"{head}{condition} BEGIN {refusal}; END"


def _is_young(dialect: str) -> str:
    if dialect == "postgresql":
        limit = f"(now() AT TIME ZONE 'UTC') - interval '{AUDIT_RETENTION_DAYS} days'"
    else:
        limit = f"strftime('%Y-%m-%d %H:%M:%f', 'now', '-{AUDIT_RETENTION_DAYS} days')"
    return f"OLD.at > {limit}"


def _is_same_key(name: str) -> str:
    """Tell that a value changes and keeps its key, or that it appears or vanishes."""
    old, new = f"OLD.{_quoted(name)}", f"NEW.{_quoted(name)}"
    # The first two bytes of a sealed value are its suite and its key (core.crypto).
    same = f"{old} <> {new} AND substr({old}, 1, 2) = substr({new}, 1, 2)"
    return f"({old} IS NULL) <> ({new} IS NULL) OR {same}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
