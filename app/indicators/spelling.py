"""How people write dates, months, numbers, switches and lists, and how Excel hands them over."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

FIRST_YEAR, LAST_YEAR = 1900, 2100
SERIAL_START = date(1899, 12, 30)
# Excel counts days; these bounds are 1927 and 2119 and exclude years, months and dates in digits.
SERIALS = range(10_000, 80_001)

_DATE = re.compile(r"([0-9]{4})(?:[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?|([0-9]{2})([0-9]{2}))")
_MONTH = re.compile(r"([0-9]{4})(?:[-/.年]([0-9]{1,2})月?|([0-9]{2}))")
_MIDNIGHT = re.compile(r"[ T]0?0:00(:00(\.0+)?)?$")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,12})?")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))
_SEPARATORS = frozenset(",、;\n")
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
YES = frozenset(("1", "是", "yes", "y", "true", "1 是", "1 yes"))
NO = frozenset(("0", "否", "no", "n", "false", "0 否", "0 no"))


def tidy(text: str) -> str:
    """Return the text in composed form, without invisible characters and outer blanks."""
    if text.isascii() and text.isprintable():
        return text.strip()
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = (
        char
        for char in text.replace("\t", " ")
        if char == "\n" or unicodedata.category(char) not in _INVISIBLE
    )
    return "".join(kept).strip()


def plain(text: str) -> str:
    """Return the text with full-width forms replaced: for everything that is no prose."""
    text = tidy(text)
    return text if text.isascii() else unicodedata.normalize("NFKC", text).strip()


def is_blank(raw: Any) -> bool:
    """Tell whether nothing was entered; blanks of any kind are nothing."""
    if raw is None:
        return True
    if isinstance(raw, str):
        return not tidy(raw)
    return isinstance(raw, list | tuple) and all(is_blank(each) for each in raw)


def read_date(raw: Any) -> date | None:
    """Return the day written as 2026-09-01, 2026/9/1, 20260901, 2026年9月1日 or kept by Excel."""
    if isinstance(raw, datetime):
        return raw.date() if _in_years(raw.year) else None
    if isinstance(raw, date):
        return raw if _in_years(raw.year) else None
    if isinstance(raw, int | float):
        return _day_of_number(raw)
    if not isinstance(raw, str):
        return None
    found = _DATE.fullmatch(_MIDNIGHT.sub("", _dashed(raw)))
    if not found:
        return None
    year, month, day = (int(part) for part in found.groups() if part is not None)
    return _day(year, month, day)


def read_month(raw: Any) -> str | None:
    """Return "YYYY-MM" for 2026-09, 2026.09, 202609, 2026年9月, or the month of a day.

    A number with a point is refused: 2026.1 may have been October before Excel cut the zero.
    """
    if isinstance(raw, int) and not isinstance(raw, bool) and raw not in SERIALS:
        raw = str(raw)
    if isinstance(raw, str):
        found = _MONTH.fullmatch(_dashed(raw))
        if found:
            year, month = (int(part) for part in found.groups() if part is not None)
            return f"{year:04d}-{month:02d}" if _in_years(year) and 1 <= month <= 12 else None
    day = read_date(raw)
    return f"{day:%Y-%m}" if day else None


def read_decimal(raw: Any) -> Decimal | None:
    """Return the number of a text like 1,234.50 or of a cell; None when it is none."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return Decimal(raw)
    if isinstance(raw, float):
        # A cell holds 0.30000000000000004 where its user saw 0.3.
        return Decimal(str(round(raw, 6))) if abs(raw) < 1e15 else None
    if isinstance(raw, Decimal):
        return raw if raw.is_finite() else None
    if not isinstance(raw, str):
        return None
    text = plain(raw).translate(_DASHES).removeprefix("¥").removesuffix("元").strip()
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def read_int(raw: Any) -> int | None:
    """Return a whole number; 12.0 counts as one."""
    number = read_decimal(raw)
    return int(number) if number is not None and number == number.to_integral_value() else None


def read_bool(raw: Any) -> bool | None:
    """Return the switch written as 是/否, 1/0 or yes/no."""
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, int | float):
        return bool(raw) if raw in (0, 1) else None
    if not isinstance(raw, str):
        return None
    text = " ".join(plain(raw).casefold().split())
    if text in YES:
        return True
    return False if text in NO else None


def split_items(text: str) -> list[str]:
    """Split a list at commas, 、 and semicolons outside brackets; blank items are dropped."""
    items, depth, current = [], 0, ""
    for char in plain(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char in _SEPARATORS and depth <= 0:
            items.append(current)
            current = ""
        else:
            current += char
    return without_blanks([*items, current])


def without_blanks(items: Iterable[str]) -> list[str]:
    """The items that say something, without their outer blanks."""
    return [item.strip() for item in items if item.strip()]


def _dashed(text: str) -> str:
    return plain(text).translate(_DASHES)


def _in_years(year: int) -> bool:
    return FIRST_YEAR <= year <= LAST_YEAR


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if _in_years(year) else None
    except ValueError:
        return None


def _day_of_number(raw: float) -> date | None:
    if isinstance(raw, bool) or not isfinite(raw) or raw != int(raw):
        return None
    if int(raw) in SERIALS:
        return SERIAL_START + timedelta(days=int(raw))
    return read_date(str(int(raw)))
