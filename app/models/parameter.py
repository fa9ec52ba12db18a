"""Settings that the city edits online: ages, months, days, thresholds, switches."""

import csv
import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column, validates

from app.core.reference import SEEDS

CATALOG_VERSION = "catalog_version"


class ParameterKind(StrEnum):
    """How the text of a value is read."""

    INT = "int"
    DECIMAL = "decimal"
    BOOL = "bool"
    TEXT = "text"
    CODES = "codes"  # codes joined by commas
    MONTH = "month"  # YYYY-MM
    JSON = "json"
    COUNTER = "counter"  # moved by the system, not edited


def read_value(kind: str, text: str) -> Any:
    """Return the typed value of a parameter's text; ValueError when the text does not fit.

    Codes come as a frozenset of texts, decimals as Decimal, a month as "YYYY-MM".
    """
    if kind in (ParameterKind.INT, ParameterKind.COUNTER):
        return int(text)
    if kind == ParameterKind.DECIMAL:
        try:
            return Decimal(text)
        except InvalidOperation as error:
            raise ValueError(f"{text!r} is not a number") from error
    if kind == ParameterKind.BOOL:
        return _switch(text)
    if kind == ParameterKind.CODES:
        return frozenset(part.strip() for part in text.split(",") if part.strip())
    if kind == ParameterKind.MONTH:
        return _month(text)
    if kind == ParameterKind.JSON:
        return json.loads(text)
    return text


def _switch(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(f"{text!r} is neither 0 nor 1")
    return text == "1"


def _month(text: str) -> str:
    year, month = text.split("-")
    if len(text) != len("2026-09") or not 1 <= int(month) <= 12 or int(year) < 1900:
        raise ValueError(f"{text!r} is not a month like 2026-09")
    return text


class Parameter(Model):
    """One setting. `default` is the shipped value, `value` the one in force."""

    __tablename__ = "parameter"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('int','decimal','bool','text','codes','month','json','counter')",
            name="known_kind",
        ),
    )

    key: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    default: Mapped[str] = mapped_column("default_value", Text)
    kind: Mapped[str] = mapped_column(String(10))
    section: Mapped[str] = mapped_column(String(20))
    label_zh: Mapped[str] = mapped_column(String(200))
    label_en: Mapped[str] = mapped_column(String(200))
    sort: Mapped[int] = mapped_column(Integer, default=0)

    @property
    def typed(self) -> Any:
        """The value in force in its own type."""
        return read_value(self.kind, self.value)

    @validates("value")
    def _readable(self, _key: str, text: str) -> str:
        if self.kind:
            read_value(self.kind, text)
        return text

    def __repr__(self) -> str:
        return self.key or ""


@dataclass(frozen=True)
class Setting:
    """A setting as shipped in parameters.csv."""

    key: str
    value: str
    kind: str
    section: str
    label_zh: str
    label_en: str
    sort: int

    @property
    def typed(self) -> Any:
        """The shipped value in its own type."""
        return read_value(self.kind, self.value)


def read_settings(folder: Path = SEEDS) -> dict[str, Setting]:
    """Read parameters.csv of a folder, by key, in the order of the file."""
    with (folder / "parameters.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {
        row["key"]: Setting(
            row["key"],
            row["value"],
            row["kind"],
            row["section"],
            row["label_zh"],
            row["label_en"],
            number,
        )
        for number, row in enumerate(rows, start=1)
    }
