"""What waits for whom and how far a unit is: each figure against a count by hand."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from app.access.actor import acting_as, system
from app.core.clock import now, today
from app.models.account import Assignment
from app.models.correction import Correction
from app.models.exchange import ExportFile
from app.models.history import Audit
from app.models.job import Job, JobState
from app.models.notice import Notice
from app.models.round import Extension, Round
from app.models.teacher import IN_FORCE_STATES, FileProblem, ReviewState, Teacher
from app.models.unit import Unit
from app.services import home
from app.services.home import Home
from tests.factories import Wanted, make_teachers
from tests.variety import statements


def todo_of(session: Any, actor: Any) -> dict[str, int]:
    with acting_as(actor):
        return {item.key: item.count for item in home.todo(session, actor)}


def item_of(session: Any, actor: Any, key: str) -> Any:
    with acting_as(actor):
        return next(each for each in home.todo(session, actor) if each.key == key)


def figures_of(session: Any, actor: Any) -> dict[str, int]:
    with acting_as(actor):
        return {each.key: each.count for each in home.figures(session, actor)}


def in_world(world: Any, schools: tuple[str, ...], *states: str) -> int:
    """How many files of the world are in these schools and states."""
    return sum(each.school in schools and each.state in states for each in world.teachers.values())


def write(session: Any, statement: Any) -> None:
    with system():
        session.execute(statement)
        session.expire_all()


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("school_info_A1", {"returned": 2, "draft": 2}),
        ("school_head_A1", {"confirm": 2}),
        ("district_info_A", {"review": 4}),
        ("district_info_B", {"review": 2}),
        ("city_info", {"review": 2, "accept": 6, "report": 8}),
        ("city_assistant", {"opinion": 2}),
        ("city_system", {}),
        ("city_audit", {}),
        ("district_system_A", {}),
        ("school_system_A1", {}),
        ("teacher_A1", {"my_file": 1}),
    ],
)
def test_each_role_has_what_it_can_do_next(
    session: Any, world: Any, key: str, expected: dict[str, int]
) -> None:
    assert todo_of(session, world.actors[key]) == expected


def test_files_of_persons_who_left_wait_for_nobody(session: Any, world: Any) -> None:
    ref = world.teacher("A1", "submitted")
    write(session, update(Teacher).where(Teacher.id == ref.id).values(active=False))

    assert todo_of(session, world.actors["school_head_A1"]) == {"confirm": 1}


def test_a_clerk_is_told_of_errors_in_submitted_files(session: Any, world: Any) -> None:
    ref = world.teacher("A1", "submitted")
    write(session, update(Teacher).where(Teacher.id == ref.id).values(error_count=3))

    assert todo_of(session, world.actors["school_info_A1"])["faulty"] == 1
    assert figures_of(session, world.actors["school_info_A1"])["faulty"] == 1
    assert "faulty" not in todo_of(session, world.actors["school_info_A2"])


@pytest.mark.parametrize(("days", "overdue"), [(1, False), (30, True)])
def test_what_waits_longer_than_the_reminder_is_overdue(
    session: Any, world: Any, days: int, overdue: bool
) -> None:
    since = now() - timedelta(days=days)
    ref = world.teacher("A1", "school_confirmed")
    write(session, update(Teacher).where(Teacher.id == ref.id).values(state_since=since))

    item = item_of(session, world.actors["district_info_A"], "review")

    assert item.overdue is overdue
    assert item.oldest == since


def test_the_overdue_stands_first(session: Any, world: Any) -> None:
    long_ago = now() - timedelta(days=60)
    where = Teacher.state == ReviewState.CITY_ACCEPTED
    write(session, update(Teacher).where(where).values(state_since=long_ago))
    effective = Teacher.state == ReviewState.EFFECTIVE
    write(session, update(Teacher).where(effective).values(state_since=long_ago))

    with acting_as(world.actors["city_info"]):
        found = home.todo(session, world.actors["city_info"])

    assert [each.key for each in found] == ["accept", "review", "report"]


def test_a_passed_deadline_makes_the_work_of_a_school_overdue(session: Any, world: Any) -> None:
    clerk = world.actors["school_info_A1"]
    assert item_of(session, clerk, "draft").overdue is False

    write(session, update(Round).values(school_deadline=today() - timedelta(days=1)))

    assert item_of(session, clerk, "draft").overdue is True


def test_an_extension_counts_as_the_deadline_of_the_school(session: Any, world: Any) -> None:
    clerk, other = world.actors["school_info_A1"], world.actors["school_info_A2"]
    day = today()
    write(session, update(Round).values(school_deadline=day - timedelta(days=1)))
    with system():
        key = session.scalar(select(Round.id))
        longer = Extension(round_id=key, unit_id=clerk.unit_id, until=day, reason="测试")
        session.add(longer)
        session.flush()

    with acting_as(clerk):
        (line,) = Home(session, clerk).rounds
    assert (line.due, line.days_left, line.is_extended) == (day, 0, True)
    assert item_of(session, clerk, "draft").overdue is False
    assert item_of(session, other, "draft").overdue is True


def test_each_tier_reads_its_own_stage_of_the_round(session: Any, world: Any) -> None:
    day = today()
    wanted = {
        "city_info": (40, 4),
        "district_info_A": (30, 2),
        "school_head_U": (20, None),
        "teacher_A1": (20, None),
    }
    for key, (days, schools) in wanted.items():
        with acting_as(world.actors[key]):
            (line,) = Home(session, world.actors[key]).rounds
        assert line.due == day + timedelta(days=days), key
        assert line.schools == schools, key
        assert line.behind == schools, key


@pytest.mark.parametrize("key", ["city_info", "district_info_A", "school_info_A1", "teacher_A1"])
def test_a_closed_round_asks_nobody(session: Any, world: Any, key: str) -> None:
    write(session, update(Round).values(closed=True, closed_at=now()))

    with acting_as(world.actors[key]):
        assert Home(session, world.actors[key]).rounds == []


def test_schools_past_their_deadline_wait_for_their_authority(session: Any, world: Any) -> None:
    write(session, update(Round).values(school_deadline=today() - timedelta(days=1)))
    with system():
        key = session.scalar(select(Round.id))
    reported = (ReviewState.SCHOOL_CONFIRMED, *IN_FORCE_STATES)
    late = Teacher.school_id == world.units["A2"].id, Teacher.state.not_in(reported)
    write(session, update(Teacher).where(*late).values(active=False))

    assert todo_of(session, world.actors["district_info_A"])[f"behind_{key}"] == 1
    assert todo_of(session, world.actors["city_info"])[f"behind_{key}"] == 3


@pytest.mark.parametrize(
    ("key", "schools"),
    [
        ("city_info", ("A1", "A2", "B1", "U")),
        ("city_assistant", ("A1", "A2", "B1", "U")),
        ("district_info_A", ("A1", "A2")),
        ("district_info_B", ("B1",)),
        ("school_info_A1", ("A1",)),
        ("school_head_U", ("U",)),
    ],
)
def test_figures_of_files_are_those_of_the_scope(
    session: Any, world: Any, key: str, schools: tuple[str, ...]
) -> None:
    gone = world.teacher(schools[0], "draft")
    half = world.teacher(schools[0], "effective")
    write(session, update(Teacher).where(Teacher.id == gone.id).values(active=False))
    write(session, update(Teacher).where(Teacher.id == half.id).values(complete_percent=99))

    found = figures_of(session, world.actors[key])

    whole = in_world(world, schools, *ReviewState)
    assert found["files"] == whole - 1
    assert found["complete"] == whole - 2
    assert found["in_force"] == in_world(world, schools, *IN_FORCE_STATES)
    if "schools" in found:
        assert found["schools"] == len(schools)


def test_progress_names_every_state_of_the_unit(session: Any, world: Any) -> None:
    actor = world.actors["district_info_A"]
    write(
        session,
        update(Teacher).where(Teacher.id == world.teacher("A1", "draft").id).values(active=False),
    )

    with acting_as(actor):
        found = {each.key: each.count for each in Home(session, actor).progress()}

    wanted = {str(state): in_world(world, ("A1", "A2"), state) for state in ReviewState}
    assert found == wanted | {"draft": wanted["draft"] - 1}


@pytest.mark.parametrize("key", ["city_system", "city_audit", "district_system_A", "teacher_A1"])
def test_who_looks_at_no_files_gets_no_figure_of_them(session: Any, world: Any, key: str) -> None:
    actor = world.actors[key]

    with acting_as(actor):
        page = Home(session, actor)
        lists = {each.list for each in (*page.figures(), *page.todo())}
        assert page.progress() == []

    assert not lists & {"teacher", "review", "correction", "monitor"}


def test_system_administrators_count_accounts_of_their_reach(session: Any, world: Any) -> None:
    with system():
        held = session.execute(select(Assignment.unit_id, Assignment.role)).all()
    reach = {
        "city_system": set(world.units),
        "district_system_A": {"A", "A1", "A2"},
        "school_system_B1": {"B1"},
    }
    for key, units in reach.items():
        ids = {world.units[unit].id for unit in units}
        found = figures_of(session, world.actors[key])
        assert found["accounts"] == sum(unit in ids for unit, _role in held), key


def test_roles_that_end_soon_are_pointed_out(session: Any, world: Any) -> None:
    day = today()
    for username, days in (("school_info_a1", 30), ("school_head_a1", 31), ("school_info_a2", -1)):
        with system():
            key = session.scalar(
                select(Assignment.id).where(Assignment.account.has(username=username))
            )
        until = day + timedelta(days=days)
        write(session, update(Assignment).where(Assignment.id == key).values(valid_to=until))

    assert todo_of(session, world.actors["district_system_A"]) == {"ending": 1}
    assert todo_of(session, world.actors["school_system_A1"]) == {"ending": 1}
    assert todo_of(session, world.actors["school_system_A2"]) == {}


def test_the_audit_administrator_sees_alerts_and_refusals(session: Any, world: Any) -> None:
    stamp = now()
    rows = [
        {"act": "alert", "outcome": "done", "at": stamp},
        {"act": "alert", "outcome": "done", "at": stamp - timedelta(days=8)},
        {"act": "refused", "outcome": "refused", "at": stamp},
        {"act": "sign_in_failed", "outcome": "failed", "at": stamp},
    ]
    actor = world.actors["city_audit"]
    before = figures_of(session, actor)
    write(session, insert(Audit).values(rows))

    after = figures_of(session, actor)

    assert todo_of(session, actor)["alert"] == 1
    assert {key: after[key] - before[key] for key in after} == {
        "acts": 3,
        "refused": 1,
        "failed": 1,
    }


def test_failed_jobs_are_told_to_the_system_administrator_alone(session: Any, world: Any) -> None:
    with system():
        session.add(Job(name="export", state=JobState.FAILED, finished_at=now(), error="x"))
        session.flush()

    assert todo_of(session, world.actors["city_system"])["failed_jobs"] == 1
    assert "failed_jobs" not in todo_of(session, world.actors["city_info"])


def test_corrections_reach_the_school_and_its_authority(session: Any, world: Any) -> None:
    ref = world.teacher("A1", "effective")
    with system():
        session.add(
            Correction(
                teacher_id=ref.id,
                school_id=ref.school_id,
                authority_id=ref.authority_id,
                reason="请更正",
                opened_by=world.actors["city_info"].account_id,
                opened_at=now(),
            )
        )
        session.flush()

    for key in ("school_info_A1", "district_info_A", "city_info"):
        assert todo_of(session, world.actors[key])["correction"] == 1, key
    for key in ("school_info_A2", "district_info_B"):
        assert "correction" not in todo_of(session, world.actors[key]), key


def test_exports_wait_for_those_who_may_approve_them(session: Any, world: Any) -> None:
    clerk = world.actors["school_info_A1"]
    place = {"unit": clerk.unit_id, "authority": clerk.authority_id}
    with system():
        session.add(
            ExportFile(
                uuid="0" * 32,
                account_id=clerk.account_id,
                at=now(),
                expires_at=now() + timedelta(hours=1),
                file_name="x.xlsx",
                purpose="测试",
                approval="waiting",
                request=place,
            )
        )
        session.flush()

    assert todo_of(session, world.actors["school_head_A1"])["export"] == 1
    assert todo_of(session, world.actors["district_info_A"])["export"] == 1
    assert "export" not in todo_of(session, clerk)
    assert "export" not in todo_of(session, world.actors["district_info_B"])


def test_a_teacher_sees_the_parts_that_are_his_to_mend(session: Any, world: Any) -> None:
    actor = world.actors["teacher_A1"]
    ref = world.teacher("A1", "draft")
    place = {"teacher_id": ref.id, "school_id": ref.school_id, "authority_id": ref.authority_id}
    rows = [
        place | {"code": "DQ075", "severity": "error", "set": "contact", "field": "email"},
        place | {"code": "DQ075", "severity": "error", "set": "contact", "field": "mobile"},
        place | {"code": "DQ075", "severity": "error", "set": "skill", "field": None},
        # The school answers for pay.
        place | {"code": "DQ075", "severity": "error", "set": "treatment", "field": None},
    ]
    for row in rows:
        row["message"] = "缺"
    write(session, insert(FileProblem).values(rows))

    assert todo_of(session, actor) == {"my_parts": 2}


def test_a_submitted_file_leaves_its_teacher_nothing_to_do(session: Any, world: Any) -> None:
    actor = world.actors["teacher_A1"]
    state = update(Teacher).where(Teacher.id == actor.teacher_id)
    write(session, state.values(state=ReviewState.SUBMITTED))

    assert todo_of(session, actor) == {}


def test_notices_are_the_own_ones_unread_first(session: Any, world: Any) -> None:
    actor, other = world.actors["school_info_A1"], world.actors["school_head_A1"]
    stamp = now()
    rows = [
        {"account_id": actor.account_id, "event": "urge", "params": {}, "at": stamp},
        {"account_id": actor.account_id, "event": "file_created", "params": {}, "at": stamp},
        {"account_id": other.account_id, "event": "export_ready", "params": {}, "at": stamp},
    ]
    for number, row in enumerate(rows):
        row["read_at"] = stamp if number == 1 else None
    write(session, insert(Notice).values(rows))

    with acting_as(actor):
        found = Home(session, actor).notices()

    assert [each.event for each in found] == ["urge", "file_created"]


@pytest.mark.parametrize("key", ["city_info", "district_info_A", "school_info_A1"])
def test_the_number_of_statements_does_not_grow_with_the_files(
    session: Any, world: Any, key: str
) -> None:
    actor = world.actors[key]

    def read() -> int:
        session.expire_all()
        with acting_as(actor), statements() as seen:
            page = Home(session, actor)
            page.figures()
            page.todo()
            page.progress()
            page.notices()
            assert page.rounds
        return len(seen)

    read()  # The first one reads the catalogue, which is kept.
    before = read()
    with system():
        school = session.get(Unit, world.units["A1"].id)
        make_teachers(session, [Wanted(school, state) for state in ReviewState for _n in range(5)])
    assert read() == before <= 16  # One for each kind of work, and what stands above it.
