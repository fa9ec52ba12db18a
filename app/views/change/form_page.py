"""One request about what is proposed for a record of an effective file."""

from collections.abc import Mapping
from typing import Any

from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.access.fields import View, may_add, may_change, view_on_file
from app.access.scope import scoped_get
from app.core.errors import Forbidden, NotFound
from app.core.reference import Indicator
from app.core.sealed import UNREADABLE
from app.core.whole import whole_number
from app.extensions import db
from app.indicators.values import as_text
from app.models.change import ChangeKind
from app.models.change import RecordChange as Process
from app.services import attachment, change
from app.services.file import Right
from app.views.open_process import may_ask
from app.views.record_form import KEPT, Context, shown_value, value_of
from app.views.teacher.row_page import Page, draft_data


class FormPage(Page):
    """The form of an addition or change: of a new record, of the blanks of one, or of a record.

    `item` is the draft that is altered, None for a new process. `stored` is the row whose values
    the inputs show at first.
    """

    proposes = True

    def __init__(
        self, pk: int, set_code: str, record_uuid: str | None, kind: str, item: Any = None
    ) -> None:
        super().__init__(pk, set_code, record_uuid)
        if kind == ChangeKind.ADD and self.record is not None:
            kind = ChangeKind.FILL  # The blanks of the one row of a set.
        self.kind, self.item = kind, item
        self.stored = self.record if item is None else change.pending_row(self.session, item)

    @property
    def right(self) -> Right:
        """The right that is asked of each value."""
        return may_change if self.kind == ChangeKind.MODIFY else self._may_add

    def _may_add(self, actor: Any, teacher: Any, item: Indicator, catalog: Any) -> bool:
        return not self._is_filled(item) and may_add(actor, teacher, item, catalog)

    @property
    def is_locked(self) -> bool:
        if not self.teacher.is_in_force:
            return True
        return self.item is not None and not change.may_edit_draft(self.actor, self.item)

    def require_right(self) -> None:
        """Raise Forbidden when nothing here is this person's to ask for."""
        whole = may_change if self.kind == ChangeKind.MODIFY else may_add
        if not may_ask(self.actor, self.teacher, self.set_code, whole, self.catalog):
            raise Forbidden()

    def context(self) -> Context:
        """Return what the form is made from."""
        return Context(
            self.actor,
            self.teacher,
            self.set_code,
            self.catalog,
            self.stored,
            elsewhere=self._elsewhere,
            right=self.right,
            locks=self._locks,
            beside=self._in_force(),
        )

    def _is_filled(self, item: Indicator) -> bool:
        of_record = self.record is not None
        return of_record and value_of(self.record, self.teacher, item) not in (None, "")

    def _locks(self, item: Indicator) -> str:
        """Why a value that is in force cannot be said anew by an addition."""
        if self.kind == ChangeKind.FILL and self._is_filled(item) and not item.read_only:
            return _("This has a value in force. It is altered or deleted by a change.")
        return ""

    def _in_force(self) -> Mapping[str, str]:
        """What is in force, in words for the side of each input of a change."""
        if self.kind != ChangeKind.MODIFY or self.record is None:
            return {}
        category, found = self.teacher.school.category, {}
        for item in self.catalog.indicators(self.set_code):
            value = value_of(self.record, self.teacher, item)
            if attachment.is_file(item) or view_on_file(self.actor, item) is View.HIDDEN:
                continue
            words = shown_value(self.actor, item, value, self.catalog, category)
            found[item.code] = _("In force: %(value)s", value=words or _("blank"))
        return found

    def copied(self) -> MultiDict | None:
        """Return the inputs filled with what an earlier process of this set proposed; None when
        none is to be copied. Raises NotFound for one of another file or set."""
        if "copy" not in request.args:
            return None
        key = whole_number(request.args["copy"])
        earlier: Process = scoped_get(db.session(), Process, key or 0)
        row = change.proposed_row(self.session, earlier)
        if (earlier.teacher_id, earlier.set) != (self.teacher.id, self.set_code) or row is None:
            raise NotFound()
        return self._filled_with(row)

    def _filled_with(self, row: Any) -> MultiDict:
        context = self.context()
        texts: dict[str, str] = {}
        for item in context.editable:
            value = row.value(item.code)
            if value is not UNREADABLE and view_on_file(self.actor, item) is View.WHOLE:
                texts[item.code] = as_text(item, value)
        data = draft_data(context, texts)
        for item in context.editable:
            if attachment.is_file(item):
                data[f"{item.code}{KEPT}"] = texts.get(item.code, "")
        return data
