"""Steps of a flow over many objects: at once, or above 1,000 as a job in batches of 500.

Both ways leave a job with the result of each object, so that the page of the result is the same.
The objects are files in review, or additions and changes of files.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.core.errors import AppError, Forbidden, NotFound
from app.indicators.catalog import Catalog, catalog
from app.jobs.worker import JobContext, job
from app.models.change import RecordChange
from app.models.job import Job
from app.services import job as queue
from app.services import notice, report
from app.services.among import among, parts
from app.workflows.addition import ADDITION
from app.workflows.change import CHANGE
from app.workflows.engine import BATCH, LIMIT, Outcome, Workflow
from app.workflows.review import REVIEW

KEPT = 2000  # Refusals whose reasons are kept with the job.


class Subject(NamedTuple):
    """What an act on many objects is about: the job that does it, and the flows they are in."""

    job: str
    flows: tuple[Workflow, ...]

    def steps_named(self, name: str) -> list[Any]:
        """The rows of that name in any of the flows; NotFound when there is none."""
        found = [step for flow in self.flows for step in flow.steps if step.name == name]
        if not found:
            raise NotFound()
        return found

    def only(self, flow: Workflow) -> "Subject":
        """The same about the objects of one flow."""
        return Subject(self.job, (flow,))


FILES = Subject("review_bulk", (REVIEW,))
PROCESSES = Subject("process_bulk", (ADDITION, CHANGE))
JOB = FILES.job
SUBJECTS = {each.job: each for each in (FILES, PROCESSES)}


def subject_of(flow: Workflow) -> Subject:
    """What an act on many objects of a flow is about."""
    return next(each.only(flow) for each in SUBJECTS.values() if flow in each.flows)


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
    subject: Subject = FILES,
) -> Job:
    """Take a step of many objects, each decided by itself; returns the job that tells the result.

    `keys` are ids, or ids with the versions that were seen: a file that was returned, altered and
    submitted again since is refused as stale (REL-07).
    Up to 1,000 are decided in the transaction of the caller unless `at_once` is False, more
    of them by a worker. The job keeps the objects, not the filter that found them: it decides what
    was confirmed and nothing that came into the list afterwards.
    """
    subject.steps_named(step)
    for flow in _flows_with(subject, step):
        flow.check(step, data or {})
    ordered = sorted(set(keys))
    args = {"step": step, "ids": ordered, "reason": reason, "data": dict(data or {}), "lang": lang}
    args["flows"] = [flow.name for flow in subject.flows]
    if isinstance(keys, Mapping):
        args["versions"] = [keys[key] for key in ordered]
    if len(ordered) > LIMIT or not at_once:
        made = queue.enqueue(session, subject.job, args, owner=actor)
        made.total = len(ordered)
        session.flush()
        return made
    outcome = decide(session, actor, args, ordered, known=catalog(session), subject=subject)
    return queue.record_done(
        session, subject.job, args, added(None, outcome), owner=actor, total=len(ordered)
    )


def decide(
    session: Session,
    actor: Actor,
    args: Mapping[str, Any],
    keys: Sequence[int],
    *,
    known: Catalog,
    batch: str | None = None,
    subject: Subject = FILES,
) -> Outcome:
    """Take the step of a job's arguments for some of its objects, each in its own flow."""
    seen = dict(zip(args["ids"], args.get("versions", ()), strict=False))
    found = Outcome()
    able = _flows_with(subject, args["step"])
    for flow, mine in _by_flow(session, subject, keys):
        if flow not in able:
            found.failed |= {key: Forbidden() for key in mine}
            continue
        part = flow.perform_many(
            session,
            {key: seen.get(key) for key in mine},
            args["step"],
            actor,
            reason=args["reason"],
            catalog=known,
            batch=batch,
            **args["data"],
        )
        found.done += part.done
        found.failed |= part.failed
    return found


def _flows_with(subject: Subject, step: str) -> list[Workflow]:
    return [flow for flow in subject.flows if step in flow.step_names()]


def _by_flow(
    session: Session, subject: Subject, keys: Sequence[int]
) -> list[tuple[Workflow, list[int]]]:
    """The ids by the flow that each is in; those out of scope are left to the first one, which
    finds none of them."""
    first, *others = subject.flows
    if not others:
        return [(first, list(keys))]
    rows = session.execute(
        select(RecordChange.id, RecordChange.flow).where(among(session, RecordChange.id, keys))
    )
    flow_of = {row.id: row.flow for row in rows}
    sorted_out: dict[str, list[int]] = {}
    for key in keys:
        sorted_out.setdefault(flow_of.get(key, first.name), []).append(key)
    return [(flow, sorted_out[flow.name]) for flow in subject.flows if flow.name in sorted_out]


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


@job(FILES.job)
def decide_files(ctx: JobContext) -> None:
    """Decide the files of an order; what is reported to the Ministry has its workbook written."""
    _decide_all(ctx)
    report_id = report.order_workbook(ctx.session, ctx.actor, ctx.job.id)
    if report_id is not None:
        ctx.result = dict(ctx.result or {}, batch=report_id)
    _tell(ctx)


@job(PROCESSES.job)
def decide_processes(ctx: JobContext) -> None:
    """Decide the additions and changes of an order."""
    _decide_all(ctx)
    _tell(ctx)


def _decide_all(ctx: JobContext) -> None:
    """Decide 500 objects in a transaction; goes on after the last one written."""
    keys, known = ctx.args["ids"], catalog(ctx.session)
    subject = SUBJECTS[ctx.job.name]
    asked = ctx.args.get("flows") or [flow.name for flow in subject.flows]
    subject = Subject(subject.job, tuple(flow for flow in subject.flows if flow.name in asked))
    result = ctx.session.scalar(select(Job.result).where(Job.id == ctx.job.id))
    ctx.total = len(keys)
    with force_locale(ctx.args["lang"]):
        for batch in parts(keys[ctx.done :], BATCH):
            outcome = decide(
                ctx.session,
                ctx.actor,
                ctx.args,
                batch,
                known=known,
                batch=f"job-{ctx.job.id}",
                subject=subject,
            )
            result = added(result, outcome)
            # Effect, result and progress stand or fall together: a killed worker loses nothing.
            queue.put(ctx.session, ctx.job, result=result)
            ctx.step(ctx.done + len(batch))
            ctx.session.expunge_all()
    ctx.result = dict(result or {})


def _tell(ctx: JobContext) -> None:
    counts = {"count": ctx.result.get("done", 0), "refused": ctx.result.get("refused", 0)}
    notice.send(ctx.session, "bulk_done", [ctx.actor.account_id], job=ctx.job.id, **counts)
