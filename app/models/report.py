"""Batches to the Ministry: number, frozen content, and which file went with which."""

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from app.models.base import Scoped, UtcDateTime
from app.models.teacher import Teacher


class ReportBatch(Model):
    """One report. `number` is BJ-<year>-<serial>; the workbook is frozen with its digest."""

    __tablename__ = "report_batch"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    account_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    count: Mapped[int] = mapped_column(Integer)
    first_count: Mapped[int] = mapped_column(Integer, default=0)
    state: Mapped[str] = mapped_column(String(10), default="building")
    stored_name: Mapped[str | None] = mapped_column(String(64))
    digest: Mapped[str | None] = mapped_column(String(64))
    job_id: Mapped[int | None] = mapped_column(Integer)
    # What the city says of warnings that were acknowledged (K2).
    note: Mapped[str | None] = mapped_column(String(500))

    def __repr__(self) -> str:
        return self.number or ""


class ReportItem(Scoped, Model):
    """A file in a batch, at the version it had when the batch was frozen."""

    __tablename__ = "report_item"
    __table_args__ = (
        Index("ix_report_item_batch", "batch_id"),
        Index("ix_report_item_teacher", "teacher_id", "batch_id", unique=True),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("report_batch.id"))
    teacher_id: Mapped[int] = mapped_column(ForeignKey("teacher.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    file_version: Mapped[int] = mapped_column(Integer)
    payload: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))

    batch: Mapped[ReportBatch] = relationship()
    teacher: Mapped[Teacher] = relationship(foreign_keys=[teacher_id])
