"""The check of an uploaded workbook: read, stage, plan, count; no file is touched (C2)."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.core.crypto import index_column
from app.core.errors import NotFound, Refused
from app.exchange.teacher_import.batch import CHECKED, CHECKING, FAILED
from app.exchange.teacher_import.finding import Finding, finding
from app.exchange.teacher_import.heading import Headings, OpenSheet, WrongTemplate, column_letters
from app.exchange.teacher_import.plan import PersonPlan, Planner
from app.exchange.teacher_import.reading import Reader
from app.exchange.teacher_import.staging import (
    REFUSED,
    forget_rows,
    in_batches,
    persons_of,
    put_back,
    rows_of,
    stage_rows,
)
from app.exchange.workbook import Workbook
from app.indicators.catalog import Catalog, catalog
from app.models.exchange import ImportBatch, ImportRow
from app.models.teacher import Teacher
from app.models.unit import Unit
from app.services import audit
from app.services.look_up import LOOK_UP, left_today
from app.services.storage import Storage

# Called with steps done and in all; commits what was written since the last call.
Progress = Callable[[int, int], None]


def check_batch(
    session: Session, actor: Actor, batch: ImportBatch, storage: Storage, progress: Progress
) -> None:
    """Read the workbook of a batch into staged rows and find out what each would do.

    What the workbook as a whole is refused for is kept with the batch, which is failed then. A
    check begins anew whenever it is run, so that it may be broken off at any point.
    """
    known = catalog(session)
    school = _school(session, batch)
    forget_rows(session, batch.id)
    batch.state, batch.problems = CHECKING, None
    try:
        letters = _read(session, batch, storage, school, known)
    except Refused as refusal:
        forget_rows(session, batch.id)
        batch.state, batch.problems = FAILED, _refusals(refusal)
        batch.rows = batch.good = batch.bad = 0
        detail = {"step": "check"}
        audit.record(session, "import", actor=actor, object=batch, outcome="refused", detail=detail)
        progress(1, 1)
        return
    persons = persons_of(session, batch.id)
    # The first step commits that the check began anew.
    audit.record(session, "import", actor=actor, object=batch, detail={"step": "checking"})
    progress(0, len(persons))
    planner = Planner(
        session,
        actor,
        school,
        known,
        batch.mode,
        letters=letters,
        foreign_names=left_today(session, actor, known),
    )
    done = 0
    for part in in_batches(persons):
        named = len(planner.foreign)
        plans = planner.plan(rows_of(session, batch.id, part, known))
        put_back(session, _outcomes(plans))
        _note_look_ups(session, actor, planner, named)
        done += len(part)
        progress(done, len(persons))
    count(session, batch)
    batch.state = CHECKED
    detail = {"step": "checked"} | _counts(batch)
    audit.record(session, "import", actor=actor, object=batch, detail=detail)


def count(session: Session, batch: ImportBatch) -> None:
    """Write the numbers of rows by what they do."""
    rows: dict[str | None, int] = dict(
        session.execute(
            select(ImportRow.outcome, func.count())
            .where(ImportRow.batch_id == batch.id)
            .group_by(ImportRow.outcome)
        ).all()
    )
    batch.rows = sum(rows.values())
    batch.bad = rows.get(REFUSED, 0) + rows.get(None, 0)
    batch.good = batch.rows - batch.bad
    for name in ("inserted", "updated", "unchanged"):
        setattr(batch, name, rows.get(name, 0))
    session.flush()


def open_workbook(
    batch: ImportBatch, storage: Storage, known: Catalog, category: str
) -> tuple[Workbook, list[OpenSheet], list[Finding]]:
    """The uploaded workbook with its sheets, and the notes about sheets that are left out.

    Raise NotFound when the file was deleted by age, Refused when it cannot be read.
    """
    if not batch.stored_name:
        raise NotFound()
    book = Workbook(storage.read(batch.stored_name))
    headings = Headings(known, category)
    return book, headings.open(book), headings.notes


def _school(session: Session, batch: ImportBatch) -> Unit:
    return session.get_one(Unit, batch.school_id)


def _read(
    session: Session, batch: ImportBatch, storage: Storage, school: Unit, known: Catalog
) -> dict[tuple[str, str], str]:
    """Stage the rows; return the letters of the columns."""
    category = school.category or ""
    book, opened, notes = open_workbook(batch, storage, known, category)
    with book:
        numbers = _numbers(session, school)
        reader = Reader(known, category, numbers, counts_from_1904=book.counts_from_1904)
        stage_rows(session, batch.id, reader.rows(opened), known)
    batch.problems = notes or None
    return column_letters(opened)


def _numbers(session: Session, school: Unit) -> dict[str, bytes]:
    index = getattr(Teacher, index_column("id_no"))
    query = select(Teacher.teacher_no, index).where(
        Teacher.school_id == school.id,
        Teacher.active,
        Teacher.teacher_no.is_not(None),
        index.is_not(None),
    )
    return {str(number): bytes(found) for number, found in session.execute(query)}


def _refusals(refusal: Refused) -> list[Finding]:
    """Why a workbook is refused as a whole, in both languages."""
    general = finding("workbook", lambda: refusal.message)
    faults = refusal.faults if isinstance(refusal, WrongTemplate) else []
    return [general, *faults]


def _outcomes(plans: list[PersonPlan]) -> list[dict[str, Any]]:
    found = []
    for plan in plans:
        kinds = {step.row.id: step.kind for step in plan.steps}
        for row in plan.rows:
            outcome = REFUSED if row.is_bad else kinds[row.id]
            found.append({"id": row.id, "outcome": outcome, "problems": row.findings or None})
    return found


def _counts(batch: ImportBatch) -> dict[str, Any]:
    return {name: getattr(batch, name) for name in ("rows", "bad", "inserted", "updated")}


def _note_look_ups(session: Session, actor: Actor, planner: Planner, before: int) -> None:
    """Write down whose file elsewhere was met; an alert when more were met than may be named."""
    met = planner.foreign[before : planner.foreign_names]
    if met:
        query = select(Teacher.id).where(Teacher.active, Teacher.has_number(met))
        ids = session.scalars(query.execution_options(unscoped=True)).all()
        objects = [("teacher", key, key) for key in ids]
        audit.record_many(session, LOOK_UP, actor=actor, objects=objects, detail={"by": "import"})
    if before <= planner.foreign_names < len(planner.foreign):
        detail = {"reason": "ID numbers of other schools imported"}
        audit.record(session, "alert", actor=actor, detail=detail)
