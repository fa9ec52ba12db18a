"""No commit of business data without its audit row."""

from types import SimpleNamespace

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import sessionmaker

from app.models.history import Audit, Transition
from app.models.job import Job
from app.services import audit, audit_watch
from tests.databases import engine  # noqa: F401

ACTOR = SimpleNamespace(account_id=7, assignment_id=8, role="school_admin", unit_id=9)


def rows(session):
    return session.scalars(select(Audit).order_by(Audit.id)).all()


@pytest.fixture
def watched(engine):  # noqa: F811
    maker = sessionmaker(engine)
    audit_watch.watch_writes(maker, exempt={"transition"}, when=lambda: True)
    with maker() as session:
        yield session


def insert_object(session):
    session.add(Job(name="x"))


def insert_statement(session):
    session.execute(insert(Job).values(name="x"))


def update_statement(session):
    session.execute(update(Job).values(name="x"))


def flushed_object(session):
    insert_object(session)
    session.flush()


WRITES = [insert_object, insert_statement, update_statement, flushed_object]


@pytest.mark.parametrize("write", WRITES)
def test_write_without_audit_row_is_not_committed(watched, write):
    write(watched)

    with pytest.raises(audit_watch.Unaudited, match="job"):
        watched.commit()

    watched.rollback()
    assert watched.scalars(select(Job)).all() == []


@pytest.mark.parametrize("write", WRITES)
def test_write_with_audit_row_is_committed(watched, write):
    write(watched)
    audit.record(watched, "change", actor=ACTOR)

    watched.commit()

    assert len(rows(watched)) == 1


def test_reading_and_exempt_tables_need_no_audit_row(watched):
    watched.scalars(select(Job)).all()
    watched.add(Transition(flow="transfer", object_id=1, step="issue", to_state="issued"))

    watched.commit()

    assert len(watched.scalars(select(Transition)).all()) == 1


def test_audit_row_serves_only_its_own_transaction(watched):
    audit.record(watched, "change", actor=ACTOR)
    watched.commit()
    insert_object(watched)

    with pytest.raises(audit_watch.Unaudited):
        watched.commit()


def test_unaudited_write_does_not_outlive_its_rollback(watched):
    flushed_object(watched)
    watched.rollback()

    watched.commit()


def test_audit_row_of_a_rolled_back_savepoint_does_not_count(watched):
    flushed_object(watched)
    savepoint = watched.begin_nested()
    audit.record(watched, "change", actor=ACTOR)
    savepoint.rollback()

    with pytest.raises(audit_watch.Unaudited):
        watched.commit()


def test_audit_row_may_follow_a_committed_savepoint(watched):
    with watched.begin_nested():
        insert_object(watched)
    audit.record(watched, "change", actor=ACTOR)

    watched.commit()

    assert len(rows(watched)) == 1
