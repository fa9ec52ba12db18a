"""What happened: transitions of every flow, the audit log and its seals; append-only (s7)."""

from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import JSON, BigInteger, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.models.base import UtcDateTime

# Access, exports and decisions are kept for three years, which covers the 180 days of technical
# logs as well (SEC-45); the fences of the database refuse to delete younger rows.
AUDIT_RETENTION_DAYS = 3 * 365 + 1

# SQLite numbers rows by itself only when the type is exactly INTEGER.
LongId = BigInteger().with_variant(Integer(), "sqlite")
Json = JSON(none_as_null=True)


class Transition(Model):
    """One step of one object through its flow, written by the engine.

    An acknowledgement of warnings is noted here too and keeps the state.

    Replaying the rows of an object in the order of their ids gives its state. History carries no
    foreign keys: it outlives what it speaks of. It is read through its object, which is scoped,
    and is not scoped itself, because the parties of one process lie in different schools.
    """

    __tablename__ = "transition"
    __table_args__ = (
        Index("ix_transition_object", "flow", "object_id", "id"),
        Index("ix_transition_teacher_id", "teacher_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(LongId, primary_key=True)
    flow: Mapped[str] = mapped_column(String(32))
    object_id: Mapped[int] = mapped_column(Integer)
    teacher_id: Mapped[int | None] = mapped_column(Integer)
    step: Mapped[str] = mapped_column(String(32))
    from_state: Mapped[str | None] = mapped_column(String(32))
    to_state: Mapped[str] = mapped_column(String(32))
    account_id: Mapped[int | None] = mapped_column(Integer)
    assignment_id: Mapped[int | None] = mapped_column(Integer)
    role: Mapped[str | None] = mapped_column(String(32))
    unit_id: Mapped[int | None] = mapped_column(Integer)
    school_id: Mapped[int | None] = mapped_column(Integer)
    authority_id: Mapped[int | None] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    reason: Mapped[str | None] = mapped_column(Text)
    field_reasons: Mapped[dict[str, Any] | None] = mapped_column(Json)
    object_version: Mapped[int | None] = mapped_column(Integer)
    data: Mapped[dict[str, Any] | None] = mapped_column(Json)


class Audit(Model):
    """One act of somebody, done or refused (SEC-43); written by services.audit alone.

    `detail` holds masked or sealed values only. `account_id` is empty for a failed sign-in and
    for the system itself.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_at", "at"),
        Index("ix_audit_account_id", "account_id", "at"),
        Index("ix_audit_teacher_id", "teacher_id", "at"),
        Index("ix_audit_object", "object_type", "object_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(LongId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    account_id: Mapped[int | None] = mapped_column(Integer)
    assignment_id: Mapped[int | None] = mapped_column(Integer)
    role: Mapped[str | None] = mapped_column(String(32))
    unit_id: Mapped[int | None] = mapped_column(Integer)
    address: Mapped[str | None] = mapped_column(String(64))
    act: Mapped[str] = mapped_column(String(32))
    object_type: Mapped[str | None] = mapped_column(String(64))
    object_id: Mapped[str | None] = mapped_column(String(64))
    teacher_id: Mapped[int | None] = mapped_column(Integer)
    outcome: Mapped[str] = mapped_column(String(16))
    request_id: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[dict[str, Any] | None] = mapped_column(Json)


class AuditSeal(Model):
    """A link of the chain over the audit log (SEC-44), numbered without gaps.

    `rows` is one fixed-size entry per row, its id and its own HMAC, so that a finding can name
    the row. `hmac` covers these entries, the other columns and the `hmac` of the link before.
    """

    __tablename__ = "audit_seal"

    id: Mapped[int] = mapped_column(LongId, primary_key=True, autoincrement=False)
    first_id: Mapped[int] = mapped_column(LongId, unique=True)
    last_id: Mapped[int] = mapped_column(LongId, unique=True)
    count: Mapped[int] = mapped_column(Integer)
    rows: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[int] = mapped_column(Integer)
    hmac: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
