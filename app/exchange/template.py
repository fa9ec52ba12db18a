"""Writes workbooks in the import format: the empty template, or files filled in (C1, S58)."""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from flask_babel import gettext as _

from app.core.reference import Indicator
from app.exchange.cells import column_letter, new_workbook
from app.exchange.layout import (
    ABOUT,
    CATEGORY_CELL,
    INSTRUCTIONS,
    REASON,
    Column,
    SheetLayout,
    cell_text,
    code_item,
    layout,
)
from app.indicators.catalog import Catalog, language
from app.indicators.values import codes_for, default_of, display

MAX_ROWS = 20_000
# A longer list is no help: such codes are typed in and checked at the import.
MAX_ITEMS = 500
FIRST_LIST_COLUMN = 3
WIDTHS = {"date": 14, "year_month": 12, "int": 10, "decimal": 14, "bool": 8, "idcard": 22}
DEFAULT_WIDTH, LIST_WIDTH, REASON_WIDTH = 18, 24, 80
HEADING_HEIGHT = 32
# Text, whatever it begins with: neither Excel nor WPS makes a number or a formula of it (SEC-33).
TEXT = {"num_format": "@", "quote_prefix": True}
HEADING = {"bold": True, "text_wrap": True, "valign": "vcenter", "border": 1}
REQUIRED = {"font_color": "#9C0006", "bg_color": "#FFE5E5"}
OPTIONAL = {"bg_color": "#EAF1FB"}


def build_template(catalog: Catalog, category: str) -> bytes:
    """Return the empty workbook that a school of this category fills in."""
    out = io.BytesIO()
    with FileBook(out, catalog, category):
        pass
    return out.getvalue()


class FileBook:
    """A workbook in the import format, written row by row in flat memory.

    `notice` is a line above the headings. With `folder` rows wait there and not in memory. `sets`
    leaves out other sheets; `has_reasons` adds a last column for why a row was refused.
    """

    def __init__(
        self,
        target: Path | io.BytesIO,
        catalog: Catalog,
        category: str,
        *,
        notice: str = "",
        folder: Path | None = None,
        sets: Iterable[str] | None = None,
        has_reasons: bool = False,
    ) -> None:
        self.catalog, self.category, self.notice = catalog, category, notice
        self.has_reasons = has_reasons
        wanted = None if sets is None else set(sets)
        self.sheets = {
            each.set.code: each
            for each in layout(catalog, category)
            if wanted is None or each.set.code in wanted
        }
        on_disk = {"constant_memory": True, "tmpdir": str(folder)}
        self._book = new_workbook(target, on_disk if folder else {"in_memory": True})
        self._text = self._book.add_format(TEXT)
        self._headings = {
            required: self._book.add_format(HEADING | (REQUIRED if required else OPTIONAL))
            for required in (True, False)
        }
        self._pages: dict[str, Any] = {}
        self._next: dict[str, int] = {}
        self._lists: dict[tuple[str, ...], str] = {}
        self._write_instructions()
        for each in self.sheets.values():
            self._open_sheet(each)

    def __enter__(self) -> "FileBook":
        return self

    def __exit__(self, kind: Any, _error: Any, _trace: Any) -> None:
        if kind is None:
            self._write_about()
        self._book.close()

    def add(self, set_code: str, person: Mapping[str, str], values: Mapping[str, Any]) -> None:
        """Write a row: who it is about by column key, and plain values by indicator code."""
        sheet = self.sheets[set_code]
        texts = [
            person.get(column.key, "")
            if column.is_person
            else cell_text(
                column.indicator, values.get(column.indicator.code), self.catalog, self.category
            )
            for column in sheet.columns
        ]
        self.add_texts(set_code, texts)

    def add_texts(self, set_code: str, texts: Iterable[str]) -> None:
        """Write a row of texts, one per column."""
        row = self._next[set_code]
        for column, text in enumerate(texts):
            if text:
                self._pages[set_code].write_string(row, column, text, self._text)
        self._next[set_code] = row + 1

    def _open_sheet(self, sheet: SheetLayout) -> None:
        page = self._book.add_worksheet(sheet.title)
        top = 1 if self.notice else 0
        if self.notice:
            page.write_string(0, 0, self.notice)
        page.set_row(top, HEADING_HEIGHT)
        page.set_row(top + 1, None, None, {"hidden": True})
        for index, column in enumerate(sheet.columns):
            page.set_column(index, index, _width(column), self._text)
            page.write_string(top, index, column.heading, self._headings[column.required])
            page.write_comment(
                top, index, "\n".join(self._hints(sheet, column)), {"x_scale": 2, "y_scale": 1.6}
            )
            self._offer_list(page, index, column.indicator, top + 2)
        if self.has_reasons:
            last = len(sheet.columns)
            page.set_column(last, last, REASON_WIDTH)
            page.write_string(top, last, _("Reason"), self._headings[True])
        for index, column in enumerate(sheet.columns):
            page.write_string(top + 1, index, column.key)
        if self.has_reasons:
            page.write_string(top + 1, len(sheet.columns), REASON)
        people = sum(column.is_person for column in sheet.columns if sheet.set.code != "basic")
        page.freeze_panes(top + 2, people)
        self._pages[sheet.set.code] = page
        self._next[sheet.set.code] = top + 2

    def _offer_list(self, page: Any, index: int, item: Indicator, first: int) -> None:
        items = self._items(item)
        if not items or len(items) > MAX_ITEMS:
            return
        table = item.code_table.lstrip("@") or "yes_no"
        name = self._lists.setdefault(items, f"c_{table}_{len(self._lists)}")
        # A code alone and several values are entries too: the list helps, the import decides.
        offer = {"validate": "list", "source": f"={name}", "show_error": False}
        page.data_validation(first, index, first + MAX_ROWS - 1, index, offer)

    def _items(self, item: Indicator) -> tuple[str, ...]:
        if item.data_type == "bool":
            return ("是", "否")
        if item.data_type != "code":
            return ()
        table = self.catalog.table_of(item, self.category)
        codes = codes_for(item, self.category, self.catalog)
        return tuple(code_item(self.catalog, table, code.code) for code in codes)

    def _hints(self, sheet: SheetLayout, column: Column) -> list[str]:
        item, lang = column.indicator, language()
        lines = [_("Required.") if column.required else _("Optional.")]
        if column.identifies:
            names = [
                self.catalog.name(each.indicator, lang) for each in sheet.columns if each.identifies
            ]
            lines.append(_("Identifies the row: %(names)s.", names=" + ".join(names)))
        lines += _format_hints(item)
        condition = self.catalog.condition(item)
        if condition is not None:
            lines.append(self._condition_hint(condition, lang))
        default = default_of(item, self.catalog)
        if default is not None:
            shown = display(item, default, self.catalog, lang)
            lines.append(_("A blank cell of a fresh row means: %(value)s.", value=shown))
        words = item.help_en if lang == "en" else item.help_zh
        return [*lines, words] if words else lines

    def _condition_hint(self, condition: Any, lang: str) -> str:
        asked = self.catalog.by_key[f"{condition.set}.{condition.field}"]
        value = condition.value
        if asked.data_type == "code":
            value = self.catalog.label(asked.code_table, value, lang)
        elif asked.data_type == "bool":
            value = self.catalog.label("yes_no", value, lang)
        name = self.catalog.name(asked, lang)
        if condition.equal:
            return _("Only where “%(name)s” is “%(value)s”.", name=name, value=value)
        return _("Only where “%(name)s” is not “%(value)s”.", name=name, value=value)

    def _write_instructions(self) -> None:
        page = self._book.add_worksheet(INSTRUCTIONS)
        page.set_column(0, 0, 100)
        wrapped = self._book.add_format({"text_wrap": True, "valign": "top"})
        for row, line in enumerate(_instructions(self.catalog, self.category)):
            page.write_string(row, 0, line, wrapped)

    def _write_about(self) -> None:
        page = self._book.add_worksheet(ABOUT)
        about = {"format": "1", CATEGORY_CELL: self.category, "catalog": str(self.catalog.version)}
        lists = list(self._lists.items())
        longest = max((len(items) for items, _name in lists), default=0)
        for row in range(max(longest, len(about))):
            if row < len(about):
                page.write_string(row, 0, list(about)[row])
                page.write_string(row, 1, list(about.values())[row])
            for offset, (items, _name) in enumerate(lists):
                if row < len(items):
                    page.write_string(row, FIRST_LIST_COLUMN + offset, items[row])
        for offset, (items, name) in enumerate(lists):
            letter = column_letter(FIRST_LIST_COLUMN + offset)
            self._book.define_name(name, f"='{ABOUT}'!${letter}$1:${letter}${len(items)}")
        page.very_hidden()


def _width(column: Column) -> int:
    item = column.indicator
    return LIST_WIDTH if item.data_type == "code" else WIDTHS.get(item.data_type, DEFAULT_WIDTH)


def _format_hints(item: Indicator) -> list[str]:
    hints = {
        "date": _("Write a day like 2026-09-01."),
        "year_month": _("Write a month like 2026-09."),
        "int": _("Write a whole number in digits, for example 12."),
        "decimal": _("Write a number in digits, for example 1234.50."),
        "bool": _("Write 是 or 否 (yes or no)."),
        "idcard": _("Write the number as text, all its digits."),
        "phone": _("Write a telephone number like 010-62345678 or 13800138000."),
    }
    if item.data_type == "code":
        several = [_("Several values are joined by 、")] if item.multi_value else []
        return [_("Choose from the list, or write the code or the name."), *several]
    if item.data_type == "text" and item.max_length:
        return [_("At most %(limit)d characters.", limit=item.max_length)]
    return [hints[item.data_type]] if item.data_type in hints else []


def _instructions(catalog: Catalog, category: str) -> list[str]:
    name = catalog.label("school_category", category, language())
    return [
        _("Import template for: %(category)s", category=name),
        _("Each set of information has its sheet; a sheet without rows is left out."),
        _("Do not change the headings or the hidden row below them."),
        _("Red headings are required for submission. Comments say what belongs into a column."),
        _("Every row names its person by the ID number, or by the teacher number."),
        _("A blank cell never erases anything. To empty a field, open the file."),
        _(
            "Where a person has several records in a set, the columns that identify the row say"
            " which one is meant: a record that exists is updated, else a record is added."
        ),
        _("Write numbers, codes and dates as text; formulas are refused."),
        _("At most 20,000 rows and 10 MB fit in one workbook."),
    ]
