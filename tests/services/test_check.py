"""Warnings: who acknowledges them, one by one or all, and for which values that holds."""

from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.core.errors import Forbidden, NotFound, Refused
from app.models.history import Audit, Transition
from app.models.teacher import FileProblem, Teacher
from app.services import check, contents
from app.services import file as files
from tests.factories import finding


class Desk:
    """Somebody at work on one file."""

    def __init__(self, session: Any, world: Any, file: Any, who: str = "school_info_A1") -> None:
        self.session, self.known = session, world.catalog
        self.actor, self.key = world.actors[who], file.id

    @property
    def file(self) -> Teacher:
        return self.session.get(Teacher, self.key, populate_existing=True)

    def acknowledge(self, keys: Any = None) -> int:
        with acting_as(self.actor):
            return check.acknowledge(self.session, self.actor, self.file, keys, catalog=self.known)

    def recheck(self) -> None:
        with system():
            found = contents.file_data(self.session, [self.file], self.known)
            check.keep(self.session, [self.file], found, self.known)
            self.session.flush()

    def rows(self) -> list[FileProblem]:
        with system():
            mine = select(FileProblem).where(FileProblem.teacher_id == self.key)
            return list(self.session.scalars(mine.order_by(FileProblem.id)))


def warn(session: Any, file: Any, *places: tuple[str, str]) -> list[int]:
    """Findings of a file that nobody has acknowledged; returns their ids."""
    made = [finding(file, set=set_code, field=code) for set_code, code in places]
    with system():
        session.add_all(made)
        session.flush()
    return [each.id for each in made]


def test_an_acknowledgement_holds_as_long_as_the_same_is_said_of_the_same_values(session, world):
    desk = Desk(session, world, world.teacher("A1", "draft"))
    desk.recheck()
    desk.acknowledge()
    before = {(row.code, row.fingerprint) for row in desk.rows()}
    assert before

    desk.recheck()

    assert {(row.code, row.fingerprint) for row in desk.rows()} == before
    assert all(row.acknowledged_at for row in desk.rows())


def test_another_value_asks_for_another_acknowledgement(session, world):
    desk = Desk(session, world, world.teacher("A1", "draft"))
    with acting_as(desk.actor):
        row = contents.records(session, desk.file, "treatment")[0]

        def pay(amount: str) -> list[FileProblem]:
            files.save_record(
                session, desk.actor, desk.file, "treatment", {"annual_income": amount},
                record_uuid=row.uuid, catalog=desk.known,
            )  # fmt: skip
            return [each for each in desk.rows() if each.set == "treatment"]

        found = pay("1000.00")
        assert [each.severity for each in found] == ["warning"] * len(found) != []
        desk.acknowledge()
        assert all(each.acknowledged_at for each in pay("1000.00"))

        worse = pay("1.00")

    assert worse
    assert all(each.acknowledged_at is None for each in worse)


def test_one_warning_is_acknowledged_by_itself_with_name_and_time(session, world):
    file = world.teacher("A1", "draft")
    desk = Desk(session, world, file)
    first, second = warn(session, file, ("basic", "work_start"), ("basic", "join_school"))

    assert desk.acknowledge([first]) == 1

    state = {row.id: (row.acknowledged_by, bool(row.acknowledged_at)) for row in desk.rows()}
    assert state[first] == (desk.actor.account_id, True)
    assert state[second] == (None, False)


@pytest.mark.parametrize("which", ["another file's", "unknown", "acknowledged already"])
def test_what_is_no_open_warning_of_the_file_is_not_found(session, world, which):
    file = world.teacher("A1", "draft")
    desk = Desk(session, world, file)
    (mine,) = warn(session, file, ("basic", "work_start"))
    (other,) = warn(session, world.teacher("A1", "draft", 2), ("basic", "work_start"))
    desk.acknowledge([mine])
    key = {"another file's": other, "unknown": 999_999, "acknowledged already": mine}[which]

    with pytest.raises(NotFound):
        desk.acknowledge([key])


def test_an_acknowledgement_stands_in_the_history_and_in_the_audit_log(session, world):
    file = world.teacher("A1", "submitted")
    warn(session, file, ("appraisal", "result"))
    desk = Desk(session, world, file, "school_head_A1")

    desk.acknowledge()

    with system():
        step = session.scalars(
            select(Transition).where(Transition.object_id == file.id).order_by(Transition.id.desc())
        ).first()
        row = session.scalars(
            select(Audit).where(Audit.teacher_id == file.id).order_by(Audit.id.desc())
        ).first()
    told = [{"code": "DQ013", "set": "appraisal", "field": "result"}]
    assert (step.step, step.from_state, step.to_state) == ("acknowledge", "submitted", "submitted")
    assert (step.account_id, step.data) == (desk.actor.account_id, {"warnings": told})
    assert (row.act, row.account_id) == ("change", desk.actor.account_id)
    assert row.detail == {"acknowledge": told}


@pytest.mark.parametrize(
    ("who", "state", "refusal"),
    [
        ("school_info_A1", "school_confirmed", Refused),
        ("school_info_A1", "effective", Refused),
        ("district_info_A", "draft", Forbidden),
        ("city_info", "submitted", Forbidden),
        ("school_info_A2", "draft", NotFound),
    ],
)
def test_only_teacher_and_school_acknowledge_and_only_until_the_head_confirms(
    session, world, who, state, refusal
):
    file = world.teacher("A1", state)
    keys = warn(session, file, ("basic", "work_start"))
    with system():
        teacher = session.get(Teacher, file.id)
    actor = world.actors[who]

    with acting_as(actor), pytest.raises(refusal):
        check.acknowledge(session, actor, teacher, keys, catalog=world.catalog)


def test_a_teacher_acknowledges_the_own_part_until_submission(session, world):
    file = world.teacher("A1", "draft", 1)  # The file of the teacher of A1.
    desk = Desk(session, world, file, "teacher_A1")
    own, schools = warn(session, file, ("basic", "work_start"), ("appraisal", "result"))

    with pytest.raises(NotFound):
        desk.acknowledge([schools])
    assert desk.acknowledge([own]) == 1
    with system():
        desk.file.state = "submitted"
        session.flush()
    with pytest.raises(Forbidden):
        desk.acknowledge()
