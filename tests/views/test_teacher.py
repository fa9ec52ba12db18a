"""The list of files and the page of one file: scope, masks, limits, reading on record."""

import io
import re
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from sqlalchemy import delete, func, select, update

from app.access.actor import system
from app.core import clock
from app.models.history import Audit
from app.models.record import TEACHER_SETS
from app.models.teacher import FileProblem, Teacher
from app.services import reveal
from tests.factories import finding
from tests.variety import statements
from tests.views.pages import sign_in, token_of

READERS = (
    "city_info", "city_assistant", "district_info_A", "school_info_A1", "school_head_A1",
)  # fmt: skip
STRANGERS = ("city_system", "city_audit", "district_system_A", "school_system_A1", "teacher_A1")
# What differs from page to page: the number of the request and the token of the form.
FLEETING = re.compile(r"<code>\w+</code>|csrf[-_]token\"[^>]*")
ROW = re.compile(r'<td class="[^"]*tm-first[^"]*"[^>]*><a href="/teacher/(\d+)">')


def rows_of(page: str) -> list[int]:
    """The ids of the files that a list shows."""
    return [int(key) for key in ROW.findall(page)]


def post(client: Any, path: str, page: str = "/teacher/list/", **form: Any) -> Any:
    """Send a form with the token of a page."""
    token = token_of(client.get(page).text)
    return client.post(path, data={"csrf_token": token, **form}, buffered=True)


def acts(session: Any, act: str, **where: Any) -> list[Audit]:
    """The audit rows of one act, the oldest first."""
    with system():
        session.expire_all()
        query = select(Audit).filter_by(act=act, **where).order_by(Audit.id)
        return list(session.scalars(query))


class TestList:
    @pytest.mark.parametrize("key", READERS)
    def test_shows_the_files_in_scope_with_masks(
        self, app: Any, session: Any, world: Any, key: str
    ) -> None:
        actor = world.actors[key]
        expected = {t.id for t in world.teachers.values()} - {t.id for t in world.foreign_to(actor)}

        answer = sign_in(app, world, key).get("/teacher/list/?psize_TeacherView=100")

        assert set(rows_of(answer.text)) == expected
        world.assert_no_leak(answer, actor, place="list")

    @pytest.mark.parametrize("key", STRANGERS)
    def test_is_closed_to_those_who_do_not_work_with_files(
        self, app: Any, session: Any, world: Any, key: str
    ) -> None:
        assert sign_in(app, world, key).get("/teacher/list/").status_code == 403

    def test_needs_as_many_statements_for_many_rows_as_for_few(
        self, app: Any, session: Any, world: Any
    ) -> None:
        client = sign_in(app, world, "district_info_A")
        client.get("/teacher/list/")
        counts = []
        for size in (1, 100):
            with statements() as seen:
                client.get(f"/teacher/list/?psize_TeacherView={size}")
            counts.append(len(seen))

        assert counts[0] == counts[1]
        assert counts[1] <= 8, "\n".join(seen)

    @pytest.mark.parametrize("order", ["", "title", "complete_percent"])
    @pytest.mark.parametrize("way", ["asc", "desc"])
    def test_its_pages_together_are_the_whole_list_in_order(
        self, app: Any, session: Any, world: Any, order: str, way: str
    ) -> None:
        client = sign_in(app, world, "city_info")
        sorting = f"&_oc_TeacherView={order}&_od_TeacherView={way}" if order else ""

        def page(number: int, size: int) -> list[int]:
            place = f"page_TeacherView={number}&psize_TeacherView={size}{sorting}"
            return rows_of(client.get(f"/teacher/list/?{place}").text)

        whole = page(0, 100)
        pages = [page(number, 10) for number in range(len(whole) // 10 + 1)]

        assert len(whole) == len(set(whole)) > 20
        assert [key for each in pages for key in each] == whole

    def test_shows_the_last_four_of_the_number_and_no_year_of_birth(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "draft")
        birth = world.teachers["A1_draft_1"].values["basic"]["birth_date"]

        page = sign_in(app, world, "school_info_A1").get("/teacher/list/").text

        assert f"{'*' * 14}{ref.id_no[-4:]}" in page
        assert str(birth.year) not in page

    def test_shows_the_last_character_only_beside_a_year_of_birth(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "draft")
        year = ref.values["basic"]["birth_date"].year
        client = sign_in(app, world, "school_info_A1")

        page = client.get(f"/teacher/list/?_flt_0_birth_year={year}").text

        assert ref.id in rows_of(page)
        assert f"*{ref.id_no[-4:]}" not in page
        assert f"{'*' * 17}{ref.id_no[-1:]}" in page

    @pytest.mark.parametrize(
        "query",
        ["_flt_0_name=x", "_flt_0_id_no=x", "_flt_0_version=1", "_oc_TeacherView=id_no",
         "_oc_TeacherView=pinyin", "_flt_9_state=draft", "page_TeacherView=-1"],
    )  # fmt: skip
    def test_refuses_what_it_does_not_offer(
        self, app: Any, session: Any, world: Any, query: str
    ) -> None:
        answer = sign_in(app, world, "school_info_A1").get(f"/teacher/list/?{query}")

        assert answer.status_code == 400

    def test_counts_the_states_that_it_then_shows(self, app: Any, session: Any, world: Any) -> None:
        client = sign_in(app, world, "district_info_A")

        for state in ("draft", "submitted", "effective", "reported"):
            page = client.get(f"/teacher/list/?_flt_0_state={state}").text
            wanted = [t.id for t in world.teachers.values()
                      if t.state == state and t.school in ("A1", "A2")]  # fmt: skip
            assert sorted(rows_of(page)) == sorted(wanted)

    def test_finds_by_a_piece_of_the_name_and_by_the_teacher_number(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "effective")
        client = sign_in(app, world, "school_info_A1")

        for text in (ref.name, ref.teacher_no):
            assert rows_of(client.get("/teacher/list/", query_string={"q": text}).text) == [ref.id]

    @pytest.mark.sends_numbers("an old address with a number in it leads on to one without")
    def test_leads_from_a_number_of_a_person_to_the_file_without_keeping_it_in_the_address(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "draft")
        client = sign_in(app, world, "school_info_A1")

        posted = post(client, "/teacher/lookup", q=f" {ref.id_no.lower()} ")
        asked = client.get("/teacher/list/", query_string={"q": ref.id_no})

        for answer in (posted, asked):
            assert answer.headers["Location"] == f"/teacher/{ref.id}"
            assert ref.id_no not in answer.text

    def test_does_not_tell_whether_a_foreign_number_exists(
        self, app: Any, session: Any, world: Any
    ) -> None:
        client = sign_in(app, world, "school_info_A1")

        answers = [
            post(client, "/teacher/lookup", q=number)
            for number in (world.teacher("B1", "draft").id_no, "110199198503150131")
        ]

        assert {a.headers["Location"] for a in answers} == {"/teacher/list/"}
        assert len({a.text for a in answers}) == 1

    def test_is_exported_for_a_purpose_only_and_exactly_as_it_is_shown(
        self, app: Any, session: Any, world: Any
    ) -> None:
        client = sign_in(app, world, "school_info_A1")
        form = {"query": "_flt_0_state=draft", "column": ["name", "state", "id_no"],
                "format": "xlsx"}  # fmt: skip

        refused = post(client, "/teacher/export", **form)
        answer = post(client, "/teacher/export", purpose="核对名册", **form)

        assert refused.status_code == 403
        rows = list(
            openpyxl.load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True)
        )
        refs = [world.teacher("A1", "draft", n) for n in (1, 2)]
        assert [row[0] for row in rows[2:]] == [ref.name for ref in refs]
        assert [row[2] for row in rows[2:]] == [f"{'*' * 14}{ref.id_no[-4:]}" for ref in refs]
        world.assert_no_leak(answer, world.actor("school_info", "A1"), place="list")
        assert acts(session, "export")[-1].detail["count"] == 2

    def test_is_exported_in_scope_whatever_the_query_says(
        self, app: Any, session: Any, world: Any
    ) -> None:
        foreign = world.teacher("B1", "draft")
        client = sign_in(app, world, "school_info_A1")

        answer = post(client, "/teacher/export", query=f"q={foreign.name}",
                      column=["name"], format="csv", purpose="核对名册")  # fmt: skip

        assert foreign.name not in answer.text.partition("\n")[2]


class TestFile:
    @pytest.mark.parametrize("key", READERS)
    def test_shows_each_set_by_the_field_rights(
        self, app: Any, session: Any, world: Any, key: str
    ) -> None:
        actor, ref = world.actors[key], world.teacher("A1", "effective")
        client = sign_in(app, world, key)

        for path in (f"/teacher/{ref.id}", *(f"/teacher/{ref.id}/set/{s}" for s in TEACHER_SETS)):
            answer = client.get(path)
            assert answer.status_code in (200, 404), path
            world.assert_no_leak(answer, actor)

    def test_does_not_exist_outside_the_scope(self, app: Any, session: Any, world: Any) -> None:
        foreign, nobody = world.teacher("B1", "draft").id, 999_999
        client = sign_in(app, world, "school_info_A1")

        for path in (
            "",
            "/set/basic",
            "/history",
            "/places",
            "/set/basic/edit",
            "/set/learning/new",
        ):
            bodies = []
            for key in (foreign, nobody):
                answer = client.get(f"/teacher/{key}{path}")
                assert answer.status_code == 404
                bodies.append(FLEETING.sub("", answer.text))
            assert bodies[0].replace(str(foreign), "") == bodies[1].replace(str(nobody), "")

    def test_hides_pay_and_sanctions_from_the_assistant(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "effective")
        client = sign_in(app, world, "city_assistant")

        for code in ("treatment", "ethics"):
            assert client.get(f"/teacher/{ref.id}/set/{code}").status_code == 404
            assert f"/set/{code}" not in client.get(f"/teacher/{ref.id}").text

    def test_needs_few_statements_for_its_head(self, app: Any, session: Any, world: Any) -> None:
        for key, state in (("school_info_A1", "draft"), ("district_info_A", "submitted"),
                           ("city_info", "effective")):  # fmt: skip
            client = sign_in(app, world, key)
            client.get("/teacher/list/")
            with statements() as seen:
                answer = client.get(f"/teacher/{world.teacher('A1', state).id}")
            assert answer.status_code == 200
            assert len(seen) <= 12, "\n".join(seen)

    def test_is_on_record_once_a_visit_and_the_teacher_sees_it(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teachers["A1_draft_1"]
        client = sign_in(app, world, "district_info_A")
        before = len(acts(session, "open_file", teacher_id=ref.id))

        client.get(f"/teacher/{ref.id}")
        client.get(f"/teacher/{ref.id}/set/basic")
        client.get(f"/teacher/{ref.id}/history")

        written = acts(session, "open_file", teacher_id=ref.id)[before:]
        assert [act.unit_id for act in written] == [world.units["A"].id]
        page = sign_in(app, world, "teacher_A1").get("/my-file/readers").text
        assert world.units["A"].name in page

    def test_is_on_record_when_only_a_part_is_opened(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "effective")

        sign_in(app, world, "city_info").get(f"/teacher/{ref.id}/set/learning")

        assert acts(session, "open_file", teacher_id=ref.id)

    def test_is_not_on_record_when_the_teacher_opens_it(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teachers["A1_draft_1"]
        client = sign_in(app, world, "teacher_A1")

        client.get(f"/teacher/{ref.id}")
        client.get("/my-file/")

        account = world.actor("teacher", "A1").account_id
        assert not acts(session, "open_file", account_id=account)

    def test_shows_the_past_day_without_acts(self, app: Any, session: Any, world: Any) -> None:
        ref = world.teacher("A1", "effective")
        client = sign_in(app, world, "school_info_A1")
        past = clock.today() - timedelta(days=4000)

        now, then = (client.get(f"/teacher/{ref.id}/set/learning{q}").text
                     for q in ("", f"?on={past}"))  # fmt: skip

        school = ref.values["learning"]["education_org"]
        assert school in now
        assert school not in then
        assert "flow/review" not in client.get(f"/teacher/{ref.id}?on={past}").text
        assert client.get(f"/teacher/{ref.id}?on=2026-02-31").status_code == 400
        assert client.get(f"/teacher/{ref.id}?v=7").status_code == 404

    @pytest.mark.parametrize("set_code", ["basic", "learning"])
    def test_a_day_before_the_file_took_effect_says_so_instead_of_blank_values(
        self, app: Any, session: Any, world: Any, set_code: str
    ) -> None:
        ref = world.teacher("A1", "effective")
        client = sign_in(app, world, "school_info_A1", language="en")
        past = clock.today() - timedelta(days=4000)

        page = client.get(f"/teacher/{ref.id}/set/{set_code}?on={past}").text

        assert "No record in force on that day." in page

    def test_the_line_under_the_name_leaves_out_what_a_person_has_none_of(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "effective")
        client = sign_in(app, world, "school_info_A1", language="en")

        def line() -> str:
            return re.search(r'class="tm-meta">(.*?)</ul>', client.get(f"/teacher/{ref.id}").text,
                             re.DOTALL)[1]  # fmt: skip

        assert "Teacher post" in line()
        with system():
            session.get(Teacher, ref.id).title = "0"
            session.flush()

        assert "None" not in line()

    def test_opens_at_what_is_to_be_mended_else_at_its_first_set(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "effective")
        client = sign_in(app, world, "school_info_A1")

        def opened() -> list[str]:
            page = client.get(f"/teacher/{ref.id}").text
            return re.findall(r'class="tab-pane active" id="([^"]+)"', page)

        with system():
            session.execute(delete(FileProblem).where(FileProblem.teacher_id == ref.id))
            session.commit()
        assert opened() == ["set-basic"]

        with system():
            session.add(finding(ref, severity="error"))
            session.commit()
        assert opened() == ["details"]

    def test_names_the_reason_of_a_return_at_the_field(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "returned")
        client = sign_in(app, world, "school_info_A1")

        for path in ("", "/set/basic", "/set/basic/edit"):
            assert "籍贯与档案不符" in client.get(f"/teacher/{ref.id}{path}").text


class TestReveal:
    def form(self, session: Any, ref: Any) -> dict[str, str]:
        with system():
            cls = TEACHER_SETS["basic"]
            uuid = session.scalar(select(cls.uuid).where(cls.teacher_id == ref.id))
        return {"key": "basic.id_no", "record": uuid, "purpose": "verify"}

    def test_shows_the_value_and_keeps_the_purpose(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "draft")
        form = self.form(session, ref)
        client = sign_in(app, world, "district_info_A")

        answer = post(client, f"/teacher/{ref.id}/reveal", **form, note="核对")

        assert ref.id_no in answer.text
        world.assert_no_leak(answer, world.actors["district_info_A"], whole=("basic.id_no",))
        written = acts(session, "reveal", teacher_id=ref.id)[-1]
        assert (written.reason, written.detail["field"]) == ("verify: 核对", "id_no")
        assert ref.id_no not in str(written.detail)

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"purpose": ""}, 422),
            ({"purpose": "other"}, 422),
            ({"key": "basic.nothing"}, 404),
            ({"record": "0" * 32}, 404),
        ],
    )
    def test_refuses_without_purpose_or_place(
        self, app: Any, session: Any, world: Any, change: dict[str, str], status: int
    ) -> None:
        ref = world.teacher("A1", "draft")
        form = self.form(session, ref) | change
        client = sign_in(app, world, "district_info_A")

        answer = post(client, f"/teacher/{ref.id}/reveal", **form)

        assert answer.status_code == status
        assert ref.id_no not in answer.text
        assert not acts(session, "reveal", teacher_id=ref.id)

    def test_the_201st_of_a_day_is_refused_and_reported(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "draft")
        form = self.form(session, ref)
        actor = world.actors["district_info_A"]
        with system():
            from app.services import audit

            places = [("rec_basic", number, ref.id) for number in range(200)]
            audit.record_many(session, "reveal", actor=actor, objects=places)
            session.commit()
        client = sign_in(app, world, "district_info_A")

        answer = post(client, f"/teacher/{ref.id}/reveal", **form)

        assert answer.status_code == 429
        assert ref.id_no not in answer.text
        assert acts(session, "alert")[-1].reason == "reveal_limit"
        with clock.frozen(clock.now() + timedelta(days=1)):
            assert reveal.reveals_today(session, actor) == 0


class TestFlow:
    def test_a_submission_without_the_declaration_is_refused_in_words(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "draft")
        client = sign_in(app, world, "school_info_A1")

        answer = post(client, f"/flow/review/{ref.id}/submit", _version="1")

        assert answer.status_code == 422
        assert state_of(session, ref) == "draft"

    def test_a_submission_is_taken_once_and_its_repeat_leads_to_the_same_page(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "draft")
        client = sign_in(app, world, "school_info_A1")
        form = {"_version": "1", "declared": "1", "submit_key": "once"}

        answers = [post(client, f"/flow/review/{ref.id}/submit", **form) for _try in (1, 2)]

        assert [a.headers["Location"] for a in answers] == [f"/teacher/{ref.id}"] * 2
        assert state_of(session, ref) == "submitted"
        assert len(acts(session, "transition", teacher_id=ref.id)) == 1

    @pytest.mark.parametrize(
        "attempt",
        [
            ("school_info_A1", "submit", "7", 409),
            ("school_info_A1", "confirm", "1", 403),
            ("school_info_A2", "submit", "1", 404),
            ("school_info_A1", "nothing", "1", 404),
            ("city_assistant", "submit", "1", 403),
        ],
    )
    def test_a_step_that_is_not_to_be_taken_changes_nothing(
        self, app: Any, session: Any, world: Any, attempt: tuple[str, str, str, int]
    ) -> None:
        key, step, version, status = attempt
        ref = world.teacher("A1", "draft")
        client = sign_in(app, world, key)

        answer = post(client, f"/flow/review/{ref.id}/{step}", _version=version, declared="1")

        assert answer.status_code == status
        assert state_of(session, ref) == "draft"

    def test_a_return_carries_reasons_to_single_fields(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "submitted")
        client = sign_in(app, world, "school_head_A1")
        form = {
            "_version": version_of(session, ref),
            "reason": "请补正",
            "place": ["basic.native_place", ""],
            "place_reason": ["与户口簿不符", ""],
        }

        post(client, f"/flow/review/{ref.id}/return_to_teacher", **form)

        assert state_of(session, ref) == "returned"
        assert "与户口簿不符" in client.get(f"/teacher/{ref.id}/set/basic").text
        assert "请补正" in client.get(f"/teacher/{ref.id}/history").text

    def test_open_warnings_are_acknowledged_with_name_and_time(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "draft")
        with system():
            session.execute(update(FileProblem).where(FileProblem.teacher_id == ref.id)
                            .values(acknowledged_by=None, acknowledged_at=None))  # fmt: skip
            session.commit()
        client = sign_in(app, world, "school_info_A1")

        post(client, f"/teacher/{ref.id}/acknowledge")

        with system():
            row = session.scalars(select(FileProblem).where(FileProblem.teacher_id == ref.id)).one()
        assert row.acknowledged_by == world.actor("school_info", "A1").account_id
        assert row.acknowledged_at is not None


class TestNewFile:
    FORM = {
        "name": "王新",
        "id_doc_type": "1",
        "id_no": "110199198503150131",
        "sex": "1",
        "birth_date": "1985-03-15",
    }

    def count(self, session: Any) -> int:
        with system():
            return session.scalar(select(func.count()).select_from(Teacher))

    def test_opens_a_file_in_the_own_school(self, app: Any, session: Any, world: Any) -> None:
        client = sign_in(app, world, "school_info_A1")

        answer = post(client, "/teacher/new", page="/teacher/new", **self.FORM)

        assert answer.status_code == 302, answer.text
        key = int(answer.headers["Location"].rsplit("/", 1)[1])
        with system():
            made = session.get_one(Teacher, key)
        assert (made.name, made.school_id, made.state) == ("王新", world.units["A1"].id, "draft")

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"id_no": "110199198503150132"}, "f-id_no"),
            ({"id_no": ""}, "f-id_no"),
            ({"sex": "2"}, "f-sex"),
            ({"in_establishment": "0", "contract_type": "2", "contract_start": "2026-09-01",
              "contract_end": "2026-12-31"}, "f-contract"),
            ({"in_establishment": "0"}, "f-contract_type"),
        ],
    )  # fmt: skip
    def test_refuses_at_the_field_and_opens_nothing(
        self, app: Any, session: Any, world: Any, change: dict[str, str], field: str
    ) -> None:
        client = sign_in(app, world, "school_info_A1")
        before = self.count(session)

        answer = post(client, "/teacher/new", page="/teacher/new", **self.FORM | change)

        assert answer.status_code == 422
        summary = answer.text.partition("data-errors")[2].partition("</ul>")[0]
        assert f'href="#{field}' in summary
        assert self.count(session) == before

    @pytest.mark.parametrize(("school", "code"), [("A1", "DQ007"), ("B1", "DQ008")])
    def test_refuses_a_second_file_of_a_person_and_names_no_one(
        self, app: Any, session: Any, world: Any, school: str, code: str
    ) -> None:
        ref = world.teacher(school, "draft")
        client = sign_in(app, world, "school_info_A1")
        birth = ref.values["basic"]["birth_date"].isoformat()
        form = self.FORM | {"id_no": ref.id_no, "birth_date": birth,
                            "sex": ref.values["basic"]["sex"]}  # fmt: skip

        answer = post(client, "/teacher/new", page="/teacher/new", **form)

        assert answer.status_code == 422
        assert ref.name not in answer.text
        assert ("测试" in answer.text.partition("data-errors")[2].partition("</ul>")[0]) == (
            code == "DQ008"
        )

    @pytest.mark.parametrize("key", ["school_head_A1", "district_info_A", "city_info"])
    def test_is_not_offered_to_others(self, app: Any, session: Any, world: Any, key: str) -> None:
        client = sign_in(app, world, key)

        assert client.get("/teacher/new").status_code == 403
        assert "/teacher/new" not in client.get("/teacher/list/").text


def version_of(session: Any, ref: Any) -> str:
    """The version of a file, as its forms carry it."""
    with system():
        return str(session.scalar(select(Teacher.version).where(Teacher.id == ref.id)))


def state_of(session: Any, ref: Any) -> str:
    """The state of a file as the database has it."""
    with system():
        session.expire_all()
        return session.scalar(select(Teacher.state).where(Teacher.id == ref.id))
