"""One worker: what becomes of a job that succeeds, fails, is refused, cancelled, lost or slow."""

import logging
import signal
import threading
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from unittest import mock

import pytest
from flask_babel import gettext
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import Busy, Forbidden, Refused
from app.jobs import worker
from app.jobs.worker import Cancelled, Wiring, Worker, job
from app.models.history import Audit, Transition
from app.models.job import Job, JobState
from app.services import audit
from app.services import job as queue
from tests.databases import engine  # noqa: F401

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
OWNER = SimpleNamespace(account_id=7, assignment_id=8, unit_id=9, role="school_admin")


@pytest.fixture(autouse=True)
def registry():
    with mock.patch.dict(worker.JOBS, clear=True) as jobs:
        yield jobs


@pytest.fixture
def stopped():
    with clock.frozen(START) as stopped:
        yield stopped


@pytest.fixture
def session(engine, stopped):  # noqa: F811
    with Session(engine) as session:
        yield session


@contextmanager
def acting(_claim):
    yield OWNER


@pytest.fixture
def run(engine, session):  # noqa: F811
    """Put a job in, let a worker run whatever is due, and return the job."""
    ended = []
    wiring = Wiring(
        sessions=lambda: Session(engine),
        acting=acting,
        finished=lambda _session, claim, state: ended.append((claim.id, claim.done, state)),
        settings={"FOLDER": "x"},
    )

    def run(function=None, *, wiring=wiring, **options):
        if function:
            job("work")(function)
            queue.enqueue(session, "work", **options)
            session.commit()
        Worker(wiring).run(once=True)
        return look(session)

    run.wiring, run.ended = wiring, ended
    return run


def look(session):
    session.rollback()
    found = session.scalars(
        select(Job).order_by(Job.id.desc()).execution_options(populate_existing=True)
    ).first()
    session.expunge_all()
    session.rollback()
    return found


def leave_trace(session, number):
    session.execute(
        insert(Transition).values(flow="test", object_id=number, step="x", to_state="y", at=START)
    )


def traces(session):
    found = session.scalars(select(Transition.object_id).order_by(Transition.id)).all()
    session.rollback()
    return found


# How a job ends


def test_done_job_keeps_its_result_and_tells_its_owner(run, session):
    def work(ctx):
        leave_trace(ctx.session, ctx.args["unit"])
        ctx.result["rows"] = ctx.args["unit"] + 1
        assert ctx.settings["FOLDER"] == "x"
        assert ctx.actor is OWNER

    done = run(work, args={"unit": 3}, owner=OWNER)

    assert (done.state, done.result, done.error) == (JobState.DONE, {"rows": 4}, None)
    assert (done.finished_at, done.lease) == (START, None)
    assert traces(session) == [3]
    assert run.ended == [(done.id, 0, JobState.DONE)]
    (row,) = session.scalars(select(Audit)).all()
    assert (row.act, row.outcome, row.account_id) == ("job", "done", 7)
    assert (row.object_id, row.request_id) == (str(done.id), f"job-{done.id}-1")
    assert row.detail == {"name": "work", "state": "done", "done": 0}


def test_job_of_the_system_leaves_no_audit_row_of_its_own(run, session):
    run(lambda _ctx: None)

    assert session.scalars(select(Audit)).all() == []


def test_error_is_retried_with_growing_pauses_and_then_shown_without_its_text(
    run, session, stopped, caplog
):
    def work(ctx):
        leave_trace(ctx.session, 1)
        raise RuntimeError("INSERT INTO secret")

    pauses = []
    with caplog.at_level(logging.ERROR):
        failed = run(work, owner=OWNER)
        while failed.state == JobState.QUEUED:
            pauses.append((failed.run_at - clock.now()).total_seconds())
            stopped.move(seconds=pauses[-1])
            failed = run()

    assert pauses == [2, 4]
    assert (failed.state, failed.attempt, failed.finished_at) == (
        JobState.FAILED,
        3,
        clock.now(),
    )
    number = f"{failed.id}-3"
    words = gettext("The work failed. Please report this number: %(number)s", number=number)
    assert failed.error == words
    assert number in words
    assert traces(session) == []
    assert "INSERT INTO secret" in caplog.text
    assert run.ended == [(failed.id, 0, JobState.FAILED)]
    assert session.scalars(select(Audit)).one().outcome == "failed"


def test_retry_is_not_due_before_its_pause(run, stopped):
    calls = []

    def work(_ctx):
        calls.append(1)
        raise RuntimeError

    run(work)
    stopped.move(seconds=1.9)
    run()

    assert len(calls) == 1


def test_success_after_an_error_leaves_no_error(run, stopped):
    outcomes = [RuntimeError, None]

    def work(_ctx):
        if outcome := outcomes.pop(0):
            raise outcome

    assert run(work).error
    stopped.move(seconds=2)

    assert (run().state, run().error) == (JobState.DONE, None)


def test_refusal_is_final_and_says_why(run):
    def work(_ctx):
        raise Refused("The workbook has no rows.")

    failed = run(work)

    assert (failed.state, failed.attempt) == (JobState.FAILED, 1)
    assert failed.error == "The workbook has no rows."


def test_busy_database_is_tried_again(run):
    def work(_ctx):
        raise Busy

    assert run(work).state == JobState.QUEUED


def test_owner_who_may_not_act_any_more_ends_the_job(run):
    @contextmanager
    def nobody(_claim):
        raise Forbidden("Your assignment has ended.")
        yield

    wiring = Wiring(sessions=run.wiring.sessions, acting=nobody)
    failed = run(pytest.fail, wiring=wiring)

    assert (failed.state, failed.error) == (JobState.FAILED, "Your assignment has ended.")


def test_unknown_job_fails_and_the_worker_goes_on(run, session, stopped):
    queue.enqueue(session, "from-a-newer-release")
    session.commit()

    done = run(lambda _ctx: None)

    assert (done.name, done.state) == ("work", JobState.DONE)


# Steps


def test_step_writes_effect_and_progress_together(run, session):
    seen = []

    def work(ctx):
        for number in range(3):
            leave_trace(ctx.session, number)
            ctx.step(number + 1, 3)
            with Session(ctx.session.get_bind()) as other:
                row = other.execute(select(Job.done, Job.total)).one()
                effects = other.scalars(select(Transition.object_id)).all()
            seen.append((*row, len(effects)))

    done = run(work)

    assert seen == [(1, 3, 1), (2, 3, 2), (3, 3, 3)]
    assert (done.done, done.total) == (3, 3)
    assert run.ended == [(done.id, 3, JobState.DONE)]


def test_step_lets_other_writers_in(run, engine):  # noqa: F811
    pauses = []

    def work(ctx):
        ctx.step(1)
        ctx.step(2)

    with mock.patch.object(worker, "sleep", pauses.append):
        run(work)

    # PostgreSQL locks rows; SQLite has one lock, which waiting writers ask for now and then.
    wanted = [worker.BREATH.total_seconds()] * 2 if engine.dialect.name == "sqlite" else []
    assert pauses == wanted


def test_total_is_kept_when_a_step_does_not_name_it(run):
    def work(ctx):
        ctx.step(1, 9)
        ctx.step(2)

    assert run(work).total == 9


def test_failed_step_is_repeated_and_the_ones_before_are_not(run, session, stopped):
    failures = [RuntimeError]

    def work(ctx):
        for number in range(ctx.done, 3):
            leave_trace(ctx.session, number)
            if number == 1 and failures:
                raise failures.pop()
            ctx.step(number + 1)

    run(work)
    stopped.move(seconds=2)

    assert run().state == JobState.DONE
    assert traces(session) == [0, 1, 2]


def test_job_cancelled_while_it_runs_keeps_its_steps_and_ends(run, session):
    def work(ctx):
        leave_trace(ctx.session, 1)
        ctx.step(1)
        with Session(ctx.session.get_bind()) as other:
            queue.cancel(other, ctx.job.id)
            other.commit()
        leave_trace(ctx.session, 2)
        ctx.step(2)
        pytest.fail("a cancelled job goes on")

    cancelled = run(work)

    assert (cancelled.state, cancelled.done, cancelled.finished_at) == (
        JobState.CANCELLED,
        2,
        START,
    )
    assert traces(session) == [1, 2]
    assert run.ended == [(cancelled.id, 2, JobState.CANCELLED)]


def test_what_a_cancelled_job_did_not_commit_is_undone(run, session):
    def work(ctx):
        leave_trace(ctx.session, 1)
        raise Cancelled

    assert run(work).state == JobState.CANCELLED
    assert traces(session) == []


def test_job_cancelled_while_its_worker_was_lost_does_not_start_again(run, session, stopped):
    job("work")(pytest.fail)
    queue.enqueue(session, "work")
    queue.claim(session, worker="lost")
    session.execute(update(Job).values(cancel_requested=True))
    session.commit()
    stopped.move(minutes=2)

    assert run().state == JobState.CANCELLED


def test_job_whose_workers_were_lost_too_often_is_not_started_again(run, session, stopped):
    job("work")(pytest.fail)
    queue.enqueue(session, "work", max_attempts=1)
    lost = queue.claim(session, worker="lost")
    session.commit()
    stopped.move(minutes=2)

    failed = run()

    assert (failed.state, failed.attempt) == (JobState.FAILED, 2)
    assert failed.error == gettext("The work was interrupted too often. Please start it again.")
    assert run.ended == [(lost.id, 0, JobState.FAILED)]


def test_worker_that_lost_its_job_writes_nothing_more(run, session):
    def work(ctx):
        with Session(ctx.session.get_bind()) as other:
            other.execute(update(Job).values(worker="other", attempt=2))
            other.commit()
        leave_trace(ctx.session, 1)
        ctx.step(1)

    lost = run(work)

    assert (lost.state, lost.worker, lost.done) == (JobState.RUNNING, "other", 0)
    assert traces(session) == []
    assert run.ended == []


def test_worker_that_lost_its_job_does_not_end_it(run):
    def work(ctx):
        with Session(ctx.session.get_bind()) as other:
            other.execute(update(Job).values(worker="other"))
            other.commit()

    assert run(work).state == JobState.RUNNING


def test_stop_ends_after_the_step_and_does_not_count_as_an_attempt(engine, session):  # noqa: F811
    def work(ctx):
        leave_trace(ctx.session, 1)
        loop.stop(signal.SIGTERM, None)
        ctx.step(1, 2)
        pytest.fail("a stopped job goes on")

    loop = Worker(Wiring(sessions=lambda: Session(engine)))
    job("work")(work)
    queue.enqueue(session, "work")
    session.commit()

    assert loop.run() == 1

    back = look(session)
    assert (back.state, back.attempt, back.done, back.worker) == (JobState.QUEUED, 0, 1, None)
    assert traces(session) == [1]


def test_audit_rows_of_a_job_name_the_run(run, session):
    def work(ctx):
        audit.record(ctx.session, "change", actor=ctx.actor)

    done = run(work)

    assert session.scalars(select(Audit)).one().request_id == f"job-{done.id}-1"


# Heartbeat


def test_heartbeat_keeps_the_lease_of_a_long_batch(engine):  # noqa: F811
    leases = []

    def work(ctx):
        beaten = threading.Event()
        with mock.patch.object(queue, "beat", _noting(queue.beat, beaten)):
            assert beaten.wait(10)
        with Session(engine) as other:
            leases.append(other.scalar(select(Job.lease)))

    begun = clock.now()
    _run_alone(engine, work, lease=timedelta(seconds=0.3))

    assert leases[0] > begun + timedelta(seconds=0.3)


def test_heartbeat_survives_an_error_of_the_database_and_ends_when_the_job_is_lost(engine):  # noqa: F811
    calls = []

    def beat(_session, _claim, **_options):
        calls.append(1)
        if len(calls) < 3:
            raise OperationalError("beat", {}, Exception("locked"))
        raise queue.Lost

    def work(_ctx):
        for thread in threading.enumerate():
            if thread.name.startswith("heartbeat"):
                thread.join(10)

    with mock.patch.object(queue, "beat", beat):
        _run_alone(engine, work, lease=timedelta(seconds=0.06))

    assert len(calls) == 3
    assert not [each for each in threading.enumerate() if each.name.startswith("heartbeat")]


def _noting(function, happened):
    def noted(*args, **options):
        with Session(args[0].get_bind()):
            result = function(*args, **options)
        args[0].commit()
        happened.set()
        return result

    return noted


def _run_alone(engine, work, *, lease):  # noqa: F811
    job("work")(work)
    with Session(engine) as session:
        queue.enqueue(session, "work")
        session.commit()
    Worker(Wiring(sessions=lambda: Session(engine)), lease=lease).run(once=True)


# The loop


def test_worker_outlives_a_database_that_is_away(engine, session, caplog):  # noqa: F811
    opened = []

    def sessions():
        opened.append(1)
        if len(opened) == 1:
            raise OperationalError("connect", {}, Exception("refused"))
        return Session(engine)

    loop = Worker(Wiring(sessions=sessions))
    job("work")(lambda _ctx: loop.stop())
    queue.enqueue(session, "work")
    session.commit()

    with caplog.at_level(logging.ERROR), mock.patch.object(worker, "POLL", timedelta()):
        assert loop.run() == 1

    assert "queue cannot be read" in caplog.text


def test_end_that_cannot_be_written_leaves_the_job_to_its_lease(run, session, caplog):
    def work(ctx):
        ctx.session.execute(text("SELECT 1"))

    with mock.patch.object(queue, "put", side_effect=OperationalError("put", {}, Exception("x"))):
        left = run(work)

    assert left.state == JobState.RUNNING
    assert "cannot be written" in caplog.text


def test_idle_worker_polls(engine):  # noqa: F811
    loop = Worker(Wiring(sessions=lambda: Session(engine)))
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            loop.stop()

    with mock.patch.object(worker, "sleep", pause):
        assert loop.run() == 0

    assert pauses == [1.0, 1.0, 1.0]


def test_work_takes_its_wiring_from_the_application_and_stops_on_signals(engine, session):  # noqa: F811
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    entered = []

    @contextmanager
    def app_context():
        entered.append(1)
        yield

    def work(_ctx):
        signal.raise_signal(signal.SIGTERM)

    wiring = Wiring(sessions=lambda: Session(engine))
    app = SimpleNamespace(extensions={"jobs": wiring}, app_context=app_context)
    job("work")(work)
    queue.enqueue(session, "work")
    session.commit()
    try:
        assert worker.work(app) == 1
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

    assert entered == [1]


def test_worker_in_a_thread_leaves_the_signals_alone(engine, session):  # noqa: F811
    before = signal.getsignal(signal.SIGTERM)
    app = SimpleNamespace(
        extensions={"jobs": Wiring(sessions=lambda: Session(engine))}, app_context=nullcontext
    )
    job("work")(lambda _ctx: None)
    queue.enqueue(session, "work")
    session.commit()
    counts = []

    thread = threading.Thread(target=lambda: counts.append(worker.work(app, once=True)))
    thread.start()
    thread.join()

    assert counts == [1]
    assert signal.getsignal(signal.SIGTERM) is before


# Registry and timetable


def test_name_of_a_job_is_taken_once():
    job("work")(lambda _ctx: None)

    with pytest.raises(ValueError, match="already registered"):
        job("work")(lambda _ctx: None)


def names(session):
    found = session.execute(select(Job.name, Job.key, Job.run_at).order_by(Job.id)).all()
    session.rollback()
    return [tuple(each) for each in found]


def test_nightly_job_is_put_in_once_a_beijing_day_for_its_hour(session):
    job("nightly", nightly=time(2, 30))(lambda _ctx: None)
    job("manual")(lambda _ctx: None)

    with clock.frozen(date(2026, 9, 1)) as day:
        for _ in range(3):
            worker.tick(session)
            session.commit()
            day.move(hours=11)

    assert names(session) == [
        ("nightly", "nightly:2026-09-01", datetime(2026, 8, 31, 18, 30, tzinfo=UTC))
    ]
    with clock.frozen(date(2026, 9, 2)):
        worker.tick(session)
    assert names(session)[-1][1] == "nightly:2026-09-02"


def test_recurring_job_is_put_in_once_per_period(session, stopped):
    job("often", every=timedelta(minutes=5), max_attempts=1)(lambda _ctx: None)

    for _ in range(4):
        worker.tick(session)
        session.commit()
        stopped.move(minutes=2)

    assert [each[2] for each in names(session)] == [START, START + timedelta(minutes=6)]
    assert set(session.scalars(select(Job.max_attempts))) == {1}


def test_nightly_job_is_put_in_and_run_by_the_worker_itself(run, session, stopped):
    job("nightly", nightly=time(2, 0))(lambda _ctx: None)

    assert run().state == JobState.DONE
    assert run().key == "nightly:2026-09-01"
    assert len(names(session)) == 1


def test_timetable_is_looked_at_twice_a_minute(engine, session, stopped):  # noqa: F811
    loop = Worker(Wiring(sessions=lambda: Session(engine)))
    job("often", every=timedelta(seconds=1))(lambda _ctx: None)
    found = []
    for _ in range(3):
        loop.run(once=True)
        found.append(len(names(session)))
        stopped.move(seconds=15)

    assert found == [1, 1, 2]
