"""Monitoring: who is behind by hand and by the service; urging, once a day, only those behind."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.access.actor import acting_as, system
from app.core import clock
from app.core.clock import now, today
from app.core.errors import Forbidden, NotFound, Refused
from app.models.history import Audit
from app.models.notice import Notice
from app.models.round import Extension, Round
from app.models.teacher import IN_FORCE_STATES, ReviewState, Teacher
from app.models.unit import Unit
from app.services import monitor, notice
from app.services.monitor import Sums
from tests.factories import make_school
from tests.variety import statements

CONFIRMED = (ReviewState.SCHOOL_CONFIRMED, *IN_FORCE_STATES)


def the_round(session: Any) -> Round:
    with system():
        return session.scalars(select(Round).order_by(Round.id)).first()


def lines_of(session: Any, actor: Any, **narrowed: Any) -> dict[str, Any]:
    """The schools that an actor sees, by code."""
    with acting_as(actor):
        table = monitor.schools(the_round(session))
        found = monitor.lines(session, monitor.narrowed(table, **narrowed))
    return {line.code[-2:]: line for line in found}


def sums_of(session: Any, actor: Any) -> Sums:
    with acting_as(actor):
        return monitor.sums(session, monitor.narrowed(monitor.schools(the_round(session))))


def finish(session: Any, world: Any, school: str) -> None:
    """Let a school have nothing left to report."""
    with system():
        session.execute(
            update(Teacher)
            .where(Teacher.school_id == world.units[school].id, Teacher.state.not_in(CONFIRMED))
            .values(active=False)
        )
        session.expire_all()


def urge(session: Any, actor: Any, show: str = "all", words: str = "") -> monitor.Urged:
    each = the_round(session)
    with acting_as(actor):
        statement = monitor.narrowed(monitor.schools(each), show=show)
        return monitor.urge(session, actor, each, statement, words=words)


def notices(session: Any, *events: str) -> list[Notice]:
    with system():
        return list(session.scalars(select(Notice).where(Notice.event.in_(events))))


def test_figures_of_a_school_are_those_of_its_files(session: Any, world: Any) -> None:
    late, gone = world.teacher("A1", "draft"), world.teacher("A1", "reported")
    half = world.teacher("A1", "submitted")
    with system():
        session.execute(update(Teacher).where(Teacher.id == late.id).values(late=True))
        session.execute(update(Teacher).where(Teacher.id == gone.id).values(active=False))
        session.execute(update(Teacher).where(Teacher.id == half.id).values(complete_percent=99))
        reported = world.teacher("A1", "school_confirmed")
        session.execute(update(Teacher).where(Teacher.id == reported.id).values(late=True))
        session.expire_all()

    line = lines_of(session, world.actors["district_info_A"])["A1"]

    figures = {name: getattr(line, name) for name in monitor.COUNTS}
    assert figures == {
        "expected": 13,
        "filled": 12,
        "submitted": 9,
        "confirmed": 7,
        "effective": 5,
        "returned": 2,
        "late": 1,
    }
    assert (line.behind, line.open, line.percent) == (1, 6, 38)


@pytest.mark.parametrize(
    ("key", "schools"),
    [
        ("city_info", {"A1", "A2", "B1", "U1"}),
        ("city_assistant", {"A1", "A2", "B1", "U1"}),
        ("district_info_A", {"A1", "A2"}),
        ("district_info_B", {"B1"}),
        ("school_info_A1", {"A1"}),
    ],
)
def test_each_tier_sees_the_schools_of_its_scope(
    session: Any, world: Any, key: str, schools: set[str]
) -> None:
    found = lines_of(session, world.actors[key])

    assert set(found) == schools
    assert all(line.expected == 14 for line in found.values())


def test_a_school_is_done_when_all_its_files_are_reported(session: Any, world: Any) -> None:
    actor = world.actors["district_info_A"]
    assert sums_of(session, actor) == Sums(all=2, behind=2, overdue=0, nothing=0, done=0)

    finish(session, world, "A1")

    assert sums_of(session, actor) == Sums(all=2, behind=1, overdue=0, nothing=0, done=1)
    assert set(lines_of(session, actor, show="done")) == {"A1"}
    assert set(lines_of(session, actor, show="behind")) == {"A2"}


def test_a_school_that_opened_no_file_is_behind(session: Any, world: Any) -> None:
    with system():
        authority = session.get(Unit, world.units["A"].id)
        make_school(session, authority=authority, code="3111000099")

    found = lines_of(session, world.actors["district_info_A"], show="nothing")

    assert set(found) == {"99"}
    assert (found["99"].expected, found["99"].behind, found["99"].percent) == (0, 1, 0)


def test_a_closed_school_counts_while_it_has_files(session: Any, world: Any) -> None:
    actor = world.actors["district_info_A"]
    key = world.units["A2"].id
    with system():
        session.execute(update(Unit).where(Unit.id == key).values(active=False))
        session.expire_all()
    assert set(lines_of(session, actor)) == {"A1", "A2"}

    with system():
        session.execute(update(Teacher).where(Teacher.school_id == key).values(active=False))
        session.expire_all()

    assert set(lines_of(session, actor)) == {"A1"}


def test_the_extension_of_a_school_is_its_deadline(session: Any, world: Any) -> None:
    actor, day = world.actors["district_info_A"], today()
    each = the_round(session)
    with system():
        each.school_deadline = day - timedelta(days=1)
        unit = world.units["A1"].id
        session.add(Extension(round_id=each.id, unit_id=unit, until=day, reason="测试"))
        session.flush()

    found = lines_of(session, actor)

    assert (found["A1"].due, found["A1"].is_extended, found["A1"].overdue) == (day, True, 0)
    assert (found["A2"].is_extended, found["A2"].overdue) == (False, 1)
    assert set(lines_of(session, actor, show="overdue")) == {"A2"}


def test_a_round_asks_its_categories_and_its_authority_only(session: Any, world: Any) -> None:
    each = the_round(session)
    with system():
        each.categories = "primary_secondary"
        session.flush()
    assert set(lines_of(session, world.actors["city_info"])) == {"A1", "A2", "B1"}

    with system():
        each.authority_id = world.units["B"].id
        session.flush()

    assert set(lines_of(session, world.actors["city_info"])) == {"B1"}
    assert lines_of(session, world.actors["district_info_A"]) == {}


def test_schools_are_found_by_name_and_code_and_nothing_is_a_wildcard(
    session: Any, world: Any
) -> None:
    actor = world.actors["city_info"]

    assert set(lines_of(session, actor, text="小学B")) == {"B1"}
    assert set(lines_of(session, actor, text="4111")) == {"U1"}
    assert lines_of(session, actor, text="%") == {}
    assert set(lines_of(session, actor, category="higher")) == {"U1"}


def test_authorities_add_up_to_their_schools(session: Any, world: Any) -> None:
    actor = world.actors["city_info"]
    finish(session, world, "A2")
    each = the_round(session)

    with acting_as(actor):
        found = {line.id: line for line in monitor.authorities(session, each)}
        schools = monitor.lines(session, select(monitor.schools(each)))

    assert set(found) == {world.units[key].id for key in ("city", "A", "B")}
    for line in found.values():
        own = [each for each in schools if each.authority_id == line.id]
        assert (line.schools, line.behind) == (len(own), sum(each.behind for each in own))
        for name in monitor.COUNTS:
            assert getattr(line, name) == sum(getattr(each, name) for each in own), name


def test_the_slowest_schools_come_first(session: Any, world: Any) -> None:
    finish(session, world, "A2")
    with acting_as(world.actors["city_info"]):
        statement = monitor.narrowed(monitor.schools(the_round(session)))
        found = monitor.lines(session, monitor.ordered(statement, "", "asc"))
        by_name = monitor.lines(session, monitor.ordered(statement, "name", "desc"))

    percents = [line.percent for line in found]
    assert percents == sorted(percents)
    assert found[-1].code.endswith("A2")
    names = [line.name for line in by_name]
    assert names == sorted(names, reverse=True)


def test_rounds_under_way_come_before_closed_ones(session: Any, world: Any) -> None:
    day, first = today(), the_round(session)
    with system():
        for name, closed, authority in (("旧", True, None), ("本区", False, world.units["B"].id)):
            session.add(
                Round(
                    name=name,
                    opens_on=day - timedelta(days=99),
                    school_deadline=day - timedelta(days=60),
                    authority_deadline=day - timedelta(days=50),
                    city_deadline=day - timedelta(days=40),
                    closed=closed,
                    closed_at=now() if closed else None,
                    authority_id=authority,
                )
            )
        session.flush()

    with acting_as(world.actors["district_info_A"]):
        found = monitor.rounds(session, world.actors["district_info_A"])

    assert [each.name for each in found] == [first.name, "旧"]
    assert monitor.chosen_round(found, None) is first
    with pytest.raises(NotFound):
        monitor.chosen_round(found, 99_999)
    assert monitor.chosen_round([], None) is None


def test_urging_tells_administrator_and_head_of_the_schools_behind(
    session: Any, world: Any
) -> None:
    finish(session, world, "A2")
    district = world.actors["district_info_A"]

    became = urge(session, district, words="  请本周  完成 ")

    assert became == (1, 0, 0)
    told = notices(session, "urge")
    people = {world.actors[f"{role}_A1"].account_id for role in ("school_info", "school_head")}
    assert {each.account_id for each in told} == people
    assert {each.unit_id for each in told} == {world.units["A1"].id}
    assert told[0].params == {"count": 6, "reason": "请本周 完成"}
    assert "6" in notice.words(told[0])


def test_nobody_is_urged_twice_a_day(session: Any, world: Any) -> None:
    district, city = world.actors["district_info_A"], world.actors["city_info"]

    assert urge(session, district) == (2, 0, 0)
    assert urge(session, district) == (0, 2, 0)
    assert urge(session, city) == (2, 2, 0)
    assert len(notices(session, "urge")) == 8

    with clock.frozen(now() + timedelta(days=1)):
        assert urge(session, district) == (2, 0, 0)


def test_urging_stops_when_a_school_is_done(session: Any, world: Any) -> None:
    district = world.actors["district_info_A"]
    finish(session, world, "A1")
    finish(session, world, "A2")

    assert urge(session, district) == (0, 0, 0)
    assert notices(session, "urge", "urge_start") == []


def test_a_school_without_files_is_asked_to_begin(session: Any, world: Any) -> None:
    with system():
        key = world.units["B1"].id
        session.execute(update(Teacher).where(Teacher.school_id == key).values(active=False))
        session.expire_all()

    assert urge(session, world.actors["district_info_B"]) == (1, 0, 0)
    assert {each.unit_id for each in notices(session, "urge_start")} == {key}
    assert notices(session, "urge") == []


def test_a_school_without_accounts_is_named_as_such(session: Any, world: Any) -> None:
    with system():
        authority = session.get(Unit, world.units["B"].id)
        make_school(session, authority=authority, code="3111000099")

    assert urge(session, world.actors["district_info_B"]) == (1, 0, 1)


def test_an_urging_is_on_record_for_each_school(session: Any, world: Any) -> None:
    district = world.actors["district_info_A"]
    with system():
        last = session.scalar(select(func.max(Audit.id))) or 0
    urge(session, district, words="请尽快")

    with system():
        rows = session.scalars(select(Audit).where(Audit.id > last)).all()
    assert {(row.act, row.object_type, row.object_id) for row in rows} == {
        ("urge", "unit", str(world.units[key].id)) for key in ("A1", "A2")
    }
    assert all(row.account_id == district.account_id for row in rows)
    assert all(row.reason == "请尽快" for row in rows)
    with acting_as(district):
        units = [world.units[key].id for key in ("A1", "B1")]
        assert set(monitor.urged_at(session, units)) == {world.units["A1"].id}


@pytest.mark.parametrize(
    "key", ["school_info_A1", "school_head_A1", "city_assistant", "city_system", "city_audit"]
)
def test_only_authorities_urge(session: Any, world: Any, key: str) -> None:
    with pytest.raises(Forbidden):
        urge(session, world.actors[key])
    assert notices(session, "urge", "urge_start") == []


@pytest.mark.parametrize("closed", [True, False])
def test_only_an_open_round_urges(session: Any, world: Any, closed: bool) -> None:
    each = the_round(session)
    with system():
        each.closed, each.closed_at = closed, now() if closed else None
        each.opens_on = each.opens_on if closed else today() + timedelta(days=1)
        session.flush()

    with pytest.raises(Refused):
        urge(session, world.actors["district_info_A"])
    assert notices(session, "urge", "urge_start") == []


def test_too_many_words_are_refused(session: Any, world: Any) -> None:
    with pytest.raises(Refused):
        urge(session, world.actors["district_info_A"], words="字" * 501)
    assert notices(session, "urge") == []


def test_urging_takes_as_many_statements_for_two_schools_as_for_four(
    session: Any, world: Any
) -> None:
    def taken(key: str) -> int:
        with statements() as seen:
            urge(session, world.actors[key])
        return len(seen)

    taken("district_info_B")
    with clock.frozen(now() + timedelta(days=1)):
        few = taken("district_info_A")
    with clock.frozen(now() + timedelta(days=2)):
        assert taken("city_info") == few
