"""What a file said when it was last submitted, kept while its review goes on."""

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Scoped, UtcDateTime


class FileSnapshot(Scoped, Model):
    """One file as it was submitted before it went back; sealed, since it holds everything.

    Written when a file is returned or withdrawn, for its content is still the submitted one at
    that moment: a file that is never returned has none. Removed when the file takes effect.
    """

    __tablename__ = "file_snapshot"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(32))
    teacher_id: Mapped[int] = mapped_column(ForeignKey("teacher.id"), unique=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    step: Mapped[str] = mapped_column(String(32))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    # How many values the submission that followed had otherwise; lists show it.
    changes: Mapped[int | None] = mapped_column(Integer)
