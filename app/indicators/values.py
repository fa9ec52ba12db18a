"""One value of an indicator: read what people write, show it, mask it, offer its codes.

Python types by data_type: text, code, idcard, phone, email: str (several codes joined by commas,
"01,03"); int: int; decimal: Decimal with at most two places; date: date; year_month: "YYYY-MM";
bool: bool. A blank value is None.
"""

import re
from datetime import date
from typing import Any

from app.core.reference import Code, Indicator
from app.core.sealed import UNREADABLE
from app.indicators import spelling
from app.indicators.catalog import Catalog
from app.indicators.readers import BIRTH_DATE, READERS, BadValue, is_selectable
from app.indicators.rules import codes_of

__all__ = [
    "BadValue",
    "as_text",
    "codes_for",
    "default_of",
    "display",
    "is_masked",
    "mask",
    "parse",
]

FULL_MASK = "***"
LOST = "\ufffd"  # The one spelling of a value that cannot be read.

_MOBILE = re.compile(r"1[3-9][0-9]{9}")


def parse(indicator: Indicator, raw: Any, catalog: Catalog, *, category: str | None = None) -> Any:
    """Return the value of an entry, None for a blank one; raise BadValue.

    `raw` is a text, a JSON value or what Excel keeps in a cell; for an indicator with several
    values also a list. `category` chooses the code table where one category has its own.
    """
    if spelling.is_blank(raw):
        return None
    return READERS[indicator.data_type](indicator, raw, catalog, category)


def default_of(indicator: Indicator, catalog: Catalog) -> Any:
    """Return the value that a new record starts with, None without one."""
    return parse(indicator, indicator.default, catalog)


def as_text(indicator: Indicator, value: Any) -> str:
    """Return the one spelling of a value: for digests, comparison, JSON text and exports."""
    if value is None:
        return ""
    if value is UNREADABLE:
        return LOST
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, date):
        return value.isoformat()
    if indicator.data_type == "decimal":
        return f"{value:.2f}"
    return str(value)


def display(
    indicator: Indicator,
    value: Any,
    catalog: Catalog,
    lang: str = "zh",
    *,
    category: str | None = None,
) -> str:
    """Return the value for people: names for codes, 是/否 for a switch."""
    if value is None:
        return ""
    if value is UNREADABLE:
        return str(UNREADABLE)
    if isinstance(value, bool):
        return catalog.label("yes_no", as_text(indicator, value), lang)
    if indicator.data_type != "code":
        return as_text(indicator, value)
    table = catalog.table_of(indicator, category)
    joint = "、" if lang == "zh" else ", "
    return joint.join(catalog.label(table, code, lang) for code in codes_of(value))


def mask(indicator: Indicator, value: Any, *, keep: int = 0) -> str:
    """Return what may be shown without the field right (SEC-10, SEC-11).

    138****5678 for a mobile, the last `keep` characters of an ID number, the year of the birth
    date, nothing of other values. A blank value of a conditional indicator is masked as well, for
    its blankness would tell the condition.

    Lists keep 4 of an ID number, or 1 beside the year of birth or the birth place. Beside a whole
    birth date nothing may be kept: place, day and sex leave 500 numbers, the last character 45.
    """
    if value is UNREADABLE:
        return str(UNREADABLE)
    if not indicator.masked:
        return as_text(indicator, value)
    if value is None:
        return FULL_MASK if indicator.applicable_when else ""
    if indicator.key == BIRTH_DATE:
        return f"{value:%Y}-**-**"
    text = as_text(indicator, value)
    if indicator.data_type == "idcard":
        kept = min(keep, max(1, len(text) // 4))
        return "*" * (len(text) - kept) + text[len(text) - kept :]
    if indicator.data_type == "phone":
        return _mask_phone(text)
    if indicator.data_type == "email":
        return f"{text[:1]}{FULL_MASK}@{text.rpartition('@')[2]}"
    return FULL_MASK


def is_masked(indicator: Indicator, raw: Any) -> bool:
    """Tell whether an entry is a mask that came back from an export and says nothing."""
    return indicator.masked and isinstance(raw, str) and "**" in raw


def _mask_phone(text: str) -> str:
    if _MOBILE.fullmatch(text):
        return f"{text[:3]}****{text[-4:]}"
    kept = min(4, len(text) // 4)
    return "*" * (len(text) - kept) + text[len(text) - kept :]


def codes_for(indicator: Indicator, category: str | None, catalog: Catalog) -> tuple[Code, ...]:
    """Return the codes to choose from in a school category, in display order.

    Left out are headings, titles of other categories, subjects and stages that the category does
    not teach, posts that exist only beside another, and states that only a flow may set.
    """
    table = catalog.codes(catalog.table_of(indicator, category))
    top_only = indicator.code_table in catalog.parameter("top_level_tables")
    stages = frozenset(catalog.parameter("stages_by_category").get(category or "", ()))
    # What somebody studied or is certified for does not depend on the school.
    taught = stages if indicator.set in ("teaching", "backbone") else frozenset()
    return tuple(
        code
        for code in table.values()
        if is_selectable(code)
        and _fits_category(code, category)
        and _fits_stages(code, taught)
        and not (code.attrs.get("part_time_only") and not indicator.code.startswith("concurrent"))
        and code.active is not False
        and not (top_only and code.parent)
    )


def _fits_category(code: Code, category: str | None) -> bool:
    categories = code.attrs.get("categories")
    return not categories or category is None or category in categories


def _fits_stages(code: Code, taught: frozenset[str]) -> bool:
    if not taught:
        return True
    if code.table == "teaching_stage":
        return code.code in taught or code.code in ("0", "Z")
    stages = code.attrs.get("stages")
    return not stages or not taught.isdisjoint(stages)
