"""An import of 10,000 rows by real workers, killed at ten points: all or nothing (REL-08)."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.access.actor import acting_as
from app.core import clock
from app.core.database import reads_only
from app.exchange.teacher_import import batch as imports
from app.extensions import db
from app.models.exchange import ImportBatch
from app.models.job import Job, JobState
from app.models.record import TEACHER_SETS
from app.models.teacher import Teacher
from app.services.storage import Storage
from config import ROOT
from tests.exchange.imports import Importing, book_of, people

pytestmark = pytest.mark.slow

ROWS = 10_000
POINTS = 10
LIMIT = 900
ENDED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Yard:
    """A school that imports, and workers in processes of their own."""

    def __init__(self, app: Any, world: Any) -> None:
        self.app, self.actor = app, world.actors["school_info_A1"]
        self.session = db.session()
        self.school = Importing(self.session, self.actor, Storage.of(app.config))
        url = db.engine.url.render_as_string(hide_password=False)
        names = ("STORAGE_DIR", "FIELD_KEY_FILE", "AUDIT_HEAD_FILE")
        self.settings = {name: str(app.config[name]) for name in names}
        self.settings |= {"APP_ENV": "test", "DATABASE_URL": url}

    def worker(self) -> subprocess.Popen:
        """Start a worker that carries out what waits."""
        self.session.rollback()
        command = [sys.executable, "-m", "flask", "--app", "app", "worker", "--once"]
        return subprocess.Popen(command, cwd=ROOT, env=os.environ | self.settings)

    def work(self) -> None:
        """Let a worker carry out what waits, to its end."""
        assert self.worker().wait(LIMIT) == 0
        self.session.rollback()
        self.session.expire_all()

    def look(self, question: Any) -> Any:
        """Ask the database without asking for the lock of SQLite."""
        token = reads_only.set(True)
        try:
            return self.session.scalar(question)
        finally:
            self.session.rollback()
            reads_only.reset(token)

    def wait_for(self, job: int, states: tuple[str, ...]) -> None:
        deadline = time.monotonic() + LIMIT
        while self.look(select(Job.state).where(Job.id == job)) not in states:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def counts(self) -> tuple[int, ...]:
        """How many files and rows of each set the school has."""
        mine = self.actor.unit_id
        tables = (Teacher, *TEACHER_SETS.values())
        return tuple(
            self.look(select(func.count()).select_from(each).where(each.school_id == mine))
            for each in tables
        )

    def checked(self, content: bytes, take: str) -> int:
        """Upload and check a workbook and order its import; returns the batch's id."""
        school = self.school
        batch = imports.stage(
            self.session, self.actor, school.storage, "教师.xlsx", content, take=take
        )
        key = batch.id
        self.session.commit()
        self.work()
        batch = self.session.get_one(ImportBatch, key)
        assert (batch.state, batch.bad) == ("checked", 0)
        imports.start_commit(self.session, self.actor, batch)
        self.session.commit()
        return key

    def job_of(self, batch: int) -> int:
        return self.look(select(ImportBatch.job_id).where(ImportBatch.id == batch))

    def undo(self, batch: int) -> None:
        imports.start_undo(self.session, self.actor, self.session.get_one(ImportBatch, batch))
        self.session.commit()
        self.work()


@pytest.fixture
def yard(live_app: Any, world: Any) -> Any:
    with live_app.app_context(), acting_as(world.actors["school_info_A1"]):
        yield Yard(live_app, world)
        db.session.remove()


def book(yard: Yard) -> tuple[bytes, int]:
    """A workbook of 10,000 rows across all sets, and how many persons it holds."""
    sample = people(yard.session, yard.school.school, 1, sets=())[0]
    count = -(-ROWS // sum(map(len, sample.values())))
    content = book_of(yard.school, people(yard.session, yard.school.school, count, sets=()))
    yard.session.rollback()
    return content, count


def run_timed(yard: Yard, batch: int) -> float:
    """Let a worker import a batch; returns how long it took from its claim to its end."""
    job = yard.job_of(batch)
    process = yard.worker()
    yard.wait_for(job, (JobState.RUNNING, *ENDED))
    begun = time.monotonic()
    yard.wait_for(job, ENDED)
    took = time.monotonic() - begun
    assert process.wait(LIMIT) == 0
    return took


def kill_after(yard: Yard, batch: int, seconds: float) -> bool:
    """Kill a worker so long after it has claimed the import; whether it was still at it."""
    job = yard.job_of(batch)
    process = yard.worker()
    yard.wait_for(job, (JobState.RUNNING, *ENDED))
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return yard.look(select(Job.state).where(Job.id == job)) == JobState.RUNNING


def let_lease_run_out(yard: Yard, batch: int) -> None:
    late = clock.now() - timedelta(seconds=1)
    job = yard.job_of(batch)
    yard.session.execute(
        update(Job)
        .where(Job.id == job, Job.state == JobState.RUNNING)
        .values(lease=late)
        .execution_options(synchronize_session=False)
    )
    yard.session.commit()


@pytest.mark.parametrize("take", ["all", "good"])
def test_ten_thousand_rows_killed_at_ten_points_are_all_there_or_none(
    yard: Yard, take: str
) -> None:
    content, persons = book(yard)
    start = yard.counts()
    first = yard.checked(content, take)
    took = run_timed(yard, first)
    full = yard.counts()
    rows = sum(full[1:]) - sum(start[1:])
    rate = f"{rows} rows ({take}) in {took:.1f} s, {rows / took:.0f} rows/s"
    assert full[0] - start[0] == persons
    assert rows >= ROWS
    yard.undo(first)
    assert yard.counts() == start

    killed = 0
    for point in range(1, POINTS + 1):
        batch = yard.checked(content, take)
        delay = took * point / (POINTS + 1)
        in_time = kill_after(yard, batch, delay)
        killed += in_time
        if not in_time:
            took = delay  # The machine has become faster since: the next points come earlier.
        seen = yard.counts()
        if take == "all":
            assert seen in (start, full)
        else:
            assert 0 <= seen[0] - start[0] <= persons

        let_lease_run_out(yard, batch)
        yard.work()

        assert yard.look(select(ImportBatch.state).where(ImportBatch.id == batch)) == "done"
        assert yard.counts() == full
        yard.undo(batch)
        assert yard.counts() == start

    assert killed >= POINTS - 2
    print(f"{rate}; {killed} workers killed at their work")
