"""Transfers (workflows s4), a row per application, and what a school keeps of a file that left."""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import uuid4

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import UtcDateTime
from app.models.teacher import Teacher


class TransferState(StrEnum):
    """States of a transfer; codes equal the table wf_transfer_state."""

    DRAFT = "draft"
    PENDING_IN_AUTHORITY = "pending_in_authority"
    PENDING_OUT_SCHOOL = "pending_out_school"
    PENDING_OUT_AUTHORITY = "pending_out_authority"
    READY_TO_TAKE = "ready_to_take"
    COMPLETED = "completed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"


CLOSED = (
    TransferState.COMPLETED,
    TransferState.REJECTED,
    TransferState.WITHDRAWN,
    TransferState.CANCELLED,
)


class Transfer(Model):
    """An application of one school for a teacher of another.

    `school_id` and `authority_id` are the receiving side, which opens it, `from_…` the sending
    one, both as they were then. The sending side sees it once `issued_at` is set (4.3). `name` is
    what the applicant knew: later changes of the file are not told to who never got it.
    """

    __tablename__ = "transfer"
    __table_args__ = (
        CheckConstraint("school_id <> from_school_id", name="to_another_school"),
        CheckConstraint(
            "issued_at IS NOT NULL OR state NOT IN"
            " ('pending_out_school','pending_out_authority','ready_to_take','completed')",
            name="issued_before_others_see_it",
        ),
        Index("ix_transfer_teacher", "teacher_id", "state"),
        Index("ix_transfer_school", "school_id", "state"),
        Index("ix_transfer_authority", "authority_id", "state"),
        Index("ix_transfer_from_school", "from_school_id", "state"),
        Index("ix_transfer_from_authority", "from_authority_id", "state"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(32), unique=True, default=lambda: uuid4().hex)
    teacher_id: Mapped[int] = mapped_column(ForeignKey("teacher.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    from_school_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    from_authority_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    name: Mapped[str] = mapped_column(String(50))
    state: Mapped[str] = mapped_column(String(24), default=TransferState.DRAFT)
    version: Mapped[int] = mapped_column(Integer, default=1)
    state_since: Mapped[datetime] = mapped_column(UtcDateTime)
    planned_on: Mapped[date | None] = mapped_column(Date)
    position: Mapped[str | None] = mapped_column(String(50))
    reason: Mapped[str | None] = mapped_column(String(500))
    document_no: Mapped[str | None] = mapped_column(String(60))
    document_on: Mapped[date | None] = mapped_column(Date)
    # Of a rotation with change of personnel relation; its first month is that of `planned_on`.
    rotation_type: Mapped[str | None] = mapped_column(String(1))
    planned_end: Mapped[str | None] = mapped_column(String(7))
    # What the receiving school says of the person as it takes the file (4.6).
    join_month: Mapped[str | None] = mapped_column(String(7))
    staff_category: Mapped[str | None] = mapped_column(String(5))
    post_category: Mapped[str | None] = mapped_column(String(1))
    post_grade: Mapped[str | None] = mapped_column(String(3))
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("transfer.id"))
    issued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    opened_by: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)

    flow: ClassVar[str] = "transfer"

    teacher: Mapped[Teacher] = relationship(foreign_keys=[teacher_id], lazy="raise_on_sql")

    @property
    def is_open(self) -> bool:
        """Whether it may still go on."""
        return self.state not in CLOSED

    @property
    def is_rotation(self) -> bool:
        """Whether it is a rotation with change of personnel relation (6.2)."""
        return self.rotation_type is not None

    @property
    def is_of_one_authority(self) -> bool:
        """Whether one authority stands on both sides (s4.3)."""
        return self.authority_id == self.from_authority_id

    def __repr__(self) -> str:
        return self.name or ""


class FileGrant(Model):
    """What a school keeps of a file that has left, which it reads as it was then (data-model s2).

    Nothing is copied: rows in force right before `at` are those of the last moment there.
    """

    __tablename__ = "file_grant"
    __table_args__ = (
        UniqueConstraint("teacher_id", "unit_id", "at"),
        Index("ix_file_grant_unit", "unit_id", "at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    teacher_id: Mapped[int] = mapped_column(ForeignKey("teacher.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    teacher_no: Mapped[str | None] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(50))

    def __repr__(self) -> str:
        return self.name or ""
