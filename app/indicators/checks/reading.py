"""What several checks ask of a file: who is on post, what is in force, what must be blank."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import combinations
from typing import Any

from flask_babel import gettext as _

from app.core.reference import Code
from app.indicators.catalog import Catalog
from app.indicators.checks.registry import Context, Hit
from app.indicators.file import FileData, Row
from app.indicators.periods import Period, month_of
from app.indicators.rules import codes_of

RESIDENT_DOCUMENTS = frozenset(("1", "BJ-D"))
CHINA = "156"
NOTHING_CODES = frozenset(("0", "00"))
TAUGHT = "20"
_SEMESTERS = {"1": 1, "2": 2, "3": 3}


def attr(catalog: Catalog, table: str, code: str | None, name: str) -> Any:
    """An attribute of a code; None when the code or the attribute is missing."""
    found = catalog.code(table, code)
    return None if found is None else found.attrs.get(name)


def is_active(file: FileData, ctx: Context) -> bool:
    """Whether the person is on the rolls (在册)."""
    status: Code | None = ctx.catalog.code("on_duty_status", file.status)
    return status is not None and bool(status.active)


def is_on_post(file: FileData, ctx: Context) -> bool:
    """Whether the person is on post (在岗)."""
    return bool(attr(ctx.catalog, "on_duty_status", file.status, "on_post"))


def is_full_time_teacher(file: FileData, catalog: Catalog) -> bool:
    """Whether the staff category is one of full-time teachers (专任教师)."""
    category = file.value("basic", "staff_category")
    return bool(attr(catalog, "staff_category", category, "full_time_teacher"))


def is_filled(value: Any) -> bool:
    """Whether a value says something; a switch that is off says nothing where it does not apply."""
    return value is not None and value != "" and value is not False


def is_none(value: Any) -> bool:
    """Whether a code is the 无 of its table, which stands for "nothing to report"."""
    return value in NOTHING_CODES


def must_be_blank(row: Row, codes: Iterable[str]) -> Iterator[Hit]:
    """A hit for each indicator that is filled in although its record says 无."""
    for code in codes:
        if is_filled(row.get(code)):
            yield Hit(code, row.uuid, _("Clear this field, or correct the choice it depends on."))


def must_be_filled(row: Row, codes: Iterable[str]) -> Iterator[Hit]:
    """A hit for each indicator that the choice in its record demands."""
    for code in codes:
        if row.get(code) is None:
            yield Hit(code, row.uuid, _("Fill in this field."))


def excludes(row: Row, code: str, table: str, ctx: Context) -> bool:
    """Whether a code that excludes all others stands beside another one."""
    chosen = codes_of(row.get(code))
    return len(chosen) > 1 and any(attr(ctx.catalog, table, each, "exclusive") for each in chosen)


def is_own(row: Row, file: FileData) -> bool:
    """Whether the record was written at this school, which alone can mend it."""
    return row.entered_at_school in (None, file.school.id)


def is_before_joining(row: Row, file: FileData) -> bool:
    """Whether the record is history of an earlier school: written there, or over before joining."""
    if not is_own(row, file):
        return True
    end, joined = row.get("end"), file.value("basic", "join_school")
    return bool(end and joined and end <= joined)


def period(row: Row) -> Period | None:
    """The months of a record; None while its start is blank."""
    start = row.get("start")
    return Period(start, row.get("end")) if start else None


def in_force(rows: Iterable[Row], today: date) -> list[Row]:
    """The records that have begun and not ended, the latest first."""
    month = month_of(today)
    found = [
        row
        for row in rows
        if (row.get("start") or month) <= month and not (row.get("end") and row.get("end") < month)
    ]
    return sorted(found, key=lambda row: row.get("start") or "", reverse=True)


def current_post(file: FileData, today: date) -> Row | None:
    """The main appointment in force."""
    found = in_force(file.all("post"), today)
    return found[0] if found else None


def term_of(row: Row) -> tuple[int, int]:
    """The term of a teaching record, for ordering."""
    return row.get("academic_year") or 0, _SEMESTERS.get(row.get("semester") or "", 0)


def latest_teaching(file: FileData) -> tuple[Row, ...]:
    """The teaching records of the latest term that was reported."""
    rows = file.all("teaching")
    latest = max((term_of(row) for row in rows), default=None)
    return tuple(row for row in rows if term_of(row) == latest)


def pairs(rows: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
    """Every two records with a start, the earlier one first."""
    begun = sorted((row for row in rows if row.get("start")), key=lambda row: row.get("start"))
    return combinations(begun, 2)


def repeated(rows: Iterable[Row], *codes: str) -> Iterator[Row]:
    """The records whose values of these indicators stand in an earlier record already."""
    seen: set[tuple[Any, ...]] = set()
    for row in rows:
        key = tuple(row.get(code) for code in codes)
        if None not in key and key in seen:
            yield row
        seen.add(key)
