"""The chain of seals: tampering is named, open transactions are waited for, age is respected."""

import base64
import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import clock
from app.core.crypto import Suite
from app.core.errors import Refused
from app.core.keys import TextKeys, new_key, read_ring
from app.models.history import AUDIT_RETENTION_DAYS, Audit, AuditSeal
from app.services import audit, audit_chain
from app.services.audit_chain import Fault, Finding
from tests.databases import engine, fences_off  # noqa: F401

ACTOR = SimpleNamespace(account_id=7, assignment_id=8, role="school_admin", unit_id=9)


def new_ring(**changed):
    wanted = {"field": 1, "index": 1, "audit": 1} | changed
    keys = [new_key(use, key_id, Suite.COMMERCIAL) for use, key_id in wanted.items()]
    return read_ring(TextKeys(json.dumps({"keys": keys})), suite=2)


KEYS = new_ring()


@pytest.fixture
def session(engine):  # noqa: F811
    with Session(engine) as session:
        yield session


@pytest.fixture
def head(tmp_path):
    return tmp_path / "head"


def write(session, count=1):
    for _ in range(count):
        audit.record(
            session, "change", actor=ACTOR, object=("teacher", 3, 3), detail={"字段": "值"}
        )
    session.commit()


def seal(session, head, keys=KEYS, **options):
    made = audit_chain.seal_pending(session, keys, **options)
    session.commit()
    audit_chain.write_head(session, keys, head)
    session.commit()
    return made


@pytest.fixture
def chain(session, head):
    """Ten rows under three seals: 1-4, 5-8, 9-10."""
    write(session, 10)
    for _ in range(3):
        seal(session, head, limit=4)
    return session


def tamper(session, *statements):
    """Do what only the owner of the database can do."""
    if "fences" not in session.info:
        fences_off(session)
        session.info["fences"] = "off"
    for statement in statements:
        session.execute(text(statement))
    session.commit()
    session.expire_all()


def verify(session, head, keys=KEYS):
    return audit_chain.verify(session, keys, head)


def test_untouched_log_has_no_findings(chain, head):
    assert verify(chain, head) == []
    seals = chain.scalars(select(AuditSeal).order_by(AuditSeal.id)).all()
    assert [(each.first_id, each.last_id, each.count) for each in seals] == [
        (1, 4, 4),
        (5, 8, 4),
        (9, 10, 2),
    ]


def test_empty_log_is_whole_and_nothing_is_sealed(session, head):
    assert seal(session, head) is None
    assert verify(session, head) == []
    assert not head.exists()


def test_rows_are_sealed_once(chain, head):
    assert seal(chain, head) is None


def test_rows_that_no_seal_covers_are_not_judged(chain, head):
    write(chain)

    assert verify(chain, head) == []


@pytest.mark.parametrize(
    "change",
    [
        "reason = 'x'",
        "account_id = 8",
        "account_id = NULL",
        "at = '2026-01-01 00:00:00.000000'",
        "outcome = 'failed'",
        'detail = \'{"字段": "别的"}\'',
        "teacher_id = NULL, object_id = '4'",
    ],
)
def test_changed_row_is_named(chain, head, change):
    tamper(chain, f"UPDATE audit SET {change} WHERE id = 6")  # noqa: S608 - fixed texts

    assert verify(chain, head) == [Finding(Fault.CHANGED, 2, 6)]
    assert str(verify(chain, head)[0]) == "changed seal 2 row 6"


@pytest.mark.parametrize("row", [5, 6, 8])
def test_gap_is_named(chain, head, row):
    tamper(chain, f"DELETE FROM audit WHERE id = {row}")  # noqa: S608 - fixed texts

    assert verify(chain, head) == [Finding(Fault.MISSING, 2, row)]


def test_rows_written_into_the_past_are_named(chain, head):
    tamper(chain, "DELETE FROM audit WHERE id = 6", "UPDATE audit SET id = 6 WHERE id = 9")

    assert verify(chain, head) == [
        Finding(Fault.CHANGED, 2, 6),
        Finding(Fault.MISSING, 3, 9),
    ]


def test_row_put_between_two_seals_is_named(session, head):
    write(session, 3)
    tamper(session, "UPDATE audit SET id = 20 WHERE id = 3")
    seal(session, head, limit=2)
    seal(session, head)
    assert verify(session, head) == []

    tamper(
        session,
        "INSERT INTO audit (id, at, act, outcome) VALUES (15, '2026-01-01', 'change', 'done')",
    )

    assert verify(session, head) == [Finding(Fault.ADDED, 2, 15)]


def test_cut_tail_is_named_with_what_the_head_file_knows(chain, head):
    tamper(chain, "DELETE FROM audit WHERE id > 8", "DELETE FROM audit_seal WHERE id = 3")

    assert verify(chain, head) == [Finding(Fault.TAIL_CUT, 3, 10)]


def test_cut_tail_stays_named_when_the_chain_goes_on(chain, head):
    tamper(chain, "DELETE FROM audit WHERE id > 8", "DELETE FROM audit_seal WHERE id = 3")
    before = head.read_text()
    write(chain, 2)
    audit_chain.seal_pending(chain, KEYS)
    chain.commit()

    with pytest.raises(Refused, match="head file|审计日志"):
        audit_chain.write_head(chain, KEYS, head)

    assert head.read_text() == before
    assert verify(chain, head) == [Finding(Fault.SEAL_CHANGED, 3)]


def test_tail_of_rows_without_their_seal_is_a_gap(chain, head):
    tamper(chain, "DELETE FROM audit WHERE id > 8")

    assert verify(chain, head) == [Finding(Fault.MISSING, 3, 9), Finding(Fault.MISSING, 3, 10)]


@pytest.mark.parametrize(
    "change", ["hmac = rows", "rows = hmac", "at = '2026-01-01 00:00:00.000000'", "count = 5"]
)
def test_changed_seal_is_named(chain, head, change):
    tamper(chain, f"UPDATE audit_seal SET {change} WHERE id = 2")  # noqa: S608 - fixed texts

    assert Finding(Fault.SEAL_CHANGED, 2) in verify(chain, head)


def test_missing_seal_is_named(chain, head):
    tamper(chain, "DELETE FROM audit_seal WHERE id = 2")

    assert verify(chain, head) == [
        Finding(Fault.SEAL_MISSING, 2),
        Finding(Fault.SEAL_CHANGED, 3),
    ]


def test_log_sealed_anew_with_another_key_is_named(chain, head):
    other = new_ring()
    tamper(chain, "DELETE FROM audit_seal", "UPDATE audit SET reason = 'x' WHERE id = 6")
    audit_chain.seal_pending(chain, other)
    chain.commit()

    found = {finding.fault for finding in verify(chain, head)}

    assert Fault.SEAL_CHANGED in found


def test_seal_whose_key_is_gone_is_named(chain, head):
    ring = new_ring(audit=2)

    assert [f for f in verify(chain, head, ring) if f.fault is Fault.KEY_MISSING] == [
        Finding(Fault.KEY_MISSING, seal_id) for seal_id in (1, 2, 3)
    ]


def test_chain_goes_on_under_a_new_key_while_the_old_one_is_known(chain, head):
    second = new_key("audit", 2, Suite.INTERNATIONAL)
    old = [
        {"use": key.use, "id": key.id, "suite": int(key.suite), "secret": _text(key.secret)}
        for key in KEYS.keys.values()
    ]
    ring = read_ring(TextKeys(json.dumps({"keys": [*old, second]})), suite=2)
    write(chain)

    seal(chain, head, ring)

    assert verify(chain, head, ring) == []


def _text(secret):
    return base64.b64encode(secret).decode()


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "null", '{"mac": 1}', '{"mac": "00", "key_id": 9}']
)
def test_broken_head_file_is_named(chain, head, content):
    head.write_text(content)

    assert verify(chain, head) == [Finding(Fault.HEAD_BROKEN)]
    with pytest.raises(Refused):
        audit_chain.write_head(chain, KEYS, head)


def test_head_file_set_back_is_named(chain, head):
    content = json.loads(head.read_text())
    head.write_text(json.dumps(content | {"seal": 2}))

    assert verify(chain, head) == [Finding(Fault.HEAD_BROKEN)]


def test_missing_head_file_is_named_and_leaves_an_alert_when_written_anew(chain, head):
    head.unlink()
    assert verify(chain, head) == [Finding(Fault.HEAD_BROKEN)]

    audit_chain.write_head(chain, KEYS, head)
    chain.commit()

    assert verify(chain, head) == []
    last = chain.scalars(select(Audit).order_by(Audit.id.desc())).first()
    assert (last.act, last.detail) == ("alert", {"audit_head": "missing"})


def test_first_head_file_is_no_reason_for_an_alert(session, head):
    write(session)

    seal(session, head)

    assert [row.act for row in session.scalars(select(Audit))] == ["change"]


def test_seals_cannot_be_changed_by_the_application(chain):
    with pytest.raises(IntegrityError, match="cannot be changed"):
        chain.execute(update(AuditSeal).values(count=1))


# Open transactions, PostgreSQL


# SQLite writes one transaction after the other, so there is nothing to wait for.
on_postgres = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


@on_postgres
def test_seal_stays_below_the_oldest_open_transaction(engine, head):  # noqa: F811
    with Session(engine) as early, Session(engine) as late, Session(engine) as sealer:
        write(late)
        audit.record(early, "change", actor=ACTOR)  # Row 2, open.
        write(late)  # Row 3.

        first = seal(sealer, head)
        assert (first.first_id, first.last_id) == (1, 1)
        assert seal(sealer, head) is None

        early.commit()
        second = seal(sealer, head)
        assert (second.first_id, second.last_id, second.count) == (2, 3, 2)
        assert verify(sealer, head) == []


@on_postgres
def test_very_first_row_is_waited_for(engine, head):  # noqa: F811
    with Session(engine) as early, Session(engine) as late, Session(engine) as sealer:
        audit.record(early, "change", actor=ACTOR)
        write(late)

        assert seal(sealer, head) is None
        early.commit()
        assert seal(sealer, head).count == 2


@on_postgres
def test_transaction_is_waited_for_although_its_savepoint_was_rolled_back(engine, head):  # noqa: F811
    with Session(engine) as early, Session(engine) as late, Session(engine) as sealer:
        savepoint = early.begin_nested()
        audit.record(early, "change", actor=ACTOR)
        savepoint.rollback()
        audit.record(early, "change", actor=ACTOR)  # Row 2, open.
        write(late)  # Row 3.

        assert seal(sealer, head) is None
        early.commit()
        assert seal(sealer, head).count == 2


@on_postgres
def test_writer_that_has_not_yet_its_number_is_waited_for(engine, head):  # noqa: F811
    with Session(engine) as early, Session(engine) as late, Session(engine) as sealer:
        write(late)
        audit._announce_writer(early)
        write(late)

        assert seal(sealer, head).last_id == 1


@on_postgres
def test_rolled_back_numbers_are_no_gap(engine, head):  # noqa: F811
    with Session(engine) as session:
        write(session)
        audit.record(session, "change", actor=ACTOR)
        session.rollback()
        write(session)

        made = seal(session, head)

        assert (made.first_id, made.last_id, made.count) == (1, 3, 2)
        assert verify(session, head) == []


@on_postgres
def test_only_one_sealer_works_at_a_time(engine):  # noqa: F811
    with Session(engine) as one, Session(engine) as two:
        write(one)
        assert audit_chain.seal_pending(one, KEYS)

        assert audit_chain.seal_pending(two, KEYS) is None


def test_second_chain_is_refused_by_the_database(chain):
    chain.add(
        AuditSeal(
            id=9, first_id=1, last_id=99, count=1, rows=b"", key_id=1, hmac=b"", at=clock.now()
        )
    )

    with pytest.raises(IntegrityError):
        chain.flush()


# Age


@pytest.fixture
def old_chain(session, head):
    """A seal over two rows that are a day too old, and one over a row that is not."""
    for days in (AUDIT_RETENTION_DAYS + 1, AUDIT_RETENTION_DAYS - 1):
        with clock.frozen(clock.now() - timedelta(days=days)):
            write(session, 2)
            seal(session, head)
    return session


def test_purge_takes_what_is_old_enough_and_the_chain_stays_whole(old_chain, head):
    count = audit_chain.purge(old_chain, clock.now() - audit_chain.RETENTION)
    old_chain.commit()

    assert count == 2
    rows = old_chain.scalars(select(Audit).order_by(Audit.id)).all()
    assert [(row.id, row.act) for row in rows] == [(3, "change"), (4, "change"), (5, "purge")]
    assert rows[-1].detail == {"rows": 2, "last_id": 2}
    assert verify(old_chain, head) == []


def test_purge_of_younger_rows_is_refused(old_chain):
    with pytest.raises(Refused, match="three years|三年|3年"):
        audit_chain.purge(old_chain, clock.now() - timedelta(days=AUDIT_RETENTION_DAYS - 2))


def test_database_refuses_to_delete_younger_rows(old_chain):
    with pytest.raises(IntegrityError, match="cannot be changed"):
        old_chain.execute(text("DELETE FROM audit WHERE id = 3"))
    old_chain.rollback()

    old_chain.execute(text("DELETE FROM audit WHERE id = 2"))


def test_part_of_an_old_seal_may_not_be_missing(old_chain, head):
    tamper(old_chain, "DELETE FROM audit WHERE id = 2")

    assert verify(old_chain, head) == [Finding(Fault.MISSING, 1, 2)]


def test_young_seal_without_its_rows_was_not_purged(old_chain, head):
    tamper(old_chain, "DELETE FROM audit")

    assert verify(old_chain, head) == [Finding(Fault.MISSING, 2, 3), Finding(Fault.MISSING, 2, 4)]


def test_purge_of_nothing_writes_nothing(session):
    assert audit_chain.purge(session, clock.now() - audit_chain.RETENTION) == 0
    assert session.scalars(select(Audit)).all() == []
