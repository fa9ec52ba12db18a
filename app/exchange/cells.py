"""Text on its way into and out of spreadsheets: nothing that a program would take for a formula;
and the workbooks it is written into."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# What Excel, WPS or LibreOffice may take for a formula when it opens a CSV file (SEC-33).
_DANGEROUS = "=+\\-@\t\r\n\0＝＋－＠"
_TO_ESCAPE = re.compile(f"'*[{_DANGEROUS}]")
_ESCAPED = re.compile(f"'+[{_DANGEROUS}]")
# XML 1.0 knows none of these; a workbook that holds one is refused by Excel.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LETTERS = 26


def escape(text: str) -> str:
    """Return the text for a CSV cell: an apostrophe before what looks like a formula.

    A text that begins with such an apostrophe gets one more, so that unescape() is exact.
    """
    return f"'{text}" if _TO_ESCAPE.match(text) else text


def unescape(text: str) -> str:
    """Return what escape() was given."""
    return text[1:] if _ESCAPED.match(text) else text


def for_workbook(text: str) -> str:
    """Return the text for a text cell of a workbook, where a formula sign does no harm.

    Characters that XML does not know are dropped; unescape() gives the rest back.
    """
    if text.isprintable() and not text.startswith("'"):
        return text
    text = _NOT_IN_XML.sub("", text)
    return f"'{text}" if _ESCAPED.match(text) else text


def new_workbook(target: Path | Any, options: Mapping[str, Any]) -> Any:
    """Open a workbook that is written when its block ends; `target` is a path or a stream.

    The library comes with the first one: it takes 12 MB, which most web processes never need.
    """
    from xlsxwriter import Workbook  # noqa: PLC0415

    return Workbook(os.fspath(target) if isinstance(target, Path) else target, dict(options))


def column_letter(index: int) -> str:
    """Return the letters of a column; 0 is A."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, _LETTERS)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_index(letters: str) -> int:
    """Return the index of a column's letters; A is 0. ValueError for anything else."""
    index = 0
    for letter in letters:
        if not "A" <= letter <= "Z":
            raise ValueError(letters)
        index = index * _LETTERS + ord(letter) - ord("A") + 1
    return index - 1
