"""What a person keeps for the next time: saved list views, drafts of forms, submit keys."""

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import Boolean, ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import UtcDateTime


class SavedView(Model):
    """A named filter and column choice of one list, kept by one account."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("account_id", "view", "name"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    view: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(String(2000), default="")
    columns: Mapped[str] = mapped_column(String(1000), default="")
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)


class FormDraft(Model):
    """What was typed into a form and not yet saved; sealed, since it may hold anything."""

    __tablename__ = "form_draft"
    __table_args__ = (UniqueConstraint("account_id", "form_key"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(32))
    account_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    form_key: Mapped[str] = mapped_column(String(120))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class SubmitKey(Model):
    """The one-time key of a write form; a repeat is answered with the first result (REL-05)."""

    __tablename__ = "submit_key"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    location: Mapped[str | None] = mapped_column(String(300))
