"""Who wants the daily digest by e-mail, and where to."""

from datetime import date

from flask_appbuilder import Model
from sqlalchemy import Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column


class Digest(Model):
    """The wish of one account; without a row it gets no mail. `sent_on` is the last day whose
    digest was handed to the mail server, or begun to be."""

    __tablename__ = "digest"

    account_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), primary_key=True)
    address: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2))
    sent_on: Mapped[date | None] = mapped_column(Date)
