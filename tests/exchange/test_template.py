"""Import templates: exactly what a category collects, with hints, lists and text cells (C1)."""

import io

import openpyxl
import pytest
from flask_babel import force_locale

from app.core.reference import structure
from app.exchange.layout import (
    ABOUT,
    INSTRUCTIONS,
    PERSON_COLUMNS,
    cell_text,
    layout,
    sheet_title,
)
from app.exchange.record_keys import RECORD_KEYS
from app.exchange.template import MAX_ITEMS, build_template
from app.indicators.catalog import Catalog
from app.indicators.values import codes_for, parse
from app.services.attachment import is_file
from tests.exchange.imports import sheet_of

CATALOG = Catalog.from_reference(structure())
CATEGORIES = CATALOG.categories


@pytest.fixture(scope="module", params=CATEGORIES)
def category(request):
    return request.param


@pytest.fixture(scope="module")
def book(category):
    # Other tests may have left an application around, whose language is Chinese.
    with force_locale("en"):
        content = build_template(CATALOG, category)
    return openpyxl.load_workbook(io.BytesIO(content))


def test_a_template_holds_what_its_category_collects_and_nothing_else(category, book):
    wanted = {
        item.key
        for each in CATALOG.teacher_sets
        for item in each.indicators
        if CATALOG.collected(each.code, item.code, category)
        and not item.read_only
        and not is_file(item)
    }

    keys = [cell.value for sheet in book if sheet.max_row > 1 for cell in sheet[2] if cell.value]
    found = {key for key in keys if key in CATALOG.by_key}
    assert found == wanted


def test_templates_differ_between_categories():
    keys = {
        category: {c.key for each in layout(CATALOG, category) for c in each.columns}
        for category in CATEGORIES
    }

    assert keys["kindergarten"] != keys["higher"]
    assert "basic.academic_kinship" in keys["higher"]
    assert "basic.academic_kinship" not in keys["kindergarten"]


def test_headings_are_chinese_names_above_hidden_codes(category, book):
    for each in layout(CATALOG, category):
        sheet = book[each.title]
        assert [cell.value for cell in sheet[1]] == [column.heading for column in each.columns]
        assert [cell.value for cell in sheet[2]] == [column.key for column in each.columns]
        assert sheet.row_dimensions[2].hidden
        assert not sheet.row_dimensions[1].hidden
        assert sheet.freeze_panes.endswith("3")


def test_every_sheet_names_the_person_first(category):
    for each in layout(CATALOG, category):
        keys = [column.key for column in each.columns]
        if each.set.code == "basic":
            assert {"basic.id_no", "basic.name", "person.teacher_no"} <= set(keys)
        else:
            assert keys[:3] == list(PERSON_COLUMNS)


def test_every_column_is_text_and_every_heading_has_a_hint(category, book):
    for each in layout(CATALOG, category):
        sheet = book[each.title]
        assert all(cell.comment.text for cell in sheet[1])
        formats = {
            index: dimension.number_format
            for dimension in sheet.column_dimensions.values()
            for index in range(dimension.min, dimension.max + 1)
        }
        assert {formats[cell.column] for cell in sheet[1]} == {"@"}


def test_required_headings_say_so(category, book):
    sheet = sheet_of(book, "basic")
    for cell in sheet[1]:
        key = sheet.cell(2, cell.column).value
        if key in CATALOG.by_key:
            is_required = CATALOG.required(*key.split("."), category)
            assert cell.comment.text.startswith("Required." if is_required else "Optional.")


def test_drop_downs_offer_the_codes_of_the_category(category, book):
    names = book.defined_names
    about = book[ABOUT]
    assert about.sheet_state == "veryHidden"
    for each in layout(CATALOG, category):
        sheet = book[each.title]
        lists = {
            str(rule.sqref).split(":")[0].rstrip("0123456789"): rule.formula1
            for rule in sheet.data_validations.dataValidation
        }
        for index, column in enumerate(each.columns, start=1):
            letter = openpyxl.utils.get_column_letter(index)
            item = column.indicator
            if item.data_type != "code":
                assert (letter in lists) == (item.data_type == "bool")
                continue
            codes = [code.code for code in codes_for(item, category, CATALOG)]
            if len(codes) > MAX_ITEMS:
                assert letter not in lists
                continue
            ((_, area),) = names[lists[letter].lstrip("=")].destinations
            offered = [cell.value.split(" ")[0] for (cell,) in about[area]]
            assert offered == codes


def test_every_offered_item_is_an_entry(category):
    for each in layout(CATALOG, category):
        for column in each.columns:
            item = column.indicator
            if item.data_type != "code":
                continue
            for code in codes_for(item, category, CATALOG):
                text = cell_text(item, code.code, CATALOG, category)
                assert parse(item, text, CATALOG, category=category) == code.code


def test_a_category_with_its_own_code_table_offers_that():
    lists = {
        category: [
            code.code
            for code in codes_for(CATALOG.indicator("basic", "staff_source"), category, CATALOG)
        ]
        for category in ("higher", "primary_secondary")
    }

    assert lists["higher"] != lists["primary_secondary"]


def test_instructions_come_first_and_lists_are_out_of_sight(book):
    assert book.sheetnames[0] == INSTRUCTIONS
    assert book.sheetnames[-1] == ABOUT
    assert book[INSTRUCTIONS]["A1"].value


def test_no_cell_of_a_template_is_a_formula(book):
    assert not [cell for sheet in book for row in sheet for cell in row if cell.data_type == "f"]


def test_every_multi_row_set_has_keys_that_every_category_collects():
    for each in CATALOG.teacher_sets:
        assert each.multi_row == (each.code in RECORD_KEYS)
        for code in RECORD_KEYS.get(each.code, ()):
            assert not each.indicator(code).read_only
            for category in CATEGORIES:
                if any(CATALOG.collected(each.code, i.code, category) for i in each.indicators):
                    assert CATALOG.collected(each.code, code, category)


def test_titles_of_sheets_are_those_excel_admits_and_differ():
    titles = [sheet_title(each) for each in CATALOG.teacher_sets]

    assert len(set(titles)) == len(titles)
    assert all(len(title) <= 31 and not set(title) & set("[]:*?/\\") for title in titles)
