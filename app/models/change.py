"""Additions to effective files and changes of them (workflows s2, s3): one row per process.

What is proposed lies in the table of its own set, as a pending row under the identity of the
record: typed, sealed and scoped like every other, and read by nothing that reads the file.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import uuid4

from flask_appbuilder import Model
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from app.models.base import Scoped, UtcDateTime, partial
from app.models.teacher import Teacher
from app.models.unit import Unit


class AdditionState(StrEnum):
    """States of an addition; codes equal the table wf_addition_state."""

    PENDING_SCHOOL = "pending_school"
    PENDING_AUTHORITY = "pending_authority"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class ChangeState(StrEnum):
    """States of a change; codes equal the table wf_change_state."""

    DRAFT = "draft"
    PENDING_AUTHORITY = "pending_authority"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


class ChangeKind(StrEnum):
    """What becomes of the record: added, blank values of it filled, altered, or removed."""

    ADD = "add"
    FILL = "fill"
    MODIFY = "modify"
    DELETE = "delete"


OPEN = (ChangeState.DRAFT, AdditionState.PENDING_SCHOOL, ChangeState.PENDING_AUTHORITY)


class RecordChange(Scoped, Model):
    """An addition or change of one record of an effective file.

    `record_uuid` is the identity of the record, `before_id` its row in force that the proposal
    stands on (None for a new record), `fields` the codes of the indicators that would differ.
    """

    __tablename__ = "record_change"
    __table_args__ = (
        CheckConstraint("flow IN ('addition','change')", name="known_flow"),
        CheckConstraint("kind IN ('add','fill','modify','delete')", name="known_kind"),
        CheckConstraint("(kind = 'add') = (before_id IS NULL)", name="before_unless_new"),
        partial(
            "uq_record_change_open",
            "teacher_id",
            "set",
            "record_uuid",
            where="state IN ('draft','pending_school','pending_authority')",
            unique=True,
        ),
        Index("ix_record_change_record", "teacher_id", "set", "record_uuid"),
        Index("ix_record_change_school", "school_id", "flow", "state"),
        Index("ix_record_change_authority", "authority_id", "flow", "state"),
        # The history of a draft that was discarded must not become that of another process.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(32), unique=True, default=lambda: uuid4().hex)
    teacher_id: Mapped[int] = mapped_column(ForeignKey("teacher.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    flow: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(6))
    set: Mapped[str] = mapped_column(String(20))
    record_uuid: Mapped[str] = mapped_column(String(32))
    before_id: Mapped[int | None] = mapped_column(Integer)
    fields: Mapped[list[str]] = mapped_column(JSON, default=list)
    state: Mapped[str] = mapped_column(String(20))
    version: Mapped[int] = mapped_column(Integer, default=1)
    state_since: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(String(500))
    document_no: Mapped[str | None] = mapped_column(String(60))
    correction_id: Mapped[int | None] = mapped_column(ForeignKey("correction.id"))
    opened_by: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    opened_role: Mapped[str] = mapped_column(String(32))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)

    teacher: Mapped[Teacher] = relationship(foreign_keys=[teacher_id])
    school: Mapped[Unit] = relationship(foreign_keys=[school_id])

    states: ClassVar[type[StrEnum]]

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        if cls.__name__ == "RecordChange":
            return {"polymorphic_on": "flow"}
        return {"polymorphic_identity": cls.__name__.lower()}

    @property
    def is_open(self) -> bool:
        """Whether nobody has decided on it and it was not withdrawn."""
        return self.state in OPEN


class Addition(RecordChange):
    """A new record, or a value where there was none (s2)."""

    states = AdditionState


class Change(RecordChange):
    """A value in force altered, or a record removed (s3)."""

    states = ChangeState
