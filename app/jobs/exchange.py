"""Long acts of import and export: check, commit, undo, export files, removal by age (C5, I4)."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.exchange import (
    export,
    file_export,  # noqa: F401 - registers the export of whole files.
)
from app.exchange.teacher_import.batch import (
    CHECK,
    CHECKED,
    COMMIT,
    DISCARDED,
    FAILED,
    UNDO,
)
from app.exchange.teacher_import.checking import Progress, check_batch
from app.exchange.teacher_import.commit import NotAll, commit_batch
from app.exchange.teacher_import.staging import forget_rows
from app.exchange.teacher_import.undo import undo_batch
from app.jobs.worker import Cancelled, JobContext, job
from app.models.exchange import ExportFile, ImportBatch, ImportRow
from app.services import audit
from app.services import job as queue
from app.services.storage import Storage

KEPT = timedelta(hours=24)
# Rows that were applied are kept this long, so that an import can be undone.
UNDO_DAYS = timedelta(days=180)


@job(CHECK)
def check_import(ctx: JobContext) -> None:
    """Read and check an uploaded workbook."""
    check_batch(ctx.session, ctx.actor, _batch(ctx), _storage(ctx), ctx.step)


@job(COMMIT)
def commit_import(ctx: JobContext) -> None:
    """Bring a checked workbook into the files; what cannot be taken any more is shown again."""
    storage, report = _storage(ctx), _reporter(ctx)
    try:
        commit_batch(ctx.session, ctx.actor, _batch(ctx), storage, ctx.step, report=report)
    except NotAll:
        ctx.session.rollback()
        check_batch(ctx.session, ctx.actor, _batch(ctx), storage, ctx.step)
        ctx.step(ctx.done)
        raise


@job(UNDO)
def undo_import(ctx: JobContext) -> None:
    """Undo an import."""
    undo_batch(ctx.session, ctx.actor, _batch(ctx))
    ctx.step(1, 1)


@job(export.JOB)
def write_export(ctx: JobContext) -> None:
    """Write the file of a large export."""
    found = ctx.session.get_one(ExportFile, ctx.args["export"])
    export.write_file(ctx.session, ctx.actor, found, _storage(ctx), ctx.step)


@job("remove_exchanged", every=timedelta(hours=1))
def remove_exchanged(ctx: JobContext) -> None:
    """Delete what has been lying for a day: uploads, staged values, export files (REL-22)."""
    session, storage, stamp, gone = ctx.session, _storage(ctx), clock.now(), 0
    for old in session.scalars(
        select(ImportBatch).where(
            ImportBatch.at < stamp - KEPT, ImportBatch.stored_name.is_not(None)
        )
    ):
        storage.drop(session, old.stored_name)
        old.stored_name = None
        gone += 1
        if old.state in (CHECKED, FAILED):
            forget_rows(session, old.id)
            old.state = DISCARDED
        session.execute(update(ImportRow).where(ImportRow.batch_id == old.id).values(values=None))
    for batch_id in session.scalars(
        select(ImportBatch.id).where(ImportBatch.at < stamp - UNDO_DAYS)
    ):
        forget_rows(session, batch_id)
    for expired in session.scalars(
        select(ExportFile).where(ExportFile.expires_at < stamp, ExportFile.stored_name.is_not(None))
    ):
        storage.drop(session, expired.stored_name)
        expired.stored_name = None
        gone += 1
    if gone:
        audit.record(session, "purge", actor=None, detail={"uploads_and_exports": gone})
    ctx.step(1, 1)
    storage.sweep(stamp - KEPT)


def _reporter(ctx: JobContext) -> Progress | None:
    """Report progress from outside of the one transaction of a commit, and notice a cancellation.

    SQLite has one writer at a time: the commit itself is that, so nothing can be reported there.
    """
    bind = ctx.session.get_bind()
    if bind.dialect.name == "sqlite":
        return None

    def report(done: int, total: int) -> None:
        with Session(bind) as own:
            wants_end = queue.put(own, ctx.job, done=done, total=total)
            own.commit()
        if wants_end:
            raise Cancelled

    return report


def _batch(ctx: JobContext) -> ImportBatch:
    return ctx.session.get_one(ImportBatch, ctx.args["batch"])


def _storage(ctx: JobContext) -> Storage:
    return Storage.of(ctx.settings)
