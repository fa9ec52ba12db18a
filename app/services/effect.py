"""Bringing rows into force in files that are effective: what an effective row says is never
changed, so one row is closed and another takes its place under the same identity (data-model s2).

Many files at once with a constant number of statements per set; batches of 500 are meant.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert, literal, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.core.clock import today
from app.indicators import derive
from app.indicators.catalog import Catalog
from app.indicators.file import FileData, Row
from app.models.base import UtcDateTime
from app.models.teacher import FileVersion, Teacher
from app.services.among import among
from app.services.contents import file_data, present_records
from app.services.projection import DERIVED_ROWS, renew
from app.services.record import Columns, insert_rows, stored

# What a row that takes another's place has of its own.
OWN = frozenset({"id", "state", "valid_from", "valid_to", "version"})


@dataclass(frozen=True)
class Coming:
    """A row that comes into force, in place of another or beside the rest.

    `before` is the row in force that ends, None for an addition; `after` the pending row, None
    for a removal. Both are loaded and of one set and identity.
    """

    before: Any
    after: Any

    @property
    def teacher_id(self) -> int:
        """The file it is about."""
        return int((self.after or self.before).teacher_id)

    @property
    def set(self) -> str:
        """The code of its set."""
        return str((self.after or self.before).indicator_set.code)

    @property
    def uuid(self) -> str:
        """The identity of the record through its life."""
        return str((self.after or self.before).uuid)


def applied(file: FileData, coming: Iterable[Coming]) -> FileData:
    """The file as it would be with some rows in force."""
    rows = dict(file.rows)
    for each in coming:
        left = tuple(row for row in rows.get(each.set, ()) if row.uuid != each.uuid)
        new = () if each.after is None else (Row(each.uuid, each.after.values()),)
        rows[each.set] = (*left, *new)
    added = {each.set for each in coming if each.after is not None}
    return replace(file, rows=rows, none_sets=file.none_sets - added)


def bring_into_force(
    session: Session,
    teachers: Sequence[Teacher],
    coming: Sequence[Coming],
    *,
    at: datetime,
    cause: str,
    catalog: Catalog,
) -> None:
    """Close and open rows of effective files at one moment, and all that follows from it.

    Derived values get rows of their own where they change, list columns and kept checks are
    renewed, and each file has a new version for that cause. The caller has passed the fence and
    holds the files; `at` was read after it.
    """
    files = file_data(session, teachers, catalog)
    by_file: dict[int, list[Coming]] = {teacher.id: [] for teacher in teachers}
    for each in coming:
        by_file[each.teacher_id].append(each)
    wanted = {key: applied(files[key], mine) for key, mine in by_file.items()}
    replaced = _derived(session, teachers, wanted, coming, catalog)
    session.flush()
    _close(session, [each.before for each in coming if each.before is not None], at)
    _close(session, [row for row, _columns in replaced], at)
    _open(session, [each.after for each in coming if each.after is not None], at)
    _replace(session, replaced, at)
    _number(session, teachers, at, cause)
    renew(session, teachers, catalog)


def _derived(
    session: Session,
    teachers: Sequence[Teacher],
    files: Mapping[int, FileData],
    coming: Sequence[Coming],
    catalog: Catalog,
) -> list[tuple[Any, Columns]]:
    """The rows in force whose derived values change, each with what its successor says.

    Derived values of a row that is coming into force anyway are written into that row.
    """
    pending = {(each.set, each.uuid): each.after for each in coming if each.after is not None}
    ending = {(each.set, each.uuid) for each in coming}
    by_row, by_set = _wanted(teachers, files, catalog)
    found: list[tuple[Any, Columns]] = []
    for set_code in sorted(by_set.keys() | ({DERIVED_ROWS} if by_row else set())):
        present = present_records(session, set_code, teachers)
        ours = [row for row in present if (set_code, row.uuid) not in ending]
        ours += [row for (code, _uuid), row in pending.items() if code == set_code]
        for row in ours:
            values = by_set.get(set_code, {}).get(row.teacher_id, {}) | by_row.get(row.uuid, {})
            changed = {code: value for code, value in values.items() if getattr(row, code) != value}
            if changed and row.valid_from is None:
                for code, value in changed.items():
                    setattr(row, code, value)
            elif changed:
                found.append((row, stored(type(row), row.uuid, changed)))
    return found


def _wanted(
    teachers: Sequence[Teacher], files: Mapping[int, FileData], catalog: Catalog
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[int, dict[str, Any]]]]:
    """Derived values by record, and by set and file."""
    day = today()
    by_row: dict[str, dict[str, Any]] = {}
    by_set: dict[str, dict[int, dict[str, Any]]] = {}
    for teacher in teachers:
        for key, value in derive.derive(files[teacher.id], catalog, day).items():
            set_code, code = key.split(".", 1)
            by_set.setdefault(set_code, {}).setdefault(teacher.id, {})[code] = value
        by_row |= derive.derive_rows(files[teacher.id], catalog)
    return by_row, by_set


def _close(session: Session, rows: Sequence[Any], at: datetime) -> None:
    for cls, mine in _by_class(rows):
        _move(session, cls, mine, {"valid_to": at})


def _open(session: Session, rows: Sequence[Any], at: datetime) -> None:
    for cls, mine in _by_class(rows):
        _move(session, cls, mine, {"valid_from": at, "state": "effective"})


def _by_class(rows: Sequence[Any]) -> Iterable[tuple[Any, list[Any]]]:
    found: dict[Any, list[Any]] = {}
    for row in rows:
        found.setdefault(type(row), []).append(row)
    return found.items()


def _move(session: Session, cls: Any, rows: Sequence[Any], values: dict[str, Any]) -> None:
    session.execute(
        update(cls)
        .where(among(session, cls.id, [row.id for row in rows]))
        .values(values | {"version": cls.version + 1})
        .execution_options(synchronize_session=False)
    )
    for row in rows:
        for name, value in {**values, "version": row.version + 1}.items():
            set_committed_value(row, name, value)


def _replace(session: Session, replaced: Sequence[tuple[Any, Columns]], at: datetime) -> None:
    """Insert the successors of rows that were closed: their columns, but for what has changed."""
    by_class: dict[Any, list[Columns]] = {}
    for row, changed in replaced:
        names = [column.key for column in row.__table__.columns if column.key not in OWN]
        kept = {name: getattr(row, name) for name in names}
        own = {"state": "effective", "valid_from": at, "version": 1}
        by_class.setdefault(type(row), []).append(kept | changed | own)
    for cls, rows in by_class.items():
        insert_rows(session, cls, rows)


def _number(session: Session, teachers: Sequence[Teacher], at: datetime, cause: str) -> None:
    """Give each file its next version, and the row that says when and why."""
    ids = [teacher.id for teacher in teachers]
    session.execute(
        update(Teacher)
        .where(among(session, Teacher.id, ids))
        .values(file_version=Teacher.file_version + 1, version=Teacher.version + 1)
        .execution_options(synchronize_session=False)
    )
    for teacher in teachers:
        set_committed_value(teacher, "file_version", teacher.file_version + 1)
        set_committed_value(teacher, "version", teacher.version + 1)
    columns = {
        "teacher_id": Teacher.id,
        "school_id": Teacher.school_id,
        "authority_id": Teacher.authority_id,
        "number": Teacher.file_version,
        "at": literal(at, UtcDateTime()),
        "cause": literal(cause),
    }
    rows = select(*columns.values()).where(among(session, Teacher.id, ids))
    session.execute(insert(FileVersion).from_select(list(columns), rows))
