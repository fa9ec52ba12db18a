"""What the nights do to files: rules that time alone breaks, and results that have aged."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.core import clock
from app.extensions import db
from app.indicators import checks
from app.indicators.checks.registry import TRIGGERS
from app.jobs.nightly import check_by_night, recheck_files
from app.models.teacher import FileProblem, Teacher
from app.models.unit import Unit
from app.services import check
from app.services.contents import file_data
from app.workflows.review import REVIEW
from tests.factories import Wanted, finding, make_teachers
from tests.workflows.test_engine import failing_at

# A man of this birthday reaches his age of retirement on the day below.
BORN, RETIRES = date(1963, 1, 15), date(2023, 1, 15)


def night(session: Any, job: Any = check_by_night) -> None:
    """Run a nightly job to its end, as the worker would."""
    with system():
        own = SimpleNamespace(id=1, name="night")
        job(SimpleNamespace(session=session, done=0, job=own, step=lambda _done: session.flush()))
        session.expire_all()


def found(session: Any, key: int, *, nightly: bool = True) -> list[str]:
    with system():
        rows = select(FileProblem.code).where(
            FileProblem.teacher_id == key, FileProblem.nightly.is_(nightly)
        )
        return sorted(session.scalars(rows))


def made(session: Any, world: Any, state: str, **basic: Any) -> int:
    with system():
        school = session.get(Unit, world.units["A1"].id)
        return make_teachers(session, [Wanted(school, state, basic)])[0].id


@pytest.mark.parametrize("state", ["draft", "submitted", "effective", "reported"])
def test_a_file_that_passes_the_age_of_retirement_overnight_says_so(session, world, state):
    key = made(session, world, state, birth_date=BORN, sex="1")

    with clock.frozen(RETIRES - timedelta(days=1)):
        night(session)
        assert "DQ040" not in found(session, key)
    with clock.frozen(RETIRES + timedelta(days=1)):
        night(session)

    assert "DQ040" in found(session, key)
    with system():
        teacher = session.get(Teacher, key, populate_existing=True)
        severities = set(
            session.scalars(
                select(FileProblem.severity).where(
                    FileProblem.teacher_id == key, FileProblem.nightly
                )
            )
        )
    assert teacher.nightly_count == len(found(session, key))
    assert severities == {"warning"}


def test_what_is_no_longer_so_is_gone_the_next_night(session, world):
    key = made(session, world, "effective", birth_date=BORN, sex="1")
    night(session)
    assert "DQ040" in found(session, key)

    with clock.frozen(RETIRES - timedelta(days=1)):
        night(session)

    assert found(session, key) == []
    with system():
        assert session.get(Teacher, key, populate_existing=True).nightly_count == 0


def test_the_check_of_a_submission_leaves_what_the_night_found(session, world):
    key = made(session, world, "draft", birth_date=BORN, sex="1")
    night(session)
    before = found(session, key, nightly=False)

    with system():
        teacher = session.get(Teacher, key)
        files = file_data(session, [teacher], world.catalog)
        check.keep(session, [teacher], files, world.catalog)

    assert "DQ040" in found(session, key)
    assert found(session, key, nightly=False) == before


@pytest.mark.parametrize(
    "case",
    [
        ("school_info_A1", "draft", "submit", {"declared": True}),
        ("school_head_A1", "submitted", "confirm", {}),
        ("district_info_A", "school_confirmed", "approve", {"scope_checked": True}),
        ("city_info", "city_accepted", "report", {}),
    ],
)
def test_what_the_night_found_holds_nothing_up(session, world, case):
    who, state, step, inputs = case
    file, actor = world.teacher("A1", state), world.actors[who]
    with system():
        teacher = session.get(Teacher, file.id)
        teacher.nightly_count = 1
        session.add(finding(file, code="DQ040", field="birth_date", nightly=True))
        session.flush()

    with acting_as(actor):
        REVIEW.perform(session, file.id, step, actor, version=None, **inputs)

    assert found(session, file.id) == ["DQ040"]


def test_the_number_of_statements_of_a_batch_does_not_grow_with_its_files(session, world):
    costs = []
    for number in (0, 20):
        for each in range(number):
            born = BORN - timedelta(days=each + 1)
            made(session, world, "effective", birth_date=born, sex="1")
        with failing_at(db.engine, 0) as seen:
            night(session)
        costs.append(len(seen))

    assert costs[1] - costs[0] <= 4  # A batch more of findings is one statement.


def test_an_accepted_file_is_checked_anew_by_night_so_that_a_report_finds_it_fresh(session, world):
    file = world.teacher("A1", "city_accepted")
    with system():
        session.get(Teacher, file.id).checked_on = clock.today() - timedelta(days=3)
        session.flush()

    night(session, recheck_files)

    with system():
        assert check.outdated([session.get(Teacher, file.id)], world.catalog) == []


def test_every_trigger_of_the_rules_is_run_somewhere_in_the_product(world):
    """A rule whose trigger nobody runs would never find anything."""
    from pathlib import Path

    folder = Path(check.__file__).parents[1]
    code = "".join(
        path.read_text("utf-8")
        for path in folder.rglob("*.py")
        if "indicators/checks" not in path.as_posix() and "demo" not in path.parts
    )
    run = {name for name in TRIGGERS if f'"{name}"' in code and f'"{name}", catalog' in code}
    run |= {name for name in TRIGGERS if f'trigger="{name}"' in code}
    reached = set().union(*(TRIGGERS[name] for name in run))

    assert {rule.trigger for rule in world.catalog.checks.values()} <= reached
    assert set(checks.CHECKS) == set(world.catalog.checks)
