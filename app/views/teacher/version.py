"""The versions of a file in words, and the difference of any two of them as it is printed."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.access.actor import Actor
from app.access.fields import visible
from app.core.errors import Malformed
from app.core.reference import Indicator
from app.core.sealed import UNREADABLE
from app.core.whole import whole_number
from app.indicators.catalog import Catalog, language
from app.models.change import RecordChange
from app.models.teacher import FileVersion, Teacher
from app.services import attachment, version
from app.services.version import Difference
from app.views.flow_actions import place_name
from app.views.labels import KIND_WORDS
from app.views.open_process import process_url
from app.views.record_form import shown_value, value_of
from app.views.widgets import text_of

CAUSES: Mapping[str, Any] = {
    "first_effect": _l("First effect"),
    "addition": _l("Addition"),
    "change": _l("Change"),
    "status": _l("Status change"),
    "rotation": _l("Rotation"),
    "transfer": _l("Transfer"),
}
HOW: Mapping[str, Any] = {
    "added": _l("Added"),
    "removed": _l("Removed"),
    "changed": _l("Changed"),
}


class Version(NamedTuple):
    """A version of the file: when, why, by what, and the addresses that show it."""

    number: int
    at: str
    cause: str
    processes: list[tuple[str, str]]
    href: str
    difference: str


class Line(NamedTuple):
    """One value that differs, as it is printed."""

    label: str
    before: str
    after: str


class Record(NamedTuple):
    """One record that differs: how it is called, how it differs, and its values."""

    title: str
    kind: str
    words: Any
    lines: list[Line]


class Part(NamedTuple):
    """A set of the file with its records that differ."""

    name: str
    records: list[Record]


def versions(
    session: Session, teacher: Teacher, catalog: Catalog, *, is_mine: bool = False
) -> list[Version]:
    """Return the versions of an effective file, the latest first."""
    return [
        Version(
            each.number,
            text_of(each.at),
            str(CAUSES.get(each.cause, each.cause)),
            [_behind(item, catalog) for item in each.processes],
            url_for("FileView.show", pk=teacher.id, v=each.number),
            _address(teacher, is_mine, each.number) if each.number > 1 else "",
        )
        for each in version.known(session, teacher)
    ]


def _behind(item: RecordChange, catalog: Catalog) -> tuple[str, str]:
    """What brought a version about, in words, and its page."""
    words = f"{place_name(item.set, None, catalog)} · {KIND_WORDS[item.kind]}"
    return words, process_url(item.flow, item.id)


def _address(teacher: Teacher, is_mine: bool, number: int) -> str:
    """The page that compares a version with the one before."""
    if is_mine:
        return url_for("MyFileView.difference", old=number - 1, new=number)
    return url_for("FileView.difference", pk=teacher.id, old=number - 1, new=number)


def difference_parts(
    session: Session, actor: Actor, teacher: Teacher, arguments: MultiDict, catalog: Catalog
) -> dict[str, Any]:
    """Return what the page of a difference prints; `old` and `new` are numbers of versions.

    Raises Malformed for what is no number, NotFound for a version that the file does not have.
    """
    found = version.pair(session, teacher, *asked_pair(arguments))
    if found is None:
        return {"old": None, "new": None}
    old, new = found
    moments = {each.number: each.at for each in (*version.known(session, teacher), old, new)}
    differing = version.differences(session, actor, teacher, old.at, new.at, catalog=catalog)
    names = attachment.all_names(session, teacher) if differing else {}
    page = _Page(actor, teacher, catalog, names)
    return {
        "old": _side(teacher, old),
        "new": _side(teacher, new),
        "choices": [
            (number, f"{number} · {text_of(moments[number])}")
            for number in sorted(moments, reverse=True)
        ],
        "parts": page.parts(differing),
    }


def asked_pair(arguments: MultiDict) -> tuple[int | None, int | None]:
    """Return the numbers that `old` and `new` ask for. Raises Malformed."""
    numbers: list[int | None] = []
    for name in ("old", "new"):
        text = arguments.get(name, "")
        number = whole_number(text) if text else None
        if text and number is None:
            raise Malformed()
        numbers.append(number)
    return numbers[0], numbers[1]


def _side(teacher: Teacher, row: FileVersion) -> dict[str, Any]:
    return {
        "number": row.number,
        "at": text_of(row.at),
        "href": url_for("FileView.show", pk=teacher.id, v=row.number),
    }


class _Page:
    """Words for the differences of one file for one reader."""

    def __init__(
        self, actor: Actor, teacher: Teacher, catalog: Catalog, names: Mapping[str, str]
    ) -> None:
        self.actor, self.teacher, self.catalog, self.names = actor, teacher, catalog, names

    def parts(self, found: list[Difference]) -> list[Part]:
        by_set: dict[str, list[Record]] = {}
        for each in found:
            lines = list(self._lines(each))
            if lines:
                made = Record(self._title(each), each.kind, HOW[each.kind], lines)
                by_set.setdefault(each.set, []).append(made)
        lang = language()
        return [
            Part(self.catalog.name(self.catalog.set(code), lang), records)
            for code, records in by_set.items()
        ]

    def _lines(self, each: Difference) -> Iterator[Line]:
        for field in each.fields:
            before = "" if each.kind == "added" else self._text(field.indicator, field.old)
            after = "" if each.kind == "removed" else self._text(field.indicator, field.new)
            if not before and not after:
                continue
            if before == after and field.new is not UNREADABLE:
                after = _("%(value)s (another value)", value=after)
            yield Line(self.catalog.name(field.indicator, language()), before, after)

    def _title(self, each: Difference) -> str:
        """How the record is called among its like: its first value, as the page of the file."""
        entry = self.catalog.set(each.set)
        if not entry.multi_row:
            return ""
        items = visible(self.actor, entry, self.teacher.category, self.catalog)
        words = (
            self._text(item, value_of(each.row, self.teacher, item))
            for item in items
            if not attachment.is_file(item)
        )
        return next(filter(None, words), "")

    def _text(self, item: Indicator, value: Any) -> str:
        if attachment.is_file(item):
            return "" if value is None else self.names.get(str(value), _("File"))
        return shown_value(self.actor, item, value, self.catalog, self.teacher.category)
