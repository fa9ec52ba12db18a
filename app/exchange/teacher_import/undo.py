"""Undoes an import while nothing that it touched was submitted or edited since (C5)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.core.crypto import SealBroken
from app.core.errors import Problem, Refused, Stale
from app.core.sealed import REMEDY
from app.exchange.teacher_import.batch import UNDOING, UNDONE
from app.exchange.teacher_import.staging import PERSONS, forget_rows, typed, unseal_json
from app.indicators.catalog import Catalog, catalog
from app.models.exchange import ImportBatch, ImportRow
from app.models.record import TEACHER_SETS
from app.models.teacher import (
    Affiliation,
    Contributor,
    FileProblem,
    NameGram,
    NoneAnswer,
    Teacher,
)
from app.services import audit, filling, identity, projection, record

MAX_OBSTACLES = 20
# What a file has from the moment it is opened; anything else keeps it from being removed.
SURROUNDINGS = (Affiliation, Contributor, FileProblem, NameGram, NoneAnswer)


@dataclass(frozen=True)
class Trace:
    """What one row did: values before and after by code, and whether record and file are its own.

    `version` is that of the file at the import; every step of a flow raises it.
    """

    sheet: str
    number: int
    set: str
    teacher_id: int
    uuid: str
    is_new: bool
    opens: bool
    version: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    answer: Mapping[str, Any] | None


def obstacles(session: Session, actor: Actor, batch: ImportBatch) -> list[Problem]:
    """Why the import cannot be undone, at most 20 reasons; none when it can."""
    known = catalog(session)
    found: list[Problem] = []
    for part in _parts(session, batch):
        try:
            traces = _traces(session, batch, part, known)
        except SealBroken:
            return [*found, Problem("unreadable", REMEDY)][:MAX_OBSTACLES]
        found += _obstacles(session, actor, traces, part)
        if len(found) >= MAX_OBSTACLES:
            break
    return found[:MAX_OBSTACLES]


def undo_batch(session: Session, actor: Actor, batch: ImportBatch) -> None:
    """Bring the files back to where they were before the import, all in one transaction.

    Files that the import opened are removed. Raise Refused with the reasons when something was
    submitted or edited since: nothing may be kept then.
    """
    if batch.state != UNDOING:
        raise Stale()
    found = obstacles(session, actor, batch)
    if found:
        raise Refused(
            _l("The import cannot be undone any more: files were worked on since."), found
        )
    known = catalog(session)
    for part in _parts(session, batch):
        _undo(session, actor, batch, _traces(session, batch, part, known), known)
    forget_rows(session, batch.id)
    batch.state = UNDONE
    audit.record(session, "import", actor=actor, object=batch, detail={"step": "undone"})


def _parts(session: Session, batch: ImportBatch) -> Iterator[Sequence[int]]:
    query = (
        select(ImportRow.teacher_id)
        .where(ImportRow.batch_id == batch.id, ImportRow.before.is_not(None))
        .distinct()
        .order_by(ImportRow.teacher_id)
    )
    ids = [key for key in session.scalars(query) if key is not None]
    for at in range(0, len(ids), PERSONS):
        yield ids[at : at + PERSONS]


def _traces(
    session: Session, batch: ImportBatch, teachers: Sequence[int], known: Catalog
) -> list[Trace]:
    rows = session.execute(
        select(
            ImportRow.uuid,
            ImportRow.sheet,
            ImportRow.row,
            ImportRow.set,
            ImportRow.teacher_id,
            ImportRow.record_uuid,
            ImportRow.before,
        ).where(
            ImportRow.batch_id == batch.id,
            ImportRow.teacher_id.in_(teachers),
            ImportRow.before.is_not(None),
        )
    )
    return [_trace(row, known) for row in rows]


def _trace(row: Any, known: Catalog) -> Trace:
    body = unseal_json(row.before, "before", row.uuid)
    items = {item.code: item for item in known.set(row.set).indicators}
    values = {
        name: {code: typed(items[code], text) for code, text in body[name].items()}
        for name in ("before", "after")
    }
    return Trace(
        row.sheet,
        row.row,
        row.set,
        row.teacher_id,
        row.record_uuid,
        body["new"],
        body["opens"],
        body["version"],
        **values,
        answer=body["answer"],
    )


def _obstacles(
    session: Session, actor: Actor, traces: Sequence[Trace], ids: Sequence[int]
) -> list[Problem]:
    teachers = {
        each.id: each for each in session.scalars(select(Teacher).where(Teacher.id.in_(ids)))
    }
    found: list[Problem] = []
    for trace in traces:
        teacher = teachers.get(trace.teacher_id)
        if teacher is None or teacher.version != trace.version:
            found.append(_because(trace, _("the file was submitted or decided on since.")))
        elif not filling.is_open_to(actor, teacher):
            found.append(_because(trace, filling.locked_reason(teacher)))
    moved = {problem.record for problem in found}
    for trace, row in _with_records(session, traces):
        if trace.uuid not in moved and _was_edited(trace, row):
            found.append(_because(trace, _("the record was edited since.")))
    return found + _grown_files(session, traces)


def _because(trace: Trace, reason: str) -> Problem:
    text = _(
        "Sheet “%(sheet)s”, row %(row)d: %(reason)s",
        sheet=trace.sheet,
        row=trace.number,
        reason=reason,
    )
    return Problem("undo", text, set=trace.set, record=trace.uuid)


def _with_records(session: Session, traces: Sequence[Trace]) -> Iterator[tuple[Trace, Any]]:
    """Each trace with its record; None where the record is gone."""
    for set_code in dict.fromkeys(trace.set for trace in traces):
        cls = TEACHER_SETS[set_code]
        own = [trace for trace in traces if trace.set == set_code]
        uuids = [trace.uuid for trace in own]
        query = select(cls).where(cls.uuid.in_(uuids), cls.valid_from.is_(None))
        rows = {row.uuid: row for row in session.scalars(query)}
        for trace in own:
            yield trace, rows.get(trace.uuid)


def _was_edited(trace: Trace, row: Any) -> bool:
    if row is None:
        # A record of the import that somebody deleted need not be deleted again.
        return not trace.is_new
    if any(row.value(code) != value for code, value in trace.after.items()):
        return True
    added = (item for item in row.indicator_set.indicators if not item.read_only)
    return trace.is_new and any(
        item.code not in trace.after and row.value(item.code) is not None for item in added
    )


def _grown_files(session: Session, traces: Sequence[Trace]) -> list[Problem]:
    """Files that the import opened and that hold more by now."""
    opened = {trace.teacher_id: trace for trace in traces if trace.opens}
    if not opened:
        return []
    own = {trace.uuid for trace in traces}
    grown: set[int] = set()
    for cls in TEACHER_SETS.values():
        query = select(cls.teacher_id, cls.uuid).where(
            cls.teacher_id.in_(list(opened)), cls.entered_by.is_not(None)
        )
        grown |= {key for key, uuid in session.execute(query) if uuid not in own}
    return [_because(opened[key], _("more was entered into the file since.")) for key in grown]


def _undo(
    session: Session, actor: Actor, batch: ImportBatch, traces: Sequence[Trace], known: Catalog
) -> None:
    opened = sorted({trace.teacher_id for trace in traces if trace.opens})
    kept = [trace for trace in traces if not trace.opens]
    _restore(session, kept)
    _restore_answers(session, kept)
    ids = sorted({trace.teacher_id for trace in kept})
    session.flush()
    teachers = session.scalars(select(Teacher).where(Teacher.id.in_(ids))).all()
    if teachers:
        _rename(session, teachers, kept)
        projection.refresh(session, teachers, known)
    _remove_files(session, opened)
    objects = [("teacher", key, key) for key in (*ids, *opened)]
    detail = {"step": "undone", "batch": batch.uuid}
    audit.record_many(session, "import", actor=actor, objects=objects, detail=detail)


def _restore(session: Session, traces: Sequence[Trace]) -> None:
    added: dict[str, list[str]] = {}
    changes: dict[str, list[record.Change]] = {}
    for trace, row in _with_records(session, traces):
        if trace.is_new:
            added.setdefault(trace.set, []).append(trace.uuid)
        elif row is not None:
            columns = record.stored(TEACHER_SETS[trace.set], trace.uuid, trace.before)
            changes.setdefault(trace.set, []).append((row, columns))
    for set_code, rows in changes.items():
        record.update_rows(session, TEACHER_SETS[set_code], rows)
    for set_code, uuids in added.items():
        cls = TEACHER_SETS[set_code]
        session.execute(
            delete(cls)
            .where(cls.uuid.in_(uuids), cls.valid_from.is_(None))
            .execution_options(synchronize_session=False)
        )


def _restore_answers(session: Session, traces: Sequence[Trace]) -> None:
    answers = [
        {
            "teacher_id": trace.teacher_id,
            "set": trace.set,
            "answered_by": trace.answer["by"],
            "at": datetime.fromisoformat(trace.answer["at"]),
        }
        for trace in traces
        if trace.answer
    ]
    if answers:
        session.execute(insert(NoneAnswer), answers)


def _rename(session: Session, teachers: Sequence[Teacher], traces: Sequence[Trace]) -> None:
    """Name and document of a file follow its basic set again."""
    changed = {trace.teacher_id for trace in traces if trace.set == "basic"}
    cls = TEACHER_SETS["basic"]
    query = select(cls).where(cls.teacher_id.in_(changed), cls.valid_from.is_(None))
    rows = {row.teacher_id: row for row in session.scalars(query)}
    for teacher in teachers:
        row = rows.get(teacher.id)
        if row is not None:
            teacher.name = row.value("name")
            identity.identify(teacher, row.values())


def _remove_files(session: Session, ids: Sequence[int]) -> None:
    if not ids:
        return
    for cls in (*TEACHER_SETS.values(), *SURROUNDINGS):
        session.execute(
            delete(cls).where(cls.teacher_id.in_(ids)).execution_options(synchronize_session=False)
        )
    try:
        session.execute(
            delete(Teacher).where(Teacher.id.in_(ids)).execution_options(synchronize_session=False)
        )
    except IntegrityError:
        # An account, an attachment or a flow speaks of the file.
        raise Refused(
            _l("The import cannot be undone any more: accounts or attachments hang on its files.")
        ) from None
