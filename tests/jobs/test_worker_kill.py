"""Workers as processes, killed and stopped: no step is lost or doubled, nightly jobs run once."""

import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.database import reads_only
from app.models.job import Job, JobState
from app.services import job as queue
from tests.databases import engine  # noqa: F401
from tests.jobs.worker_process import EFFECT, METADATA, STEPS

LEASE = "1"
LIMIT = 60


@pytest.fixture
def session(engine):  # noqa: F811
    METADATA.create_all(engine)
    with Session(engine) as session:
        yield session


@pytest.fixture(autouse=True)
def looking():
    """Read without asking for the lock of SQLite, except in add()."""
    token = reads_only.set(True)
    yield
    reads_only.reset(token)


@pytest.fixture
def start(engine):  # noqa: F811
    """Start worker processes that end with the test."""
    url = engine.url.render_as_string(hide_password=False)
    running = []

    def start():
        command = [sys.executable, "-m", "tests.jobs.worker_process", url, LEASE]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        running.append(process)
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


def add(session, *names):
    reads_only.set(False)
    ids = [queue.enqueue(session, name).id for name in names]
    session.commit()
    reads_only.set(True)
    return ids


def wait_for(session, question):
    """Ask until the answer is true; fail after a minute."""
    deadline = time.monotonic() + LIMIT
    while not (answer := question()):
        session.rollback()
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)
    session.rollback()
    return answer


def job_of(session, job_id):
    session.rollback()
    found = session.get(Job, job_id, populate_existing=True)
    session.expunge(found)
    session.rollback()
    return found


def steps_of(session, job_id):
    steps = session.scalars(select(EFFECT.c.step).where(EFFECT.c.job_id == job_id)).all()
    session.rollback()
    return steps


@pytest.mark.parametrize("kill_at", [(0, 12), (4, 30)])
def test_killed_job_is_taken_over_and_every_step_done_once(session, start, kill_at):
    (job_id,) = add(session, "steps")
    for point in kill_at:
        process = start()
        wait_for(session, lambda point=point: len(steps_of(session, job_id)) >= point)
        process.kill()
        process.wait()
    assert job_of(session, job_id).state != JobState.DONE

    start()
    wait_for(session, lambda: job_of(session, job_id).state == JobState.DONE)

    assert Counter(steps_of(session, job_id)) == Counter(range(STEPS))
    job = job_of(session, job_id)
    assert (job.done, job.total) == (STEPS, STEPS)
    assert job.attempt in (2, 3)


def test_job_that_kills_its_workers_fails_with_a_sentence(session, start):
    (job_id,) = add(session, "poison")
    for attempt in (1, 2, 3):
        start().wait(LIMIT)
        assert job_of(session, job_id).attempt == attempt

    start()
    wait_for(session, lambda: job_of(session, job_id).state == JobState.FAILED)

    assert "interrupted" in job_of(session, job_id).error


def test_stopped_worker_finishes_its_batch_and_gives_the_job_back(session, start):
    (job_id,) = add(session, "steps")
    process = start()
    wait_for(session, lambda: steps_of(session, job_id))

    process.send_signal(signal.SIGTERM)
    code = process.wait(LIMIT)

    job = job_of(session, job_id)
    assert code == 0
    assert (job.state, job.attempt, job.worker, job.lease) == (JobState.QUEUED, 0, None, None)
    assert 0 < job.done == len(steps_of(session, job_id)) < STEPS
    start()
    wait_for(session, lambda: job_of(session, job_id).state == JobState.DONE)
    assert Counter(steps_of(session, job_id)) == Counter(range(STEPS))


def test_idle_worker_stops_at_once(start):
    process = start()

    process.send_signal(signal.SIGTERM)

    assert process.wait(10) == 0


def test_three_workers_do_each_job_once_and_the_nightly_one_once(session, start):
    wanted = add(session, *["short"] * 60)
    for _ in range(3):
        start()

    ended = select(func.count()).select_from(Job).where(Job.state == JobState.DONE)
    wait_for(session, lambda: session.scalar(ended) == 61)

    done = Counter(session.scalars(select(EFFECT.c.job_id)).all())
    (night,) = session.scalars(select(Job.id).where(Job.name == "night")).all()
    assert done == Counter([*wanted, night])
