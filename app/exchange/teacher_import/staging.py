"""Staged rows: sealed values waiting for the commit, and what an applied row had before."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from app.core.crypto import SealBroken, seal, unseal
from app.core.reference import Indicator
from app.core.sealed import REMEDY, UNREADABLE, note_broken
from app.exchange.teacher_import.finding import Finding, finding, has_errors
from app.exchange.teacher_import.reading import ReadRow
from app.indicators.catalog import Catalog
from app.indicators.values import as_text
from app.models.exchange import ImportRow

CHUNK = 1000
PERSONS = 500  # In one batch, and in one transaction where good rows are taken.
TABLE = ImportRow.__tablename__
# Plain columns: thousands of rows pass by and none is changed through the ORM.
COLUMNS = tuple(
    getattr(ImportRow, name)
    for name in ("id", "uuid", "sheet", "set", "row", "person", "values", "problems", "outcome")
)

# What a row is expected to do, later what it did.
INSERTED, UPDATED, UNCHANGED, REFUSED = "inserted", "updated", "unchanged", "refused"


@dataclass
class StagedRow:
    """A staged row with its plain values; `person` is the blind index of the ID number.

    `is_lost` tells that its values cannot be read any more.
    """

    id: int
    uuid: str
    sheet: str
    set: str
    number: int
    person: bytes | None
    name: str | None
    id_no: str | None
    values: dict[str, Any]
    findings: list[Finding] = field(default_factory=list)
    is_lost: bool = False

    @property
    def is_bad(self) -> bool:
        return has_errors(self.findings)


def stage_rows(session: Session, batch_id: int, rows: Iterable[ReadRow], catalog: Catalog) -> int:
    """Keep rows that were read, in pieces of flat memory; return how many."""
    count, rows = 0, iter(rows)
    while piece := list(islice(rows, CHUNK)):
        session.execute(insert(ImportRow), [_columns(batch_id, row, catalog) for row in piece])
        count += len(piece)
    return count


def persons_of(session: Session, batch_id: int) -> list[bytes]:
    """The persons that the rows of a batch name, in the order of the workbook."""
    query = (
        select(ImportRow.person)
        .where(ImportRow.batch_id == batch_id, ImportRow.person.is_not(None))
        .group_by(ImportRow.person)
        .order_by(func.min(ImportRow.id))
    )
    return [bytes(person) for person in session.scalars(query) if person is not None]


def persons_waiting(session: Session, batch_id: int) -> list[bytes]:
    """The persons with rows that can be taken and were not yet, in the order of the workbook."""
    query = (
        select(ImportRow.person)
        .where(
            ImportRow.batch_id == batch_id,
            ImportRow.person.is_not(None),
            ImportRow.teacher_id.is_(None),
            ImportRow.outcome != REFUSED,
        )
        .group_by(ImportRow.person)
        .order_by(func.min(ImportRow.id))
    )
    return [bytes(person) for person in session.scalars(query) if person is not None]


def rows_of(
    session: Session, batch_id: int, persons: Sequence[bytes], catalog: Catalog
) -> list[StagedRow]:
    """The rows of some persons in the order of the workbook."""
    query = (
        select(*COLUMNS)
        .where(ImportRow.batch_id == batch_id, ImportRow.person.in_(persons))
        .order_by(ImportRow.id)
    )
    return [staged(row, catalog) for row in session.execute(query)]


def staged(row: Any, catalog: Catalog) -> StagedRow:
    """A row with its values unsealed; without values when they were deleted by age, and with an
    error when they cannot be read."""
    found, is_lost = list(row.problems or ()), False
    try:
        body = unseal_json(row.values, "values", row.uuid) or {}
    except SealBroken as broken:
        note_broken(broken, table=TABLE, column="values", uuid=row.uuid)
        body, is_lost = {}, True
        found.append(finding("unreadable", lambda: REMEDY))
    items = _items(row.set, catalog)
    return StagedRow(
        id=row.id,
        uuid=row.uuid,
        sheet=row.sheet,
        set=row.set,
        number=row.row,
        person=None if row.person is None else bytes(row.person),
        name=body.get("name"),
        id_no=body.get("id_no"),
        values={code: typed(items[code], text) for code, text in body.get("values", {}).items()},
        findings=found,
        is_lost=is_lost,
    )


def put_back(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write columns of many staged rows in one statement; each mapping names `id` and the same
    columns."""
    rows = list(rows)
    if not rows:
        return
    names = [name for name in rows[0] if name != "id"]
    table = ImportRow.__table__
    statement = (
        update(table)
        .where(table.c.id == bindparam("row_id"))
        .values({name: bindparam(f"to_{name}", type_=table.c[name].type) for name in names})
    )
    parameters = [
        {"row_id": row["id"]} | {f"to_{name}": row[name] for name in names} for row in rows
    ]
    session.execute(statement, parameters)


def forget_rows(session: Session, batch_id: int) -> None:
    """Delete the staged rows of a batch."""
    session.execute(delete(ImportRow).where(ImportRow.batch_id == batch_id))


def seal_json(body: Any, column: str, uuid: str) -> bytes:
    """Seal plain JSON for a column of a staged row."""
    return seal(json.dumps(body, ensure_ascii=False), table=TABLE, column=column, uuid=uuid)


def unseal_json(blob: bytes | None, column: str, uuid: str) -> Any:
    """Open what seal_json() closed; None for nothing."""
    return None if blob is None else json.loads(unseal(blob, table=TABLE, column=column, uuid=uuid))


def texts(values: Mapping[str, Any], set_code: str, catalog: Catalog) -> dict[str, str | None]:
    """Plain values as JSON texts; None stays None, and what cannot be read is left out."""
    items = _items(set_code, catalog)
    return {
        code: None if value is None else as_text(items[code], value)
        for code, value in values.items()
        if value is not UNREADABLE
    }


def typed(item: Indicator, text: str | None) -> Any:
    """The plain value that texts() made a text of."""
    if text is None:
        return None
    if item.data_type == "date":
        return date.fromisoformat(text)
    if item.data_type == "decimal":
        return Decimal(text)
    if item.data_type == "int":
        return int(text)
    return text == "1" if item.data_type == "bool" else text


_by_code: "WeakKeyDictionary[Catalog, dict[str, dict[str, Indicator]]]" = WeakKeyDictionary()


def _items(set_code: str, catalog: Catalog) -> dict[str, Indicator]:
    """The indicators of a set by code; asked for every row."""
    kept = _by_code.setdefault(catalog, {})
    if set_code not in kept:
        kept[set_code] = {item.code: item for item in catalog.indicators(set_code)}
    return kept[set_code]


def in_batches(persons: Sequence[bytes], start: int = 0) -> Iterator[Sequence[bytes]]:
    """The persons in batches, from a position on."""
    for at in range(start, len(persons), PERSONS):
        yield persons[at : at + PERSONS]


def _columns(batch_id: int, row: ReadRow, catalog: Catalog) -> dict[str, Any]:
    uuid = uuid4().hex
    body = {
        "id_no": row.id_no,
        "name": row.name,
        "values": texts(row.values, row.set, catalog),
    }
    return {
        "uuid": uuid,
        "batch_id": batch_id,
        "sheet": row.sheet[:60],
        "set": row.set,
        "row": row.number,
        "person": row.person,
        "values": seal_json(body, "values", uuid),
        "problems": row.problems or None,
        "outcome": REFUSED if has_errors(row.problems) else None,
    }
