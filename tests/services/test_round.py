"""Rounds: whom they ask, who sets them, deadlines that mark late, closing that locks."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.core.clock import now, today
from app.core.errors import Forbidden, NotFound, Refused, Stale
from app.models.history import Audit
from app.models.notice import Notice
from app.models.round import Extension, Round
from app.models.teacher import Teacher
from app.models.unit import Unit
from app.services import file as files
from app.services import round as rounds


def make_round(session: Any, *, name: str = "测试任务", **columns: Any) -> Round:
    """A round for everybody whose school deadline lies ten days ahead."""
    day = today()
    values = {
        "categories": "",
        "opens_on": day - timedelta(days=30),
        "school_deadline": day + timedelta(days=10),
        "authority_deadline": day + timedelta(days=20),
        "city_deadline": day + timedelta(days=30),
    } | columns
    made = Round(name=name, **values)
    with system():
        session.add(made)
        session.flush()
    return made


def unit_of(session: Any, world: Any, key: str) -> Unit:
    with system():
        return session.get(Unit, world.units[key].id)


@pytest.mark.parametrize(
    ("columns", "asked"),
    [
        ({}, {"A1", "A2", "B1", "U"}),
        ({"categories": "higher"}, {"U"}),
        ({"categories": "primary_secondary,kindergarten"}, {"A1", "A2", "B1"}),
    ],
    ids=["all", "universities", "two categories"],
)
def test_a_round_asks_the_categories_it_names(session, world, columns, asked):
    made = make_round(session, **columns)

    found = {
        key for key in ("A1", "A2", "B1", "U") if rounds.covers(made, unit_of(session, world, key))
    }

    assert found == asked


def test_a_round_of_one_authority_asks_its_units_only(session, world):
    made = make_round(session, authority_id=world.units["A"].id)

    found = {
        key for key in ("A1", "A2", "B1", "U") if rounds.covers(made, unit_of(session, world, key))
    }

    assert found == {"A1", "A2"}


def test_the_latest_round_counts(session, world):
    make_round(session, name="旧")
    latest = make_round(session, name="新")
    unit = unit_of(session, world, "A1")

    assert rounds.rounds_of(session, [unit]) == {unit.id: latest}


class TestSetting:
    def test_the_city_sets_a_round_for_all(self, session, world):
        actor = world.actor("city_info")

        made = save(session, actor, name="全市")

        assert made.authority_id is None
        assert acts_on(session, made) == ["create"]

    def test_a_district_sets_rounds_for_its_own_units_only(self, session, world):
        actor = world.actor("district_info", "A")

        made = save(session, actor, name="本区")

        assert made.authority_id == actor.unit_id

    def test_a_district_cannot_touch_a_round_of_others(self, session, world):
        actor = world.actor("district_info", "A")
        foreign = make_round(session, authority_id=world.units["B"].id)
        for_all = make_round(session, name="全市")

        for each in (foreign, for_all):
            with acting_as(actor), pytest.raises(Forbidden):
                rounds.save(session, actor, each)
            with acting_as(actor), pytest.raises(Forbidden):
                rounds.close(session, actor, each)

    @pytest.mark.parametrize("key", ["school_info_A1", "school_head_A1", "city_assistant"])
    def test_nobody_else_sets_rounds(self, session, world, key):
        with pytest.raises(Forbidden):
            save(session, world.actors[key], name="不行")

    def test_the_stages_follow_each_other(self, session, world):
        day = today()

        with pytest.raises(Refused) as caught:
            save(
                session,
                world.actor("city_info"),
                name="倒置",
                opens_on=day,
                school_deadline=day - timedelta(days=1),
                city_deadline=day,
            )

        assert [p.field for p in caught.value.problems] == ["school_deadline", "city_deadline"]

    def test_a_name_is_given_once(self, session, world):
        make_round(session, name="同名")

        with pytest.raises(Refused) as caught:
            save(session, world.actor("city_info"), name="同名")

        assert [p.field for p in caught.value.problems] == ["name"]

    def test_closing_twice_is_refused(self, session, world):
        actor, made = world.actor("city_info"), make_round(session)
        with acting_as(actor):
            rounds.close(session, actor, made)

        with acting_as(actor), pytest.raises(Refused):
            rounds.close(session, actor, made)
        with acting_as(actor):
            rounds.reopen(session, actor, made)

        assert made.closed is False


def save(session: Any, actor: Any, *, name: str, **columns: Any) -> Round:
    day = today()
    values = {
        "categories": "",
        "opens_on": day,
        "school_deadline": day + timedelta(days=1),
        "authority_deadline": day + timedelta(days=2),
        "city_deadline": day + timedelta(days=3),
    } | columns
    with acting_as(actor):
        return rounds.save(session, actor, Round(name=name, **values))


def acts_on(session: Any, made: Round) -> list[str]:
    with system():
        rows = select(Audit.act).where(
            Audit.object_type == "round", Audit.object_id == str(made.id)
        )
        return list(session.scalars(rows))


class TestExtension:
    def test_gives_the_unit_a_later_day_and_tells_it(self, session, world):
        actor, made = world.actor("district_info", "A"), make_round(session)
        until = made.school_deadline + timedelta(days=3)

        extend(session, actor, made, unit_of(session, world, "A1"), until=until)

        assert rounds.deadline(session, unit_of(session, world, "A1")) == until
        assert rounds.deadline(session, unit_of(session, world, "A2")) == made.school_deadline
        with system():
            told = session.scalars(select(Notice).where(Notice.event == "extension_granted")).all()
        wanted = {world.actor(role, "A1").account_id for role in ("school_info", "school_head")}
        assert {each.account_id for each in told} == wanted
        assert {each.params["until"] for each in told} == {until.isoformat()}

    def test_a_second_one_replaces_the_first(self, session, world):
        actor, made = world.actor("city_info"), make_round(session)
        unit = unit_of(session, world, "A1")
        for days in (3, 7):
            extend(session, actor, made, unit, until=made.school_deadline + timedelta(days=days))

        with system():
            assert len(session.scalars(select(Extension)).all()) == 1
        assert rounds.deadline(session, unit) == made.school_deadline + timedelta(days=7)

    def test_a_district_extends_its_own_units_only(self, session, world):
        actor, made = world.actor("district_info", "A"), make_round(session)

        for key in ("B1", "U"):
            with pytest.raises(NotFound):
                extend(session, actor, made, unit_of(session, world, key))

    def test_a_unit_that_the_round_does_not_ask_is_not_found(self, session, world):
        made = make_round(session, categories="higher")

        with pytest.raises(NotFound):
            extend(session, world.actor("city_info"), made, unit_of(session, world, "A1"))

    def test_needs_a_later_day_and_a_reason(self, session, world):
        made = make_round(session)
        unit = unit_of(session, world, "A1")

        with pytest.raises(Refused) as caught:
            extend(
                session,
                world.actor("city_info"),
                made,
                unit,
                until=made.school_deadline,
                reason=" ",
            )

        assert [p.field for p in caught.value.problems] == ["until", "reason"]


def extend(
    session: Any,
    actor: Any,
    made: Round,
    unit: Unit,
    *,
    until: date | None = None,
    reason: str = "停电",
) -> None:
    day = until or made.school_deadline + timedelta(days=1)
    with acting_as(actor):
        rounds.extend(session, actor, made, unit, until=day, reason=reason)


class TestLate:
    def test_a_passed_deadline_marks_what_is_not_reported(self, session, world):
        make_round(session, school_deadline=today() - timedelta(days=1))

        with system():
            rounds.mark_late(session)

        assert late_states(session) == {"draft", "returned", "submitted"}

    def test_a_deadline_moved_ahead_takes_the_mark_away(self, session, world):
        made = make_round(session, school_deadline=today() - timedelta(days=1))
        actor = world.actor("city_info")
        with system():
            rounds.mark_late(session)
        made.school_deadline = today() + timedelta(days=1)
        with acting_as(actor):
            rounds.save(session, actor, made)

        assert late_states(session) == set()

    def test_an_extension_takes_the_mark_from_its_unit(self, session, world):
        made = make_round(session, school_deadline=today() - timedelta(days=1))
        with system():
            rounds.mark_late(session)

        extend(
            session, world.actor("city_info"), made, unit_of(session, world, "A1"), until=today()
        )

        assert late_schools(session) == {world.units[key].id for key in ("A2", "B1", "U")}

    def test_the_last_day_itself_is_in_time(self, session, world):
        make_round(session, school_deadline=today())

        with system():
            rounds.mark_late(session)

        assert late_states(session) == set()


def late_states(session: Any) -> set[str]:
    with system():
        return set(session.scalars(select(Teacher.state).where(Teacher.late)))


def late_schools(session: Any) -> set[int]:
    with system():
        return set(session.scalars(select(Teacher.school_id).where(Teacher.late)))


class TestLocking:
    """A closed round locks filling in as well, and says who can open it again."""

    def close(self, session: Any) -> Round:
        with system():
            found = session.scalars(select(Round)).one()
            found.closed, found.closed_at = True, now()
            session.flush()
        return found

    def save(self, session: Any, world: Any) -> None:
        actor = world.actor("school_info", "A1")
        with acting_as(actor):
            teacher = session.get(Teacher, world.teacher("A1", "draft").id)
            files.save_record(
                session, actor, teacher, "contact", {"address": "新址"}, catalog=world.catalog
            )

    def test_a_closed_round_locks_filling_in_and_says_who_opens_it(self, session, world):
        self.close(session)

        with pytest.raises(Stale, match="主管部门可以重新开放"):
            self.save(session, world)

    def test_a_closed_round_takes_no_new_file(self, session, world):
        self.close(session)
        actor = world.actor("school_info", "A1")

        with acting_as(actor), pytest.raises(Refused, match="主管部门可以重新开放"):
            files.create_file(session, actor, {}, catalog=world.catalog)

    def test_a_running_extension_keeps_its_unit_open(self, session, world):
        found = self.close(session)
        with system():
            until = max(found.school_deadline, today()) + timedelta(days=5)
            unit = world.units["A1"].id
            session.add(Extension(round_id=found.id, unit_id=unit, until=until, reason="停电"))
            session.flush()

        self.save(session, world)

    def test_a_passed_deadline_locks_nothing(self, session, world):
        with system():
            found = session.scalars(select(Round)).one()
            found.opens_on = found.school_deadline = today() - timedelta(days=1)
            session.flush()

        self.save(session, world)


def test_a_round_to_come_does_not_replace_the_one_under_way(session, world):
    running = make_round(session, name="在办")
    make_round(session, name="待办", opens_on=today() + timedelta(days=3))
    unit = unit_of(session, world, "A1")

    assert rounds.rounds_of(session, [unit]) == {unit.id: running}


@pytest.mark.parametrize(
    ("state", "columns"),
    [
        ("school_confirmed", ("school_deadline", "authority_deadline")),
        ("effective", ("school_deadline", "authority_deadline", "city_deadline")),
    ],
)
def test_a_passed_deadline_of_authority_or_city_marks_what_waits_there(
    session, world, state, columns
):
    with system():
        found = session.scalars(select(Round)).one()
        found.opens_on = today() - timedelta(days=9)
        for name in columns:
            setattr(found, name, today() - timedelta(days=1))
        session.flush()

        rounds.mark_late(session)
        session.expire_all()

        marked = set(session.scalars(select(Teacher.state).where(Teacher.decision_late)))
        assert state in marked
        assert marked <= {"school_confirmed", "effective"}
        found.authority_deadline = found.city_deadline = today() + timedelta(days=9)
        session.flush()
        rounds.mark_late(session)
        session.expire_all()
        assert session.scalars(select(Teacher).where(Teacher.decision_late)).all() == []
