"""Bringing rows into force in files that are effective: what an effective row says is never
changed, so one row is closed and another takes its place under the same identity (data-model s2).

Many files at once with a constant number of statements per set; batches of 500 are meant.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, insert, literal, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.core.clock import today
from app.core.crypto import INDEX_SUFFIXES
from app.indicators import derive
from app.indicators.catalog import Catalog
from app.indicators.file import FileData, Row
from app.models.base import UtcDateTime
from app.models.record import TEACHER_SETS
from app.models.teacher import FileVersion, NoneAnswer, Teacher
from app.services.among import among
from app.services.contents import file_data, present_records
from app.services.facts import facts
from app.services.identity import flush_identity, identify
from app.services.projection import DERIVED_ROWS, is_worth_a_row, renew
from app.services.record import Change, Columns, insert_rows, stored, update_rows

# What a row that takes another's place has of its own.
OWN = frozenset({"id", "state", "valid_from", "valid_to", "version"})
# Who typed a row in and when is the row's own, too, where a person did.
ENTRY = frozenset({"entered_by", "entered_at"})
IDENTITY_SET, IN_FORCE = "basic", "effective"

# set -> values by indicator code, of the single-row sets of one file.
BySet = dict[str, dict[str, Any]]
# uuid of a record -> values by indicator code.
ByRow = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Coming:
    """A row that comes into force, in place of another or beside the rest.

    `before` is the row in force that ends, None for a new record; `after` the pending row, None
    for a removal. Both are loaded and of one set and identity. `fields` are the codes of the
    indicators that change: all others are taken from the row that ends, as it is by then.
    """

    before: Any
    after: Any
    fields: Collection[str] = ()

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

    @property
    def values(self) -> dict[str, Any]:
        """The plain values of the record by indicator code once it is in force."""
        if self.before is None:
            return dict(self.after.values())
        return {**self.before.values(), **{code: self.after.value(code) for code in self.fields}}


@dataclass
class _Following:
    """What derived values do to the rows of some files, by set: written into rows that are coming
    anyway, said by successors of rows in force, or in rows of their own."""

    written: dict[str, list[Change]]
    replaced: dict[str, list[Change]]
    added: dict[str, list[Columns]]


def applied(file: FileData, coming: Sequence[Coming], catalog: Catalog) -> FileData:
    """The file as it would be with some rows in force, and with what would follow from them."""
    rows = dict(file.rows)
    for each in coming:
        before = {row.uuid: row for row in rows.get(each.set, ())}
        old = before.pop(each.uuid, None)
        left, place = tuple(before.values()), old.entered_at_school if old else None
        new = () if each.after is None else (Row(each.uuid, each.values, place),)
        rows[each.set] = (*left, *new)
    added = {each.set for each in coming if each.after is not None}
    new_file = replace(file, rows=rows, none_sets=file.none_sets - added)
    by_set, by_row = _derived(new_file, catalog)
    for code in by_set.keys() | {DERIVED_ROWS}:
        rows[code] = tuple(
            replace(row, values={**row.values, **by_set.get(code, {}), **by_row.get(row.uuid, {})})
            for row in rows.get(code, ())
        )
    return replace(new_file, rows=rows)


def _derived(file: FileData, catalog: Catalog) -> tuple[BySet, ByRow]:
    by_set: BySet = {}
    for key, value in derive.derive(file, catalog, today()).items():
        set_code, code = key.split(".", 1)
        by_set.setdefault(set_code, {})[code] = value
    return by_set, derive.derive_rows(file, catalog)


def bring_into_force(
    session: Session,
    teachers: Sequence[Teacher],
    coming: Sequence[Coming],
    *,
    at: datetime,
    cause: str,
    catalog: Catalog,
    files: Mapping[int, FileData] | None = None,
) -> None:
    """Close and open rows of effective files at one moment, and all that follows from it.

    Name and ID number of the file follow its basic set, derived values get rows of their own
    where they change, an answer "none to report" goes, list columns and kept checks are renewed,
    and each file has a new version for that cause. The caller has passed the fence and holds the
    files; `at` was read after it. `files` is their present content where that was read since.
    Raises Refused (DQ007) when another file has an ID number.
    """
    if files is None:
        files = file_data(session, teachers, catalog)
    by_file: dict[int, list[Coming]] = {teacher.id: [] for teacher in teachers}
    for each in coming:
        by_file[each.teacher_id].append(each)
    foreseen = {key: applied(files[key], mine, catalog) for key, mine in by_file.items()}
    for code, changes in _taken_over(coming).items():
        update_rows(session, TEACHER_SETS[code], changes)
    found = _follow(session, teachers, foreseen, coming, catalog)
    _identify(teachers, coming)
    flush_identity(session)
    for code, changes in found.written.items():
        update_rows(session, TEACHER_SETS[code], changes)
    ended = [each.before for each in coming if each.before is not None]
    ended += [row for changes in found.replaced.values() for row, _columns in changes]
    opened = [each.after for each in coming if each.after is not None]
    move_rows(session, ended, {"valid_to": at})
    move_rows(session, opened, {"valid_from": at, "state": IN_FORCE})
    _insert(session, found, at)
    _forget_none(session, opened)
    _number(session, teachers, at, cause)
    asked = facts(session, teachers)
    became = {key: replace(file, facts=asked[key]) for key, file in foreseen.items()}
    renew(session, teachers, catalog, became)


def copied(row: Any) -> Columns:
    """The columns of a row that its successor takes over, sealed ones as they are."""
    names = [column.key for column in row.__table__.columns if column.key not in OWN]
    return {name: getattr(row, name) for name in names}


def _taken_over(coming: Sequence[Coming]) -> dict[str, list[Change]]:
    """What rows that come do not change and the rows before them say otherwise by now, by set."""
    found: dict[str, list[Change]] = {}
    for each in coming:
        if each.before is None or each.after is None:
            continue
        changing = {code + end for code in each.fields for end in ("", *INDEX_SUFFIXES)}
        kept = {k: v for k, v in copied(each.before).items() if k not in changing | ENTRY}
        if any(getattr(each.after, name) != value for name, value in kept.items()):
            found.setdefault(each.set, []).append((each.after, kept))
    return found


def _follow(
    session: Session,
    teachers: Sequence[Teacher],
    files: Mapping[int, FileData],
    coming: Sequence[Coming],
    catalog: Catalog,
) -> _Following:
    """Sort out what the derived values of some files, as they will be, do to their rows."""
    by_file = {teacher.id: _derived(files[teacher.id], catalog) for teacher in teachers}
    ending = {(each.set, each.uuid) for each in coming}
    found = _Following({}, {}, {})
    for code in sorted({DERIVED_ROWS, *(code for of, _rows in by_file.values() for code in of)}):
        staying = [
            row
            for row in present_records(session, code, teachers)
            if (code, row.uuid) not in ending
        ]
        pending = [each.after for each in coming if each.set == code and each.after is not None]
        for row in (*staying, *pending):
            by_set, by_row = by_file[row.teacher_id]
            values = by_set.get(code, {}) | by_row.get(row.uuid, {})
            if any(getattr(row, name) != value for name, value in values.items()):
                kind = found.written if row.valid_from is None else found.replaced
                kind.setdefault(code, []).append((row, stored(type(row), row.uuid, values)))
        having = {row.teacher_id for row in (*staying, *pending)}
        found.added[code] = [
            _place(teacher) | values
            for teacher in teachers
            if teacher.id not in having
            and is_worth_a_row(values := by_file[teacher.id][0].get(code, {}))
        ]
    return found


def _place(teacher: Teacher) -> Columns:
    return {
        "uuid": uuid4().hex,
        "teacher_id": teacher.id,
        "school_id": teacher.school_id,
        "authority_id": teacher.authority_id,
    }


def _identify(teachers: Sequence[Teacher], coming: Sequence[Coming]) -> None:
    by_id = {teacher.id: teacher for teacher in teachers}
    for each in coming:
        if each.set == IDENTITY_SET and each.after is not None:
            teacher, values = by_id[each.teacher_id], each.values
            teacher.name = values["name"] or teacher.name
            identify(teacher, values)


def move_rows(session: Session, rows: Sequence[Any], values: Mapping[str, Any]) -> None:
    """Write the same into loaded rows of any sets, one statement per set; raise their versions.

    Raise Stale when one was changed since it was loaded.
    """
    by_class: dict[Any, list[Any]] = {}
    for row in rows:
        by_class.setdefault(type(row), []).append(row)
    for cls, mine in by_class.items():
        update_rows(session, cls, [(row, dict(values)) for row in mine])


def _insert(session: Session, found: _Following, at: datetime) -> None:
    """Insert successors of closed rows, which say the same but for what has changed, and rows for
    derived values that had no place."""
    own = {"state": IN_FORCE, "valid_from": at, "version": 1}
    for code in found.replaced.keys() | found.added.keys():
        cls = TEACHER_SETS[code]
        rows = [copied(row) | changed | own for row, changed in found.replaced.get(code, ())]
        rows += [each | own | {"entered_at": at} for each in found.added.get(code, ())]
        insert_rows(session, cls, rows)


def _forget_none(session: Session, opened: Iterable[Any]) -> None:
    """A set that holds a record is no longer answered with "none to report"."""
    by_set: dict[str, set[int]] = {}
    for row in opened:
        by_set.setdefault(row.indicator_set.code, set()).add(row.teacher_id)
    for code, ids in by_set.items():
        session.execute(
            delete(NoneAnswer)
            .where(among(session, NoneAnswer.teacher_id, sorted(ids)), NoneAnswer.set == code)
            .execution_options(synchronize_session=False)
        )


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
