"""Workbooks made for tests, and an import walked step by step without a worker."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
from flask_appbuilder import Model
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.actor import Actor, system
from app.core import clock
from app.exchange.file_export import export_files
from app.exchange.layout import PERSON_ID, PERSON_NAME, cell_text
from app.exchange.teacher_import import batch as imports
from app.exchange.teacher_import.checking import check_batch
from app.exchange.teacher_import.commit import commit_batch
from app.exchange.teacher_import.preview import preview
from app.exchange.teacher_import.undo import undo_batch
from app.exchange.template import FileBook
from app.indicators.catalog import Catalog, catalog
from app.models.exchange import ImportBatch
from app.models.job import Job, JobState
from app.models.record import TEACHER_SETS
from app.models.teacher import ReviewState, Teacher
from app.models.unit import Unit
from app.services import file as files
from app.services import projection
from app.services.storage import Storage
from tests.factories import complete_file, make_teacher

Content = Mapping[str, list[dict[str, Any]]]


# Sets enough for most tests: two with one row, two with several.
FEW = ("basic", "contact", "work", "appraisal", "learning")


def people(
    session: Session, school: Unit, count: int, *, sets: Sequence[str] = FEW, **basic: Any
) -> list[dict[str, Any]]:
    """The plain values of some files that do not exist yet, in some sets or (empty) in all."""
    known = catalog(session)
    contents = [complete_file(school, known, **basic) for _ in range(count)]
    return [
        {code: [dict(row) for row in rows] for code, rows in each.items() if code in (sets or each)}
        for each in contents
    ]


def filled(known: Catalog, category: str, contents: Sequence[Content]) -> bytes:
    """The template of a category with the rows of some files, and only the sheets they need."""
    out = io.BytesIO()
    sets = {code for content in contents for code in content} or None
    with FileBook(out, known, category, sets=sets) as book:
        for content in contents:
            base = content["basic"][0]
            person = {PERSON_ID: base.get("id_no", ""), PERSON_NAME: base.get("name", "")}
            for code, rows in content.items():
                if code in book.sheets:
                    for row in rows:
                        book.add(code, person, row)
    return out.getvalue()


def edited(content: bytes, edit: Callable[[openpyxl.Workbook], None]) -> bytes:
    """A workbook after what somebody did to it in a spreadsheet program."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    edit(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def cell_of(book: openpyxl.Workbook, set_code: str, key: str, row: int = 3) -> Any:
    """The cell of an indicator in the first (or another) row of a set's sheet."""
    sheet = sheet_of(book, set_code)
    column = next(cell.column for cell in sheet[2] if cell.value == key)
    return sheet.cell(row, column)


def sheet_of(book: openpyxl.Workbook, set_code: str) -> Any:
    """The sheet of a set."""
    return next(sheet for sheet in book if _set_of(sheet) == set_code)


def find_sheet(book: openpyxl.Workbook, set_code: str) -> Any:
    """The sheet of a set, None where the workbook has none."""
    return next((sheet for sheet in book if _set_of(sheet) == set_code), None)


def _set_of(sheet: Any) -> str:
    codes = [str(cell.value) for cell in sheet[2] if cell.value] if sheet.max_row > 1 else []
    own = [code for code in codes if "." in code and not code.startswith("person.")]
    return own[0].partition(".")[0] if own else ""


def put(set_code: str, key: str, value: Any, row: int = 3) -> Callable[[openpyxl.Workbook], None]:
    """An edit that writes one cell."""
    return lambda book: setattr(cell_of(book, set_code, key, row), "value", value)


@dataclass
class Importing:
    """One school's import; the session commits into the transaction of the test."""

    session: Session
    actor: Actor
    storage: Storage

    @property
    def catalog(self) -> Catalog:
        return catalog(self.session)

    @property
    def school(self) -> Unit:
        return self.session.get_one(Unit, self.actor.unit_id)

    def progress(self, _done: int, _total: int) -> None:
        self.session.commit()

    def upload(self, content: bytes, *, name: str = "教师.xlsx", **options: str) -> ImportBatch:
        """Upload and check."""
        batch = imports.stage(self.session, self.actor, self.storage, name, content, **options)
        check_batch(self.session, self.actor, batch, self.storage, self.progress)
        self.end_job(batch)
        return batch

    def commit(self, batch: ImportBatch, **options: str) -> ImportBatch:
        """Import what was checked."""
        imports.start_commit(self.session, self.actor, batch, **options)
        commit_batch(self.session, self.actor, batch, self.storage, self.progress)
        self.end_job(batch)
        return batch

    def run(self, content: bytes, **options: str) -> ImportBatch:
        """Upload, check and import."""
        return self.commit(self.upload(content, **options))

    def undo(self, batch: ImportBatch) -> None:
        """Undo an import."""
        imports.start_undo(self.session, self.actor, batch)
        undo_batch(self.session, self.actor, batch)
        self.end_job(batch)

    def end_job(self, batch: ImportBatch, state: str = JobState.DONE) -> None:
        """Let the job of a batch be over, as a worker would."""
        job = self.session.get_one(Job, batch.job_id)
        job.state, job.finished_at = state, clock.now()
        self.session.commit()

    def said(self, batch: ImportBatch, kind: str | None = None) -> list[tuple[Any, ...]]:
        """The findings of the rows: set sheet, row, place, words."""
        page = preview(self.session, batch, self.catalog, kind=kind, size=100)
        return [
            (row.sheet, row.number, said.place, said.words, said.severity)
            for row in page.rows
            for said in row.findings
        ]

    def errors(self, batch: ImportBatch) -> list[tuple[str, int, str, str]]:
        """The errors of the rows: sheet, row, place, words."""
        return [each[:4] for each in self.said(batch) if each[4] == "error"]

    def teachers(self) -> list[Teacher]:
        """The files of the school."""
        query = select(Teacher).where(Teacher.school_id == self.actor.unit_id).order_by(Teacher.id)
        return list(self.session.scalars(query))


def book_of(importing: Importing, contents: Sequence[Content]) -> bytes:
    """The school's template with the rows of some files."""
    return filled(importing.catalog, importing.school.category or "", contents)


def one(importing: Importing, **options: Any) -> dict[str, Any]:
    """A file that does not exist yet; see people()."""
    return people(importing.session, importing.school, 1, **options)[0]


def existing(importing: Importing, state: str = ReviewState.DRAFT, **options: Any) -> Teacher:
    """A file of the school; an open one with everything worked out that follows from its rows."""
    teacher = make_teacher(importing.session, school=importing.school, state=state, **options)
    if teacher.is_open:
        projection.refresh(importing.session, [teacher], importing.catalog)
    return teacher


def exported(importing: Importing, *teachers: Teacher) -> bytes:
    """Files of the school in the import format."""
    out = io.BytesIO()
    query = ",".join(str(teacher.id) for teacher in teachers)
    export_files(importing.session, importing.actor, query).to_workbook(out, "", None)
    return out.getvalue()


def by_form(importing: Importing, content: Content) -> Teacher:
    """Enter a file as a form does; returns it."""
    known, category = importing.catalog, importing.school.category

    def raw(code: str, row: Mapping[str, Any]) -> dict[str, str]:
        return {
            key: cell_text(known.indicator(code, key), value, known, category)
            for key, value in row.items()
            if not known.indicator(code, key).read_only
        }

    session, actor = importing.session, importing.actor
    teacher = files.create_file(session, actor, raw("basic", content["basic"][0]), catalog=known)
    for code, rows in content.items():
        for row in rows if code != "basic" else ():
            if raw(code, row):
                files.save_record(session, actor, teacher, code, raw(code, row), catalog=known)
    return teacher


def identity_of(session: Session, teacher: Teacher) -> dict[str, Any]:
    """What names a person in a row of the basic set."""
    values = contents_of(session, teacher)["basic"][0]
    return {code: values[code] for code in ("id_no", "name")}


def contents_of(session: Session, teacher: Teacher) -> dict[str, list[dict[str, Any]]]:
    """Everything a file says, without what only names its rows."""
    found: dict[str, list[dict[str, Any]]] = {}
    with system():
        for code, cls in TEACHER_SETS.items():
            query = select(cls).where(cls.teacher_id == teacher.id, cls.valid_to.is_(None))
            rows = [row.values() for row in session.scalars(query.order_by(cls.id))]
            if rows:
                found[code] = rows
    return found


def snapshot(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that an import might touch, to prove that nothing moved."""
    session.flush()
    names = ("teacher", "affiliation", "none_answer", "contributor", "file_problem", "name_gram")
    tables = [Model.metadata.tables[name] for name in names]
    tables += [cls.__table__ for cls in TEACHER_SETS.values()]
    return {
        table.name: sorted(
            (tuple(map(repr, row)) for row in session.connection().execute(select(table))),
        )
        for table in tables
    }


def make_importing(session: Session, actor: Actor, folder: Path) -> Importing:
    """An import of the actor's school with files in a folder of the test."""
    return Importing(session, actor, Storage(folder))
