"""Status changes of teachers (workflows s5): leave, return, departure, taking on again."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from flask_appbuilder import Model
from sqlalchemy import JSON, Boolean, CheckConstraint, Date, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Scoped, UtcDateTime, partial
from app.models.teacher import Teacher
from app.models.unit import Unit


class StatusState(StrEnum):
    """States of a status change; codes equal the table wf_status_state."""

    DRAFT = "draft"
    PENDING_AUTHORITY = "pending_authority"
    SCHEDULED = "scheduled"
    EFFECTIVE = "effective"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"


# Registered and not yet in force (s0).
REGISTERED = (StatusState.DRAFT, StatusState.PENDING_AUTHORITY, StatusState.SCHEDULED)


class StatusChange(Scoped, Model):
    """A change of the staff status of one effective file.

    Statuses are codes of on_duty_status. `on_its_day` marks a draft whose date lay ahead: the
    nightly job puts it into effect. `approved_by` is who decided on it for the authority;
    `ended_roles` are the roles that the person lost with it, each as [assignment, its last day
    before, or None]: a revocation gives them back.
    """

    __tablename__ = "status_change"
    __table_args__ = (
        CheckConstraint("from_status <> to_status", name="another_status"),
        partial(
            "uq_status_change_registered",
            "teacher_id",
            where="state IN ('draft','pending_authority','scheduled')",
            unique=True,
        ),
        Index("ix_status_change_teacher", "teacher_id", "state_since"),
        Index("ix_status_change_school", "school_id", "state"),
        Index("ix_status_change_authority", "authority_id", "state"),
        # The history of a draft that was discarded must not become that of another process.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(32), unique=True, default=lambda: uuid4().hex)
    teacher_id: Mapped[int] = mapped_column(ForeignKey("teacher.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    from_status: Mapped[str] = mapped_column(String(6))
    to_status: Mapped[str] = mapped_column(String(6))
    effective_date: Mapped[date] = mapped_column(Date)
    on_its_day: Mapped[bool] = mapped_column(Boolean, default=False)
    state: Mapped[str] = mapped_column(String(20))
    version: Mapped[int] = mapped_column(Integer, default=1)
    state_since: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(String(500))
    document_no: Mapped[str | None] = mapped_column(String(60))
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    ended_roles: Mapped[list[Any]] = mapped_column(JSON, default=list)
    opened_by: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    opened_role: Mapped[str] = mapped_column(String(32))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)

    teacher: Mapped[Teacher] = relationship(foreign_keys=[teacher_id])
    school: Mapped[Unit] = relationship(foreign_keys=[school_id])

    # The name of the flow, as additions and changes tell theirs.
    flow = "status_change"
