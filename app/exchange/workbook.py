"""Uploaded workbooks, read row by row within fixed limits (SEC-32).

Rows come from a stream, so that neither a row of a million cells nor a text of a hundred
megabytes is ever built: a reader that hands over whole rows or a whole table of shared strings
(openpyxl) cannot be held to the limits.
"""

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import isfinite
from typing import Any, NoReturn
from xml.etree.ElementTree import Element
from xml.parsers import expat

from defusedxml.ElementTree import fromstring

from app.exchange.cells import column_index
from app.exchange.package import (
    DAMAGE,
    MEGABYTE,
    check_package,
    refuse_damage,
    refuse_kind,
    refuse_links,
    refuse_macros,
    refuse_size,
)

MAX_TEXT = 32_767
MAX_ELEMENTS = 4_000_000
MAX_DEPTH = 40
MAX_STRINGS = 500_000
MAX_STRING_CHARACTERS = 16 * MEGABYTE
MAX_ROW = 1_048_576
MAX_COLUMNS = 16_384
MAX_PART = 2 * MEGABYTE  # Lists of sheets, of relations, of content types.
CHUNK = 64 * 1024
MAX_SILENT_CHUNKS = 16  # A tag or comment of a megabyte is no work of a spreadsheet.

_WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_SHEET_RELATION = "/relationships/worksheet"
_STRINGS_RELATION = "/relationships/sharedStrings"
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DIGITS = "0123456789"


class Unusable(StrEnum):
    """A cell whose content is no entry."""

    FORMULA = "formula"
    ERROR = "error"
    TOO_LONG = "too_long"


# A text, a number, a switch or the reason why there is none of them.
Value = str | int | float | bool | Unusable


@dataclass(frozen=True)
class Sheet:
    """A sheet by its name and the part of the package that holds it."""

    name: str
    part: str
    hidden: bool


class Workbook:
    """An opened workbook. Raise Refused when it is hostile, damaged or no workbook."""

    def __init__(self, content: bytes) -> None:
        check_package(content)
        self._zip = zipfile.ZipFile(io.BytesIO(content))
        self._elements = 0
        self.counts_from_1904 = False
        with _damage_refused():
            self._check_type()
            self.sheets, strings = self._read_outline()
            self._strings = self._read_strings(strings) if strings else []

    def rows(self, sheet: Sheet) -> Iterator[tuple[int, dict[int, Value]]]:
        """Yield the rows that hold something: number (from 1) and cells by column (from 0)."""
        reader = _SheetReader(self._strings)
        with _damage_refused():
            for _chunk in self._parse(sheet.part, reader):
                yield from reader.take()

    def close(self) -> None:
        """Let the content go."""
        self._zip.close()

    def __enter__(self) -> "Workbook":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _check_type(self) -> None:
        for each in self._tree("[Content_Types].xml"):
            kind = each.get("ContentType", "")
            if "macroEnabled" in kind or "vbaProject" in kind:
                refuse_macros()
            if kind == _WORKBOOK_TYPE:
                return
        refuse_kind()

    def _read_outline(self) -> tuple[list[Sheet], str | None]:
        main, relations = self._main_part()
        tree = self._tree(main)
        found = []
        for each in tree.iter():
            tag = _local(each.tag)
            if tag == "workbookPr":
                self.counts_from_1904 = each.get("date1904") in ("1", "true")
            if tag == "sheet":
                kind, part = relations.get(_relation_id(each), ("", ""))
                if kind.endswith(_SHEET_RELATION):
                    hidden = each.get("state", "visible") != "visible"
                    found.append(Sheet(each.get("name", ""), part, hidden))
        strings = [p for kind, p in relations.values() if kind.endswith(_STRINGS_RELATION)]
        return found, strings[0] if strings else None

    def _main_part(self) -> tuple[str, dict[str, tuple[str, str]]]:
        top = self._relations("", "_rels/.rels")
        mains = [p for kind, p in top.values() if kind.endswith("/officeDocument")]
        if not mains:
            refuse_kind()
        base, name = posixpath.split(mains[0])
        return mains[0], self._relations(base, posixpath.join(base, "_rels", f"{name}.rels"))

    def _relations(self, base: str, part: str) -> dict[str, tuple[str, str]]:
        found = {}
        for each in self._tree(part):
            target = each.get("Target", "")
            kind = each.get("Type", "")
            if each.get("TargetMode") == "External":
                refuse_links()
            path = posixpath.normpath(posixpath.join("/", base, target))
            found[each.get("Id", "")] = (kind, path.lstrip("/"))
        return found

    def _tree(self, part: str) -> Element:
        with self._zip.open(part) as stream:
            content = stream.read(MAX_PART + 1)
        if len(content) > MAX_PART:
            refuse_size()
        return fromstring(content, forbid_dtd=True)

    def _read_strings(self, part: str) -> list[str | Unusable]:
        reader = _StringReader()
        for _chunk in self._parse(part, reader):
            if len(reader.found) > MAX_STRINGS or reader.characters > MAX_STRING_CHARACTERS:
                refuse_size()
        return reader.found

    def _parse(self, part: str, reader: "_Reader") -> Iterator[None]:
        """Feed a part to a reader piece by piece, within the limits of the whole workbook."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = reader.start
        parser.EndElementHandler = reader.end
        parser.CharacterDataHandler = reader.text
        parser.StartDoctypeDeclHandler = _refuse_declaration
        parser.EntityDeclHandler = _refuse_declaration
        silent = 0
        with self._zip.open(part) as stream:
            while chunk := stream.read(CHUNK):
                before = reader.events
                parser.Parse(chunk, False)
                silent = silent + 1 if reader.events == before else 0
                if silent > MAX_SILENT_CHUNKS or self._elements + reader.elements > MAX_ELEMENTS:
                    refuse_size()
                yield
            parser.Parse(b"", True)
            yield
        self._elements += reader.elements


class _Reader:
    """What all streams share: the text being collected, and counts for the limits."""

    def __init__(self) -> None:
        self.elements = self.texts = self.depth = 0
        self.taking = self.in_phonetic = False
        self.pieces: list[str] = []
        self.length = 0

    @property
    def events(self) -> int:
        """How much has happened; a part that goes on without anything happening is hostile."""
        return self.elements + self.texts

    def text(self, data: str) -> None:
        self.texts += 1
        if self.taking:
            self.length += len(data)
            if self.length <= MAX_TEXT:
                self.pieces.append(data)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ValueError("nested too deep")
        self.opened(name.rpartition(":")[2] if ":" in name else name, attributes)

    def end(self, name: str) -> None:
        self.depth -= 1
        self.closed(name.rpartition(":")[2] if ":" in name else name)

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        raise NotImplementedError

    def closed(self, name: str) -> None:
        raise NotImplementedError

    def collected(self) -> "str | Unusable":
        pieces, self.pieces = self.pieces, []
        too_long, self.length = self.length > MAX_TEXT, 0
        if too_long:
            return Unusable.TOO_LONG
        text = pieces[0] if len(pieces) == 1 else "".join(pieces)
        return _ESCAPE.sub(_character, text) if "_x" in text else text


class _StringReader(_Reader):
    """Collects the shared strings; readings of characters (rPh) are no part of them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str | Unusable] = []
        self.characters = 0

    def opened(self, name: str, _attributes: dict[str, str]) -> None:
        if name == "t":
            self.taking = not self.in_phonetic
        elif name == "rPh":
            self.in_phonetic = True

    def closed(self, name: str) -> None:
        if name == "t":
            self.taking = False
        elif name == "rPh":
            self.in_phonetic = False
        elif name == "si":
            text = self.collected()
            self.characters += len(text)
            self.found.append(text)


class _SheetReader(_Reader):
    """Collects the cells of a sheet row by row."""

    def __init__(self, strings: list[str | Unusable]) -> None:
        super().__init__()
        self.strings = strings
        self.done: list[tuple[int, dict[int, Value]]] = []
        self.row = 0
        self.column = -1
        self.cells: dict[int, Value] = {}
        self.kind = ""
        self.has_formula = False

    def take(self) -> list[tuple[int, dict[int, Value]]]:
        found, self.done = self.done, []
        return found

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._open_cell(attributes.get("r"))
            self.kind = attributes.get("t", "n")
            self.has_formula = False
        elif name in ("v", "t"):
            self.taking = not self.in_phonetic
        elif name == "row":
            self._open_row(attributes.get("r"))
        elif name == "f":
            self.has_formula = True
        elif name == "rPh":
            self.in_phonetic = True

    def closed(self, name: str) -> None:
        if name in ("v", "t"):
            self.taking = False
        elif name == "c":
            self._close_cell()
        elif name == "row" and self.cells:
            self.done.append((self.row, self.cells))
        elif name == "rPh":
            self.in_phonetic = False

    def _open_row(self, number: str | None) -> None:
        row = int(number) if number else self.row + 1
        if not self.row < row <= MAX_ROW:
            raise ValueError("rows out of order")
        self.row, self.column, self.cells = row, -1, {}

    def _open_cell(self, place: str | None) -> None:
        column = _column(place.rstrip(_DIGITS)) if place else self.column + 1
        if not self.column < column < MAX_COLUMNS:
            raise ValueError("cells out of order")
        self.column = column

    def _close_cell(self) -> None:
        if self.has_formula:
            self.pieces, self.length = [], 0
            self.cells[self.column] = Unusable.FORMULA
            return
        if not self.length:
            return
        value = _value(self.kind, self.collected(), self.strings)
        if value is not None:
            self.cells[self.column] = value


def _value(kind: str, text: str | Unusable, strings: list[str | Unusable]) -> Value | None:
    """Return the content of a cell, None for an empty one."""
    if isinstance(text, Unusable):
        return text
    if not text or text.isspace():
        return None
    if kind == "s":
        found = strings[_ordinal(text)]
        return found or None
    if kind in ("inlineStr", "str", "d"):
        return text
    if kind == "b":
        return text.strip() in ("1", "true")
    return Unusable.ERROR if kind == "e" else _number(text.strip())


def _ordinal(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("a shared string below zero")
    return number


def _number(text: str) -> int | float | Unusable:
    if text.isascii() and text.isdigit() and len(text) <= 15:
        return int(text)
    number = float(text)
    return number if isfinite(number) else Unusable.ERROR


@lru_cache(maxsize=1024)
def _column(letters: str) -> int:
    if not 1 <= len(letters) <= 3:
        raise ValueError(letters)
    return column_index(letters)


def _character(found: re.Match[str]) -> str:
    code = int(found.group(1), 16)
    return "" if 0xD800 <= code <= 0xDFFF else chr(code)


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]


def _relation_id(sheet: Element) -> str:
    return next((value for key, value in sheet.attrib.items() if key.endswith("}id")), "")


@contextmanager
def _damage_refused() -> Iterator[None]:
    """Turn whatever a broken package raises into one refusal."""
    try:
        yield
    except DAMAGE:
        refuse_damage()


def _refuse_declaration(*_arguments: Any) -> NoReturn:
    raise ValueError("document type declarations are refused")
