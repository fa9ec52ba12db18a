"""Transfers beyond their table: opening, guards, what completion does, who is told (s4)."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from app.access import modules
from app.access.actor import SYSTEM_ACTOR, Actor, acting_as, system
from app.core.clock import now, today
from app.core.errors import Forbidden, LimitReached, Malformed, NotFound, Refused, Stale
from app.extensions import db
from app.models.account import Account, Assignment
from app.models.attachment import Attachment
from app.models.exchange import ExportFile
from app.models.history import Audit, Transition
from app.models.notice import Notice
from app.models.parameter import Parameter
from app.models.record import TEACHER_SETS
from app.models.rotation import Rotation
from app.models.saved_view import FormDraft
from app.models.teacher import Affiliation, FileVersion, OpenProcess, Teacher
from app.models.transfer import FileGrant, Transfer
from app.models.unit import Unit
from app.services import contents, draft, exclusive, grant, look_up, place, transfer
from app.services.integrity import find_faults
from app.workflows.transfer import TRANSFER, void_of_files, void_of_school
from tests.processes import make_process
from tests.rotations import make_rotation
from tests.transfers import APPLICATION, MONTH, PLACED, TransferRef, make_transfer
from tests.workflows.tables import checksum

INFO, HEAD, DISTRICT = "school_info_A1", "school_head_A1", "district_info_A"
FROM_INFO, FROM_HEAD, FROM_DISTRICT = "school_info_B1", "school_head_B1", "district_info_B"
OPEN_BY_STATE = ("pending_in_authority", "pending_out_school", "pending_out_authority")


class Office:
    """People at work on transfers of effective files of school B1 to school A1."""

    def __init__(self, session: Any, world: Any) -> None:
        self.session, self.world, self.known = session, world, world.catalog

    def ref(self, state: str = "effective", number: int = 1, school: str = "B1") -> Any:
        return self.world.teacher(school, state, number)

    def file(self, ref: Any = None) -> Teacher:
        with system():
            key = (ref or self.ref()).id
            return self.session.get_one(Teacher, key, populate_existing=True)

    def actor(self, who: str | Actor) -> Actor:
        return self.world.actors[who] if isinstance(who, str) else who

    def find(self, ref: Any = None, who: str = INFO, **given: str) -> int | None:
        ref, actor = ref or self.ref(), self.actor(who)
        asked = {"id_no": ref.id_no, "name": ref.name} | given
        with acting_as(actor):
            return transfer.find(self.session, actor, **asked, catalog=self.known)

    def open(self, ref: Any = None, who: str = INFO, **raw: Any) -> Transfer:
        ref, actor = ref or self.ref(), self.actor(who)
        with acting_as(actor):
            file = transfer.require_open(self.session, actor, ref.id, catalog=self.known)
            raw = {"planned_on": "2026-09-01", "position": "教师", "reason": "缺编"} | raw
            return transfer.open_transfer(self.session, actor, file, raw, catalog=self.known)

    def refuses_opening(self, ref: Any = None, who: str = INFO) -> list[Any]:
        with pytest.raises(Refused) as caught:
            self.open(ref, who)
        return list(caught.value.problems)

    def make(self, state: str, ref: Any = None, to: str = "A1", **columns: Any) -> TransferRef:
        return make_transfer(self.session, self.world, ref or self.ref(), to, state, **columns)

    def take(self, item: Any, step: str, who: str | Actor, **inputs: Any) -> Any:
        actor = self.actor(who)
        inputs = (PLACED if step == "take" else {}) | inputs
        version = inputs.pop("version", None)
        with acting_as(actor):
            return TRANSFER.perform(
                self.session, item.id, step, actor, version=version, catalog=self.known, **inputs
            )

    def refused(self, item: Any, step: str, who: str | Actor, **inputs: Any) -> list[Any]:
        """What stands in the way; nothing has changed."""
        self.session.flush()
        before = checksum(self.session)
        with pytest.raises(Refused) as caught:
            self.take(item, step, who, **inputs)
        assert checksum(self.session) == before
        return list(caught.value.problems)

    def complete(self, ref: Any = None, to: str = "A1", **inputs: Any) -> Transfer:
        item = self.make("ready_to_take", ref, to)
        return self.take(item, "take", f"school_info_{to}", **inputs)

    def rows(self, ref: Any, set_code: str, who: str | Actor = "") -> list[Any]:
        self.session.expire_all()
        with acting_as(self.actor(who)) if who else system():
            return contents.records(self.session, self.file(ref), set_code)

    def told(self) -> set[tuple[str, int]]:
        with system():
            rows = self.session.execute(select(Notice.event, Notice.account_id))
            return {tuple(row) for row in rows}

    def hears(self, event_: str, *keys: str) -> set[tuple[str, int]]:
        return {(event_, self.world.actors[key].account_id) for key in keys}

    def switch(self, name: str, value: str) -> None:
        """Set a parameter; the catalogue that the office goes by is another one from now on."""
        from app.indicators import catalog as catalogue

        with system():
            self.session.execute(update(Parameter).where(Parameter.key == name).values(value=value))
            catalogue.touch(self.session)
            self.session.flush()
            catalogue.forget()
            self.known = catalogue.catalog(self.session)

    def account_of(self, ref: Any, key: str = "teacher_B1") -> Actor:
        """Make a teacher's account of the world that of a file."""
        actor = self.world.actors[key]
        with system():
            self.session.get_one(Account, actor.account_id).teacher_id = ref.id
            self.session.flush()
        return replace(actor, teacher_id=ref.id)


@pytest.fixture
def office(session: Any, world: Any) -> Office:
    return Office(session, world)


def codes(problems: Any) -> list[str]:
    return [problem.code for problem in problems]


class TestLookingFor:
    def test_exact_number_and_name_find_the_person(self, office: Office) -> None:
        assert office.find() == office.ref().id
        assert office.find(id_no=f" {office.ref().id_no.lower()} ") == office.ref().id

    def test_another_name_and_a_number_of_nobody_miss_alike(self, office: Office) -> None:
        ref = office.ref()
        misses = (
            {"name": ref.name[:-1]},
            {"name": office.ref(number=2).name},
            {"id_no": ref.id_no[:-1]},
            {"id_no": ""},
            {"id_no": "110199%", "name": ref.name},
        )
        assert [office.find(**each) for each in misses] == [None] * len(misses)

    @pytest.mark.parametrize("who", [HEAD, DISTRICT, "city_info", "teacher_A1", "city_assistant"])
    def test_only_the_clerk_of_a_school_looks(self, office: Office, who: str) -> None:
        with pytest.raises(Forbidden):
            office.find(who=who)

    def test_each_look_up_is_on_record_and_a_miss_names_nobody(self, office: Office) -> None:
        office.find()
        office.find(name="无此人")

        with system():
            rows = office.session.scalars(
                select(Audit).where(Audit.act == look_up.LOOK_UP).order_by(Audit.id)
            ).all()
        assert [(row.outcome, row.teacher_id) for row in rows] == [
            ("done", office.ref().id), ("failed", None)
        ]  # fmt: skip
        assert office.ref().id_no not in "".join(str(row.detail) for row in rows)

    def test_after_thirty_of_a_day_no_more_are_answered(self, office: Office) -> None:
        for _number in range(30):
            office.find()

        with pytest.raises(LimitReached):
            office.find()
        assert office.find(who="school_info_A2") == office.ref().id

    def test_five_misses_in_a_row_raise_an_alert_once(self, office: Office) -> None:
        for _number in range(4):
            office.find(name="无此人")
        office.find()
        for _number in range(4):
            office.find(name="无此人")
        assert alerts(office) == []

        office.find(name="无此人")
        office.find(name="无此人")

        assert alerts(office) == ["lookup_misses"]

    def test_an_open_process_is_told_after_a_full_match_only(self, office: Office) -> None:
        office.make("draft", to="A2")
        assert office.find(name="无此人") is None

        (problem,) = office.refuses_opening()
        assert problem.code == "open_process"
        assert office.world.units["A2"].name in str(problem.message)


def alerts(office: Office) -> list[str]:
    with system():
        found = select(Audit.reason).where(Audit.act == "alert").order_by(Audit.id)
        return list(office.session.scalars(found))


class TestOpening:
    def test_the_draft_keeps_both_sides_and_shows_nothing_of_the_file(self, office: Office) -> None:
        item, ref = office.open(), office.ref()

        assert (item.state, item.version, item.name) == ("draft", 1, ref.name)
        units = office.world.units
        assert (item.school_id, item.authority_id) == (units["A1"].id, units["A"].id)
        assert (item.from_school_id, item.from_authority_id) == (units["B1"].id, units["B"].id)
        assert office.told() == set()
        found = transfer.person(office.session, ref.id, office.known)
        assert (found.name, found.school) == (ref.name, units["B1"].name)
        assert found.masked == "*" * 14 + ref.id_no[-4:]

    @pytest.mark.parametrize("state", ["draft", "submitted", "returned", "school_confirmed"])
    def test_a_file_that_is_not_effective_stays(self, office: Office, state: str) -> None:
        assert codes(office.refuses_opening(office.ref(state))) == ["open_process"]

    def test_one_of_the_own_school_is_no_transfer(self, office: Office) -> None:
        assert codes(office.refuses_opening(office.ref(school="A1"))) == ["own_school"]

    def test_who_is_on_no_rolls_is_taken_up_again_instead(self, office: Office) -> None:
        with system():
            office.file().active = False
            office.session.flush()
        assert codes(office.refuses_opening()) == ["inactive"]

    @pytest.mark.parametrize("key", ["A1", "B1"])
    def test_both_schools_use_the_module(self, office: Office, key: str) -> None:
        with system():
            office.session.get_one(Unit, office.world.units[key].id).first_effective = False
            office.session.flush()
        ask = office.find if key == "A1" else office.open
        with pytest.raises(Refused) as caught:
            ask()
        assert codes(caught.value.problems) == ["module_off"]

    def test_a_university_takes_part_once_its_module_is_on(self, office: Office) -> None:
        assert codes(office.refuses_opening(office.ref(school="U"))) == ["module_off"]
        office.switch("module_categories", "primary_secondary,higher")

        assert office.open(office.ref(school="U")).state == "draft"

    def test_what_is_typed_is_read_as_the_indicators_are(self, office: Office) -> None:
        for bad, field in (
            ({"planned_on": "2026-02-30"}, "planned_on"),
            ({"reason": "x" * 501}, "reason"),
            ({"document_no": "x" * 61}, "document_no"),
            ({"staff_category": "无"}, "staff_category"),
            ({"join_month": "2999-01"}, "join_month"),
            ({"position": "x" * 51}, "position"),
        ):
            with pytest.raises(Refused) as caught:
                office.open(**bad)
            assert [problem.field for problem in caught.value.problems] == [field]
        for bad in ({"state": "completed"}, {"planned_on": 20260901}, {"reason": ["x"]}):
            with pytest.raises(Malformed):
                office.open(**bad)

    def test_a_rejection_is_final_and_the_next_one_links_to_it(self, office: Office) -> None:
        before = office.make("pending_in_authority")
        office.take(before, "reject", DISTRICT, reason="材料不全")

        again = office.open()

        assert again.previous_id == before.id
        assert office.take(again, "submit", INFO).state == "pending_in_authority"

    def test_a_draft_is_edited_by_its_school_at_the_version_that_was_seen(
        self, office: Office
    ) -> None:
        item = office.open()

        def edit(who: str, version: int | None, **raw: Any) -> None:
            actor = office.actor(who)
            with acting_as(actor):
                transfer.edit(
                    office.session, actor, item, raw, version=version, catalog=office.known
                )

        edit(INFO, 1, position="班主任", document_no="京教〔2026〕1号")
        assert (item.version, item.position, item.reason) == (2, "班主任", "缺编")
        for who, version, refusal in (
            (INFO, 1, Stale), (HEAD, 2, Forbidden), (DISTRICT, 2, Forbidden),
            (FROM_INFO, 2, NotFound),
        ):  # fmt: skip
            with pytest.raises(refusal):
                edit(who, version)
        office.take(item, "submit", INFO)
        with pytest.raises(Stale):
            edit(INFO, None)


class TestTheChain:
    def test_from_one_district_to_another(self, office: Office) -> None:
        item = office.open()

        office.take(item, "submit", INFO)
        assert office.told() == office.hears("transfer_submitted", DISTRICT)
        office.take(item, "issue", DISTRICT)
        assert office.told() >= office.hears("transfer_issued", FROM_INFO, FROM_HEAD)
        office.take(item, "release", FROM_HEAD)
        assert office.told() >= office.hears("transfer_released", FROM_DISTRICT)
        office.take(item, "confirm", FROM_DISTRICT)
        assert office.told() >= office.hears("transfer_confirmed", INFO)
        done = office.take(item, "take", INFO)

        assert (done.state, done.join_month) == ("completed", MONTH)
        assert office.told() >= office.hears(
            "transfer_completed", DISTRICT, FROM_INFO, FROM_HEAD, FROM_DISTRICT
        )
        assert find_faults(office.session, office.known) == []

    @pytest.mark.parametrize("name", ["planned_on", "position", "reason"])
    def test_an_application_says_when_for_what_and_why(self, office: Office, name: str) -> None:
        item = office.make("draft", **{name: None})
        (problem,) = office.refused(item, "submit", INFO)
        assert (problem.code, problem.field) == ("required", name)

    @pytest.mark.parametrize("step", ["submit", "issue", "take"])
    def test_the_matrix_is_asked_again(self, office: Office, step: str, monkeypatch: Any) -> None:
        state, who = {"submit": ("draft", INFO), "issue": ("pending_in_authority", DISTRICT),
                      "take": ("ready_to_take", INFO)}[step]  # fmt: skip
        item = office.make(state)
        rotation = exclusive.Opened(exclusive.Open.ROTATION, 1, "某校")
        monkeypatch.setattr(
            exclusive, "opened", lambda _session, keys: {key: [rotation] for key in keys}
        )
        assert codes(office.refused(item, step, who)) == ["open_process"]

    @pytest.mark.parametrize("step", ["submit", "issue", "release", "confirm", "take"])
    def test_who_is_no_longer_there_goes_nowhere(self, office: Office, step: str) -> None:
        state, who = {
            "submit": ("draft", INFO), "issue": ("pending_in_authority", DISTRICT),
            "release": ("pending_out_school", FROM_HEAD),
            "confirm": ("pending_out_authority", FROM_DISTRICT), "take": ("ready_to_take", INFO),
        }[step]  # fmt: skip
        item = office.make(state)
        with system():
            office.file().active = False
            office.session.flush()
        assert "not_there" in codes(office.refused(item, step, who))

    @pytest.mark.parametrize("flow", ["addition", "change"])
    @pytest.mark.parametrize(("step", "state", "who"), [
        ("release", "pending_out_school", FROM_HEAD), ("take", "ready_to_take", INFO),
    ])  # fmt: skip
    def test_open_additions_and_changes_are_decided_first(
        self, office: Office, flow: str, step: str, state: str, who: str
    ) -> None:
        item = office.make(state)
        other = make_process(office.session, office.world, office.ref(), flow, "pending_authority")

        (problem,) = office.refused(item, step, who)

        assert (problem.code, problem.set, problem.record) == (
            "open_process", "learning", other.id
        )  # fmt: skip

    def test_nothing_of_the_file_is_opened_once_it_is_issued(self, office: Office) -> None:
        office.make("pending_out_school")
        with pytest.raises(Refused) as caught, acting_as(office.actor(FROM_INFO)):
            exclusive.require_free(office.session, exclusive.Kind.CHANGE, office.ref().id)
        assert codes(caught.value.problems) == ["open_process"]

    @pytest.mark.parametrize(("step", "state"), [("issue", "pending_in_authority")])
    def test_nobody_decides_on_what_they_submitted(
        self, office: Office, step: str, state: str
    ) -> None:
        item = office.make(state)
        clerk = office.actor(INFO)
        both = replace(office.actor(DISTRICT), account_id=clerk.account_id)
        assert codes(office.refused(item, step, both)) == ["own_work"]

    def test_who_released_as_head_does_not_confirm_as_authority(self, office: Office) -> None:
        item = office.make("pending_out_authority")
        head = office.actor(FROM_HEAD)
        both = replace(office.actor(FROM_DISTRICT), account_id=head.account_id)
        assert codes(office.refused(item, "confirm", both)) == ["own_work"]

    @pytest.mark.parametrize("name", PLACED)
    def test_who_takes_a_file_says_where_the_person_is_placed(
        self, office: Office, name: str
    ) -> None:
        item = office.make("ready_to_take")
        (problem,) = office.refused(item, "take", INFO, **{name: ""})
        assert (problem.code, problem.field) == ("required", name)

    def test_what_is_said_on_taking_is_read_as_the_indicators_are(self, office: Office) -> None:
        item = office.make("ready_to_take")
        for name, value in (("join_month", "2999-01"), ("staff_category", "无"),
                            ("post_grade", "x")):  # fmt: skip
            found = office.refused(item, "take", INFO, **{name: value})
            assert {problem.field for problem in found} == {name}
        joined = office.ref().values["basic"]["join_school"]
        early = f"{int(joined[:4]) - 1}-01"
        assert codes(office.refused(item, "take", INFO, join_month=early)) == ["join_month"]

    def test_post_category_and_grade_agree(self, office: Office) -> None:
        item = office.make("ready_to_take")
        (problem,) = office.refused(item, "take", INFO, post_grade="210")
        assert (problem.code, problem.field) == ("DQ033", "post_grade")

    def test_a_head_who_leaves_alone_is_released_by_the_authority(self, office: Office) -> None:
        item = office.make("pending_in_authority")
        with system():
            account = office.actor(FROM_HEAD).account_id
            office.session.get_one(Account, account).teacher_id = office.ref().id
            office.session.flush()
        office.take(item, "issue", DISTRICT)
        assert office.told() >= office.hears("head_transfer_issued", FROM_DISTRICT)

        assert office.take(item, "release", FROM_DISTRICT).state == "pending_out_authority"

        last = office.session.scalars(
            select(Transition).where(Transition.flow == "transfer").order_by(Transition.id.desc())
        ).first()
        assert last.data == {"stands_in": "school_head"}

    def test_the_authority_does_not_stand_in_for_a_head_who_is_there(self, office: Office) -> None:
        item = office.make("pending_out_school")
        with pytest.raises(Forbidden):
            office.take(item, "release", FROM_DISTRICT)


class TestWhoHears:
    @pytest.mark.parametrize(("state", "who", "hear"), [
        ("pending_in_authority", DISTRICT, (INFO,)),
        ("pending_out_school", FROM_HEAD, (INFO, DISTRICT, FROM_INFO)),
        ("pending_out_authority", FROM_DISTRICT, (INFO, DISTRICT, FROM_INFO, FROM_HEAD)),
    ])  # fmt: skip
    def test_of_a_rejection_all_before_and_the_teacher_once_it_was_issued(
        self, office: Office, state: str, who: str, hear: tuple[str, ...]
    ) -> None:
        office.account_of(office.ref())
        item = office.make(state)

        office.take(item, "reject", who, reason="不同意")

        outcome = office.hears("my_transfer_rejected", "teacher_B1") if item.issued else set()
        assert office.told() == office.hears("transfer_rejected", *hear) | outcome

    @pytest.mark.parametrize(("state", "hear"), [
        ("draft", ()),
        ("pending_in_authority", (DISTRICT,)),
        ("pending_out_school", (DISTRICT, FROM_INFO, FROM_HEAD)),
        ("pending_out_authority", (DISTRICT, FROM_INFO, FROM_HEAD, FROM_DISTRICT)),
    ])  # fmt: skip
    def test_of_a_withdrawal_who_has_seen_it(
        self, office: Office, state: str, hear: tuple[str, ...]
    ) -> None:
        item = office.make(state)
        office.take(item, "withdraw", INFO)
        assert office.told() == office.hears("transfer_withdrawn", *hear)

    def test_of_a_cancellation_both_authorities_and_the_sending_school(
        self, office: Office
    ) -> None:
        item = office.make("ready_to_take")
        office.take(item, "cancel", INFO, reason="本人放弃")
        assert office.told() == office.hears(
            "transfer_cancelled", DISTRICT, FROM_INFO, FROM_HEAD, FROM_DISTRICT
        )

    @pytest.mark.parametrize(("state", "hear"), [
        ("draft", (INFO,)),
        ("pending_in_authority", (INFO, DISTRICT)),
        ("pending_out_school", (INFO, DISTRICT, FROM_INFO, FROM_HEAD, FROM_DISTRICT)),
    ])  # fmt: skip
    def test_of_one_that_is_void_nobody_who_did_not_see_it(
        self, office: Office, state: str, hear: tuple[str, ...]
    ) -> None:
        office.make(state)
        # The sending school ends the service; it does not know of what is not yet issued.
        with acting_as(office.actor(FROM_INFO)):
            gone = void_of_files(office.session, [office.ref().id], reason="已去世")

        assert len(gone) == 1
        assert office.told() == office.hears("transfer_cancelled", *hear)
        with system():
            item = office.session.get_one(Transfer, gone[0], populate_existing=True)
            last = office.session.scalars(
                select(Transition).where(Transition.flow == "transfer")
                .order_by(Transition.id.desc())
            ).first()  # fmt: skip
        assert (item.state, last.step, last.account_id, last.role) == (
            "cancelled", "void", None, "system",
        )  # fmt: skip
        assert find_faults(office.session, office.known) == []

    def test_a_school_that_closes_takes_nobody(self, office: Office) -> None:
        mine = [office.make("pending_in_authority"), office.make("draft", office.ref(number=2))]
        other = office.make("draft", office.ref("reported"), to="A2")

        assert void_of_school(office.session, office.world.units["A1"].id, reason="撤并") == 2

        with system():
            states = {each.id: office.session.get_one(Transfer, each.id).state
                      for each in (*mine, other)}  # fmt: skip
        assert states == {mine[0].id: "cancelled", mine[1].id: "cancelled", other.id: "draft"}


class TestOneAuthority:
    def test_takes_two_decisions_the_second_after_the_answer(self, office: Office) -> None:
        ref = office.ref(school="A2")
        item = office.make("pending_in_authority", ref)
        office.take(item, "issue", DISTRICT)
        with pytest.raises(Stale):
            office.take(item, "confirm", DISTRICT)

        office.take(item, "release", "school_head_A2")
        office.take(item, "confirm", DISTRICT)

        assert decisions(office, item)[-3:] == [
            ("issue", "district_info"), ("release", "school_head"), ("confirm", "district_info"),
        ]  # fmt: skip

    def test_the_system_takes_the_second_where_it_is_switched_on(self, office: Office) -> None:
        office.switch("same_authority_auto_confirm", "1")
        item = office.make("pending_out_school", office.ref(school="A2"))

        done = office.take(item, "release", "school_head_A2")

        assert done.state == "ready_to_take"
        assert decisions(office, item)[-2:] == [("release", "school_head"), ("confirm", "system")]
        assert office.told() == office.hears("transfer_confirmed", INFO)

    def test_two_authorities_are_asked_in_any_case(self, office: Office) -> None:
        office.switch("same_authority_auto_confirm", "1")
        item = office.make("pending_out_school")
        assert office.take(item, "release", FROM_HEAD).state == "pending_out_authority"


def decisions(office: Office, item: Any) -> list[tuple[str, str]]:
    rows = office.session.execute(
        select(Transition.step, Transition.role)
        .where(Transition.flow == "transfer", Transition.object_id == item.id)
        .order_by(Transition.id)
    )
    return [tuple(row) for row in rows]


class TestCompletion:
    def test_the_place_changes_and_the_number_stays(self, office: Office) -> None:
        ref, before = office.ref(), now()
        office.complete()

        file = office.file()
        assert (file.school_id, file.staff_status) == (office.world.units["A1"].id, "100")
        assert (file.teacher_no, file.uuid, file.file_version) == (ref.teacher_no, ref.uuid, 2)
        with system():
            rows = office.session.scalars(
                select(Affiliation).where(Affiliation.teacher_id == ref.id)
                .order_by(Affiliation.id)
            ).all()  # fmt: skip
            was = select(Affiliation.school_id).where(
                Affiliation.teacher_id == ref.id,
                Affiliation.valid_from <= before,
                Affiliation.valid_to.is_(None) | (Affiliation.valid_to > before),
            )
            assert office.session.scalars(was).all() == [ref.school_id]
        first, left, joined = rows
        assert first.valid_to == left.valid_to == left.valid_from == joined.valid_from
        assert (left.school_id, left.status, left.to_month < MONTH) == (ref.school_id, "305", True)
        assert (joined.school_id, joined.status, joined.from_month, joined.valid_to) == (
            file.school_id, "100", MONTH, None,
        )  # fmt: skip
        assert find_faults(office.session, office.known) == []

    def test_who_was_on_rotation_at_a_school_may_come_to_it_for_good(self, office: Office) -> None:
        ref = office.ref()
        stay = make_rotation(office.session, office.world, ref, "ended", host="A1")

        office.complete()

        with system():
            kept = office.session.get_one(Rotation, stay.id)
        here = office.world.units["A1"].id
        assert (kept.school_id, kept.from_school_id, kept.to_school_id) == (
            here, ref.school_id, here,
        )  # fmt: skip

    def test_everything_of_the_file_lies_where_the_teacher_is(self, office: Office) -> None:
        ref = office.ref()
        make_process(office.session, office.world, ref, "change", "approved")
        with system():
            office.session.add(
                Attachment(
                    set="learning", field="attachment", name="a.pdf", mime="application/pdf",
                    size=1, digest="0" * 64, stored_name="0" * 32, at=now(), teacher_id=ref.id,
                    uploaded_by=office.actor(FROM_INFO).account_id, school_id=ref.school_id,
                    authority_id=ref.authority_id,
                )
            )  # fmt: skip
        office.complete()

        unit = office.world.units["A1"]
        seen = 0
        for cls in place.followers():
            with system():
                rows = office.session.execute(
                    select(cls.school_id, cls.authority_id).where(cls.teacher_id == ref.id)
                ).all()
            assert set(rows) <= {(unit.id, unit.authority_id)}, cls
            seen += bool(rows)
        assert seen > 15

    def test_post_and_work_there_end_and_begin_here(self, office: Office) -> None:
        office.complete()

        work = office.rows(office.ref(), "work", INFO)
        ended = [row for row in work if row.org_name == office.world.units["B1"].name]
        begun = [row for row in work if row.org_name == office.world.units["A1"].name]
        assert [row.end < MONTH for row in ended] == [True]
        assert [(row.start, row.end, row.position) for row in begun] == [
            (MONTH, None, APPLICATION["position"])
        ]
        posts = office.rows(office.ref(), "post", INFO)
        assert [(row.start == MONTH, row.end) for row in posts if row.end is None] == [(True, None)]
        assert len(posts) == 2
        (basic,) = office.rows(office.ref(), "basic", INFO)
        assert (basic.join_school, basic.staff_category) == (MONTH, "11")
        assert basic.value("id_no") == office.ref().id_no
        with system():
            version = office.session.scalars(
                select(FileVersion).where(FileVersion.teacher_id == office.ref().id)
                .order_by(FileVersion.number.desc())
            ).first()  # fmt: skip
        assert (version.number, version.cause) == (2, "transfer")
        file = office.file()
        assert file.error_count == 0
        assert file.post_category == "1"

    def test_a_rotation_with_change_of_relation_is_written_into_the_file(
        self, office: Office
    ) -> None:
        """6.2: the way of a transfer, and a record besides; no two rotations at a time."""
        said = {
            "planned_on": today().replace(day=1),
            "rotation_type": "1",
            "planned_end": "2999-12",
        }
        item = office.make("ready_to_take", **said)
        done = office.take(item, "take", INFO)
        (row,) = office.rows(office.ref(), "rotation", INFO)
        units = office.world.units
        assert (row.type, row.transfer_personnel, row.start, row.end, row.from_org, row.to_org) == (
            "1", True, MONTH, "2999-12", units["B1"].name, units["A1"].name,
        )  # fmt: skip
        assert (done.state, office.file().school_id) == ("completed", units["A1"].id)

        back = office.make("pending_out_school", replace(office.ref(), school="A1",
            school_id=units["A1"].id), "A2", **said)  # fmt: skip
        (told,) = office.refused(back, "release", "school_head_A1")
        assert (told.code, told.field) == ("DQ064", "planned_end")

    def test_a_rotation_says_how_and_until_when_and_its_module_is_on(
        self, office: Office, monkeypatch: Any
    ) -> None:
        bad = {"planned_on": date(2026, 9, 1), "rotation_type": "1"}
        for more, field in (
            ({}, "planned_end"), ({"planned_end": "2026-08"}, "planned_end"),
            ({"planned_end": "2027-08", "rotation_type": None}, "rotation_type"),
        ):  # fmt: skip
            refused = office.refused(office.make("draft", **bad | more), "submit", INFO)
            assert [each.field for each in refused if each.field] == [field]
        draft = office.make("draft", **bad, planned_end="2027-08")
        with pytest.raises(Refused) as caught:
            office.open(office.ref("reported"), rotation_type="0")
        assert [each.field for each in caught.value.problems] == ["rotation_type"]
        usual = modules.switch_of
        monkeypatch.setattr(
            modules, "switch_of",
            lambda module, unit, known: modules.Switch.CATEGORY_OFF
            if module == modules.Module.ROTATION and unit.id == office.world.units["A1"].id
            else usual(module, unit, known),
        )  # fmt: skip
        assert "module_off" in codes(office.refused(draft, "submit", INFO))
        with pytest.raises(Refused) as caught:
            office.open(office.ref("reported"), rotation_type="1")
        assert codes(caught.value.problems) == ["module_off"]

    def test_who_comes_in_the_month_of_joining_loses_no_month(self, office: Office) -> None:
        joined = office.ref().values["basic"]["join_school"]
        office.complete(join_month=joined)

        work = office.rows(office.ref(), "work", INFO)
        ended = [row for row in work if row.org_name == office.world.units["B1"].name]
        assert [(row.start, row.end) for row in ended] == [(joined, joined)]

    def test_a_reported_file_joins_the_next_batch(self, office: Office) -> None:
        ref = office.ref("reported")
        office.complete(ref)
        assert office.file(ref).state == "city_accepted"

    def test_the_account_goes_along_and_roles_there_end(self, office: Office) -> None:
        ref, moved = office.ref(), office.account_of(office.ref())
        head = office.actor(FROM_HEAD)
        with system():
            office.session.get_one(Account, moved.account_id).teacher_id = None
            office.session.flush()
            office.session.get_one(Account, head.account_id).teacher_id = ref.id
            own = Assignment(account_id=head.account_id, role="teacher", unit_id=ref.school_id,
                             valid_from=today())  # fmt: skip
            given_on = Assignment(
                account_id=office.actor(FROM_INFO).account_id, role="school_head",
                unit_id=ref.school_id, valid_from=today(), delegated_from=head.assignment_id,
            )  # fmt: skip
            office.session.add_all([own, given_on])
            office.session.flush()
            keys = own.id, given_on.id, head.assignment_id
        office.complete()

        office.session.expire_all()
        with system():
            own, given_on, there = (office.session.get_one(Assignment, key) for key in keys)
        assert (own.unit_id, own.is_valid_on(today())) == (office.world.units["A1"].id, True)
        assert not given_on.is_valid_on(today())
        assert not there.is_valid_on(today())

    def test_what_the_old_school_has_lying_about_stops_to_work(self, office: Office) -> None:
        ref, clerk = office.ref(), office.actor(FROM_INFO)
        owner = office.account_of(ref)
        place_ = {"unit": ref.school_id, "authority": ref.authority_id}
        with acting_as(clerk):
            draft.keep(office.session, clerk, draft.row_key(ref.id, "learning", "new"), {"x": "1"})
            other = draft.row_key(int(f"{ref.id}0"), "learning", "new")
            draft.keep(office.session, clerk, other, {"x": "1"})
        with acting_as(owner):
            draft.keep(office.session, owner, draft.row_key(ref.id, "learning", "new"), {"x": "1"})
        with system():
            told = Notice(account_id=clerk.account_id, event="file_effective", params={},
                          teacher_id=ref.id, unit_id=ref.school_id, at=now())  # fmt: skip
            files = [
                ExportFile(
                    uuid=str(number), account_id=clerk.account_id, at=now(), file_name="x.xlsx",
                    expires_at=now().replace(year=2999), purpose="x", request=request,
                )
                for number, request in enumerate((place_, place_ | {"unit": -1}))
            ]  # fmt: skip
            office.session.add_all([told, *files])
            office.session.flush()
            key = told.id
        office.complete()

        office.session.expire_all()
        with system():
            assert office.session.get_one(Notice, key).teacher_id is None
            left = office.session.scalars(select(FormDraft.account_id, FormDraft.form_key)).all()
            assert sorted(left) == sorted([clerk.account_id, owner.account_id])
            exports = office.session.scalars(select(ExportFile).order_by(ExportFile.id)).all()
        assert [each.expires_at > now() for each in exports] == [False, True]

    def test_the_sending_school_keeps_the_file_as_it_was(self, office: Office) -> None:
        ref = office.ref()
        was = {code: [row.values() for row in office.rows(ref, code)] for code in TEACHER_SETS}
        office.complete()
        clerk = office.actor(FROM_INFO)
        with acting_as(clerk):
            with pytest.raises(NotFound):
                contents.find_record(office.session, office.file(), "basic", "0" * 32)
            (kept,) = office.session.scalars(select(FileGrant)).all()
            found = {
                code: [row.values() for row in grant.records(office.session, kept, code)]
                for code in TEACHER_SETS
            }

        assert (kept.name, kept.teacher_no) == (ref.name, ref.teacher_no)
        assert found == was
        for who in (INFO, FROM_DISTRICT, DISTRICT, "city_info", "teacher_B1", "school_info_A2"):
            with acting_as(office.actor(who)):
                assert office.session.scalars(select(FileGrant)).all() == []

    def test_the_number_of_statements_is_the_same_for_many(self, office: Office) -> None:
        refs = [office.ref(state, number) for state in ("effective", "city_accepted")
                for number in (1, 2)]  # fmt: skip
        items = [office.make("ready_to_take", ref) for ref in refs]

        # The first act of a transaction announces itself to the sealer of the log.
        _first, one, two = (counted(office, part) for part in (items[:1], items[1:2], items[2:]))

        assert two == one

    def test_the_place_for_a_transfer_is_free_again(self, office: Office) -> None:
        office.complete()
        with system():
            assert office.session.scalar(select(func.count()).select_from(OpenProcess)) == 0
        back = office.open(who=FROM_INFO)
        assert back.from_school_id == office.world.units["A1"].id


def counted(office: Office, items: list[TransferRef]) -> int:
    seen: list[str] = []

    def see(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    actor = office.actor(INFO)
    engine = db.session.get_bind()
    event.listen(engine, "before_cursor_execute", see)
    try:
        with acting_as(actor):
            outcome = TRANSFER.perform_many(
                office.session, dict.fromkeys(item.id for item in items), "take", actor,
                catalog=office.known, **PLACED,
            )  # fmt: skip
    finally:
        event.remove(engine, "before_cursor_execute", see)
    assert len(outcome.done) == len(items)
    return len(seen)


class TestPlace:
    def test_one_person_has_one_open_transfer(self, office: Office) -> None:
        office.make("pending_in_authority", to="A2")
        assert codes(office.refuses_opening()) == ["open_process"]

    @pytest.mark.parametrize(("state", "step", "who", "inputs"), [
        ("pending_in_authority", "reject", DISTRICT, {"reason": "不同意"}),
        ("pending_in_authority", "withdraw", INFO, {}),
        ("ready_to_take", "cancel", "city_info", {"reason": "有误"}),
        ("pending_out_authority", "void", "city_info", {"reason": "有误"}),
        ("ready_to_take", "take", INFO, {}),
    ])  # fmt: skip
    def test_whatever_ends_one_makes_room(
        self, office: Office, state: str, step: str, who: str, inputs: Any
    ) -> None:
        item = office.make(state)
        office.take(item, step, who, **inputs)
        with system():
            assert office.session.get(OpenProcess, office.ref().id) is None
        assert find_faults(office.session, office.known) == []

    def test_the_database_refuses_the_second_one_too(self, office: Office) -> None:
        item = office.make("draft")
        with system():
            exclusive.occupy(office.session, exclusive.Kind.ROTATION, office.ref().id, 1)
        with pytest.raises(Refused):
            office.take(item, "submit", INFO)


def test_the_system_alone_acts_without_being_a_party(office: Office) -> None:
    item = office.make("pending_out_authority")
    with acting_as(SYSTEM_ACTOR), pytest.raises(Forbidden):
        TRANSFER.perform(office.session, item.id, "take", SYSTEM_ACTOR, version=None, **PLACED)
