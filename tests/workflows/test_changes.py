"""Additions to and changes of effective files, beyond their tables: opening, guards, effects."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select

from app.access.actor import SYSTEM_ACTOR, Actor, acting_as, system
from app.core.clock import now, today
from app.core.errors import Forbidden, Malformed, NotFound, Refused, Stale
from app.demo import ids
from app.extensions import db
from app.models.account import Account
from app.models.change import Addition, Change, RecordChange
from app.models.correction import Correction
from app.models.history import Audit, Transition
from app.models.notice import Notice
from app.models.record import TEACHER_SETS
from app.models.teacher import FileVersion, Teacher
from app.models.unit import Unit
from app.services import change as changes
from app.services import contents, effect, search
from app.services.facts import facts
from app.services.integrity import find_faults
from app.workflows import WORKFLOWS
from app.workflows.review import REVIEW
from tests.factories import Wanted, make_account, make_teachers
from tests.processes import DOCTORATE, ProcessRef, make_process, prove
from tests.variety import kept_catalogue
from tests.workflows.tables import checksum

INFO, HEAD, TEACHER, DISTRICT = "school_info_A1", "school_head_A1", "teacher_A1", "district_info_A"
STUDY = {"education": "11", "education_org": "测试大学", "major": "教育学", "is_normal": True,
         "degree_level": "2", "degree": "204", "degree_country": "156", "degree_org": "测试大学",
         "start": "2010-09", "end": "2014-06", "study_mode": "3"}  # fmt: skip


class Office:
    """People at work on the effective files of school A1."""

    def __init__(self, session: Any, world: Any) -> None:
        self.session, self.world, self.known = session, world, world.catalog

    def ref(self, state: str = "effective", number: int = 1) -> Any:
        return self.world.teacher("A1", state, number)

    def unit(self, key: str) -> Unit:
        with system():
            return self.session.get_one(Unit, self.world.units[key].id)

    def file(self, state: str = "effective", number: int = 1) -> Teacher:
        with system():
            return self.session.get_one(Teacher, self.ref(state, number).id, populate_existing=True)

    def actor(self, who: str | Actor, file: Teacher | None = None) -> Actor:
        """An actor of the world; a teacher is made the one whose file it is."""
        actor = self.world.actors[who] if isinstance(who, str) else who
        if who != TEACHER or file is None:
            return actor
        with system():
            self.session.get_one(Account, actor.account_id).teacher_id = file.id
            self.session.flush()
        return replace(actor, teacher_id=file.id)

    def rows(self, file: Teacher, set_code: str, moment: Any = None) -> list[Any]:
        with system():
            self.session.expire_all()
            return contents.records(self.session, file, set_code, moment)

    def add(self, who: str, set_code: str, raw: Any, file: Teacher | None = None, **more: Any):
        file = file or self.file()
        actor = self.actor(who, file)
        with acting_as(actor):
            return changes.add(self.session, actor, file, set_code, raw, catalog=self.known, **more)

    def open(self, set_code: str, raw: Any, who: str | Actor = INFO, **more: Any):
        file = more.pop("file", None) or self.file()
        actor = self.actor(who, file)
        more = {"kind": "modify", "reason": "登记有误"} | more
        record = more.pop("record", None) or self.rows(file, set_code)[0].uuid
        with acting_as(actor):
            return changes.open_change(
                self.session, actor, file, set_code, record, raw=raw, catalog=self.known, **more
            )

    def take(self, item: Any, step: str, who: str | Actor, **inputs: Any) -> Any:
        flow, actor = WORKFLOWS[item.flow], self.actor(who)
        version = inputs.pop("version", None)
        with acting_as(actor):
            return flow.perform(
                self.session, item.id, step, actor, version=version, catalog=self.known, **inputs
            )

    def refused(self, item: Any, step: str, who: str | Actor, **inputs: Any) -> list[str]:
        """The codes of what stands in the way; nothing has changed."""
        self.session.flush()
        before = checksum(self.session)
        with pytest.raises(Refused) as caught:
            self.take(item, step, who, **inputs)
        assert checksum(self.session) == before
        return [problem.code for problem in caught.value.problems]

    def approve(self, item: Any) -> Any:
        """Take an addition or change through to its effect."""
        if item.flow == "addition":
            self.take(item, "confirm", HEAD)
        elif item.state == "draft":
            self.take(item, "submit", INFO)
        return self.take(item, "approve", DISTRICT)

    def make(self, flow: str, state: str, **more: Any) -> ProcessRef:
        return make_process(self.session, self.world, more.pop("ref", self.ref()), flow, state,
                            **more)  # fmt: skip

    def number(self) -> str:
        """An ID number of nobody that agrees with birth and sex of the first effective file."""
        basic = self.ref().values["basic"]
        return ids.id_number(basic["birth_date"], basic["sex"], 490)

    def told(self, event_: str) -> set[int]:
        with system():
            found = select(Notice.account_id).where(Notice.event == event_)
            return set(self.session.scalars(found))

    def accounts(self, *keys: str) -> set[int]:
        return {self.world.actors[key].account_id for key in keys}


@pytest.fixture
def office(session: Any, world: Any) -> Office:
    return Office(session, world)


def codes(refusal: Any) -> list[str]:
    return [problem.code for problem in refusal.value.problems]


class TestAdding:
    def test_a_teacher_adds_what_teachers_fill_in(self, office: Office) -> None:
        item = office.add(TEACHER, "learning", STUDY)

        assert (item.state, item.kind, item.version) == ("pending_school", "add", 1)
        assert set(STUDY) <= set(item.fields)
        assert item.opened_role == "teacher"
        assert office.told("addition_opened") == office.accounts(INFO, HEAD)

    @pytest.mark.parametrize(
        ("set_code", "raw"),
        [
            ("appraisal", {"year": "2019", "result": "2"}),
            ("title", {"title": "BJ-S3"}),
            ("basic", {"staff_no": "8"}),
        ],
    )
    def test_what_the_school_fills_in_is_not_the_teachers_to_add(
        self, office: Office, set_code: str, raw: Any
    ) -> None:
        with pytest.raises(Forbidden):
            office.add(TEACHER, set_code, raw)

    def test_the_school_adds_core_information_too(self, office: Office) -> None:
        item = office.add(INFO, "appraisal", {"year": "2019", "result": "2", "org_name": "某校"})

        assert item.state == "pending_school"
        assert office.told("addition_opened") == office.accounts(HEAD)

    @pytest.mark.parametrize("who", [HEAD, DISTRICT, "city_info", "city_assistant"])
    def test_nobody_else_adds(self, office: Office, who: str) -> None:
        with pytest.raises(Forbidden):
            office.add(who, "learning", STUDY)

    @pytest.mark.parametrize("state", ["draft", "submitted", "returned", "school_confirmed"])
    def test_only_to_files_that_are_effective(self, office: Office, state: str) -> None:
        with pytest.raises(Stale):
            office.add(INFO, "learning", STUDY, office.file(state))

    @pytest.mark.parametrize(
        ("set_code", "code"),
        [("basic", "staff_status"), ("basic", "highest_education"), ("bj_ext", "teach_years")],
    )
    def test_what_nobody_types_in_is_not_added(
        self, office: Office, set_code: str, code: str
    ) -> None:
        with pytest.raises(Forbidden):
            office.add(INFO, set_code, {code: "1"})

    def test_a_blank_of_a_record_is_filled_by_an_addition(self, office: Office) -> None:
        item = office.add(TEACHER, "basic", {"party_date": "2001-07", "overseas_chinese": ""})

        assert (item.kind, item.fields) == ("fill", ["party_date"])
        assert item.before_id == office.rows(office.file(), "basic")[0].id

    def test_a_value_in_force_is_not_altered_by_an_addition(self, office: Office) -> None:
        record = office.rows(office.file(), "learning")[0].uuid

        with pytest.raises(Refused) as caught:
            office.add(INFO, "learning", {"major": "物理"}, record_uuid=record)

        assert codes(caught) == ["in_force"]
        assert "变更" in str(caught.value.problems[0].message)

    def test_the_same_value_again_or_nothing_is_no_addition(self, office: Office) -> None:
        name = office.rows(office.file(), "basic")[0].value("former_name")
        for raw in ({"former_name": name}, {}):
            with pytest.raises(Refused) as caught:
                office.add(INFO, "basic", raw)
            assert codes(caught) == ["nothing_new"]

    def test_values_that_are_wrong_are_refused_at_once(self, office: Office) -> None:
        with pytest.raises(Refused) as caught:
            office.add(INFO, "learning", STUDY | {"end": "2009-06"})
        assert codes(caught) == ["DQ021"]
        with pytest.raises(Refused) as caught:
            office.add(INFO, "learning", STUDY | {"education": "99999"})
        assert [problem.field for problem in caught.value.problems] == ["education"]

    def test_a_record_that_is_not_there_is_not_found(self, office: Office) -> None:
        foreign = office.rows(office.file(number=2), "learning")[0].uuid
        for record in ("0" * 32, foreign):
            with pytest.raises(NotFound):
                office.add(INFO, "learning", {"cert_no": "1"}, record_uuid=record)


class TestOpeningAChange:
    def test_the_school_drafts_a_change(self, office: Office) -> None:
        item = office.open("learning", {"major": "物理"})

        before = office.rows(office.file(), "learning")[0]
        assert (item.state, item.kind, item.fields) == ("draft", "modify", ["major"])
        assert (item.before_id, item.record_uuid) == (before.id, before.uuid)
        assert before.major == "教育学"

    @pytest.mark.parametrize("who", [TEACHER, HEAD, DISTRICT, "city_info", "city_assistant"])
    def test_nobody_else_does(self, office: Office, who: str) -> None:
        with pytest.raises(Forbidden):
            office.open("learning", {"major": "物理"}, who)

    @pytest.mark.parametrize("code", ["staff_status", "highest_education", "current_title"])
    def test_what_nobody_types_in_is_not_changed(self, office: Office, code: str) -> None:
        with pytest.raises(Forbidden):
            office.open("basic", {code: "1"})

    def test_a_file_that_is_not_effective_is_edited_directly(self, office: Office) -> None:
        file = office.file("draft")
        with pytest.raises(Stale):
            office.open("learning", {"major": "物理"}, file=file)

    def test_a_record_of_a_single_row_set_is_not_removed(self, office: Office) -> None:
        with pytest.raises(Refused) as caught:
            office.open("contact", {}, kind="delete")
        assert codes(caught) == ["single_row"]

    def test_a_kind_that_is_none_and_values_of_a_removal_are_malformed(
        self, office: Office
    ) -> None:
        for kind, raw in (("add", {"major": "物理"}), ("", {}), ("delete", {"major": "物理"})):
            with pytest.raises(Malformed):
                office.open("learning", raw, kind=kind)

    def test_one_addition_or_change_of_a_record_is_open_at_a_time(self, office: Office) -> None:
        office.open("learning", {"major": "物理"})
        record = office.rows(office.file(), "learning")[0].uuid

        for again in (
            lambda: office.open("learning", {"major": "化学"}),
            lambda: office.open("learning", {}, kind="delete"),
            lambda: office.add(INFO, "learning", {"cert_no": "1"}, record_uuid=record),
        ):
            with pytest.raises(Refused) as caught:
                again()
            assert codes(caught) == ["open_process"]
        office.add(INFO, "learning", STUDY)
        office.add(INFO, "learning", STUDY | {"major": "化学"})
        office.open("work", {"position": "主任"})

    def test_a_single_row_set_without_a_row_takes_one_addition(self, office: Office) -> None:
        school = office.unit("A1")
        (file,) = make_teachers(office.session, [Wanted(school, "effective", complete=False)])
        office.add(INFO, "contact", {"address": "甲路1号"}, file)

        with pytest.raises(Refused) as caught:
            office.add(INFO, "contact", {"address": "乙路1号"}, file)
        assert codes(caught) == ["open_process"]

    def test_the_database_refuses_a_second_one_as_well(self, office: Office) -> None:
        office.make("change", "draft")
        with pytest.raises(Exception, match=r"uq_record_change_open|UNIQUE"):
            office.make("change", "pending_authority")

    def test_a_draft_is_edited_at_the_version_that_was_seen(self, office: Office) -> None:
        item = office.open("learning", {"major": "物理"})
        actor = office.actor(INFO)

        with acting_as(actor):
            changes.edit_change(
                office.session, actor, item, {"cert_no": "C1"}, version=1,
                catalog=office.known, reason="改",
            )  # fmt: skip
            with pytest.raises(Stale):
                changes.edit_change(
                    office.session, actor, item, {"cert_no": "C2"}, version=1,
                    catalog=office.known,
                )  # fmt: skip

        assert (set(item.fields), item.version) == ({"major", "cert_no"}, 2)
        assert (item.reason, item.document_no) == ("改", None)
        office.take(item, "submit", INFO)
        with acting_as(actor), pytest.raises(Stale):
            changes.edit_change(office.session, actor, item, {}, version=None, catalog=office.known)

    def test_a_draft_that_is_discarded_leaves_room_and_nothing_else(self, office: Office) -> None:
        item = office.open("learning", {"major": "物理"})
        key, actor = item.id, office.actor(INFO)

        with acting_as(actor):
            changes.discard(office.session, actor, item, version=None, catalog=office.known)

        cls = TEACHER_SETS["learning"]
        with system():
            assert office.session.get(RecordChange, key) is None
            left = select(func.count()).select_from(cls).where(cls.state == "pending")
            assert office.session.scalar(left) == 0
        again = office.open("learning", {"major": "化学"})
        mine = (Transition.flow == "change", Transition.object_id == again.id)
        steps = office.session.scalars(select(Transition.step).where(*mine)).all()
        assert steps == ["open"]  # Not those of the draft that was discarded.

    def test_what_is_only_proposed_is_nobodys_number_yet(self, office: Office) -> None:
        """A pending mobile is shared with nobody: DQ043 asks what files say."""
        files = [office.file(), office.file(number=2)]
        with system():
            number = office.rows(files[1], "contact")[0].value("mobile")
        item = office.open("contact", {"mobile": number})
        with system():
            known = facts(office.session, files)
        assert [known[file.id].mobile_shared for file in files] == [False, False]

        office.approve(item)

        with system():
            known = facts(office.session, files)
        assert [known[file.id].mobile_shared for file in files] == [True, True]

    def test_what_is_proposed_is_sealed_like_what_is_in_force(self, office: Office) -> None:
        item = office.open("contact", {"mobile": "13912345678"})

        with system():
            row = changes.pending_row(office.session, item)
        assert row.value("mobile") == "13912345678"
        assert b"13912345678" not in bytes(row.mobile)
        assert row.mobile_index or row.mobile_index2
        said = office.session.scalars(
            select(Audit).where(Audit.object_type == "change").execution_options(unscoped=True)
        ).one()
        assert "13912345678" not in str(said.detail)


class TestGuards:
    def test_a_change_that_changes_nothing_is_not_submitted(self, office: Office) -> None:
        item = office.open("learning", {})
        assert office.refused(item, "submit", INFO) == ["no_difference"]

    def test_a_change_that_only_fills_blanks_is_an_addition(self, office: Office) -> None:
        item = office.open("learning", {"cert_no": ""})
        assert item.fields == ["cert_no"]  # Emptying is altering.
        office.take(item, "submit", INFO)
        other = office.open("work", {"reference": ""}, file=office.file(number=2))
        office.approve(other)
        again = office.open(
            "work", {"reference": "王五"}, file=office.file(number=2), record=other.record_uuid
        )
        assert office.refused(again, "submit", INFO) == ["no_difference"]

    def test_a_change_says_why(self, office: Office) -> None:
        item = office.open("learning", {"major": "物理"}, reason="")
        assert office.refused(item, "submit", INFO) == ["reason"]

        moved = office.take(item, "submit", INFO, reason="证书为物理")

        assert moved.reason == "证书为物理"

    @pytest.mark.parametrize(
        ("set_code", "raw"),
        [
            ("basic", {"name": "新名字"}),
            ("basic", {"id_no": "new"}),
            ("title", {"org_name": "另一校"}),
            ("appraisal", {"result": "1"}),
        ],
    )
    def test_who_a_person_is_and_core_information_need_evidence(
        self, office: Office, set_code: str, raw: Any
    ) -> None:
        item = office.open(set_code, {"id_no": office.number()} if "id_no" in raw else raw)
        found = office.refused(item, "submit", INFO)
        assert found[0] == "evidence"

        with system():
            ref = ProcessRef(item.id, item.uuid, office.ref(), "change", "draft",
                             item.opened_by, item.record_uuid)  # fmt: skip
        prove(office.session, ref)

        with acting_as(office.actor(INFO)):
            outcome = WORKFLOWS["change"].foresee(
                office.session, [item.id], "submit", office.actor(INFO)
            )

        left = [p.code for error in outcome.failed.values() for p in error.problems]
        assert left == [code for code in found if code != "evidence"]

    def test_removing_core_information_needs_evidence(self, office: Office) -> None:
        item = office.open("appraisal", {}, kind="delete")
        assert office.refused(item, "submit", INFO)[0] == "evidence"

    def test_an_error_that_it_would_bring_holds_it_up(self, office: Office) -> None:
        """The only study of a file is not removed (DQ025)."""
        item = office.open("learning", {}, kind="delete")
        assert "DQ025" in office.refused(item, "submit", INFO)

    def test_so_it_does_until_the_last_step(self, office: Office) -> None:
        wrong = {"values": DOCTORATE | {"end": "2009-06"}}
        waiting = office.make("addition", "pending_school", **wrong)
        confirmed = office.make("addition", "pending_authority", **wrong)
        asked = office.make("change", "pending_authority", kind="delete")

        assert office.refused(waiting, "confirm", HEAD) == ["DQ021"]
        assert office.refused(confirmed, "approve", DISTRICT) == ["DQ021"]
        assert "DQ025" in office.refused(asked, "approve", DISTRICT)

    def test_an_error_that_the_file_has_already_holds_nothing_up(self, office: Office) -> None:
        """A wrong month of work that a change of the contact has nothing to do with."""
        with system():
            file = office.file()
            row = office.rows(file, "work")[0]
            wrong = row.__table__.update().where(row.__table__.c.id == row.id)
            cls = TEACHER_SETS["work"]
            new = effect.copied(row) | {"end": "1990-01"}
            office.session.execute(wrong.values(valid_to=now(), version=9))
            office.session.add(cls(**new, state="effective", valid_from=now()))
            office.session.flush()
        item = office.open("contact", {"address": "新地址"})

        assert office.approve(item).state == "approved"

        with pytest.raises(Refused) as caught:  # What puts it right must be right.
            office.open("work", {"end": "1991-01"}, record=office.rows(file, "work")[1].uuid)
        assert codes(caught) == ["DQ028"]

    def test_two_of_one_file_are_judged_one_upon_the_other(self, office: Office) -> None:
        """Either study may go, but not both (DQ025)."""
        office.approve(office.add(INFO, "learning", STUDY))
        rows = [row.uuid for row in office.rows(office.file(), "learning")]
        first, second = (
            office.open("learning", {}, kind="delete", record=record) for record in rows
        )
        for item in (first, second):
            office.take(item, "submit", INFO)

        actor = office.actor(DISTRICT)
        with acting_as(actor):
            outcome = WORKFLOWS["change"].perform_many(
                office.session, {first.id: None, second.id: None}, "approve", actor
            )

        assert outcome.done == [first.id]
        assert "DQ025" in [problem.code for problem in outcome.failed[second.id].problems]

    def test_nobody_confirms_what_they_entered(self, office: Office) -> None:
        item = office.add(INFO, "learning", STUDY)
        school = office.unit("A1")
        with system():
            clerk = office.actor(INFO).account_id
            also = make_account(office.session, role="school_head", unit=school, account=clerk)

        assert office.refused(item, "confirm", also) == ["own_work"]

    def test_nobody_approves_what_they_confirmed_or_submitted(self, office: Office) -> None:
        with system():
            district = office.unit("A")
            also = [
                make_account(
                    office.session, role="district_info", unit=district,
                    account=office.actor(key).account_id,
                )
                for key in (HEAD, INFO)
            ]  # fmt: skip
        addition = office.make("addition", "pending_authority")
        change = office.make("change", "pending_authority")

        for actor in also:
            assert office.refused(addition, "approve", actor) == ["own_work"]
        assert office.refused(change, "approve", also[1]) == ["own_work"]

    def test_the_authority_stands_in_for_a_head_without_anybody(self, office: Office) -> None:
        head = office.actor(HEAD)
        with system():
            office.session.get_one(Account, head.account_id).teacher_id = office.ref().id
            office.session.flush()
        own = replace(head, teacher_id=office.ref().id)
        item = office.add(INFO, "learning", STUDY)

        assert office.refused(item, "confirm", own) == ["own_file"]
        assert office.told("head_addition_opened") == office.accounts(DISTRICT)
        moved = office.take(item, "confirm", DISTRICT)
        assert moved.state == "pending_authority"
        assert last_step(office, item).data == {"stands_in": "school_head"}
        assert office.take(item, "approve", DISTRICT).state == "approved"

    def test_a_delegate_who_entered_it_counts_as_none(self, office: Office) -> None:
        head = office.actor(HEAD)
        with system():
            office.session.get_one(Account, head.account_id).teacher_id = office.ref().id
            school = office.unit("A1")
            make_account(
                office.session, role="school_head", unit=school, valid_to=today(),
                account=office.actor(INFO).account_id, delegated_from=head.assignment_id,
            )  # fmt: skip
        mine = office.make("addition", "pending_school")
        teachers = office.make("addition", "pending_school", opener=office.actor(TEACHER))

        with pytest.raises(Forbidden):
            office.take(teachers, "confirm", DISTRICT)
        assert office.take(mine, "confirm", DISTRICT).state == "pending_authority"

    @pytest.mark.parametrize(
        ("flow", "state", "who"),
        [
            ("addition", "pending_school", HEAD),
            ("addition", "pending_authority", DISTRICT),
            ("change", "pending_authority", DISTRICT),
        ],
    )
    def test_a_rejection_needs_a_reason(
        self, office: Office, flow: str, state: str, who: str
    ) -> None:
        item = office.make(flow, state)
        assert office.refused(item, "reject", who) == ["reason"]
        assert office.take(item, "reject", who, reason="不符").state == "rejected"


def last_step(office: Office, item: Any) -> Transition:
    mine = (Transition.object_id == item.id, Transition.flow == item.flow)
    return office.session.scalars(
        select(Transition).where(*mine).order_by(Transition.id.desc())
    ).first()


class TestEffect:
    def test_the_old_value_stays_in_force_until_the_approval(self, office: Office) -> None:
        file = office.file()
        row = office.rows(file, "contact")[0]
        said, start = row.values(), row.valid_from
        item = office.open("contact", {"address": "新地址"})
        for step, who in ((None, None), ("submit", INFO)):
            if step:
                office.take(item, step, who)
            assert [each.values() for each in office.rows(file, "contact")] == [said]
            assert office.file().file_version == 1

        office.take(item, "approve", DISTRICT)

        (new,) = office.rows(file, "contact")
        assert new.values() == {**said, "address": "新地址"}
        assert office.file().file_version == 2
        (then,) = office.rows(file, "contact", start + timedelta(microseconds=1))
        assert (then.values(), then.valid_to) == (said, new.valid_from)
        assert (new.entered_by, item.before_id) == (office.actor(INFO).account_id, then.id)

    def test_an_addition_comes_into_force_with_what_follows_from_it(self, office: Office) -> None:
        item = office.add(TEACHER, "learning", STUDY)
        assert office.file().education == "21"

        office.approve(item)

        file = office.file()
        assert (file.education, file.file_version) == ("11", 2)
        assert office.rows(file, "basic")[0].highest_education == "11"
        assert len(office.rows(file, "learning")) == 2
        with system():
            second = (FileVersion.teacher_id == file.id, FileVersion.number == 2)
            version = office.session.scalars(select(FileVersion).where(*second)).one()
        assert (version.cause, version.at) == ("addition", item.state_since)

    def test_a_blank_is_filled(self, office: Office) -> None:
        old = office.rows(office.file(), "basic")[0].value("party_date")
        item = office.add(INFO, "basic", {"party_date": "2001-07"})
        assert old is None

        office.approve(item)

        assert office.rows(office.file(), "basic")[0].party_date == "2001-07"

    def test_a_removal_ends_the_record(self, office: Office) -> None:
        office.approve(office.add(INFO, "learning", STUDY))
        assert office.file().education == "11"
        added = office.rows(office.file(), "learning")[-1]
        item = office.open("learning", {}, kind="delete", record=added.uuid)

        office.approve(item)

        assert len(office.rows(office.file(), "learning")) == 1
        assert office.file().education == "21"

    @pytest.mark.parametrize(
        ("flow", "state", "step", "who"),
        [
            ("addition", "pending_school", "reject", HEAD),
            ("addition", "pending_authority", "reject", DISTRICT),
            ("addition", "pending_school", "withdraw", INFO),
            ("change", "pending_authority", "reject", DISTRICT),
            ("change", "pending_authority", "withdraw", INFO),
            ("change", "draft", "supersede", SYSTEM_ACTOR),
        ],
    )
    def test_what_did_not_come_into_force_never_was_and_makes_room(
        self, office: Office, flow: str, state: str, step: str, who: Any
    ) -> None:
        item = office.make(flow, state)
        before = office.rows(office.file(), "learning")

        moved = office.take(item, step, who, **({"reason": "不符"} if step == "reject" else {}))

        with system():
            row = changes.proposed_row(office.session, moved)
            assert (row.state, row.valid_from) == (moved.state, row.valid_to)
            at = row.valid_from
        for moment in (None, at, at + timedelta(1), at - timedelta(microseconds=1)):
            there = [each.id for each in office.rows(office.file(), "learning", moment)]
            assert there == [each.id for each in before]
        office.make(flow, state, values={"major": "物理"} if flow == "change" else None)
        with system():
            assert find_faults(office.session, office.known) == []

    def test_a_change_takes_over_what_has_changed_beside_it(self, office: Office) -> None:
        """A derived value got a version of the row meanwhile: it still fits and goes through."""
        item = office.open("basic", {"native_place": "110105"})
        office.take(item, "submit", INFO)
        office.approve(office.add(INFO, "learning", STUDY))
        derived = office.rows(office.file(), "basic")[0]
        assert derived.id != item.before_id

        moved = office.take(item, "approve", DISTRICT)

        row = office.rows(office.file(), "basic")[0]
        assert (moved.state, moved.before_id) == ("approved", derived.id)
        assert (row.native_place, row.highest_education) == ("110105", "11")

    @pytest.mark.parametrize("removed", [False, True])
    def test_a_change_whose_record_says_something_else_has_lapsed(
        self, office: Office, removed: bool
    ) -> None:
        item = office.make("change", "pending_authority")
        end_row(office, item, {} if removed else {"major": "化学"})
        before = [row.values() for row in office.rows(office.file(), "learning")]

        moved = office.take(item, "approve", DISTRICT)

        assert moved.state == "superseded"
        assert [row.values() for row in office.rows(office.file(), "learning")] == before
        assert office.file().file_version == 1
        assert office.told("change_superseded") == office.accounts(INFO)
        assert office.told("change_approved") == set()

    def test_an_addition_whose_blank_was_filled_meanwhile_is_refused(self, office: Office) -> None:
        item = office.make("addition", "pending_authority", kind="fill", values={"cert_no": "C-1"})
        end_row(office, item, {"cert_no": "C-2"})

        assert office.refused(item, "approve", DISTRICT) == ["superseded"]
        assert office.take(item, "reject", DISTRICT, reason="已填").state == "rejected"

    def test_a_new_name_and_number_are_found_and_the_teacher_number_stays(
        self, office: Office
    ) -> None:
        number, file = office.number(), office.file()
        item = office.open("basic", {"name": "新名字", "id_no": number})
        teacher_no, old = file.teacher_no, office.ref().id_no
        prove(office.session, as_ref(office, item))

        office.approve(item)

        with system():
            for text in (number, "新名字"):
                assert office.session.scalars(
                    select(Teacher.id).where(search.matches(text))
                ).all() == [file.id]
            assert office.session.scalars(select(Teacher).where(search.matches(old))).all() == []
        assert office.file().teacher_no == teacher_no

    @pytest.mark.parametrize("other", [("A1", "draft"), ("B1", "effective")])
    def test_the_number_of_somebody_else_is_refused(self, office: Office, other: Any) -> None:
        ref = office.world.teacher(*other)
        basic = ref.values["basic"]
        raw = {"id_no": ref.id_no, "birth_date": basic["birth_date"].isoformat(),
               "sex": basic["sex"]}  # fmt: skip
        item = office.open("basic", raw)
        prove(office.session, as_ref(office, item))

        assert office.refused(item, "submit", INFO) == ["DQ007"]

    def test_two_files_do_not_get_one_number_in_one_act(self, office: Office) -> None:
        values = {"id_no": office.number()}
        items = [
            office.make("change", "pending_authority", set_code="basic", values=values,
                        ref=office.ref(number=number))
            for number in (1, 2)
        ]  # fmt: skip
        actor = office.actor(DISTRICT)

        with acting_as(actor):
            outcome = WORKFLOWS["change"].foresee(
                office.session, [item.id for item in items], "approve", actor
            )

        found = {key: [p.code for p in e.problems] for key, e in outcome.failed.items()}
        assert "DQ007" not in found.get(items[0].id, [])
        assert "DQ007" in found[items[1].id]

    @pytest.mark.parametrize("flow", ["addition", "change"])
    def test_a_reported_file_goes_into_the_next_batch(self, office: Office, flow: str) -> None:
        item = office.make(flow, "pending_authority", ref=office.ref("reported"))

        office.take(item, "approve", DISTRICT)

        file = office.file("reported")
        assert file.state == "city_accepted"
        last = office.session.scalars(
            select(Transition)
            .where(Transition.object_id == file.id, Transition.flow == "review")
            .order_by(Transition.id.desc())
        ).first()
        assert (last.step, last.account_id) == ("reopen", None)

    def test_a_change_that_answers_a_correction_closes_it(self, office: Office) -> None:
        file, city = office.file("city_accepted"), office.actor("city_info")
        with acting_as(city):
            REVIEW.perform(
                office.session, file.id, "require_correction", city, version=None, reason="请更正"
            )
            task = office.session.scalars(
                select(Correction).where(Correction.teacher_id == file.id)
            ).one()
        item = office.open("contact", {"address": "新地址"}, file=file, correction_id=task.id)
        office.take(item, "submit", INFO)
        assert task.closed_at is None

        office.take(item, "approve", DISTRICT)

        with system():
            office.session.refresh(task)
        assert task.closed_at == item.state_since
        assert task.closed_by == office.actor(DISTRICT).account_id
        assert "批准" in task.close_reason

    def test_a_change_answers_open_tasks_of_its_own_file_alone(self, office: Office) -> None:
        other = office.file(number=2)
        with system():
            tasks = [
                Correction(
                    teacher_id=each.id, school_id=each.school_id, authority_id=each.authority_id,
                    reason="x", opened_by=office.actor("city_info").account_id, opened_at=now(),
                    closed_at=closed, close_reason="x" if closed else None,
                )
                for each, closed in ((other, None), (office.file(), now()))
            ]  # fmt: skip
            office.session.add_all(tasks)
            office.session.flush()

        with pytest.raises(NotFound):
            office.open("contact", {"address": "x"}, correction_id=tasks[0].id)
        with pytest.raises(Refused) as caught:
            office.open("contact", {"address": "x"}, correction_id=tasks[1].id)
        assert codes(caught) == ["correction"]

    def test_everything_that_was_done_leaves_a_sound_database(self, office: Office) -> None:
        office.approve(office.add(TEACHER, "learning", STUDY))
        office.approve(office.open("contact", {"mobile": "13912345678"}))
        office.open("work", {"position": "主任"})
        office.add(INFO, "basic", {"party_date": "2001-07"}, office.file(number=2))

        with system():
            assert find_faults(office.session, office.known) == []

    def test_damage_is_named(self, office: Office) -> None:
        draft = office.open("work", {"position": "主任"})
        row = TEACHER_SETS["work"].__table__
        with system():
            office.session.execute(
                row.delete().where(row.c.uuid == draft.record_uuid, row.c.state == "pending")
            )
            stray = TEACHER_SETS["contact"](
                teacher_id=office.ref().id, school_id=office.ref().school_id,
                authority_id=office.ref().authority_id, state="pending",
            )  # fmt: skip
            office.session.add(stray)
            draft.state = "submitted"
            office.session.flush()
            draft_state = find_faults(office.session, office.known)
            draft.state = "draft"
            office.session.flush()
            found = find_faults(office.session, office.known)

        assert f"change {draft.id}: its history does not end in its state" in draft_state
        assert f"record_change {draft.id}: what it proposes is not there" in found
        assert f"file {office.ref().id}: is in force and holds a draft of its contact set" in found


def as_ref(office: Office, item: Any) -> ProcessRef:
    return ProcessRef(
        item.id, item.uuid, office.ref(), item.flow, item.state, item.opened_by, item.record_uuid
    )


def end_row(office: Office, item: Any, values: Any) -> None:
    """Another flow ends the record of a change, with a successor that says something else."""
    with system():
        cls = TEACHER_SETS["learning"]
        row = office.session.scalars(select(cls).where(cls.uuid == item.record, cls.as_of())).one()
        successor = effect.copied(row) | values
        row.valid_to = now()
        office.session.flush()
        if values:
            office.session.add(cls(**successor, state="effective", valid_from=row.valid_to))
            office.session.flush()


class TestNotices:
    @pytest.mark.parametrize(
        "case",
        [
            ("addition", "pending_school", "confirm", HEAD, "addition_confirmed", [DISTRICT]),
            ("addition", "pending_school", "reject", HEAD, "addition_rejected", [TEACHER]),
            ("addition", "pending_authority", "reject", DISTRICT, "addition_rejected", [TEACHER]),
            ("addition", "pending_authority", "approve", DISTRICT, "addition_approved", [TEACHER]),
            ("change", "draft", "submit", INFO, "change_submitted", [DISTRICT]),
            ("change", "pending_authority", "reject", DISTRICT, "change_rejected", [INFO]),
            ("change", "pending_authority", "approve", DISTRICT, "change_approved", [INFO]),
            ("change", "draft", "supersede", SYSTEM_ACTOR, "change_superseded", [INFO]),
        ],
    )  # fmt: skip
    def test_the_parties_of_the_specification_are_told(self, office: Office, case: Any) -> None:
        flow, state, step, who, event_, to = case
        opener = {"opener": office.actor(TEACHER)} if flow == "addition" else {}
        item = office.make(flow, state, **opener)

        office.take(item, step, who, **({"reason": "不符"} if step == "reject" else {}))

        assert office.told(event_) == office.accounts(*to)

    @pytest.mark.parametrize(
        ("state", "step", "who", "event_"),
        [
            ("draft", "submit", INFO, "my_change_submitted"),
            ("pending_authority", "reject", DISTRICT, "my_change_rejected"),
            ("pending_authority", "approve", DISTRICT, "my_change_approved"),
        ],
    )
    def test_the_teacher_hears_of_a_change(
        self, office: Office, state: str, step: str, who: str, event_: str
    ) -> None:
        office.actor(TEACHER, office.file())
        item = office.make("change", state)

        office.take(item, step, who, **({"reason": "不符"} if step == "reject" else {}))

        assert office.told(event_) == office.accounts(TEACHER)


class TestHistory:
    def test_every_act_is_in_the_history_and_on_record(self, office: Office) -> None:
        item = office.open("contact", {"address": "新地址"})
        office.approve(item)

        mine = (Transition.flow == "change", Transition.object_id == item.id)
        steps = office.session.scalars(select(Transition).where(*mine).order_by(Transition.id))
        assert [(each.step, each.from_state, each.to_state) for each in steps] == [
            ("open", None, "draft"),
            ("submit", "draft", "pending_authority"),
            ("approve", "pending_authority", "approved"),
        ]
        with system():
            acts = office.session.scalars(
                select(Audit.act)
                .where(Audit.object_type == "change", Audit.object_id == str(item.id))
                .order_by(Audit.id)
            ).all()
        assert acts == ["create", "transition", "transition"]

    def test_a_stale_version_changes_nothing(self, office: Office) -> None:
        item = office.make("change", "pending_authority")
        before = checksum(office.session)
        with pytest.raises(Stale):
            office.take(item, "approve", DISTRICT, version=1)
        assert checksum(office.session) == before


@pytest.mark.parametrize("set_code", ["treatment", "ethics"])
def test_a_change_of_a_restricted_set_is_not_there_for_others(
    office: Office, set_code: str
) -> None:
    row = office.rows(office.file(), set_code)[0]
    values = {"insurance": "1"} if set_code == "treatment" else {"assess_org": "某校"}
    assert row.id
    item = office.make("change", "pending_authority", set_code=set_code, values=values)
    other = office.make("change", "pending_authority")

    seen = {}
    for key in ("city_assistant", "city_info", DISTRICT, INFO, HEAD, "district_info_B"):
        with acting_as(office.actor(key)):
            seen[key] = set(office.session.scalars(select(Change.id))) & {item.id, other.id}
            assert office.session.scalars(select(Addition.id)).all() == []

    assert seen.pop("city_assistant") == {other.id}
    assert seen.pop("district_info_B") == set()
    assert set(map(frozenset, seen.values())) == {frozenset({item.id, other.id})}


@pytest.mark.parametrize(
    ("flow", "state", "step", "who"),
    [
        ("addition", "pending_school", "confirm", HEAD),
        ("addition", "pending_school", "reject", HEAD),
        ("addition", "pending_authority", "approve", DISTRICT),
        ("change", "pending_authority", "approve", DISTRICT),
    ],
)
def test_the_number_of_statements_does_not_grow_with_the_changes(
    office: Office, flow: str, state: str, step: str, who: str
) -> None:
    with system():
        school = office.unit("A1")
    actor, costs = office.actor(who), []
    for number in (1, 4, 16):  # The first one of a transaction takes the lock of the audit log.
        files = make_teachers(office.session, [Wanted(school, "reported") for _n in range(number)])
        refs = [replace(office.ref(), id=file.id) for file in files]
        items = [office.make(flow, state, ref=ref).id for ref in refs]
        office.session.expire_all()
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any, kept: Any = seen):
            kept.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            with acting_as(actor), kept_catalogue():
                outcome = WORKFLOWS[flow].perform_many(
                    office.session, dict.fromkeys(items), step, actor, reason="不符",
                    catalog=office.known,
                )  # fmt: skip
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        assert outcome.done == sorted(items), outcome.failed
        costs.append(len(seen))

    assert costs[1] == costs[2]
    assert costs[2] <= 90
