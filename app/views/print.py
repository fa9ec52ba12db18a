"""Printing: the registration form of one teacher or many, and the whole electronic file, on A4."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask import request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.access.actor import Actor, current_actor
from app.access.fields import View, is_collected, may_view_set, view_for_purpose
from app.core.clock import now
from app.core.errors import LimitReached, Malformed, NotFound, Problem, Refused
from app.core.reference import Indicator, IndicatorSet
from app.core.whole import whole_number
from app.extensions import db
from app.indicators.catalog import Catalog, language
from app.indicators.file import FileData, Row
from app.indicators.values import default_of, display, mask
from app.models.record import KEPT_ON_TEACHER
from app.models.teacher import Teacher
from app.services import attachment, contents, reveal
from app.views.base import BaseView
from app.views.declared import READ
from app.views.labels import present_catalog, review_state
from app.views.widgets import text_of

FORM, FILE = "form", "file"
MOST_PRINTED = {FORM: 100, FILE: 20}
# The sets of the registration form beside the single-row ones; the whole file has all.
ON_FORM = (
    "learning", "work", "post", "title", "qualification", "teaching", "appraisal", "ethics",
    "ach_award", "backbone", "rotation",
)  # fmt: skip
COLUMNS = 8  # As many columns fit on an upright page.
PAIRS = 2


class Pair(NamedTuple):
    """A label and its value."""

    label: str
    value: str


@dataclass(frozen=True)
class Section:
    """One set on paper: lines of pairs, or a table of rows."""

    title: str
    lines: Sequence[Sequence[Pair]] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    records: Sequence[Sequence[Sequence[Pair]]] = ()
    none: bool = False


@dataclass(frozen=True)
class Sheet:
    """One teacher on paper."""

    name: str
    number: str
    school: str
    state: str
    version: int
    photo: str
    head: Sequence[Sequence[Pair]]
    sections: Sequence[Section]


class PrintView(BaseView):
    """Sheets for the printer; posted, because sealed values are whole on them (SEC-10)."""

    class_permission_name = "File"
    method_permission_name = {"sheet": READ}
    route_base = "/print"

    @expose("/sheet", methods=["POST"])
    @has_access
    def sheet(self) -> Any:
        """Print the files named by `id`, as `kind` form or file, for a purpose."""
        sent = request.form.getlist("id")
        ids = [number for each in sent if (number := whole_number(each)) is not None]
        if not ids or len(ids) != len(sent):
            raise Malformed()
        return print_files(
            self,
            ids,
            kind=request.form.get("kind", FORM),
            purpose=request.form.get("purpose", ""),
        )


def print_files(view: Any, ids: Sequence[int], *, kind: str, purpose: str) -> str:
    """Return the page with the sheets of files in scope, and write who printed them and why.

    Raises Malformed, LimitReached, Refused without a purpose, and NotFound for a foreign file.
    """
    session, actor, known = db.session(), current_actor(), present_catalog()
    if kind not in MOST_PRINTED:
        raise Malformed()
    if len(ids) > MOST_PRINTED[kind]:
        raise LimitReached(_("At most %(n)s files are printed at once.", n=MOST_PRINTED[kind]))
    purpose = " ".join(purpose.split())[: reveal.MAX_PURPOSE]
    is_own = list(ids) == [actor.teacher_id]
    if not purpose and not is_own:
        text = _("Please say for what purpose.")
        raise Refused(text, [Problem("purpose", text, field="purpose")])
    teachers = list(
        session.scalars(
            select(Teacher)
            .options(joinedload(Teacher.school))
            .where(Teacher.id.in_(set(ids)))
            .order_by(Teacher.name, Teacher.id)
        )
    )
    if len(teachers) != len(set(ids)):
        raise NotFound()
    content = contents.file_data(session, teachers, known, with_facts=False)
    photos = attachment.pictures(session, [each.id for each in teachers])
    sheets = [
        Printer(actor, each, content[each.id], known, kind).sheet(photos.get(each.id))
        for each in teachers
    ]
    page = view.render_template(
        "print/sheet.html",
        title=_("Registration form of a teacher") if kind == FORM else _("Electronic file"),
        sheets=sheets,
        kind=kind,
        printed_at=text_of(now()),
        printed_by=f"{actor.name} · {actor.unit_name}",
        purpose=purpose,
    )
    reveal.note_print(session, actor, [each.id for each in teachers], purpose)
    session.commit()
    return page


class Printer:
    """Puts one file on paper for one reader."""

    def __init__(
        self, actor: Actor, teacher: Teacher, file: FileData, catalog: Catalog, kind: str
    ) -> None:
        self.actor, self.teacher, self.file = actor, teacher, file
        self.catalog, self.kind = catalog, kind
        self.category = teacher.school.category or ""
        self.sets = [
            entry
            for entry in catalog.category_sets(self.category)
            if may_view_set(actor, entry.code)
            and (kind == FILE or not entry.multi_row or entry.code in ON_FORM)
        ]

    def sheet(self, photo: str | None) -> Sheet:
        """Return the sheet: the first set beside the photo, the others below."""
        first, *others = self.sets
        lines = self._lines(first, self._row(first))
        return Sheet(
            name=self.teacher.name,
            number=self.teacher.teacher_no or "",
            school=self.teacher.school.name,
            state=str(review_state(self.teacher.state).label),
            version=self.teacher.file_version,
            photo=url_for("AttachmentView.download", uuid=photo) if photo else "",
            head=lines,
            sections=[section for entry in others if (section := self._section(entry))],
        )

    def _row(self, entry: IndicatorSet) -> Row:
        return self.file.first(entry.code) or Row("", {})

    def _section(self, entry: IndicatorSet) -> Section | None:
        name = self.catalog.name(entry, language())
        rows = self.file.all(entry.code)
        if not entry.multi_row:
            lines = self._lines(entry, self._row(entry))
            return Section(name, lines=lines) if lines else None
        if not rows:
            none = entry.code in self.file.none_sets
            return Section(name, none=none) if none or self.kind == FORM else None
        items = self._columns(entry, rows)
        if self.kind == FILE and len(items) > COLUMNS:
            return Section(name, records=[self._lines(entry, row) for row in rows])
        items = items[:COLUMNS]
        return Section(
            name,
            columns=[self.catalog.name(item, language()) for item in items],
            rows=[[self._text(item, row) for item in items] for row in rows],
        )

    def _items(self, entry: IndicatorSet) -> list[Indicator]:
        return [
            item
            for item in entry.indicators
            if is_collected(item, self.category, self.catalog)
            and not attachment.is_file(item)
            and view_for_purpose(self.actor, item) is not View.HIDDEN
        ]

    def _columns(self, entry: IndicatorSet, rows: Sequence[Row]) -> list[Indicator]:
        """Return the indicators with a value, in order; on the form only as many as fit.

        What says no more than the usual, like the country, gives way first; then what is
        neither required nor a date.
        """
        filled = [item for item in self._items(entry) if any(row.get(item.code) for row in rows)]
        if len(filled) <= COLUMNS or self.kind == FILE:
            return filled
        telling = [item for item in filled if not self._is_usual(item, rows)]
        ranked = sorted(telling, key=lambda item: not self._matters(item))[:COLUMNS]
        return [item for item in telling if item in ranked]

    def _is_usual(self, item: Indicator, rows: Sequence[Row]) -> bool:
        usual = default_of(item, self.catalog)
        return usual is not None and all(row.get(item.code) in (None, usual) for row in rows)

    def _matters(self, item: Indicator) -> bool:
        return self._is_required(item) or item.data_type in ("date", "year_month")

    def _is_required(self, item: Indicator) -> bool:
        return self.catalog.required(item.set, item.code, self.category)

    def _lines(self, entry: IndicatorSet, row: Row) -> list[list[Pair]]:
        """Return label and value in pairs per line; blank ones only where they are required."""
        pairs = [
            Pair(self.catalog.name(item, language()), text)
            for item in self._items(entry)
            if (text := self._text(item, row)) or self._is_required(item)
        ]
        return [pairs[at : at + PAIRS] for at in range(0, len(pairs), PAIRS)]

    def _text(self, item: Indicator, row: Row) -> str:
        value = row.get(item.code)
        if item.code in KEPT_ON_TEACHER.get(item.set, ()):
            value = getattr(self.teacher, item.code)
        if view_for_purpose(self.actor, item) is View.MASKED:
            return mask(item, value)
        return display(item, value, self.catalog, language(), category=self.category)
