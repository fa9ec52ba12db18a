"""What the page of a file prints of its sets: facts, rows, findings, notes and gaps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import (
    View,
    may_add,
    may_change,
    may_edit_set,
    may_view_set,
    view_on_file,
    visible,
)
from app.core.reference import Indicator, IndicatorSet
from app.core.sealed import REMEDY, UNREADABLE
from app.indicators.catalog import Catalog, language
from app.models.account import Account
from app.models.attachment import Attachment
from app.models.change import ChangeKind
from app.models.hint import HintState
from app.models.teacher import FileProblem, NoneAnswer, ReviewState, Teacher
from app.services import attachment, check, contents, filling, hint
from app.services.file import Right
from app.services.listed import equals
from app.views.hint import Said, said
from app.views.labels import group_label, short_set_name
from app.views.listed import address
from app.views.open_process import (
    Waiting,
    add_url,
    change_url,
    fill_url,
    may_ask,
    open_of,
    remove_url,
)
from app.views.record_form import shown_value, value_of

MISSING = "DQ075"  # The rule that names what is required and not there.
TABLE_COLUMNS = 6  # A set with more indicators is drawn as cards, not as a table.


class Finding(NamedTuple):
    """A kept finding of the rules, worded for the reader."""

    code: str
    severity: str
    set: str | None
    field: str | None
    record: str | None
    message: str
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    key: int = 0
    nightly: bool = False

    @property
    def is_gap(self) -> bool:
        """Whether something required is missing."""
        return self.code == MISSING

    @property
    def is_open_warning(self) -> bool:
        """Whether it is a warning that somebody has yet to acknowledge."""
        is_open = self.severity == "warning" and self.acknowledged_at is None
        return is_open and not self.nightly


def findings(
    session: Session, actor: Actor, teacher: Teacher, set_code: str | None = None
) -> list[Finding]:
    """Return the kept findings of a file that the actor may see, with who acknowledged them."""
    statement = (
        select(FileProblem, Account)
        .outerjoin(Account, Account.id == FileProblem.acknowledged_by)
        .where(FileProblem.teacher_id == teacher.id)
        .order_by(FileProblem.severity, FileProblem.id)
    )
    if set_code is not None:
        statement = statement.where(FileProblem.set == set_code)
    return [
        Finding(
            row.code,
            row.severity,
            row.set,
            row.field,
            row.record,
            str(check.as_problem(row).message),
            by.display_name if by else "",
            row.acknowledged_at,
            row.id,
            row.nightly,
        )
        for row, by in session.execute(statement)
        if row.set is None or may_view_set(actor, row.set)
    ]


@dataclass(frozen=True)
class SetTab:
    """A set in the index of the file."""

    code: str
    name: str
    group: str
    count: int
    gaps: int
    errors: int
    href: str
    core: bool


def set_tabs(
    actor: Actor,
    teacher: Teacher,
    counts: Mapping[str, int],
    found: Sequence[Finding],
    catalog: Catalog,
    **arguments: Any,
) -> list[SetTab]:
    """Return the sets that the school's category collects and the actor sees, in order."""
    return [
        SetTab(
            entry.code,
            short_set_name(entry, catalog),
            group_label(entry.group_zh),
            counts.get(entry.code, 0),
            sum(each.is_gap for each in found if each.set == entry.code),
            sum(
                each.severity == "error" and not each.is_gap
                for each in found
                if each.set == entry.code
            ),
            url_for("FileView.set_part", pk=teacher.id, set_code=entry.code, **arguments),
            entry.core,
        )
        for entry in catalog.category_sets(teacher.school.category or "")
        if may_view_set(actor, entry.code)
    ]


@dataclass(frozen=True)
class Fact:
    """One indicator of one row as it is printed."""

    code: str
    key: str
    label: str
    value: str
    href: str = ""
    is_sealed: bool = False
    is_missing: bool = False
    note: str = ""
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    hints: tuple[Said, ...] = ()


class RowAct(NamedTuple):
    """What may be asked for of a record in force; `asks` is the question before it is posted."""

    label: str
    icon: str
    href: str
    asks: str = ""


@dataclass(frozen=True)
class RowPart:
    """One record of a set; `acts` and `waiting` are of records in force: what may be asked for of
    this one, and the addition or change of it that is open."""

    uuid: str
    facts: list[Fact]
    edit_url: str = ""
    findings: tuple[Finding, ...] = ()
    note: str = ""
    acts: tuple[RowAct, ...] = ()
    waiting: Waiting | None = None

    @property
    def title(self) -> str:
        """How the record is called among its like."""
        return next((fact.value for fact in self.facts if fact.value and not fact.href), "")

    def fact(self, code: str) -> Fact | None:
        """Return the fact of an indicator, None where it does not apply."""
        return next((fact for fact in self.facts if fact.code == code), None)


@dataclass(frozen=True)
class SetPart:
    """One set of a file with all that its panel prints."""

    entry: IndicatorSet
    name: str
    rows: list[RowPart]
    columns: list[tuple[str, str]]
    gaps: int = 0
    none_by: str | None = None
    none_at: datetime | None = None
    note: str = ""
    findings: tuple[Finding, ...] = ()
    urls: Mapping[str, str] = field(default_factory=dict)
    waiting: tuple[Waiting, ...] = ()

    @property
    def has_acts(self) -> bool:
        """Whether anything may be done with its rows."""
        return bool(self.url("add")) or any(row.acts or row.waiting for row in self.rows)

    @property
    def is_table(self) -> bool:
        """Whether the rows stand in a table."""
        return self.entry.multi_row and len(self.columns) <= TABLE_COLUMNS

    def url(self, name: str) -> str:
        """Return an address of the panel; an empty one is not offered."""
        return self.urls.get(name, "")


class SetReader:
    """Reads one set of one file for one reader."""

    def __init__(
        self,
        session: Session,
        actor: Actor,
        teacher: Teacher,
        set_code: str,
        *,
        catalog: Catalog,
        moment: datetime | None = None,
    ) -> None:
        self.session, self.actor, self.teacher, self.catalog = session, actor, teacher, catalog
        self.entry, self.moment = catalog.set(set_code), moment
        self.category = teacher.school.category or ""
        self.items = visible(actor, self.entry, self.category, catalog)
        self.notes = return_notes(teacher) if moment is None else {}
        self.found = findings(session, actor, teacher, set_code) if moment is None else []
        self.files = self._files()
        self.hints = self._hints()
        self.waiting = open_of(session, teacher, catalog, set_code) if moment is None else []

    def _files(self) -> Mapping[str, Attachment]:
        if any(attachment.is_file(item) for item in self.items):
            return attachment.names(self.session, self.teacher, self.entry.code)
        return {}

    def _hints(self) -> list[Said]:
        """What the teacher proposes for fields of the set and nobody has answered yet."""
        is_present = self.moment is None and self.teacher.is_in_force
        if not is_present or not hint.reads_hints(self.actor):
            return []
        rows = hint.of_file(self.session, self.teacher, self.entry.code, only_open=True)
        return said(rows, self.actor, self.catalog)

    def read(self) -> SetPart:
        """Return the panel."""
        records = contents.records(self.session, self.teacher, self.entry.code, self.moment)
        lang = language()
        urls = self._urls(bool(records))
        part = SetPart(
            self.entry,
            self.catalog.name(self.entry, lang),
            [self._row(record, bool(urls)) for record in records],
            [(item.code, self.catalog.name(item, lang)) for item in self.items],
            gaps=sum(each.is_gap for each in self.found),
            note=self.notes.get(self.entry.code, ""),
            findings=tuple(each for each in self.found if each.field is None),
            urls=(urls or self._asked_urls(records)) | self._answer_url(),
            waiting=tuple(each for each in self.waiting if each.kind == ChangeKind.ADD),
            **self._none_answer(),
        )
        if not records and not self.entry.multi_row and self.moment is None:
            part.rows.append(self._row(None, bool(urls)))
        return part

    def _none_answer(self) -> dict[str, Any]:
        if not self.entry.multi_row or self.moment is not None:
            return {}
        row = self.session.execute(
            select(NoneAnswer, Account)
            .outerjoin(Account, Account.id == NoneAnswer.answered_by)
            .where(NoneAnswer.teacher_id == self.teacher.id, NoneAnswer.set == self.entry.code)
        ).first()
        if row is None:
            return {}
        return {"none_by": row[1].display_name if row[1] else "", "none_at": row[0].at}

    def _urls(self, has_rows: bool) -> dict[str, str]:
        """Return what may be written here by this person at present."""
        if self.moment is not None or not filling.is_open_to(self.actor, self.teacher):
            return {}
        if not may_edit_set(self.actor, self.teacher, self.entry.code, self.catalog):
            return {}
        place: dict[str, Any] = {"pk": self.teacher.id, "set_code": self.entry.code}
        if not self.entry.multi_row:
            return {"edit": url_for("RowView.edit_only", **place)}
        urls = {"add": url_for("RowView.add", **place)}
        return urls if has_rows else urls | {"none": url_for("RowView.answer_none", **place)}

    def _answer_url(self) -> dict[str, str]:
        """Return where the hints of the set are answered, for the one who answers them."""
        if not self.hints or self.actor.teacher_id == self.teacher.id:
            return {}
        return {"hints": address("hint", (equals("state", HintState.OPEN),))}

    def _may_ask(self, right: Right) -> bool:
        of_present = self.moment is None and self.teacher.is_in_force
        return of_present and may_ask(
            self.actor, self.teacher, self.entry.code, right, self.catalog
        )

    def _asked_urls(self, records: Sequence[Any]) -> dict[str, str]:
        """What may be added to a set that is in force: a record, or the one row it has to have."""
        is_free = self.entry.multi_row or not (records or self.waiting)
        if not (is_free and self._may_ask(may_add)):
            return {}
        return {"add": add_url(self.teacher, self.entry.code)}

    def _asked(self, record: Any) -> tuple[RowAct, ...]:
        """What may be asked for of a record in force; nothing while something of it is open."""
        code, uuid = self.entry.code, record.uuid
        if self._open_of(uuid) is not None:
            return ()
        acts = []
        if self._has_blanks(record):
            acts.append(RowAct(_("Fill blanks"), "forms", fill_url(self.teacher, code, uuid)))
        if self._may_ask(may_change):
            acts.append(RowAct(_("Change"), "pencil", change_url(self.teacher, code, uuid)))
            if self.entry.multi_row:
                text = _("Draft the removal of this record? It stays in force until approved.")
                url = remove_url(self.teacher, code, uuid)
                acts.append(RowAct(_("Delete"), "trash", url, text))
        return tuple(acts)

    def _has_blanks(self, record: Any) -> bool:
        """Whether the record leaves something blank that is this person's to say."""
        if not self._may_ask(may_add):
            return False
        values = {item.code: value_of(record, self.teacher, item) for item in self.items}
        return any(
            values[item.code] in (None, "")
            and self._applies(item, values)
            and may_add(self.actor, self.teacher, item, self.catalog)
            for item in self.items
        )

    def _open_of(self, uuid: str) -> Waiting | None:
        return next((each for each in self.waiting if each.record == uuid), None)

    def _row(self, record: Any, may_edit: bool) -> RowPart:
        uuid = record.uuid if record is not None else ""
        mine = [each for each in self.found if each.record in (uuid, None, "")]
        values = {item.code: value_of(record, self.teacher, item) for item in self.items}
        facts = [
            fact
            for item in self.items
            if (fact := self._fact(item, values, uuid, mine)) is not None
        ]
        edit = ""
        if may_edit and record is not None and self.entry.multi_row:
            edit = url_for(
                "RowView.edit", pk=self.teacher.id, set_code=self.entry.code, record=uuid
            )
        note = self.notes.get(f"{self.entry.code}@{uuid}", "") if uuid else ""
        acts = () if record is None else self._asked(record)
        return RowPart(uuid, facts, edit, tuple(mine), note, acts, self._open_of(uuid))

    def _fact(
        self, item: Indicator, values: Mapping[str, Any], uuid: str, found: Iterable[Finding]
    ) -> Fact | None:
        value = values[item.code]
        if value is None and not self._applies(item, values):
            return None
        told = [each for each in found if each.field == item.code]
        gap = value is None and any(each.is_gap for each in told)
        lang = language()
        kept = self.files.get(str(value)) if attachment.is_file(item) else None
        return Fact(
            item.code,
            item.key,
            self.catalog.name(item, lang),
            kept.name if kept else self._text(item, value),
            href=url_for("AttachmentView.download", uuid=kept.uuid) if kept else "",
            is_sealed=value not in (None, UNREADABLE)
            and view_on_file(self.actor, item) is View.SEALED,
            is_missing=gap,
            note=self.notes.get(f"{item.key}@{uuid}", self.notes.get(item.key, "")),
            errors=(
                *((str(REMEDY),) if value is UNREADABLE else ()),
                *(e.message for e in told if e.severity == "error" and not e.is_gap),
            ),
            warnings=tuple(each.message for each in told if each.is_open_warning),
            hints=tuple(e for e in self.hints if (e.record, e.field) == (uuid, item.code)),
        )

    def _applies(self, item: Indicator, values: Mapping[str, Any]) -> bool:
        condition = self.catalog.condition(item)
        if condition is None or condition.set != self.entry.code:
            return True
        return condition.holds(lambda _set, code: values.get(code)) is True

    def _text(self, item: Indicator, value: Any) -> str:
        if attachment.is_file(item):
            return ""
        return shown_value(self.actor, item, value, self.catalog, self.category)


def return_notes(teacher: Teacher) -> Mapping[str, str]:
    """Return the reasons of a return by place, while the file is returned."""
    if teacher.state != ReviewState.RETURNED or not teacher.return_notes:
        return {}
    return teacher.return_notes.get("fields") or {}
