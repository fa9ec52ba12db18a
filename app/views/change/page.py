"""What the page of an addition or change prints: differences, evidence, the line of steps."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import View, is_collected, view_on_file
from app.access.roles import ROLE_LABELS
from app.core.reference import Indicator
from app.core.sealed import REMEDY, UNREADABLE
from app.indicators.catalog import Catalog, language
from app.models.account import Account
from app.models.change import ChangeKind
from app.models.change import RecordChange as Process
from app.models.record import KEPT_ON_TEACHER
from app.models.teacher import Teacher
from app.services import attachment, change, reveal
from app.views.record_form import shown_value


@dataclass(frozen=True)
class Cell:
    """One side of a line: what is in force, or what is to be."""

    text: str
    side: str
    href: str = ""
    is_sealed: bool = False
    error: str = ""


class Line(NamedTuple):
    """A value that differs."""

    label: str
    key: str
    before: Cell
    after: Cell


class Differences:
    """The values of which an addition or change says something else than the file, for a reader:
    masked as on the page of the file, and nothing of what the reader may not see."""

    def __init__(
        self, session: Session, actor: Actor, item: Process, teacher: Teacher, catalog: Catalog
    ) -> None:
        self.actor, self.item, self.catalog = actor, item, catalog
        self.category = teacher.school.category or ""
        self.before, self.after = (
            change.before_row(session, item),
            change.proposed_row(session, item),
        )
        self.shown = [
            each
            for each in catalog.indicators(item.set)
            if not each.computed
            and each.code not in KEPT_ON_TEACHER.get(item.set, ())
            and is_collected(each, self.category, catalog)
            and view_on_file(actor, each) is not View.HIDDEN
        ]
        has_files = any(attachment.is_file(each) for each in self.shown)
        self.files = attachment.names(session, teacher, item.set) if has_files else {}

    @property
    def is_lost(self) -> bool:
        """Whether what was proposed lapsed and is not kept."""
        return self.item.kind != ChangeKind.DELETE and self.after is None

    def lines(self) -> list[Line]:
        """The values that differ, in the order of the set."""
        return list(self._lines())

    def _lines(self) -> Iterator[Line]:
        lang, named = language(), set(self.item.fields)
        for each in self.shown:
            old, new = self._value(self.before, each), self._value(self.after, each)
            if self.item.kind == ChangeKind.DELETE:
                new, differs = None, old is not None
            elif self.item.kind == ChangeKind.ADD:
                differs = new is not None
            else:
                differs = each.code in named
            if differs:
                yield Line(
                    self.catalog.name(each, lang),
                    each.key,
                    self._cell(each, old, reveal.BEFORE),
                    self._cell(each, new, reveal.AFTER),
                )

    @staticmethod
    def _value(row: Any, item: Indicator) -> Any:
        return None if row is None else row.value(item.code)

    def _cell(self, item: Indicator, value: Any, side: str) -> Cell:
        if value is None:
            return Cell("", side)
        if attachment.is_file(item):
            kept = self.files.get(str(value))
            href = url_for("AttachmentView.download", uuid=kept.uuid) if kept else ""
            return Cell(kept.name if kept else _("A file that is gone"), side, href)
        text = shown_value(self.actor, item, value, self.catalog, self.category)
        lost = value is UNREADABLE
        sealed = not lost and view_on_file(self.actor, item) is View.SEALED
        return Cell(text, side, is_sealed=sealed, error=str(REMEDY) if lost else "")

    def title(self) -> str:
        """How the record is called among its like: its first plain value."""
        row = self.after if self.before is None else self.before
        for each in self.shown:
            value = self._value(row, each)
            if value not in (None, "") and not each.masked and not attachment.is_file(each):
                return shown_value(self.actor, each, value, self.catalog, self.category)
        return ""


def opener(session: Session, item: Process, teacher: Teacher) -> str:
    """Who opened a process, in which role."""
    account = session.get(Account, item.opened_by)
    name = account.display_name if account else ""
    role = str(ROLE_LABELS.get(item.opened_role, ""))  # type: ignore[call-overload]
    return " · ".join(filter(None, (name, role, teacher.school.name)))
