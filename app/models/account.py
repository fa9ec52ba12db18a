"""Accounts (one per person) and their assignments (role + unit + validity)."""

from datetime import date, datetime

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Boolean, Date, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import UtcDateTime
from app.models.unit import Unit


class Account(User):
    """A person who may sign in; what the person may do stands in `Assignment`."""

    __tablename__ = "ab_user"
    __table_args__ = {"extend_existing": True}

    teacher_id: Mapped[int | None] = mapped_column(
        ForeignKey("teacher.id"), unique=True, nullable=True
    )
    phone_index: Mapped[str | None] = mapped_column(String(64), nullable=True)
    is_demo: Mapped[bool] = mapped_column(Boolean, default=False, server_default="0")
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime, nullable=True)

    @property
    def display_name(self) -> str:
        """The name as people write it: family name first, no blank for Chinese names."""
        last, first = self.last_name or "", self.first_name or ""
        blank = " " if (last + first).isascii() else ""
        return f"{last}{blank}{first}".strip()

    def __repr__(self) -> str:
        return self.display_name or self.username or ""


class Assignment(Model):
    """A role in one unit for a period; a request acts under exactly one of them."""

    __tablename__ = "assignment"
    __table_args__ = (Index("ix_assignment_unit_role", "unit_id", "role"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    granted_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    delegated_from: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))

    account: Mapped[Account] = relationship(foreign_keys=[account_id])
    unit: Mapped[Unit] = relationship(foreign_keys=[unit_id])

    def is_valid_on(self, day: date) -> bool:
        """Whether the assignment counts on that day (both ends included)."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)
