"""One request about the form of one row: whose file, which set, which record."""

from collections.abc import Mapping
from typing import Any

from flask import url_for
from werkzeug.datastructures import MultiDict

from app.access.actor import current_actor
from app.access.fields import may_edit_set
from app.access.roles import Role
from app.core.errors import Forbidden
from app.core.reference import IndicatorSet
from app.extensions import db
from app.indicators.rules import codes_of
from app.services import contents, draft, filling
from app.views.labels import present_catalog
from app.views.record_form import Context, texts_of
from app.views.teacher.content import return_notes
from app.views.teacher.file import load_teacher, require_set


class Page:
    """One request about the form of one row."""

    proposes = False  # Whether the row is proposed for a file that is in force.

    def __init__(self, pk: int, set_code: str, record_uuid: str | None) -> None:
        self.session, self.actor, self.catalog = db.session(), current_actor(), present_catalog()
        self.teacher, _photo = load_teacher(pk)
        require_set(self.actor, self.teacher, set_code, self.catalog)
        self.set_code, self.uuid = set_code, record_uuid
        self.record = self.read_record()

    @property
    def entry(self) -> IndicatorSet:
        return self.catalog.set(self.set_code)

    @property
    def key(self) -> str:
        return draft.row_key(self.teacher.id, self.set_code, self.uuid or draft.NEW)

    def read_record(self) -> Any:
        """Return the row as it is stored; None where there is none yet."""
        if self.uuid is not None:
            return contents.find_record(self.session, self.teacher, self.set_code, self.uuid)
        if self.entry.multi_row:
            return None
        rows = contents.records(self.session, self.teacher, self.set_code)
        return rows[0] if rows else None

    def require_right(self) -> None:
        """Raise Forbidden when nothing of the set is this person's to fill in."""
        if not may_edit_set(self.actor, self.teacher, self.set_code, self.catalog):
            raise Forbidden()

    @property
    def is_locked(self) -> bool:
        return not filling.is_open_to(self.actor, self.teacher)

    def context(self) -> Context:
        """Return what the form is made from."""
        return Context(
            self.actor,
            self.teacher,
            self.set_code,
            self.catalog,
            self.record,
            elsewhere=self._elsewhere,
            notes=self._notes(),
        )

    def _elsewhere(self, set_code: str, code: str) -> Any:
        entry = self.catalog.set(set_code)
        if entry.multi_row:
            return None
        rows = contents.records(self.session, self.teacher, set_code)
        return rows[0].values().get(code) if rows else None

    def _notes(self) -> dict[str, str]:
        found = return_notes(self.teacher)
        mine = {}
        for place, words in found.items():
            key, _at, record = place.partition("@")
            if not record or record == self.uuid:
                mine[key] = words
        return mine

    def url(self, endpoint: str) -> str:
        """Return an address of this row."""
        place: dict[str, Any] = {"pk": self.teacher.id, "set_code": self.set_code}
        if endpoint.startswith("DraftView."):
            place["record"] = self.uuid or draft.NEW
        elif self.uuid is not None and endpoint != "RowView.add":
            place["record"] = self.uuid
        return url_for(endpoint, **place)

    def set_url(self) -> str:
        """Return where the set stands in the file, for its owner in the own file."""
        if self.actor.teacher_id == self.teacher.id and self.actor.role == Role.TEACHER:
            return url_for("MyFileView.set_page", set_code=self.set_code)
        return url_for("FileView.show", pk=self.teacher.id, _anchor=f"set-{self.set_code}")


def draft_data(context: Context, draft: Mapping[str, str]) -> MultiDict:
    """Return the inputs of a form with what was typed and not saved laid over the stored values."""
    data: MultiDict = MultiDict()
    stored = texts_of(context)
    for item in context.editable:
        given = draft.get(item.code, stored[item.code])
        if item.multi_value:
            values = list(codes_of(given)) if isinstance(given, str) else given
            data.setlist(item.code, values)
        else:
            data[item.code] = given
    return data
