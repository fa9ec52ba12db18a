"""Imports (batch, staged rows) and export files."""

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import JSON, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import UtcDateTime


class ImportBatch(Model):
    """One uploaded workbook of one school and what became of it.

    state: uploaded, checking, checked, committing, done, discarded, failed, undone.
    mode: insert, update or both; `partial` 1 takes the good rows, 0 all or nothing."""

    __tablename__ = "import_batch"
    __table_args__ = (Index("ix_import_batch_school", "school_id", "at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(32), unique=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    file_name: Mapped[str] = mapped_column(String(120))
    stored_name: Mapped[str | None] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    mode: Mapped[str] = mapped_column(String(10), default="both")
    take: Mapped[str] = mapped_column(String(10), default="all")
    state: Mapped[str] = mapped_column(String(12), default="uploaded")
    rows: Mapped[int] = mapped_column(Integer, default=0)
    good: Mapped[int] = mapped_column(Integer, default=0)
    bad: Mapped[int] = mapped_column(Integer, default=0)
    inserted: Mapped[int] = mapped_column(Integer, default=0)
    updated: Mapped[int] = mapped_column(Integer, default=0)
    unchanged: Mapped[int] = mapped_column(Integer, default=0)
    problems: Mapped[list | None] = mapped_column(JSON)
    job_id: Mapped[int | None] = mapped_column(Integer)

    def __repr__(self) -> str:
        return self.file_name or ""


class ImportRow(Model):
    """A staged row: sealed values, its sheet and row number, its problems, what it did."""

    __tablename__ = "import_row"
    __table_args__ = (Index("ix_import_row_batch", "batch_id", "id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(32))
    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="CASCADE"))
    sheet: Mapped[str] = mapped_column(String(60))
    set: Mapped[str] = mapped_column(String(20))
    row: Mapped[int] = mapped_column(Integer)
    person: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    values: Mapped[bytes | None] = mapped_column(LargeBinary)
    problems: Mapped[list | None] = mapped_column(JSON)
    outcome: Mapped[str | None] = mapped_column(String(10))
    teacher_id: Mapped[int | None] = mapped_column(Integer)
    record_uuid: Mapped[str | None] = mapped_column(String(32))
    before: Mapped[bytes | None] = mapped_column(LargeBinary)


class ExportFile(Model):
    """A file made for one account; the link works once, for that account, for 24 hours."""

    __tablename__ = "export_file"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(32), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    file_name: Mapped[str] = mapped_column(String(120))
    stored_name: Mapped[str | None] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(200))
    rows: Mapped[int] = mapped_column(Integer, default=0)
    sensitive: Mapped[int] = mapped_column(Integer, default=0)
    approval: Mapped[str] = mapped_column(String(10), default="none")
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    downloaded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    request: Mapped[dict | None] = mapped_column(JSON)
    job_id: Mapped[int | None] = mapped_column(Integer)
