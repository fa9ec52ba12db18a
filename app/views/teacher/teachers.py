"""The list of files: segments by state, filters by the list columns, exact look-up by number."""

import re
from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Query, Session, load_only, undefer

from app.access.actor import current_actor
from app.core.address import names_a_person
from app.core.errors import AppError, Malformed
from app.core.reference import structure
from app.core.sealed import Unreadable, readable
from app.extensions import db
from app.indicators.catalog import Catalog
from app.indicators.values import mask
from app.models.teacher import Teacher
from app.models.unit import Unit, UnitKind
from app.services import confirmation, search
from app.services.among import among, parts
from app.services.projection import LIST_COLUMNS
from app.views.base import BaseModelView, Selection, row_action
from app.views.choice import CodeSelectField
from app.views.declared import READ
from app.views.exporting import Names, PurposeExport, code_names
from app.views.labels import (
    COLUMNS,
    FROM_ROWS,
    REVIEW_BADGES,
    code_choices,
    column_label,
    present_catalog,
    review_words,
)
from app.views.listing import address_of
from app.views.print import print_files
from app.views.school_filters import authority_choices, files_model
from app.views.searching import count_search
from app.views.selection import BATCH, Outcome
from app.views.widgets import unless_lost

NUMBER = COLUMNS["id_no"]  # Shown masked.
BIRTH_YEAR = "birth_year"
LAST_FOUR, LAST_ONE = 4, 1
PERSONAL = re.compile(r"[0-9]{15}|[0-9]{17}[0-9Xx]")

CODED = {**LIST_COLUMNS, **FROM_ROWS}
del CODED["id_doc_type"]
LABELS = {column: column_label(column) for column in CODED}


def _table(column: str) -> str:
    return present_catalog().indicator(*CODED[column]).code_table


def _names(column: str) -> Any:
    def choices() -> Any:
        return code_choices(_table(column))()

    return choices


class CodeFilterSelectField(CodeSelectField):
    """A filter by a code of a long table."""

    def __init__(self, *args: Any, column: str, **kwargs: Any) -> None:
        super().__init__(*args, indicator=present_catalog().indicator(*CODED[column]), **kwargs)


def _by_typing(column: str) -> Any:
    return CodeFilterSelectField(LABELS[column], column=column)


class TeacherView(PurposeExport, BaseModelView):
    """Teachers' files in scope. Numbers of persons are masked and stand in no address."""

    datamodel = files_model()
    class_permission_name = "Teacher"
    export_name = "teachers"
    route_base = "/teacher"
    method_permission_name = {"lookup": READ}
    exclude_route_methods = {"show", "tab"}
    list_title = _l("Teacher files")
    list_columns = [
        "name", "sex", "school", "title", "education", "subject", "post_category", "state",
        "id_no", "complete_percent",
    ]  # fmt: skip
    optional_columns = (
        "teacher_no", "national_no", "authority_id", "stage", "degree_level", "staff_category",
        "in_establishment", "backbone", "error_count", "warning_count", "submitted_at",
        "effective_at", "confirmed_on", "late", "nightly_count",
    )  # fmt: skip
    search_columns = [
        "state", "authority_id", "school", "category", "sex", "education", "degree_level",
        "title", "post_category", "staff_category", "in_establishment", "stage", "subject",
        "backbone", BIRTH_YEAR, "active", "complete_percent", "error_count", "warning_count",
        "nightly_count", "late", "decision_late", "submitted_at", "effective_at", "confirmed_on",
    ]  # fmt: skip
    order_columns = [
        "name", "state", "title", "education", "complete_percent", "error_count", "submitted_at",
        "effective_at", "confirmed_on",
    ]  # fmt: skip
    base_order = ("name", "asc")
    label_columns = LABELS | {
        "name": column_label("name"),
        "id_no": column_label("id_no"),
        "teacher_no": column_label("teacher_no"),
        "national_no": _l("National number"),
        "school": _l("School"),
        "authority_id": _l("Authority"),
        "category": _l("School category"),
        "state": _l("State"),
        "active": _l("On the rolls"),
        "complete_percent": _l("Complete %"),
        "error_count": _l("Errors"),
        "warning_count": _l("Warnings"),
        "submitted_at": _l("Submitted"),
        "effective_at": _l("Effective since"),
        "confirmed_on": _l("Last confirmed"),
        "late": _l("Late"),
        "decision_late": _l("Decision late"),
        "nightly_count": _l("Found overnight"),
        BIRTH_YEAR: _l("Year of birth"),
    }
    list_kinds = {
        "name": "short",
        "sex": "short",
        "id_no": "short",
        "complete_percent": "number",
        "error_count": "number",
        "nightly_count": "number",
        "warning_count": "number",
    }
    code_columns = {column: _names(column) for column in CODED} | {
        "state": review_words,
        "category": code_choices("school_category"),
        "authority_id": authority_choices,
    }
    remote_columns = {"school": "UnitView"}
    search_form_extra_fields = {"title": _by_typing("title"), "subject": _by_typing("subject")}
    badges = {"state": REVIEW_BADGES}
    segment_column = "state"
    quick_hint = _l("Name, pinyin initials, ID number or teacher number")
    empty_hint = _l(
        "There is no file yet. Open one by hand, or import a workbook with all teachers."
    )

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Show the list; a number of a person leads to its file and leaves the address."""
        text = "".join(request.args.get("q", "").split())
        if PERSONAL.fullmatch(text) or names_a_person(text):
            return self._found(text)
        if any(names_a_person(value) for value in request.args.values()):
            raise Malformed()
        return super().list()

    @expose("/lookup", methods=["POST"])
    @has_access
    def lookup(self) -> Any:
        """Lead to the file with a number that was typed into a search box."""
        return self._found(request.form.get("q", "")[:50])

    def _found(self, text: str) -> Any:
        count_search()
        fitting = select(Teacher.id).where(search.matches(text)) if text.strip() else None
        key = (
            None
            if fitting is None
            else db.session().scalar(fitting.order_by(Teacher.active.desc(), Teacher.id).limit(1))
        )
        if key is None:
            flash(_("No file that you may see has this number."), "warning")
            return redirect(url_for("TeacherView.list"))
        return redirect(url_for("FileView.show", pk=key))

    def chosen_columns(self) -> Any:
        """Return the columns to show; in a school its own name says nothing."""
        chosen = super().chosen_columns()
        usual = chosen == self.list_columns and current_actor().tier == "school"
        return [each for each in chosen if each != "school"] if usual else chosen

    def quick_filter(self, query: Query, text: str) -> Query:
        return query.filter(search.matches(text))

    def row_link(self, item: Any) -> str:
        return url_for("FileView.show", pk=item.id)

    def cell(self, item: Any, column: str) -> Any:
        if column != "id_no":
            return super().cell(item, column)
        return unless_lost(self._masked_number(item))

    @staticmethod
    def _masked_number(item: Any, arguments: Any = None) -> str | Unreadable | None:
        if item.id_no is None:
            return None
        number = readable(item.id_no, table="teacher", column="id_no", uuid=item.uuid)
        if isinstance(number, Unreadable):
            return number
        sent = request.args if arguments is None else arguments
        narrowed = any(name.endswith(f"_{BIRTH_YEAR}") for name in sent)
        keep = LAST_ONE if narrowed else LAST_FOUR
        return mask(structure().indicator(*NUMBER), number, keep=keep)

    def _word(self, column: str, value: str) -> Any:
        if column == "authority_id":
            return {str(key): name for key, name in authority_choices()}.get(value, value)
        return super()._word(column, value)

    def _parts(self, filters: Any) -> dict[str, Any]:
        parts = super()._parts(filters)
        add = address_of("NewFileView", "create") if self.may("write") else ""
        return parts | {"urls": parts["urls"] | {"add": add}}

    def _page(self, query: Query, arguments: Any, columns: Any) -> Any:
        return super()._page(_named(query, columns), arguments, columns)

    @classmethod
    def narrowed(cls, rows: Query, text: str) -> Query:
        return rows.filter(search.matches(text))

    @classmethod
    def prepared(cls, rows: Query, columns: Sequence[str]) -> Query:
        return super().prepared(_named(rows, columns), columns)

    @classmethod
    def export_names(cls, session: Session, columns: Sequence[str], known: Catalog) -> Names:
        names: dict[str, Any] = {
            column: code_names(known, known.indicator(*CODED[column]).code_table)
            for column in columns
            if column in CODED
        }
        if "state" in columns:
            names["state"] = {code: str(words) for code, words in review_words()}
        if "authority_id" in columns:
            units = session.execute(select(Unit.id, Unit.name).where(Unit.kind != UnitKind.SCHOOL))
            names["authority_id"] = {row[0]: row[1] for row in units}
        return names

    @classmethod
    def export_value(cls, item: Any, column: str, names: Names, sent: Any) -> Any:
        if column == "id_no":
            number = cls._masked_number(item, sent)
            return None if number is None else str(number)
        return super().export_value(item, column, names, sent)

    @row_action(
        "print",
        _l("Print registration forms"),
        icon="printer",
        reason="required",
        single=False,
        permission=READ,
    )
    def print_forms(self, chosen: Selection) -> Any:
        """Print the registration forms of the marked files; the reason is the purpose."""
        return print_files(self, chosen.ids(), kind="form", purpose=chosen.reason)

    @row_action(
        "confirm",
        _l("Nothing has changed"),
        icon="circle-check",
        single=False,
        confirmation=_l("Confirm under your name that nothing has changed in {n} file(s)?"),
    )
    def confirm(self, chosen: Selection) -> Any:
        """Keep for the marked files that nothing has changed; each is judged by itself (S06)."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        ids = chosen.ids()
        failed: dict[int, AppError] = {}
        for part in parts(ids, BATCH):
            failed |= confirmation.confirm(session, actor, part, known)
        session.commit()
        rows = session.execute(
            select(Teacher.id, Teacher.name).where(among(session, Teacher.id, ids))
        )
        outcomes = [
            Outcome(name, url_for("FileView.show", pk=key), key not in failed, failed.get(key, ""))
            for key, name in sorted(rows, key=lambda row: (row[0] not in failed, row[0]))
        ]
        return self.outcome_page(_("Nothing has changed"), outcomes)


def _named(query: Query, columns: Any) -> Query:
    """Name the columns of the list, else all that a file holds would travel with every row."""
    known = Teacher.__mapper__.columns
    named = {"id", "name", "state", "school_id", *(each for each in columns if each in known)}
    if "id_no" in columns:
        query = query.options(undefer(Teacher.id_no))
        named.add("uuid")
    named.discard("id_no")
    return query.options(load_only(*(getattr(Teacher, name) for name in sorted(named))))
