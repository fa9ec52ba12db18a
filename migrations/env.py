"""Runs the migrations on the application's database, each revision in one transaction."""

from typing import Any

from alembic import context

from app import models
from app.core.database import prepared_by_one, schema_transaction
from app.extensions import db
from app.models import fences

models.load_all()


def include_object(_object: Any, name: str | None, kind: str, _reflected: bool, _to: Any) -> bool:
    """Indexes that the city adds online (`ix_x_…`) are not the business of migrations."""
    return not (kind == "index" and str(name).startswith("ix_x_"))


def run() -> None:
    """Run what is missing; autogenerate compares types too and writes nothing when equal."""

    def drop_empty(_context: Any, _revision: Any, directives: list[Any]) -> None:
        wanted = getattr(context.config.cmd_opts, "autogenerate", False)
        if wanted and directives and directives[0].upgrade_ops.is_empty():
            directives[:] = []

    # One transaction for all: a migration that fails leaves the old schema, on SQLite too.
    with prepared_by_one(db.engine), schema_transaction(db.engine) as connection:
        if connection.dialect.name == "postgresql":
            # A large table takes longer than a request may; waiting for a lock stays short.
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=True,
            transactional_ddl=True,
            compare_type=True,
            include_object=include_object,
            process_revision_directives=drop_empty,
        )
        # History is open to a migration and to nothing else; its fences follow the new columns.
        with context.begin_transaction():
            fences.unfence(connection)
            context.run_migrations()
            fences.refence(connection)


run()
