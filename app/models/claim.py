"""Who looks at a waiting file: a claim warns the colleagues of the queue, it locks nothing (D7)."""

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import UtcDateTime


class ReviewClaim(Model):
    """The claim of one person among those who review a file in the same role.

    It counts while it is younger than the parameter claim_working_days and than the file's
    present state: a decision moves the state, and so ends the claim without a further write.
    """

    __tablename__ = "review_claim"

    teacher_id: Mapped[int] = mapped_column(
        ForeignKey("teacher.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str] = mapped_column(String(20), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
