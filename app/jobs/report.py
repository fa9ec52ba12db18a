"""Reports to the Ministry as jobs: files are reported in batches of 500, then the workbook is
written from what was frozen."""

from datetime import datetime
from typing import Any

from flask_babel import force_locale
from sqlalchemy import select

from app.core.crypto import SealBroken
from app.core.errors import Refused
from app.core.sealed import REMEDY
from app.exchange import ministry
from app.indicators.catalog import catalog
from app.jobs.review import KEPT, described
from app.jobs.worker import JobContext, job
from app.models.job import Job
from app.models.report import ReportBatch
from app.models.teacher import Teacher
from app.services import audit, report
from app.services import job as queue
from app.services.storage import Storage
from app.workflows.engine import BATCH, Outcome
from app.workflows.review import REVIEW


@job(report.JOB)
def report_files(ctx: JobContext) -> None:
    """Report every accepted file; those that a guard refuses stay and are listed."""
    found = ctx.session.scalar(select(Job.result).where(Job.id == ctx.job.id))
    result: dict[str, Any] = found or {"last": 0, "done": 0, "failed": [], "refused": 0}
    until, known = datetime.fromisoformat(ctx.args["until"]), catalog(ctx.session)
    ctx.total = ctx.args["count"]
    while keys := _next(ctx, until, result["last"]):
        with force_locale(ctx.args["lang"]):
            outcome = REVIEW.perform_many(
                ctx.session,
                dict.fromkeys(keys),
                "report",
                ctx.actor,
                catalog=known,
                batch=f"job-{ctx.job.id}",
                note=ctx.args.get("note", ""),
            )
            result = _added(result, keys, outcome)
        # Effect, result and progress stand or fall together: a killed worker loses no step.
        queue.put(ctx.session, ctx.job, result=result)
        ctx.session.expunge_all()
        ctx.step(ctx.done + len(keys))
    batch = ctx.session.scalar(select(ReportBatch).where(ReportBatch.job_id == ctx.job.id))
    if batch is not None:
        finish(ctx, batch)
        result["batch"] = batch.id
    ctx.result = result


@job(report.TRIAL_JOB)
def try_report(ctx: JobContext) -> None:
    """Ask the guards of the report about every accepted file and list those that would stay."""
    found = ctx.session.scalar(select(Job.result).where(Job.id == ctx.job.id))
    result: dict[str, Any] = found or {"last": 0, "done": 0, "failed": [], "refused": 0}
    until, known = datetime.fromisoformat(ctx.args["until"]), catalog(ctx.session)
    ctx.total = ctx.args["count"]
    while keys := _next(ctx, until, result["last"]):
        with force_locale(ctx.args["lang"]):
            outcome = REVIEW.foresee(ctx.session, keys, "report", ctx.actor, catalog=known)
            result = _added(result, keys, outcome)
        # The guards keep what a fresh check of an outdated file finds.
        place, detail = ("job", ctx.job.id), {"name": ctx.job.name, "files": len(keys)}
        audit.record(ctx.session, "job", actor=ctx.actor, object=place, detail=detail)
        queue.put(ctx.session, ctx.job, result=result)
        ctx.session.expunge_all()
        ctx.step(ctx.done + len(keys))
    ctx.result = result


def _added(result: dict[str, Any], keys: list[int], outcome: Outcome) -> dict[str, Any]:
    """The result of a job with what became of one more batch."""
    refused = [described(key, error) for key, error in sorted(outcome.failed.items())]
    return {
        "last": keys[-1],
        "done": result["done"] + len(outcome.done),
        "refused": result["refused"] + len(refused),
        "failed": [*result["failed"], *refused][:KEPT],
    }


def _next(ctx: JobContext, until: datetime, last: int) -> list[int]:
    """The next files that were accepted when the report was ordered."""
    return list(
        ctx.session.scalars(
            select(Teacher.id)
            .where(report.candidates(until), Teacher.id > last)
            .order_by(Teacher.id)
            .limit(BATCH)
        )
    )


@job(report.WRITE_JOB)
def write_report(ctx: JobContext) -> None:
    """Write the workbook of a batch that was reported by a single act."""
    batch = ctx.session.get_one(ReportBatch, ctx.args["batch"])
    finish(ctx, batch)
    ctx.result = {"batch": ctx.args["batch"]}


def finish(ctx: JobContext, batch: ReportBatch) -> None:
    """Write the workbook and freeze its name and digest; a workbook already written stays."""
    if batch.state == report.READY:
        return
    storage = Storage.of(ctx.settings)
    with storage.workspace() as folder:
        path = folder / "report.xlsx"
        contents = report.contents(ctx.session, batch)
        try:
            ministry.write(path, batch, contents, catalog(ctx.session))
        except SealBroken:
            raise Refused(REMEDY) from None  # Trying again would not mend it.
        with path.open("rb") as stream:
            kept = storage.keep(ctx.session, stream)
    report.freeze_workbook(ctx.session, ctx.actor, batch, kept.name, kept.digest)
