"""The file review beyond its table (test_tables): guards, effects, rounds, notices."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import SYSTEM_ACTOR, Actor, acting_as, system
from app.core.clock import now, today
from app.core.errors import Forbidden, Malformed, NotFound, Refused, Stale
from app.models.account import Account
from app.models.correction import Correction
from app.models.history import Audit, Transition
from app.models.notice import Notice
from app.models.record import TEACHER_SETS
from app.models.round import Extension, Round
from app.models.snapshot import FileSnapshot
from app.models.teacher import (
    Affiliation,
    Contributor,
    FileVersion,
    Teacher,
)
from app.models.unit import Unit
from app.services import check, compare
from app.services import file as files
from app.services.number import is_number
from app.workflows.review import REVIEW
from tests.factories import finding, make_account
from tests.workflows import tables
from tests.workflows.tables import REVIEW_TABLE, as_owner, checksum

DRAFT, SUBMITTED, ACCEPTED = "draft", "submitted", "city_accepted"
INPUTS = REVIEW_TABLE.inputs


def take(session: Any, actor: Actor, file: Any, step: str) -> int:
    """Take a step of the review as an actor and return the status."""
    return tables.take(session, REVIEW_TABLE, actor, file, step)


def test_only_the_system_reopens_a_reported_file(session, world):
    file = world.teacher("A1", "reported")

    with system():
        moved = REVIEW.perform(session, file.id, "reopen", SYSTEM_ACTOR, version=None)

    assert moved.state == ACCEPTED


def test_a_step_that_does_not_exist_is_not_found(session, world):
    actor = world.actor("city_info")

    with acting_as(actor), pytest.raises(NotFound):
        REVIEW.perform(session, world.teacher("A1", "effective").id, "publish", actor, version=None)


# Guards: each refuses with 422 and changes nothing.


def refused(session: Any, actor: Actor, file: Any, step: str, **inputs: Any) -> list[str]:
    """Take a step that a guard must refuse, and return the codes of its problems."""
    before = checksum(session)
    with acting_as(actor), pytest.raises(Refused) as caught:
        REVIEW.perform(session, file.id, step, actor, version=None, **inputs)
    assert checksum(session) == before
    return [problem.code for problem in caught.value.problems]


def test_submitting_needs_the_declaration_of_truth(session, world):
    actor, file = world.actor("school_info", "A1"), world.teacher("A1", "draft")

    assert refused(session, actor, file, "submit", declared=False) == ["declaration"]
    assert refused(session, actor, file, "submit") == ["declaration"]


def test_approving_needs_the_scope_tick(session, world):
    actor, file = world.actor("district_info", "A"), world.teacher("A1", "school_confirmed")

    assert refused(session, actor, file, "approve") == ["scope_checked"]
    assert refused(session, actor, file, "approve", scope_checked=False) == ["scope_checked"]


def test_a_tick_that_is_no_tick_is_malformed(session, world):
    actor, file = world.actor("district_info", "A"), world.teacher("A1", "school_confirmed")

    for wrong in ("true", 1, "no"):
        with acting_as(actor), pytest.raises(Malformed):
            REVIEW.perform(session, file.id, "approve", actor, version=None, scope_checked=wrong)


def test_an_input_that_the_step_does_not_have_is_malformed(session, world):
    actor, file = world.actor("school_head", "A1"), world.teacher("A1", "submitted")

    for extra in ({"state": "effective"}, {"fields": {"basic.name": "no"}}):
        with acting_as(actor), pytest.raises(Malformed):
            REVIEW.perform(session, file.id, "confirm", actor, version=None, **extra)


@pytest.mark.parametrize(
    "case",
    [
        ("school_head_A1", "submitted", "return_to_teacher"),
        ("district_info_A", "school_confirmed", "return"),
        ("city_info", "effective", "require_correction"),
    ],
)
def test_a_return_needs_a_reason_of_at_most_500_characters(session, world, case):
    who, state, step = case
    actor, file = world.actors[who], world.teacher("A1", state)

    assert refused(session, actor, file, step, reason="  ") == ["reason"]
    assert refused(session, actor, file, step, reason="退" * 501) == ["reason"]
    assert refused(session, actor, file, step, fields={"basic.name": "错"}) == ["reason"]
    assert take_with_reason(session, actor, file, step, "退" * 500) == 200


def take_with_reason(session: Any, actor: Actor, file: Any, step: str, reason: str) -> int:
    with acting_as(actor):
        REVIEW.perform(session, file.id, step, actor, version=None, reason=reason)
    return 200


def test_a_reason_per_field_names_a_field_that_exists(session, world):
    actor, file = world.actor("district_info", "A"), world.teacher("A1", "school_confirmed")

    wrong = refused(session, actor, file, "return", reason="错", fields={"basic.nothing": "错"})

    assert wrong == ["field"]


def test_reasons_per_field_stand_in_the_file_and_in_its_history(session, world):
    actor, file = world.actor("district_info", "A"), world.teacher("A1", "school_confirmed")
    fields = {"basic.native_place": "与户口簿不符", "ach_award": "缺证书"}

    with acting_as(actor):
        moved = REVIEW.perform(
            session, file.id, "return", actor, version=None, reason="请核对", fields=fields
        )

    assert moved.return_notes == {"reason": "请核对", "fields": fields, "step": "return"}
    assert last_step(session, file).field_reasons == fields


def last_step(session: Any, file: Any) -> Transition:
    return session.scalars(
        select(Transition).where(Transition.object_id == file.id).order_by(Transition.id.desc())
    ).first()


@pytest.mark.parametrize(
    "case",
    [
        ("school_info_A1", "draft", "submit"),
        ("school_head_A1", "submitted", "confirm"),
        ("district_info_A", "school_confirmed", "approve"),
    ],
)
def test_an_error_of_the_rules_blocks_submitting_confirming_and_approving(session, world, case):
    who, state, step = case
    actor, file = world.actors[who], world.teacher("A1", state)
    with system():
        session.get(Teacher, file.id).error_count = 1
        session.add(finding(file, "error"))
        session.flush()

    assert refused(session, actor, file, step, **INPUTS.get(step, {})) == ["DQ013"]


def warn(session: Any, *files: Any, **place: Any) -> None:
    """Let the rules have found a warning of each file that nobody has acknowledged."""
    with system():
        for file in files:
            session.get(Teacher, file.id).warning_count += 1
            session.add(finding(file, **place))
        session.flush()


def test_a_warning_blocks_submission_and_confirmation_until_it_is_acknowledged(session, world):
    info, head = world.actor("school_info", "A1"), world.actor("school_head", "A1")
    draft, waiting = world.teacher("A1", "draft"), world.teacher("A1", "submitted")
    warn(session, draft, waiting)

    assert refused(session, info, draft, "submit", declared=True) == ["DQ013"]
    assert refused(session, head, waiting, "confirm") == ["DQ013"]
    for file in (draft, waiting):
        with acting_as(info):
            teacher = session.get(Teacher, file.id)
            assert check.acknowledge(session, info, teacher, catalog=world.catalog) == 1
    assert take(session, info, draft, "submit") == 200
    assert take(session, head, waiting, "confirm") == 200


def test_a_warning_that_appears_after_the_confirmation_does_not_hold_up_the_authority(
    session, world
):
    file = world.teacher("A1", "school_confirmed")
    warn(session, file)

    assert take(session, world.actor("district_info", "A"), file, "approve") == 200


def test_the_warnings_that_a_teacher_may_leave_are_the_schools_to_answer_for(session, world):
    file, known = world.teacher("A1", "draft"), world.catalog
    teacher = as_owner(session, world.actor("teacher", "A1"), file)
    info, head = world.actor("school_info", "A1"), world.actor("school_head", "A1")
    warn(session, file, set="appraisal", field="result")
    with acting_as(teacher):
        row = session.get(Teacher, file.id)
        assert check.acknowledge(session, teacher, row, catalog=known) == 0

    assert take(session, teacher, file, "submit") == 200
    assert refused(session, head, file, "confirm") == ["DQ013"]
    with acting_as(info):
        row = session.get(Teacher, file.id)
        assert check.acknowledge(session, info, row, catalog=known) == 1
    assert take(session, head, file, "confirm") == 200


def test_a_teacher_answers_only_for_what_a_teacher_fills_in(session, world):
    file = world.teacher("A1", "draft")
    teacher = as_owner(session, world.actor("teacher", "A1"), file)
    with system():
        session.get(Teacher, file.id).error_count = 2
        session.add(finding(file, "error", set="appraisal", field="result"))
        session.flush()

    assert take(session, teacher, file, "submit") == 200

    head = world.actor("school_head", "A1")
    assert refused(session, head, file, "confirm") == ["DQ013"]


def test_a_moved_file_is_checked_again_before_it_is_confirmed(session, world):
    actor, file = world.actor("school_head", "A1"), world.teacher("A1", "submitted")
    with system():
        teacher = session.get(Teacher, file.id)
        record = session.scalars(
            select(TEACHER_SETS["basic"]).where(TEACHER_SETS["basic"].teacher_id == file.id)
        ).one()
        record.sex = None
        teacher.content_version += 1
        session.flush()

    with acting_as(actor), pytest.raises(Refused) as caught:
        REVIEW.perform(session, file.id, "confirm", actor, version=None)

    assert {("DQ075", "sex")} <= {(p.code, p.field) for p in caught.value.problems}


def test_only_the_submitter_withdraws(session, world):
    file = world.teacher("A1", "submitted")  # Submitted by the school's administrator.
    teacher = as_owner(session, world.actor("teacher", "A1"), file)

    assert refused(session, teacher, file, "withdraw") == ["submitter"]
    assert take(session, world.actor("school_info", "A1"), file, "withdraw") == 200


def test_nobody_approves_what_they_entered_or_submitted(session, world):
    info, file = world.actor("school_info", "A1"), world.teacher("A1", "submitted")
    also_head = make_account(
        session, role="school_head", unit=unit_of(session, file.school_id), account=info.account_id
    )

    assert refused(session, also_head, file, "confirm") == ["own_work"]


def unit_of(session: Any, key: int) -> Any:
    with system():
        return session.get(Unit, key)


def test_submitting_for_a_teacher_bars_from_confirming(session, world):
    file = world.teacher("A1", "draft")
    with system():
        session.query(Contributor).filter_by(teacher_id=file.id).delete()
    info = world.actor("school_info", "A1")
    also_head = make_account(
        session, role="school_head", unit=unit_of(session, file.school_id), account=info.account_id
    )

    assert take(session, info, file, "submit") == 200
    assert refused(session, also_head, file, "confirm") == ["own_work"]


def head_of_own_file(session: Any, world: Any, state: str, number: int = 1) -> tuple[Actor, Any]:
    """The head of A1, and the file of the same person."""
    file, head = world.teacher("A1", state, number), world.actor("school_head", "A1")
    with system():
        session.get(Account, head.account_id).teacher_id = file.id
        session.flush()
    return replace(head, teacher_id=file.id), file


def test_a_head_does_not_confirm_the_own_file(session, world):
    head, file = head_of_own_file(session, world, "submitted")

    assert refused(session, head, file, "confirm") == ["own_file"]


def test_a_head_s_own_file_is_confirmed_by_the_delegate(session, world):
    head, file = head_of_own_file(session, world, "submitted")
    delegate = make_account(
        session,
        role="school_head",
        unit=unit_of(session, file.school_id),
        delegated_from=head.assignment_id,
        valid_to=today(),
    )
    authority = world.actor("district_info", "A")

    assert take(session, authority, file, "confirm") == 403
    assert take(session, delegate, file, "confirm") == 200
    assert last_step(session, file).data is None


def test_without_a_delegate_the_authority_confirms_and_approves_the_head_s_file(session, world):
    _head, file = head_of_own_file(session, world, "submitted")
    authority = world.actor("district_info", "A")

    assert take(session, authority, file, "confirm") == 200
    assert last_step(session, file).data == {"stands_in": "school_head"}
    assert take(session, authority, file, "approve") == 200


def test_a_delegate_who_entered_or_submitted_the_head_s_file_counts_as_none(session, world):
    head, file = head_of_own_file(session, world, "submitted")
    delegate = make_account(
        session,
        role="school_head",
        unit=unit_of(session, file.school_id),
        delegated_from=head.assignment_id,
        valid_to=today(),
    )
    with system():
        session.add(Contributor(teacher_id=file.id, account_id=delegate.account_id))
        session.flush()
    authority = world.actor("district_info", "A")

    assert refused(session, delegate, file, "confirm") == ["own_work"]
    assert take(session, authority, file, "confirm") == 200
    assert last_step(session, file).data == {"stands_in": "school_head"}


def test_the_authority_hears_that_a_head_without_anybody_submitted(session, world):
    _head, file = head_of_own_file(session, world, "draft", 2)
    other = world.teacher("A1", "draft", 1)

    for each in (file, other):
        assert take(session, world.actor("school_info", "A1"), each, "submit") == 200

    with system():
        found = session.scalars(select(Notice).where(Notice.event == "head_file_submitted")).all()
    assert [(each.account_id, each.teacher_id) for each in found] == [
        (world.actor("district_info", "A").account_id, file.id)
    ]


def test_who_confirmed_as_head_does_not_approve_under_another_role(session, world):
    head, file = world.actor("school_head", "A1"), world.teacher("A1", "submitted")
    also_authority = make_account(
        session,
        role="district_info",
        unit=unit_of(session, world.units["A"].id),
        account=head.account_id,
    )

    assert take(session, head, file, "confirm") == 200

    assert refused(session, also_authority, file, "approve", scope_checked=True) == ["own_work"]
    assert take(session, world.actor("district_info", "A"), file, "approve") == 200


def test_a_delegation_that_has_ended_counts_no_more(session, world):
    head, file = head_of_own_file(session, world, "submitted")
    make_account(
        session,
        role="school_head",
        unit=unit_of(session, file.school_id),
        delegated_from=head.assignment_id,
        valid_to=today() - timedelta(days=1),
    )

    assert take(session, world.actor("district_info", "A"), file, "confirm") == 200


def test_another_authority_stands_in_for_nobody(session, world):
    _head, file = head_of_own_file(session, world, "submitted")

    assert take(session, world.actor("district_info", "B"), file, "confirm") == 404
    assert take(session, world.actor("city_info"), file, "confirm") == 403


# Rounds.


def close_round(session: Any) -> Round:
    with system():
        found = session.scalars(select(Round)).one()
        found.closed, found.closed_at = True, now()
        session.flush()
    return found


def test_a_closed_round_locks_submitting_and_reporting(session, world):
    close_round(session)
    info, head = world.actor("school_info", "A1"), world.actor("school_head", "A1")
    draft, submitted = world.teacher("A1", "draft"), world.teacher("A1", "submitted")

    assert refused(session, info, draft, "submit", declared=True) == ["round_closed"]
    assert refused(session, head, submitted, "confirm") == ["round_closed"]


def test_an_extension_opens_a_closed_round_for_its_unit_alone(session, world):
    found = close_round(session)
    unit = world.units["A1"]
    with system():
        until = found.school_deadline + timedelta(days=5)
        session.add(Extension(round_id=found.id, unit_id=unit.id, until=until, reason="停电"))
        session.flush()

    assert (
        take(session, world.actor("school_head", "A1"), world.teacher("A1", "submitted"), "confirm")
        == 200
    )
    other = world.actor("school_head", "A2"), world.teacher("A2", "submitted")
    assert take(session, *other, "confirm") == 422


def test_a_round_that_has_not_begun_takes_no_submission(session, world):
    file = world.teacher("A1", "draft")
    with system():
        found = session.scalars(select(Round)).one()
        found.opens_on = today() + timedelta(days=1)
        session.flush()

    info = world.actor("school_info", "A1")
    assert refused(session, info, file, "submit", declared=True) == ["round_not_begun"]
    with system():
        found.opens_on = today()
        session.flush()
    assert take(session, info, file, "submit") == 200


@pytest.mark.parametrize(
    "case",
    [
        ("school_head_A1", "submitted", "confirm", "authority_deadline", True),
        ("district_info_A", "school_confirmed", "approve", "city_deadline", True),
        ("district_info_A", "school_confirmed", "return", "city_deadline", False),
        ("city_info", "effective", "accept", "city_deadline", False),
        ("school_head_A1", "school_confirmed", "withdraw_report", "city_deadline", False),
    ],
)
def test_a_late_decision_is_marked_while_it_is_waited_for(session, world, case):
    who, state, step, column, wanted = case
    file = world.teacher("A1", state)
    with system():
        found = session.scalars(select(Round)).one()
        order = ("opens_on", "school_deadline", "authority_deadline", "city_deadline")
        for each in order[: order.index(column) + 1]:
            setattr(found, each, today() - timedelta(days=1))
        session.get(Teacher, file.id).decision_late = not wanted
        session.flush()

    assert take(session, world.actors[who], file, step) == 200

    with system():
        assert session.get(Teacher, file.id, populate_existing=True).decision_late is wanted


def test_a_passed_deadline_marks_late_and_locks_nothing(session, world):
    file = world.teacher("A1", "draft")
    with system():
        found = session.scalars(select(Round)).one()
        found.opens_on, found.school_deadline = today() - timedelta(9), today() - timedelta(1)
        session.flush()

    assert take(session, world.actor("school_info", "A1"), file, "submit") == 200

    with system():
        assert session.get(Teacher, file.id, populate_existing=True).late is True


def test_a_submission_in_time_is_not_late(session, world):
    file = world.teacher("A1", "draft")

    assert take(session, world.actor("school_info", "A1"), file, "submit") == 200

    with system():
        moved = session.get(Teacher, file.id, populate_existing=True)
    assert moved.late is False
    assert moved.submitted_at is not None
    assert moved.return_notes is None


# First effect.


def approve(session: Any, world: Any, file: Any) -> Teacher:
    actor = (
        world.actor("city_info")
        if file.school == "U"
        else world.actor("district_info", file.school[0])
    )
    with acting_as(actor):
        return REVIEW.perform(session, file.id, "approve", actor, version=None, scope_checked=True)


def test_first_effect_gives_a_number_that_tells_nothing(session, world):
    file = world.teacher("A1", "school_confirmed")

    number = approve(session, world, file).teacher_no

    assert len(number) == 10
    assert is_number(number)
    birth = file.values["basic"]["birth_date"]
    assert file.id_no[-4:] not in number
    assert str(birth.year) not in number


def test_the_number_is_given_once_and_never_twice(session, world):
    first = approve(session, world, world.teacher("A1", "school_confirmed", 1))
    second = approve(session, world, world.teacher("A1", "school_confirmed", 2))

    with system():
        numbers = session.scalars(select(Teacher.teacher_no).where(Teacher.teacher_no.is_not(None)))
        known = list(numbers)
    assert first.teacher_no != second.teacher_no
    assert len(known) == len(set(known))


def test_a_file_that_has_a_number_keeps_it(session, world):
    file = world.teacher("A1", "school_confirmed")
    with system():
        session.get(Teacher, file.id).teacher_no = "0000000000"
        session.flush()

    assert approve(session, world, file).teacher_no == "0000000000"


def test_first_effect_brings_every_draft_into_force_at_one_moment(session, world):
    file = world.teacher("A1", "school_confirmed")

    moved = approve(session, world, file)

    with system():
        for cls in (*TEACHER_SETS.values(), Affiliation):
            starts = set(session.scalars(select(cls.valid_from).where(cls.teacher_id == file.id)))
            assert starts <= {moved.effective_at}
        version = session.scalars(
            select(FileVersion).where(FileVersion.teacher_id == file.id)
        ).one()
        left = session.scalars(select(Contributor).where(Contributor.teacher_id == file.id)).all()
    assert (version.number, version.cause, version.at) == (1, "first_effect", moved.effective_at)
    assert (moved.file_version, moved.confirmed_on) == (1, today())
    assert left == []


def test_a_university_file_goes_straight_to_accepted_by_the_city(session, world):
    moved = approve(session, world, world.teacher("U", "school_confirmed"))

    assert moved.state == ACCEPTED
    assert moved.effective_at is not None
    assert moved.teacher_no is not None


def test_the_scope_tick_is_kept_with_each_file(session, world):
    file = world.teacher("A1", "school_confirmed")

    approve(session, world, file)

    assert last_step(session, file).data == {"scope_checked": True}


# Correction tasks.


def test_a_required_correction_leaves_the_file_in_force_and_keeps_it_out_of_reports(session, world):
    actor, file = world.actor("city_info"), world.teacher("A1", "city_accepted")

    assert take(session, actor, file, "require_correction") == 200

    with system():
        task = session.scalars(select(Correction).where(Correction.teacher_id == file.id)).one()
        state = session.get(Teacher, file.id, populate_existing=True).state
    assert (state, task.reason, task.closed_at) == (ACCEPTED, "请更正", None)
    assert refused(session, actor, file, "report") == ["correction"]


def test_a_file_has_one_open_correction_task_at_a_time(session, world):
    city, file = world.actor("city_info"), world.teacher("A1", "city_accepted")
    assert take(session, city, file, "require_correction") == 200

    assert refused(session, city, file, "require_correction", reason="再") == ["correction"]


# The first collection of a school.


def first_effective(session: Any, world: Any) -> bool:
    with system():
        return session.get(Unit, world.units["A1"].id, populate_existing=True).first_effective


@pytest.mark.parametrize("last_step", ["approve", "return"])
def test_the_first_collection_is_in_effect_once_no_file_waits_for_a_decision(
    session, world, last_step
):
    with system():
        session.get(Unit, world.units["A1"].id).first_effective = False
        session.query(Teacher).filter_by(school_id=world.units["A1"].id, state=SUBMITTED).update(
            {"state": DRAFT}
        )
        session.flush()
    first, second = (world.teacher("A1", "school_confirmed", number) for number in (1, 2))

    approve(session, world, first)
    assert first_effective(session, world) is False  # The second one waits.
    assert take(session, world.actor("district_info", "A"), second, last_step) == 200

    assert first_effective(session, world) is True


# Snapshots of what was submitted.


def test_changes_between_two_confirmations_show(session, world):
    head, file = world.actor("school_head", "A1"), world.teacher("A1", "school_confirmed")
    info, known = world.actor("school_info", "A1"), world.catalog
    assert take(session, head, file, "withdraw_report") == 200
    with acting_as(info):
        teacher = session.get(Teacher, file.id, populate_existing=True)
        values = {"year": "2019", "result": "2", "org_name": "某校"}
        files.save_record(session, info, teacher, "appraisal", values, catalog=known)
        check.acknowledge(session, info, teacher, catalog=known)

    assert take(session, head, file, "confirm") == 200

    with system():
        found = compare.since_submission(session, session.get(Teacher, file.id), known)
        kept = session.scalars(select(FileSnapshot).where(FileSnapshot.teacher_id == file.id)).one()
    assert [(each.set, each.kind) for each in found.records] == [("appraisal", "added")]
    assert (kept.step, kept.changes) == ("withdraw_report", found.count)


def test_a_return_keeps_what_was_submitted_sealed(session, world):
    head, file = world.actor("school_head", "A1"), world.teacher("A1", "submitted")

    take(session, head, file, "return_to_teacher")

    with system():
        kept = session.scalars(select(FileSnapshot).where(FileSnapshot.teacher_id == file.id)).one()
    assert file.name.encode() not in kept.body
    assert file.id_no.encode() not in kept.body


def test_first_effect_removes_the_kept_submission(session, world):
    file = world.teacher("A1", "school_confirmed")
    with system():
        session.add(
            FileSnapshot(
                uuid="0" * 32,
                teacher_id=file.id,
                school_id=file.school_id,
                authority_id=file.authority_id,
                at=now(),
                step="return",
                body=b"",
            )
        )
        session.flush()

    approve(session, world, file)

    with system():
        assert session.scalars(select(FileSnapshot)).all() == []


# Notices: who hears of what.


def told(session: Any, event: str) -> set[int]:
    with system():
        return set(session.scalars(select(Notice.account_id).where(Notice.event == event)))


SCHOOL, DISTRICT = {"school_info_A1", "school_head_A1"}, {"district_info_A"}
TELLINGS = (
    ("teacher_A1", "draft", "submit", "file_submitted", SCHOOL),
    ("school_head_A1", "submitted", "confirm", "file_confirmed", DISTRICT),
    ("school_head_A1", "school_confirmed", "withdraw_report", "report_withdrawn", DISTRICT),
    ("district_info_A", "school_confirmed", "return", "file_returned", SCHOOL),
    ("district_info_A", "school_confirmed", "approve", "file_effective", SCHOOL),
    ("city_info", "effective", "accept", "file_accepted", DISTRICT),
    ("city_info", "effective", "require_correction", "correction_required", SCHOOL | DISTRICT),
)


@pytest.mark.parametrize("case", TELLINGS, ids=[each[2] for each in TELLINGS])
def test_the_parties_of_the_specification_are_told(session, world, case):
    who, state, step, event, to = case
    file, actor = world.teacher("A1", state), world.actors[who]

    assert take(session, as_owner(session, actor, file), file, step) == 200

    assert told(session, event) == {world.actors[name].account_id for name in to}


def test_the_teacher_and_the_submitter_hear_of_a_return(session, world):
    file = world.teacher("A1", "submitted")
    owner = as_owner(session, world.actor("teacher", "A1"), file)

    take(session, world.actor("school_head", "A1"), file, "return_to_teacher")

    assert told(session, "my_file_returned") == {owner.account_id}
    assert told(session, "file_returned_to_teacher") == {
        world.actor("school_info", "A1").account_id
    }


def test_the_teacher_hears_that_the_file_is_effective(session, world):
    file = world.teacher("A1", "school_confirmed")
    owner = as_owner(session, world.actor("teacher", "A1"), file)

    approve(session, world, file)

    assert told(session, "my_file_effective") == {owner.account_id}


def test_every_step_is_on_record(session, world):
    head, file = world.actor("school_head", "A1"), world.teacher("A1", "submitted")

    take(session, head, file, "confirm")

    with system():
        row = session.scalars(
            select(Audit).where(Audit.teacher_id == file.id).order_by(Audit.id.desc())
        ).first()
    assert (row.act, row.object_type, row.object_id) == ("transition", "review", str(file.id))
    assert (row.account_id, row.detail) == (head.account_id, {"step": "confirm"})


def test_a_stale_version_changes_nothing(session, world):
    head, file = world.actor("school_head", "A1"), world.teacher("A1", "submitted")
    before = checksum(session)

    with acting_as(head), pytest.raises(Stale):
        REVIEW.perform(session, file.id, "confirm", head, version=1)

    assert checksum(session) == before


def test_a_right_version_is_raised_by_one(session, world):
    head, file = world.actor("school_head", "A1"), world.teacher("A1", "submitted")

    with acting_as(head):
        moved = REVIEW.perform(session, file.id, "confirm", head, version=2)

    assert moved.version == 3


def test_buttons_are_those_that_the_table_gives(session, world):
    file = world.teacher("A1", "submitted")
    with system():
        teacher = session.get(Teacher, file.id)
    wanted = {
        "school_head_A1": ["return_to_teacher", "confirm"],
        "school_info_A1": ["return_to_teacher", "withdraw"],
        "district_info_A": [],
        "city_info": [],
    }
    found = {
        key: [step.name for step in REVIEW.available(session, teacher, world.actors[key])]
        for key in wanted
    }
    assert found == wanted


def test_nobody_without_a_role_in_the_flow_is_told_more_than_forbidden(session, world):
    actor, file = world.actor("city_assistant"), world.teacher("A1", "submitted")

    with acting_as(actor), pytest.raises(Forbidden) as caught:
        REVIEW.perform(session, file.id, "return", actor, version=None)

    assert caught.value.problems == ()
