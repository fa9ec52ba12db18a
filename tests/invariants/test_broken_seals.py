"""One broken sealed value is an error in its cell: never a value, never a 500, never the page, and
nobody's saving of something else overwrites it (SEC-39)."""

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.core.errors import Refused
from app.core.sealed import UNREADABLE
from app.jobs.report import finish
from app.models.history import Audit
from app.models.report import ReportBatch, ReportItem
from app.models.saved_view import FormDraft
from app.models.snapshot import FileSnapshot
from app.models.teacher import Teacher
from app.services import compare, draft, integrity, report
from app.services import file as files
from tests.broken import DAMAGE, REMEDY, WORDS, Bench, flipped, put
from tests.services.test_report import report_files
from tests.views.pages import token_for, token_of
from tests.views.test_record_form import save

CLERK, TEACHER = "school_info_A1", "teacher_A1"
HOWS = list(DAMAGE)


@pytest.fixture
def bench(app: Any, session: Any, world: Any) -> Bench:
    """A file with values to break."""
    return Bench(app, session, world)


def acts(session: Any, act: str) -> list[Audit]:
    with system():
        return list(session.scalars(select(Audit).where(Audit.act == act)))


class TestPages:
    @pytest.mark.parametrize("how", HOWS)
    def test_the_list_shows_an_error_in_the_cell_and_all_other_rows(
        self, bench: Bench, how: str
    ) -> None:
        client = bench.client()
        path = "/teacher/list/?psize_TeacherView=100"
        before = client.get(path)
        bench.hurt("teacher.id_no", how)

        page = client.get(path)

        assert (before.text.count(WORDS), page.text.count(WORDS)) == (0, 1)
        assert page.status_code == 200
        for each in bench.world.of("A1"):
            own = each.key == bench.ref.key
            assert each.name in page.text
            mask = f"{'*' * 14}{each.id_no[-4:]}"
            assert page.text.count(mask) == before.text.count(mask) - own
        bench.world.assert_no_leak(page, bench.world.actors[CLERK], place="list")

    @pytest.mark.parametrize("how", HOWS)
    @pytest.mark.parametrize("key", [CLERK, TEACHER, "city_assistant"])
    def test_the_file_shows_the_rest_of_the_set_and_what_to_do(
        self, bench: Bench, how: str, key: str
    ) -> None:
        bench.hurt("contact.mobile", how)
        client = bench.client(key)
        own = key == TEACHER

        file = client.get("/my-file/" if own else f"/teacher/{bench.ref.id}")
        part = client.get(f"{'/my-file' if own else f'/teacher/{bench.ref.id}'}/set/contact")

        assert (file.status_code, part.status_code) == (200, 200)
        assert (part.text.count(f">{WORDS}<"), part.text.count(REMEDY)) == (1, 1)
        assert 'data-reveal="contact.mobile"' not in part.text
        assert ('data-reveal="contact.emergency_phone"' in part.text) is (key == CLERK)
        bench.world.assert_no_leak(part, bench.world.actors[key])

    def test_lists_of_a_set_show_an_error_in_the_cell(self, bench: Bench) -> None:
        client = bench.client()
        bench.hurt("basic.id_no")
        sent = {"csrf_token": token_for(client), "column": ["teacher", "id_no"], "query": ""}

        client.post("/record/basic/columns", data=sent)
        page = client.get("/record/basic/list/?psize_RecordBasicView=100")

        assert page.status_code == 200
        assert page.text.count(WORDS) == 1
        assert all(each.name in page.text for each in bench.world.of("A1"))

    def test_a_review_and_a_history_go_on(self, bench: Bench) -> None:
        bench.hurt("basic.id_no")
        bench.hurt("contact.mobile")
        client = bench.client()

        for path in ("/history", "/places", "/set/basic", "/set/contact/edit", "/set/work/new"):
            assert client.get(f"/teacher/{bench.ref.id}{path}").status_code == 200, path
        assert bench.client("school_head_A1").get(f"/review/show/{bench.ref.id}").status_code == 200

    def test_one_line_of_the_log_tells_the_place_and_no_value(
        self, bench: Bench, caplog: Any
    ) -> None:
        bench.hurt("contact.mobile")
        client = bench.client()
        caplog.set_level(logging.ERROR, "app.core.sealed")

        client.get(f"/teacher/{bench.ref.id}/set/contact/edit")

        line = vars(caplog.records[0])
        assert len(caplog.records) == 1
        assert (line["table"], line["column"]) == ("rec_contact", "mobile")
        said = json.dumps(line, default=str)
        assert not [m for m in bench.world.markers if m.field == "mobile" and m.text in said]


class TestForms:
    @pytest.mark.parametrize("key", [CLERK, TEACHER])
    def test_saving_another_field_leaves_the_broken_value_as_it_is(
        self, bench: Bench, key: str
    ) -> None:
        broken = bench.hurt("contact.mobile")
        client = bench.client(key)
        path = f"/teacher/{bench.ref.id}/set/contact/edit"

        page = client.get(path).text
        answer = save(client, path, email="neu@example.com")

        assert f'placeholder="{WORDS}"' in page
        assert REMEDY in page
        assert answer.status_code == 302, answer.text
        assert bench.stored("contact.mobile") == broken
        assert bench.row("contact").value("email") == "neu@example.com"

    def test_a_new_value_mends_it(self, bench: Bench) -> None:
        bench.hurt("contact.mobile")
        client = bench.client()

        answer = save(client, f"/teacher/{bench.ref.id}/set/contact/edit", mobile="13900139000")

        assert answer.status_code == 302
        assert bench.row("contact").value("mobile") == "13900139000"

    def test_the_number_of_the_file_and_its_index_outlive_a_broken_record(
        self, bench: Bench
    ) -> None:
        broken = bench.hurt("basic.id_no")
        kept, index = (bench.stored(f"teacher.{c}") for c in ("id_no", "id_no_index"))

        answer = save(bench.client(), f"/teacher/{bench.ref.id}/set/basic/edit", former_name="旧名")

        assert answer.status_code == 302, answer.text
        assert bench.stored("basic.id_no") == broken
        assert bench.stored("teacher.id_no") == kept
        assert bench.stored("teacher.id_no_index") == index

    def test_a_draft_that_cannot_be_read_is_none(self, bench: Bench) -> None:
        actor = bench.world.actors[CLERK]
        with acting_as(actor):
            draft.keep(
                bench.session, actor, draft.row_key(bench.ref.id, "contact", draft.NEW), {"qq": "1"}
            )
            kept = bench.session.scalars(select(FormDraft)).one()
            kept.body = flipped(bytes(kept.body))
            bench.session.commit()

        page = bench.client().get(f"/teacher/{bench.ref.id}/set/contact/edit")

        assert page.status_code == 200


class TestInterface:
    @pytest.mark.parametrize("how", HOWS)
    def test_answers_null_with_a_problem_that_names_the_field(self, bench: Bench, how: str) -> None:
        bench.hurt("contact.mobile", how)

        answer = bench.caller().get(f"/teacher/{bench.ref.id}/contact")

        row = answer.json["result"][0]
        assert answer.status_code == 200
        assert row["mobile"] is None
        assert row["email"]
        assert [(p["code"], p["field"]) for p in row["problems"]] == [("unreadable", "mobile")]
        bench.world.assert_no_leak(answer, bench.world.actors[CLERK])

    def test_null_sent_back_overwrites_nothing_and_a_value_mends(self, bench: Bench) -> None:
        broken = bench.hurt("contact.mobile")
        caller = bench.caller()
        path = f"/teacher/{bench.ref.id}/contact"
        row = caller.get(path).json["result"][0]

        blank = caller.put(f"{path}/{row['id']}", {"mobile": None, "email": "neu@example.com"})
        left = bench.stored("contact.mobile")
        mended = caller.put(f"{path}/{row['id']}", {"mobile": "13900139000"})

        assert (blank.status_code, blank.json["email"]) == (200, "neu@example.com")
        assert left == broken
        assert (mended.status_code, "problems" in mended.json) == (200, False)
        assert mended.json["mobile"] == "139****9000"

    def test_a_sound_row_has_no_problems(self, bench: Bench) -> None:
        answer = bench.caller().get(f"/teacher/{bench.ref.id}/contact")

        assert "problems" not in answer.json["result"][0]


class TestLeaving:
    @pytest.mark.parametrize("how", HOWS)
    def test_a_reveal_is_refused_with_words_and_is_none_on_record(
        self, bench: Bench, how: str
    ) -> None:
        bench.hurt("basic.id_no", how)
        client = bench.client()
        form = {"key": "basic.id_no", "record": bench.row("basic").uuid,
                "purpose": "verify", "csrf_token": token_for(client)}  # fmt: skip

        answer = client.post(f"/teacher/{bench.ref.id}/reveal", data=form)

        assert answer.status_code == 422
        assert REMEDY in answer.text
        assert not acts(bench.session, "reveal")
        bench.world.assert_no_leak(answer, bench.world.actors[CLERK])

    @pytest.mark.parametrize("sheet", ["form", "file"])
    def test_a_print_holds_the_words_and_the_rest_whole(self, bench: Bench, sheet: str) -> None:
        bench.hurt("contact.mobile")
        client = bench.client()
        form = {"id": bench.ref.id, "kind": sheet, "purpose": "核对"}
        form["csrf_token"] = token_of(client.get("/teacher/list/").text)

        answer = client.post("/print/sheet", data=form)

        assert answer.status_code == 200
        assert answer.text.count(WORDS) == 1
        assert bench.ref.id_no in answer.text
        assert bench.world.teacher("A1", "submitted").values["contact"]["mobile"] not in answer.text

    @pytest.mark.parametrize(
        ("path", "column", "place"),
        [("/teacher", "id_no", "teacher.id_no"), ("/record/basic", "id_no", "basic.id_no")],
    )
    def test_an_exported_list_holds_the_words_in_the_cell(
        self, bench: Bench, path: str, column: str, place: str
    ) -> None:
        bench.hurt(place)
        client = bench.client()
        names = ["name", column] if path == "/teacher" else ["teacher", column]
        sent = {"csrf_token": token_for(client), "column": names, "query": "",
                "format": "csv", "purpose": "核对名单"}  # fmt: skip

        answer = client.post(f"{path}/export", data=sent, buffered=True)

        text = answer.data.decode("utf-8-sig")
        assert answer.mimetype == "text/csv"
        assert text.count(WORDS) == 1
        assert all(each.name in text for each in bench.world.of("A1"))

    def test_a_report_refuses_the_file_and_says_why(self, bench: Bench) -> None:
        bench.hurt("basic.id_no")
        with acting_as(bench.world.actors[CLERK]):
            teacher = bench.session.get_one(Teacher, bench.ref.id)
            content = files.file_data(bench.session, [teacher], bench.world.catalog)[bench.ref.id]

        with pytest.raises(Refused) as refusal:
            report.payload(teacher, content, bench.world.catalog)

        assert [p.field for p in refusal.value.problems] == ["id_no"]

    def test_a_report_with_lost_content_ends_with_words_and_is_not_written(
        self, bench: Bench, tmp_path: Path
    ) -> None:
        session, world = bench.session, bench.world
        report_files(session, world, world.teacher("A1", "city_accepted"))
        with system():
            batch, item = (session.scalars(select(c)).one() for c in (ReportBatch, ReportItem))
            item.payload = flipped(bytes(item.payload))
            session.flush()
            ctx = SimpleNamespace(
                session=session, actor=world.actor("city_info"), settings={"STORAGE_DIR": tmp_path}
            )
            with pytest.raises(Refused, match=REMEDY):
                finish(ctx, batch)

        assert batch.stored_name is None
        assert not [each for each in tmp_path.rglob("*") if each.is_file()]

    def test_a_lost_submission_is_said_to_the_reviewer(self, bench: Bench) -> None:
        ref = bench.world.teacher("A1", "submitted")
        with system():
            teacher = bench.session.get_one(Teacher, ref.id)
            compare.keep(bench.session, [teacher], "return", bench.world.catalog)
            kept = bench.session.scalars(select(FileSnapshot)).one()
            kept.body = flipped(bytes(kept.body))
            bench.session.commit()

        page = bench.client("school_head_A1").get(f"/review/show/{ref.id}")

        assert page.status_code == 200
        assert "提交的内容无法读取" in page.text

    def test_a_comparison_shows_the_value_as_unreadable(self, bench: Bench) -> None:
        with system():
            teacher = bench.session.get_one(Teacher, bench.ref.id)
            compare.keep(bench.session, [teacher], "return", bench.world.catalog)
            bench.session.commit()
            bench.hurt("contact.mobile")
            found = compare.since_submission(bench.session, teacher, bench.world.catalog)

        changes = [f for each in found.records for f in each.fields]
        assert [(f.indicator.key, f.new) for f in changes] == [("contact.mobile", UNREADABLE)]

    def test_the_search_by_number_still_finds_the_file(self, bench: Bench) -> None:
        bench.hurt("teacher.id_no")
        bench.hurt("basic.id_no")
        client = bench.client()
        form = {"q": bench.ref.id_no, "csrf_token": token_for(client)}

        answer = client.post("/teacher/lookup", data=form)

        assert answer.location == f"/teacher/{bench.ref.id}"


def test_the_check_of_the_data_names_every_broken_value(bench: Bench) -> None:
    bench.hurt("contact.mobile")
    bench.hurt("teacher.id_no", "another key")

    with system():
        found = integrity.find_faults(bench.session, bench.world.catalog)

    row = bench.row("contact").id
    assert sorted(each.partition(":")[0] for each in found) == [
        f"rec_contact.mobile {row}",
        f"teacher.id_no {bench.ref.id}",
    ]


def test_a_value_put_back_is_read_again(bench: Bench) -> None:
    own = bench.stored("contact.mobile")
    bench.hurt("contact.mobile")

    assert bench.row("contact").value("mobile") is UNREADABLE
    put(bench.session, bench.ref, "contact.mobile", own)

    assert bench.row("contact").value("mobile") == bench.ref.values["contact"]["mobile"]
