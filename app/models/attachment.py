"""Attachments and photos: each belongs to a teacher's record and is read as that is (SEC-34)."""

from datetime import datetime
from uuid import uuid4

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Scoped, UtcDateTime


class Attachment(Scoped, Model):
    """A stored file. `stored_name` is random and lies outside the web root."""

    __tablename__ = "attachment"
    __table_args__ = (Index("ix_attachment_record", "teacher_id", "set", "record_uuid"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(32), unique=True, default=lambda: uuid4().hex)
    teacher_id: Mapped[int] = mapped_column(ForeignKey("teacher.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    set: Mapped[str] = mapped_column(String(20))
    field: Mapped[str] = mapped_column(String(40))
    record_uuid: Mapped[str | None] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(120))
    mime: Mapped[str] = mapped_column(String(40))
    size: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String(64))
    stored_name: Mapped[str] = mapped_column(String(64))
    uploaded_by: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
