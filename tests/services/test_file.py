"""The file: open, fill in, delete, answer none; who may do what in which state."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.actor import acting_as, system
from app.core.errors import Forbidden, Malformed, NotFound, Refused, Stale
from app.core.id_number import check_digit
from app.models.history import Audit
from app.models.record import TEACHER_SETS
from app.models.teacher import Contributor, FileProblem, NoneAnswer, Teacher
from app.services import contents, identity
from app.services import file as files

WORK = {"org_name": "某校", "start": "2001-09", "end": "2003-07", "unit_nature": "23",
        "position": "教师", "reference": "张三"}  # fmt: skip


def id_number(serial: int, day: str = "19850315") -> str:
    """A number of nobody; odd serials are men."""
    body = f"110199{day}{serial:03d}"
    return body + check_digit(body)


BASIC = {"name": "王新", "id_doc_type": "1", "id_no": id_number(13), "sex": "1",
         "birth_date": "1985-03-15"}  # fmt: skip


@pytest.fixture
def desk(session: Any, world: Any) -> Any:
    """The information administrator of school A1 at work on files."""

    class Desk:
        known = world.catalog
        actor = world.actor("school_info", "A1")

        def file(self, state: str = "draft", number: int = 2) -> Teacher:
            return session.get_one(Teacher, world.teacher("A1", state, number).id)

        def open(self, actor: Any = None, **changes: Any) -> Teacher:
            actor = actor or self.actor
            with acting_as(actor):
                return files.create_file(session, actor, BASIC | changes, catalog=self.known)

        def save(self, teacher: Teacher, set_code: str, raw: Any, actor: Any = None, **more: Any):
            actor = actor or self.actor
            with acting_as(actor):
                return files.save_record(
                    session, actor, teacher, set_code, raw, catalog=self.known, **more
                )

        def rows(self, teacher: Teacher, set_code: str) -> list[Any]:
            with acting_as(self.actor):
                return contents.records(session, teacher, set_code)

    with acting_as(Desk.actor):
        yield Desk()


class TestOpening:
    def test_begins_a_draft_in_the_own_school_with_its_contributor(
        self, session: Any, world: Any, desk: Any
    ) -> None:
        teacher = desk.open()

        assert (teacher.state, teacher.school_id) == ("draft", world.units["A1"].id)
        assert teacher.authority_id == world.units["A"].id
        assert session.get(Contributor, (teacher.id, desk.actor.account_id)) is not None
        assert desk.rows(teacher, "basic")[0].value("id_no") == BASIC["id_no"]
        assert BASIC["id_no"].encode() not in bytes(teacher.id_no)

    @pytest.mark.parametrize("key", ["school_head_A1", "district_info_A", "teacher_A1"])
    def test_is_the_information_administrators(self, world: Any, desk: Any, key: str) -> None:
        with pytest.raises(Forbidden):
            desk.open(world.actors[key])

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"id_no": ""}, "DQ075"),
            ({"id_no": BASIC["id_no"][:-1] + ("0" if BASIC["id_no"][-1] != "0" else "1")}, "DQ002"),
            ({"id_no": "11019919850230013X"}, "DQ002"),
            ({"sex": "2"}, "DQ006"),
            ({"birth_date": "1985-03-16"}, "DQ005"),
            ({"staff_status": "301"}, "DQ019"),
            ({"in_establishment": "0", "contract_type": "0"}, "DQ018"),
            ({"in_establishment": "0", "contract_type": "2", "contract_start": "2026-01-01",
              "contract_end": "2026-06-30"}, "DQ018"),
        ],
    )  # fmt: skip
    def test_is_refused_with_the_rule(
        self, session: Any, desk: Any, changes: dict[str, str], code: str
    ) -> None:
        before = session.scalar(select(func.count()).select_from(Teacher))

        with pytest.raises(Refused) as refusal:
            desk.open(**changes)

        assert code in {problem.code for problem in refusal.value.problems}
        assert session.scalar(select(func.count()).select_from(Teacher)) == before

    def test_takes_a_contract_of_a_year(self, desk: Any) -> None:
        teacher = desk.open(in_establishment="0", contract_type="2",
                            contract_start="2026-01-01", contract_end="2027-12-31")  # fmt: skip

        assert teacher.in_establishment == "0"

    def test_is_refused_for_a_number_that_has_a_file_however_it_is_spelled(
        self, world: Any, desk: Any
    ) -> None:
        for school, code in (("A1", "DQ007"), ("B1", "DQ008")):
            ref = world.teacher(school, "draft")
            spelled = f" {ref.id_no[:6]} {ref.id_no[6:]}".lower()
            birth, sex = (ref.values["basic"][c] for c in ("birth_date", "sex"))
            with pytest.raises(Refused) as refusal:
                desk.open(id_no=spelled, birth_date=birth.isoformat(), sex=sex)

            problem = refusal.value.problems[0]
            assert (problem.code, problem.field) == (code, "id_no")
            assert ref.name not in str(problem.message)

    def test_is_refused_when_another_took_the_number_since_it_was_looked_up(
        self, desk: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk.open()
        monkeypatch.setattr(identity, "known_identities", lambda *_: {})

        with pytest.raises(Refused) as refusal:
            desk.open()

        problem = refusal.value.problems[0]
        assert (problem.code, problem.field) == ("DQ007", "id_no")

    def test_refuses_a_field_that_does_not_exist(self, desk: Any) -> None:
        with pytest.raises(Malformed):
            desk.open(nonsense="1")


class TestSaving:
    def test_adds_a_row_checks_the_file_and_writes_who_did_it(
        self, session: Any, desk: Any
    ) -> None:
        teacher = desk.file()
        before = teacher.content_version

        record = desk.save(teacher, "work", WORK)

        assert record.value("org_name") == "某校"
        assert record.school_id == teacher.school_id
        assert teacher.content_version > before
        assert teacher.checked_content == teacher.content_version
        with system():
            act = session.scalars(select(Audit).order_by(Audit.id.desc()).limit(1)).one()
        assert (act.act, act.teacher_id) == ("create", teacher.id)
        # Before and after stand there, what is masked without its value (SEC-43).
        assert WORK["reference"] not in str(act.detail)

    def test_takes_back_the_answer_none(self, session: Any, desk: Any) -> None:
        teacher = desk.file()
        assert session.get(NoneAnswer, (teacher.id, "talent")) is not None

        desk.save(teacher, "talent", {"project": "00"})

        session.expire_all()
        assert session.get(NoneAnswer, (teacher.id, "talent")) is None

    def test_writes_derived_values_and_list_columns(self, desk: Any) -> None:
        teacher = desk.file()
        title = desk.rows(teacher, "title")[0]

        desk.save(teacher, "title", {"title": "BJ-S2"}, record_uuid=title.uuid)

        assert teacher.title == "BJ-S2"
        assert desk.rows(teacher, "basic")[0].value("current_title") == "BJ-S2"

    def test_writes_values_derived_inside_a_row(self, desk: Any) -> None:
        teacher = desk.file()
        raw = {"type": "22", "subject": "14", "start": "2024-09", "org_name": "区教委",
               "doc_no": "1号"}  # fmt: skip

        desk.save(teacher, "backbone", raw)

        row = desk.rows(teacher, "backbone")[0]
        known = desk.known.code("backbone_type", "22")
        assert row.value("level") == known.attrs["backbone_level"]

    def test_empties_what_does_not_apply_any_more(self, desk: Any) -> None:
        teacher = desk.file()
        row = desk.rows(teacher, "learning")[0]
        assert row.value("degree_org") is not None

        desk.save(teacher, "learning", {"degree_level": "0"}, record_uuid=row.uuid)

        assert row.value("degree_org") is None

    def test_refused_values_leave_the_row_as_it_was(self, session: Any, desk: Any) -> None:
        teacher = desk.file()
        row = desk.rows(teacher, "work")[0]
        name = row.value("org_name")

        with pytest.raises(Refused) as refusal:
            desk.save(teacher, "work", {"org_name": "别处", "start": "昨天"}, record_uuid=row.uuid)
        session.flush()

        assert [p.field for p in refusal.value.problems] == ["start"]
        assert desk.rows(teacher, "work")[0].value("org_name") == name

    @pytest.mark.parametrize("school", ["A1", "B1"])
    def test_the_number_of_another_file_is_refused(
        self, session: Any, world: Any, desk: Any, school: str
    ) -> None:
        other = world.teacher(school, "draft", 1)
        own = world.teacher("A1", "draft", 2)
        number = {code: other.values["basic"][code] for code in ("birth_date", "sex")}

        with pytest.raises(Refused) as refusal:
            desk.save(desk.file(), "basic", number | {"id_no": other.id_no})

        found = [(problem.code, problem.field) for problem in refusal.value.problems]
        assert found == [("DQ007", "id_no")]
        assert desk.rows(desk.file(), "basic")[0].value("id_no") == own.id_no

    @pytest.mark.parametrize(
        "case",
        [
            ("teacher_A1", "title", {}, Forbidden),
            ("teacher_A1", "title", {"title": "013"}, Forbidden),
            ("teacher_A1", "basic", {"id_no": BASIC["id_no"]}, Forbidden),
            ("school_head_A1", "basic", {"former_name": "甲"}, Forbidden),
            ("district_info_A", "basic", {"former_name": "甲"}, Forbidden),
            ("school_info_A1", "basic", {"staff_status": "301"}, Forbidden),
            ("school_info_A1", "basic", {"teacher_no": "1"}, Forbidden),
            ("school_info_A1", "basic", {"highest_education": "11"}, Forbidden),
            ("school_info_A1", "school_basic", {"name": "甲"}, NotFound),
            ("school_info_A1", "basic", {"nothing": "甲"}, Malformed),
        ],
    )  # fmt: skip
    def test_a_field_of_somebody_else_is_refused(
        self, session: Any, world: Any, desk: Any, case: tuple[str, str, Any, type]
    ) -> None:
        key, set_code, raw, error = case
        teacher = session.get_one(Teacher, world.teachers["A1_draft_1"].id)

        with pytest.raises(error):
            desk.save(teacher, set_code, raw, world.actors[key])

    @pytest.mark.parametrize("state", ["school_confirmed", "effective", "reported"])
    def test_a_file_on_its_way_or_in_force_is_locked(self, desk: Any, state: str) -> None:
        with pytest.raises(Stale):
            desk.save(desk.file(state), "basic", {"former_name": "甲"})

    def test_a_stale_version_is_refused(self, desk: Any) -> None:
        teacher = desk.file()
        row = desk.rows(teacher, "work")[0]

        with pytest.raises(Stale):
            desk.save(teacher, "work", {"position": "甲"}, record_uuid=row.uuid, version=99)

    def test_an_error_in_a_field_of_the_school_does_not_block_the_teacher(
        self, session: Any, world: Any, desk: Any
    ) -> None:
        teacher = session.get_one(Teacher, world.teachers["A1_draft_1"].id)
        with system():
            desk.rows(teacher, "basic")[0].put("birth_date", None)
            session.flush()
            row = session.scalars(
                select(TEACHER_SETS["basic"]).where(TEACHER_SETS["basic"].teacher_id == teacher.id)
            ).one()
            row.work_start = "1950-01"
            session.flush()

        desk.save(teacher, "basic", {"former_name": "甲"}, world.actor("teacher", "A1"))

        assert desk.rows(teacher, "basic")[0].value("former_name") == "甲"


class TestAfterSubmission:
    def test_the_school_completes_its_own_part(self, desk: Any) -> None:
        teacher = desk.file("submitted")
        row = desk.rows(teacher, "title")[0]

        desk.save(teacher, "title", {"org_name": "某委"}, record_uuid=row.uuid)

        assert desk.rows(teacher, "title")[0].value("org_name") == "某委"

    def test_what_the_teacher_declared_stays(self, desk: Any) -> None:
        teacher = desk.file("submitted")

        for set_code, raw in (("basic", {"native_place": "110101"}), ("learning", {"major": "甲"})):
            row = desk.rows(teacher, set_code)[0]
            with pytest.raises(Forbidden):
                desk.save(teacher, set_code, raw, record_uuid=row.uuid)

    def test_the_teacher_is_locked_out(self, session: Any, world: Any, desk: Any) -> None:
        teacher = session.get_one(Teacher, world.teachers["A1_draft_1"].id)
        with system():
            teacher.state = "submitted"
            session.flush()

        with pytest.raises(Stale):
            desk.save(teacher, "contact", {"other_contact": "甲"}, world.actor("teacher", "A1"))


class TestDeleting:
    def test_removes_a_row_and_checks_the_file(self, session: Any, desk: Any) -> None:
        teacher = desk.file()
        row = desk.rows(teacher, "qualification")[0]

        files.delete_record(session, desk.actor, teacher, "qualification", row.uuid,
                            catalog=desk.known)  # fmt: skip

        assert not desk.rows(teacher, "qualification")
        assert session.scalar(
            select(func.count())
            .select_from(FileProblem)
            .where(FileProblem.teacher_id == teacher.id, FileProblem.set == "qualification")
        )

    def test_refuses_a_single_row_set_and_a_foreign_row(
        self, session: Any, world: Any, desk: Any
    ) -> None:
        teacher = desk.file()
        other = desk.rows(desk.file("returned"), "work")[0]
        single = desk.rows(teacher, "basic")[0].uuid

        with pytest.raises(Refused):
            files.delete_record(session, desk.actor, teacher, "basic", single, catalog=desk.known)
        with pytest.raises(NotFound):
            files.delete_record(
                session, desk.actor, teacher, "work", other.uuid, catalog=desk.known
            )

    def test_a_teacher_does_not_delete_a_core_row(
        self, session: Any, world: Any, desk: Any
    ) -> None:
        teacher = session.get_one(Teacher, world.teachers["A1_draft_1"].id)
        row = desk.rows(teacher, "title")[0]
        actor = world.actor("teacher", "A1")

        with acting_as(actor), pytest.raises(Forbidden):
            files.delete_record(session, actor, teacher, "title", row.uuid, catalog=desk.known)


class TestNone:
    def test_is_an_answer_for_an_empty_set_only(self, session: Any, desk: Any) -> None:
        teacher = desk.file()

        with pytest.raises(Refused):
            files.answer_none(session, desk.actor, teacher, "work", True, catalog=desk.known)
        with pytest.raises(Malformed):
            files.answer_none(session, desk.actor, teacher, "basic", True, catalog=desk.known)

    def test_of_a_core_set_is_the_schools(self, session: Any, world: Any, desk: Any) -> None:
        teacher = session.get_one(Teacher, world.teachers["A1_draft_1"].id)
        actor = world.actor("teacher", "A1")

        with acting_as(actor), pytest.raises(Forbidden):
            files.answer_none(session, actor, teacher, "appraisal", True, catalog=desk.known)


def test_counts_are_those_of_the_rows_now_and_then(session: Any, world: Any, desk: Any) -> None:
    teacher = desk.file("effective")

    now = contents.counts(session, teacher)
    then = contents.counts(session, teacher, teacher.created_at - timedelta(days=1))

    assert all(now[code] == len(desk.rows(teacher, code)) for code in TEACHER_SETS)
    assert sum(now.values()) > sum(then.values())
