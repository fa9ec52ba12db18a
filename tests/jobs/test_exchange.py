"""Imports and exports by real workers: killed at any point they leave all or nothing (REL-08)."""

import os
import signal
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import event, func, select, update
from sqlalchemy.orm import Session

from app.access.actor import acting_as, system
from app.core import clock
from app.exchange import export
from app.exchange.export import EXPORTS, ExportPlan, Listing
from app.exchange.teacher_import import batch as imports
from app.exchange.teacher_import import commit, staging
from app.extensions import db
from app.jobs.exchange import remove_exchanged
from app.jobs.worker import EXTENSION, Worker
from app.models.exchange import ExportFile, ImportBatch, ImportRow
from app.models.job import Job, JobState
from app.models.teacher import ReviewState, Teacher
from app.services import job as queue
from app.services.storage import Storage
from tests.exchange.imports import (
    Importing,
    book_of,
    edited,
    existing,
    exported,
    people,
    put,
    snapshot,
)

SETS = ("basic", "work", "appraisal")
POINTS = 10


@pytest.fixture
def school(live_app, world):
    """School A1 imports on a database of its own."""
    with live_app.app_context(), acting_as(world.actors["school_info_A1"]):
        storage = Storage.of(live_app.config)
        yield Importing(db.session(), world.actors["school_info_A1"], storage)


def worker(app):
    return Worker(app.extensions[EXTENSION])


def work(app, school):
    """Do what is due, as a worker of the application."""
    school.session.rollback()
    count = worker(app).run(once=True)
    school.session.expire_all()
    return count


def upload(app, school, content, **options):
    batch = imports.stage(
        school.session, school.actor, school.storage, "教师.xlsx", content, **options
    )
    school.session.commit()
    work(app, school)
    return batch


def start_commit(school, batch):
    imports.start_commit(school.session, school.actor, batch)
    school.session.commit()


def job_of(school, batch):
    return school.session.get_one(Job, batch.job_id, populate_existing=True)


def test_an_import_runs_from_upload_to_undo(live_app, school):
    before = snapshot(school.session)
    wanted = people(school.session, school.school, 3, sets=SETS)

    batch = upload(live_app, school, book_of(school, wanted))
    assert (batch.state, batch.bad) == ("checked", 0)
    start_commit(school, batch)
    work(live_app, school)
    assert batch.state == "done"
    assert job_of(school, batch).done == 3
    names = [each.name for each in school.teachers()[-3:]]
    assert names == [content["basic"][0]["name"] for content in wanted]

    imports.start_undo(school.session, school.actor, batch)
    school.session.commit()
    work(live_app, school)
    assert batch.state == "undone"
    assert snapshot(school.session) == before


def test_a_workbook_that_does_not_fit_ends_its_check_without_rows(live_app, school):
    batch = upload(live_app, school, edited(book_of(school, []), put("work", "work.start", "x", 1)))

    assert batch.state == "failed"
    assert job_of(school, batch).state == JobState.DONE
    assert batch.problems


def test_a_file_that_moved_since_the_check_stops_all_and_shows_why(live_app, school):
    teacher = existing(school)
    school.session.commit()
    batch = upload(
        live_app,
        school,
        edited(exported(school, teacher), put("basic", "basic.former_name", "别处")),
    )
    teacher.state = ReviewState.SCHOOL_CONFIRMED
    start_commit(school, batch)
    before = snapshot(school.session)

    work(live_app, school)

    assert snapshot(school.session) == before
    assert job_of(school, batch).state == JobState.FAILED
    assert (imports.present_state(school.session, batch), batch.bad) == ("checked", 1)


def test_a_cancelled_import_of_good_rows_keeps_whole_batches_and_goes_on(
    live_app, school, monkeypatch
):
    monkeypatch.setattr(staging, "PERSONS", 1)
    before = len(school.teachers())
    content = book_of(school, people(school.session, school.school, 3, sets=SETS))
    batch = upload(live_app, school, content, take="good")
    start_commit(school, batch)
    step = queue.put

    def cancel_at_one(session, job, **values):
        step(session, job, **values)
        return values.get("done") == 1

    with monkeypatch.context() as patch:
        patch.setattr(queue, "put", cancel_at_one)
        work(live_app, school)

    assert job_of(school, batch).state == JobState.CANCELLED
    assert imports.present_state(school.session, batch) == "stopped"
    assert len(school.teachers()) == before + 1
    start_commit(school, batch)
    work(live_app, school)
    assert (batch.state, batch.inserted) == ("done", batch.rows)
    assert len(school.teachers()) == before + 3


@pytest.mark.postgres
def test_all_or_nothing_shows_progress_and_a_cancellation_leaves_nothing(
    live_app, school, monkeypatch
):
    monkeypatch.setattr(staging, "PERSONS", 1)
    content = book_of(school, people(school.session, school.school, 4, sets=SETS))
    batch = upload(live_app, school, content, take="all")
    start_commit(school, batch)
    before = snapshot(school.session)
    carry_out, seen = commit._Commit.carry_out, []

    def look(self, part):
        with Session(db.engine) as other:
            job = other.get_one(Job, self.batch.job_id)
            seen.append(job.done)
            job.cancel_requested = len(seen) == 3
            other.commit()
        carry_out(self, part)

    monkeypatch.setattr(commit._Commit, "carry_out", look)
    work(live_app, school)

    assert seen == [0, 1, 2]
    assert job_of(school, batch).state == JobState.CANCELLED
    assert imports.present_state(school.session, batch) == "checked"
    assert snapshot(school.session) == before


@pytest.mark.wide
@pytest.mark.parametrize("take", ["all", "good"])
def test_killed_at_ten_points_it_leaves_all_or_nothing_and_another_worker_goes_on(
    live_app, school, monkeypatch, tmp_path, take
):
    monkeypatch.setattr(staging, "PERSONS", 2)
    wanted = people(school.session, school.school, 5, sets=SETS)
    names = [content["basic"][0]["name"] for content in wanted]
    content = book_of(school, wanted)
    start, before = snapshot(school.session), len(school.teachers())
    probe = tmp_path / "count"
    total = None
    for point in range(POINTS + 1):
        batch = upload(live_app, school, content, take=take)
        start_commit(school, batch)
        # A run may need a statement or two less than the one that was counted.
        at = None if total is None else 1 + (total - 8) * (point - 1) // (POINTS - 1)

        batch_id = batch.id
        status = _work_in_child(live_app, school, at, probe)
        batch = school.session.get_one(ImportBatch, batch_id)
        fresh = len(school.teachers()) - before
        if total is None:
            assert status == 0
            total = int(probe.read_text(encoding="ascii"))
        else:
            assert os.WTERMSIG(status) == signal.SIGKILL
            assert fresh in ((0, 5) if take == "all" else (0, 2, 4, 5))
            if fresh == 0:
                assert snapshot(school.session) == start
            _let_lease_run_out(school, batch)
            work(live_app, school)

        school.session.expire_all()
        assert batch.state == "done"
        assert [each.name for each in school.teachers()[before:]] == names
        assert batch.inserted == batch.rows
        imports.start_undo(school.session, school.actor, batch)
        school.session.commit()
        work(live_app, school)
        assert snapshot(school.session) == start


def _work_in_child(app, school, at, probe):
    """Work in a process of its own that kills itself at a statement; return how it ended."""
    school.session.rollback()
    db.session.remove()
    child = os.fork()
    if child == 0:
        try:
            db.engine.dispose(close=False)
            with _killed(at, probe):
                worker(app).run(once=True)
            os._exit(0)
        finally:
            os._exit(3)
    _pid, status = os.waitpid(child, 0)
    school.session = db.session()
    return status


@contextmanager
def _killed(at, probe):
    count = 0

    def note(*_):
        nonlocal count
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(db.engine, "before_cursor_execute", note)
    yield
    probe.write_text(str(count), encoding="ascii")


def _let_lease_run_out(school, batch):
    school.session.execute(
        update(Job)
        .where(Job.id == batch.job_id)
        .values(lease=clock.now() - timedelta(seconds=1))
        .execution_options(synchronize_session=False)
    )
    school.session.commit()


def test_a_large_export_is_written_by_a_worker_under_its_owners_scope(live_app, school):
    def names(session, actor, _query, _columns):
        found = session.scalars(select(Teacher.name).order_by(Teacher.id)).all()
        assert actor == school.actor
        return Listing(["姓名"], [[name] for name in found], len(found))

    EXPORTS["names"] = names
    try:
        begun = export.begin(
            school.session, school.actor, ExportPlan("names"), "核对", direct_rows=1
        )
        school.session.commit()
        work(live_app, school)
    finally:
        del EXPORTS["names"]

    found = school.session.get_one(ExportFile, begun.export.id)
    assert found.rows == len(school.teachers())
    download = export.take(school.session, school.actor, found.uuid, school.storage)
    school.session.commit()
    assert b"".join(download.pieces)[:2] == b"PK"
    assert not school.storage.has(found.stored_name or "0" * 32)


def test_after_a_day_uploads_staged_values_and_exports_are_gone(live_app, school):
    wanted = people(school.session, school.school, 2, sets=SETS)
    waiting = upload(live_app, school, book_of(school, wanted[:1]))
    taken = upload(live_app, school, book_of(school, wanted[1:]))
    start_commit(school, taken)
    work(live_app, school)
    names = [waiting.stored_name, taken.stored_name]
    with clock.frozen(clock.now() + timedelta(hours=25)), system():
        context = SimpleNamespace(
            session=school.session,
            settings=live_app.config,
            step=lambda *_: school.session.commit(),
        )

        remove_exchanged(context)

    school.session.expire_all()
    assert (waiting.state, taken.state) == ("discarded", "done")
    assert not any(school.storage.has(name) for name in names)
    rows = select(func.count()).select_from(ImportRow)
    assert school.session.scalar(rows.where(ImportRow.batch_id == waiting.id)) == 0
    assert school.session.scalar(rows.where(ImportRow.values.is_not(None))) == 0
    assert school.session.scalar(rows.where(ImportRow.before.is_not(None))) == taken.rows


def test_the_storage_of_the_settings_is_where_files_lie(live_app):
    assert Storage.of(live_app.config).folder == Path(live_app.config["STORAGE_DIR"])


def test_batches_of_one_school_are_listed_newest_first(live_app, school):
    wanted = people(school.session, school.school, 2, sets=("basic",))
    first = upload(live_app, school, book_of(school, wanted[:1]))
    second = upload(live_app, school, book_of(school, wanted[1:]))

    listed = school.session.scalars(imports.batches()).all()

    assert [each.id for each in listed] == [second.id, first.id]
    assert isinstance(listed[0], ImportBatch)
