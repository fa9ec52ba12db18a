"""Exports: nothing in them acts, everybody needs right, purpose and, for much, an approval."""

import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from types import SimpleNamespace

import openpyxl
import pytest
from flask_babel import force_locale
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.core import clock
from app.core.errors import Forbidden, LimitReached, Malformed, NotFound, Refused, Stale
from app.exchange import export
from app.exchange.export import EXPORTS, ExportPlan, Listing
from app.exchange.file_export import plan_of
from app.exchange.table import csv_pieces, write_workbook
from app.models.exchange import ExportFile
from app.models.history import Audit
from app.models.job import Job, JobState
from app.models.notice import Notice
from app.services import export_right
from app.services.storage import Storage

PREFIXES = list("=+-@\t\r\n\0＝＋－＠")


@pytest.fixture
def source():
    """A list of any length, registered for the test."""
    made = SimpleNamespace(rows=3, sensitive=False, seen=[])

    def run(_session, actor, query, columns):
        made.seen.append((actor.account_id, query, tuple(columns)))
        rows = ([f"第{n}人", n] for n in range(made.rows))
        return Listing(["姓名", "序号"], rows, made.rows, sensitive=made.sensitive)

    EXPORTS["test"] = run
    yield made
    del EXPORTS["test"]


@pytest.fixture
def me(world):
    with acting_as(world.actors["school_info_A1"]), force_locale("en"):
        yield world.actors["school_info_A1"]


@pytest.fixture
def storage(tmp_path):
    return Storage(tmp_path / "files")


PLAN = ExportPlan("test", "q=张", ("name", "n"), "名单")


def begin(session, actor, plan=PLAN, purpose="核对名单", **options):
    return export.begin(session, actor, plan, purpose, **options)


def write(session, actor, found, storage):
    export.write_file(session, actor, found, storage, lambda *_: None)
    if found.job_id:
        job = session.get_one(Job, found.job_id)
        job.state, job.finished_at = JobState.DONE, clock.now()
    session.flush()


def csv_text(*arguments, **options):
    return b"".join(csv_pieces(*arguments, **options)).decode("utf-8")


@pytest.mark.parametrize("start", PREFIXES)
def test_csv_text_that_looks_like_a_formula_is_escaped(start):
    text = csv_text(["列"], [[f"{start}cmd|'/c calc'!A1"]])

    assert f"'{start}" in text


def test_csv_begins_with_its_mark_and_the_line_of_who_and_why():
    rows = [["张三", 5], [None, Decimal("-2.50")]]

    lines = csv_text(["姓名", "数"], rows, notice="导出人").split("\r\n")

    assert lines == ["\ufeff导出人", "姓名,数", "张三,5", ",-2.50", ""]


def test_csv_is_written_while_the_rows_are_read():
    read = count()
    rows = ([next(read)] for _ in range(5000))

    pieces = csv_pieces(["n"], rows)

    next(pieces)
    assert next(read) < 1000


@pytest.mark.parametrize("start", [*PREFIXES, "http://", "<b>"])
def test_workbook_texts_are_text_cells_whatever_they_begin_with(start):
    out = io.BytesIO()
    text = f"{start}1+1"

    write_workbook(out, ["=列"], [[text]], notice="=说明")

    sheet = openpyxl.load_workbook(io.BytesIO(out.getvalue())).active
    assert {cell.data_type for row in sheet for cell in row} == {"s"}
    assert all(cell.quotePrefix for row in sheet for cell in row if cell.value)
    assert sheet["A3"].value.endswith(text[1:])
    assert sheet["A3"].hyperlink is None


def test_workbook_numbers_are_numbers_and_days_are_texts_people_read():
    out = io.BytesIO()
    row = [1, Decimal("2.50"), date(2026, 9, 1), datetime(2026, 9, 1, 0, 0, tzinfo=UTC), None, True]

    assert write_workbook(out, ["a"] * 6, [row]) == 1

    sheet = openpyxl.load_workbook(io.BytesIO(out.getvalue())).active
    assert [cell.value for cell in sheet[2]][:5] == [1, 2.5, "2026-09-01", "2026-09-01 08:00", None]


def test_a_workbook_whose_rows_break_off_leaves_no_part_behind(tmp_path):
    def broken():
        yield ["张三"]
        raise RuntimeError("the rows broke off")

    with pytest.raises(RuntimeError, match="the rows broke off"):
        write_workbook(io.BytesIO(), ["姓名"], broken(), folder=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_small_export_goes_out_at_once_with_a_visible_line(session, me, source):
    begun = begin(session, me)
    response = export.send(begun)

    assert begun.job is None
    assert not begun.waits
    sheet = openpyxl.load_workbook(io.BytesIO(response.get_data())).active
    first = sheet["A1"].value
    for part in (me.name, me.unit_name, "核对名单", "3 rows"):
        assert part in first
    assert [cell.value for cell in sheet[3]] == ["第0人", 0]
    assert source.seen == [(me.account_id, "q=张", ("name", "n"))]


def test_a_csv_export_is_streamed_whatever_its_length(session, me, source):
    source.rows = 20

    begun = begin(session, me, ExportPlan("test", format="csv"), direct_rows=10)

    assert begun.job is None
    body = export.send(begun).get_data().decode()
    assert body.count("\r\n") == 22


def test_the_audit_row_holds_filter_columns_and_count_and_no_values(session, me, source):
    begin(session, me)

    with system():
        (row,) = session.scalars(select(Audit).where(Audit.act == "export"))
    assert row.reason == "核对名单"
    assert row.detail["query"] == "q=张"
    assert row.detail["columns"] == ["name", "n"]
    assert row.detail["count"] == 3
    assert "第0人" not in str(row.detail)


def test_a_large_export_is_a_job_whose_file_comes_once_to_its_owner(
    session, me, source, storage, world
):
    source.rows = 12
    begun = begin(session, me, direct_rows=10)
    assert begun.job is not None
    assert begun.listing is None

    write(session, me, begun.export, storage)
    stored = begun.export.stored_name
    with acting_as(world.actors["school_head_A1"]), pytest.raises(NotFound):
        export.take(session, world.actors["school_head_A1"], begun.export.uuid, storage)
    download = export.take(session, me, begun.export.uuid, storage)
    session.commit()

    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(download.pieces))).active
    assert sheet.max_row == 14
    assert download.file_name == "名单.xlsx"
    assert not storage.has(stored)
    with pytest.raises(NotFound):
        export.take(session, me, begun.export.uuid, storage)
    events = session.scalars(select(Notice.event).where(Notice.account_id == me.account_id)).all()
    assert events == ["export_ready"]


def test_the_file_of_a_job_is_sealed_on_the_disk(session, me, source, storage):
    source.rows = 12
    begun = begin(session, me, direct_rows=10)

    write(session, me, begun.export, storage)

    (path,) = [path for path in storage.folder.rglob("*") if path.is_file()]
    assert not path.read_bytes().startswith(b"PK")


def test_after_its_hours_the_link_is_gone(session, me, source, storage):
    source.rows = 12
    with clock.frozen(datetime(2026, 9, 1, 8, tzinfo=UTC)) as time:
        begun = begin(session, me, direct_rows=10)
        write(session, me, begun.export, storage)
        time.move(hours=24, seconds=1)

        with pytest.raises(NotFound):
            export.take(session, me, begun.export.uuid, storage)


def test_one_export_at_a_time(session, me, source):
    source.rows = 12
    begin(session, me, direct_rows=10)

    with pytest.raises(LimitReached):
        begin(session, me)


@pytest.mark.parametrize("role", ["city_audit", "city_system", "school_system_A1", "teacher_A1"])
def test_export_needs_its_own_permission(session, world, source, role):
    actor = world.actors[role]

    with acting_as(actor), pytest.raises(Forbidden):
        begin(session, actor)
    assert source.seen == []


@pytest.mark.parametrize("purpose", ["", "  ", "x", "长" * 201])
def test_export_needs_a_purpose(session, me, source, purpose):
    with pytest.raises(Forbidden) as refusal:
        begin(session, me, purpose=purpose)

    assert refusal.value.problems[0].field == "purpose"


@pytest.mark.parametrize("plan", [ExportPlan("nobody"), ExportPlan("test", format="docx")])
def test_unknown_lists_and_formats_are_malformed(session, me, source, plan):
    with pytest.raises(Malformed):
        begin(session, me, plan)


def test_more_than_1000_sensitive_rows_wait_for_another_person(session, me, source, storage, world):
    source.rows, source.sensitive = 1001, True

    begun = begin(session, me)

    assert begun.waits
    assert begun.listing is begun.job is None
    with pytest.raises(NotFound):
        export.send(begun)
    with pytest.raises(Forbidden):
        export.take(session, me, begun.export.uuid, storage)
    with pytest.raises(Forbidden):
        export.write_file(session, me, begun.export, storage, lambda *_: None)


def test_slices_count_together_over_24_hours(session, me, source):
    source.rows, source.sensitive = 600, True
    with clock.frozen(datetime(2026, 9, 1, 8, tzinfo=UTC)) as time:
        assert not begin(session, me).waits
        time.move(hours=1)
        assert begin(session, me).waits
        time.move(hours=24)
        assert not begin(session, me).waits


def test_rows_without_sensitive_columns_need_no_approval(session, me, source):
    source.rows = 5000

    assert not begin(session, me).waits


def test_an_approved_export_is_written_for_the_one_who_asked(session, me, source, storage, world):
    source.rows, source.sensitive = 1001, True
    begun = begin(session, me)
    head = world.actors["school_head_A1"]
    with system():
        told = set(
            session.scalars(select(Notice.account_id).where(Notice.event == "export_to_approve"))
        )
    assert head.account_id in told
    assert me.account_id not in told

    with acting_as(head):
        assert [each.uuid for each in export_right.waiting(session, head)] == [begun.export.uuid]
        export.decide(session, head, begun.export.uuid, approved=True)

    job = session.get_one(Job, begun.export.job_id)
    assert (job.account_id, job.assignment_id) == (me.account_id, me.assignment_id)
    write(session, me, begun.export, storage)
    assert b"".join(export.take(session, me, begun.export.uuid, storage).pieces)[:2] == b"PK"
    assert begun.export.approved_by == head.account_id


def test_a_rejected_export_is_never_written(session, me, source, storage, world):
    source.rows, source.sensitive = 1001, True
    begun = begin(session, me)
    head = world.actors["school_head_A1"]

    with acting_as(head):
        export.decide(session, head, begun.export.uuid, approved=False)
        with pytest.raises(Stale):
            export.decide(session, head, begun.export.uuid, approved=True)

    with pytest.raises(Forbidden):
        export.take(session, me, begun.export.uuid, storage)
    assert begun.export.job_id is None


@pytest.mark.parametrize(
    "role", ["school_info_A1", "school_head_A2", "district_info_B", "city_audit"]
)
def test_nobody_approves_their_own_export_or_that_of_strangers(session, me, source, world, role):
    source.rows, source.sensitive = 1001, True
    begun = begin(session, me)
    actor = world.actors[role]

    with acting_as(actor):
        assert export_right.waiting(session, actor) == []
        with pytest.raises(NotFound):
            export.decide(session, actor, begun.export.uuid, approved=True)


def test_the_authority_above_may_approve(session, me, source, world):
    source.rows, source.sensitive = 1001, True
    begun = begin(session, me)
    district = world.actors["district_info_A"]

    with acting_as(district):
        found = export.decide(session, district, begun.export.uuid, approved=True)

    assert found.approval == "approved"


def ids_of(world, school, *states):
    return [each.id for each in world.of(school) if not states or each.state in states]


def test_files_are_exported_whole_within_the_scope(session, me, world):
    own, foreign = ids_of(world, "A1"), ids_of(world, "B1")

    begun = begin(session, me, plan_of([*own, *foreign]))

    assert begun.export.rows == len(own)
    assert begun.export.sensitive == 1
    response = export.send(begun)
    whole = [item.key for item in world.catalog.by_key.values()]
    world.assert_no_leak(response, me, whole=whole)
    book = openpyxl.load_workbook(io.BytesIO(response.get_data()))
    sheet = book[world.catalog.set("basic").name_zh]
    assert sheet.max_row == 3 + len(own)
    assert me.name in sheet["A1"].value


def test_an_inspector_gets_masks_and_no_pay(session, world):
    actor = world.actors["city_assistant"]
    with acting_as(actor), force_locale("en"):
        begun = begin(session, actor, plan_of(ids_of(world, "A1")))
        response = export.send(begun)

    world.assert_no_leak(response, actor)
    book = openpyxl.load_workbook(io.BytesIO(response.get_data()))
    assert world.catalog.set("treatment").name_zh not in book.sheetnames


def test_files_of_foreign_schools_do_not_exist(session, me, world):
    with pytest.raises(NotFound):
        begin(session, me, plan_of(ids_of(world, "B1")))


def test_files_of_two_categories_do_not_fit_one_form(session, world):
    actor = world.actors["city_info"]
    with acting_as(actor), pytest.raises(Refused):
        begin(session, actor, plan_of([*ids_of(world, "A1"), *ids_of(world, "U")]))


@pytest.mark.parametrize("text", ["x", "9" * 30, "9" * 5000], ids=["letter", "large", "huge"])
def test_ids_that_are_none_are_malformed(session, me, text):
    with pytest.raises(Malformed):
        begin(session, me, ExportPlan("files", f"1,{text}"))


def test_two_sources_cannot_share_a_name(source):
    with pytest.raises(ValueError, match="already"):
        export.export_source("test")(lambda *_: None)


def test_a_plan_survives_its_way_through_the_queue():
    assert ExportPlan.of(PLAN.as_request()) == PLAN


def test_records_of_exports_are_their_owners(session, me, source, world):
    begin(session, me)

    with acting_as(world.actors["school_head_A1"]):
        assert session.scalars(select(ExportFile)).all() == []
    assert timedelta(hours=23) < session.scalars(select(ExportFile)).one().expires_at - clock.now()
