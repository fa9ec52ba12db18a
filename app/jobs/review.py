"""Steps of the review over many files: at once, or above 1,000 files as a job in batches of 500.

Both ways leave a job with the result of each file, so that the page of the result is the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.scope import Actor
from app.core.errors import AppError
from app.indicators.catalog import Catalog, catalog
from app.jobs.worker import JobContext, job
from app.models.job import Job
from app.services import job as queue
from app.services import notice, report
from app.services.among import parts
from app.workflows.engine import BATCH, LIMIT, Outcome
from app.workflows.review import REVIEW

JOB = "review_bulk"
KEPT = 2000  # Refusals whose reasons are kept with the job.


def start(
    session: Session,
    actor: Actor,
    step: str,
    keys: Sequence[int] | Mapping[int, int | None],
    *,
    reason: str = "",
    data: Mapping[str, Any] | None = None,
    lang: str = "zh",
    at_once: bool = True,
) -> Job:
    """Take a step of many files, each decided by itself; returns the job that tells the result.

    `keys` are ids, or ids with the versions that were seen: a file that was returned, altered and
    submitted again since is refused as stale (REL-07).
    Up to 1,000 files are decided in the transaction of the caller unless `at_once` is False, more
    of them by a worker. The job keeps the files, not the filter that found them: it decides what
    was confirmed and nothing that came into the list afterwards.
    """
    REVIEW.check(step, data or {})
    ordered = sorted(set(keys))
    args = {"step": step, "ids": ordered, "reason": reason, "data": dict(data or {}), "lang": lang}
    if isinstance(keys, Mapping):
        args["versions"] = [keys[key] for key in ordered]
    if len(ordered) > LIMIT or not at_once:
        made = queue.enqueue(session, JOB, args, owner=actor)
        made.total = len(ordered)
        session.flush()
        return made
    outcome = decide(session, actor, args, ordered, known=catalog(session))
    return queue.record_done(
        session, JOB, args, added(None, outcome), owner=actor, total=len(ordered)
    )


def decide(
    session: Session,
    actor: Actor,
    args: Mapping[str, Any],
    keys: Sequence[int],
    *,
    known: Catalog,
    batch: str | None = None,
) -> Outcome:
    """Take the step of a job's arguments for some of its files."""
    seen = dict(zip(args["ids"], args.get("versions", ()), strict=False))
    return REVIEW.perform_many(
        session,
        {key: seen.get(key) for key in keys},
        args["step"],
        actor,
        reason=args["reason"],
        catalog=known,
        batch=batch,
        **args["data"],
    )


def added(result: Mapping[str, Any] | None, outcome: Outcome) -> dict[str, Any]:
    """The result of a job with the outcome of one more batch."""
    before = result or {"done": 0, "refused": 0, "failed": []}
    refused = [described(key, error) for key, error in sorted(outcome.failed.items())]
    return {
        "done": before["done"] + len(outcome.done),
        "refused": before["refused"] + len(refused),
        "failed": [*before["failed"], *refused][:KEPT],
    }


def described(key: int, error: AppError) -> dict[str, Any]:
    """A refusal as plain values: the file, the status, and the problems in words."""
    return {
        "id": key,
        "status": error.status,
        "message": str(error),
        "problems": [
            {"set": each.set, "field": each.field, "message": str(each.message)}
            for each in error.problems
        ],
    }


@job(JOB)
def decide_files(ctx: JobContext) -> None:
    """Decide the files of an order, 500 in a transaction; goes on after the last one written."""
    keys, known = ctx.args["ids"], catalog(ctx.session)
    result = ctx.session.scalar(select(Job.result).where(Job.id == ctx.job.id))
    ctx.total = len(keys)
    with force_locale(ctx.args["lang"]):
        for batch in parts(keys[ctx.done :], BATCH):
            outcome = decide(
                ctx.session, ctx.actor, ctx.args, batch, known=known, batch=f"job-{ctx.job.id}"
            )
            result = added(result, outcome)
            # Effect, result and progress stand or fall together: a killed worker loses nothing.
            queue.put(ctx.session, ctx.job, result=result)
            ctx.step(ctx.done + len(batch))
            ctx.session.expunge_all()
    ctx.result = dict(result or {})
    report_id = report.order_workbook(ctx.session, ctx.actor, ctx.job.id)
    if report_id is not None:
        ctx.result["batch"] = report_id
    counts = {"count": ctx.result.get("done", 0), "refused": ctx.result.get("refused", 0)}
    notice.send(ctx.session, "bulk_done", [ctx.actor.account_id], job=ctx.job.id, **counts)
