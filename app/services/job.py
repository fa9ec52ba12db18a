"""The job queue: put in, claim, report, cancel; safe with many workers (dependencies.md s2)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Insert, Select, case, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import Stale
from app.models.job import ENDED, Job, JobState
from app.services import audit

# Leases compare the clocks of all machines that run workers: keep them on NTP.
LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 3


class Owner(audit.Actor, Protocol):
    """What a job keeps of the actor it runs for (access.actor.Actor)."""


class Lost(Exception):
    """The lease ran out and another worker has the job; the present one must stop."""


@dataclass(frozen=True)
class Claim:
    """A job as a worker took it: `worker` and `attempt` fence every later write."""

    id: int
    name: str
    args: dict[str, Any]
    worker: str
    attempt: int
    max_attempts: int
    done: int
    total: int | None
    cancel_requested: bool
    account_id: int | None
    assignment_id: int | None
    unit_id: int | None


def enqueue(
    session: Session,
    name: str,
    args: dict[str, Any] | None = None,
    *,
    owner: Owner | None = None,
    key: str | None = None,
    run_at: datetime | None = None,
    max_attempts: int = MAX_ATTEMPTS,
    school_id: int | None = None,
    authority_id: int | None = None,
) -> Job:
    """Put a job in the queue in the caller's transaction; a rollback leaves none.

    With a `key` that is taken, return the job that has it, whatever its state.
    """
    values = {
        "name": name,
        "args": args or {},
        "key": key,
        "state": JobState.QUEUED,
        "run_at": run_at or clock.now(),
        "max_attempts": max_attempts,
        "account_id": (owner.account_id or None) if owner else None,
        "assignment_id": (owner.assignment_id or None) if owner else None,
        "unit_id": (owner.unit_id or None) if owner else None,
        "school_id": school_id,
        "authority_id": authority_id,
    }
    if key is None:
        job = Job(**values)
        session.add(job)
        session.flush()
        return job
    same = select(Job).where(Job.key == key).execution_options(unscoped=True)
    found = session.scalars(same).first()
    if found is None:
        session.execute(_insert_once(session, values))
        found = session.scalars(same).one()
    return found


def record_done(
    session: Session,
    name: str,
    args: dict[str, Any],
    result: dict[str, Any],
    *,
    owner: Owner,
    total: int,
) -> Job:
    """Keep an act that was carried out at once like a job that is done, for the page that tells
    its result."""
    moment = clock.now()
    job = Job(
        name=name,
        args=args,
        state=JobState.DONE,
        run_at=moment,
        finished_at=moment,
        done=total,
        total=total,
        result=result,
        account_id=owner.account_id or None,
        assignment_id=owner.assignment_id or None,
        unit_id=owner.unit_id or None,
    )
    session.add(job)
    session.flush()
    return job


def cancel(session: Session, job_id: int) -> None:
    """End a waiting job, or ask the worker of a running one to stop after its batch.

    Raise Stale when the job has already ended.
    """
    waiting = update(Job).where(Job.id == job_id, Job.state == JobState.QUEUED)
    ended = {"state": JobState.CANCELLED, "finished_at": clock.now(), "cancel_requested": True}
    if _count(session, waiting.values(ended)):
        return
    running = update(Job).where(Job.id == job_id, Job.state == JobState.RUNNING)
    if not _count(session, running.values(cancel_requested=True)):
        raise Stale


def resume(session: Session, job_id: int) -> None:
    """Queue a failed or cancelled job again; it goes on from its last step.

    Raise Stale when it is in another state.
    """
    stopped = Job.state.in_([JobState.FAILED, JobState.CANCELLED])
    again = {
        "state": JobState.QUEUED,
        "run_at": clock.now(),
        "attempt": 0,
        "error": None,
        "finished_at": None,
        "cancel_requested": False,
    }
    if not _count(session, update(Job).where(Job.id == job_id, stopped).values(again)):
        raise Stale


def stop(session: Session, actor: Owner, job: Job) -> None:
    """Cancel a job as its owner wishes, with the audit row; as cancel()."""
    cancel(session, job.id)
    _note(session, actor, job, "cancel")


def go_on(session: Session, actor: Owner, job: Job) -> None:
    """Queue a stopped job again as its owner wishes, with the audit row; as resume()."""
    resume(session, job.id)
    _note(session, actor, job, "resume")


def _note(session: Session, actor: Owner, job: Job, act: str) -> None:
    audit.record(session, "job", actor=actor, object=job, detail={"name": job.name, "act": act})


def claim(session: Session, *, worker: str, lease: timedelta = LEASE) -> Claim | None:
    """Take the oldest job that is due, or whose worker is lost; None when there is none.

    One statement chooses and takes it: PostgreSQL skips rows that another worker is taking,
    SQLite has one writer at a time. The caller commits, and must fail a job that comes with
    more attempts than it may have: its workers were lost.
    """
    moment = clock.now()
    lost = (Job.state == JobState.RUNNING) & (Job.lease < moment)
    due = (Job.state == JobState.QUEUED) & (Job.run_at <= moment)
    ready = (
        select(Job.id)
        .where(or_(due, lost))
        .order_by(Job.run_at, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    columns = [getattr(Job, name) for name in Claim.__dataclass_fields__]
    row = session.execute(
        update(Job)
        .where(Job.id == ready)
        .values(
            state=JobState.RUNNING, worker=worker, lease=moment + lease, attempt=Job.attempt + 1
        )
        .returning(*columns)
        .execution_options(synchronize_session=False, unscoped=True)
    ).first()
    return Claim(*row) if row else None


def put(session: Session, job: Claim, **values: Any) -> bool:
    """Write progress, lease or end of a claimed job; tell whether its owner wants it cancelled.

    Raise Lost when the job is no longer that of this worker and attempt: nothing is written.
    """
    mine = (Job.id == job.id) & (Job.worker == job.worker) & (Job.attempt == job.attempt)
    row = session.execute(
        update(Job)
        .where(mine, Job.state == JobState.RUNNING)
        .values(values)
        .returning(Job.cancel_requested)
        .execution_options(synchronize_session=False, unscoped=True)
    ).first()
    if row is None:
        raise Lost
    return row.cancel_requested


def beat(session: Session, job: Claim, *, lease: timedelta = LEASE) -> bool:
    """Extend the lease of a claimed job; as put()."""
    return put(session, job, lease=clock.now() + lease)


def jobs_of(account_id: int) -> Select[tuple[Job]]:
    """Select the jobs that somebody started, newest first."""
    return select(Job).where(Job.account_id == account_id).order_by(Job.id.desc())


def is_running(session: Session, account_id: int, name: str) -> bool:
    """Tell whether somebody has a job of this name waiting or running (SEC-35)."""
    open_job = Job.state.not_in(ENDED)
    query = select(Job.id).where(Job.account_id == account_id, Job.name == name, open_job)
    return session.scalar(query.limit(1)) is not None


def last_success(session: Session, *names: str) -> dict[str, datetime]:
    """Return when each of these jobs was last done, if ever, for the page of jobs (REL-14)."""
    query = (
        select(Job.name, func.max(Job.finished_at))
        .where(Job.name.in_(names), Job.state == JobState.DONE)
        .group_by(Job.name)
    )
    return {name: at for name, at in session.execute(query).all() if at}


def queue_age(session: Session) -> timedelta:
    """Return for how long the oldest job has been waiting: since it was due, or since its worker
    was lost (REL-21)."""
    moment = clock.now()
    since = case((Job.state == JobState.QUEUED, Job.run_at), else_=Job.lease)
    query = select(func.min(since)).where(Job.state.in_([JobState.QUEUED, JobState.RUNNING]))
    oldest = session.scalar(query)
    return max(moment - oldest, timedelta()) if oldest else timedelta()


def worker_silence(session: Session) -> timedelta:
    """Return for how long no worker has been heard of (REL-21); zero before the first one.

    A worker at work extends the lease of its job, another one puts in what the timetable asks for.
    """
    by_itself = select(func.max(Job.created_at)).where(Job.account_id.is_(None))
    at_work = select(func.max(Job.lease)).where(Job.state == JobState.RUNNING)
    signs = [at for at in map(session.scalar, (by_itself, at_work)) if at]
    return max(clock.now() - max(signs), timedelta()) if signs else timedelta()


def purge(session: Session, before: datetime) -> int:
    """Delete jobs that ended before a moment; return their number."""
    from_table = Job.__table__.delete().where(Job.state.in_(ENDED), Job.finished_at < before)
    return _count(session, from_table)


def _insert_once(session: Session, values: dict[str, Any]) -> Insert:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert if is_sqlite else postgresql.insert
    return insert(Job).values(values).on_conflict_do_nothing(index_elements=["key"])


def _count(session: Session, statement: Any) -> int:
    statement = statement.execution_options(synchronize_session=False)
    return session.execute(statement).rowcount  # type: ignore[attr-defined]
