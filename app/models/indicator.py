"""The catalogue as rows: sets, indicators, rules per category, codes, regions, check rules.

A row is valid from the moment in `valid_from` until `valid_to`; the row in force has no
`valid_to`. An edit closes a row and adds another, so that a past day keeps its names. Rows of
`origin` seed follow the shipped files, those of origin city do not.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import JSON, Boolean, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from app.models.base import UtcDateTime, partial

CURRENT = "valid_to IS NULL"


class Origin(StrEnum):
    """Who wrote a row last."""

    SEED = "seed"
    CITY = "city"


class Versioned:
    """Columns of a catalogue row; `KEY` names the columns that identify the thing."""

    __abstract__ = True
    __tablename__: str
    KEY: tuple[str, ...] = ()

    id = mapped_column(Integer, primary_key=True, sort_order=-9)
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime, sort_order=90)
    valid_to: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=91)
    origin: Mapped[str] = mapped_column(String(4), default=Origin.SEED, sort_order=92)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        table = cls.__tablename__
        return (
            partial(f"uq_{table}_current", *cls.KEY, where=CURRENT, unique=True),
            Index(f"ix_{table}_valid_to", "valid_to"),
        )


class IndicatorSet(Versioned, Model):
    """One 信息子集."""

    __tablename__ = "indicator_set"
    KEY = ("code",)

    code: Mapped[str] = mapped_column(String(20))
    name_zh: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(80))
    multi_row: Mapped[bool] = mapped_column(Boolean)
    entity: Mapped[str] = mapped_column(String(10))
    group_zh: Mapped[str] = mapped_column(String(30))
    core: Mapped[bool] = mapped_column(Boolean)
    sort: Mapped[int] = mapped_column(Integer)
    source: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(Text)

    def __repr__(self) -> str:
        return self.name_zh or ""


class Indicator(Versioned, Model):
    """One 信息项. Type and length belong to the columns of a release; names, help and limits may
    be edited."""

    __tablename__ = "indicator"
    KEY = ("set_code", "code")

    set_code: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(40))
    name_zh: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(80))
    data_type: Mapped[str] = mapped_column(String(12))
    max_length: Mapped[int | None] = mapped_column(Integer)
    code_table: Mapped[str] = mapped_column(String(30))
    multi_value: Mapped[bool] = mapped_column(Boolean)
    minimum: Mapped[str] = mapped_column(String(20))
    maximum: Mapped[str] = mapped_column(String(20))
    regex: Mapped[str] = mapped_column(String(200))
    core: Mapped[bool] = mapped_column(Boolean)
    pii_level: Mapped[str] = mapped_column(String(10))
    beijing_extension: Mapped[bool] = mapped_column(Boolean)
    derived_from: Mapped[str] = mapped_column(String(20))
    read_only: Mapped[bool] = mapped_column(Boolean)
    identity: Mapped[bool] = mapped_column(Boolean)
    default_value: Mapped[str] = mapped_column(String(20))
    applicable_when: Mapped[str] = mapped_column(String(60))
    sort: Mapped[int] = mapped_column(Integer)
    source: Mapped[str] = mapped_column(String(20))
    help_zh: Mapped[str] = mapped_column(String(300))
    help_en: Mapped[str] = mapped_column(String(300), default="")

    def __repr__(self) -> str:
        return self.name_zh or ""


class IndicatorRule(Versioned, Model):
    """How one school category treats one indicator (S19, S51, S52)."""

    __tablename__ = "indicator_rule"
    KEY = ("set_code", "indicator", "category")

    set_code: Mapped[str] = mapped_column(String(20))
    indicator: Mapped[str] = mapped_column(String(40))
    category: Mapped[str] = mapped_column(String(24))
    collected: Mapped[bool] = mapped_column(Boolean)
    required: Mapped[bool] = mapped_column(Boolean)
    filled_by: Mapped[str] = mapped_column(String(10))
    reviewed_by: Mapped[str] = mapped_column(String(24))

    def __repr__(self) -> str:
        return f"{self.set_code}.{self.indicator} {self.category}"


class Code(Versioned, Model):
    """One entry of a code table; districts are the table "@districts"."""

    __tablename__ = "code"
    KEY = ("table_name", "code")

    table_name: Mapped[str] = mapped_column(String(30))
    code: Mapped[str] = mapped_column(String(30))
    name_zh: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(160))
    sort: Mapped[int] = mapped_column(Integer)
    standard: Mapped[str] = mapped_column(String(80))
    parent: Mapped[str] = mapped_column(String(30))
    active: Mapped[bool | None] = mapped_column(Boolean)
    verified: Mapped[str] = mapped_column(String(60))
    attrs: Mapped[dict[str, Any]] = mapped_column(JSON)
    note: Mapped[str] = mapped_column(String(300))

    def __repr__(self) -> str:
        return f"{self.code} {self.name_zh}"


class Region(Versioned, Model):
    """An administrative division of GB/T 2260, level 1 to 3."""

    __tablename__ = "region"
    KEY = ("code",)

    code: Mapped[str] = mapped_column(String(6))
    name_zh: Mapped[str] = mapped_column(String(60))
    level: Mapped[int] = mapped_column(Integer)
    parent: Mapped[str] = mapped_column(String(6))
    status: Mapped[str] = mapped_column(String(10))

    def __repr__(self) -> str:
        return self.name_zh or ""


class SchoolType(Versioned, Model):
    """One 办学类型 of 附件1 with the category whose form a school of this type follows."""

    __tablename__ = "school_type"
    KEY = ("code",)

    code: Mapped[str] = mapped_column(String(3))
    name_zh: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(100))
    stage: Mapped[str] = mapped_column(String(40))
    category: Mapped[str] = mapped_column(String(24))
    attached: Mapped[bool] = mapped_column(Boolean)
    sort: Mapped[int] = mapped_column(Integer)

    def __repr__(self) -> str:
        return self.name_zh or ""


class CheckRule(Versioned, Model):
    """One check of DQ001 to DQ076: its texts, severity and trigger; the act is in
    indicators.checks under the same code."""

    __tablename__ = "check_rule"
    KEY = ("code",)

    code: Mapped[str] = mapped_column(String(5))
    severity: Mapped[str] = mapped_column(String(10))
    set_code: Mapped[str] = mapped_column(String(20))
    trigger: Mapped[str] = mapped_column(String(10))
    fields: Mapped[str] = mapped_column(String(300))
    message_zh: Mapped[str] = mapped_column(String(200))
    message_en: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(Boolean, default=True)

    def __repr__(self) -> str:
        return self.code or ""
