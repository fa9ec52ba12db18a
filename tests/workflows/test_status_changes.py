"""Status changes beyond their table: registering, guards, effects, revocation, the night (s5)."""

from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, literal, select

from app.access.actor import Actor, acting_as, system
from app.core import clock
from app.core.clock import local, now, today
from app.core.errors import Forbidden, NotFound, Refused, Stale
from app.jobs.status_change import status_changes
from app.models.account import Assignment
from app.models.change import RecordChange
from app.models.history import Audit, Transition
from app.models.notice import Notice
from app.models.status_change import StatusChange
from app.models.teacher import Affiliation, FileProblem, FileVersion, Teacher
from app.services import exclusive
from app.services import status_change as changes
from app.services.affiliation import month_of
from app.services.integrity import find_faults
from app.workflows import WORKFLOWS
from tests.factories import Wanted, fill, make_account, make_teachers
from tests.variety import statements
from tests.workflows.test_changes import DISTRICT, HEAD, INFO, STUDY, TEACHER, Office, codes

SICK, LEFT, RETIRED, DEAD, DISMISSED = "203", "307", "301", "303", "308"


class Desk(Office):
    """People at work on the status of the effective files of school A1."""

    def register(
        self, to: str, file: Teacher | None = None, *, who: str | Actor = INFO, **more: Any
    ) -> StatusChange:
        file = file or self.file()
        more = {"effective_date": today(), "reason": "按规定办理"} | more
        actor = self.actor(who)
        with acting_as(actor):
            return changes.register(
                self.session, actor, file, to_status=to, catalog=self.known, **more
            )

    def change(self, to: str, file: Teacher | None = None, **more: Any) -> StatusChange:
        """Register a status change and put it into effect."""
        return self.take(self.register(to, file, **more), "make_effective", INFO)

    def place(self, file: Teacher) -> list[tuple[str, str, str | None]]:
        """Status, first and last month of the affiliations that a file ever had, the latest last;
        the open one has the last month None."""
        with system():
            mine = select(Affiliation).where(Affiliation.teacher_id == file.id)
            rows = self.session.scalars(mine.order_by(Affiliation.id)).all()
        return [(row.status, row.from_month, row.to_month) for row in rows]

    def counted(self, moment: Any = None) -> int:
        """How many belong to the school."""
        with system():
            here = (
                Affiliation.school_id == self.world.units["A1"].id,
                Affiliation.valid_from <= (moment or now()),
                Affiliation.valid_to.is_(None) | (Affiliation.valid_to > (moment or now())),
            )
            return self.session.scalar(select(func.count()).where(*here))

    def night(self) -> None:
        """Run the job of the night to its end, as the worker would."""
        own = SimpleNamespace(id=1, name="status_changes")
        step = lambda _done: self.session.flush()  # noqa: E731
        with system():
            status_changes(SimpleNamespace(session=self.session, done=0, job=own, step=step))
            self.session.expire_all()

    def counts(self, actor: Actor) -> bool:
        """Whether the assignment of an actor counts today."""
        with system():
            held = self.session.get(Assignment, actor.assignment_id, populate_existing=True)
            return held.is_valid_on(today())

    def same_person(self) -> None:
        """Another school opens a file with the number of the first one."""
        with system():
            basic = self.ref().values["basic"]
            values = {code: basic[code] for code in ("id_no", "birth_date", "sex")}
            make_teachers(self.session, [Wanted(self.unit("B1"), "draft", values)])

    def state(self, item: Any) -> str:
        """The state of a status change by now."""
        with system():
            return self.session.get_one(StatusChange, item.id, populate_existing=True).state

    def count(self, event: str) -> int:
        """How many notices of an event were written."""
        with system():
            mine = select(func.count()).select_from(Notice).where(Notice.event == event)
            return self.session.scalar(mine)

    def one(self, **basic: Any) -> Teacher:
        """An effective file of the school with values of its own."""
        with system():
            return make_teachers(self.session, [Wanted(self.unit("A1"), "effective", basic)])[0]


@pytest.fixture
def desk(session: Any, world: Any) -> Desk:
    return Desk(session, world)


@pytest.fixture
def asking(desk: Desk) -> Desk:
    """The city wants every change to be approved."""
    asked = {**desk.known.parameters, "status_change_needs_authority": True}
    desk.known = replace(desk.known, parameters=asked)
    return desk


class TestRegistering:
    def test_the_school_registers_and_nothing_changes_yet(self, desk: Desk) -> None:
        item = desk.register(SICK)

        assert (item.state, item.from_status, item.to_status) == ("draft", "100", SICK)
        assert desk.file().staff_status == "100"

    @pytest.mark.parametrize("who", [HEAD, TEACHER, DISTRICT, "city_info", "city_assistant"])
    def test_nobody_else_registers(self, desk: Desk, who: str) -> None:
        with pytest.raises(Forbidden):
            desk.register(SICK, who=desk.actor(who, desk.file()))

    def test_a_file_of_another_school_is_not_there(self, desk: Desk) -> None:
        with pytest.raises(NotFound):
            desk.register(SICK, who="school_info_A2")

    @pytest.mark.parametrize("state", ["draft", "submitted", "returned", "school_confirmed"])
    def test_only_of_files_that_are_effective(self, desk: Desk, state: str) -> None:
        with pytest.raises(Stale):
            desk.register(SICK, desk.file(state))

    @pytest.mark.parametrize("to", ["305", "101", "205", "100", "999", ""])
    def test_what_other_flows_set_what_is_so_already_and_what_is_unknown_is_refused(
        self, desk: Desk, to: str
    ) -> None:
        with pytest.raises(Refused) as caught:
            desk.register(to)

        assert codes(caught) == ["status"]

    def test_one_is_registered_at_a_time(self, desk: Desk) -> None:
        desk.register(SICK)

        with pytest.raises(Refused) as caught:
            desk.register(LEFT)
        assert codes(caught) == ["open_process"]
        assert desk.world.units["A1"].name in str(caught.value.problems[0].message)

    @pytest.mark.parametrize("what", ["transfer_issued", "rotation", "rotation_active"])
    def test_what_is_open_refuses_it_when_it_is_registered_and_again_when_it_takes_effect(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch, what: str
    ) -> None:
        item = desk.register(SICK)
        opened = lambda: exclusive._source(Teacher, literal(what), Teacher.school_id)  # noqa: E731
        monkeypatch.setattr(exclusive, "SOURCES", (*exclusive.SOURCES, opened))

        assert desk.refused(item, "make_effective", INFO) == ["open_process"]
        with pytest.raises(Refused):
            desk.register(SICK, desk.file(number=2))

    def test_a_transfer_that_is_not_yet_issued_stands_in_no_way(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened = lambda: exclusive._source(  # noqa: E731
            Teacher, literal("transfer"), Teacher.school_id
        )
        monkeypatch.setattr(exclusive, "SOURCES", (*exclusive.SOURCES, opened))

        assert desk.change(LEFT).state == "effective"

    def test_additions_and_changes_may_be_open_beside_it(self, desk: Desk) -> None:
        desk.make("change", "pending_authority")
        desk.register(SICK)

        assert desk.open("work", {"reference": "李四"}).state == "draft"

    def test_nobody_registers_or_alters_the_own_status(self, desk: Desk) -> None:
        mine = replace(desk.world.actors[INFO], teacher_id=desk.file().id)

        with pytest.raises(Refused) as caught:
            desk.register(SICK, who=mine)
        assert codes(caught) == ["own_file"]

        item = desk.register(SICK)
        with acting_as(mine), pytest.raises(Refused) as caught:
            changes.edit(desk.session, mine, item, version=1, to_status=LEFT, catalog=desk.known)
        assert codes(caught) == ["own_file"]

    @pytest.mark.parametrize(("to", "days"), [(DEAD, 1), (LEFT, 400)])
    def test_no_death_lies_ahead_and_nothing_farther_than_a_year(
        self, desk: Desk, to: str, days: int
    ) -> None:
        with pytest.raises(Refused) as caught:
            desk.register(to, effective_date=today() + timedelta(days=days))
        assert codes(caught) == ["day"]

    def test_one_change_comes_after_the_other(self, desk: Desk) -> None:
        desk.change(SICK)

        with pytest.raises(Refused) as caught:
            desk.register("100", effective_date=today() - timedelta(days=1))
        assert codes(caught) == ["day"]

    def test_a_draft_is_edited_and_discarded_by_its_school_at_the_version_seen(
        self, desk: Desk
    ) -> None:
        item, actor = desk.register(SICK), desk.world.actors[INFO]
        with acting_as(actor):
            changes.edit(desk.session, actor, item, version=1, to_status="204", catalog=desk.known)
            with pytest.raises(Stale):
                changes.edit(desk.session, actor, item, version=1, catalog=desk.known)
            with pytest.raises(Refused):
                changes.edit(desk.session, actor, item, version=2, to_status="100",
                             catalog=desk.known)  # fmt: skip
            assert (item.to_status, item.version) == ("204", 2)
            changes.discard(desk.session, actor, item, version=2)

        with system():
            assert desk.session.scalars(select(StatusChange)).all() == []
            steps = desk.session.scalars(
                select(Transition.step).where(Transition.flow == "status_change")
            )
            assert list(steps) == ["register", "amend"]

    def test_what_is_in_force_is_no_draft_any_more(self, desk: Desk) -> None:
        item, actor = desk.change(SICK), desk.world.actors[INFO]

        with acting_as(actor), pytest.raises(Stale):
            changes.edit(desk.session, actor, item, version=None, catalog=desk.known)


class TestTakingEffect:
    @pytest.mark.parametrize(("to", "left"), [(SICK, 0), (LEFT, 1), ("302", 1)])
    def test_leave_departure_and_retirement(self, desk: Desk, to: str, left: int) -> None:
        """S70: three kinds of status with dates; the active count falls by one where one goes."""
        before, moment = desk.counted(), now()

        item = desk.change(to, document_no="京教人〔2026〕1号")

        file = desk.file()
        assert (item.state, file.staff_status, file.active) == ("effective", to, not left)
        assert desk.counted() == before - left
        assert desk.counted(moment) == before
        month = month_of(now())
        first, *_rest, last = desk.place(file)
        assert first[0] == "100"
        assert last == (to, first[1], month if left else None)
        assert find_faults(desk.session, desk.known) == []

    def test_the_file_has_a_version_and_fresh_findings(self, desk: Desk) -> None:
        item = desk.change(SICK)

        file = desk.file()
        with system():
            last = desk.session.scalars(
                select(FileVersion)
                .where(FileVersion.teacher_id == file.id)
                .order_by(FileVersion.number.desc())
            ).first()
        assert (last.number, last.cause, last.at) == (2, "status", item.state_since)
        assert (file.file_version, file.checked_content) == (2, file.content_version)

    def test_what_the_night_found_of_who_retires_is_gone(self, desk: Desk) -> None:
        file = desk.one(birth_date=date(1960, 1, 15), sex="1")
        with system():
            place = {"teacher_id": file.id, "school_id": file.school_id}
            desk.session.add(FileProblem(
                **place, authority_id=file.authority_id, code="DQ040", severity="warning",
                message="x", nightly=True,
            ))  # fmt: skip
            file.nightly_count = 1

        desk.change(RETIRED, file)

        with system():
            mine = (FileProblem.teacher_id == file.id, FileProblem.code == "DQ040")
            assert desk.session.scalars(select(FileProblem).where(*mine)).all() == []
            assert desk.session.get(Teacher, file.id, populate_existing=True).nightly_count == 0

    def test_authority_and_teacher_are_told(self, desk: Desk) -> None:
        teacher = desk.actor(TEACHER, desk.file())
        desk.change(SICK)

        assert desk.told("status_effective") == desk.accounts(DISTRICT)
        assert desk.told("my_status_effective") == {teacher.account_id}

    def test_a_reported_file_joins_the_next_batch(self, desk: Desk) -> None:
        desk.change(SICK, desk.file("reported"))

        assert desk.file("reported").state == "city_accepted"

    def test_not_before_its_day(self, desk: Desk) -> None:
        item = desk.register(SICK, effective_date=today() + timedelta(days=2))

        assert desk.refused(item, "make_effective", INFO) == ["day"]
        with clock.frozen(today() + timedelta(days=2)):
            assert desk.take(item, "make_effective", INFO).state == "effective"

    def test_early_retirement_names_its_reason_and_document(self, desk: Desk) -> None:
        young = desk.register(RETIRED)
        assert desk.refused(young, "make_effective", INFO) == ["DQ040"]

        old = desk.one(birth_date=date(1960, 1, 15), sex="1")
        assert desk.change(RETIRED, old).state == "effective"

    def test_a_dismissal_needs_its_sanction(self, desk: Desk) -> None:
        item = desk.register(DISMISSED)
        assert desk.refused(item, "make_effective", INFO) == ["DQ057"]

        day = today() - timedelta(days=30)
        fill(desk.session, desk.file(), "ethics", punish_type="15", punish_reason="10",
             punish_happen_date=day, punish_date=day, punish_desc="x", punish_org="x")  # fmt: skip
        assert desk.take(item, "make_effective", INFO).state == "effective"

    def test_what_has_become_of_the_person_meanwhile_is_seen(self, desk: Desk) -> None:
        item = desk.register(SICK)
        with system():
            desk.file().staff_status = "204"
            desk.session.flush()

        assert desk.refused(item, "make_effective", INFO) == ["status"]

    def test_the_return_to_duty_is_the_same_flow(self, desk: Desk) -> None:
        desk.change(SICK)
        item = desk.change("100")

        assert (item.state, desk.file().staff_status) == ("effective", "100")
        assert [row[0] for row in desk.place(desk.file())] == ["100", SICK, "100"]

    def test_many_cost_as_many_statements_as_few(self, desk: Desk) -> None:
        costs = []
        with system():
            files = make_teachers(desk.session, [Wanted(desk.unit("A1"), "effective")] * 6)
        for part in (files[:2], files[2:]):
            items = [desk.register(LEFT, file).id for file in part]
            actor = desk.world.actors[INFO]
            with acting_as(actor), statements(writing=True) as seen:
                outcome = WORKFLOWS["status_change"].perform_many(
                    desk.session, dict.fromkeys(items), "make_effective", actor, catalog=desk.known
                )
            assert outcome.done == items, outcome.failed
            costs.append(len(seen))

        assert costs[0] == costs[1]


class TestWhoHasLeft:
    def test_the_file_is_read_only(self, desk: Desk) -> None:
        desk.change(LEFT)

        for who in (INFO, TEACHER):
            with pytest.raises(Stale):
                desk.add(who, "learning", {"education": "11"})
        with pytest.raises(Stale):
            desk.open("learning", {"major": "物理"})

    def test_what_is_open_of_it_ends_and_who_asked_is_told(self, desk: Desk) -> None:
        change = desk.make("change", "pending_authority")
        draft = desk.make("change", "draft", set_code="work", values={"reference": "李四"})
        opener = desk.world.actors[TEACHER]
        addition = desk.make("addition", "pending_school", opener=opener)

        desk.change(LEFT)

        with system():
            rows = desk.session.scalars(select(RecordChange).order_by(RecordChange.id)).all()
        assert {row.id: row.state for row in rows} == {
            change.id: "superseded", draft.id: "superseded", addition.id: "withdrawn",
        }  # fmt: skip
        assert desk.told("change_superseded") == desk.accounts(INFO)
        assert desk.told("addition_withdrawn") == {opener.account_id}
        assert find_faults(desk.session, desk.known) == []

    def test_what_is_open_of_who_stays_goes_on(self, desk: Desk) -> None:
        made = desk.make("change", "pending_authority")
        desk.change(SICK)

        with system():
            assert desk.session.get(RecordChange, made.id).state == "pending_authority"

    def test_the_own_file_can_still_be_read_and_other_roles_end(self, desk: Desk) -> None:
        teacher = desk.actor(TEACHER, desk.file())
        head = make_account(
            desk.session, role="school_head", unit=desk.unit("A1"), account=teacher.account_id
        )
        delegate = make_account(
            desk.session, role="school_head", unit=desk.unit("A1"),
            delegated_from=head.assignment_id, valid_to=today() + timedelta(days=9),
        )  # fmt: skip
        item = desk.change(LEFT)

        assert not desk.counts(head)
        assert not desk.counts(delegate)
        assert desk.counts(teacher)
        with system():
            act = Audit.act == "role_revoke"
            assert desk.session.scalar(select(func.count()).select_from(Audit).where(act)) == 2

        desk.take(item, "revoke", INFO, reason="登记有误")
        assert desk.counts(head)
        assert desk.counts(delegate)
        with system():
            assert desk.session.get(Assignment, head.assignment_id).valid_to is None

    def test_nothing_follows_a_death(self, desk: Desk) -> None:
        desk.change(DEAD)

        with pytest.raises(Refused):
            desk.register("100")

    def test_who_has_left_comes_back_into_service_first(self, desk: Desk) -> None:
        desk.change(LEFT)

        with pytest.raises(Refused):
            desk.register(SICK)
        assert desk.change(DEAD).state == "effective"


class TestAskingTheAuthority:
    def test_the_authority_decides_and_then_it_is_in_force(self, asking: Desk) -> None:
        item = asking.change(SICK)
        assert item.state == "pending_authority"
        assert asking.file().staff_status == "100"
        assert asking.told("status_submitted") == asking.accounts(DISTRICT)

        asking.take(item, "approve", DISTRICT)
        assert (item.state, asking.file().staff_status) == ("effective", SICK)
        assert item.approved_by == asking.world.actors[DISTRICT].account_id
        assert asking.told("status_approved") == asking.accounts(INFO)

    def test_a_rejection_and_a_withdrawal_leave_everything_as_it_is(self, asking: Desk) -> None:
        item = asking.change(SICK)
        assert asking.refused(item, "reject", DISTRICT) == ["reason"]
        asking.take(item, "reject", DISTRICT, reason="材料不全")
        again = asking.change(SICK)
        asking.take(again, "withdraw", INFO)

        assert (item.state, again.state) == ("rejected", "withdrawn")
        assert asking.file().staff_status == "100"

    def test_what_is_approved_ahead_waits_for_its_day(self, asking: Desk) -> None:
        day = today() + timedelta(days=3)
        item = asking.change(SICK, effective_date=day)
        asking.take(item, "approve", DISTRICT)
        assert (item.state, asking.file().staff_status) == ("scheduled", "100")
        assert asking.refused(item, "make_effective", INFO) == ["day"]

        with clock.frozen(day):
            asking.night()
        assert asking.file().staff_status == SICK

    def test_who_registered_it_does_not_approve_it(self, asking: Desk) -> None:
        item = asking.change(SICK)
        clerk = asking.world.actors[INFO].account_id
        both = make_account(
            asking.session, role="district_info",
            unit=asking.unit("A"), account=clerk,
        )  # fmt: skip

        assert asking.refused(item, "approve", both) == ["own_work"]

    def test_the_school_does_not_revoke_what_the_authority_approved(self, asking: Desk) -> None:
        item = asking.take(asking.change(SICK), "approve", DISTRICT)

        assert asking.refused(item, "revoke", INFO, reason="x") == ["revoke"]
        assert asking.take(item, "revoke", DISTRICT, reason="x").state == "revoked"


class TestRevoking:
    @pytest.mark.parametrize("to", [SICK, LEFT])
    def test_all_is_as_before(self, desk: Desk, to: str) -> None:
        was, number = desk.place(desk.file())[0], desk.file().teacher_no
        item = desk.change(to)

        desk.take(item, "revoke", INFO, reason="登记有误")

        file = desk.file()
        assert (item.state, file.staff_status, file.active) == ("revoked", "100", True)
        assert (file.file_version, file.teacher_no) == (3, number)
        assert desk.place(file)[-1] == was
        assert desk.told("status_revoked") == desk.accounts(DISTRICT)
        assert find_faults(desk.session, desk.known) == []

    def test_needs_a_reason(self, desk: Desk) -> None:
        assert desk.refused(desk.change(SICK), "revoke", INFO) == ["reason"]

    def test_after_its_days_the_authority_alone_revokes(self, desk: Desk) -> None:
        item = desk.change(SICK)
        last = local(item.state_since).date() + timedelta(days=30)
        with clock.frozen(last), desk.session.begin_nested() as trial:
            assert desk.take(item, "revoke", INFO, reason="x").state == "revoked"
            trial.rollback()

        with clock.frozen(last + timedelta(days=1)):
            assert desk.refused(item, "revoke", INFO, reason="x") == ["revoke"]
            assert desk.take(item, "revoke", DISTRICT, reason="x").state == "revoked"

    def test_not_when_another_change_followed(self, desk: Desk) -> None:
        first = desk.change(SICK)
        desk.change("100")

        assert desk.refused(first, "revoke", INFO, reason="x") == ["later_event"]

    def test_not_while_another_change_is_registered(self, desk: Desk) -> None:
        first = desk.change(SICK)
        desk.register("100")

        assert desk.refused(first, "revoke", INFO, reason="x") == ["open_process"]

    def test_not_when_the_school_has_the_file_no_more(self, desk: Desk) -> None:
        item, other = desk.change(SICK), desk.unit("B1")
        with system():
            file = desk.file()
            file.school_id, file.authority_id = other.id, other.authority_id
            desk.session.flush()

        assert desk.refused(item, "revoke", INFO, reason="x") == ["moved"]

    def test_an_addition_that_followed_stands_and_stands_in_no_way(self, desk: Desk) -> None:
        item = desk.change(SICK)
        desk.approve(desk.add(INFO, "learning", STUDY))

        assert desk.take(item, "revoke", INFO, reason="x").state == "revoked"

    def test_not_when_another_file_with_the_number_is_on_the_rolls(self, desk: Desk) -> None:
        item = desk.change(LEFT)
        desk.same_person()

        assert desk.refused(item, "revoke", INFO, reason="x") == ["DQ008"]


class TestComingBack:
    def test_the_authority_takes_the_person_on_again_under_the_same_number(
        self, desk: Desk
    ) -> None:
        number = desk.file().teacher_no
        desk.change(LEFT)
        before = desk.counted()

        item = desk.change("100")
        assert (item.state, desk.file().active) == ("pending_authority", False)
        desk.take(item, "approve", DISTRICT)

        file = desk.file()
        assert (file.staff_status, file.active, file.teacher_no) == ("100", True, number)
        assert desk.place(file)[-1] == ("100", month_of(now()), None)
        assert desk.counted() == before + 1
        assert find_faults(desk.session, desk.known) == []

    def test_not_beside_another_file_on_the_rolls(self, desk: Desk) -> None:
        desk.change(LEFT)
        desk.same_person()

        item = desk.register("100")
        assert desk.refused(item, "make_effective", INFO) == ["DQ008"]

    def test_the_authority_revokes_it(self, desk: Desk) -> None:
        desk.change(LEFT)
        item = desk.take(desk.change("100"), "approve", DISTRICT)

        desk.take(item, "revoke", DISTRICT, reason="x")
        assert (desk.file().staff_status, desk.file().active) == (LEFT, False)
        assert find_faults(desk.session, desk.known) == []


class TestTheNight:
    def test_what_lay_ahead_takes_effect_on_its_day_and_once(self, desk: Desk) -> None:
        day = today() + timedelta(days=1)
        item = desk.register(LEFT, effective_date=day)
        desk.night()
        assert desk.file().staff_status == "100"

        with clock.frozen(day):
            desk.night()
            desk.night()

        file = desk.file()
        assert (file.staff_status, file.active, file.file_version) == (LEFT, False, 2)
        with system():
            mine = (Transition.flow == "status_change", Transition.object_id == item.id)
            steps = desk.session.execute(
                select(Transition.step, Transition.role).where(*mine).order_by(Transition.id)
            ).all()
        assert steps == [("register", "school_info"), ("make_effective", "system")]
        assert desk.told("status_effective") == desk.accounts(DISTRICT, INFO)

    def test_a_draft_of_a_day_that_had_come_is_left_to_the_school(self, desk: Desk) -> None:
        item = desk.register(SICK)
        desk.night()

        assert desk.state(item) == "draft"

    def test_what_a_rule_refuses_stays_and_the_school_is_told_why(self, desk: Desk) -> None:
        day = today() + timedelta(days=1)
        bad = desk.register(DISMISSED, effective_date=day)
        good = desk.register(SICK, desk.file(number=2), effective_date=day)

        with clock.frozen(day):
            desk.night()

        assert desk.state(bad) == "draft"
        assert desk.state(good) == "effective"
        assert desk.told("status_failed") == desk.accounts(INFO)
        with clock.frozen(day + timedelta(days=1)):
            desk.night()
        assert desk.count("status_failed") == 1

    def test_where_the_authority_is_asked_it_is_asked_on_the_day(self, desk: Desk) -> None:
        desk.change(LEFT)
        day = today() + timedelta(days=1)
        item = desk.register("100", effective_date=day)

        with clock.frozen(day):
            desk.night()

        assert desk.state(item) == "pending_authority"


def test_a_change_request_does_not_alter_the_status(desk: Desk) -> None:
    with pytest.raises(Forbidden):
        desk.open("basic", {"staff_status": SICK})
