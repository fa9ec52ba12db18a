"""Opinions of the city's assistants on files that wait for the city (s0); they decide nothing."""

from datetime import datetime
from enum import StrEnum

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Scoped, UtcDateTime


class Verdict(StrEnum):
    """What an assistant thinks of a file."""

    AGREE = "agree"
    OBJECTION = "objection"


class Opinion(Scoped, Model):
    """One opinion; a later one stands beside it, none is changed or deleted."""

    __tablename__ = "review_opinion"
    __table_args__ = (
        CheckConstraint("verdict = 'agree' OR text <> ''", name="text_if_objection"),
        Index("ix_review_opinion_teacher", "teacher_id", "at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    verdict: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(String(500), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    # The version of the file that the assistant looked at.
    object_version: Mapped[int] = mapped_column(Integer)
