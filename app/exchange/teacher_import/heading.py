"""Recognises the sheets of the template by their headings and hidden codes; names what is wrong."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.errors import Refused
from app.exchange.cells import column_letter
from app.exchange.layout import (
    ABOUT,
    CATEGORY_CELL,
    INSTRUCTIONS,
    PERSON,
    PERSON_ID,
    PERSON_NO,
    REASON,
    Column,
    SheetLayout,
    layout,
)
from app.exchange.teacher_import.finding import Finding, as_problem, finding
from app.exchange.workbook import Sheet, Value, Workbook
from app.indicators.catalog import Catalog, language

HEADER_ROWS = 10
MAX_FAULTS = 20
_KEY = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_MARKS = re.compile(r"[\s*＊]")

Cells = dict[int, Value]
Words = Callable[[], str]


class WrongTemplate(Refused):
    """The workbook does not fit the template; `faults` say where."""

    def __init__(self, message: Any, faults: list[Finding]) -> None:
        self.faults = faults[:MAX_FAULTS]
        super().__init__(message, [as_problem(each) for each in self.faults])


@dataclass
class OpenSheet:
    """A sheet of the template with its columns; `rows` goes on below the headings."""

    sheet: Sheet
    layout: SheetLayout
    columns: Mapping[int, Column]
    skipped: frozenset[int]
    rows: Iterator[tuple[int, Cells]] = field(repr=False)


class Headings:
    """Compares the sheets of a workbook with the template of a school category.

    `notes` holds warnings about sheets that were left out.
    """

    def __init__(self, catalog: Catalog, category: str) -> None:
        self.catalog, self.category = catalog, category
        self.layouts = {each.set.code: each for each in layout(catalog, category)}
        self.titles = {each.title for each in self.layouts.values()}
        self.notes: list[Finding] = []
        self._faults: list[Finding] = []

    def open(self, book: Workbook) -> list[OpenSheet]:
        """Return the sheets of the template; WrongTemplate names what does not fit."""
        self._check_template(book)
        read = [each for each in book.sheets if each.name not in (ABOUT, INSTRUCTIONS)]
        opened = [found for sheet in read if (found := self._open_sheet(book, sheet))]
        if self._faults:
            message = _l("The workbook does not fit the template of your school. Nothing was read.")
            raise WrongTemplate(message, self._faults)
        if not opened:
            message = _l(
                "This is not the import template: no sheet has its headings and hidden codes."
                " Download the template of your school and copy your rows into it."
            )
            raise WrongTemplate(message, self.notes)
        return opened

    def _check_template(self, book: Workbook) -> None:
        for sheet in book.sheets:
            if sheet.name != ABOUT:
                continue
            for number, cells in book.rows(sheet):
                if cells.get(0) == CATEGORY_CELL and cells.get(1) != self.category:
                    raise WrongTemplate(self._other_template(str(cells.get(1)))(), [])
                if number > HEADER_ROWS:
                    break

    def _other_template(self, other: str) -> Words:
        return lambda: _(
            "This is the template for “%(other)s”; your school needs that for “%(own)s”.",
            other=self._category_name(other),
            own=self._category_name(self.category),
        )

    def _category_name(self, category: str) -> str:
        return self.catalog.label("school_category", category, language())[:40]

    def _open_sheet(self, book: Workbook, sheet: Sheet) -> OpenSheet | None:
        rows = book.rows(sheet)
        headings: Cells = {}
        number = 0
        for number, cells in rows:
            if number > HEADER_ROWS:
                break
            if _are_codes(cells):
                return self._with_columns(sheet, headings, cells, rows)
            headings = cells
        if number and sheet.name in self.titles:
            self._blame(sheet, _no_codes)
        elif number and not sheet.hidden:
            place = {"sheet": sheet.name[:40]}
            self.notes.append(finding("sheet", _left_out, severity="warning", place=place))
        return None

    def _with_columns(
        self, sheet: Sheet, headings: Cells, codes: Cells, rows: Iterator[tuple[int, Cells]]
    ) -> OpenSheet | None:
        keys = {index: str(text).strip() for index, text in codes.items()}
        sets = {key.partition(".")[0] for key in keys.values()} - {PERSON}
        found = self.layouts.get(min(sets, default="")) if len(sets) == 1 else None
        if found is None:
            is_known = len(sets) == 1 and sets <= set(self.catalog.sets)
            self._blame(sheet, self._not_collected if is_known else _mixed_codes)
            return None
        columns: dict[int, Column] = {}
        skipped = frozenset(index for index, key in keys.items() if key == REASON)
        for index, key in keys.items():
            if index in skipped:
                continue
            column, heading = found.by_key.get(key), headings.get(index)
            wrong = self._wrong(key, column, columns, heading)
            if wrong:
                self._blame(sheet, wrong, index, heading)
            elif column:
                columns[index] = column
        number = "basic.id_no" if found.set.code == "basic" else PERSON_ID
        if not set(keys.values()) & {number, PERSON_NO}:
            self._blame(sheet, _no_person)
        return OpenSheet(sheet, found, columns, skipped, rows)

    def _wrong(
        self, key: str, column: Column | None, columns: Mapping[int, Column], heading: Any
    ) -> Words | None:
        if column is None:
            return self._foreign(key)
        if any(column is each for each in columns.values()):
            return _twice
        names = {_MARKS.sub("", name) for name in (column.heading, column.indicator.name_en)}
        if heading is not None and _MARKS.sub("", str(heading)) not in names:
            return lambda: _(
                "The heading should be “%(heading)s”. Headings and hidden codes must stay as they"
                " are; sort only the rows below them.",
                heading=column.heading,
            )
        return None

    def _foreign(self, key: str) -> Words:
        item = self.catalog.by_key.get(key)
        if item is None or item.set not in self.layouts:
            code = key[:60]
            return lambda: _("The hidden code “%(code)s” is unknown. Delete the column.", code=code)
        if self.catalog.collected(item.set, item.code, self.category):
            return _computed
        return self._not_collected

    def _not_collected(self) -> str:
        name = self._category_name(self.category)
        return _("“%(name)s” does not collect this. Delete it from the workbook.", name=name)

    def _blame(
        self, sheet: Sheet, words: Words, index: int | None = None, heading: Any = None
    ) -> None:
        letter = "" if index is None else column_letter(index)
        place = {"sheet": sheet.name[:40], "heading": str(heading or "")[:40]}
        self._faults.append(finding("template", words, letter=letter, place=place))


def column_letters(opened: Iterable[OpenSheet]) -> dict[tuple[str, str], str]:
    """The letter of each column, by sheet and indicator code or person column, for findings."""
    return {
        (each.sheet.name, column.key if column.is_person else column.indicator.code): (
            column_letter(index)
        )
        for each in opened
        for index, column in each.columns.items()
    }


def _are_codes(cells: Cells) -> bool:
    """Whether a row is the hidden row: nothing but codes, at least two of them."""
    texts = [cell.strip() if isinstance(cell, str) else "" for cell in cells.values()]
    return len(texts) > 1 and all(_KEY.fullmatch(text) for text in texts)


def _no_codes() -> str:
    return _("The hidden row of codes is missing. Copy your rows into a fresh template.")


def _left_out() -> str:
    return _("This sheet is not part of the template and was not read.")


def _mixed_codes() -> str:
    return _("The hidden row holds codes of several sheets. Copy your rows into a fresh template.")


def _no_person() -> str:
    return _("The column with the ID number is missing. Copy your rows into a fresh template.")


def _twice() -> str:
    return _("The column stands here twice. Delete one of them.")


def _computed() -> str:
    return _("This is worked out by the system and not typed in. Delete the column.")
