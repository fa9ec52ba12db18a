"""Uploaded workbooks: the hostile ones are refused in words, the others read like openpyxl does."""

import io
import resource
import subprocess
import sys
from datetime import date
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from flask import Flask
from flask_babel import Babel, force_locale
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import Refused
from app.exchange.cells import column_index, column_letter, escape, for_workbook, unescape
from app.exchange.package import check_package
from app.exchange.workbook import Unusable, Workbook
from tests.exchange.hostile import PACKAGES, PARTS, package, rows, strings


@pytest.fixture(scope="module", autouse=True)
def _english():
    app = Flask(__name__)
    Babel(app)
    with app.app_context(), force_locale("en"):
        yield


def read(content: bytes) -> list[tuple[int, dict]]:
    with Workbook(content) as book:
        return [row for sheet in book.sheets for row in book.rows(sheet)]


@pytest.mark.parametrize("name", PACKAGES)
def test_hostile_package_is_refused_before_it_is_unpacked(name):
    make, words = PACKAGES[name]

    with pytest.raises(Refused) as refusal:
        check_package(make())
    assert words in str(refusal.value)


@pytest.mark.parametrize("name", PARTS)
def test_hostile_part_is_refused_when_it_is_read(name):
    make, words = PARTS[name]
    content = make()
    check_package(content)
    if not words:
        assert read(content)
        return

    with pytest.raises(Refused) as refusal:
        read(content)
    assert words in str(refusal.value)


def test_there_are_at_least_forty_hostile_workbooks():
    assert len(PACKAGES) + len(PARTS) >= 40


def test_every_hostile_workbook_is_answered_within_five_seconds_and_150_megabytes():
    # In a process of its own, which the system ends when it takes more.
    script = Path(__file__).with_name("bounded.py")

    ended = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=600, check=False
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(ended.stdout.splitlines()) == len(PACKAGES) + len(PARTS)


def test_cells_are_read_with_their_kinds():
    content = rows(
        '<row r="3"><c r="B3" t="s"><v>0</v></c><c r="C3" t="inlineStr"><is><t>内</t></is></c>'
        '<c r="D3"><v>12</v></c><c r="E3"><v>1.5</v></c><c r="F3" t="b"><v>1</v></c>'
        '<c r="G3" t="e"><v>#N/A</v></c><c r="H3"><f>A1</f><v>3</v></c>'
        '<c r="I3" t="str"><v>文</v></c><c r="J3"><v>1e999</v></c>'
        '<c r="K3" t="d"><v>2026-09-01</v></c><c r="AA3"><v>7</v></c></row>'
    )

    assert read(content) == [
        (
            3,
            {
                1: "姓名",
                2: "内",
                3: 12,
                4: 1.5,
                5: True,
                6: Unusable.ERROR,
                7: Unusable.FORMULA,
                8: "文",
                9: Unusable.ERROR,
                10: "2026-09-01",
                26: 7,
            },
        )
    ]


def test_rows_keep_their_numbers_across_gaps_and_blank_cells():
    content = rows(
        '<row r="2"><c r="A2" t="str"><v> </v></c><c r="B2" s="4"/></row>'
        '<row r="9"><c r="A9"><v>1</v></c></row><row><c><v>2</v></c><c><v>3</v></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>4</v></c></row>'
    )

    assert read(content) == [(9, {0: 1}), (10, {0: 2, 1: 3}), (1_048_576, {16_383: 4})]


def test_readings_of_characters_are_no_part_of_the_text():
    content = strings(
        '<si><r><t>北</t></r><r><t>京</t></r><rPh sb="0" eb="1"><t>ベイ</t></rPh><phoneticPr/></si>'
    )

    assert read(content) == [(1, {0: "北京"})]


def test_a_cell_longer_than_excel_admits_is_marked_and_not_kept():
    text = "长" * 32_768

    assert read(strings(f"<si><t>{text}</t></si>")) == [(1, {0: Unusable.TOO_LONG})]


def test_escaped_characters_come_back():
    assert read(strings("<si><t>a_x000D_b_x005F_x0041_</t></si>")) == [(1, {0: "a\rb_x0041_"})]


def test_prefixes_and_strict_names_of_elements_are_understood():
    content = package(
        {
            "xl/worksheets/sheet1.xml": '<x:worksheet xmlns:x="http://purl.oclc.org/ooxml">'
            '<x:sheetData><x:row r="1"><x:c r="A1"><x:v>5</x:v></x:c></x:row></x:sheetData>'
            "</x:worksheet>"
        }
    )

    assert read(content) == [(1, {0: 5})]


def test_the_calendar_from_1904_is_noticed():
    book = package()
    with Workbook(book) as plain:
        assert not plain.counts_from_1904
    parts = {"xl/workbook.xml": '<workbook><workbookPr date1904="1"/></workbook>'}
    with Workbook(package(parts)) as other:
        assert other.counts_from_1904


VALUES = st.one_of(
    st.none(),
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
        min_size=1,
        max_size=20,
    ).filter(lambda text: text.strip() and not text.startswith("=") and "_x" not in text),
    st.integers(-(10**14), 10**14),
    st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(table=st.lists(st.lists(VALUES, min_size=1, max_size=6), min_size=1, max_size=8))
@pytest.mark.parametrize("writer", ["openpyxl", "xlsxwriter"])
def test_tables_are_read_as_openpyxl_reads_them(writer, table):
    out = io.BytesIO()
    if writer == "openpyxl":
        book = openpyxl.Workbook()
        for row in table:
            book.active.append(row)
        book.save(out)
    else:
        target = xlsxwriter.Workbook(out, {"strings_to_formulas": False, "strings_to_urls": False})
        page = target.add_worksheet()
        for y, row in enumerate(table):
            for x, value in enumerate(row):
                page.write(y, x, value)
        target.close()
    content = out.getvalue()

    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    expected = {
        (cell.row, cell.column - 1): cell.value
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    }
    got = {(number, index): v for number, cells in read(content) for index, v in cells.items()}
    assert got == expected


def test_a_day_kept_by_excel_is_a_number():
    out = io.BytesIO()
    book = openpyxl.Workbook()
    book.active["A1"] = date(2026, 9, 1)
    book.save(out)

    assert read(out.getvalue()) == [(1, {0: 46266})]


@pytest.mark.parametrize("start", list("=+-@\t\r\n\0＝＋－＠"))
def test_what_looks_like_a_formula_is_escaped_and_comes_back(start):
    text = f"{start}1+1"

    assert escape(text).startswith("'")
    assert unescape(escape(text)) == text


@given(st.text(st.sampled_from("'=+a \t-"), max_size=6))
def test_escaping_is_exact_for_every_text(text):
    assert unescape(escape(text)) == text
    assert unescape(for_workbook(text)) == text


@given(st.integers(0, 16_383))
def test_column_letters_and_numbers_agree(index):
    assert column_index(column_letter(index)) == index
    assert openpyxl.utils.get_column_letter(index + 1) == column_letter(index)


def test_bounds_are_those_of_this_process_only():
    # bounded.py sets limits; here none may be left behind.
    assert resource.getrlimit(resource.RLIMIT_AS)[0] in (resource.RLIM_INFINITY, -1)
