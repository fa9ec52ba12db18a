"""The reference data of seeds/*.csv as typed rows; exchange.seed_check says whether they hold."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

SEEDS = Path(__file__).resolve().parents[2] / "seeds"

FILLED_BY = frozenset({"", "school", "teacher", "both"})
NATIONAL = "natsys"  # How the source of an indicator of the national system begins.
REVIEWED_BY = frozenset({"authority", "school_then_authority"})


@dataclass(frozen=True)
class Indicator:
    """One 信息项; `key` is "<set>.<code>", the name used in messages, templates and exports."""

    set: str
    code: str
    name_zh: str
    name_en: str
    data_type: str
    max_length: int | None
    code_table: str
    multi_value: bool
    min: str
    max: str
    regex: str
    core: bool
    pii_level: str
    beijing_extension: bool
    derived_from: str
    read_only: bool
    identity: bool
    default: str
    applicable_when: str
    sort: int
    source: str
    help_zh: str
    help_en: str = ""

    @property
    def key(self) -> str:
        """The indicator's name across sets, for example "basic.id_no"."""
        return f"{self.set}.{self.code}"

    @property
    def sealed(self) -> bool:
        """Whether the value is ciphertext at rest (SEC-12)."""
        return self.pii_level == "encrypt"

    @property
    def masked(self) -> bool:
        """Whether lists, searches and exports show a mask (SEC-10)."""
        return self.pii_level in ("mask", "encrypt")

    @property
    def indispensable(self) -> bool:
        """Whether no category may stop collecting it: what says who a person or unit is, and what
        the national system asks of the core information (S104)."""
        return self.identity or (self.core and self.source.startswith(NATIONAL))

    @property
    def computed(self) -> bool:
        """Whether the value is derived or written back and never typed in."""
        return self.read_only


@dataclass(frozen=True)
class IndicatorSet:
    """One 信息子集 with its indicators in display order."""

    code: str
    name_zh: str
    name_en: str
    multi_row: bool
    entity: str
    group_zh: str
    core: bool
    sort: int
    source: str
    note: str
    indicators: tuple[Indicator, ...] = ()

    def indicator(self, code: str) -> Indicator:
        """Return the indicator of that code; KeyError when there is none."""
        for item in self.indicators:
            if item.code == code:
                return item
        raise KeyError(f"{self.code}.{code}")


@dataclass(frozen=True)
class Rule:
    """How one school category treats one indicator (clauses S19, S51, S52)."""

    set: str
    indicator: str
    category: str
    collected: bool
    required: bool
    filled_by: str
    reviewed_by: str


@dataclass(frozen=True)
class Code:
    """One row of a code table; `attrs` is read-only JSON."""

    table: str
    code: str
    name_zh: str
    name_en: str
    sort: int
    standard: str
    parent: str
    active: bool | None
    verified: str
    attrs: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class CheckRule:
    """One cross-field rule DQ001 to DQ076; trigger is save, submit or nightly."""

    code: str
    severity: str
    set: str
    trigger: str
    fields: tuple[str, ...]
    message_zh: str
    message_en: str
    description: str


@dataclass(frozen=True)
class District:
    """A district or own unit with its education authority."""

    code: str
    name_zh: str
    name_en: str
    level: str
    parent: str
    authority_zh: str
    authority_en: str
    sort: int


@dataclass(frozen=True)
class SchoolType:
    """One 办学类型 of 附件1 (or an own type) with the category that its form follows."""

    code: str
    name_zh: str
    name_en: str
    stage: str
    category: str
    attached: bool
    sort: int


@dataclass(frozen=True)
class Region:
    """An administrative division of GB/T 2260; level 1 province, 2 city, 3 county."""

    code: str
    name_zh: str
    level: int
    parent: str
    status: str


@dataclass(frozen=True)
class Reference:
    """All reference data of one folder."""

    sets: Mapping[str, IndicatorSet]
    rules: Mapping[tuple[str, str, str], Rule]
    codes: Mapping[str, Mapping[str, Code]]
    checks: Mapping[str, CheckRule]
    districts: Mapping[str, District]
    school_types: Mapping[str, SchoolType]
    regions: Mapping[str, Region]

    @property
    def categories(self) -> tuple[str, ...]:
        """The seven school categories in display order."""
        return tuple(self.codes["school_category"])

    def indicator(self, set_code: str, code: str) -> Indicator:
        """Return one indicator; KeyError when set or code is unknown."""
        return self.sets[set_code].indicator(code)

    def teacher_sets(self) -> tuple[IndicatorSet, ...]:
        """The 28 sets of a teacher's file in display order."""
        return tuple(s for s in self.sets.values() if s.entity == "teacher")


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as stream:
        return [{k: (v or "") for k, v in row.items()} for row in csv.DictReader(stream)]


def _whole(text: str) -> int | None:
    return int(text) if text else None


def _indicator(row: dict[str, str]) -> Indicator:
    return Indicator(
        set=row["set"],
        code=row["code"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        data_type=row["data_type"],
        max_length=_whole(row["max_length"]),
        code_table=row["code_table"],
        multi_value=row["multi_value"] == "1",
        min=row["min"],
        max=row["max"],
        regex=row["regex"],
        core=row["core_flag"] == "1",
        pii_level=row["pii_level"] or "none",
        beijing_extension=row["beijing_extension"] == "1",
        derived_from=row["derived_from"],
        read_only=row["read_only"] == "1",
        identity=row["identity_flag"] == "1",
        default=row["default_value"],
        applicable_when=row["applicable_when"],
        sort=int(row["sort"]),
        source=row["source"],
        help_zh=row["help_zh"],
        help_en=row["help_en"],
    )


def _sets(folder: Path) -> dict[str, IndicatorSet]:
    grouped: dict[str, list[Indicator]] = {}
    for row in _rows(folder, "indicators.csv"):
        grouped.setdefault(row["set"], []).append(_indicator(row))
    return {
        row["code"]: IndicatorSet(
            code=row["code"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            multi_row=row["multi_row"] == "1",
            entity=row["entity"],
            group_zh=row["group_zh"],
            core=row["core_flag"] == "1",
            sort=int(row["sort"]),
            source=row["source"],
            note=row["note"],
            indicators=tuple(sorted(grouped.get(row["code"], ()), key=lambda i: i.sort)),
        )
        for row in sorted(_rows(folder, "indicator_sets.csv"), key=lambda r: int(r["sort"]))
    }


def _codes(folder: Path) -> dict[str, dict[str, Code]]:
    tables: dict[str, dict[str, Code]] = {}
    for row in sorted(_rows(folder, "code_tables.csv"), key=lambda r: int(r["sort"] or 0)):
        active = {"1": True, "0": False}.get(row["active_flag"])
        attrs = MappingProxyType(json.loads(row["attrs"]) if row["attrs"] else {})
        tables.setdefault(row["table"], {})[row["code"]] = Code(
            table=row["table"],
            code=row["code"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            sort=int(row["sort"] or 0),
            standard=row["standard"],
            parent=row["parent_code"],
            active=active,
            verified=row["verified"],
            attrs=attrs,
            note=row["note"],
        )
    return tables


def read_reference(folder: Path = SEEDS) -> Reference:
    """Read all CSV files of a folder; codes stay text, leading zeros included."""
    return Reference(
        sets=_sets(folder),
        rules={
            (r["set"], r["indicator"], r["category"]): Rule(
                r["set"],
                r["indicator"],
                r["category"],
                r["collected"] == "1",
                r["required"] == "1",
                r["filled_by"],
                r["reviewed_by"],
            )
            for r in _rows(folder, "indicator_rules.csv")
        },
        codes=_codes(folder),
        checks={
            r["code"]: CheckRule(
                r["code"],
                r["severity"],
                r["set"],
                r["trigger"],
                tuple(f.strip() for f in r["fields"].split(",")),
                r["message_zh"],
                r["message_en"],
                r["description"],
            )
            for r in _rows(folder, "validation_rules.csv")
        },
        districts={
            r["code"]: District(
                r["code"],
                r["name_zh"],
                r["name_en"],
                r["level"],
                r["parent_code"],
                r["authority_zh"],
                r["authority_en"],
                int(r["sort"]),
            )
            for r in _rows(folder, "districts.csv")
        },
        school_types={
            r["code"]: SchoolType(
                r["code"],
                r["name_zh"],
                r["name_en"],
                r["stage"],
                r["category"],
                r["is_attached_class"] == "1",
                int(r["sort"]),
            )
            for r in _rows(folder, "school_types.csv")
        },
        regions={
            r["code"]: Region(
                r["code"], r["name_zh"], int(r["level"]), r["parent_code"], r["status"]
            )
            for r in _rows(folder, "regions_gbt2260.csv")
        },
    )


def split_condition(condition: str) -> tuple[str, bool, str]:
    """Split `field=value` or `field!=value` into field, whether equality is meant, value."""
    if "!=" in condition:
        name, value = condition.split("!=", 1)
        return name.strip(), False, value.strip()
    name, value = condition.split("=", 1)
    return name.strip(), True, value.strip()


@cache
def structure() -> Reference:
    """The shipped reference data, read once: the shape from which tables are built."""
    return read_reference(SEEDS)
