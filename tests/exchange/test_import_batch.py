"""Imports from upload to history: who may, one at a time, preview, refused rows (C3, C5)."""

import io
from datetime import date

import openpyxl
import pytest
from sqlalchemy import func, select, text, update

from app.access.actor import acting_as
from app.core.errors import Forbidden, LimitReached, Malformed, NotFound, Refused, Stale
from app.exchange.teacher_import import batch as imports
from app.exchange.teacher_import import staging
from app.exchange.teacher_import.checking import check_batch
from app.exchange.teacher_import.commit import commit_batch
from app.exchange.teacher_import.preview import batch_findings, preview
from app.exchange.teacher_import.refused import refused_workbook
from app.models.exchange import ImportBatch, ImportRow
from app.models.job import JobState
from tests.exchange.hostile import PACKAGES, PARTS
from tests.exchange.imports import book_of, cell_of, edited, one, people, put, sheet_of, snapshot


def test_only_the_information_administrator_of_a_school_imports(importing, world):
    for role in ("school_head_A1", "district_info_A", "city_info", "school_system_A1"):
        with acting_as(world.actors[role]), pytest.raises(Forbidden):
            imports.stage(importing.session, world.actors[role], importing.storage, "a.xlsx", b"")


def test_unknown_modes_are_malformed(importing):
    for options in ({"mode": "delete"}, {"take": "some"}):
        with pytest.raises(Malformed):
            imports.stage(
                importing.session, importing.actor, importing.storage, "a", b"", **options
            )


def test_a_hostile_upload_leaves_neither_row_nor_file(importing):
    with pytest.raises(Refused):
        imports.stage(importing.session, importing.actor, importing.storage, "a.xlsx", b"PK")

    assert importing.session.scalar(select(func.count()).select_from(ImportBatch)) == 0
    assert not importing.storage.folder.exists()


def test_one_import_at_a_time(importing):
    content = book_of(importing, [one(importing)])
    imports.stage(importing.session, importing.actor, importing.storage, "a.xlsx", content)

    with pytest.raises(LimitReached):
        imports.stage(importing.session, importing.actor, importing.storage, "b.xlsx", content)


def test_another_school_does_not_see_the_import(importing, world):
    batch = importing.upload(book_of(importing, [one(importing)]))

    with acting_as(world.actors["school_info_A2"]), pytest.raises(NotFound):
        imports.find(importing.session, batch.uuid)
    assert imports.find(importing.session, batch.uuid) is batch


def test_a_discarded_import_leaves_nothing_behind(importing):
    batch = importing.upload(book_of(importing, [one(importing)]))
    name = batch.stored_name

    imports.discard(importing.session, importing.actor, batch, importing.storage)
    importing.session.commit()

    assert batch.state == "discarded"
    assert not importing.storage.has(name)
    assert importing.session.scalar(select(func.count()).select_from(ImportRow)) == 0
    with pytest.raises(Stale):
        importing.commit(batch)


def test_two_people_cannot_start_one_commit_twice(importing):
    batch = importing.upload(book_of(importing, [one(importing)]))
    stale = importing.session.scalars(select(ImportBatch)).one()
    importing.session.execute(
        update(ImportBatch).values(state="committing").execution_options(synchronize_session=False)
    )

    with pytest.raises(Stale):
        imports.start_commit(importing.session, importing.actor, stale)
    assert batch is stale


@pytest.mark.parametrize("end", [JobState.FAILED, JobState.CANCELLED])
def test_an_import_whose_worker_died_can_be_started_again_or_dropped(importing, end):
    batch = importing.upload(book_of(importing, [one(importing)]))
    imports.start_commit(importing.session, importing.actor, batch)
    assert imports.present_state(importing.session, batch) == "committing"

    importing.end_job(batch, end)

    assert imports.present_state(importing.session, batch) == "checked"
    importing.commit(batch)
    assert batch.state == "done"


def test_a_check_whose_worker_died_can_be_run_again(importing):
    content = book_of(importing, [one(importing)])
    batch = imports.stage(importing.session, importing.actor, importing.storage, "a.xlsx", content)
    importing.end_job(batch, JobState.FAILED)
    assert imports.present_state(importing.session, batch) == "failed"

    imports.check_again(importing.session, importing.actor, batch)
    check_batch(importing.session, importing.actor, batch, importing.storage, importing.progress)

    assert batch.state == "checked"
    assert batch.rows == importing.session.scalar(select(func.count()).select_from(ImportRow))


class _Stopped(Exception):
    """Stands for the end of a worker."""


def test_a_commit_broken_off_between_good_rows_is_stopped_and_goes_on(importing, monkeypatch):
    monkeypatch.setattr(staging, "PERSONS", 1)
    batch = importing.upload(
        book_of(importing, people(importing.session, importing.school, 2)), take="good"
    )
    imports.start_commit(importing.session, importing.actor, batch)

    def cancel_first(done, _total):
        importing.session.commit()
        if done == 1:
            raise _Stopped

    with pytest.raises(_Stopped):
        commit_batch(importing.session, importing.actor, batch, importing.storage, cancel_first)
    importing.end_job(batch, JobState.CANCELLED)

    assert imports.present_state(importing.session, batch) == "stopped"
    importing.commit(batch)
    assert batch.inserted == batch.rows


def test_nothing_staged_or_stored_holds_an_id_number_in_clear(importing):
    content = one(importing)
    content["contact"][0]["mobile"] = "16912345678"
    batch = importing.run(book_of(importing, [content]))

    secrets = [content["basic"][0]["id_no"], "16912345678"]
    for table in ("import_row", "import_batch", "job", "audit"):
        rows = importing.session.execute(text(f"SELECT * FROM {table}")).all()  # noqa: S608
        said = repr([tuple(bytes(v) if isinstance(v, memoryview) else v for v in r) for r in rows])
        assert not any(secret in said for secret in secrets), table
    stored = b"".join(importing.storage._path(batch.stored_name).read_bytes().splitlines())
    assert not any(secret.encode() in stored for secret in secrets)


def test_the_preview_masks_the_id_number(importing):
    content = one(importing)
    batch = importing.upload(book_of(importing, [content]))

    page = preview(importing.session, batch, importing.catalog, size=3)

    assert page.total == batch.rows
    assert len(page.rows) == 3
    first = page.rows[0]
    assert first.name == content["basic"][0]["name"]
    assert first.id_no == "*" * 14 + content["basic"][0]["id_no"][-4:]
    assert first.outcome == "inserted"


@pytest.mark.parametrize("wanted", ["inserted", "updated", "unchanged", "refused", "warned"])
def test_the_preview_filters_by_what_rows_do(importing, wanted):
    good, bad = people(importing.session, importing.school, 2)
    bad["basic"][0]["sex"] = None
    batch = importing.upload(book_of(importing, [good, bad]))

    page = preview(importing.session, batch, importing.catalog, kind=wanted, size=100)

    expected = {"inserted": batch.inserted, "refused": batch.bad}
    if wanted == "warned":
        assert {row.outcome for row in page.rows} == {"inserted"}
        assert all(row.findings for row in page.rows)
    else:
        assert page.total == expected.get(wanted, 0)
    with pytest.raises(Malformed):
        preview(importing.session, batch, importing.catalog, kind="x")


def test_sheets_are_counted_by_what_their_rows_do(importing):
    batch = importing.upload(book_of(importing, people(importing.session, importing.school, 2)))

    counts = imports.sheet_counts(importing.session, batch)

    assert counts[0].set == "basic"
    assert counts[0].inserted == 2
    assert sum(each.inserted for each in counts) == batch.rows


def test_refused_rows_come_back_mended_and_are_taken(importing):
    good, bad = people(importing.session, importing.school, 2)
    bad["basic"][0]["sex"] = None
    batch = importing.upload(book_of(importing, [good, bad]), take="good")

    content = refused_workbook(importing.session, batch, importing.storage, importing.catalog)

    def mend(book):
        sheet = sheet_of(book, "basic")
        assert sheet.cell(3, sheet.max_column).value
        assert sheet.max_row == 3
        cell_of(book, "basic", "basic.sex").value = "1" if bad_is_male else "2"

    bad_is_male = int(bad["basic"][0]["id_no"][16]) % 2 == 1
    importing.commit(batch)
    again = importing.run(edited(content, mend))
    assert importing.errors(again) == []
    assert importing.teachers()[-1].name == bad["basic"][0]["name"]


def test_dates_kept_as_numbers_are_readable_again(importing):

    batch = importing.upload(
        edited(
            book_of(importing, [one(importing)]),
            put("basic", "basic.birth_date", date(1985, 3, 16)),
        )
    )

    content = refused_workbook(importing.session, batch, importing.storage, importing.catalog)

    book = openpyxl.load_workbook(io.BytesIO(content))
    assert cell_of(book, "basic", "basic.birth_date").value == "1985-03-16"


def test_without_refused_rows_there_is_no_workbook(importing):
    batch = importing.upload(book_of(importing, [one(importing)]))

    with pytest.raises(NotFound):
        refused_workbook(importing.session, batch, importing.storage, importing.catalog)


def test_after_a_day_the_upload_is_gone_and_the_clerk_is_told(importing):
    bad = one(importing)
    bad["basic"][0]["sex"] = None
    batch = importing.upload(book_of(importing, [bad]))
    batch.stored_name = None
    importing.session.flush()

    with pytest.raises(Refused, match="deleted after a day"):
        refused_workbook(importing.session, batch, importing.storage, importing.catalog)


def test_no_hostile_workbook_writes_a_row(importing):
    before = snapshot(importing.session)

    for name, (make, _words) in {**PACKAGES, **PARTS}.items():
        try:
            batch = importing.upload(make())
        except Refused:
            importing.session.rollback()
        else:
            assert batch.state == "failed", name
            assert batch_findings(batch), name

    assert snapshot(importing.session) == before
    assert importing.session.scalar(select(func.count()).select_from(ImportRow)) == 0
