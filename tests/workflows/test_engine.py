"""The engine itself: one winner, all or nothing, each object decided by itself, few statements."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import event, func, select

from app.access.actor import Actor, acting_as, system
from app.core.errors import AppError, Malformed
from app.extensions import db
from app.models.account import Account, Assignment
from app.models.history import Audit, Transition
from app.models.notice import Notice
from app.models.teacher import Contributor, Teacher
from app.models.unit import Unit
from app.workflows.engine import LIMIT
from app.workflows.review import REVIEW
from tests.factories import Wanted, make_teachers
from tests.workflows.tables import checksum

THREADS = 20
# Steps that one person takes alone, with what they ask for.
RACES = (
    ("school_info_A1", "draft", "submit", {"declared": True}),
    ("school_head_A1", "submitted", "return_to_teacher", {"reason": "请核对"}),
    ("school_info_A1", "submitted", "withdraw", {}),
    ("school_head_A1", "submitted", "confirm", {}),
    ("school_head_A1", "school_confirmed", "withdraw_report", {}),
    ("district_info_A", "school_confirmed", "return", {"reason": "请核对"}),
    ("district_info_A", "school_confirmed", "approve", {"scope_checked": True}),
    ("city_info", "effective", "accept", {}),
    ("city_info", "effective", "require_correction", {"reason": "请更正"}),
    ("city_info", "city_accepted", "report", {}),
)


# Who is told what of each of these steps; the actor never is, and no teacher has an account here.
NOTICES = {
    "submit": {("file_submitted", "school_head_A1")},
    "return_to_teacher": {("file_returned_to_teacher", "school_info_A1")},
    "withdraw": set(),
    "confirm": {("file_confirmed", "district_info_A")},
    "withdraw_report": {("report_withdrawn", "district_info_A")},
    "return": {("file_returned", "school_info_A1"), ("file_returned", "school_head_A1")},
    "approve": {("file_effective", "school_info_A1"), ("file_effective", "school_head_A1")},
    "accept": {("file_accepted", "district_info_A")},
    "require_correction": {
        ("correction_required", key)
        for key in ("school_info_A1", "school_head_A1", "district_info_A")
    },
    "report": {("file_reported", "district_info_A")},
}

# The version of a file of the world in each state.
VERSIONS = {"draft": 1, "submitted": 2, "school_confirmed": 3, "effective": 4, "city_accepted": 5}


def race(app: Any, actor: Any, key: int, step: str, **inputs: Any) -> list[int]:
    """Let many threads take one step of one file at the same moment; return their statuses."""
    barrier, found = Barrier(THREADS), []

    def take() -> None:
        with app.app_context(), acting_as(actor):
            session = db.session()
            barrier.wait()
            try:
                REVIEW.perform(session, key, step, actor, **inputs)
                session.commit()
                found.append(200)
            except AppError as refusal:
                session.rollback()
                found.append(refusal.status)
            finally:
                db.session.remove()

    threads = [Thread(target=take) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.parametrize("case", RACES, ids=[each[2] for each in RACES])
def test_of_twenty_at_once_one_succeeds(live_app, world, case):
    who, state, step, inputs = case
    actor, file = world.actors[who], world.teacher("A1", state)
    with live_app.app_context(), system():
        before = counted(file.id)

    found = race(live_app, actor, file.id, step, version=VERSIONS[state], **inputs)

    assert sorted(found) == [200] + [409] * (THREADS - 1)
    with live_app.app_context(), system():
        after = counted(file.id)
        version = db.session.get(Teacher, file.id).version
        told = sorted(map(tuple, db.session.execute(select(Notice.event, Notice.account_id))))
    assert [after[0] - before[0], after[1] - before[1]] == [1, 1]
    assert version == VERSIONS[state] + 1
    assert told == sorted((name, world.actors[key].account_id) for name, key in NOTICES[step])


def counted(key: int) -> tuple[int, int]:
    """History and audit rows of a file."""
    steps = select(func.count()).where(Transition.object_id == key)
    acts = select(func.count()).where(Audit.teacher_id == key, Audit.act == "transition")
    return db.session.scalar(steps), db.session.scalar(acts)


class Fault(Exception):
    """What the database raises in the test."""


@contextmanager
def failing_at(engine: Any, number: int) -> Iterator[list[str]]:
    """Raise at the statement of this number; yields the statements seen."""
    seen: list[str] = []

    def before(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)
        if len(seen) == number:
            raise Fault(statement)

    event.listen(engine, "before_cursor_execute", before)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", before)


@pytest.mark.wide
@pytest.mark.parametrize("case", RACES, ids=[each[2] for each in RACES])
@pytest.mark.parametrize("size", [1, 2], ids=["one", "two of a bulk act"])
def test_a_fault_at_any_statement_or_at_the_commit_leaves_nothing(live_app, world, case, size):
    who, state, step, inputs = case
    actor = world.actors[who]
    keys = [world.teacher("A1", state, number + 1).id for number in range(size)]
    with live_app.app_context():
        with system():
            before = checksum(db.session())
            db.session.rollback()
        number = 1
        while fails(actor, keys, step, inputs, number):
            number += 1
        with failing_commit(db.engine), acting_as(actor), pytest.raises(Fault):
            take_all(actor, keys, step, inputs)
        db.session.rollback()
        with system():
            # Had anything been kept, a later attempt or this comparison would tell.
            assert checksum(db.session()) == before
            db.session.rollback()

    assert number >= 8


def take_all(actor: Actor, keys: list[int], step: str, inputs: Any) -> None:
    """Take the step of all files and commit."""
    outcome = REVIEW.perform_many(db.session(), dict.fromkeys(keys), step, actor, **inputs)
    assert sorted(outcome.done) == sorted(keys)
    db.session.commit()


@contextmanager
def failing_commit(engine: Any) -> Iterator[None]:
    """Raise where the transaction would be committed."""

    def before(_connection: Any) -> None:
        raise Fault

    event.listen(engine, "commit", before)
    try:
        yield
    finally:
        event.remove(engine, "commit", before)


def fails(actor: Actor, keys: list[int], step: str, inputs: Any, number: int) -> bool:
    """Take the step with a fault at a statement; False when there is no such statement."""
    session = db.session()
    with acting_as(actor), failing_at(db.engine, number):
        try:
            outcome = REVIEW.perform_many(session, dict.fromkeys(keys), step, actor, **inputs)
            session.flush()
            assert sorted(outcome.done) == sorted(keys)
        except Fault:
            return True
        finally:
            session.rollback()
    return False


def many(session: Any, world: Any, number: int, state: str, **basic: Any) -> list[int]:
    """Files of A1 in a state, clean and complete."""
    with system():
        school = session.get(Unit, world.units["A1"].id)
    return [each.id for each in make_teachers(session, [Wanted(school, state, basic)] * number)]


def test_each_file_of_a_bulk_act_is_decided_by_itself(session, world):
    head = world.actor("school_head", "A1")
    good = many(session, world, 3, "submitted")
    own, dirty, moved = many(session, world, 3, "submitted")
    foreign = world.teacher("B1", "submitted").id
    with system():
        session.get(Teacher, dirty).error_count = 1
        session.add(Contributor(teacher_id=own, account_id=head.account_id))
        session.flush()
    with acting_as(head):
        REVIEW.perform(session, moved, "confirm", head, version=None)
        keys = [*good, own, moved, foreign, 999_999_999]
        outcome = REVIEW.perform_many(session, dict.fromkeys(keys), "confirm", head)

    assert sorted(outcome.done) == sorted(good)
    assert {key: outcome.status(key) for key in keys[3:]} == {
        own: 422,
        moved: 409,
        foreign: 404,
        999_999_999: 404,
    }


def test_a_bulk_act_tells_the_authority_once(session, world):
    head, keys = world.actor("school_head", "A1"), many(session, world, 4, "submitted")
    with acting_as(head):
        REVIEW.perform_many(session, dict.fromkeys(keys), "confirm", head)

    with system():
        found = session.scalars(select(Notice).where(Notice.event == "file_confirmed")).all()
    assert [(each.params["count"], each.teacher_id) for each in found] == [(4, None)]


def test_the_parts_of_a_job_are_told_once(session, world):
    head, keys = world.actor("school_head", "A1"), many(session, world, 5, "submitted")
    with acting_as(head):
        for part in (keys[:2], keys[2:]):
            REVIEW.perform_many(session, dict.fromkeys(part), "confirm", head, batch="job-7")

    with system():
        found = session.scalars(select(Notice).where(Notice.event == "file_confirmed")).all()
    assert [each.params["count"] for each in found] == [5]


@pytest.mark.parametrize("case", [RACES[3], RACES[6]], ids=["confirm", "approve"])
def test_the_number_of_statements_does_not_grow_with_the_files(session, world, case):
    who, state, step, inputs = case
    actor, costs = world.actors[who], []
    for number in (1, 2, 12):
        keys = many(session, world, number, state)
        with acting_as(actor), failing_at(db.engine, 0) as seen:
            # The catalogue is given: it looks every few seconds whether it is still in force.
            outcome = REVIEW.perform_many(
                session, dict.fromkeys(keys), step, actor, catalog=world.catalog, **inputs
            )
        assert len(outcome.done) == number
        costs.append(len(seen))

    assert costs[1] == costs[2]
    assert costs[2] <= 60


def test_more_files_than_one_call_may_hold_are_refused(session, world):
    head = world.actor("school_head", "A1")

    with acting_as(head), pytest.raises(Malformed):
        REVIEW.perform_many(session, dict.fromkeys(range(LIMIT + 1)), "confirm", head)


def test_a_person_with_two_roles_is_told_once(session, world):
    info, head = world.actor("school_info", "A1"), world.actor("school_head", "A1")
    file = world.teacher("A1", "draft")
    with system():
        session.query(Notice).delete()
        session.execute(
            Account.__table__.update()
            .where(Account.__table__.c.id == world.actor("teacher", "A1").account_id)
            .values(teacher_id=file.id)
        )
        assignment = session.get(Assignment, head.assignment_id)
        assignment.account_id = info.account_id
        session.flush()
    teacher = world.actor("teacher", "A1")

    with acting_as(teacher):
        REVIEW.perform(session, file.id, "submit", teacher, version=None, declared=True)

    with system():
        found = session.scalars(select(Notice).where(Notice.event == "file_submitted")).all()
    assert [each.account_id for each in found] == [info.account_id]
