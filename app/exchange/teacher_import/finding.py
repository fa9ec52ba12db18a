"""What is wrong with a workbook or a row, in words for both languages, as it is kept."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask_babel import force_locale

from app.core.errors import Problem
from app.core.logs import redact
from app.core.reference import Indicator
from app.indicators.catalog import language

Finding = dict[str, Any]
MAX_WORDS = 500
LANGUAGES = ("zh", "en")


def in_both(words: Callable[[], Any]) -> dict[str, str]:
    """The words in Chinese and English; numbers of persons in them are cut (SEC-12)."""
    found = {}
    for lang in LANGUAGES:
        with force_locale(lang):
            found[lang] = redact(str(words()))[:MAX_WORDS]
    return found


def finding(
    code: str,
    words: Callable[[], Any],
    *,
    item: Indicator | None = None,
    letter: str = "",
    severity: str = "error",
    place: Mapping[str, str] | None = None,
) -> Finding:
    """A finding about a cell, a row or a sheet; `severity` is error or warning.

    `place` may name `sheet`, `heading` or `field` where no indicator does.
    """
    named: dict[str, str] = dict(place or {})
    if item is not None:
        named |= {"heading": item.name_zh, "heading_en": item.name_en, "field": item.code}
    return {"code": code, **in_both(words), "severity": severity, "column": letter, **named}


def is_error(each: Mapping[str, Any]) -> bool:
    """Whether a finding keeps its row out."""
    return each["severity"] == "error"


def has_errors(found: Sequence[Mapping[str, Any]] | None) -> bool:
    """Whether any of the findings keeps the row out."""
    return any(is_error(each) for each in found or ())


def words_of(each: Mapping[str, Any], lang: str | None = None) -> str:
    """The words of a finding in a language, the reader's if none is given."""
    return str(each[lang or language()])


def place_of(each: Mapping[str, Any], lang: str | None = None) -> str:
    """Sheet, column letter and heading of a finding; empty for one about a whole row."""
    heading = each.get("heading_en") if (lang or language()) == "en" else None
    parts = (each.get("sheet"), each["column"], heading or each.get("heading"))
    return " ".join(part for part in parts if part)


def sentence(each: Mapping[str, Any], lang: str | None = None) -> str:
    """A finding as one line: where and what."""
    place = place_of(each, lang)
    return f"{place}: {words_of(each, lang)}" if place else words_of(each, lang)


def as_problem(each: Mapping[str, Any]) -> Problem:
    """A finding as a problem of an answer, in the reader's language."""
    return Problem(each["code"], sentence(each), field=each.get("field"), severity=each["severity"])
