"""Rotations without change of personnel relation (workflows s6.1): one row per process."""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import uuid4

from flask_appbuilder import Model
from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Scoped, UtcDateTime, partial
from app.models.teacher import Teacher


class RotationState(StrEnum):
    """States of a rotation; codes equal the table wf_rotation_state."""

    DRAFT = "draft"
    PENDING = "pending_out_authority"
    ACTIVE = "active"
    ENDED = "ended"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    TERMINATED = "terminated"


# Not yet decided: such a rotation has the one place of a person (s0).
UNDECIDED = (RotationState.DRAFT, RotationState.PENDING)


class Rotation(Scoped, Model):
    """A rotation; it belongs to the school that sends and to its authority.

    The host is a school of the register (`to_school_id`, and who decides on that school) or one
    outside it, in words (`to_text`).
    Months are YYYY-MM as in the file. `record_uuid` is its record in the file from the
    confirmation on, `started_at` the moment since which the person is counted as away, `asked_end`
    a later end that waits for the authority.
    """

    __tablename__ = "rotation"
    __table_args__ = (
        CheckConstraint("to_school_id IS NULL OR to_text IS NULL", name="one_host"),
        CheckConstraint(
            "to_school_id IS NULL OR to_school_id <> from_school_id", name="other_school"
        ),
        CheckConstraint("ended_on IS NULL OR state IN ('ended','terminated')", name="end_if_over"),
        Index("ix_rotation_teacher", "teacher_id", "state"),
        Index("ix_rotation_school", "school_id", "state"),
        Index("ix_rotation_authority", "authority_id", "state"),
        partial("ix_rotation_host", "to_school_id", where="state = 'active'"),
        # The history of a draft that was discarded must not become that of another process.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(32), unique=True, default=lambda: uuid4().hex)
    teacher_id: Mapped[int] = mapped_column(ForeignKey("teacher.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    # The school that sends: the place of the file, until the file goes on from there.
    from_school_id: Mapped[int] = mapped_column(
        ForeignKey("unit.id"), default=lambda ctx: ctx.get_current_parameters()["school_id"]
    )
    to_school_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    to_authority_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    to_text: Mapped[str | None] = mapped_column(String(100))
    type: Mapped[str | None] = mapped_column(String(1))
    direction: Mapped[str | None] = mapped_column(String(1))
    full_time: Mapped[bool | None] = mapped_column(Boolean)
    start: Mapped[str | None] = mapped_column(String(7))
    planned_end: Mapped[str | None] = mapped_column(String(7))
    asked_end: Mapped[str | None] = mapped_column(String(7))
    ended_on: Mapped[date | None] = mapped_column(Date)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reminded_on: Mapped[date | None] = mapped_column(Date)
    record_uuid: Mapped[str | None] = mapped_column(String(32))
    transfer_personnel: Mapped[bool] = mapped_column(Boolean, default=False)
    reason: Mapped[str | None] = mapped_column(String(500))
    document_no: Mapped[str | None] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(24), default=RotationState.DRAFT)
    version: Mapped[int] = mapped_column(Integer, default=1)
    state_since: Mapped[datetime] = mapped_column(UtcDateTime)
    opened_by: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    opened_role: Mapped[str] = mapped_column(String(32))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)

    teacher: Mapped[Teacher] = relationship(foreign_keys=[teacher_id])
    flow: ClassVar[str] = "rotation"

    @property
    def is_open(self) -> bool:
        """Whether it is not over."""
        return self.state in (*UNDECIDED, RotationState.ACTIVE)

    @property
    def asked_step(self) -> str:
        """The step that the school has asked its authority for meanwhile; empty without one."""
        return "confirm_extension" if self.asked_end else ""

    @property
    def passed_steps(self) -> tuple[str, ...]:
        """Steps of the state that need not be taken any more."""
        return ("start",) if self.started_at else ()
