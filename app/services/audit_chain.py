"""The chain of seals over the audit log, its check, and the purge by age (SEC-44, SEC-45)."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hmac import compare_digest
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, delete, func, select, text
from sqlalchemy.orm import Session

from app.core import clock
from app.core.crypto import Key, KeyRing
from app.core.errors import Refused
from app.models.history import AUDIT_RETENTION_DAYS, Audit, AuditSeal
from app.services.audit import WRITER_LOCK, record

RETENTION = timedelta(days=AUDIT_RETENTION_DAYS)
SEAL_BATCH = 1000
MAC_SIZE = 16  # Bytes of a row's own HMAC within a seal.
ENTRY = 8 + MAC_SIZE
# The first half of a pair of advisory lock keys of PostgreSQL, "seal" in ASCII.
SEALER_LOCK = 0x7365616C


def seal_pending(session: Session, keys: KeyRing, *, limit: int = SEAL_BATCH) -> AuditSeal | None:
    """Seal up to `limit` rows that no seal covers yet; return the seal, None if there are none.

    The caller commits, and calls write_head() after that. Only one sealer works at a time:
    PostgreSQL by an advisory lock, SQLite because it has one writer; the numbers of seals and
    rows are unique besides, so that the chain cannot fork.

    A seal must never cover a range into which a row may still be committed. On SQLite all rows
    are written one transaction after the other. On PostgreSQL ids are handed out before commit,
    so a row with a lower id may appear later. Therefore every writer holds, until its end, a
    shared advisory lock whose key is the last id handed out *before* it took the lock: all its
    ids are higher. The sealer reads the highest id first and the locks second. A writer with an
    id up to that highest one took its lock before, so it is either over, and its rows are seen by
    the next statement, or found among the locks, and the sealer stays below its key. Nobody waits.
    (Each statement must have a snapshot of its own: READ COMMITTED, the default.)
    """
    if not _is_only_sealer(session):
        return None
    last = _last_seal(session)
    after = last.last_id if last else 0
    horizon = _horizon(session)
    rows = session.execute(_rows(after, horizon).limit(limit)).all()
    if not rows:
        return None
    key = keys.audit_key
    seal = AuditSeal(
        id=last.id + 1 if last else 1,
        first_id=rows[0].id,
        last_id=rows[-1].id,
        count=len(rows),
        rows=b"".join(_entry(key, row) for row in rows),
        key_id=key.id,
        at=clock.now(),
    )
    seal.hmac = key.mac(_seal_bytes(seal, last))
    session.add(seal)
    session.flush()
    return seal


def write_head(session: Session, keys: KeyRing, head_file: Path) -> None:
    """Note the last committed seal in a file, best on another disk (SEC-44).

    Raise Refused when the seal that the file names is not in the log: the log was cut, and the
    file must go on saying so. A file that has vanished is written anew and leaves an alert.
    """
    last = _last_seal(session)
    if last is None:
        return
    if head_file.exists():
        if _check_head(session, keys, head_file):
            raise Refused(_("The audit log does not agree with its head file."))
    elif last.id > 1:
        record(session, "alert", actor=None, detail={"audit_head": "missing"})
    key = keys.audit_key
    head = {"seal": last.id, "last_id": last.last_id, "hmac": last.hmac.hex(), "key_id": key.id}
    head["mac"] = key.mac(_canonical(head)).hex()
    head_file.parent.mkdir(parents=True, exist_ok=True)
    draft = head_file.with_name(f".{head_file.name}.new")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(head, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(head_file)


class Fault(StrEnum):
    """What verify() finds."""

    CHANGED = "changed"  # A row says something else than when it was sealed.
    MISSING = "missing"  # A sealed row is gone.
    ADDED = "added"  # A row stands in a sealed range that was not there.
    SEAL_CHANGED = "seal_changed"  # A seal itself, or the one before it, was altered.
    SEAL_MISSING = "seal_missing"  # The numbers of the seals have a gap.
    TAIL_CUT = "tail_cut"  # The head file knows seals or rows beyond the end of the log.
    HEAD_BROKEN = "head_broken"  # The head file is missing, unreadable or altered.
    KEY_MISSING = "key_missing"  # The key of a seal is not in the ring.


@dataclass(frozen=True)
class Finding:
    """One fault with the numbers of the seal and of the audit row it is about."""

    fault: Fault
    seal_id: int | None = None
    row_id: int | None = None

    def __str__(self) -> str:
        where = [f"seal {self.seal_id}"] if self.seal_id else []
        where += [f"row {self.row_id}"] if self.row_id else []
        return " ".join([self.fault, *where])


def verify(session: Session, keys: KeyRing, head_file: Path) -> list[Finding]:
    """Check the whole log against its seals and the head file; return what was tampered with.

    Rows that no seal covers yet are not judged. Whole seals at the start whose rows are gone are
    right if they are older than RETENTION: the purge took them.
    """
    findings: list[Finding] = []
    before: AuditSeal | None = None
    purged = True
    for seal in _seals(session):
        expected = before.id + 1 if before else 1
        findings += [Finding(Fault.SEAL_MISSING, seal_id=i) for i in range(expected, seal.id)]
        key = keys.key("audit", seal.key_id)
        if key is None:
            findings.append(Finding(Fault.KEY_MISSING, seal_id=seal.id))
        elif key.mac(_seal_bytes(seal, before)) != seal.hmac:
            findings.append(Finding(Fault.SEAL_CHANGED, seal_id=seal.id))
        # Where a seal is missing, nobody can say which rows between its neighbours are right.
        after = before.last_id if before and seal.id == expected else seal.first_id - 1
        rows = session.execute(_rows(after, seal.last_id)).all()
        purged = purged and not rows and seal.at < clock.now() - RETENTION
        if key and not purged:
            findings += _compare(seal, key, rows)
        before = seal
    return findings + _check_head(session, keys, head_file)


def purge(session: Session, before: datetime) -> int:
    """Delete the oldest audit rows, whole seals only; return their number.

    Raise Refused for rows that must be kept (SEC-45): all are kept for three years, which is
    more than the 180 days of technical ones, because the chain has both.
    """
    if before > clock.now() - RETENTION:
        raise Refused(_("Audit rows are kept for three years."))
    due = select(func.max(AuditSeal.last_id)).where(AuditSeal.at < before)
    last_id = session.scalar(due)
    if last_id is None:
        return 0
    gone = session.execute(delete(Audit).where(Audit.id <= last_id).returning(Audit.id))
    count = len(gone.all())
    record(session, "purge", actor=None, detail={"rows": count, "last_id": last_id})
    return count


_OLDEST_WRITER = text(
    "SELECT min(objid::bigint) FROM pg_locks"
    " WHERE locktype = 'advisory' AND objsubid = 2 AND classid::bigint = :lock"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_LOCK_AS_SEALER = text("SELECT pg_try_advisory_xact_lock(:lock, 0)")


def _is_only_sealer(session: Session) -> bool:
    return _is_sqlite(session) or bool(session.scalar(_LOCK_AS_SEALER, {"lock": SEALER_LOCK}))


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _horizon(session: Session) -> int:
    """Return the highest id below which no transaction can still add a row."""
    highest = session.scalar(select(func.max(Audit.id))) or 0
    if _is_sqlite(session):
        return highest
    oldest = session.scalar(_OLDEST_WRITER, {"lock": WRITER_LOCK})
    return highest if oldest is None else min(highest, oldest)


def _last_seal(session: Session) -> AuditSeal | None:
    return session.scalars(select(AuditSeal).order_by(AuditSeal.id.desc()).limit(1)).first()


def _seals(session: Session) -> Iterator[AuditSeal]:
    table, last = AuditSeal.__table__, 0
    while True:
        page = select(table).where(table.c.id > last).order_by(table.c.id).limit(20)
        rows = session.execute(page).mappings().all()
        if not rows:
            return
        # Loose objects: the session of the caller does not keep the whole chain.
        yield from (AuditSeal(**row) for row in rows)
        last = rows[-1]["id"]


def _rows(after: int, last_id: int) -> Select[Any]:
    columns = Audit.__table__.c
    return select(*columns).where(columns.id > after, columns.id <= last_id).order_by(columns.id)


def _canonical(value: Any) -> bytes:
    text = json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_moment
    )
    return text.encode()


def _moment(value: datetime) -> str:
    return value.isoformat(timespec="microseconds")


def _entry(key: Key, row: Any) -> bytes:
    return row.id.to_bytes(8, "big") + key.mac(_canonical(row._asdict()))[:MAC_SIZE]


def _seal_bytes(seal: AuditSeal, before: AuditSeal | None) -> bytes:
    head = [seal.id, seal.first_id, seal.last_id, seal.count, seal.key_id, _moment(seal.at)]
    return _canonical([head, seal.rows.hex(), before.hmac.hex() if before else ""])


def _compare(seal: AuditSeal, key: Key, rows: Sequence[Any]) -> list[Finding]:
    sealed = {
        int.from_bytes(seal.rows[i : i + 8], "big"): seal.rows[i : i + ENTRY]
        for i in range(0, len(seal.rows), ENTRY)
    }
    found = {row.id: _entry(key, row) for row in rows}
    findings = [Finding(Fault.MISSING, seal.id, i) for i in sealed if i not in found]
    findings += [Finding(Fault.ADDED, seal.id, i) for i in found if i not in sealed]
    changed = (i for i in found if i in sealed and found[i] != sealed[i])
    return findings + [Finding(Fault.CHANGED, seal.id, i) for i in changed]


def _check_head(session: Session, keys: KeyRing, head_file: Path) -> list[Finding]:
    head = _read_head(keys, head_file)
    if head is None:
        broken = head_file.exists() or _last_seal(session) is not None
        return [Finding(Fault.HEAD_BROKEN)] if broken else []
    known = session.scalar(select(AuditSeal.hmac).where(AuditSeal.id == head["seal"]))
    if known is None:
        return [Finding(Fault.TAIL_CUT, head["seal"], head["last_id"])]
    if known.hex() != head["hmac"]:
        return [Finding(Fault.SEAL_CHANGED, head["seal"])]
    return []


def _read_head(keys: KeyRing, head_file: Path) -> dict[str, Any] | None:
    """Return the content of the head file, None when it is missing or not written by us."""
    try:
        head = json.loads(head_file.read_text(encoding="utf-8"))
        mac, key = bytes.fromhex(head.pop("mac")), keys.key("audit", head["key_id"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return head if key and compare_digest(key.mac(_canonical(head)), mac) else None
