"""Pairs of files that may describe one person: the city compares them and decides (4.3, DQ008,
DQ009)."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from flask import redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select
from sqlalchemy.orm import Query, Session

from app.access.actor import current_actor
from app.access.fields import visible
from app.core.errors import AppError
from app.core.sealed import UNREADABLE
from app.extensions import db
from app.indicators.catalog import language
from app.models.duplicate import DuplicateCase, DuplicateKind, DuplicateState
from app.models.record import KEPT_ON_TEACHER
from app.models.teacher import Teacher
from app.services import attachment, contents, duplicate, queue, reveal, search
from app.views.base import BaseModelView, Selection, row_action
from app.views.datamodel import Datamodel
from app.views.labels import column_label, present_catalog, review_state
from app.views.listing import address_of
from app.views.on_record import on_record
from app.views.record_form import shown_value
from app.views.selection import Outcome
from app.views.status_history import status_label
from app.views.widgets import Badge, text_of

SET = "basic"
WORDS = {
    DuplicateState.OPEN: _l("To be decided"),
    DuplicateState.DISMISSED: _l("Different persons"),
}
LOOKS = {
    DuplicateState.OPEN: ("hourglass", "wait"),
    DuplicateState.DISMISSED: ("circle-check", "good"),
}
KINDS = {
    DuplicateKind.NUMBER: _l("Same ID number"),
    DuplicateKind.LIKENESS: _l("Same name, sex and birth date"),
}


class Line(NamedTuple):
    """One thing that both files say, in words: of the first file and of the second."""

    name: Any
    words: tuple[str, str]


class DuplicateView(BaseModelView):
    """Pairs found by night; what is decided about a pair is decided once."""

    route_base = "/duplicates"
    datamodel = Datamodel(DuplicateCase)
    class_permission_name = "Duplicate"
    exclude_route_methods = {"tab"}
    list_title = _l("Possible duplicates")
    list_columns = ["first", "second", "kind", "found_at", "waiting", "state", "reason"]
    show_columns = ["kind", "found_at", "state", "decided_at", "reason"]
    search_columns = ["state", "kind", "found_at"]
    order_columns = ["found_at"]
    base_order = ("found_at", "asc")
    list_relations = ("first", "first.school", "second", "second.school")
    label_columns = {
        "first": _l("Earlier file"),
        "second": _l("Later file"),
        "kind": _l("What they have in common"),
        "found_at": _l("Found"),
        "waiting": _l("Waiting"),
        "state": _l("State"),
        "decided_at": _l("Decided at"),
        "reason": _l("Reason"),
    }
    code_columns = {"state": lambda: list(WORDS.items()), "kind": lambda: list(KINDS.items())}
    badges = {"state": LOOKS}
    list_kinds = {"waiting": "badge"}
    segment_column = "state"
    quick_hint = _l("Name, pinyin initials or teacher number")
    empty_hint = _l("No two files look as if they described one person.")
    exports = ()
    show_template = "duplicate/show.html"

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Show the pairs; the plain address opens those that wait."""
        if not request.args and self.start_url() is None:
            return redirect(self.list_url(state=DuplicateState.OPEN))
        return super().list()

    @expose("/show/<int:pk>", methods=["GET"])
    @has_access
    def show(self, pk: int) -> Any:
        """Show both files side by side; that they were looked at is written (SEC-16)."""
        item = self.one(pk)
        keys = [each.id for each in item.files]
        answer = self.render_template(
            self.show_template,
            pk=pk,
            item=item,
            title=self.page_title(item),
            widgets=self._get_show_widget(pk, item),
            tabs=[],
            acts=self.page_acts(item),
            urls=self.page_urls(item),
            view=self,
            files=[(_place(each), _address(each)) for each in item.files],
            lines=[*_standing(item), *_differences(item)],
        )
        on_record(lambda own: _note_openings(own, keys))
        return answer

    def page_title(self, item: DuplicateCase) -> str:
        return f"{self.list_title} · {item.first.name}"

    def page_acts(self, item: DuplicateCase) -> Any:
        return super().page_acts(item) if item.state == DuplicateState.OPEN else []

    def quick_filter(self, query: Query, text: str) -> Query:
        fitting = select(Teacher.id).where(search.matches(text))
        return query.filter(
            or_(DuplicateCase.first_id.in_(fitting), DuplicateCase.second_id.in_(fitting))
        )

    def row_link(self, item: DuplicateCase) -> str:
        return address_of("DuplicateView", "show", pk=item.id)

    def row_name(self, item: DuplicateCase) -> str:
        return item.first.name

    def cell(self, item: DuplicateCase, column: str) -> Any:
        if column in ("first", "second"):
            return _place(getattr(item, column))
        if column == "waiting":
            if item.state != DuplicateState.OPEN:
                return None
            days = queue.age_of(item.found_at, present_catalog())
            return Badge(_("%(n)s working day(s)", n=days), "clock", "draft")
        return super().cell(item, column)

    @row_action("dismiss", _l("Different persons"), icon="circle-check", reason="required")
    def dismiss(self, selection: Selection) -> Any:
        """Say of the chosen pairs that they are different persons; each is decided by itself."""
        session, outcomes = db.session(), []
        for item in [*selection.items()]:
            name, href = item.first.name, self.row_link(item)
            try:
                with session.begin_nested():
                    duplicate.dismiss(session, current_actor(), item, selection.reason)
            except AppError as refusal:
                outcomes.append(Outcome(name, href, False, str(refusal)))
            else:
                outcomes.append(Outcome(name, href, True))
        session.commit()
        if all(each.ok for each in outcomes):
            return None
        return self.outcome_page(_("Possible duplicates"), outcomes)


def _note_openings(own: Session, keys: Sequence[int]) -> None:
    for key in keys:
        reveal.note_opening(own, current_actor(), key, visiting=True)


def _place(file: Teacher) -> str:
    return f"{file.name} · {file.school.name}"


def _address(file: Teacher) -> str:
    return address_of("FileView", "show", pk=file.id)


def _standing(case: DuplicateCase) -> Iterator[Line]:
    """What tells how the files stand, alike or not."""
    known = present_catalog()
    told = {
        column_label("teacher_no"): lambda file: text_of(file.teacher_no),
        _l("State"): lambda file: str(review_state(file.state).label),
        _l("Staff status"): lambda file: status_label(file, known),
        _l("Opened"): lambda file: text_of(file.created_at),
    }
    for name, words in told.items():
        yield Line(name, (words(case.first), words(case.second)))


def _differences(case: DuplicateCase) -> Iterator[Line]:
    """The values of the basic set that differ, masked as on the page of a file. What cannot be
    read counts as different."""
    session, actor, known = db.session(), current_actor(), present_catalog()
    rows = [next(iter(contents.records(session, file, SET)), None) for file in case.files]
    shown: dict[str, Any] = {
        item.code: item
        for file in case.files
        for item in visible(actor, known.set(SET), file.category, known)
        if not (item.computed or attachment.is_file(item))
        and item.code not in KEPT_ON_TEACHER.get(SET, ())
    }
    for item in shown.values():
        first, second = (row and row.value(item.code) for row in rows)
        if first == second and first is not UNREADABLE:
            continue
        words = [
            text_of(value and shown_value(actor, item, value, known, file.category))
            for value, file in zip((first, second), case.files, strict=True)
        ]
        yield Line(known.name(item, language()), (words[0], words[1]))
