"""Text of people in every file that leaves: never a formula, and the same when it comes back
(SEC-33)."""

import csv
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select, update

from app.access.actor import acting_as, system
from app.core.clock import now
from app.exchange import ministry
from app.exchange.cells import escape, for_workbook, unescape
from app.indicators.values import is_masked, mask, parse
from app.models.record import TEACHER_SETS
from app.models.teacher import ReviewState, Teacher
from app.models.unit import Unit
from tests.exchange.imports import (
    contents_of,
    edited,
    existing,
    exported,
    find_sheet,
    make_importing,
    put,
)
from tests.views.pages import sign_in, token_of

pytestmark = pytest.mark.wide

STARTS = "=+-@\t\r\n＝＋－＠"
# NUL cannot be stored: no text of PostgreSQL holds it.
PREFIXES = (*STARTS, "\0")
FORMULA = "cmd|'/c calc'!A1"


def name_of(start: str) -> str:
    """A text that a spreadsheet program might carry out."""
    return f"{start}{FORMULA}"


def texts_of(content: bytes) -> list[str]:
    """The texts of a workbook; fails on a cell that acts, or that is not marked as text."""
    found = []
    for sheet in openpyxl.load_workbook(io.BytesIO(content), data_only=False):
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", (sheet.title, cell.coordinate, cell.value)
                assert cell.hyperlink is None
                if cell.data_type == "s" and cell.value[:1] in PREFIXES:
                    assert cell.quotePrefix, (sheet.title, cell.coordinate)
                if cell.data_type == "s":
                    found.append(cell.value)
    return found


def csv_texts(content: bytes) -> list[str]:
    """The cells of a CSV file; fails on one that a spreadsheet program would carry out."""
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    cells = [cell for row in rows for cell in row]
    for cell in cells:
        number = cell.replace(".", "", 1).lstrip("-").isdigit()
        assert number or cell[:1] not in PREFIXES or not cell, cell
    return [unescape(cell) for cell in cells]


@pytest.fixture
def dangerous(session: Any, world: Any) -> list[str]:
    """Schools, districts, files and records of A1 whose names begin with what acts."""
    names = [name_of(start) for start in STARTS]
    with system():
        files = list(
            session.scalars(
                select(Teacher)
                .where(
                    Teacher.school_id.in_([world.units[key].id for key in ("A1", "A2")]),
                    Teacher.state.in_(("draft", "submitted", "returned")),
                )
                .order_by(Teacher.id)
                .limit(len(names))
            )
        )
        for file, name in zip(files, names, strict=True):
            file.name = name
            for cls, column in (
                ("basic", "former_name"),
                ("learning", "major"),
                ("work", "org_name"),
            ):
                model = TEACHER_SETS[cls]
                where = model.teacher_id == file.id
                session.execute(update(model).where(where).values({column: name}))
        for key, start in {"A1": "=", "A2": "+", "U": "@"}.items():
            unit = session.get_one(Unit, world.units[key].id)
            unit.name = unit.name_en = name_of(start)
        session.commit()
    return names


def test_lists_of_files_and_records_hold_no_formula(
    app: Any, session: Any, world: Any, dangerous: list[str]
) -> None:
    client = sign_in(app, world, "district_info_A")
    token = token_of(client.get("/teacher/list/").text)

    for path, columns in (
        ("/teacher", ["name", "school"]),
        ("/record/learning", ["teacher", "teacher.school", "major"]),
        ("/record/basic", ["teacher", "former_name"]),
    ):
        for kind in ("xlsx", "csv"):
            sent = {"csrf_token": token, "column": columns, "query": "", "format": kind}
            sent |= {"purpose": name_of("=")}
            content = client.post(f"{path}/export", data=sent, buffered=True).data
            texts = texts_of(content) if kind == "xlsx" else csv_texts(content)
            for name in dangerous:
                assert any(text.endswith(FORMULA) and name.strip("\r\n\t") in text
                           for text in texts), (path, kind, name)  # fmt: skip


def test_the_table_of_units_and_the_charts_hold_no_formula(
    app: Any, session: Any, world: Any, dangerous: list[str]
) -> None:
    city, district = sign_in(app, world, "city_info"), sign_in(app, world, "district_info_A")
    charts = [
        (client, rule.rule.replace("<name>", each["name"]))
        for client in (city, district)
        for rule in app.url_map.iter_rules()
        if rule.rule.endswith("/data/<name>")
        for view in app.appbuilder.baseviews
        if view.endpoint == rule.endpoint.partition(".")[0]
        for each in view.definitions
    ]
    shown = []

    for client, path in ((city, "/monitor/export"), (district, "/monitor/export"), *charts):
        for kind, read in (("xlsx", texts_of), ("csv", csv_texts)):
            answer = client.get(path, query_string={"format": kind, "all": 1}, buffered=True)
            if answer.status_code == 200:
                shown += read(answer.data)

    assert {name_of("="), name_of("+"), name_of("@")} <= {text.lstrip("'") for text in shown}


def test_whole_files_hold_no_formula_and_come_back_unchanged(
    session: Any, world: Any, tmp_path: Any
) -> None:
    actor = world.actors["school_info_A1"]
    kept = [start for start in STARTS if not start.isspace()]
    with acting_as(actor):
        importing = make_importing(session, actor, tmp_path)
        teachers = [existing(importing, former_name=f"{start}王") for start in kept]
        for teacher, start in zip(teachers, kept, strict=True):
            cls = TEACHER_SETS["work"]
            named = update(cls).where(cls.teacher_id == teacher.id)
            session.execute(named.values(org_name=f"{start}1+1"))
        session.commit()
        before = [contents_of(session, teacher) for teacher in teachers]
        content = exported(importing, *teachers)
        texts = texts_of(content)
        batch = importing.upload(content)
        errors = importing.errors(batch)

    assert {f"{start}1+1" for start in kept} <= set(texts)
    assert errors == []
    assert batch.unchanged == batch.rows > len(kept)
    assert [contents_of(session, teacher) for teacher in teachers] == before


def test_refused_rows_come_back_without_a_formula(
    app: Any, session: Any, world: Any, tmp_path: Any
) -> None:
    actor = world.actors["school_info_A1"]
    with acting_as(actor):
        importing = make_importing(session, actor, tmp_path)
        teacher = existing(importing)
        wrong = put("basic", "basic.birth_date", f"={FORMULA}".replace("=", "＝"))
        also = put("basic", "basic.former_name", name_of("@"))
        batch = importing.upload(edited(edited(exported(importing, teacher), wrong), also))
        from app.exchange.teacher_import.refused import refused_workbook

        content = refused_workbook(session, batch, importing.storage, importing.catalog)

    texts = texts_of(content)
    assert name_of("＝") in texts
    assert name_of("@") in texts


def test_the_workbook_for_the_ministry_holds_no_formula(world: Any, tmp_path: Path) -> None:
    target = tmp_path / "batch.xlsx"
    batch: Any = SimpleNamespace(number="BJ-2026-0001", at=now(), first_count=1)
    person = {key: name_of("=") for _heading, key in ministry.PERSON}
    rows = [{"name": name_of(start), "former_name": name_of(start)} for start in PREFIXES]

    ministry.write(target, batch, [{**person, "sets": {"basic": rows}}], world.catalog)

    texts = texts_of(target.read_bytes())
    assert all(any(text.endswith(name_of(start)[1:]) for text in texts) for start in PREFIXES)
    assert name_of("=") in texts


@pytest.mark.parametrize("start", PREFIXES)
@pytest.mark.parametrize("quotes", ["", "'", "''"])
def test_what_is_escaped_is_read_as_it_was(start: str, quotes: str) -> None:
    text = f"{quotes}{name_of(start)}"

    assert escape(text).startswith("'")
    assert unescape(escape(text)) == text
    assert unescape(for_workbook(text)) == text.replace("\0", "").lstrip("\0")


@pytest.mark.parametrize("start", ["\t", "\r", "\n", "\0"])
def test_blanks_that_act_are_never_taken_in(world: Any, start: str) -> None:
    item = world.catalog.indicator("basic", "former_name")

    assert parse(item, f"{start}王", world.catalog) == "王"


def test_a_masked_cell_counts_as_empty_and_the_row_is_found_by_the_teacher_number(
    session: Any, world: Any, tmp_path: Any
) -> None:
    actor = world.actors["school_info_A1"]
    known = world.catalog
    with acting_as(actor):
        importing = make_importing(session, actor, tmp_path)
        teacher = existing(importing, state=ReviewState.RETURNED)
        with system():
            teacher.teacher_no = "1000000017"
            session.commit()
        before = contents_of(session, teacher)

        def masked(book: Any) -> None:
            for code in TEACHER_SETS:
                sheet = find_sheet(book, code)
                for cell in sheet[2] if sheet is not None else ():
                    place = {"person.id_no": "basic.id_no"}.get(cell.value, cell.value)
                    item = known.by_key.get(place)
                    stored = before.get(item.set, [{}]) if item is not None else []
                    for number, values in enumerate(stored, start=3):
                        value = values.get(item.code)
                        if item.masked and value is not None:
                            text = mask(item, value)
                            assert is_masked(item, text)
                            sheet.cell(number, cell.column).value = text

        batch = importing.upload(edited(exported(importing, teacher), masked))
        errors = importing.errors(batch)

    assert errors == []
    assert (batch.unchanged, batch.updated, batch.inserted) == (batch.rows, 0, 0)
    assert contents_of(session, teacher) == before
