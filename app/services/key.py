"""The keys of an installation: what they have sealed, and the change to the next ones (SEC-41)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    LargeBinary,
    Table,
    and_,
    delete,
    exists,
    func,
    inspect,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.core import clock
from app.core.crypto import (
    KeyRing,
    SealBroken,
    index_columns,
    reseal,
    ring_in_use,
    seal_header,
    unseal,
)
from app.core.database import reads_only
from app.models.exchange import ImportRow
from app.models.hint import CorrectionHint
from app.models.key import KeyFingerprint
from app.models.record import SETS, index_kind
from app.models.report import ReportBatch, ReportItem
from app.models.saved_view import FormDraft
from app.models.snapshot import FileSnapshot
from app.models.teacher import Teacher
from app.services import audit
from app.services.report import place_of
from app.services.storage import Storage

BATCH = 500
PRINTS: Any = KeyFingerprint.__table__


@dataclass(frozen=True)
class Place:
    """A column of sealed values; `kind` is the spelling of its blind index, where it has one."""

    table: Table
    column: str
    kind: str | None = None

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.column}"

    @property
    def value(self) -> Column[Any]:
        return self.table.c[self.column]


# Bytes that are no sealed values.
NOT_SEALED = {
    "audit_seal.rows": "the chain of the audit log",
    "audit_seal.hmac": "the chain of the audit log",
    "import_row.person": "a blind index, staged for a day",
}


def places() -> list[Place]:
    """Return every column of the database that holds sealed values."""
    found = [Place(Teacher.__table__, "id_no", "idcard")]
    for cls in SETS.values():
        sealed = [item for item in cls.indicator_set.indicators if item.sealed]
        found += [Place(cls.__table__, item.code, index_kind(item)) for item in sealed]
    rows: tuple[tuple[Any, str], ...] = (
        (ImportRow, "values"), (ImportRow, "before"), (FormDraft, "body"),
        (FileSnapshot, "body"), (CorrectionHint, "text"), (ReportItem, "payload"),
    )  # fmt: skip
    return found + [Place(cls.__table__, column) for cls, column in rows]


def broken(session: Session) -> Iterator[tuple[str, int]]:
    """Yield place and id of every sealed value that cannot be opened (SEC-39); reads them all."""
    for place in places():
        query = _sealed(place).execution_options(yield_per=BATCH, unscoped=True)
        for row in session.execute(query):
            try:
                unseal(
                    bytes(row.value),
                    table=place.table.name,
                    column=place.column,
                    uuid=_uuid(place, row),
                )
            except SealBroken:
                yield place.name, row.id


def _sealed(place: Place) -> Any:
    columns = [place.table.c.id, place.value.label("value"), *_identity(place)]
    query = select(*columns).where(place.value.is_not(None))
    if place.table is ReportItem.__table__:
        query = query.join(ReportBatch, ReportBatch.id == place.table.c.batch_id)
    return query


def check(connection: Connection, ring: KeyRing) -> None:
    """Raise KeyProblem when a key that the database was written with is missing or another one.

    A database that has no tables yet was written with none.
    """
    if inspect(connection).has_table(PRINTS.name):
        stored = connection.execute(select(PRINTS.c.name, PRINTS.c.fingerprint))
        ring.check({row.name: row.fingerprint for row in stored})


def check_and_note(engine: Engine, ring: KeyRing) -> None:
    """As check(), at the start of a process; remembers the keys that write from now on."""
    token = reads_only.set(True)
    try:
        with engine.connect() as connection:
            check(connection, ring)
            fresh = _unknown(connection, ring)
    finally:
        reads_only.reset(token)
    if not fresh:
        return
    prints, moment = ring.fingerprints(), clock.now()
    with engine.begin() as connection:
        for name in fresh:
            row = {"name": name, "fingerprint": prints[name], "since": moment}
            # Another process may be starting too.
            connection.execute(_insert_once(connection, row))
        check(connection, ring)


def _unknown(connection: Connection, ring: KeyRing) -> list[str]:
    """The keys that write and have no fingerprint yet; none in a database without tables."""
    if not inspect(connection).has_table(PRINTS.name):
        return []
    return sorted(_writing(ring) - set(connection.scalars(select(PRINTS.c.name))))


def rotate(session: Session, storage: Storage) -> Iterator[tuple[str, int]]:
    """Bring all values, indexes and files to the keys in force; yield place and number per batch.

    Each batch is committed with its audit row, so that it may be broken off at any point and goes
    on with what is left. A value that is changed meanwhile is left to whoever changes it. Values
    that cannot be opened are left as they are and named by left().
    """
    for place in places():
        after = 0
        while batch := _outdated(session, place, after):
            count = sum(_renew(session, place, row) for row in batch)
            after = batch[-1].id
            _note(session, place.name, count)
            session.commit()
            yield place.name, count
    count = 0
    for name in storage.names():
        if not storage.is_current(name):
            storage.reseal(name)
            count += 1
    if count:
        _note(session, "stored files", count)
        session.commit()
        yield "stored files", count


def left(session: Session, storage: Storage) -> list[str]:
    """Return the places that still hold something under another key."""
    found = [
        place.name
        for place in places()
        if session.scalar(select(exists().where(place.value.is_not(None), _is_outdated(place))))
    ]
    if any(not storage.is_current(name) for name in storage.names()):
        found.append("stored files")
    return found


def retire(session: Session) -> list[str]:
    """Forget the fingerprints of keys that nothing is written with any more; return their names.

    Call it when nothing is left(); the keys may then be taken out of the ring. Keys of the audit
    log stay: its seals are checked with them.
    """
    names = set(session.scalars(select(PRINTS.c.name)))
    gone = sorted(name for name in names - _writing(ring_in_use()) if not name.startswith("audit:"))
    if gone:
        session.execute(delete(KeyFingerprint).where(KeyFingerprint.name.in_(gone)))
        audit.record(session, "keys", actor=None, detail={"retired": gone})
    return gone


def _writing(ring: KeyRing) -> set[str]:
    keys = [ring.field_key, ring.index_key, ring.next_index_key, ring.audit_key]
    return {key.name for key in keys if key}


def _insert_once(connection: Connection, row: dict[str, Any]) -> Any:
    is_sqlite = connection.dialect.name == "sqlite"
    insert = sqlite.insert if is_sqlite else postgresql.insert
    return insert(PRINTS).values(row).on_conflict_do_nothing(index_elements=["name"])


def _is_outdated(place: Place) -> Any:
    """Whether a value is sealed with another key, or an index is missing or left over."""
    tests = [func.substr(place.value, 1, 2, type_=LargeBinary) != seal_header()]
    if place.kind:
        for name, index in index_columns(place.column, "1", place.kind).items():
            column = place.table.c[name]
            tests.append(column.is_not(None) if index is None else column.is_(None))
    return or_(*tests)


def _outdated(session: Session, place: Place, after: int) -> list[Any]:
    query = _sealed(place).where(place.table.c.id > after, _is_outdated(place))
    return list(session.execute(query.order_by(place.table.c.id).limit(BATCH)))


def _identity(place: Place) -> list[Any]:
    if place.table is ReportItem.__table__:
        return [ReportBatch.number, place.table.c.teacher_id]
    return [place.table.c.uuid]


def _uuid(place: Place, row: Any) -> UUID | str:
    if place.table is ReportItem.__table__:
        return place_of(row.number, row.teacher_id)
    return str(row.uuid)


def _renew(session: Session, place: Place, row: Any) -> int:
    """Write a value anew unless somebody has changed it meanwhile; return 1 when written."""
    where: dict[str, Any] = {
        "table": place.table.name,
        "column": place.column,
        "uuid": _uuid(place, row),
    }
    old = bytes(row.value)
    try:
        new: dict[str, Any] = {
            place.column: old if old.startswith(seal_header()) else reseal(old, **where)
        }
        if place.kind:
            new |= index_columns(place.column, unseal(old, **where), place.kind)
    except SealBroken:
        return 0
    mine = and_(place.table.c.id == row.id, place.value == old)
    done = session.execute(update(place.table).where(mine).values(new))
    return int(done.rowcount)  # type: ignore[attr-defined]


def _note(session: Session, place: str, count: int) -> None:
    audit.record(session, "keys", actor=None, detail={"place": place, "count": count})
