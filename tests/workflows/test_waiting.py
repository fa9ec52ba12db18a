"""Reminders of what waits for a decision: whoever's turn it is in any flow, by unit and number;
after working days, then weekly; and never a decision by time-out (s0)."""

import ast
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from app import workflows
from app.access.actor import system
from app.access.roles import Role
from app.core import clock
from app.core.clock import now
from app.extensions import db
from app.jobs import nightly
from app.models.account import Account
from app.models.change import Addition, Change
from app.models.history import Transition
from app.models.notice import Notice
from app.models.teacher import Teacher
from app.services import notice
from app.workflows import ADDITION, CHANGE, REVIEW, WORKFLOWS, waiting
from app.workflows.engine import Step, Workflow
from app.workflows.parties import party
from app.workflows.waiting import awaited, remind_parties
from tests.services.test_reminder import told
from tests.views.pages import sign_in
from tests.workflows.test_engine import failing_at

LONG = timedelta(days=30)


def opened(session: Any, world: Any, model: Any, state: str, *schools: str, **more: Any) -> Any:
    """Additions or changes of effective files that have waited for long."""
    rows = []
    for school in schools:
        file = world.teacher(school, "effective")
        rows.append(
            model(
                teacher_id=file.id, school_id=file.school_id, authority_id=file.authority_id,
                kind="add" if model is Addition else "modify", set="learning",
                record_uuid=uuid4().hex, before_id=None if model is Addition else 1, fields=[],
                state=state, state_since=now() - LONG, opened_at=now() - LONG,
                opened_by=world.actor("school_info", school).account_id, opened_role="school_info",
                **more,
            )
        )  # fmt: skip
    session.add_all(rows)
    session.flush()
    return rows


def at_rest(session: Any) -> None:
    """Let no file of the world wait."""
    session.execute(update(Teacher).values(state_since=now()))


class TestReviewers:
    def test_hear_of_files_that_wait_too_long(self, session, world):
        with system():
            session.execute(
                update(Teacher)
                .where(Teacher.state.in_(["submitted", "school_confirmed"]))
                .values(state_since=now() - timedelta(days=14))
            )
            remind_parties(session, world.catalog)

            found = told(session, "review_waiting")

        heads = {world.actor("school_head", key).account_id: 2 for key in ("A1", "A2", "B1", "U")}
        authorities = {
            world.actor("district_info", "A").account_id: 4,
            world.actor("district_info", "B").account_id: 2,
            world.actor("city_info").account_id: 2,
        }
        assert found == heads | authorities

    def test_the_city_hears_of_effective_files_that_wait_for_its_acceptance(self, session, world):
        with system():
            session.execute(
                update(Teacher)
                .where(Teacher.state == "effective")
                .values(state_since=now() - timedelta(days=14))
            )
            remind_parties(session, world.catalog)

            found = told(session, "review_waiting")

        # Those of A1, A2 and B1; the university's were the city's own decision.
        assert found == {world.actor("city_info").account_id: 6}

    def test_the_authority_hears_of_the_file_of_a_head_without_anybody(self, session, world):
        file, head = world.teacher("A1", "submitted"), world.actor("school_head", "A1")
        with system():
            session.get(Account, head.account_id).teacher_id = file.id
            session.execute(
                update(Teacher)
                .where(Teacher.id == file.id)
                .values(state_since=now() - timedelta(days=14))
            )
            session.flush()
            remind_parties(session, world.catalog)

            found = told(session, "review_waiting")

        assert found == {world.actor("district_info", "A").account_id: 1}

    def test_hear_nothing_of_fresh_files(self, session, world):
        with system():
            session.execute(update(Teacher).values(state_since=now()))

            assert remind_parties(session, world.catalog) == 0
            assert session.scalar(select(func.count()).select_from(Notice)) == 0


class TestEveryFlow:
    def test_the_states_that_wait_for_somebody_are_those_of_the_specification(self):
        found = {
            name: {
                (state, party.name)
                for state, steps in awaited(flow).items()
                for step in steps
                for party in step.by
            }
            for name, flow in {"review": REVIEW, "addition": ADDITION, "change": CHANGE}.items()
        }

        assert found == {
            "review": {
                ("submitted", "school_head"),
                ("submitted", "authority_for_head"),
                ("school_confirmed", "authority"),
                ("effective", "city_for_district_file"),
            },
            "addition": {
                ("pending_school", "school_head"),
                ("pending_school", "authority_for_head"),
                ("pending_authority", "authority"),
            },
            "change": {("pending_authority", "authority")},
        }

    @pytest.mark.parametrize("flow", WORKFLOWS.values(), ids=WORKFLOWS)
    def test_every_flow_can_be_reminded_of(self, flow):
        assert awaited(flow)
        assert hasattr(flow.model, "state_since")
        assert waiting._unit_columns(flow.model)

    def test_additions_and_changes_are_told_to_whose_turn_it_is(self, session, world):
        with system():
            at_rest(session)
            opened(session, world, Addition, "pending_school", "A1", "U")
            opened(session, world, Addition, "pending_authority", "A1", "A2", "B1", "U")
            opened(session, world, Change, "pending_authority", "A1", "U")
            opened(session, world, Change, "draft", "A2")
            opened(session, world, Addition, "rejected", "A2")

            remind_parties(session, world.catalog)

            additions, changes = told(session, "addition_waiting"), told(session, "change_waiting")

        account = {key: actor.account_id for key, actor in world.actors.items()}
        assert additions == {
            account["school_head_A1"]: 1,
            account["school_head_U"]: 1,
            account["district_info_A"]: 2,
            account["district_info_B"]: 1,
            account["city_info"]: 1,
        }
        assert changes == {account["district_info_A"]: 1, account["city_info"]: 1}

    def test_a_flow_that_is_added_is_covered_without_a_word_about_it(
        self, session, world, monkeypatch
    ):
        @party(Role.SCHOOL_INFO)
        def clerk(actor: Any, item: Any) -> bool:
            return actor.unit_id == item.school_id

        step = Step("take", "4.6", ("pending_school",), "approved", by=(clerk,), label="Take")
        added = Workflow(
            name="move", model=Addition, states=ADDITION.states, label="Move", steps=(step,),
            terminal=frozenset(), state_table="wf_addition_state",
        )  # fmt: skip
        monkeypatch.setitem(workflows.WORKFLOWS, "move", added)
        with system():
            at_rest(session)
            opened(session, world, Addition, "pending_school", "A1")

            remind_parties(session, world.catalog)

            found = told(session, "process_waiting")
            rows = session.scalars(select(Notice).where(Notice.event == "process_waiting")).all()

        assert found == {world.actor("school_info", "A1").account_id: 1}
        assert "1 process(es)" in notice.words(rows[0]) or "1" in notice.words(rows[0])

    def test_two_parties_of_one_unit_are_told_of_their_own_number(
        self, session, world, monkeypatch
    ):
        @party(Role.SCHOOL_INFO)
        def clerk(actor: Any, item: Any) -> bool:
            return actor.unit_id == item.school_id

        by_clerk = replace(ADDITION.steps[0], name="check", sources=("pending_authority",))
        both = replace(ADDITION, steps=(*ADDITION.steps[:1], replace(by_clerk, by=(clerk,))))
        monkeypatch.setitem(workflows.WORKFLOWS, "addition", both)
        with system():
            at_rest(session)
            opened(session, world, Addition, "pending_school", "A1")
            opened(session, world, Addition, "pending_authority", "A1", "A1")

            numbers = [remind_parties(session, world.catalog) for _night in range(2)]

            found = told(session, "addition_waiting")

        assert numbers == [2, 0]
        assert found == {
            world.actor("school_head", "A1").account_id: 1,
            world.actor("school_info", "A1").account_id: 2,
        }

    def test_the_words_lead_and_read_in_both_languages(self, app, session, world):
        with system():
            at_rest(session)
            opened(session, world, Change, "pending_authority", "A1")
            remind_parties(session, world.catalog)
            session.commit()

        english = sign_in(app, world, "district_info_A", "en").get("/notices/list/").text
        chinese = sign_in(app, world, "district_info_A", "zh").get("/notices/list/").text

        assert "1 change(s) have waited for your decision for more than 5 working days." in english
        assert "1项信息变更等待您处理已超过5个工作日" in chinese


class TestTime:
    def told_on(self, session: Any, world: Any, *days: date) -> list[int]:
        numbers = []
        for day in days:
            with clock.frozen(datetime.combine(day, datetime.min.time(), clock.BEIJING)):
                numbers.append(remind_parties(session, world.catalog))
        return numbers

    def test_first_after_the_working_days_then_every_seven_days(self, session, world):
        """Confirmed on Monday the 2nd of November 2026; no holiday is near."""
        begin = date(2026, 11, 2)
        days = [begin + timedelta(days=number) for number in range(29)]
        with system():
            session.execute(update(Teacher).values(state_since=now() + timedelta(days=999)))
            since = datetime.combine(begin, datetime.min.time(), clock.BEIJING)
            file = world.teacher("A1", "school_confirmed")
            session.execute(update(Teacher).where(Teacher.id == file.id).values(state_since=since))

            numbers = self.told_on(session, world, *days)

        # More than five working days have passed on the Tuesday after.
        assert [day.day for day, number in zip(days, numbers, strict=True) if number] == [
            10,
            17,
            24,
        ]

    def test_holidays_of_the_calendar_put_it_off(self, session, world):
        """Confirmed on the last day before the National Day holidays of 2026; the Saturday after
        them is worked."""
        begin = date(2026, 9, 30)
        with system():
            session.execute(update(Teacher).values(state_since=now() + timedelta(days=999)))
            since = datetime.combine(begin, datetime.min.time(), clock.BEIJING)
            file = world.teacher("A1", "school_confirmed")
            session.execute(update(Teacher).where(Teacher.id == file.id).values(state_since=since))

            numbers = self.told_on(session, world, date(2026, 10, 13), date(2026, 10, 14))

        assert numbers == [0, 1]

    def test_a_night_that_is_killed_and_repeated_tells_nobody_twice(
        self, session, world, monkeypatch
    ):
        """Killed before its commit it has told nobody; killed after it, everybody once."""
        context = SimpleNamespace(
            session=session, job=SimpleNamespace(id=1, name="remind"), done=0, step=None
        )
        with system():
            session.execute(update(Teacher).values(state_since=now() - LONG))
            session.commit()
            monkeypatch.setattr(nightly, "_note", killed)
            with pytest.raises(KeyboardInterrupt):
                nightly.remind(context)
            session.rollback()
            assert session.scalar(select(func.count()).select_from(Notice)) == 0
            monkeypatch.undo()

            nightly.remind(context)
            once = notices(session)
            nightly.remind(context)

            assert notices(session) == once
            assert set(once.values()) == {1}

    def test_the_statements_do_not_grow_with_what_waits(self, session, world):
        costs = []
        with system():
            for number in (1, 40):
                at_rest(session)
                session.execute(update(Notice).values(at=now() - LONG))
                opened(session, world, Addition, "pending_authority", *["A1", "B1"] * number)
                session.flush()
                with failing_at(db.engine, 0) as seen:
                    remind_parties(session, world.catalog)
                costs.append(len(seen))

        assert costs[1] == costs[0]


def killed(*_given: Any, **_more: Any) -> None:
    raise KeyboardInterrupt


def notices(session: Any) -> Counter[Any]:
    what = (Notice.account_id, Notice.event, Notice.unit_id)
    return Counter(tuple(row) for row in session.execute(select(*what)))


class TestNothingIsDecidedByTime:
    def test_a_year_of_nights_moves_no_object_of_any_flow(self, session, world):
        with system():
            at_rest(session)
            for model, flow in ((Addition, ADDITION), (Change, CHANGE)):
                for state in {str(s) for s in flow.states} - {str(s) for s in flow.terminal}:
                    opened(session, world, model, state, "A1", "U")
            before = standing(session)
            steps = session.scalar(select(func.count()).select_from(Transition))

            for month in range(1, 13):
                later = now() + timedelta(days=30 * month)
                with clock.frozen(later):
                    nightly.remind(
                        SimpleNamespace(session=session, job=SimpleNamespace(id=1, name="remind"))
                    )

            session.expire_all()
            assert standing(session) == before
            assert session.scalar(select(func.count()).select_from(Transition)) == steps
            assert notices(session)

    def test_the_reminders_and_the_nightly_jobs_perform_no_step(self):
        """What a flow itself does on a day (a status that comes into force) has its own job."""
        folder = Path(workflows.__file__).parents[1]
        for name in ("workflows/waiting.py", "services/reminder.py", "jobs/nightly.py"):
            tree = ast.parse((folder / name).read_text("utf-8"))
            called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            assert not called & {"perform", "perform_many"}, name

    # What the system may take as well as people, and why that is no decision by time-out.
    SHARED = frozenset(
        {
            ("addition", "withdraw"),  # Of a file that is closed.
            ("status_change", "make_effective"),  # On the day that the school has set.
            ("rotation", "end"),  # At the planned end, where the city has it so.
            ("transfer", "confirm"),  # The second one of one authority, where the city has it so.
            ("transfer", "void"),  # Of a person who has left.
        }
    )

    @pytest.mark.parametrize("flow", WORKFLOWS.values(), ids=WORKFLOWS)
    def test_no_step_that_people_decide_is_also_the_systems(self, flow):
        """The system could else take by night what a person has to decide."""
        for step in flow.steps:
            kinds = {each.is_system for each in step.by}
            shared = (flow.name, step.name) in self.SHARED
            assert len(kinds) == (2 if shared else 1), (flow.name, step.name)
            if kinds == {True}:
                people = [s for s in flow.steps if s.is_awaited and s.target == step.target]
                shared = [s for s in people if set(s.sources) & set(step.sources)]
                assert shared == [], (flow.name, step.name)


def standing(session: Any) -> list[tuple[Any, ...]]:
    """State and version of every object of every flow."""
    found = []
    for flow in WORKFLOWS.values():
        model = flow.model
        rows = session.execute(select(model.id, model.state, model.version).order_by(model.id))
        found += [(flow.name, *row) for row in rows]
    return found
