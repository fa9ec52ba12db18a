"""The import format: which sheets and columns a school category has, and how a cell says a value.

One sheet per set; the heading row holds the Chinese names, the hidden row below it the codes
`set.indicator`. Every sheet names the person by `person.…` columns (product.md s4, S19).
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.core.reference import Indicator, IndicatorSet
from app.core.sealed import UNREADABLE
from app.exchange.cells import for_workbook
from app.exchange.record_keys import RECORD_KEYS
from app.indicators.catalog import Catalog
from app.indicators.rules import codes_of
from app.indicators.values import FULL_MASK, as_text
from app.services.attachment import is_file

PERSON = "person"
PERSON_ID, PERSON_NAME, PERSON_NO = f"{PERSON}.id_no", f"{PERSON}.name", f"{PERSON}.teacher_no"
# Who a row is about, by column key: the indicator that tells how such a cell is read and called.
PERSON_COLUMNS = {
    PERSON_ID: "basic.id_no",
    PERSON_NAME: "basic.name",
    PERSON_NO: "basic.teacher_no",
}
# The basic set holds number and name itself.
PERSON_ON_BASIC = (PERSON_NO,)

INSTRUCTIONS = "填写说明"
ABOUT = "模板信息"  # Very hidden: which template this is, and the lists of the drop-downs.
CATEGORY_CELL = "category"

# Why a row was refused; the workbook of refused rows has this column, a reader skips it.
REASON = f"{PERSON}.reason"
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\]")
MAX_TITLE = 31


@dataclass(frozen=True)
class Column:
    """A column: its key in the hidden row, and the indicator that says how it is read."""

    key: str
    indicator: Indicator
    required: bool = False
    identifies: bool = False

    @property
    def heading(self) -> str:
        return self.indicator.name_zh

    @property
    def is_person(self) -> bool:
        """Whether it says who the row is about and is no value of the set."""
        return self.key in PERSON_COLUMNS


@dataclass(frozen=True)
class SheetLayout:
    """A sheet of the format."""

    set: IndicatorSet
    columns: tuple[Column, ...]

    @property
    def title(self) -> str:
        return sheet_title(self.set)

    @cached_property
    def by_key(self) -> dict[str, Column]:
        return {column.key: column for column in self.columns}


def sheet_title(entry: IndicatorSet) -> str:
    """The name of a set as Excel admits it for a sheet."""
    return _NOT_IN_TITLES.sub("／", entry.name_zh)[:MAX_TITLE]


def layout(catalog: Catalog, category: str) -> tuple[SheetLayout, ...]:
    """The sheets of a school category; what it does not collect or nobody enters is absent."""
    found = []
    for entry in catalog.category_sets(category):
        entered = [item for item in entry.indicators if is_entered(item)]
        columns = [_column(item, catalog, category) for item in entered]
        if columns:
            found.append(SheetLayout(entry, _with_person(entry, columns, catalog)))
    return tuple(found)


def is_entered(indicator: Indicator) -> bool:
    """Whether people type the value in: nothing computed, no uploaded file."""
    return not indicator.read_only and not is_file(indicator)


def _column(item: Indicator, catalog: Catalog, category: str) -> Column:
    keys = RECORD_KEYS.get(item.set, ())
    required = catalog.required(item.set, item.code, category)
    return Column(item.key, item, required, item.code in keys)


def _with_person(
    entry: IndicatorSet, columns: list[Column], catalog: Catalog
) -> tuple[Column, ...]:
    people = {
        key: Column(key, catalog.by_key[place], required=key == PERSON_ID)
        for key, place in PERSON_COLUMNS.items()
    }
    if entry.code == "basic":
        return (*columns, *(people[key] for key in PERSON_ON_BASIC))
    return (*people.values(), *columns)


def cell_text(indicator: Indicator, value: Any, catalog: Catalog, category: str | None) -> str:
    """The text that a cell of the format holds: “code name” for codes, else the one spelling.

    Reading it gives the value again; what cannot be read stands like a mask, which says nothing.
    """
    if value is None:
        return ""
    if value is UNREADABLE:
        return f"{FULL_MASK} {UNREADABLE}"
    if isinstance(value, bool):
        return "是" if value else "否"
    if indicator.data_type != "code":
        return for_workbook(as_text(indicator, value))
    table = catalog.table_of(indicator, category)
    return "、".join(code_item(catalog, table, code) for code in codes_of(value))


def code_item(catalog: Catalog, table: str, code: str) -> str:
    """A code as it stands in a drop-down: “code name”; a region with those above it."""
    name = catalog.label(table, code)
    return f"{code} {name}" if name != code else code
