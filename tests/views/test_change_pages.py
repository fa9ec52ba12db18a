"""Pages of additions and changes: opened by the forms, shown side by side, decided by buttons."""

import io
import re
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import system
from app.models.account import Account
from app.models.attachment import Attachment
from app.models.change import RecordChange
from app.models.history import Audit
from app.models.record import TEACHER_SETS
from tests.processes import make_process, prove
from tests.services.test_attachment import PDF, picture
from tests.views.pages import sign_in, token_for

INFO, HEAD, DISTRICT, CITY = "school_info_A1", "school_head_A1", "district_info_A", "city_info"
STUDY = {"education": "11", "education_org": "测试大学", "major": "教育学", "is_normal": "1",
         "degree_level": "2", "degree": "204", "degree_country": "156", "degree_org": "测试大学",
         "start": "2010-09", "end": "2014-06", "study_mode": "3"}  # fmt: skip
VERSION = re.compile(r'name="_version" value="(\d+)"')


class Desk:
    """A person at work on an effective file of school A1."""

    def __init__(self, app: Any, session: Any, world: Any, key: str) -> None:
        self.client, self.session, self.world = sign_in(app, world, key, "en"), session, world
        self.token = token_for(self.client)

    def get(self, url: str, status: int = 200) -> str:
        answer = self.client.get(url)
        assert answer.status_code == status, (url, answer.status_code)
        return answer.text

    def post(self, url: str, status: int = 302, **form: Any) -> Any:
        files = {key: value for key, value in form.items() if isinstance(value, tuple)}
        data = {"csrf_token": self.token, **form} | files
        answer = self.client.post(url, data=data, content_type="multipart/form-data")
        assert answer.status_code == status, (url, answer.status_code, answer.text[:3000])
        return answer

    def save(self, url: str, status: int = 302, **changed: Any) -> Any:
        """Send a form as it is drawn, with some inputs changed."""
        return self.post(url, status, **(inputs(self.get(url)) | changed))

    def take(self, item: Any, step: str, status: int = 302, **form: Any) -> Any:
        page = self.get(f"/{item.flow}/show/{item.id}")
        version = VERSION.search(page)
        form = {"_version": version[1] if version else item.version} | form
        return self.post(f"/flow/{item.flow}/{item.id}/{step}", status, **form)


def inputs(page: str) -> dict[str, Any]:
    """What the form of a row holds as it is drawn."""
    form = page[page.index('data-autosave="') : page.index('<div class="tm-save">')]
    found = dict(re.findall(r'<input[^>]*name="([\w]+)"[^>]*value="([^"]*)"', form))
    for name, body in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.findall(r'<option selected value="([^"]*)"', body)
        found[name] = chosen[0] if chosen else ""
    for tag in re.findall(r'<input[^>]*type="radio"[^>]*>', form):
        name, value = re.search(r'name="(\w+)"', tag)[1], re.search(r'value="([^"]*)"', tag)[1]
        if "checked" in tag:
            found[name] = value
        elif found.get(name) == value:
            found.pop(name)
    for name, text in re.findall(
        r'<textarea[^>]*name="(\w+)"[^>]*>\s*(.*?)</textarea>', form, re.S
    ):
        found[name] = text
    return found


@pytest.fixture
def desk(app: Any, session: Any, world: Any) -> Any:
    return lambda key: Desk(app, session, world, key)


def row(session: Any, file: Any, set_code: str) -> Any:
    cls = TEACHER_SETS[set_code]
    with system():
        session.expire_all()
        mine = select(cls).where(cls.teacher_id == file.id, cls.as_of()).order_by(cls.id)
        return session.scalars(mine).first()


def latest(session: Any) -> Any:
    with system():
        session.expire_all()
        return session.scalars(select(RecordChange).order_by(RecordChange.id.desc())).first()


def own(session: Any, world: Any, file: Any) -> None:
    """Make teacher_A1 the person whose file it is."""
    with system():
        account = session.get(Account, world.actors["teacher_A1"].account_id)
        account.teacher_id = file.id
        session.commit()


class TestJourney:
    def test_a_change_from_the_button_of_the_file_to_its_effect(
        self, desk: Any, session: Any, world: Any
    ) -> None:
        file, info = world.teacher("A1", "effective"), desk(INFO)
        record = row(session, file, "title")
        form = f"/change/new/{file.id}/title/{record.uuid}"
        assert form in info.get(f"/teacher/{file.id}/set/title")
        assert f"In force: {record.org_name}" in info.get(form)

        info.save(form, org_name="新学校")
        item = latest(session)
        assert (item.state, item.fields) == ("draft", ["org_name"])
        page = info.get(f"/change/show/{item.id}")
        assert f"<del>{record.org_name}</del>" in page
        assert "<ins>新学校</ins>" in page
        refused = info.take(item, "submit", 422).text
        assert "Say why this is changed" in refused
        assert "Attach a document" in refused
        info.post(f"/change/{item.id}/words", _version=1, reason="登记有误", document_no="京教1号")
        info.post(f"/change/{item.id}/evidence", file=(io.BytesIO(PDF), "证明.pdf"))
        info.take(latest(session), "submit")
        marked = info.get(f"/teacher/{file.id}/set/title")
        assert form not in marked
        assert f"/change/show/{item.id}" in marked
        assert f"/change/show/{item.id}" in info.get(f"/teacher/{file.id}")
        district = desk(DISTRICT)
        shown = district.get(f"/change/show/{item.id}")
        assert "京教1号" in shown
        assert "证明.pdf" in shown
        assert "Approve change" in shown
        district.take(latest(session), "approve")

        assert latest(session).state == "approved"
        assert row(session, file, "title").org_name == "新学校"

    def test_a_teacher_adds_and_the_school_and_the_authority_agree(
        self, desk: Any, session: Any, world: Any
    ) -> None:
        file = world.teacher("A1", "effective")
        own(session, world, file)
        teacher = desk("teacher_A1")
        assert f"/addition/new/{file.id}/learning" in teacher.get("/my-file/set/learning")
        assert f"/addition/new/{file.id}/title" not in teacher.get("/my-file/set/title")
        teacher.get(f"/addition/new/{file.id}/title", 403)

        teacher.save(f"/addition/new/{file.id}/learning", **STUDY)
        item = latest(session)
        assert item.state == "pending_school"
        for url in ("/my-file/", "/my-file/set/learning"):
            assert f"/addition/show/{item.id}" in teacher.get(url)
        page = teacher.get(f"/addition/show/{item.id}")
        assert "Withdraw" in page
        assert "Confirm and report</span>" not in page
        desk(HEAD).take(item, "confirm")
        desk(DISTRICT).take(latest(session), "approve")

        assert teacher.get("/my-file/set/learning").count("测试大学") > 0
        assert f"/addition/show/{item.id}" not in teacher.get("/my-file/")

    def test_blank_values_are_filled_in_and_values_in_force_are_locked(
        self, desk: Any, session: Any, world: Any
    ) -> None:
        file, info = world.teacher("A1", "effective"), desk(INFO)
        record = row(session, file, "learning")
        blank = "attachment"
        assert record.value(blank) is None
        url = f"/addition/new/{file.id}/learning/{record.uuid}"
        page = info.get(url)
        assert 'name="major"' not in page
        assert f'name="{blank}"' in page
        assert "altered or deleted by a change" in page

        info.save(url, **{blank: (io.BytesIO(PDF), "证书.pdf")})

        assert (latest(session).kind, latest(session).fields) == ("fill", [blank])
        assert "证书.pdf" in desk(HEAD).get(f"/addition/show/{latest(session).id}")
        nothing = info.save(f"/addition/new/{file.id}/contact", 422).text
        assert "Enter at least one value" in nothing

    def test_a_removal_is_drafted_proved_and_discarded(
        self, desk: Any, session: Any, world: Any
    ) -> None:
        file, info = world.teacher("A1", "effective"), desk(INFO)
        record = row(session, file, "learning")

        info.post(f"/change/remove/{file.id}/learning/{record.uuid}")
        item = latest(session)
        page = info.get(f"/change/show/{item.id}")
        assert "The record is to be removed" in page
        assert f"<del>{record.major}</del>" in page
        assert f"/change/{item.id}/edit" not in page
        info.post(f"/change/{item.id}/discard", 409, _version=9)
        info.post(f"/change/{item.id}/discard", _version=1)

        info.get(f"/change/show/{item.id}", 404)
        assert row(session, file, "learning").uuid == record.uuid


class TestDraft:
    def test_is_edited_and_a_stale_form_loses_nothing(
        self, desk: Any, session: Any, world: Any
    ) -> None:
        file, info = world.teacher("A1", "effective"), desk(INFO)
        record = row(session, file, "learning")
        info.save(f"/change/new/{file.id}/learning/{record.uuid}", major="物理")
        key = latest(session).id
        old = inputs(info.get(f"/change/{key}/edit"))
        assert old["major"] == "物理"

        info.save(f"/change/{key}/edit", cert_no="C-1", _reason="登记有误")
        assert set(latest(session).fields) == {"major", "cert_no"}
        stale = info.post(f"/change/{key}/edit", 409, **(old | {"major": "MYMAJOR"})).text

        assert "in the meantime" in stale
        assert "MYMAJOR" in stale
        assert latest(session).reason == "登记有误"
        desk(HEAD).get(f"/change/{key}/edit", 403)

    def test_refusals_stand_at_their_field_and_keep_what_was_typed(
        self, desk: Any, session: Any, world: Any
    ) -> None:
        file, info = world.teacher("A1", "effective"), desk(INFO)
        url = f"/addition/new/{file.id}/learning"

        page = info.save(url, 422, **(STUDY | {"start": "2019-13", "major": "KEPTMAJOR"})).text

        assert 'id="f-start-error"' in page
        assert "KEPTMAJOR" in page
        make_process(session, world, file, "change", "draft")
        session.commit()
        record = row(session, file, "learning")
        again = info.save(f"/change/new/{file.id}/learning/{record.uuid}", 422, major="x").text
        assert "A change of this record is open already" in again

    def test_a_rejected_one_is_copied_into_a_new_one(
        self, desk: Any, session: Any, world: Any
    ) -> None:
        file, info = world.teacher("A1", "effective"), desk(INFO)
        item = make_process(session, world, file, "change", "rejected")
        session.commit()
        page = info.get(f"/change/show/{item.id}")
        copy = re.search(r'href="(/change/new/[^"]*copy=\d+)"', page)

        assert copy
        assert "另一专业" in info.get(copy[1])
        assert "copy=" not in desk(DISTRICT).get(f"/change/show/{item.id}")
        other = world.teacher("A1", "effective", 2)
        record = row(session, other, "learning")
        info.get(f"/change/new/{other.id}/learning/{record.uuid}?copy={item.id}", 404)


class TestShown:
    def test_sealed_values_are_masked_and_revealed_on_record(
        self, desk: Any, session: Any, world: Any
    ) -> None:
        file, district = world.teacher("A1", "effective"), desk(DISTRICT)
        item = make_process(session, world, file, "change", "pending_authority",
                            set_code="contact", values={"mobile": "13912345678"})  # fmt: skip
        session.commit()
        page = district.get(f"/change/show/{item.id}")
        assert "139****5678" in page
        assert "13912345678" not in page
        world.assert_no_leak(page, world.actors[DISTRICT])

        url = f"/change/{item.id}/reveal"
        form = {"key": "contact.mobile", "record": "after", "purpose": "verify"}
        assert "13912345678" in district.post(url, 200, **form).text
        with system():
            assert session.scalars(select(Audit).where(Audit.act == "reveal")).all()
        district.post(url, 404, **(form | {"key": "basic.id_no"}))
        district.post(url, 404, **(form | {"record": "beside"}))
        district.post(url, 422, **(form | {"purpose": ""}))
        desk("city_assistant").post(url, 403, **form)

    def test_evidence_is_for_the_parties_and_only_while_it_is_prepared(
        self, desk: Any, session: Any, world: Any
    ) -> None:
        file, info = world.teacher("A1", "effective"), desk(INFO)
        draft = make_process(session, world, file, "change", "draft")
        sent = make_process(session, world, file, "change", "pending_authority",
                            set_code="contact", values={"address": "x"})  # fmt: skip
        prove(session, sent)
        session.commit()
        url = f"/change/{draft.id}/evidence"

        info.post(url, 422, file=(io.BytesIO(b"MZ" * 20), "x.exe"))
        info.post(url, 422)
        desk(HEAD).post(url, 403, file=(io.BytesIO(PDF), "x.pdf"))
        info.post(f"/change/{sent.id}/evidence", 409, file=(io.BytesIO(PDF), "x.pdf"))
        assert "证明.pdf" in desk(CITY).get(f"/change/show/{sent.id}")
        assistant = desk("city_assistant").get(f"/change/show/{sent.id}")
        assert "证明.pdf" not in assistant
        assert "shown to the parties only" in assistant

    @pytest.mark.parametrize("flow", ["addition", "change"])
    def test_foreign_and_absent_ones_answer_alike(
        self, desk: Any, session: Any, world: Any, flow: str
    ) -> None:
        item = make_process(session, world, world.teacher("B1", "effective"), flow,
                            "pending_authority")  # fmt: skip
        session.commit()
        info = desk(INFO)
        for key in (item.id, 10**8):
            info.get(f"/{flow}/show/{key}", 404)
            info.post(f"/{flow}/{key}/evidence", 404, file=(io.BytesIO(PDF), "x.pdf"))
            info.post(f"/{flow}/{key}/reveal", 404, key="contact.mobile", record="after",
                      purpose="verify")  # fmt: skip
            info.post(f"/flow/{flow}/{key}/withdraw", 404)

    def test_the_line_says_who_whose_turn_and_what_comes(
        self, desk: Any, session: Any, world: Any
    ) -> None:
        file = world.teacher("A1", "effective")
        item = make_process(session, world, file, "addition", "pending_school")
        session.commit()

        page = desk(HEAD).get(f"/addition/show/{item.id}")

        line = page[
            page.index('<ol class="tm-steps tm-way"') : page.index("</ol>", page.index("tm-steps"))
        ]
        states = re.findall(r'class="tm-(done|now|later)"', line)
        assert states == ["done", "now", "later"]
        assert "Turn: " in line
        assert "School head" in line


class TestPhoto:
    def test_a_photo_is_shown_beside_the_name_once_it_is_in_force(
        self, desk: Any, session: Any, world: Any
    ) -> None:
        file, info = world.teacher("A1", "effective"), desk(INFO)
        record = row(session, file, "basic")
        kind = "change" if record.photo else "addition"
        url = f"/{kind}/new/{file.id}/basic/{record.uuid}"

        info.save(url, photo=(io.BytesIO(picture()), "脸.jpg"), _reason="换照片")
        item = latest(session)
        with system():
            kept = session.scalars(select(Attachment).where(Attachment.field == "photo")).all()[-1]
            assert kept.record_uuid == item.uuid
            uuid = kept.uuid
        district = desk(DISTRICT)
        assert uuid in district.get(f"/{kind}/show/{item.id}")
        assert district.client.get(f"/attachment/{uuid}").status_code == 200
        assert f"/attachment/{uuid}" not in district.get(f"/teacher/{file.id}")
        if kind == "change":
            info.post(f"/change/{item.id}/evidence", file=(io.BytesIO(PDF), "证明.pdf"))
            info.take(item, "submit")
        else:
            desk(HEAD).take(item, "confirm")
        district.take(latest(session), "approve")

        assert f"/attachment/{uuid}" in district.get(f"/teacher/{file.id}")
        with system():
            session.expire_all()
            kept = session.scalars(select(Attachment).where(Attachment.uuid == uuid)).one()
            assert kept.record_uuid == record.uuid
