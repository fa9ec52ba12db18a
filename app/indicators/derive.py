"""Derived indicators: what follows from other records of the file (B5, data-model s2).

derive() gives the values of single-row sets, derive_rows() those inside multi-row records.
"""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from app.core.reference import Code
from app.indicators.catalog import Catalog
from app.indicators.file import FileData, Row
from app.indicators.periods import month_of, months_apart
from app.indicators.rules import codes_of

NO_TITLE, NO_DEGREE = "0", "0"
COUNTY_OR_ABOVE = frozenset(("1", "2", "3"))
SCHOOLS = frozenset(("22", "23"))


def derive(file: FileData, catalog: Catalog, today: date) -> dict[str, Any]:
    """Return the derived values by indicator key; None clears a value that no longer follows.

    `basic.is_county_backbone` is a hint: it is there, and true, only while a record of district
    level or above is in force. Indicators that the school's category does not collect are left out.
    """
    found = {
        **_highest_education(file, catalog),
        **_highest_degree(file, catalog),
        **_present_post(file, today),
        "basic.current_title": _present_title(file, catalog, today),
        **_backbone(file, catalog, today),
        "bj_ext.teach_years": _teach_years(file, today),
    }
    items = (catalog.by_key[key] for key in found)
    category = file.school.category
    return {
        item.key: found[item.key]
        for item in items
        if catalog.collected(item.set, item.code, category)
    }


def derive_rows(file: FileData, catalog: Catalog) -> dict[str, dict[str, Any]]:
    """Return, by record uuid, the indicators derived inside a record: the backbone level."""
    return {
        row.uuid: {"level": _attr(catalog, "backbone_type", row.get("type"), "backbone_level")}
        for row in file.all("backbone")
        if row.get("type")
    }


def _attr(catalog: Catalog, table: str, code: str | None, name: str) -> Any:
    found: Code | None = catalog.code(table, code)
    return None if found is None else found.attrs.get(name)


def _best(rows: Iterable[Row], key: Callable[[Row], Any]) -> Row | None:
    """The record with the greatest key; the first one where several are equal."""
    return max(rows, key=key, default=None)


def _highest_education(file: FileData, catalog: Catalog) -> dict[str, Any]:
    """Completed studies before others (结业, 肄业), then the level, then the latest."""

    def key(row: Row) -> tuple[int, int, str]:
        level = row.get("education")
        finished = _attr(catalog, "education_level", level, "graduated") or 0
        rank = _attr(catalog, "education_level", level, "rank") or 0
        return int(finished), int(rank), row.get("end") or ""

    best = _best((row for row in file.all("learning") if row.get("education")), key)
    return {
        "basic.highest_education": best and best.get("education"),
        "basic.highest_education_org": best and best.get("education_org"),
    }


def _highest_degree(file: FileData, catalog: Catalog) -> dict[str, Any]:
    def key(row: Row) -> tuple[int, str]:
        rank = _attr(catalog, "degree_level", row.get("degree_level"), "rank") or 0
        return int(rank), row.get("degree_date") or row.get("end") or ""

    best = _best((row for row in file.all("learning") if row.get("degree_level")), key)
    held = best is not None and best.get("degree_level") != NO_DEGREE
    return {
        "basic.highest_degree_level": best and best.get("degree_level"),
        "basic.highest_degree": best.get("degree") if best and held else None,
        "basic.highest_degree_org": best.get("degree_org") if best and held else None,
    }


def _in_force(rows: Iterable[Row], today: date) -> list[Row]:
    month = month_of(today)
    return [
        row
        for row in rows
        if (row.get("start") or month) <= month and (row.get("end") or month) >= month
    ]


def _present_post(file: FileData, today: date) -> dict[str, Any]:
    best = _best(_in_force(file.all("post"), today), lambda row: row.get("start") or "")
    return {
        "basic.current_post_category": best and best.get("post_category"),
        "basic.current_post_grade": best and best.get("post_grade"),
    }


def _present_title(file: FileData, catalog: Catalog, today: date) -> str | None:
    """The title in force of the highest level; "0" where the file says that there is none."""

    def key(row: Row) -> tuple[int, str]:
        level = int(_attr(catalog, "prof_title", row.get("title"), "level") or 0)
        return -level if level else -9, row.get("start") or ""

    best = _best((row for row in _in_force(file.all("title"), today) if row.get("title")), key)
    return best.get("title") if best else None


def _backbone(file: FileData, catalog: Catalog, today: date) -> dict[str, Any]:
    """The highest backbone type in force: the level, then the order of the code table."""
    valid = [row for row in _in_force(file.all("backbone"), today) if row.get("type")]

    def key(row: Row) -> tuple[int, int]:
        code = catalog.code("backbone_type", row.get("type"))
        level = int(_attr(catalog, "backbone_type", row.get("type"), "backbone_level") or 9)
        return -level, -(code.sort if code else 0)

    best = _best(valid, key)
    found: dict[str, Any] = {"bj_ext.backbone_highest": best and best.get("type")}
    levels = {_attr(catalog, "backbone_type", row.get("type"), "backbone_level") for row in valid}
    if not COUNTY_OR_ABOVE.isdisjoint(levels):
        found["basic.is_county_backbone"] = True
    return found


def _teach_years(file: FileData, today: date) -> int | None:
    """Full years since the start of teaching: the month entered, else the first work at a school,
    else the month of joining this one."""
    at_schools = (
        row.get("start")
        for row in file.all("work")
        if row.get("start") and not SCHOOLS.isdisjoint(codes_of(row.get("unit_nature")))
    )
    begin = file.value("bj_ext", "first_teach_date") or min(at_schools, default=None)
    begin = begin or file.value("basic", "join_school")
    if not begin:
        return None
    return max(0, months_apart(begin, month_of(today)) // 12)
