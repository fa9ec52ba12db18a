"""What a person keeps for the next time: saved list views, drafts of forms, submit keys."""

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import UtcDateTime, partial


class SavedView(Model):
    """A named filter and column choice of one list, kept by one account.

    With `unit_id` and `role` it is shared: everybody in this role of this unit sees it (I3), and
    `query` then holds nothing that was typed.
    """

    __tablename__ = "saved_view"
    __table_args__ = (
        UniqueConstraint("account_id", "view", "name"),
        CheckConstraint("(unit_id IS NULL) = (role IS NULL)", name="shared_with_role_in_unit"),
        partial("ix_saved_view_shared", "unit_id", "role", "view", where="unit_id IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    view: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(String(2000), default="")
    columns: Mapped[str] = mapped_column(String(1000), default="")
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    role: Mapped[str | None] = mapped_column(String(20))

    @property
    def is_shared(self) -> bool:
        """Whether others see it too."""
        return self.unit_id is not None


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
    location: Mapped[str | None] = mapped_column(Text)
