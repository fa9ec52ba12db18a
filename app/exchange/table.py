"""Writes plain tables: CSV as a stream, xlsx row by row, nothing in either that acts (SEC-33)."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import has_request_context, stream_with_context
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core.clock import local
from app.exchange.cells import escape, for_workbook, new_workbook
from app.exchange.template import TEXT
from app.exchange.workbook import MAX_TEXT

BOM = "\ufeff"  # Excel takes a CSV file for Chinese only with it.
ROWS_A_PIECE = 500
MAX_TITLE = 31
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\]")
_WIDTH = 18

Row = Sequence[Any]


def csv_pieces(headings: Row, rows: Iterable[Row], *, notice: str = "") -> Iterator[bytes]:
    """Yield a CSV file in UTF-8 piece by piece; user text that looks like a formula is escaped."""
    out = io.StringIO()
    out.write(BOM)
    writer = csv.writer(out)
    if notice:
        writer.writerow([escape(notice)])
    writer.writerow([escape(str(heading)) for heading in headings])
    for number, row in enumerate(rows, start=1):
        writer.writerow([_csv_cell(value) for value in row])
        if number % ROWS_A_PIECE == 0:
            yield _emptied(out)
    yield _emptied(out)


def write_workbook(
    target: Path | io.BytesIO,
    headings: Row,
    rows: Iterable[Row],
    *,
    notice: str = "",
    title: str = "",
    folder: Path | None = None,
) -> int:
    """Write a workbook with one sheet in flat memory; return the number of rows.

    Texts are text cells whatever they begin with, numbers are numbers. Unfinished parts lie in
    `folder`, or in the temporary folder of the machine; none is left, even by rows that
    break off.
    """
    options = {"constant_memory": True, "tmpdir": str(folder) if folder else None}
    with new_workbook(target, options) as book:
        page = book.add_worksheet(_NOT_IN_TITLES.sub(" ", title)[:MAX_TITLE].strip("' ") or None)
        text, bold = book.add_format(TEXT), book.add_format(TEXT | {"bold": True})
        page.set_column(0, max(len(headings) - 1, 0), _WIDTH)
        top = 0
        if notice:
            page.write_string(0, 0, for_workbook(notice), text)
            top = 1
        for column, heading in enumerate(headings):
            page.write_string(top, column, for_workbook(str(heading)), bold)
        page.freeze_panes(top + 1, 0)
        count = 0
        for count, row in enumerate(rows, start=1):
            _write_row(page, top + count, row, text)
    return count


def stream_csv(headings: Row, rows: Iterable[Row], *, name: str, notice: str = "") -> Response:
    """Answer with a CSV file that is written while it is sent."""
    pieces = csv_pieces(headings, rows, notice=notice)
    body = stream_with_context(pieces) if has_request_context() else pieces
    return Response(body, mimetype="text/csv", headers=_as_file(f"{name}.csv"))


def write_xlsx(headings: Row, rows: Iterable[Row], *, name: str, notice: str = "") -> Response:
    """Answer with a workbook; for lists of some thousand rows."""
    out = io.BytesIO()
    write_workbook(out, headings, rows, notice=notice, title=name)
    return send_workbook(out.getvalue(), name=name)


def send_workbook(content: bytes, *, name: str) -> Response:
    """Answer with a workbook that is written already."""
    return Response(content, mimetype=XLSX_TYPE, headers=_as_file(f"{name}.xlsx"))


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}


def _emptied(out: io.StringIO) -> bytes:
    piece = out.getvalue().encode("utf-8", "replace")
    out.seek(0)
    out.truncate()
    return piece


def _csv_cell(value: Any) -> Any:
    plain = value if isinstance(value, str) else _plain(value)
    return escape(plain) if isinstance(plain, str) else plain


def _write_row(page: Any, row: int, values: Row, text: Any) -> None:
    for column, value in enumerate(values):
        plain = value if isinstance(value, str) else _plain(value)
        if isinstance(plain, str):
            if plain:
                page.write_string(row, column, for_workbook(plain)[:MAX_TEXT], text)
        else:
            page.write_number(row, column, plain)


def _plain(value: Any) -> Any:
    """A number as it is, everything else as the text that people read."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, int | float | Decimal):
        return value if isfinite(value) else str(value)
    if isinstance(value, datetime):
        return f"{local(value):%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else str(value)
