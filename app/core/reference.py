"""The reference data of seeds/*.csv as typed rows, and the check of the whole before use."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

SEEDS = Path(__file__).resolve().parents[2] / "seeds"

DATA_TYPES = frozenset(
    ("text", "int", "decimal", "date", "year_month", "code", "bool", "idcard", "phone", "email")
)
TABLES_OUTSIDE = frozenset({"@districts", "@regions", "@school_types"})
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
class Finding:
    """A fault of the reference data: where it stands and what mends it."""

    file: str
    row: int
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file} row {self.row}: {self.text} {self.remedy}"


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


def _find_set_problems(folder: Path, ref: Reference) -> list[Finding]:
    found = []
    for number, row in enumerate(_rows(folder, "indicators.csv"), start=2):
        where = ("indicators.csv", number)
        if row["set"] not in ref.sets:
            remedy = "Add it to indicator_sets.csv."
            found.append(Finding(*where, f"set {row['set']!r} does not exist.", remedy))
        if row["data_type"] not in DATA_TYPES:
            remedy = f"Use one of: {', '.join(sorted(DATA_TYPES))}."
            found.append(Finding(*where, f"data_type {row['data_type']!r} is unknown.", remedy))
        table = row["code_table"]
        if row["data_type"] == "code" and not table:
            found.append(Finding(*where, "a code has no code_table.", "Name its table."))
        if table and table not in ref.codes and table not in TABLES_OUTSIDE:
            remedy = "Add it to code_tables.csv."
            found.append(Finding(*where, f"code table {table!r} does not exist.", remedy))
        condition = row["applicable_when"]
        if condition and not _known_condition(ref, row["set"], condition):
            found.append(
                Finding(
                    *where,
                    f"applicable_when {condition!r} names an unknown indicator.",
                    "Write field=value or field!=value with an existing field.",
                )
            )
    return found


def split_condition(condition: str) -> tuple[str, bool, str]:
    """Split `field=value` or `field!=value` into field, whether equality is meant, value."""
    if "!=" in condition:
        name, value = condition.split("!=", 1)
        return name.strip(), False, value.strip()
    name, value = condition.split("=", 1)
    return name.strip(), True, value.strip()


def _known_condition(ref: Reference, set_code: str, condition: str) -> bool:
    if "=" not in condition:
        return False
    name = split_condition(condition)[0]
    if "." in name:
        set_code, name = name.split(".", 1)
    return set_code in ref.sets and any(i.code == name for i in ref.sets[set_code].indicators)


def _find_rule_problems(folder: Path, ref: Reference) -> list[Finding]:
    found = []
    for number, row in enumerate(_rows(folder, "indicator_rules.csv"), start=2):
        where = ("indicator_rules.csv", number)
        name = f"{row['set']}.{row['indicator']}"
        if row["category"] not in ref.codes.get("school_category", {}):
            found.append(
                Finding(*where, f"category {row['category']!r} is unknown.", "See school_category.")
            )
        if row["set"] not in ref.sets or row["indicator"] not in {
            i.code for i in ref.sets[row["set"]].indicators
        }:
            found.append(
                Finding(*where, f"indicator {name!r} does not exist.", "Add it to indicators.csv.")
            )
        if row["filled_by"] not in FILLED_BY or row["reviewed_by"] not in REVIEWED_BY:
            text = (
                f"filled_by {row['filled_by']!r} or reviewed_by {row['reviewed_by']!r} is unknown."
            )
            remedy = "Use school, teacher or both; authority or school_then_authority."
            found.append(Finding(*where, text, remedy))
    return found


def _find_missing_rules(ref: Reference) -> list[Finding]:
    return [
        Finding(
            "indicator_rules.csv",
            0,
            f"{item.key} has no rule for category {category!r}.",
            "Add the row.",
        )
        for entry in ref.sets.values()
        for item in entry.indicators
        for category in ref.categories
        if (entry.code, item.code, category) not in ref.rules
    ]


def _find_code_problems(folder: Path, ref: Reference) -> list[Finding]:
    found = []
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(_rows(folder, "code_tables.csv"), start=2):
        where = ("code_tables.csv", number)
        if (row["table"], row["code"]) in seen:
            found.append(
                Finding(*where, f"{row['table']} {row['code']!r} occurs twice.", "Remove one row.")
            )
        seen.add((row["table"], row["code"]))
        if row["parent_code"] and row["parent_code"] not in ref.codes[row["table"]]:
            found.append(
                Finding(*where, f"parent {row['parent_code']!r} does not exist.", "Add the parent.")
            )
    for number, row in enumerate(_rows(folder, "school_types.csv"), start=2):
        if row["category"] not in ref.codes.get("school_category", {}):
            found.append(
                Finding(
                    "school_types.csv",
                    number,
                    f"category {row['category']!r} is unknown.",
                    "See school_category in code_tables.csv.",
                )
            )
    return found


def find_problems(folder: Path = SEEDS) -> list[Finding]:
    """Check a folder as a whole: every reference resolves, every indicator has a rule each."""
    ref = read_reference(folder)
    return (
        _find_set_problems(folder, ref)
        + _find_rule_problems(folder, ref)
        + _find_missing_rules(ref)
        + _find_code_problems(folder, ref)
    )


@cache
def structure() -> Reference:
    """The shipped reference data, read once: the shape from which tables are built."""
    return read_reference(SEEDS)
