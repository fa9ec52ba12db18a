"""Claims jobs and carries them out, with progress, leases and the nightly timetable."""

import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from time import sleep
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import AppError, Busy, Refused
from app.models.job import JobState
from app.services import audit
from app.services import job as queue
from app.services.job import Claim, Lost

POLL = timedelta(seconds=1)
TICK = timedelta(seconds=30)
BREATH = timedelta(milliseconds=50)
EXTENSION = "jobs"  # app.extensions["jobs"] holds the Wiring.

log = logging.getLogger(__name__)


class Cancelled(Exception):
    """The owner wants the job to stop; what its steps have written stays."""


class Stopped(Exception):
    """The worker is to end; the job goes back to the queue and another one goes on."""


@dataclass(frozen=True)
class JobKind:
    """A registered function with its timetable: nightly at a time of Beijing, or every so often."""

    name: str
    run: Callable[["JobContext"], None]
    nightly: time | None = None
    every: timedelta | None = None
    max_attempts: int = queue.MAX_ATTEMPTS


JOBS: dict[str, JobKind] = {}


def job(
    name: str,
    *,
    nightly: time | None = None,
    every: timedelta | None = None,
    max_attempts: int = queue.MAX_ATTEMPTS,
) -> Callable[[Callable[["JobContext"], None]], Callable[["JobContext"], None]]:
    """Register `run(ctx)` under a name; with a timetable, tick() puts it in the queue itself.

    A job may run more than once after a kill. It writes the effect of each batch and its progress
    together by `ctx.step()`, and starts from `ctx.done`. Raise ValueError for a name that is taken.
    """

    def register(run: Callable[["JobContext"], None]) -> Callable[["JobContext"], None]:
        if name in JOBS:
            raise ValueError(f"job {name} is already registered")
        JOBS[name] = JobKind(name, run, nightly, every, max_attempts)
        return run

    return register


@dataclass(frozen=True)
class Wiring:
    """What the application gives its workers.

    `sessions` opens a session. `acting` is entered around a run: it makes the owner of the job the
    actor of the scope (the system for a job without owner), sets the language, and yields the
    actor. `finished` is called in the transaction that ends a job, to notify the owner. `settings`
    is the configuration, for jobs that need a folder or a limit.
    """

    sessions: Callable[[], Session]
    acting: Callable[[Claim], AbstractContextManager[Any]] = lambda _job: nullcontext()
    finished: Callable[[Session, Claim, JobState], None] = lambda _session, _job, _state: None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class JobContext:
    """What a job works with. `done` steps are written already; `result` is kept at the end."""

    session: Session
    job: Claim
    settings: Mapping[str, Any]
    lease: timedelta
    is_stopping: Callable[[], bool]
    actor: Any = None
    done: int = 0
    total: int | None = None
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def args(self) -> dict[str, Any]:
        return self.job.args

    def step(self, done: int, total: int | None = None) -> None:
        """Commit what was written since the last step together with the progress.

        Raise Lost (nothing was written), Cancelled or Stopped (this step was).
        """
        self.total = self.total if total is None else total
        lease = clock.now() + self.lease
        wants_end = queue.put(self.session, self.job, done=done, total=self.total, lease=lease)
        self.session.commit()
        self.done = done
        if self.session.get_bind().dialect.name == "sqlite":
            # Its one lock is free between two steps only; others ask for it now and then.
            sleep(BREATH.total_seconds())
        if wants_end:
            raise Cancelled
        if self.is_stopping():
            raise Stopped


class Worker:
    """One loop that claims and runs jobs until it is stopped."""

    def __init__(
        self, wiring: Wiring, *, name: str | None = None, lease: timedelta = queue.LEASE
    ) -> None:
        self.wiring = wiring
        self.lease = lease
        self.name = name or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        # A plain flag: a signal handler must not wait for the lock of an Event.
        self._is_stopping = False
        self._next_tick: datetime | None = None

    def stop(self, *_signal: Any) -> None:
        """Finish the batch under way, put the job back, and end; a handler of SIGTERM."""
        self._is_stopping = True

    def run(self, *, once: bool = False) -> int:
        """Work until stopped, or with `once` until nothing is due; return the number of runs."""
        count = 0
        while not self._is_stopping:
            worked = self._turn()
            count += worked
            if not worked:
                if once:
                    break
                sleep(POLL.total_seconds())
        return count

    def _turn(self) -> bool:
        try:
            self._tick()
            claimed = self._claim()
        except SQLAlchemyError:
            # The database is away or locked; the worker outlives that (REL-10).
            log.exception("the queue cannot be read")
            return False
        if claimed is None:
            return False
        self._carry_out(claimed)
        return True

    def _tick(self) -> None:
        moment = clock.now()
        if self._next_tick and moment < self._next_tick:
            return
        with self._session() as session:
            tick(session)
            session.commit()
        self._next_tick = moment + TICK

    def _claim(self) -> Claim | None:
        with self._session() as session:
            claimed = queue.claim(session, worker=self.name, lease=self.lease)
            session.commit()
        return claimed

    def _carry_out(self, claimed: Claim) -> None:
        with (
            audit.in_context(request_id=f"job-{claimed.id}-{claimed.attempt}"),
            self._heartbeat(claimed),
        ):
            try:
                self._run(claimed)
            except Lost:
                log.warning("job %s %s was lost to another worker", claimed.name, claimed.id)
            except SQLAlchemyError:
                # The lease runs out, and some worker goes on from the last step.
                log.exception("the end of job %s %s cannot be written", claimed.name, claimed.id)

    def _run(self, claimed: Claim) -> None:
        with self._session() as session, ExitStack() as stack:
            ctx = JobContext(
                session, claimed, self.wiring.settings, self.lease, lambda: self._is_stopping,
                done=claimed.done, total=claimed.total,
            )  # fmt: skip
            try:
                # The owner may have lost the right to act; that ends the job like any refusal.
                ctx.actor = stack.enter_context(self.wiring.acting(claimed))
                if claimed.cancel_requested:
                    raise Cancelled
                if claimed.attempt > claimed.max_attempts:
                    raise Refused(_("The work was interrupted too often. Please start it again."))
                JOBS[claimed.name].run(ctx)
                self._end(ctx, JobState.DONE, error=None, result=ctx.result or None)
            except Lost:
                raise
            except Cancelled:
                session.rollback()
                self._end(ctx, JobState.CANCELLED)
            except Stopped:
                session.rollback()
                self._release(ctx)
            except Exception as error:
                # Whatever a job raises ends in its row; the worker goes on (REL-15).
                session.rollback()
                self._fail(ctx, error)

    def _end(self, ctx: JobContext, state: JobState, **values: Any) -> None:
        """Write the end of the job, its audit row and the notice to its owner together."""
        values |= {"state": state, "finished_at": clock.now(), "lease": None}
        queue.put(ctx.session, ctx.job, **values)
        ended = replace(ctx.job, done=ctx.done, total=ctx.total)
        if ctx.job.account_id:
            outcome = "failed" if state is JobState.FAILED else "done"
            detail = {"name": ctx.job.name, "state": str(state), "done": ctx.done}
            place = ("job", ctx.job.id)
            audit.record(
                ctx.session, "job", actor=ctx.actor, object=place, outcome=outcome, detail=detail
            )
        self.wiring.finished(ctx.session, ended, state)
        ctx.session.commit()

    def _release(self, ctx: JobContext) -> None:
        back = {"state": JobState.QUEUED, "run_at": clock.now(), "worker": None, "lease": None}
        # A stop is not the fault of the job and does not count as an attempt.
        queue.put(ctx.session, ctx.job, **back, attempt=ctx.job.attempt - 1)
        ctx.session.commit()

    def _fail(self, ctx: JobContext, error: Exception) -> None:
        """Try again later, with growing pauses, unless a rule refused or attempts are used up."""
        log.error("job %s %s failed", ctx.job.name, ctx.job.id, exc_info=error)
        message = self._message(ctx, error)
        is_final = isinstance(error, AppError) and not isinstance(error, Busy)
        if is_final or ctx.job.attempt >= ctx.job.max_attempts:
            self._end(ctx, JobState.FAILED, error=message)
            return
        pause = timedelta(seconds=2**ctx.job.attempt)
        again = {"state": JobState.QUEUED, "run_at": clock.now() + pause, "lease": None}
        queue.put(ctx.session, ctx.job, **again, error=message)
        ctx.session.commit()

    def _message(self, ctx: JobContext, error: Exception) -> str:
        if isinstance(error, AppError):
            return str(error)
        # Never the text of the error: it may hold SQL or values (SEC-17). The log has the trace.
        number = f"{ctx.job.id}-{ctx.job.attempt}"
        return _("The work failed. Please report this number: %(number)s", number=number)

    @contextmanager
    def _session(self) -> Iterator[Session]:
        session = self.wiring.sessions()
        try:
            yield session
        finally:
            session.rollback()
            session.close()

    @contextmanager
    def _heartbeat(self, claimed: Claim) -> Iterator[None]:
        """Extend the lease from a thread of its own while a batch takes its time."""
        with self._session() as session:
            engine = session.get_bind()
        over = threading.Event()

        def beat() -> None:
            while not over.wait(self.lease.total_seconds() / 3):
                try:
                    with Session(engine) as own, own.begin():
                        queue.beat(own, claimed, lease=self.lease)
                except Lost:
                    return
                except SQLAlchemyError:
                    log.warning("no heartbeat for job %s", claimed.id, exc_info=True)

        thread = threading.Thread(target=beat, name=f"heartbeat-{claimed.id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def tick(session: Session) -> None:
    """Put the jobs of the timetable in the queue; every worker may call it, each is put in once."""
    moment = clock.now()
    for kind in JOBS.values():
        due = _due(kind, moment)
        if due:
            key, run_at = due
            queue.enqueue(
                session, kind.name, key=key, run_at=run_at, max_attempts=kind.max_attempts
            )


def work(app: Any, *, once: bool = False) -> int:
    """Run a worker of the application until SIGTERM or SIGINT; return the number of runs."""
    with app.app_context():
        worker = Worker(app.extensions[EXTENSION])
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, worker.stop)
            signal.signal(signal.SIGINT, worker.stop)
        return worker.run(once=once)


def _due(kind: JobKind, moment: datetime) -> tuple[str, datetime] | None:
    if kind.nightly:
        day = clock.local(moment).date()
        run_at = datetime.combine(day, kind.nightly, tzinfo=clock.BEIJING)
        return f"{kind.name}:{day}", run_at
    if kind.every:
        slot = int(moment.timestamp() // kind.every.total_seconds())
        return f"{kind.name}:{slot}", moment
    return None
