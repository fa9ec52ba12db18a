"""Rows that are taken: they open files, update, add, and repeat in peace (C4, S58)."""

from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from sqlalchemy import select

from app.access.actor import system
from app.core.errors import Refused
from app.demo import ids
from app.exchange.record_keys import RECORD_KEYS
from app.models.history import Audit
from app.models.record import TEACHER_SETS
from app.models.teacher import Contributor, NoneAnswer, ReviewState, Teacher
from app.services import identity, projection
from tests.exchange.imports import (
    book_of,
    by_form,
    cell_of,
    contents_of,
    edited,
    existing,
    exported,
    identity_of,
    one,
    people,
    snapshot,
)


def test_a_filled_template_opens_files(importing):
    wanted = people(importing.session, importing.school, 3, sets=())
    before = len(importing.teachers())

    batch = importing.run(book_of(importing, wanted))

    fresh = importing.teachers()[before:]
    assert [each.name for each in fresh] == [each["basic"][0]["name"] for each in wanted]
    assert {each.state for each in fresh} == {"draft"}
    assert all(each.complete_percent > 50 and each.pinyin for each in fresh)
    assert (batch.state, batch.bad, batch.inserted) == ("done", 0, batch.rows)
    assert batch.rows == sum(len(rows) for each in wanted for rows in each.values())


def test_the_same_teacher_by_form_or_workbook_gives_equal_rows(importing):
    birth = date(1985, 3, 15)
    number = ids.id_number(birth, "1", 1)
    first = one(importing, birth_date=birth, sex="1", id_no=number, sets=())
    second = {code: [dict(row) for row in rows] for code, rows in first.items()}
    second["basic"][0]["id_no"] = ids.id_number(birth, "1", 2)
    for content, number in ((first, 1), (second, 2)):
        content["contact"][0]["mobile"] = ids.mobile(9000 + number)
        content["qualification"][0]["cert_no"] = ids.certificate_number(2009, number)

    typed = by_form(importing, first)
    importing.run(book_of(importing, [second]))

    read = importing.teachers()[-1]
    ours, theirs = contents_of(importing.session, typed), contents_of(importing.session, read)
    for content in (ours, theirs):
        content["basic"][0].pop("id_no")
        content["contact"][0].pop("mobile")
        content["qualification"][0].pop("cert_no")
    assert theirs == ours
    columns = [*projection.LIST_COLUMNS, "birth_year", "complete_percent", "error_count", "pinyin"]
    assert {c: getattr(read, c) for c in columns} == {c: getattr(typed, c) for c in columns}


def test_whoever_imports_is_remembered_and_does_not_approve(importing):
    importing.run(book_of(importing, [one(importing)]))

    teacher = importing.teachers()[-1]
    key = (teacher.id, importing.actor.account_id)
    assert importing.session.get(Contributor, key) is not None
    record = importing.session.scalars(
        select(TEACHER_SETS["learning"]).where(TEACHER_SETS["learning"].teacher_id == teacher.id)
    ).one()
    assert record.entered_by == importing.actor.account_id


def test_every_touched_file_has_an_audit_row_without_values(importing):
    content = one(importing)
    importing.run(book_of(importing, [content]))

    teacher = importing.teachers()[-1]
    with system():
        rows = importing.session.scalars(
            select(Audit).where(Audit.teacher_id == teacher.id, Audit.act == "import")
        ).all()
    assert len(rows) == 1
    assert content["basic"][0]["id_no"] not in str(rows[0].detail)


@pytest.mark.parametrize("mode", ["insert", "update", "both"])
def test_repeating_an_import_changes_nothing(importing, mode):
    content = book_of(importing, people(importing.session, importing.school, 3))
    importing.run(content)
    before = snapshot(importing.session)

    again = importing.upload(content, mode=mode)

    assert (again.bad, again.inserted, again.updated) == (0, 0, 0)
    with pytest.raises(Refused, match="nothing to import"):
        importing.commit(again)
    assert snapshot(importing.session) == before


@pytest.mark.parametrize("state", list(ReviewState))
def test_exporting_a_file_and_importing_it_changes_nothing(importing, state):
    teacher = existing(importing, state)
    before = snapshot(importing.session)

    again = importing.upload(exported(importing, teacher))

    assert importing.errors(again) == []
    assert (again.bad, again.inserted, again.updated) == (0, 0, 0)
    assert again.unchanged == again.rows > 10
    assert snapshot(importing.session) == before


def test_awkward_texts_survive_export_and_import(importing):
    texts = ["=1+1", "'=1", "@x", "+86", "-5", "a\nb", "_x0041_", "＝x", "''-"]
    teacher = existing(
        importing,
        rows={
            "work": [{"org_name": text, "start": f"20{n:02d}-01"} for n, text in enumerate(texts)]
        },
    )

    again = importing.upload(exported(importing, teacher))

    assert again.updated == 0
    assert again.inserted == 0


def test_an_empty_cell_never_erases(importing):
    content = one(importing)
    importing.run(book_of(importing, [content]))
    teacher = importing.teachers()[-1]
    before = contents_of(importing.session, teacher)
    poorer = {
        code: [
            {k: v for k, v in row.items() if k in ("id_no", "name", *RECORD_KEYS.get(code, ()))}
            for row in rows
        ]
        for code, rows in content.items()
    }
    poorer["basic"][0]["former_name"] = "新教研室"

    batch = importing.run(book_of(importing, [poorer]))

    before["basic"][0]["former_name"] = "新教研室"
    assert contents_of(importing.session, teacher) == before
    assert (batch.updated, batch.inserted) == (1, 0)


def test_a_row_with_a_known_key_updates_and_another_one_is_added(importing):
    content = one(importing)
    importing.run(book_of(importing, [content]))
    teacher = importing.teachers()[-1]
    more = {"basic": content["basic"], "appraisal": [dict(content["appraisal"][0])] * 2}
    year = more["appraisal"][0]["year"]
    more["appraisal"] = [
        {**more["appraisal"][0], "result": "1"},
        {**more["appraisal"][0], "year": year - 1},
    ]

    batch = importing.run(book_of(importing, [more]))

    rows = contents_of(importing.session, teacher)["appraisal"]
    assert [(row["year"], row["result"]) for row in rows] == [
        (year, "1"),
        (year - 1, more["appraisal"][1]["result"]),
    ]
    assert (batch.inserted, batch.updated, batch.unchanged) == (1, 1, 1)


def test_records_with_one_key_are_told_apart_by_what_they_say(importing):
    rows = [
        {"name": "论文", "publish_ym": "2020-01", "journal": journal} for journal in ("甲", "乙")
    ]
    teacher = existing(importing, rows={"ach_paper": rows})

    again = importing.upload(exported(importing, teacher))

    assert (again.bad, again.updated, again.inserted) == (0, 0, 0)


def test_only_additions_leave_what_exists_as_it_is(importing):
    teacher = existing(importing)
    before = contents_of(importing.session, teacher)["basic"]
    content = edited(
        exported(importing, teacher),
        lambda book: cell_of(book, "basic", "basic.former_name").__setattr__("value", "别处"),
    )

    batch = importing.upload(content, mode="insert")

    assert batch.bad == batch.updated == 0
    assert "left as it is" in str(importing.said(batch))
    assert contents_of(importing.session, teacher)["basic"] == before


def test_only_updates_refuse_what_does_not_exist(importing):
    teacher = existing(importing)
    paper = {"name": "论文", "publish_ym": "2020-01"}
    content = {"basic": [identity_of(importing.session, teacher)], "ach_paper": [paper]}
    stranger = one(importing)

    batch = importing.upload(book_of(importing, [content, stranger]), mode="update")

    found = importing.errors(batch)
    assert any("no such record" in words for *_, words in found)
    assert any("no file of this person to update" in words for *_, words in found)
    assert batch.inserted == 0


def test_a_row_may_name_its_person_by_the_teacher_number(importing):
    teacher = existing(importing, ReviewState.EFFECTIVE)

    def mask(book):
        for sheet in book:
            for row in sheet.iter_rows(min_row=3):
                for cell in row:
                    key = sheet.cell(2, cell.column).value
                    if key in ("person.id_no", "basic.id_no"):
                        cell.value = "**************0131"

    again = importing.upload(edited(exported(importing, teacher), mask))

    assert importing.errors(again) == []
    assert again.unchanged == again.rows


def test_days_kept_as_numbers_are_days_in_either_calendar(importing):
    content = one(
        importing,
        birth_date=date(1985, 3, 15),
        sex="1",
        id_no=ids.id_number(date(1985, 3, 15), "1", 7),
    )

    def use_1904(book):
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
        cell_of(book, "basic", "basic.birth_date").value = date(1985, 3, 15)

    importing.run(edited(book_of(importing, [content]), use_1904))

    teacher = importing.teachers()[-1]
    assert contents_of(importing.session, teacher)["basic"][0]["birth_date"] == date(1985, 3, 15)


def test_control_characters_are_never_stored(importing):
    content = one(importing)
    workbook = edited(
        book_of(importing, [content]),
        lambda book: cell_of(book, "basic", "basic.former_name").__setattr__(
            "value", "教_x0007_研_x000B__x0000_室"
        ),
    )

    importing.run(workbook)

    teacher = importing.teachers()[-1]
    assert contents_of(importing.session, teacher)["basic"][0]["former_name"] == "教研室"


def test_none_to_report_gives_way_to_records(importing):
    teacher = existing(importing)
    paper = {"name": "论文", "publish_ym": "2020-01"}
    assert importing.session.get(NoneAnswer, (teacher.id, "ach_paper")) is not None
    content = {"basic": [identity_of(importing.session, teacher)], "ach_paper": [paper]}

    importing.run(book_of(importing, [content]))

    importing.session.expire_all()
    assert importing.session.get(NoneAnswer, (teacher.id, "ach_paper")) is None
    assert importing.session.get(NoneAnswer, (teacher.id, "ach_book")) is None


def test_money_is_read_to_the_cent(importing):
    content = one(importing, sets=("basic", "treatment"))
    content["treatment"][0]["annual_income"] = Decimal("120000.50")

    importing.run(book_of(importing, [content]))

    stored = contents_of(importing.session, importing.teachers()[-1])["treatment"][0]
    assert stored["annual_income"] == Decimal("120000.50")


def test_sealed_columns_are_sealed_and_searchable(importing):
    content = one(importing)
    importing.run(book_of(importing, [content]))

    teacher = importing.teachers()[-1]
    found = importing.session.scalars(
        select(Teacher).where(Teacher.id_no_index == teacher.id_no_index)
    ).one()
    assert found is teacher
    assert identity.sealed_id(importing.session, teacher).id_no is not None
