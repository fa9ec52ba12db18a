"""The working calendar: days that do not follow the week, and what a calendar knows of them."""

import csv
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, Integer, String
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from app.core.reference import SEEDS

WORKING = 5  # Monday to Friday.
# The counter of the last year whose official days were loaded; later edits are the city's.
LOADED_YEAR = "calendar_year"


class DayKind(StrEnum):
    """What a special day is: nobody works on it, or everybody does although it is a weekend."""

    HOLIDAY = "holiday"
    MAKE_UP = "make_up"


def is_weekend(day: date) -> bool:
    """Whether the week alone makes this a day off."""
    return day.weekday() >= WORKING


class SpecialDay(Model):
    """A day off (放假) or a make-up working day (调休上班), as the State Council announces them."""

    __tablename__ = "special_day"
    __table_args__ = (CheckConstraint("kind IN ('holiday','make_up')", name="known_kind"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    day: Mapped[date] = mapped_column(Date, unique=True)
    kind: Mapped[str] = mapped_column(String(8))
    name_zh: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(60))
    source: Mapped[str | None] = mapped_column(String(200))
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        """Two people who change one day: the second one is told (REL-06)."""
        return {"version_id_col": cls.version}

    def __repr__(self) -> str:
        return self.day.isoformat() if self.day else ""


@dataclass(frozen=True)
class Calendar:
    """The days on which the week alone is wrong, in order: `off` are weekdays on which nobody
    works, `made_up` weekend days on which everybody does. services.workday counts with it."""

    off: tuple[date, ...] = ()
    made_up: tuple[date, ...] = ()

    @classmethod
    def of(cls, days: dict[date, str]) -> "Calendar":
        """Build a calendar from days and their kinds; what the week says anyway is left out."""
        off = (d for d, kind in days.items() if kind == DayKind.HOLIDAY and not is_weekend(d))
        made_up = (d for d, kind in days.items() if kind == DayKind.MAKE_UP and is_weekend(d))
        return cls(tuple(sorted(off)), tuple(sorted(made_up)))

    def surplus(self, start: date, end: date) -> int:
        """How many working days after `start` up to `end` there are beyond those of the weeks."""
        return _between(self.made_up, start, end) - _between(self.off, start, end)


def _between(days: tuple[date, ...], start: date, end: date) -> int:
    return bisect_right(days, end) - bisect_right(days, start)


def read_shipped(folder: Path = SEEDS) -> list[dict[str, Any]]:
    """Read special_days.csv of a folder as columns of SpecialDay. Raises ValueError."""
    with (folder / "special_days.csv").open(encoding="utf-8", newline="") as stream:
        return [
            row | {"day": date.fromisoformat(row["day"]), "kind": DayKind(row["kind"]).value}
            for row in csv.DictReader(stream)
        ]
