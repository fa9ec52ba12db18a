"""Whole files of a selection in the import format: importing them again changes nothing."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import View, may_view_set, view_for_purpose
from app.core.errors import Malformed, NotFound, Refused
from app.core.reference import Indicator
from app.core.whole import whole_number
from app.exchange.export import ExportPlan, Listing, export_source
from app.exchange.layout import PERSON_ID, PERSON_NAME, PERSON_NO, SheetLayout, cell_text
from app.exchange.template import FileBook
from app.indicators.catalog import Catalog, catalog
from app.indicators.file import FileData
from app.indicators.values import mask
from app.models.teacher import Teacher
from app.models.unit import Unit
from app.services import contents

SOURCE = "files"
BATCH = 200
MAX_FILES = 20_000


def plan_of(ids: Sequence[int]) -> ExportPlan:
    """The plan that exports the files of these teachers."""
    return ExportPlan(SOURCE, query=",".join(map(str, ids)), title=_("Teacher files"))


@export_source(SOURCE)
def export_files(
    session: Session, actor: Actor, query: str, _columns: Sequence[str] = ()
) -> Listing:
    """The files of some teachers in scope; `query` holds their ids joined by commas.

    Raise NotFound when none is in scope, Refused when they are of several school categories,
    whose forms differ. Values are whole as far as the field rights go (SEC-14).
    """
    ids = _ids(query)
    categories = _categories(session, ids)
    if not categories:
        raise NotFound()
    if len(categories) > 1:
        raise Refused(_("Choose files of one school category: the forms of several differ."))
    count = session.scalar(select(func.count()).select_from(Teacher).where(Teacher.id.in_(ids)))
    writer = _Writer(session, actor, ids, categories[0])
    return Listing((), (), count or 0, sensitive=True, write=writer.write)


def _ids(query: str) -> list[int]:
    ids = [whole_number(part) for part in query.split(",") if part]
    if len(ids) > MAX_FILES:
        raise Refused(_("At most 20,000 files at once. Please narrow the selection."))
    known = [each for each in ids if each is not None]
    if len(known) != len(ids):
        raise Malformed()
    return known


def _categories(session: Session, ids: Sequence[int]) -> list[str]:
    query = (
        select(Unit.category)
        .join(Teacher, Teacher.school_id == Unit.id)
        .where(Teacher.id.in_(ids))
        .distinct()
    )
    return [category or "" for category in session.scalars(query)]


class _Writer:
    """Writes the files that one actor chose."""

    def __init__(self, session: Session, actor: Actor, ids: Sequence[int], category: str) -> None:
        self.session, self.actor, self.ids, self.category = session, actor, ids, category
        self.catalog: Catalog = catalog(session)

    def write(self, target: Path | io.BytesIO, notice: str, folder: Path | None) -> None:
        sets = [e.code for e in self.catalog.teacher_sets if may_view_set(self.actor, e.code)]
        with FileBook(
            target, self.catalog, self.category, notice=notice, folder=folder, sets=sets
        ) as book:
            for teacher, file in self._files():
                for code, sheet in book.sheets.items():
                    for texts in self._rows(sheet, teacher, file):
                        book.add_texts(code, texts)

    def _files(self) -> Iterator[tuple[Teacher, FileData]]:
        for at in range(0, len(self.ids), BATCH):
            query = select(Teacher).where(Teacher.id.in_(self.ids[at : at + BATCH]))
            teachers = self.session.scalars(query.order_by(Teacher.name, Teacher.id)).all()
            present = contents.file_data(self.session, teachers, self.catalog, with_facts=False)
            for teacher in teachers:
                yield teacher, present[teacher.id]

    def _rows(self, sheet: SheetLayout, teacher: Teacher, file: FileData) -> Iterator[list[str]]:
        people = {
            PERSON_ID: file.value("basic", "id_no"),
            PERSON_NAME: teacher.name,
            PERSON_NO: teacher.teacher_no,
        }
        # What the basic set shows but the teacher's own row holds.
        outside = {"staff_status": teacher.staff_status} if sheet.set.code == "basic" else {}
        for row in file.all(sheet.set.code):
            values = {**row.values, **outside}
            yield [
                self._text(
                    column.indicator,
                    people[column.key] if column.is_person else values.get(column.indicator.code),
                )
                for column in sheet.columns
            ]

    def _text(self, item: Indicator, value: Any) -> str:
        if view_for_purpose(self.actor, item) is View.MASKED:
            return mask(item, value)
        return cell_text(item, value, self.catalog, self.category)
