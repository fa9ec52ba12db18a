"""The workbook of a report to the Ministry, written from frozen content file by file."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.clock import local
from app.core.reference import Indicator
from app.exchange.cells import new_workbook
from app.exchange.template import TEXT
from app.indicators.catalog import Catalog
from app.models.report import ReportBatch
from app.services.report import reported_sets

PEOPLE = "人员"
# What Excel does not take in the name of a sheet, and how long it may be.
FORBIDDEN, LONGEST_NAME = re.compile(r"[\[\]:*?/\\]"), 31
# What stands before the values of every sheet: heading, and the key in the hidden second row.
PERSON = (
    ("学校（机构）标识码", "school_code"),
    ("学校（机构）名称", "school"),
    ("教师编号", "teacher_no"),
    ("全国教师编号", "national_no"),
    ("教育ID", "edu_id"),
    ("人员状态", "staff_status"),
    ("档案版本", "file_version"),
)
LINK = PERSON[2]


@dataclass
class _Sheet:
    """A sheet that grows row by row; nothing written is kept in memory."""

    sheet: Any
    text: Any
    row: int = 0

    def add(self, values: Iterable[Any]) -> None:
        for column, value in enumerate(values):
            if value not in (None, ""):
                # Always a string cell: a number would lose its zeros, a text might be a formula.
                self.sheet.write_string(self.row, column, str(value), self.text)
        self.row += 1


def write(
    path: Path, batch: ReportBatch, contents: Iterable[Mapping[str, Any]], catalog: Catalog
) -> None:
    """Write the workbook of a batch to a path: a cover, the people, and a sheet per set.

    Parts of it stand beside it meanwhile, in a folder that goes with the work (SEC-12).
    """
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with new_workbook(path, options | {"tmpdir": str(path.parent)}) as book:
        _fill(book, batch, contents, catalog)


def _fill(
    book: Any, batch: ReportBatch, contents: Iterable[Mapping[str, Any]], catalog: Catalog
) -> None:
    book.set_properties({"title": batch.number, "created": local(batch.at).replace(tzinfo=None)})
    text, head = book.add_format(TEXT), book.add_format({"bold": True})
    cover = book.add_worksheet("批次")
    people = _sheet(book, PEOPLE, PERSON, text, head)
    sets = dict(reported_sets(catalog))
    sheets = {
        code: _sheet(book, catalog.set(code).name_zh, _columns(items), text, head)
        for code, items in sets.items()
    }
    number = 0
    for number, body in enumerate(contents, start=1):  # noqa: B007 (the last one is the count)
        people.add(body[key] for _heading, key in PERSON)
        for code, rows in body["sets"].items():
            for row in rows:
                own = [row.get(item.code, "") for item in sets.get(code, ())]
                sheets[code].add([body[LINK[1]], *own])
    _write_cover(_Sheet(cover, text), batch, number)


def _columns(items: Iterable[Indicator]) -> list[tuple[str, str]]:
    return [LINK, *((item.name_zh, item.key) for item in items)]


def _sheet(
    book: Any, name: str, columns: Iterable[tuple[str, str]], text: Any, head: Any
) -> _Sheet:
    made = _Sheet(book.add_worksheet(FORBIDDEN.sub("_", name)[:LONGEST_NAME]), head)
    made.sheet.freeze_panes(2, 0)
    made.sheet.set_row(1, None, None, {"hidden": True})
    for line in zip(*columns, strict=True):
        made.add(line)
    made.text = text
    return made


def _write_cover(cover: _Sheet, batch: ReportBatch, files: int) -> None:
    for name, value in (
        ("批次号", batch.number),
        ("冻结时间", f"{local(batch.at):%Y-%m-%d %H:%M}"),
        ("人数", files),
        ("其中首次上报", batch.first_count),
        ("用途", "上报教育部教师管理信息系统"),
    ):
        cover.add((name, value))
