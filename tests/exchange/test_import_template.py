"""Workbooks that do not fit the template are refused, and what does not fit is named (C2)."""

import io

import openpyxl
import pytest
from sqlalchemy import func, select

from app.exchange.teacher_import import reading
from app.exchange.teacher_import.preview import batch_findings
from app.models.exchange import ImportRow
from tests.exchange.imports import book_of, cell_of, edited, filled, one, people, sheet_of


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda book: setattr(sheet_of(book, "basic")["A1"], "value", "名字"), "heading should be"),
        (lambda book: sheet_of(book, "work").delete_rows(2), "hidden row of codes is missing"),
        (lambda book: setattr(sheet_of(book, "work")["D2"], "value", "work.nothing"), "unknown"),
        (lambda book: setattr(sheet_of(book, "work")["E2"], "value", "work.org_name"), "twice"),
        (
            lambda book: setattr(sheet_of(book, "basic")["A2"], "value", "basic.teacher_no"),
            "worked out by the system",
        ),
        (
            lambda book: setattr(sheet_of(book, "basic")["A2"], "value", "basic.academic_kinship"),
            "does not collect",
        ),
        (
            lambda book: setattr(sheet_of(book, "work")["D2"], "value", "post.start"),
            "several sheets",
        ),
        (lambda book: sheet_of(book, "work").delete_cols(1, 3), "ID number is missing"),
    ],
)
def test_a_sheet_that_does_not_fit_is_named(importing, edit, words):
    batch = importing.upload(edited(book_of(importing, [one(importing)]), edit))

    assert batch.state == "failed"
    found = batch_findings(batch)
    assert "does not fit the template" in found[0].words
    assert any(words in each.words for each in found), found
    assert importing.session.scalar(select(func.count()).select_from(ImportRow)) == 0


def test_the_template_of_another_category_is_named(importing):
    batch = importing.upload(filled(importing.catalog, "kindergarten", []))

    assert batch.state == "failed"
    assert "This is the template for" in batch_findings(batch)[0].words


def test_any_other_workbook_is_no_template(importing):

    out = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(["姓名", "证件号"])
    book.active.append(["张三", "1"])
    book.save(out)

    batch = importing.upload(out.getvalue())

    assert "not the import template" in batch_findings(batch)[0].words


def test_an_empty_template_has_no_rows(importing):
    batch = importing.upload(book_of(importing, []))

    assert "no rows" in batch_findings(batch)[0].words


def test_more_than_20000_rows_are_refused(importing, monkeypatch):

    monkeypatch.setattr(reading, "MAX_ROWS", 5)

    batch = importing.upload(book_of(importing, [one(importing)]))

    assert batch.state == "failed"
    assert "More than 20,000 rows" in batch_findings(batch)[0].words
    assert importing.session.scalar(select(func.count()).select_from(ImportRow)) == 0


def test_a_sheet_of_notes_is_left_out_with_a_warning(importing):
    def note(book):
        book.create_sheet("备注")["A1"] = "说明"

    batch = importing.upload(edited(book_of(importing, [one(importing)]), note))

    assert batch.state == "checked"
    (said,) = batch_findings(batch)
    assert said.place == "备注"


def test_a_workbook_with_thousands_of_problems_is_read_no_further(importing, monkeypatch):

    monkeypatch.setattr(reading, "MAX_FINDINGS_IN_ALL", 2)
    bad = people(importing.session, importing.school, 3)
    for content in bad:
        content["basic"][0]["name"] = "1"

    def break_all(book):
        for row in (3, 4, 5):
            cell_of(book, "basic", "basic.sex", row).value = "?"
            cell_of(book, "basic", "basic.marital", row).value = "?"

    batch = importing.upload(edited(book_of(importing, bad), break_all))

    assert batch.good == 0
    assert "Too many problems" in str(importing.errors(batch))
