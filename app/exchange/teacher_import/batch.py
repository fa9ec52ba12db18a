"""Imports of a school from upload to history: what pages and API call (C2, C3, C5, REL-08).

upload -> job import_check -> preview -> job import_commit -> done, undone while nothing was
submitted. Every act takes the actor; the caller commits.
"""

from dataclasses import dataclass
from hashlib import sha256
from uuid import uuid4

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import WRITE, may_open
from app.core.clock import now
from app.core.errors import Forbidden, Malformed, NotFound, Refused, Stale
from app.core.logs import redact
from app.exchange.package import check_package
from app.exchange.teacher_import.plan import BOTH, MODES
from app.exchange.teacher_import.staging import REFUSED, forget_rows
from app.models.exchange import ImportBatch, ImportRow
from app.models.job import ENDED, Job, JobState
from app.services import audit
from app.services import job as queue
from app.services.export_right import only_one
from app.services.storage import Storage

ALL, GOOD = "all", "good"
TAKES = (ALL, GOOD)
MAX_NAME = 120
CHECK, COMMIT, UNDO = "import_check", "import_commit", "import_undo"
JOBS = (CHECK, COMMIT, UNDO)

# States of a batch. `stopped`: some of the good rows were taken before the work was broken off.
CHECKING, CHECKED, COMMITTING, DONE = "checking", "checked", "committing", "done"
FAILED, DISCARDED, STOPPED, UNDOING, UNDONE = "failed", "discarded", "stopped", "undoing", "undone"

STATE_LABELS = {
    CHECKING: _l("Being checked"),
    CHECKED: _l("Checked, waiting for you"),
    COMMITTING: _l("Being imported"),
    DONE: _l("Imported"),
    FAILED: _l("Not readable"),
    DISCARDED: _l("Discarded"),
    STOPPED: _l("Partly imported"),
    UNDOING: _l("Being undone"),
    UNDONE: _l("Undone"),
}


def stage(
    session: Session,
    actor: Actor,
    storage: Storage,
    file_name: str,
    content: bytes,
    *,
    mode: str = BOTH,
    take: str = ALL,
) -> ImportBatch:
    """Take an upload and put its check in the queue.

    `mode` is insert, update or both; `take` is all (every row or none) or good (only those without
    errors). Raises Forbidden, Malformed, Refused for what is no harmless workbook, LimitReached
    while another import of the account runs, Busy when the disk is full.
    """
    _check_right(actor)
    if mode not in MODES or take not in TAKES:
        raise Malformed()
    check_package(content)
    only_one(session, actor, JOBS)
    kept = storage.keep(session, content)
    batch = ImportBatch(
        uuid=uuid4().hex,
        school_id=actor.unit_id,
        authority_id=actor.authority_id,
        account_id=actor.account_id,
        at=now(),
        file_name=redact(file_name)[-MAX_NAME:],
        stored_name=kept.name,
        digest=sha256(content).hexdigest(),
        mode=mode,
        take=take,
        state=CHECKING,
    )
    session.add(batch)
    session.flush()
    _enqueue(session, actor, batch, CHECK)
    detail = {"file": batch.file_name, "size": kept.size, "mode": mode, "take": take}
    audit.record(session, "import", actor=actor, object=batch, detail={"step": "upload"} | detail)
    return batch


def batches() -> Select[tuple[ImportBatch]]:
    """Select the imports of the school in scope, newest first."""
    return select(ImportBatch).order_by(ImportBatch.id.desc())


def find(session: Session, uuid: str) -> ImportBatch:
    """The import of that uuid in scope; NotFound."""
    batch = session.scalars(select(ImportBatch).where(ImportBatch.uuid == uuid)).first()
    if batch is None:
        raise NotFound()
    return batch


def present_state(session: Session, batch: ImportBatch) -> str:
    """The state of a batch, seen together with its job: a worker that was killed wrote nothing.

    A check that ended early makes it failed, a commit checked again, or stopped when good rows
    were taken before.
    """
    if batch.state not in (CHECKING, COMMITTING, UNDOING) or batch.job_id is None:
        return batch.state
    job = session.get(Job, batch.job_id)
    if job is not None and (job.state not in ENDED or job.state == JobState.DONE):
        return batch.state
    if batch.state == CHECKING:
        return FAILED
    if not _has_rows(session, batch, ImportRow.teacher_id.is_not(None)):
        return CHECKED
    waiting = ImportRow.teacher_id.is_(None) & (ImportRow.outcome != REFUSED)
    return STOPPED if _has_rows(session, batch, waiting) else DONE


def start_commit(
    session: Session, actor: Actor, batch: ImportBatch, *, take: str | None = None
) -> None:
    """Put the commit of a checked batch in the queue, or let a stopped one go on.

    Raises Refused when rows have errors and all are to be taken, or when there is nothing to
    take; Stale when the batch is in another state.
    """
    _check_right(actor)
    take = take or batch.take
    if take not in TAKES:
        raise Malformed()
    if present_state(session, batch) not in (CHECKED, STOPPED):
        raise Stale()
    if take == ALL and batch.bad:
        raise Refused(
            _(
                "%(count)d rows have errors. Mend them, or import only the rows without errors.",
                count=batch.bad,
            )
        )
    if not batch.inserted + batch.updated:
        raise Refused(_("There is nothing to import: no row would change anything."))
    only_one(session, actor, JOBS)
    _move(session, batch, COMMITTING, take=take)
    _enqueue(session, actor, batch, COMMIT)
    detail = {"step": "commit", "take": take}
    audit.record(session, "import", actor=actor, object=batch, detail=detail)


def check_again(session: Session, actor: Actor, batch: ImportBatch) -> None:
    """Check a batch anew, for the files may have moved since; Stale in other states."""
    _check_right(actor)
    if present_state(session, batch) not in (CHECKED, FAILED) or not batch.stored_name:
        raise Stale()
    only_one(session, actor, JOBS)
    _move(session, batch, CHECKING)
    _enqueue(session, actor, batch, CHECK)
    audit.record(session, "import", actor=actor, object=batch, detail={"step": "check"})


def cancel(session: Session, actor: Actor, batch: ImportBatch) -> None:
    """Ask the running job to stop after its present batch of rows; Stale when none runs."""
    _check_right(actor)
    if batch.state not in (CHECKING, COMMITTING, UNDOING) or batch.job_id is None:
        raise Stale()
    queue.cancel(session, batch.job_id)
    audit.record(session, "import", actor=actor, object=batch, detail={"step": "cancel"})


def discard(session: Session, actor: Actor, batch: ImportBatch, storage: Storage) -> None:
    """Drop a batch that was not imported, with its rows and its file; Stale in other states."""
    _check_right(actor)
    if present_state(session, batch) not in (CHECKED, FAILED):
        raise Stale()
    storage.drop(session, batch.stored_name)
    _move(session, batch, DISCARDED, stored_name=None)
    forget_rows(session, batch.id)
    audit.record(session, "import", actor=actor, object=batch, detail={"step": "discard"})


def start_undo(session: Session, actor: Actor, batch: ImportBatch) -> None:
    """Put the undoing of an imported batch in the queue; Stale in other states.

    Whether it is possible is found out by the job; undo.obstacles() tells beforehand.
    """
    _check_right(actor)
    if present_state(session, batch) not in (DONE, STOPPED):
        raise Stale()
    only_one(session, actor, JOBS)
    _move(session, batch, UNDOING)
    _enqueue(session, actor, batch, UNDO)
    audit.record(session, "import", actor=actor, object=batch, detail={"step": "undo"})


@dataclass(frozen=True)
class SheetCount:
    """How many rows of a sheet do what."""

    sheet: str
    set: str
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0


def sheet_counts(session: Session, batch: ImportBatch) -> list[SheetCount]:
    """What the rows do, by sheet, in the order of the workbook."""
    rows = session.execute(
        select(ImportRow.sheet, ImportRow.set, ImportRow.outcome, func.count())
        .where(ImportRow.batch_id == batch.id)
        .group_by(ImportRow.sheet, ImportRow.set, ImportRow.outcome)
        .order_by(func.min(ImportRow.id))
    )
    found: dict[tuple[str, str], dict[str, int]] = {}
    for sheet, set_code, outcome, count in rows:
        found.setdefault((sheet, set_code), {})[outcome or REFUSED] = count
    return [SheetCount(sheet, code, **counts) for (sheet, code), counts in found.items()]


def _check_right(actor: Actor) -> None:
    if not may_open(actor.role, "Import", WRITE):
        raise Forbidden()


def _enqueue(session: Session, actor: Actor, batch: ImportBatch, name: str) -> None:
    job = queue.enqueue(
        session,
        name,
        {"batch": batch.id},
        owner=actor,
        school_id=batch.school_id,
        authority_id=batch.authority_id,
    )
    batch.job_id = job.id
    session.flush()


def _move(session: Session, batch: ImportBatch, state: str, **values: object) -> None:
    """Change the state unless somebody else did so meanwhile."""
    moved = session.execute(
        update(ImportBatch)
        .where(ImportBatch.id == batch.id, ImportBatch.state == batch.state)
        .values(state=state, **values)
        .execution_options(synchronize_session=False)
    )
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        raise Stale()
    session.refresh(batch)


def _has_rows(session: Session, batch: ImportBatch, condition: ColumnElement[bool]) -> bool:
    query = select(ImportRow.id).where(ImportRow.batch_id == batch.id, condition)
    return session.scalar(query.limit(1)) is not None
