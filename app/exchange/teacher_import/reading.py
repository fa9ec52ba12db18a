"""Reads the rows of an uploaded workbook: whom they name, their values, and what is wrong."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.crypto import blind_index
from app.core.errors import Refused
from app.core.reference import Indicator
from app.exchange.cells import column_letter, unescape
from app.exchange.layout import PERSON_COLUMNS, PERSON_ID, PERSON_NAME, PERSON_NO, Column
from app.exchange.record_keys import RECORD_KEYS
from app.exchange.teacher_import.finding import Finding, finding, has_errors
from app.exchange.teacher_import.heading import Cells, OpenSheet
from app.exchange.workbook import Unusable, Value
from app.indicators.catalog import Catalog, language
from app.indicators.spelling import SERIALS
from app.indicators.values import BadValue, is_masked, parse

MAX_ROWS = 20_000
MAX_REMEMBERED = 60
SHIFT_1904 = 1462  # Days between the two calendars of Excel.
MAX_FINDINGS = 20  # In a row.
# Nobody reads more; below, rows are only marked. A wholly wrong workbook is soon refused.
MAX_FINDINGS_IN_ALL = 5_000

Outcome = tuple[Any, Finding | None]


@dataclass
class ReadRow:
    """A row as it was read: whom it names, the values of its set, and what is wrong with it.

    `person` is the blind index of the ID number; None when the row names nobody.
    """

    sheet: str
    set: str
    number: int
    values: dict[str, Any]
    problems: list[Finding]
    id_no: str | None = None
    teacher_no: str | None = None
    name: str | None = None
    person: bytes | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing but a name."""
        return not self.values and not self.problems


class Reader:
    """Reads rows for one school category.

    `numbers` maps the teacher numbers of the school to the `person` of their files.
    """

    def __init__(
        self,
        catalog: Catalog,
        category: str,
        numbers: Mapping[str, bytes],
        *,
        counts_from_1904: bool = False,
    ) -> None:
        self.catalog, self.category, self.numbers = catalog, category, numbers
        self._from_1904 = counts_from_1904
        self._known: dict[tuple[str, str], Outcome] = {}
        self._found = 0

    def rows(self, opened: list[OpenSheet]) -> Iterator[ReadRow]:
        """Read all rows that say something; Refused when there are too many or none."""
        count = 0
        for each in opened:
            for number, cells in each.rows:
                row = self.read(each, number, cells)
                if row.is_empty:
                    continue
                count += 1
                if count > MAX_ROWS:
                    raise Refused(
                        _l("More than 20,000 rows. Please split them over several workbooks.")
                    )
                yield row
        if not count:
            raise Refused(_l("The workbook holds no rows below its headings."))

    def read(self, opened: OpenSheet, number: int, cells: Cells) -> ReadRow:
        """Read one row."""
        row = ReadRow(opened.sheet.name, opened.layout.set.code, number, {}, [])
        if self._found >= MAX_FINDINGS_IN_ALL:
            row.problems.append(self._unread)
            return row
        people = self._read_cells(opened, row, cells)
        if row.is_empty:
            return row
        if row.set == "basic":
            people |= {PERSON_ID: row.values.get("id_no"), PERSON_NAME: row.values.get("name")}
        row.id_no, row.teacher_no = people.get(PERSON_ID), people.get(PERSON_NO)
        row.name = people.get(PERSON_NAME)
        self._identify(opened, row)
        self._check_keys(row)
        self._found += len(row.problems)
        return row

    def _read_cells(self, opened: OpenSheet, row: ReadRow, cells: Cells) -> dict[str, Any]:
        """Put values and findings of the cells into a row; return what names the person."""
        people: dict[str, Any] = {}
        for index, raw in cells.items():
            if len(row.problems) >= MAX_FINDINGS:
                break
            if index in opened.skipped:
                continue
            column = opened.columns.get(index)
            value, problem = (None, _stray()) if column is None else self._read_cell(column, raw)
            if problem is not None:
                row.problems.append(problem | {"column": column_letter(index)})
            elif value is not None and column is not None:
                place = people if column.is_person else row.values
                place[column.key if column.is_person else column.indicator.code] = value
        return people

    @cached_property
    def _unread(self) -> Finding:
        return finding("unread", _unread)

    def _read_cell(self, column: Column, raw: Value) -> Outcome:
        item = column.indicator
        if isinstance(raw, Unusable):
            return None, finding(raw, _WHY_UNUSABLE[raw], item=item)
        if isinstance(raw, str):
            raw = unescape(raw)
            # A mask says nothing: it came from an export and must not overwrite the value (SEC-33).
            if is_masked(item, raw):
                return None, None
            if item.data_type in ("code", "bool") and len(raw) <= MAX_REMEMBERED:
                known = self._known.get((column.key, raw))
                if known is None:
                    known = self._known[column.key, raw] = self._parse(item, raw)
                return known
        elif self._from_1904 and item.data_type in ("date", "year_month") and raw in SERIALS:
            raw = int(raw) + SHIFT_1904
        return self._parse(item, raw)

    def _parse(self, item: Indicator, raw: Any) -> Outcome:
        try:
            return parse(item, raw, self.catalog, category=self.category), None
        except BadValue as bad:
            return None, finding(bad.code, self._refusal(item, raw), item=item)

    def _refusal(self, item: Indicator, raw: Any) -> Callable[[], str]:
        """Why a value is refused, in the language that is set when it is asked for."""

        def words() -> str:
            try:
                parse(item, raw, self.catalog, category=self.category)
            except BadValue as bad:
                return bad.message
            return ""

        return words

    def _identify(self, opened: OpenSheet, row: ReadRow) -> None:
        """Find out whom the row is about."""
        if row.id_no:
            row.person = blind_index(row.id_no, "idcard")
        if row.teacher_no:
            own = self.numbers.get(row.teacher_no)
            if own is None:
                self._blame(opened, row, PERSON_NO, _unknown_number)
            elif row.person is None:
                row.person = own
            elif own != row.person:
                self._blame(opened, row, PERSON_NO, _wrong_number)
        elif row.person is None and not any(each.get("field") == "id_no" for each in row.problems):
            self._blame(opened, row, PERSON_ID, _nobody)

    def _blame(self, opened: OpenSheet, row: ReadRow, key: str, words: Callable[[], str]) -> None:
        item = self.catalog.by_key[PERSON_COLUMNS[key]]
        keys = (key, item.key)
        letter = next((column_letter(i) for i, c in opened.columns.items() if c.key in keys), "")
        row.problems.append(finding("person", words, item=item, letter=letter))

    def _check_keys(self, row: ReadRow) -> None:
        keys = RECORD_KEYS.get(row.set, ())
        if not keys or has_errors(row.problems) or any(key in row.values for key in keys):
            return
        items = [self.catalog.indicator(row.set, key) for key in keys]

        def words() -> str:
            names = " / ".join(self.catalog.name(item, language()) for item in items)
            return _("The row cannot be recognised. Fill in: %(names)s.", names=names)

        row.problems.append(finding("key", words, place={"field": keys[0]}))


def _stray() -> Finding:
    return finding("column", lambda: _("This column is not in the template. Empty the cell."))


def _unread() -> str:
    return _("Too many problems in the rows above. Mend them first; this row was not read.")


def _wrong_number() -> str:
    return _("Teacher number and ID number belong to different people. Correct one of them.")


def _unknown_number() -> str:
    return _("No file of your school has this teacher number. Write the ID number instead.")


def _nobody() -> str:
    return _("The row names nobody. Write the ID number or the teacher number.")


_WHY_UNUSABLE: Mapping[Unusable, Callable[[], str]] = {
    Unusable.FORMULA: lambda: _("The cell holds a formula. Copy it and paste it as a value."),
    Unusable.ERROR: lambda: _("The cell shows an error such as #N/A. Type the value in."),
    Unusable.TOO_LONG: lambda: _("The cell holds more than 32,767 characters. Please shorten it."),
}
