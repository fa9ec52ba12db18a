"""The versions of a file in force, and how any two of its moments differ.

Rows of sets carry the time during which they were in force, so that two moments are compared by
what ended and what began between them: one statement per set, however long the history is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import visible
from app.core.errors import NotFound
from app.core.reference import Indicator
from app.core.sealed import UNREADABLE
from app.indicators.catalog import Catalog
from app.models.change import AdditionState, RecordChange
from app.models.record import KEPT_ON_TEACHER, TEACHER_SETS
from app.models.teacher import FileVersion, Teacher
from app.services.compare import FieldChange

SHOWN = 100


class Known(NamedTuple):
    """A version of a file with the additions and changes that brought it about."""

    number: int
    at: datetime
    cause: str
    processes: tuple[RecordChange, ...]


@dataclass(frozen=True)
class Difference:
    """A record that two moments tell apart, with the values that differ; all of them where it is
    there at one of the two only. `row` is the later row, else the earlier one."""

    set: str
    record: str
    kind: str
    row: Any
    fields: tuple[FieldChange, ...]


def known(session: Session, teacher: Teacher) -> list[Known]:
    """The latest versions of a file, the last one first; processes that the reader may not see
    are left out."""
    rows = session.scalars(
        select(FileVersion)
        .where(FileVersion.teacher_id == teacher.id)
        .order_by(FileVersion.number.desc())
        .limit(SHOWN)
    ).all()
    causes: dict[datetime, list[RecordChange]] = {}
    for each in _approved(session, teacher, [row.at for row in rows]):
        causes.setdefault(each.state_since, []).append(each)
    return [Known(row.number, row.at, row.cause, tuple(causes.get(row.at, ()))) for row in rows]


def _approved(
    session: Session, teacher: Teacher, moments: Sequence[datetime]
) -> Sequence[RecordChange]:
    """What was approved at some moments: a process ends as its rows come into force."""
    if not moments:
        return []
    return session.scalars(
        select(RecordChange)
        .where(
            RecordChange.teacher_id == teacher.id,
            RecordChange.state == AdditionState.APPROVED,
            RecordChange.state_since >= moments[-1],
        )
        .order_by(RecordChange.id)
    ).all()


def pair(
    session: Session, teacher: Teacher, old: int | None, new: int | None
) -> tuple[FileVersion, FileVersion] | None:
    """Two versions of a file, the earlier one first; by default the last and the one before.

    None where the file has fewer than two. Raises NotFound for a number that it does not have.
    """
    asked = [number for number in (old, new) if number is not None]
    last = teacher.file_version
    if last < 2 and not asked:
        return None
    new = last if new is None else new
    old = new - 1 if old is None else old
    rows = session.scalars(
        select(FileVersion)
        .where(FileVersion.teacher_id == teacher.id, FileVersion.number.in_({old, new}))
        .order_by(FileVersion.number)
    ).all()
    if len(rows) != len({old, new}):
        raise NotFound()
    return rows[0], rows[-1]


def differences(
    session: Session,
    actor: Actor,
    teacher: Teacher,
    old: datetime,
    new: datetime,
    *,
    catalog: Catalog,
) -> list[Difference]:
    """The records that a file has otherwise at a later moment than at an earlier one, in the order
    of the catalogue; no more than the actor sees on the page of the file."""
    found: list[Difference] = []
    for entry in catalog.category_sets(teacher.category):
        kept = KEPT_ON_TEACHER.get(entry.code, frozenset())
        items = [
            item
            for item in visible(actor, entry, teacher.category, catalog)
            if item.code not in kept
        ]
        if items:
            found += _of_set(session, teacher, TEACHER_SETS[entry.code], (old, new), items)
    return found


def _of_set(
    session: Session,
    teacher: Teacher,
    cls: Any,
    moments: tuple[datetime, datetime],
    items: Sequence[Indicator],
) -> Iterator[Difference]:
    """What ended and what began in one set between two moments, by the identity of records."""
    old, new = moments
    ended = cls.as_of(old) & (cls.valid_to <= new)
    begun = cls.as_of(new) & (cls.valid_from > old)
    rows: dict[str, dict[bool, Any]] = {}
    for row in session.scalars(
        select(cls).where(cls.teacher_id == teacher.id, ended | begun).order_by(cls.id)
    ):
        rows.setdefault(row.uuid, {})[row.valid_from > old] = row
    for uuid, sides in rows.items():
        before, after = sides.get(False), sides.get(True)
        kind = "changed" if before and after else "removed" if before else "added"
        fields = tuple(_fields(before, after, items))
        if fields:
            yield Difference(cls.indicator_set.code, uuid, kind, after or before, fields)


def _fields(before: Any, after: Any, items: Sequence[Indicator]) -> Iterator[FieldChange]:
    for item in items:
        if before is None or after is None:
            old, new = (None if row is None else row.value(item.code) for row in (before, after))
            yield FieldChange(item, old, new)
            continue
        # What is stored alike says the same, readable or not.
        if getattr(before, item.code) == getattr(after, item.code):
            continue
        old, new = before.value(item.code), after.value(item.code)
        if old != new or old is UNREADABLE:
            yield FieldChange(item, old, new)
