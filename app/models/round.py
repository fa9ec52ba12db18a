"""Collection rounds: who is asked, by when, and what was granted to a single unit."""

from datetime import date, datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from app.models.base import UtcDateTime
from app.models.unit import Unit


class Round(Model):
    """A 采集任务. `categories` is comma-joined, empty for all; `authority_id` limits it to the
    units of one authority. A passed deadline marks late and urges; only closing locks (S82)."""

    __tablename__ = "round"
    __table_args__ = (
        CheckConstraint("school_deadline <= authority_deadline", name="school_before_authority"),
        CheckConstraint("authority_deadline <= city_deadline", name="authority_before_city"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    categories: Mapped[str] = mapped_column(String(200), default="")
    authority_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    opens_on: Mapped[date] = mapped_column(Date)
    school_deadline: Mapped[date] = mapped_column(Date)
    authority_deadline: Mapped[date] = mapped_column(Date)
    city_deadline: Mapped[date] = mapped_column(Date)
    closed: Mapped[bool] = mapped_column(Boolean, default=False)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    authority: Mapped[Unit | None] = relationship(foreign_keys=[authority_id])

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        """Two people who change one round: the second one is told (REL-06)."""
        return {"version_id_col": cls.version}

    def __repr__(self) -> str:
        return self.name or ""


class Extension(Model):
    """A later school deadline for one unit in one round, with the reason it was granted."""

    __tablename__ = "round_extension"
    __table_args__ = (UniqueConstraint("round_id", "unit_id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    until: Mapped[date] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(String(500))
    granted_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))

    round: Mapped[Round] = relationship()
    unit: Mapped[Unit] = relationship()
