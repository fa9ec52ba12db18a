"""What changed in a file since its last submission: old and new side by side (D6).

The comparison stands on one sealed snapshot per file, written when the file is returned or
withdrawn: at that moment its content is what was submitted, so the usual file, which is never
returned, costs nothing. The audit log would tell which fields were touched, but not what they
said before, and a value typed and taken back would count as a change.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.crypto import SealBroken, seal, unseal
from app.core.reference import Indicator
from app.core.sealed import UNREADABLE, note_broken
from app.indicators.catalog import Catalog
from app.indicators.file import FileData
from app.indicators.values import LOST, as_text
from app.models.snapshot import FileSnapshot
from app.models.teacher import Teacher
from app.services.among import among
from app.services.contents import file_data

TABLE, COLUMN = FileSnapshot.__tablename__, "body"
# What was taken back before anybody decided.
TAKEN_BACK = frozenset({"withdraw", "withdraw_report"})

# set -> record -> indicator -> text; a "none to report" is a record without values.
Content = Mapping[str, Mapping[str, Mapping[str, str]]]
NONE = "none"


@dataclass(frozen=True)
class FieldChange:
    """One value that differs; None stands for a blank one."""

    indicator: Indicator
    old: Any
    new: Any


@dataclass(frozen=True)
class RecordChange:
    """One record that differs. `kind` is added, removed or changed; `none` tells that it is the
    answer "none to report"."""

    set: str
    record: str
    kind: str
    fields: tuple[FieldChange, ...]
    none: bool = False


@dataclass(frozen=True)
class Comparison:
    """The differences of a file since the submission that ended at `since` by the step named;
    `is_lost` where what was submitted cannot be read any more."""

    since: datetime
    step: str
    records: tuple[RecordChange, ...]
    is_lost: bool = False

    @property
    def count(self) -> int:
        """How many values differ; an answer counts as one."""
        return sum(len(each.fields) or 1 for each in self.records)


def keep(session: Session, files: Sequence[Teacher], step: str, catalog: Catalog) -> None:
    """Keep what the files say as the last submission. A withdrawal keeps an earlier return: what
    was withdrawn before anybody decided is nothing to compare with."""
    if step in TAKEN_BACK:
        known = select(FileSnapshot.teacher_id).where(_of(session, files))
        kept = set(session.scalars(known))
        files = [file for file in files if file.id not in kept]
    if not files:
        return
    session.execute(
        delete(FileSnapshot).where(_of(session, files)).execution_options(synchronize_session=False)
    )
    content = file_data(session, files, catalog, with_facts=False)
    stamp = now()
    rows = []
    for file in files:
        uuid = uuid4().hex
        body = json.dumps(_content(content[file.id], catalog), ensure_ascii=False)
        rows.append(
            {
                "uuid": uuid,
                "teacher_id": file.id,
                "school_id": file.school_id,
                "authority_id": file.authority_id,
                "at": stamp,
                "step": step,
                "body": seal(body, table=TABLE, column=COLUMN, uuid=uuid),
            }
        )
    session.execute(insert(FileSnapshot), rows)


def count(session: Session, files: Sequence[Teacher], catalog: Catalog) -> None:
    """Write the number of changes beside each kept submission, for lists."""
    kept = session.scalars(select(FileSnapshot).where(_of(session, files))).all()
    if not kept:
        return
    again = {each.teacher_id for each in kept}
    chosen = [file for file in files if file.id in again]
    content = file_data(session, chosen, catalog, with_facts=False)
    for each in kept:
        found = _comparison(each, content[each.teacher_id], catalog)
        each.changes = None if found.is_lost else found.count


def counts(session: Session, ids: Iterable[int]) -> dict[int, int]:
    """How many values changed since the last submission, by file; none for a first one."""
    rows = session.execute(
        select(FileSnapshot.teacher_id, FileSnapshot.changes).where(
            among(session, FileSnapshot.teacher_id, ids), FileSnapshot.changes.is_not(None)
        )
    )
    return {key: number for key, number in rows if number is not None}


def since_submission(session: Session, file: Teacher, catalog: Catalog) -> Comparison | None:
    """What the file says otherwise than at its last submission; None when it had none before."""
    kept = session.scalar(select(FileSnapshot).where(FileSnapshot.teacher_id == file.id))
    if kept is None:
        return None
    content = file_data(session, [file], catalog, with_facts=False)
    return _comparison(kept, content[file.id], catalog)


def _of(session: Session, files: Sequence[Teacher]) -> Any:
    return among(session, FileSnapshot.teacher_id, [file.id for file in files])


def _comparison(kept: FileSnapshot, file: FileData, catalog: Catalog) -> Comparison:
    place = {"table": TABLE, "column": COLUMN, "uuid": kept.uuid}
    try:
        body = unseal(kept.body, **place)
    except SealBroken as broken:
        note_broken(broken, **place)
        return Comparison(kept.at, kept.step, (), is_lost=True)
    records = differences(json.loads(body), _content(file, catalog), catalog)
    return Comparison(kept.at, kept.step, tuple(records))


def _content(file: FileData, catalog: Catalog) -> dict[str, dict[str, dict[str, str]]]:
    """The entered values of a file as text; computed ones only repeat what others say."""
    content: dict[str, dict[str, dict[str, str]]] = {}
    for entry in catalog.teacher_sets:
        entered = [item for item in entry.indicators if not item.computed]
        for row in file.all(entry.code):
            texts = {item.code: as_text(item, row.get(item.code)) for item in entered}
            content.setdefault(entry.code, {})[row.uuid] = {k: v for k, v in texts.items() if v}
    for code in file.none_sets:
        content.setdefault(code, {})[NONE] = {}
    return content


def differences(old: Content, new: Content, catalog: Catalog) -> Iterable[RecordChange]:
    """The records that differ between two contents, in the order of the catalogue."""
    for entry in catalog.teacher_sets:
        before, after = old.get(entry.code, {}), new.get(entry.code, {})
        for record in {**before, **after}:
            found = _record_change(entry.code, record, before, after, catalog)
            if found is not None:
                yield found


def _record_change(
    set_code: str,
    record: str,
    before: Mapping[str, Mapping[str, str]],
    after: Mapping[str, Mapping[str, str]],
    catalog: Catalog,
) -> RecordChange | None:
    kind = "changed" if record in before and record in after else "removed"
    kind = "added" if record not in before else kind
    if record == NONE:
        return None if kind == "changed" else RecordChange(set_code, record, kind, (), none=True)
    then, today = before.get(record, {}), after.get(record, {})
    fields = tuple(
        FieldChange(item, _value(item, then.get(item.code)), _value(item, today.get(item.code)))
        for item in catalog.indicators(set_code)
        if then.get(item.code) != today.get(item.code)
    )
    if not fields and kind == "changed":
        return None
    return RecordChange(set_code, record, kind, fields)


def _value(item: Indicator, text: str | None) -> Any:
    """Read back what as_text wrote."""
    if text is None:
        return None
    if text == LOST:
        return UNREADABLE
    if item.data_type == "bool":
        return text == "1"
    if item.data_type == "date":
        return date.fromisoformat(text)
    if item.data_type == "decimal":
        return Decimal(text)
    return int(text) if item.data_type == "int" else text
