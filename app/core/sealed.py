"""Sealed values as they are read for people: one that cannot be opened is said to be so (SEC-39).

A value that was altered, moved to another place, or whose key is gone must neither show anything
nor stop the rest of a page: it is `UNREADABLE` from here on, wherever it goes.
"""

import logging
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from flask_babel import lazy_gettext as _l

from app.core import logs
from app.core.crypto import SealBroken, unseal

WORDS = _l("Unreadable value")
REMEDY = _l("This value cannot be read. Please tell the administrator of the system.")

_log = logging.getLogger(__name__)
# What was told in the present request: a page reads a value several times.
_told: "WeakKeyDictionary[logs.Context, set[tuple[str, str, str]]]" = WeakKeyDictionary()


class Unreadable:
    """Stands where a sealed value cannot be opened; its text is what people see."""

    __slots__ = ()

    def __str__(self) -> str:
        return str(WORDS)

    def __repr__(self) -> str:
        return "UNREADABLE"

    def __reduce__(self) -> str:
        return "UNREADABLE"


UNREADABLE: Final = Unreadable()


def readable(blob: bytes, *, table: str, column: str, uuid: UUID | str) -> str | Unreadable:
    """Return the value of a sealed one, UNREADABLE where it is broken; that is one log line."""
    try:
        return unseal(blob, table=table, column=column, uuid=uuid)
    except SealBroken as broken:
        note_broken(broken, table=table, column=column, uuid=uuid)
        return UNREADABLE


def note_broken(broken: SealBroken, *, table: str, column: str, uuid: UUID | str) -> None:
    """Write where a sealed value is broken and why, once in a request; never the value."""
    here, place = logs.context.get(), (table, column, str(uuid))
    if here is not logs.NOWHERE:
        told = _told.setdefault(here, set())
        if place in told:
            return
        told.add(place)
    where = {"table": table, "column": column, "row": str(uuid)}
    _log.error("A sealed value is unreadable: %s", broken, extra=where)
