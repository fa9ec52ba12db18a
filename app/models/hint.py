"""Correction hints: what a teacher thinks an effective file should say instead (workflows s3)."""

from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Scoped, UtcDateTime, partial
from app.models.teacher import Teacher
from app.models.unit import Unit


class HintState(StrEnum):
    """What has become of a hint; it is a message and moves nothing by itself."""

    OPEN = "open"
    TAKEN_UP = "taken_up"
    SET_ASIDE = "set_aside"


class CorrectionHint(Scoped, Model):
    """A message to the school's information administrator about one field of one record; the text
    is sealed, since it may repeat what is sealed in the file."""

    __tablename__ = "correction_hint"
    __table_args__ = (
        CheckConstraint("state IN ('open','taken_up','set_aside')", name="known_state"),
        CheckConstraint("(state = 'open') = (settled_at IS NULL)", name="settled_unless_open"),
        CheckConstraint("state <> 'set_aside' OR reason IS NOT NULL", name="reason_if_set_aside"),
        Index("ix_correction_hint_teacher", "teacher_id", "set"),
        partial("ix_correction_hint_school", "school_id", where="state = 'open'"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(32), unique=True, default=lambda: uuid4().hex)
    teacher_id: Mapped[int] = mapped_column(ForeignKey("teacher.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    set: Mapped[str] = mapped_column(String(20))
    field: Mapped[str] = mapped_column(String(40))
    record_uuid: Mapped[str] = mapped_column(String(32))
    text: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(10), default=HintState.OPEN)
    given_by: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(String(500))

    teacher: Mapped[Teacher] = relationship(foreign_keys=[teacher_id])
    school: Mapped[Unit] = relationship(foreign_keys=[school_id])
