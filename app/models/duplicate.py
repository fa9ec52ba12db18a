"""Pairs of files that may describe one person (DQ008, DQ009; workflows s4.3)."""

from datetime import datetime
from enum import StrEnum

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import UtcDateTime
from app.models.teacher import Teacher


class DuplicateKind(StrEnum):
    """What the two files have in common."""

    NUMBER = "number"  # The ID number (DQ008).
    LIKENESS = "likeness"  # Name, sex and birth date (DQ009).


class DuplicateState(StrEnum):
    """What the city has said about a pair."""

    OPEN = "open"
    DISMISSED = "dismissed"


class DuplicateCase(Model):
    """Two files and what was decided about them; a pair is asked about once.

    The files may lie in different districts, so that a case belongs to no school: only the city
    reads it (access.scope).
    """

    __tablename__ = "duplicate_case"
    __table_args__ = (
        CheckConstraint("first_id < second_id", name="one_order"),
        CheckConstraint("kind IN ('number','likeness')", name="known_kind"),
        CheckConstraint("state IN ('open','dismissed')", name="known_state"),
        CheckConstraint(
            "(state = 'open') = (decided_at IS NULL) AND (state = 'open') = (reason IS NULL)",
            name="reason_if_decided",
        ),
        UniqueConstraint("first_id", "second_id"),
        Index("ix_duplicate_case_second", "second_id"),
        Index("ix_duplicate_case_state", "state", "found_at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    first_id: Mapped[int] = mapped_column(ForeignKey("teacher.id"))
    second_id: Mapped[int] = mapped_column(ForeignKey("teacher.id"))
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default=DuplicateState.OPEN)
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(String(500))

    first: Mapped[Teacher] = relationship(foreign_keys=[first_id])
    second: Mapped[Teacher] = relationship(foreign_keys=[second_id])

    @property
    def files(self) -> tuple[Teacher, Teacher]:
        """Both files, the one opened earlier first."""
        return self.first, self.second
