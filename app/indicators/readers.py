"""Readers of one entry by data type: the value that is stored, or the refusal with its remedy."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from flask_babel import gettext as _

from app.core import clock, crypto
from app.core.errors import Problem
from app.core.reference import Code, Indicator
from app.indicators import spelling
from app.indicators.catalog import REGIONS, Catalog, language

BIRTH_DATE = "basic.birth_date"

# A value that breaks what one of the checks demands is refused under the number of the check.
_RULE_OF_FIELD = MappingProxyType(
    {
        "basic.id_no": "DQ001",
        BIRTH_DATE: "DQ011",
        "treatment.year": "DQ049",
        "appraisal.year": "DQ053",
        "training.hours": "DQ059",
        "training.credit": "DQ059",
        "contact.mobile": "DQ068",
    }
)
_RULE_OF_EXCLUSION = MappingProxyType(
    {"political_status": "DQ015", "insurance": "DQ052", "teaching_stage": "DQ045"}
)
NOT_IN_TABLE = "DQ076"
_DOTS = str.maketrans(dict.fromkeys("•‧∙⋅・･᛫●", "·"))
_ID_NUMBER = re.compile(r"[0-9A-Z()/-]+")
_PHONE = r"^(([0-9]{3,4}-?)?[0-9]{7,8}(-[0-9]{1,6})?|1[3-9][0-9]{9})$"


class BadValue(ValueError):
    """An entry that cannot be stored. `message` is translated and says what to do.

    `code` is VALUE, or the number of the check that the entry breaks.
    """

    def __init__(self, message: str, code: str = "VALUE") -> None:
        self.message = message
        self.code = code
        super().__init__(message)

    def problem(self, indicator: Indicator, record: str | int | None = None) -> Problem:
        """Return it as a finding about an indicator of a record."""
        return Problem(self.code, self.message, indicator.set, indicator.code, record)


def is_selectable(code: Code) -> bool:
    """Tell whether a code may be chosen; headings may not."""
    return bool(code.attrs.get("selectable", 1))


def _text(indicator: Indicator, raw: Any, _catalog: Catalog, _category: str | None) -> str:
    text = spelling.tidy(_only_text(raw))
    if indicator.identity:
        text = text.translate(_DOTS)
    if indicator.regex:
        text = spelling.plain(text).upper()
    return _shaped(indicator, text, indicator.regex)


def _idcard(indicator: Indicator, raw: Any, _catalog: Catalog, _category: str | None) -> str:
    text = crypto.normalise(_only_text(raw), "idcard")
    if not _ID_NUMBER.fullmatch(text):
        raise BadValue(
            _("A document number holds only digits and letters. Please check it."), "DQ001"
        )
    return _shaped(indicator, text, "")


def _phone(indicator: Indicator, raw: Any, _catalog: Catalog, _category: str | None) -> str:
    text = crypto.normalise(_only_text(raw), "phone").replace("转", "-")
    return _shaped(indicator, text, indicator.regex or _PHONE)


def _email(indicator: Indicator, raw: Any, _catalog: Catalog, _category: str | None) -> str:
    return _shaped(indicator, spelling.plain(_only_text(raw)), indicator.regex)


def _only_text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise BadValue(
            _(
                "This is a number or date, so zeros and digits may be lost. "
                "Format the cell as text and enter it again."
            )
        )
    return raw


def _shaped(indicator: Indicator, text: str, regex: str) -> str:
    if regex and not _pattern(regex).fullmatch(text):
        raise BadValue(_shape_hint(indicator), _RULE_OF_FIELD.get(indicator.key, "VALUE"))
    limit = indicator.max_length
    if limit and len(text) > limit:
        raise BadValue(
            _(
                "At most %(limit)d characters fit, this text has %(length)d. Please shorten it.",
                limit=limit,
                length=len(text),
            )
        )
    return text


@lru_cache(maxsize=64)
def _pattern(regex: str) -> re.Pattern[str]:
    return re.compile(regex, re.ASCII)


def _shape_hint(indicator: Indicator) -> str:
    if indicator.data_type == "email":
        return _("An e-mail address looks like name@example.com.")
    if indicator.regex.startswith("^1["):
        return _("A mobile number has 11 digits, the second is 3 to 9, for example 13800138000.")
    if indicator.data_type == "phone":
        return _("Write a telephone number like 010-62345678 or 13800138000.")
    return _("The value does not have the expected form. Please compare it with the document.")


def _bool(_indicator: Indicator, raw: Any, _catalog: Catalog, _category: str | None) -> bool:
    value = spelling.read_bool(raw)
    if value is None:
        raise BadValue(_("Write 是 or 否 (yes or no)."))
    return value


def _int(indicator: Indicator, raw: Any, _catalog: Catalog, _category: str | None) -> int:
    value = spelling.read_int(raw)
    if value is None:
        raise BadValue(_("Write a whole number in digits, for example 12."))
    return _within(indicator, value)


def _decimal(indicator: Indicator, raw: Any, _catalog: Catalog, _category: str | None) -> Decimal:
    value = spelling.read_decimal(raw)
    if value is None:
        raise BadValue(_("Write a number in digits, for example 1234.50."))
    cents = value.quantize(Decimal("0.01"))
    if cents != value:
        raise BadValue(_("At most two decimal places. Please round the number."))
    return _within(indicator, cents)


def _date(indicator: Indicator, raw: Any, _catalog: Catalog, _category: str | None) -> date:
    value = spelling.read_date(raw)
    if value is None:
        raise BadValue(_("This is not a day of the calendar. Write it like 2026-09-01."))
    return _within(indicator, value)


def _year_month(indicator: Indicator, raw: Any, _catalog: Catalog, _category: str | None) -> str:
    value = spelling.read_month(raw)
    if value is None:
        raise BadValue(_("This is not a month. Write it as text like 2026-09."))
    return _within(indicator, value)


def _within(indicator: Indicator, value: Any) -> Any:
    low, high = _bounds(indicator.data_type, indicator.min, indicator.max, clock.today())
    code = _RULE_OF_FIELD.get(indicator.key, "VALUE")
    if low is not None and value < low:
        raise BadValue(_("%(limit)s is the smallest value here.", limit=low), code)
    if high is not None and value > high:
        raise BadValue(_("%(limit)s is the greatest value here.", limit=high), code)
    return value


@lru_cache(maxsize=256)
def _bounds(data_type: str, low: str, high: str, today: date) -> tuple[Any, Any]:
    return _bound(data_type, low, today), _bound(data_type, high, today)


def _bound(data_type: str, text: str, today: date) -> Any:
    if not text:
        return None
    years = {"this_year": today.year, "last_year": today.year - 1, "next_year": today.year + 1}
    if text in years:
        return years[text]
    day = today if text == "today" else spelling.read_date(text)
    if data_type == "date":
        return day
    if data_type == "year_month":
        return f"{today:%Y-%m}" if text == "today" else spelling.read_month(text)
    return Decimal(text) if data_type == "decimal" else int(text)


@dataclass(frozen=True)
class _Spellings:
    """How the entries of a code table may be written."""

    codes: Mapping[str, str]
    names: Mapping[str, tuple[str, ...]]


_spellings: "WeakKeyDictionary[Catalog, dict[str, _Spellings]]" = WeakKeyDictionary()


def _spellings_of(catalog: Catalog, table: str) -> _Spellings:
    tables = _spellings.setdefault(catalog, {})
    if table not in tables:
        tables[table] = _collect(catalog.codes(table).values())
    return tables[table]


def _collect(codes: Any) -> _Spellings:
    names: dict[str, list[str]] = {}
    for code in codes:
        for name in {code.name_zh, code.name_en, str(code.attrs.get("path", ""))}:
            if name:
                names.setdefault(_folded(name), []).append(code.code)
    return _Spellings(
        {_folded(code.code): code.code for code in codes},
        {name: tuple(dict.fromkeys(found)) for name, found in names.items()},
    )


def _folded(text: str) -> str:
    return " ".join(spelling.plain(text).casefold().split())


def _code(indicator: Indicator, raw: Any, catalog: Catalog, category: str | None) -> str:
    table = catalog.table_of(indicator, category)
    codes = list(dict.fromkeys(_items(indicator, raw, catalog, table)))
    found = [catalog.codes(table)[code] for code in codes]
    for code in found:
        if not is_selectable(code):
            name = catalog.name(code, language())
            message = _("“%(name)s” is a heading. Choose one of the entries below it.", name=name)
            raise BadValue(message, NOT_IN_TABLE)
    if len(found) > 1:
        _refuse_exclusive(table, found, catalog)
    return ",".join(codes)


def _refuse_exclusive(table: str, found: list[Code], catalog: Catalog) -> None:
    for code in found:
        if code.attrs.get("exclusive"):
            name = catalog.name(code, language())
            raise BadValue(
                _("“%(name)s” cannot stand beside other values. Remove one of them.", name=name),
                _RULE_OF_EXCLUSION.get(table, "VALUE"),
            )


def _items(indicator: Indicator, raw: Any, catalog: Catalog, table: str) -> list[str]:
    spellings = _spellings_of(catalog, table)
    if isinstance(raw, list | tuple):
        texts = spelling.without_blanks(_only_text(each) for each in raw)
    else:
        texts = [_only_text(raw)]
    if not indicator.multi_value:
        if len(texts) > 1:
            raise BadValue(_("Only one value is possible here."))
        return [_one_code(texts[0], spellings, catalog, table)]
    found: list[str] = []
    for text in texts:
        whole = spellings.codes.get(_folded(text))
        parts = [text] if whole else spelling.split_items(text)
        found += [_one_code(part, spellings, catalog, table) for part in parts]
    return found


def _one_code(text: str, spellings: _Spellings, catalog: Catalog, table: str) -> str:
    folded = _folded(text)
    if folded in spellings.codes:
        return spellings.codes[folded]
    named = spellings.names.get(folded, ())
    if len(named) == 1:
        return named[0]
    if named:
        raise BadValue(
            _(
                "“%(value)s” is the name of several codes (%(codes)s). Write the code.",
                value=text,
                codes=", ".join(named[:6]),
            ),
            NOT_IN_TABLE,
        )
    return _code_with_name(text, folded, spellings, catalog, table)


def _code_with_name(
    text: str, folded: str, spellings: _Spellings, catalog: Catalog, table: str
) -> str:
    first, _blank, rest = folded.partition(" ")
    code = spellings.codes.get(first)
    if code is None:
        raise BadValue(_unknown(text, catalog, table), NOT_IN_TABLE)
    if code not in spellings.names.get(rest, ()):
        raise BadValue(
            _(
                "Code %(code)s is “%(name)s”, not “%(other)s”. Please correct one of them.",
                code=code,
                name=catalog.label(table, code, language()),
                other=rest,
            ),
            NOT_IN_TABLE,
        )
    return code


def _unknown(text: str, catalog: Catalog, table: str) -> str:
    if table == REGIONS:
        return _(
            "“%(value)s” is no division of GB/T 2260. Write its six digits or its name, "
            "for example 110101 or 北京市东城区.",
            value=text[:40],
        )
    sample = next((code for code in catalog.codes(table).values() if is_selectable(code)), None)
    shown = f"{sample.code} {catalog.name(sample, language())}" if sample else ""
    return _(
        "“%(value)s” is not in the list. Choose a code or name from it, for example “%(sample)s”.",
        value=text[:40],
        sample=shown,
    )


READERS: Mapping[str, Callable[[Indicator, Any, Catalog, str | None], Any]] = MappingProxyType(
    {
        "text": _text,
        "int": _int,
        "decimal": _decimal,
        "date": _date,
        "year_month": _year_month,
        "code": _code,
        "bool": _bool,
        "idcard": _idcard,
        "phone": _phone,
        "email": _email,
    }
)
