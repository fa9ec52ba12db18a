"""Forms of rows: what is an input for whom, what a forged post can do, and that nothing is lost."""

import io
import re
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import func, select

from app.access.actor import acting_as, system
from app.access.fields import may_edit
from app.core.reference import structure
from app.indicators.catalog import Catalog
from app.models.attachment import Attachment
from app.models.record import TEACHER_SETS
from app.models.saved_view import FormDraft
from app.models.teacher import NoneAnswer, Teacher
from app.views.choice import belongs, find_codes, governor_of
from tests.views.pages import sign_in, token_of

INPUT = re.compile(r'<(?:input|select|textarea)[^>]*\bname="([^"]+)"')
VERSION = re.compile(r'name="_version" value="(\d+)"')
KNOWN = Catalog.from_reference(structure())
CODES = {item.code for item in KNOWN.indicators("basic")}
FORGED = {"id_no": "110199198503150131", "staff_status": "301", "teacher_no": "1234567890",
          "highest_education": "11", "name": "伪造", "state": "effective",
          "school_id": "1"}  # fmt: skip


def inputs_of(page: str) -> set[str]:
    """The names of the inputs of a page."""
    return set(INPUT.findall(page))


def stored(session: Any, set_code: str, teacher_id: int) -> list[dict[str, Any]]:
    """The rows of a set as the database has them."""
    with system():
        session.expire_all()
        cls = TEACHER_SETS[set_code]
        rows = session.scalars(select(cls).where(cls.teacher_id == teacher_id).order_by(cls.id))
        return [{"uuid": row.uuid, "version": row.version, **row.values()} for row in rows]


def send(client: Any, path: str, **form: Any) -> Any:
    """Fill a form in and send it, with the token and version that the page carries."""
    page = client.get(path).text
    version = VERSION.search(page)
    sent = {"csrf_token": token_of(page)} | ({"_version": version[1]} if version else {})
    return client.post(path, data=sent | form)


def shown_values(page: str) -> dict[str, Any]:
    """What a browser would send from the form of a page, file inputs left out."""
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        kind = re.search(r'type="([^"]+)"', tag)
        checked = " checked" in tag
        if name and (kind is None or kind[1] not in ("file", "radio", "checkbox") or checked):
            found[name[1]] = value[1] if value else ""
    for name, body in re.findall(
        r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL
    ):
        found[name] = re.findall(r'<option selected value="([^"]*)"', body)
    for name, body in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\r?\n?(.*?)</textarea>', page,
                                 re.DOTALL):  # fmt: skip
        found[name] = body
    return found


def save(client: Any, path: str, **changes: Any) -> Any:
    """Open a form, change some values and send the whole as a browser does."""
    page = client.get(path).text
    form = page.partition('class="tm-form"')[2]
    return client.post(path, data=shown_values(form) | changes)


class TestInputs:
    @pytest.mark.parametrize("key", ["school_info_A1", "teacher_A1"])
    def test_are_exactly_the_fields_of_the_person(
        self, app: Any, session: Any, world: Any, key: str
    ) -> None:
        ref, actor = world.teachers["A1_draft_1"], world.actors[key]
        with acting_as(actor):
            teacher = session.get_one(Teacher, ref.id)
            expected = {
                item.code
                for item in world.catalog.indicators("basic")
                if may_edit(actor, teacher, item, world.catalog)
            }
        page = sign_in(app, world, key).get(f"/teacher/{ref.id}/set/basic/edit").text
        hidden_by_condition = {"employ_form"}

        assert inputs_of(page) & CODES | hidden_by_condition == expected | hidden_by_condition

    def test_differ_by_the_category_of_the_school(self, app: Any, session: Any, world: Any) -> None:
        pages = {}
        for key, school in (("school_info_A1", "A1"), ("school_info_U", "U")):
            ref = world.teacher(school, "draft")
            client = sign_in(app, world, key)
            pages[school] = inputs_of(client.get(f"/teacher/{ref.id}/set/basic/edit").text)

        assert pages["A1"] != pages["U"]

    def test_are_none_where_nothing_is_the_persons_to_fill_in(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teachers["A1_draft_1"]

        for key, path, status in (
            ("teacher_A1", "title/new", 403),
            ("school_head_A1", "basic/edit", 403),
            ("district_info_A", "basic/edit", 403),
            ("city_audit", "basic/edit", 403),
            ("school_info_A1", "basic/new", 302),
            ("school_info_A1", "learning/edit", 404),
            ("school_info_A1", "nothing/edit", 404),
        ):
            answer = sign_in(app, world, key).get(f"/teacher/{ref.id}/set/{path}")
            assert answer.status_code == status, (key, path)

    def test_of_sealed_values_are_empty_for_the_school_and_filled_for_the_teacher(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teachers["A1_draft_1"]
        mobile = ref.values["contact"]["mobile"]

        school = sign_in(app, world, "school_info_A1").get(f"/teacher/{ref.id}/set/contact/edit")
        own = sign_in(app, world, "teacher_A1").get(f"/teacher/{ref.id}/set/contact/edit")

        world.assert_no_leak(school, world.actors["school_info_A1"])
        assert mobile in own.text

    def test_a_locked_file_says_who_can_open_it(self, app: Any, session: Any, world: Any) -> None:
        ref = world.teacher("A1", "school_confirmed")
        client = sign_in(app, world, "school_info_A1")

        page = client.get(f"/teacher/{ref.id}/set/basic/edit", follow_redirects=True).text

        assert "waits for the authority" in page or "等待主管部门" in page

    def test_after_submission_only_the_part_of_the_school_is_open(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "submitted")
        client = sign_in(app, world, "school_info_A1")

        names = inputs_of(client.get(f"/teacher/{ref.id}/set/basic/edit").text)

        assert "staff_category" in names
        assert "native_place" not in names
        assert client.get(f"/teacher/{ref.id}/set/title/new").status_code == 200
        assert client.get(f"/teacher/{ref.id}/set/learning/new").status_code == 403


class TestSaving:
    def test_keeps_what_was_not_touched(self, app: Any, session: Any, world: Any) -> None:
        ref = world.teacher("A1", "draft", 2)
        before = stored(session, "basic", ref.id)[0]
        client = sign_in(app, world, "school_info_A1")

        answer = save(client, f"/teacher/{ref.id}/set/basic/edit", former_name="曾用")

        assert answer.status_code == 302, answer.text
        after = stored(session, "basic", ref.id)[0]
        changed = {code for code in before if before[code] != after[code]}
        assert changed == {"former_name", "version"}

    @pytest.mark.parametrize("key", ["teacher_A1", "school_info_A1"])
    def test_forged_fields_change_nothing(
        self, app: Any, session: Any, world: Any, key: str
    ) -> None:
        ref = world.teachers["A1_draft_1"]
        actor = world.actors[key]
        before, rows = teacher_row(session, ref.id), stored(session, "basic", ref.id)[0]
        client = sign_in(app, world, key)
        with acting_as(actor):
            teacher = session.get_one(Teacher, ref.id)
            forged = {
                code: value
                for code, value in FORGED.items()
                if f"basic.{code}" not in world.catalog.by_key
                or not may_edit(
                    actor, teacher, world.catalog.indicator("basic", code), world.catalog
                )
            }

        answer = save(client, f"/teacher/{ref.id}/set/basic/edit", **forged)

        assert answer.status_code == 302, answer.text
        after = stored(session, "basic", ref.id)[0]
        assert {c: after[c] for c in rows if c != "version"} == {
            c: rows[c] for c in rows if c != "version"
        }
        moved = ("version", "content_version", "checked_content")
        assert {k: v for k, v in teacher_row(session, ref.id).items() if k not in moved} == {
            k: v for k, v in before.items() if k not in moved
        }

    def test_a_bad_value_is_refused_at_its_field_and_stays_in_the_form(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "draft", 2)
        client = sign_in(app, world, "school_info_A1")

        answer = save(client, f"/teacher/{ref.id}/set/bj_ext/edit", head_teacher_years="许多")

        assert answer.status_code == 422
        assert 'value="许多"' in answer.text
        assert 'id="f-head_teacher_years-error"' in answer.text
        assert stored(session, "bj_ext", ref.id)[0]["head_teacher_years"] is None

    def test_an_empty_new_row_is_refused(self, app: Any, session: Any, world: Any) -> None:
        ref = world.teacher("A1", "draft", 2)
        client = sign_in(app, world, "school_info_A1")
        before = len(stored(session, "work", ref.id))

        answer = save(client, f"/teacher/{ref.id}/set/work/new")

        assert answer.status_code == 422
        assert len(stored(session, "work", ref.id)) == before

    def test_a_repeated_post_adds_one_row(self, app: Any, session: Any, world: Any) -> None:
        ref = world.teacher("A1", "draft", 2)
        client = sign_in(app, world, "school_info_A1")
        before = len(stored(session, "work", ref.id))
        path = f"/teacher/{ref.id}/set/work/new"
        form = {"org_name": "某校", "start": "2001-09", "end": "2003-07", "unit_nature": "23",
                "position": "教师", "reference": "张三", "submit_key": "once-only"}  # fmt: skip

        answers = [send(client, path, **form) for _try in (1, 2)]

        assert [a.status_code for a in answers] == [302, 302], answers[0].text
        assert answers[0].headers["Location"] == answers[1].headers["Location"]
        assert len(stored(session, "work", ref.id)) == before + 1

    def test_a_stale_form_shows_both_values_and_saves_at_the_second_try(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "draft", 2)
        client = sign_in(app, world, "school_info_A1")
        path = f"/teacher/{ref.id}/set/bj_ext/edit"
        mine = shown_values(client.get(path).text.partition('class="tm-form"')[2])
        save(client, path, head_teacher_years="9")

        answer = client.post(path, data=mine | {"head_teacher_years": "11"})

        assert answer.status_code == 409
        assert "<del>9</del>" in answer.text
        assert "<ins>11</ins>" in answer.text
        assert stored(session, "bj_ext", ref.id)[0]["head_teacher_years"] == 9
        again = shown_values(answer.text.partition('class="tm-form"')[2])
        assert client.post(path, data=again).status_code == 302
        assert stored(session, "bj_ext", ref.id)[0]["head_teacher_years"] == 11

    def test_a_form_of_a_file_closed_meanwhile_is_refused_and_kept(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teachers["A1_draft_1"]
        client = sign_in(app, world, "teacher_A1")
        path = f"/teacher/{ref.id}/set/contact/edit"
        mine = shown_values(client.get(path).text.partition('class="tm-form"')[2])
        with system():
            session.get_one(Teacher, ref.id).state = "submitted"
            session.commit()

        answer = client.post(path, data=mine | {"other_contact": "微信"})

        assert answer.status_code == 409
        assert "微信" in answer.text
        assert stored(session, "contact", ref.id)[0]["other_contact"] != "微信"
        with system():
            assert session.scalar(select(func.count()).select_from(FormDraft)) == 1

    def test_a_row_is_deleted_and_none_is_answered(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "draft", 2)
        client = sign_in(app, world, "school_info_A1")
        token = token_of(client.get("/teacher/list/").text)
        row = stored(session, "qualification", ref.id)[0]
        base = f"/teacher/{ref.id}/set/qualification"

        early = client.post(f"{base}/none", data={"csrf_token": token, "none": "1"})
        client.post(f"{base}/{row['uuid']}/delete", data={"csrf_token": token})
        client.post(f"{base}/none", data={"csrf_token": token, "none": "1"})

        assert early.status_code == 422
        assert not stored(session, "qualification", ref.id)
        with system():
            assert session.get(NoneAnswer, (ref.id, "qualification")) is not None

    def test_a_foreign_row_is_not_found(self, app: Any, session: Any, world: Any) -> None:
        mine, other = world.teacher("A1", "draft", 2), world.teacher("B1", "draft")
        client = sign_in(app, world, "school_info_A1")
        token = token_of(client.get("/teacher/list/").text)
        uuid = stored(session, "learning", other.id)[0]["uuid"]
        before = stored(session, "learning", other.id)

        for key in (mine.id, other.id):
            base = f"/teacher/{key}/set/learning/{uuid}"
            assert client.get(f"{base}/edit").status_code == 404
            assert client.post(f"{base}/edit", data={"csrf_token": token}).status_code == 404
            assert client.post(f"{base}/delete", data={"csrf_token": token}).status_code == 404

        assert stored(session, "learning", other.id) == before

    def test_an_upload_survives_the_refusal_of_another_field(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "draft", 2)
        client = sign_in(app, world, "school_info_A1")
        path = f"/teacher/{ref.id}/set/basic/edit"
        target = io.BytesIO()
        Image.new("RGB", (60, 84)).save(target, "PNG")
        photo = (io.BytesIO(target.getvalue()), "face.png")

        refused = save(client, path, photo=photo, work_start="昨天")
        form = shown_values(refused.text.partition('class="tm-form"')[2])
        work = stored(session, "basic", ref.id)[0]["work_start"]
        saved = client.post(path, data=form | {"work_start": work})

        assert refused.status_code == 422
        assert saved.status_code == 302, saved.text
        uuid = stored(session, "basic", ref.id)[0]["photo"]
        with system():
            kept = session.scalars(select(Attachment).where(Attachment.uuid == uuid)).one()
        assert kept.record_uuid is not None
        page = client.get(f"/attachment/{uuid}")
        assert page.headers["Content-Disposition"].startswith("attachment")
        assert page.headers["Content-Security-Policy"].startswith("sandbox")
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert sign_in(app, world, "school_info_A2").get(f"/attachment/{uuid}").status_code == 404
        # A page refers to the photo where its reader gets it.
        for key, status in (("district_info_A", 200), ("city_assistant", 404)):
            reader = sign_in(app, world, key)
            assert reader.get(f"/attachment/{uuid}").status_code == status, key
            assert (uuid in reader.get(f"/teacher/{ref.id}").text) is (status == 200), key

    def test_a_file_of_the_wrong_kind_is_refused_at_its_field(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teacher("A1", "draft", 2)
        client = sign_in(app, world, "school_info_A1")
        bad = (io.BytesIO(b"<html></html>"), "face.png")

        answer = save(client, f"/teacher/{ref.id}/set/basic/edit", photo=bad)

        assert answer.status_code == 422
        assert 'id="f-photo-error"' in answer.text
        with system():
            assert session.scalar(select(func.count()).select_from(Attachment)) == 0


class TestDraft:
    def test_comes_back_after_signing_in_again_and_goes_when_saved(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teachers["A1_draft_1"]
        path = f"/teacher/{ref.id}/set/contact/edit"
        client = sign_in(app, world, "teacher_A1")
        token = token_of(client.get(path).text)
        typed = {"other_contact": "CANARY-DRAFT", "csrf_token": token, "teacher_id": "7"}

        client.post(f"/draft/{ref.id}/contact/new", data=typed)
        with system():
            kept = session.scalars(select(FormDraft)).one()
        again = sign_in(app, world, "teacher_A1")

        assert b"CANARY-DRAFT" not in kept.body
        assert 'value="CANARY-DRAFT"' in again.get(path).text
        assert save(again, path).status_code == 302
        assert stored(session, "contact", ref.id)[0]["other_contact"] == "CANARY-DRAFT"
        with system():
            session.expire_all()
            assert session.scalar(select(func.count()).select_from(FormDraft)) == 0

    def test_belongs_to_one_account_and_to_files_in_its_scope(
        self, app: Any, session: Any, world: Any
    ) -> None:
        ref = world.teachers["A1_draft_1"]
        path = f"/teacher/{ref.id}/set/contact/edit"
        client = sign_in(app, world, "teacher_A1")
        token = token_of(client.get(path).text)
        client.post(f"/draft/{ref.id}/contact/new",
                    data={"other_contact": "CANARY-DRAFT", "csrf_token": token})  # fmt: skip

        other = sign_in(app, world, "school_info_A1")
        foreign = sign_in(app, world, "teacher_B1")

        assert "CANARY-DRAFT" not in other.get(path).text
        token = token_of(foreign.get("/my-file/").text)
        answer = foreign.post(f"/draft/{ref.id}/contact/new", data={"csrf_token": token})
        assert answer.status_code == 404

    def test_is_discarded_on_request(self, app: Any, session: Any, world: Any) -> None:
        ref = world.teachers["A1_draft_1"]
        path = f"/teacher/{ref.id}/set/contact/edit"
        client = sign_in(app, world, "teacher_A1")
        token = token_of(client.get(path).text)
        client.post(f"/draft/{ref.id}/contact/new",
                    data={"other_contact": "CANARY-DRAFT", "csrf_token": token})  # fmt: skip

        client.post(f"/draft/{ref.id}/contact/new/discard", data={"csrf_token": token})

        assert "CANARY-DRAFT" not in client.get(path).text


class TestChoices:
    @pytest.mark.parametrize(
        ("key", "text", "found"),
        [
            ("basic.native_place", "海淀", "110108"),
            ("basic.native_place", "hdq", "110108"),
            ("basic.native_place", "110108", "110108"),
            ("basic.ethnic", "zz", "08"),
            ("title.title", "一级教师", "BJ-S3"),
        ],
    )
    def test_are_found_by_name_initials_and_code(self, key: str, text: str, found: str) -> None:
        item = KNOWN.by_key[key]

        codes = find_codes(item, KNOWN, category="primary_secondary", text=text)

        assert found in [code.code for code in codes]

    def test_follow_the_field_they_depend_on(self) -> None:
        pairs = {
            item.key: governor.key
            for item in KNOWN.by_key.values()
            if (governor := governor_of(item, KNOWN)) is not None
        }
        grade = KNOWN.by_key["post.post_grade"]
        codes = find_codes(grade, KNOWN, category="primary_secondary", text="", of="3")

        assert pairs == {
            "learning.degree": "learning.degree_level",
            "post.post_grade": "post.post_category",
            "post.concurrent_grade": "post.concurrent_category",
        }
        assert codes
        assert all(belongs(code, "post_category", "3") for code in codes)

    def test_are_never_a_whole_long_table(self, app: Any, session: Any, world: Any) -> None:
        ref = world.teacher("A1", "draft")
        client = sign_in(app, world, "school_info_A1")

        page = client.get(f"/teacher/{ref.id}/set/basic/edit").text
        answer = client.get("/code-choice/basic/native_place?q=")

        assert page.count("<option") < 120
        assert len(answer.json["items"]) == 50
        assert client.get("/code-choice/basic/name").status_code == 404


def teacher_row(session: Any, key: int) -> dict[str, Any]:
    """The row of a teacher as the database has it."""
    with system():
        session.expire_all()
        row = session.execute(select(*Teacher.__table__.columns).where(Teacher.id == key)).one()
        return dict(row._mapping)
