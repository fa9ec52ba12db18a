"""Rows that are refused: each problem by sheet, row and column, in words that help (C3)."""

from datetime import date

import pytest
from sqlalchemy import select

from app.access.actor import system
from app.demo import ids
from app.exchange.teacher_import import checking
from app.models.exchange import ImportRow
from app.models.history import Audit
from app.models.teacher import ReviewState
from tests.exchange.imports import (
    book_of,
    cell_of,
    contents_of,
    edited,
    existing,
    exported,
    one,
    people,
    put,
    sheet_of,
    snapshot,
)


@pytest.mark.parametrize(
    ("set_code", "key", "value", "words"),
    [
        ("basic", "basic.sex", "男人", "not in the list"),
        ("basic", "basic.birth_date", "1985-02-30", "not a day of the calendar"),
        ("basic", "basic.id_no", 110199198503150131, "digits may be lost"),
        ("basic", "basic.id_no", "11019919850315013", "length or format"),
        ("basic", "basic.staff_no", 42, "digits may be lost"),
        ("basic", "basic.name", "=A1&B1", "formula"),
        ("basic", "basic.former_name", "#N/A", "error such as"),
        ("basic", "basic.former_name", "长" * 51, "At most 50 characters"),
        ("basic", "basic.birth_date", "1985-03-16", "differs from the ID number"),
        ("basic", "basic.staff_status", "301", "Retired staff"),
        ("basic", "basic.staff_status", "201", "serving"),
        ("treatment", "treatment.annual_income", "很多", "number in digits"),
        ("learning", "learning.end", "1990-01", "after enrolment"),
        ("learning", "person.name", "别人", "another name"),
        ("learning", "person.id_no", "110199198503150X31", "has no file with this ID number"),
        ("learning", "person.teacher_no", "1234567890", "No file of your school"),
    ],
)
def test_a_wrong_cell_is_named(importing, set_code, key, value, words):
    birth = date(1985, 3, 15)
    number = ids.id_number(birth, "1", 3)
    sets = ("basic", "learning", "treatment")
    good = one(importing, birth_date=birth, sex="1", id_no=number, sets=sets)
    before = snapshot(importing.session)

    batch = importing.upload(edited(book_of(importing, [good]), put(set_code, key, value)))

    title = importing.catalog.set(set_code).name_zh
    found = [each for each in importing.errors(batch) if each[:2] == (title, 3)]
    assert any(words in each[3] for each in found), importing.errors(batch)
    place = next(each[2] for each in found if words in each[3])
    assert place.split(" ")[0].isupper()
    assert snapshot(importing.session) == before


def test_rows_keep_their_numbers_across_blank_rows(importing):
    good = people(importing.session, importing.school, 2)

    def spread(book):
        sheet = sheet_of(book, "appraisal")
        sheet.insert_rows(3, amount=60)
        cell_of(book, "appraisal", "appraisal.result", 63).value = "Z"

    batch = importing.upload(edited(book_of(importing, good), spread))

    title = importing.catalog.set("appraisal").name_zh
    assert [each[:2] for each in importing.errors(batch)] == [(title, 63)]
    assert batch.rows == sum(len(rows) for each in good for rows in each.values())


def test_a_cell_beside_the_template_is_named(importing):
    def note(book):
        sheet = sheet_of(book, "basic")
        sheet.cell(3, sheet.max_column + 3).value = "请核对"

    batch = importing.upload(edited(book_of(importing, [one(importing)]), note))

    assert "not in the template" in importing.errors(batch)[0][3]


def test_a_row_that_names_nobody_is_refused(importing):
    def forget(book):
        cell_of(book, "work", "person.id_no").value = None

    batch = importing.upload(edited(book_of(importing, [one(importing)]), forget))

    assert "names nobody" in importing.errors(batch)[0][3]


def test_a_person_without_file_and_basic_row_is_refused(importing):
    stranger = one(importing)

    batch = importing.upload(
        edited(book_of(importing, [stranger]), lambda book: sheet_of(book, "basic").delete_rows(3))
    )

    found = importing.errors(batch)
    assert len(found) == batch.rows
    assert all("has no file with this ID number" in each[3] for each in found)


def test_rows_hang_on_the_basic_row_of_a_new_person(importing):
    good, bad = people(importing.session, importing.school, 2)
    bad["basic"][0]["sex"] = None

    batch = importing.upload(book_of(importing, [good, bad]), take="good")

    found = importing.errors(batch)
    assert sum("Mend that row first" in each[3] for each in found) == batch.bad - 1
    importing.commit(batch)
    assert importing.teachers()[-1].name == good["basic"][0]["name"]
    assert batch.state == "done"


def test_a_row_without_its_key_is_refused(importing):
    def forget(book):
        cell_of(book, "appraisal", "appraisal.year").value = None

    batch = importing.upload(edited(book_of(importing, [one(importing)]), forget))

    assert "cannot be recognised" in importing.errors(batch)[0][3]


@pytest.mark.parametrize("set_code", ["basic", "contact", "appraisal", "work"])
def test_a_repeated_row_is_refused(importing, set_code):
    content = one(importing)
    content[set_code] = [*content[set_code], dict(content[set_code][0])]

    batch = importing.upload(book_of(importing, [content]))

    (found,) = [each for each in importing.errors(batch) if "Keep one" in each[3]]
    assert found[1] > 3
    assert "Row 3 " in found[3]


def test_an_id_number_of_the_own_school_with_a_closed_file_is_refused(importing):
    teacher = existing(importing, ReviewState.EFFECTIVE)
    number = contents_of(importing.session, teacher)["basic"][0]["id_no"]
    base = contents_of(importing.session, teacher)["basic"][0]
    teacher.active = False
    importing.session.flush()
    content = one(importing, id_no=number, birth_date=base["birth_date"], sex=base["sex"])

    batch = importing.upload(book_of(importing, [content]))

    assert "former employee" in str(importing.errors(batch))


def test_an_active_file_elsewhere_names_the_school_and_nothing_else(importing, world):
    other = world.teacher("B1", "effective")
    base = other.values["basic"]
    content = one(
        importing, id_no=other.id_no, birth_date=base["birth_date"], sex=base["sex"], name="测试"
    )
    before = snapshot(importing.session)

    batch = importing.upload(book_of(importing, [content]))

    said = str(importing.said(batch))
    assert world.units["B1"].name in said
    world.assert_no_leak(said, importing.actor)
    assert snapshot(importing.session) == before
    with system():
        seen = importing.session.scalars(select(Audit).where(Audit.act == "search_foreign")).all()
    assert [row.teacher_id for row in seen] == [other.id]


def test_more_foreign_numbers_than_a_day_allows_name_no_school(importing, world, monkeypatch):
    monkeypatch.setattr(checking, "left_today", lambda *_: 1)
    others = [world.teacher("B1", "effective", n) for n in (1, 2)]
    contents = [
        one(
            importing,
            id_no=each.id_no,
            birth_date=each.values["basic"]["birth_date"],
            sex=each.values["basic"]["sex"],
        )
        for each in others
    ]

    batch = importing.upload(book_of(importing, contents))

    said = str(importing.said(batch))
    assert said.count(world.units["B1"].name) == 1
    assert "another school" in said
    with system():
        acts = list(importing.session.scalars(select(Audit.act)))
    assert acts.count("search_foreign") == 1
    assert "alert" in acts


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (ReviewState.SCHOOL_CONFIRMED, "waits for the authority"),
        (ReviewState.EFFECTIVE, "addition or a change request"),
    ],
)
def test_a_locked_file_is_refused_with_the_way_out(importing, state, words):
    teacher = existing(importing, state)
    content = edited(exported(importing, teacher), put("basic", "basic.former_name", "别处"))

    batch = importing.upload(content)

    assert [words in each[3] for each in importing.errors(batch)] == [True]


def test_a_submitted_file_takes_only_what_the_school_fills_in(importing):
    teacher = existing(importing, ReviewState.SUBMITTED)

    def change(book):
        cell_of(book, "basic", "basic.former_name").value = "别处"
        cell_of(book, "appraisal", "appraisal.result").value = "1 优秀"

    batch = importing.upload(edited(exported(importing, teacher), change))

    assert (batch.bad, batch.updated) == (1, 1)


def test_what_does_not_apply_is_left_out_with_a_warning(importing):
    content = one(importing)
    content["basic"][0]["basic_service_start"] = "2010-07"

    batch = importing.run(book_of(importing, [content]))

    assert "does not apply" in str(importing.said(batch))
    stored = contents_of(importing.session, importing.teachers()[-1])["basic"][0]
    assert stored["basic_service_start"] is None


def test_findings_are_kept_in_both_languages(importing):
    batch = importing.upload(
        edited(book_of(importing, [one(importing)]), put("basic", "basic.birth_date", "1985-03-16"))
    )

    kept = importing.session.scalars(
        select(ImportRow.problems).where(
            ImportRow.batch_id == batch.id, ImportRow.outcome == "refused"
        )
    ).all()
    (found,) = [each for row in kept for each in row or () if each["code"] == "DQ005"]
    assert "出生日期" in found["zh"]
    assert "Birth date" in found["en"]
