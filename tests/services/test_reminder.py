"""Reminders of last days: schools and authorities; repeated, never pestering."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.access.actor import system
from app.core.clock import now, today
from app.models.notice import Notice
from app.models.round import Round
from app.models.teacher import Teacher
from app.services import reminder


def told(session: Any, event: str) -> dict[int, int]:
    """Accounts that were told of an event, with the number they were told."""
    rows = session.scalars(select(Notice).where(Notice.event == event))
    return {each.account_id: each.params["count"] for each in rows}


def set_deadline(session: Any, days: int, **columns: Any) -> None:
    values = {"school_deadline": today() + timedelta(days=days)} | columns
    if days < -10:
        values["opens_on"] = values["school_deadline"]
    session.execute(update(Round).values(values))


class TestSchools:
    @pytest.mark.parametrize("days", [-3, 0, 7])
    def test_near_or_past_the_last_day_are_urged_with_their_number(self, session, world, days):
        with system():
            set_deadline(session, days)
            number = reminder.remind_schools(session, world.catalog)

            found = told(session, "urge")

        wanted = {
            world.actor(role, school).account_id
            for role in ("school_info", "school_head")
            for school in ("A1", "A2", "B1", "U")
        }
        assert set(found) == wanted
        assert set(found.values()) == {6}  # Two drafts, two returned, two submitted.
        assert number == 4

    def test_far_from_the_last_day_are_left_alone(self, session, world):
        with system():
            set_deadline(session, 8)

            assert reminder.remind_schools(session, world.catalog) == 0

    def test_are_left_alone_when_the_round_is_closed(self, session, world):
        with system():
            set_deadline(session, -1, closed=True, closed_at=now())

            assert reminder.remind_schools(session, world.catalog) == 0

    def test_that_are_done_are_left_alone(self, session, world):
        with system():
            set_deadline(session, 0)
            session.execute(
                update(Teacher)
                .where(Teacher.school_id == world.units["A1"].id)
                .where(Teacher.state.in_(["draft", "returned", "submitted"]))
                .values(state="school_confirmed")
            )
            reminder.remind_schools(session, world.catalog)

            found = told(session, "urge")

        assert world.actor("school_info", "A1").account_id not in found
        assert world.actor("school_info", "A2").account_id in found

    def test_are_not_urged_again_before_the_days_have_passed(self, session, world):
        with system():
            set_deadline(session, 0)
            counts = [reminder.remind_schools(session, world.catalog) for _night in range(2)]
            session.execute(update(Notice).values(at=now() - timedelta(days=8)))
            counts.append(reminder.remind_schools(session, world.catalog))

        assert counts == [4, 0, 4]


class TestDeciders:
    @pytest.mark.parametrize("days", [-3, 0, 7])
    def test_are_urged_near_or_past_the_last_day_of_their_stage(self, session, world, days):
        with system():
            last = today() + timedelta(days=days)
            set_deadline(session, min(days, 0), authority_deadline=last, city_deadline=last)
            number = reminder.remind_deciders(session, world.catalog)

            found = told(session, "decision_due")

        assert found == {
            world.actor("district_info", "A").account_id: 4,
            world.actor("district_info", "B").account_id: 2,
            world.actor("city_info").account_id: 2 + 6,
        }
        assert number == 3

    def test_are_left_alone_before_and_when_the_round_is_closed(self, session, world):
        with system():
            assert reminder.remind_deciders(session, world.catalog) == 0
            last = today()
            set_deadline(session, 0, authority_deadline=last, city_deadline=last, closed=True)

            assert reminder.remind_deciders(session, world.catalog) == 0
