"""The check of reference CSV before they are loaded: each finding names file, row and remedy.

The shape of each file comes first, then what the rows say of each other.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from app.core.reference import (
    FILLED_BY,
    REVIEWED_BY,
    SEEDS,
    Reference,
    read_reference,
    split_condition,
)
from app.indicators.catalog import DISTRICTS, REGIONS, SCHOOL_TYPES
from app.indicators.checks import CHECKS
from app.models.calendar import DayKind, is_weekend
from app.models.parameter import read_value

Row = dict[str, str]
SEVERITIES = frozenset(("error", "warning"))
TRIGGERS = frozenset(("save", "submit", "nightly"))
# Written in `fields` of a check although no indicator has that name.
PSEUDO_FIELDS = frozenset(("*", "school.category", "transfer"))
DATA_TYPES = frozenset(
    ("text", "int", "decimal", "date", "year_month", "code", "bool", "idcard", "phone", "email")
)
TABLES_OUTSIDE = frozenset({DISTRICTS, REGIONS, SCHOOL_TYPES})
RELATIVE_BOUNDS = frozenset(("today", "this_year", "last_year", "next_year"))


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
class Shape:
    """The columns of a file: its key, those that hold numbers, 0/1, JSON, or must be filled."""

    key: tuple[str, ...]
    filled: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    json: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that the file must have."""
        groups = (self.key, self.filled, self.numbers, self.flags, self.json, self.others)
        return tuple(dict.fromkeys(name for group in groups for name in group))


SHAPES = {
    "indicator_sets.csv": Shape(
        key=("code",),
        filled=("name_zh", "name_en", "entity"),
        numbers=("sort",),
        flags=("multi_row", "core_flag"),
        others=("group_zh", "source", "note"),
    ),
    "indicators.csv": Shape(
        key=("set", "code"),
        filled=("name_zh", "name_en", "data_type", "pii_level"),
        numbers=("sort", "max_length"),
        flags=("multi_value", "core_flag", "beijing_extension", "read_only", "identity_flag"),
        others=(
            "code_table",
            "min",
            "max",
            "regex",
            "derived_from",
            "default_value",
            "applicable_when",
            "source",
            "help_zh",
            "help_en",
        ),
    ),
    "indicator_rules.csv": Shape(
        key=("set", "indicator", "category"),
        flags=("collected", "required"),
        filled=("reviewed_by",),
        # Nobody fills what a category does not collect.
        others=("filled_by",),
    ),
    "code_tables.csv": Shape(
        key=("table", "code"),
        filled=("name_zh",),
        numbers=("sort",),
        json=("attrs",),
        others=("name_en", "standard", "parent_code", "active_flag", "verified", "note"),
    ),
    "districts.csv": Shape(
        key=("code",),
        filled=("name_zh", "name_en", "level", "authority_zh", "authority_en"),
        numbers=("sort",),
        others=("parent_code",),
    ),
    "school_types.csv": Shape(
        key=("code",),
        filled=("name_zh", "name_en", "stage", "category"),
        numbers=("sort",),
        flags=("is_attached_class",),
    ),
    "regions_gbt2260.csv": Shape(
        key=("code",), filled=("name_zh", "status"), numbers=("level",), others=("parent_code",)
    ),
    "validation_rules.csv": Shape(
        key=("code",),
        filled=("severity", "set", "trigger", "fields", "message_zh", "message_en", "description"),
    ),
    "special_days.csv": Shape(key=("day",), filled=("kind", "name_zh", "name_en", "source")),
    "parameters.csv": Shape(
        key=("key",), filled=("kind", "section", "label_zh", "label_en"), others=("value",)
    ),
}
MAY_BE_BLANK = frozenset(("max_length",))


def check_folder(folder: Path = SEEDS) -> list[Finding]:
    """Return all faults of a folder of reference data; those of the shape alone if it has any."""
    found = [each for name, shape in SHAPES.items() for each in _file_findings(folder, name, shape)]
    if found:
        return found
    return list(_meaning_findings(folder, read_reference(folder)))


def _file_findings(folder: Path, name: str, shape: Shape) -> Iterator[Finding]:
    path = folder / name
    if not path.is_file():
        yield Finding(name, 0, "the file is missing.", "Put it into the folder.")
        return
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            headings, rows = reader.fieldnames or (), list(reader)
    except UnicodeDecodeError:
        yield Finding(name, 0, "the file is not UTF-8.", "Save it as CSV UTF-8.")
        return
    missing = [column for column in shape.columns if column not in headings]
    if missing:
        remedy = "Restore the heading row (UTF-8 without byte order mark)."
        yield Finding(name, 1, f"column {', '.join(missing)} is missing.", remedy)
        return
    yield from _row_findings(name, shape, rows)


def _row_findings(name: str, shape: Shape, rows: list[Row]) -> Iterator[Finding]:
    seen: set[tuple[str, ...]] = set()
    tests = tuple(_cell_tests(shape))
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            remedy = "Put texts with commas into quotation marks."
            yield Finding(name, number, "the row has too many or too few cells.", remedy)
            continue
        key = tuple(row[column] for column in shape.key)
        if key in seen:
            yield Finding(name, number, f"{' '.join(key)!r} occurs twice.", "Remove one row.")
        seen.add(key)
        for column, test, remedy in tests:
            if not test(row[column], column):
                text = f"{column} is {row[column]!r}."
                yield Finding(name, number, text, remedy)


def _cell_tests(shape: Shape) -> Iterator[tuple[str, Callable[[str, str], bool], str]]:
    for column in (*shape.key, *shape.filled):
        yield column, lambda text, _column: bool(text.strip()), "Fill the cell."
    for column in shape.numbers:
        yield column, _is_number, "Write a whole number."
    for column in shape.flags:
        yield column, lambda text, _column: text in ("0", "1"), "Write 0 or 1."
    for column in shape.json:
        yield column, lambda text, _column: _is_json_object(text), "Write a JSON object."


def _is_number(text: str, column: str) -> bool:
    return text.isascii() and text.isdigit() or (not text and column in MAY_BE_BLANK)


def _is_json_object(text: str) -> bool:
    try:
        return not text or isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _rows(folder: Path, name: str) -> Iterator[tuple[int, Row]]:
    with (folder / name).open(encoding="utf-8", newline="") as stream:
        yield from enumerate(csv.DictReader(stream), start=2)


def _meaning_findings(folder: Path, ref: Reference) -> Iterator[Finding]:
    yield from _indicator_findings(folder, ref)
    yield from _rule_findings(folder, ref)
    yield from _missing_rules(ref)
    yield from _code_findings(folder, ref)
    yield from _category_findings(folder, ref)
    yield from _limit_findings(folder, ref)
    yield from _check_findings(folder, ref)
    yield from _parent_findings(folder, "regions_gbt2260.csv")
    yield from _parent_findings(folder, "districts.csv")
    for number, row in _rows(folder, "parameters.csv"):
        try:
            read_value(row["kind"], row["value"])
        except ValueError:
            text = f"value {row['value']!r} is no {row['kind']}."
            yield Finding("parameters.csv", number, text, "Write a value of that kind.")
    yield from _day_findings(folder)


def _day_findings(folder: Path) -> Iterator[Finding]:
    for number, row in _rows(folder, "special_days.csv"):
        where = ("special_days.csv", number)
        try:
            day = date.fromisoformat(row["day"])
        except ValueError:
            yield Finding(*where, f"day is {row['day']!r}.", "Write it as 2026-10-01.")
            continue
        if row["kind"] not in list(DayKind):
            yield Finding(*where, f"kind is {row['kind']!r}.", "Use holiday or make_up.")
        elif row["kind"] == DayKind.MAKE_UP and not is_weekend(day):
            remedy = "Choose a Saturday or Sunday."
            yield Finding(*where, f"{row['day']} is a weekday.", remedy)


def _indicator_findings(folder: Path, ref: Reference) -> Iterator[Finding]:
    for number, row in _rows(folder, "indicators.csv"):
        where = ("indicators.csv", number)
        if row["set"] not in ref.sets:
            remedy = "Add it to indicator_sets.csv."
            yield Finding(*where, f"set {row['set']!r} does not exist.", remedy)
        if row["data_type"] not in DATA_TYPES:
            remedy = f"Use one of: {', '.join(sorted(DATA_TYPES))}."
            yield Finding(*where, f"data_type {row['data_type']!r} is unknown.", remedy)
        table = row["code_table"]
        if row["data_type"] == "code" and not table:
            yield Finding(*where, "a code has no code_table.", "Name its table.")
        if table and table not in ref.codes and table not in TABLES_OUTSIDE:
            remedy = "Add it to code_tables.csv."
            yield Finding(*where, f"code table {table!r} does not exist.", remedy)
        condition = row["applicable_when"]
        if condition and not _known_condition(ref, row["set"], condition):
            text = f"applicable_when {condition!r} names an unknown indicator."
            remedy = "Write field=value or field!=value with an existing field."
            yield Finding(*where, text, remedy)


def _known_condition(ref: Reference, set_code: str, condition: str) -> bool:
    if "=" not in condition:
        return False
    name = split_condition(condition)[0]
    if "." in name:
        set_code, name = name.split(".", 1)
    return set_code in ref.sets and any(i.code == name for i in ref.sets[set_code].indicators)


def _rule_findings(folder: Path, ref: Reference) -> Iterator[Finding]:
    known = {item.key for entry in ref.sets.values() for item in entry.indicators}
    for number, row in _rows(folder, "indicator_rules.csv"):
        where = ("indicator_rules.csv", number)
        if row["category"] not in ref.codes.get("school_category", {}):
            text = f"category {row['category']!r} is unknown."
            yield Finding(*where, text, "See school_category.")
        name = f"{row['set']}.{row['indicator']}"
        if name not in known:
            text = f"indicator {name!r} does not exist."
            yield Finding(*where, text, "Add it to indicators.csv.")
        if row["filled_by"] not in FILLED_BY or row["reviewed_by"] not in REVIEWED_BY:
            text = (
                f"filled_by {row['filled_by']!r} or reviewed_by {row['reviewed_by']!r} is unknown."
            )
            remedy = "Use school, teacher or both; authority or school_then_authority."
            yield Finding(*where, text, remedy)


def _missing_rules(ref: Reference) -> Iterator[Finding]:
    for entry in ref.sets.values():
        for item in entry.indicators:
            for category in ref.categories:
                if (entry.code, item.code, category) not in ref.rules:
                    text = f"{item.key} has no rule for category {category!r}."
                    yield Finding("indicator_rules.csv", 0, text, "Add the row.")


def _code_findings(folder: Path, ref: Reference) -> Iterator[Finding]:
    for number, row in _rows(folder, "code_tables.csv"):
        parent = row["parent_code"]
        if parent and parent not in ref.codes[row["table"]]:
            text = f"parent {parent!r} does not exist."
            yield Finding("code_tables.csv", number, text, "Add the parent.")


def _category_findings(folder: Path, ref: Reference) -> Iterator[Finding]:
    for number, row in _rows(folder, "school_types.csv"):
        if row["category"] not in ref.codes.get("school_category", {}):
            text = f"category {row['category']!r} is unknown."
            remedy = "See school_category in code_tables.csv."
            yield Finding("school_types.csv", number, text, remedy)


def _limit_findings(folder: Path, ref: Reference) -> Iterator[Finding]:
    for number, row in _rows(folder, "indicators.csv"):
        where = ("indicators.csv", number)
        try:
            re.compile(row["regex"])
        except re.error:
            yield Finding(*where, f"regex {row['regex']!r} is none.", "Correct the pattern.")
        for bound in (row["min"], row["max"]):
            if bound and bound not in RELATIVE_BOUNDS and not re.fullmatch(r"[0-9.-]+", bound):
                remedy = f"Write a number, a date or one of: {', '.join(sorted(RELATIVE_BOUNDS))}."
                yield Finding(*where, f"limit {bound!r} is unknown.", remedy)
        codes, default = ref.codes.get(row["code_table"]), row["default_value"]
        if codes is not None and default and default not in codes:
            remedy = f"Use a code of {row['code_table']}."
            yield Finding(*where, f"default_value {default!r} is no code.", remedy)


def _check_findings(folder: Path, ref: Reference) -> Iterator[Finding]:
    known = {item.key for entry in ref.sets.values() for item in entry.indicators}
    for number, row in _rows(folder, "validation_rules.csv"):
        where = ("validation_rules.csv", number)
        if row["code"] not in CHECKS:
            remedy = "Remove the row; a new check comes with a release."
            yield Finding(*where, f"no check {row['code']!r} exists.", remedy)
        if row["severity"] not in SEVERITIES or row["trigger"] not in TRIGGERS:
            remedy = "Use error or warning; save, submit or nightly."
            text = f"severity {row['severity']!r} or trigger {row['trigger']!r} is unknown."
            yield Finding(*where, text, remedy)
        for name in (part.strip() for part in row["fields"].split(",")):
            if name not in known and name not in ref.sets and name not in PSEUDO_FIELDS:
                yield Finding(*where, f"field {name!r} does not exist.", "Name an indicator.")


def _parent_findings(folder: Path, name: str) -> Iterator[Finding]:
    codes = {row["code"] for _number, row in _rows(folder, name)}
    for number, row in _rows(folder, name):
        parent = row["parent_code"]
        if parent and parent not in codes:
            text = f"parent_code {parent!r} does not exist."
            yield Finding(name, number, text, "Name an existing code.")
