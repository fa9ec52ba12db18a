"""Which keys the database was written with; never the keys themselves (SEC-41)."""

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.models.base import UtcDateTime


class KeyFingerprint(Model):
    """The fingerprint of a key that values, indexes or seals of this database were made with.

    `name` is "<use>:<id>". The row goes when a rotation has left nothing under the key.
    """

    __tablename__ = "key_fingerprint"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
