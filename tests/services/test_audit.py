"""The audit log: one row per act, in the transaction of the act, and no commit without it."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.core import clock
from app.models.history import Audit, Transition
from app.models.job import Job
from app.services import audit
from tests.databases import engine  # noqa: F401

AT = datetime(2026, 9, 1, 8, tzinfo=UTC)
ACTOR = SimpleNamespace(account_id=7, assignment_id=8, role="school_admin", unit_id=9)


@pytest.fixture
def session(engine):  # noqa: F811
    with Session(engine) as session, clock.frozen(AT):
        yield session


def rows(session):
    return session.scalars(select(Audit).order_by(Audit.id)).all()


def test_every_act_has_a_short_code_and_a_name_in_both_languages():
    for code, act in audit.ACTS.items():
        assert code == act.code
        assert len(code) <= Audit.act.type.length
        assert act.name_zh
        assert not act.name_zh.isascii()
        assert act.name_en.isascii()


@pytest.mark.parametrize("act", audit.ACTS)
def test_each_act_is_recorded_with_actor_place_and_request(session, act):
    with audit.in_context(request_id="req-1", address="192.0.2.7"):
        audit.record(
            session,
            act,
            actor=ACTOR,
            object=("transfer", 5, 3),
            outcome="refused",
            reason="Not yet confirmed.",
            detail={"step": "issue"},
        )

    (row,) = rows(session)
    values = {key: value for key, value in vars(row).items() if not key.startswith("_")}
    assert values == {
        "id": row.id,
        "at": AT,
        "account_id": 7,
        "assignment_id": 8,
        "role": "school_admin",
        "unit_id": 9,
        "address": "192.0.2.7",
        "act": act,
        "object_type": "transfer",
        "object_id": "5",
        "teacher_id": 3,
        "outcome": "refused",
        "request_id": "req-1",
        "reason": "Not yet confirmed.",
        "detail": {"step": "issue"},
    }


def test_request_is_forgotten_after_its_context(session):
    with audit.in_context(request_id="req-1"):
        pass

    audit.record(session, "sign_out", actor=None)

    assert rows(session)[0].request_id is None


@pytest.mark.parametrize(
    ("act", "outcome"), [("look", "done"), ("change", "good"), ("Change", "done")]
)
def test_unknown_act_or_outcome_is_a_mistake_of_the_programmer(session, act, outcome):
    with pytest.raises(audit.UnknownAct):
        audit.record(session, act, actor=ACTOR, outcome=outcome)

    assert rows(session) == []


def test_nobody_and_the_system_are_no_account(session):
    audit.record(session, "sign_in_failed", actor=None)
    system = SimpleNamespace(account_id=0, assignment_id=None, role="", unit_id=0)
    audit.record(session, "purge", actor=system)

    assert [(row.account_id, row.role, row.unit_id) for row in rows(session)] == [
        (None, None, None),
        (None, None, None),
    ]


def test_new_object_gets_its_id_before_it_is_recorded(session):
    job = Job(name="export")
    session.add(job)

    audit.record(session, "export", actor=ACTOR, object=job)

    assert job.id is not None
    assert (rows(session)[0].object_type, rows(session)[0].object_id) == ("job", str(job.id))


def test_file_of_a_teacher_and_what_belongs_to_it_name_the_teacher(session):
    teacher = SimpleNamespace(__tablename__="teacher", id=3)
    transition = Transition(id=1, teacher_id=4)

    audit.record(session, "open_file", actor=ACTOR, object=teacher)
    audit.record(session, "transition", actor=ACTOR, object=transition)
    audit.record(session, "print", actor=ACTOR, object=("unit", 2), teacher_id=5)

    assert [row.teacher_id for row in rows(session)] == [3, 4, 5]


def test_batch_writes_one_row_per_object(session):
    objects = [("teacher", key, key) for key in range(500)]

    audit.record_many(session, "transition", actor=ACTOR, objects=objects, reason="batch")
    audit.record_many(session, "transition", actor=ACTOR, objects=[])

    assert [row.teacher_id for row in rows(session)] == [*range(500)]


def test_rows_of_a_query_are_recorded_by_one_statement(session):
    for number in (5, 6):
        session.add(
            Transition(
                flow="review", object_id=number, teacher_id=number + 1, step="x", to_state="y"
            )
        )
    query = select(Transition.object_id, Transition.teacher_id)

    audit.record_rows(
        session, "transition", actor=ACTOR, kind="teacher", rows=query, detail={"step": "x"}
    )

    assert [
        (row.object_type, row.object_id, row.teacher_id, row.account_id, row.at, row.detail)
        for row in rows(session)
    ] == [
        ("teacher", "5", 6, 7, AT, {"step": "x"}),
        ("teacher", "6", 7, 7, AT, {"step": "x"}),
    ]


def test_numbers_of_persons_never_enter_reason_and_detail(session):
    number, mobile = "11019919781104001X", "13800138000"

    audit.record(
        session, "sign_in_failed", actor=None, reason=f"x {number}", detail={"name": [mobile]}
    )

    (row,) = rows(session)
    assert row.reason == "x **************001X"
    assert row.detail == {"name": ["*******8000"]}


def test_act_is_rolled_back_when_its_audit_row_fails(engine):  # noqa: F811
    with Session(engine) as session:
        session.add(Job(name="export"))
        session.flush()
        # The table refuses, as it would with a full disk.
        session.execute(text("ALTER TABLE audit RENAME COLUMN act TO lost"))
        with pytest.raises(DBAPIError):
            audit.record(session, "export", actor=ACTOR)
        session.rollback()

    with Session(engine) as session:
        assert session.scalars(select(Job)).all() == []


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE audit SET reason = 'x'",
        "UPDATE audit SET id = id",
        "DELETE FROM audit",
        "UPDATE transition SET reason = 'x'",
        "DELETE FROM transition",
    ],
)
def test_history_is_append_only(session, attack):
    audit.record(session, "sign_out", actor=ACTOR)
    session.add(Transition(flow="transfer", object_id=1, step="issue", to_state="issued"))
    session.commit()

    with pytest.raises(IntegrityError, match="cannot be changed"):
        session.execute(text(attack))
