"""Correction tasks: the city asks for a correction while the file stays effective (1.11)."""

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Scoped, UtcDateTime, partial
from app.models.teacher import Teacher


class Correction(Scoped, Model):
    """An open correction task keeps the file out of the next batch; closed by an approved
    change that names it, or by the city with a reason."""

    __tablename__ = "correction"
    __table_args__ = (
        CheckConstraint("(closed_at IS NULL) = (close_reason IS NULL)", name="reason_if_closed"),
        partial("ix_correction_open", "teacher_id", where="closed_at IS NULL", unique=True),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    teacher_id: Mapped[int] = mapped_column(ForeignKey("teacher.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    reason: Mapped[str] = mapped_column(String(500))
    opened_by: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    close_reason: Mapped[str | None] = mapped_column(String(500))

    teacher: Mapped[Teacher] = relationship(foreign_keys=[teacher_id])
