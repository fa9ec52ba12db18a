"""The queue: entering, claiming, fencing, cancelling, on both databases."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import Stale
from app.models.job import Job, JobState
from app.services import job as queue
from tests.databases import engine  # noqa: F401

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
OWNER = SimpleNamespace(account_id=7, assignment_id=8, unit_id=9)


@pytest.fixture
def time():
    with clock.frozen(START) as stopped:
        yield stopped


@pytest.fixture
def session(engine, time):  # noqa: F811
    with Session(engine) as session:
        yield session


def add(session, name="work", **options):
    job_id = queue.enqueue(session, name, **options).id
    session.commit()
    return job_id


def take(session, worker="one"):
    claimed = queue.claim(session, worker=worker)
    session.commit()
    return claimed


def state_of(session, job_id):
    session.expire_all()
    return session.get(Job, job_id).state


def test_job_of_a_rolled_back_transaction_does_not_exist(session):
    queue.enqueue(session, "work")
    session.rollback()

    assert take(session) is None


def test_claimed_job_carries_its_arguments_and_owner(session):
    job_id = add(session, args={"unit": 3}, owner=OWNER, school_id=3, authority_id=2)

    claimed = take(session)

    assert (claimed.id, claimed.name, claimed.args) == (job_id, "work", {"unit": 3})
    assert (claimed.account_id, claimed.assignment_id, claimed.unit_id) == (7, 8, 9)
    assert (claimed.worker, claimed.attempt, claimed.done, claimed.total) == ("one", 1, 0, None)
    job = session.get(Job, job_id)
    assert (job.state, job.lease) == (JobState.RUNNING, START + queue.LEASE)
    assert (job.school_id, job.authority_id) == (3, 2)


def test_job_of_the_system_has_no_owner(session):
    add(session, owner=SimpleNamespace(account_id=0, assignment_id=0, unit_id=0))

    claimed = take(session)

    assert (claimed.account_id, claimed.assignment_id, claimed.unit_id) == (None, None, None)


def test_oldest_due_job_is_claimed_first_and_a_later_one_not_at_all(session, time):
    later = add(session, run_at=START + timedelta(seconds=30))
    second = add(session)
    first = add(session, run_at=START - timedelta(minutes=1))

    claimed = [take(session) for _ in range(3)]
    time.move(seconds=30)

    assert [each.id for each in claimed[:2]] == [first, second]
    assert claimed[2] is None
    assert take(session).id == later


def test_running_job_is_not_claimed_before_its_lease_is_over(session, time):
    job_id = add(session)
    take(session, "one")
    time.at = START + queue.LEASE

    assert take(session, "two") is None

    time.move(microseconds=1)
    again = take(session, "two")
    assert (again.id, again.worker, again.attempt) == (job_id, "two", 2)


def test_heartbeat_keeps_the_job(session, time):
    add(session)
    claimed = take(session)
    time.move(seconds=50)
    queue.beat(session, claimed)
    session.commit()
    time.move(seconds=59)

    assert take(session, "two") is None


@pytest.mark.parametrize(
    "fence", [{"worker": "other"}, {"attempt": 2}, {"id": 99}], ids=["worker", "attempt", "job"]
)
def test_only_the_present_worker_writes_progress(session, fence):
    job_id = add(session)
    claimed = take(session)

    with pytest.raises(queue.Lost):
        queue.put(session, replace(claimed, **fence), done=5)

    assert queue.put(session, claimed, done=3, total=9) is False
    session.commit()
    job = session.get(Job, job_id)
    assert (job.done, job.total) == (3, 9)


def test_worker_whose_job_has_ended_writes_nothing(session):
    add(session)
    claimed = take(session)
    queue.put(session, claimed, state=JobState.DONE, finished_at=START)
    session.commit()

    with pytest.raises(queue.Lost):
        queue.beat(session, claimed)


def test_taken_over_job_shows_its_progress(session, time):
    add(session)
    claimed = take(session)
    queue.put(session, claimed, done=3, total=9)
    session.commit()
    time.move(minutes=2)

    again = take(session, "two")

    assert (again.done, again.total) == (3, 9)


def test_same_key_is_put_in_once(session):
    first = add(session, "nightly", key="nightly:2026-09-01", args={"day": 1})
    second = add(session, "nightly", key="nightly:2026-09-01", args={"day": 2})
    other = add(session, "nightly", key="nightly:2026-09-02")

    assert first == second != other
    assert session.get(Job, first).args == {"day": 1}


def test_same_key_from_many_threads_at_once_is_put_in_once(engine, time):  # noqa: F811
    barrier, found = threading.Barrier(8), []

    def enter():
        with Session(engine) as session, clock.frozen(START):
            barrier.wait()
            found.append(add(session, key="once"))

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1


def test_each_job_is_claimed_by_one_of_many_threads(engine, session):  # noqa: F811
    wanted = {add(session) for _ in range(40)}
    barrier, found = threading.Barrier(8), []

    def work(name):
        with Session(engine) as own, clock.frozen(START):
            barrier.wait()
            while claimed := take(own, name):
                found.append(claimed.id)

    threads = [threading.Thread(target=work, args=(str(i),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == sorted(wanted)


def test_waiting_job_is_cancelled_at_once(session):
    job_id = add(session)

    queue.cancel(session, job_id)
    session.commit()

    assert state_of(session, job_id) == JobState.CANCELLED
    assert session.get(Job, job_id).finished_at == START
    assert take(session) is None


def test_running_job_learns_with_its_progress_that_it_is_cancelled(session):
    job_id = add(session)
    claimed = take(session)

    queue.cancel(session, job_id)
    session.commit()

    assert state_of(session, job_id) == JobState.RUNNING
    assert queue.put(session, claimed, done=1) is True


@pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED, JobState.CANCELLED])
def test_ended_job_cannot_be_cancelled(session, state):
    job_id = add(session)
    queue.put(session, take(session), state=state, finished_at=START)

    with pytest.raises(Stale):
        queue.cancel(session, job_id)


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_stopped_job_is_resumed_where_it_was(session, state):
    job_id = add(session)
    claimed = take(session)
    queue.cancel(session, job_id)
    queue.put(session, claimed, state=state, finished_at=START, done=4, error="No.")

    queue.resume(session, job_id)
    session.commit()

    again = take(session)
    assert (again.id, again.done, again.attempt, again.cancel_requested) == (job_id, 4, 1, False)
    job = session.get(Job, job_id)
    assert (job.error, job.finished_at) == (None, None)


def test_waiting_job_cannot_be_resumed(session):
    job_id = add(session)

    with pytest.raises(Stale):
        queue.resume(session, job_id)


def test_running_job_without_worker_is_refused_by_the_database(session):
    job_id = add(session)

    with pytest.raises(IntegrityError):
        session.execute(update(Job).where(Job.id == job_id).values(state="running"))


def test_ended_job_without_end_is_refused_by_the_database(session):
    job_id = add(session)

    with pytest.raises(IntegrityError):
        session.execute(update(Job).where(Job.id == job_id).values(state="done"))


def test_account_has_a_job_running_until_it_ends(session):
    add(session, "export", owner=OWNER)
    claimed = take(session)

    assert queue.is_running(session, 7, "export")
    assert not queue.is_running(session, 7, "import")
    assert not queue.is_running(session, 6, "export")
    queue.put(session, claimed, state=JobState.DONE, finished_at=START)
    assert not queue.is_running(session, 7, "export")


def test_own_jobs_come_newest_first(session):
    mine = [add(session, owner=OWNER) for _ in range(2)]
    add(session)

    assert [job.id for job in session.scalars(queue.jobs_of(7))] == mine[::-1]


def test_health_page_knows_last_success_and_age_of_the_queue(session, time):
    assert queue.last_success(session, "work", "other") == {}
    assert queue.queue_age(session) == timedelta()

    add(session)
    add(session, run_at=START + timedelta(hours=2))
    time.move(minutes=3)
    assert queue.queue_age(session) == timedelta(minutes=3)

    queue.put(session, take(session), state=JobState.DONE, finished_at=clock.now())
    assert queue.last_success(session, "work", "other") == {"work": START + timedelta(minutes=3)}
    assert queue.queue_age(session) == timedelta()


def test_purge_takes_only_old_ended_jobs(session, time):
    add(session)
    queue.put(session, take(session), state=JobState.DONE, finished_at=START)
    waiting = add(session, run_at=START - timedelta(days=9))
    session.commit()

    assert queue.purge(session, START) == 0
    assert queue.purge(session, START + timedelta(microseconds=1)) == 1
    assert session.scalars(select(Job.id)).all() == [waiting]
    assert session.scalar(select(func.count()).select_from(Job)) == 1
