"""Column types, naming convention and mixins that the tables share."""

from datetime import UTC, datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import DateTime, Dialect, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column
from sqlalchemy.types import TypeDecorator

Model.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC on both databases; a naive value is refused (ValueError)."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Scoped:
    """Marks tables whose rows belong to a teacher and so to a school and its authority.

    The scope hook (access.scope) adds its predicate to every statement on them; the columns
    `school_id` and `authority_id` are copied from the teacher by one function.
    """

    __abstract__ = True

    # Declared here because the scope hook builds its predicate on the mixin itself.
    @declared_attr
    def teacher_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("teacher.id"), nullable=False, sort_order=-7)

    @declared_attr
    def school_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("unit.id"), nullable=False, sort_order=-6)

    @declared_attr
    def authority_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("unit.id"), nullable=False, sort_order=-5)


def partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """A partial index with the same condition on SQLite and PostgreSQL."""
    clause: Any = text(where)
    return Index(name, *columns, unique=unique, postgresql_where=clause, sqlite_where=clause)
