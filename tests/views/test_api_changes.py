"""Additions and changes over REST: opened, proved, decided; the file as it is until then."""

import io
import re
from difflib import unified_diff
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.core.errors import NotFound
from app.models.account import Account
from app.models.history import Audit
from app.models.record import TEACHER_SETS
from app.services import attachment
from tests.processes import make_process, prove
from tests.services.test_attachment import PDF, picture
from tests.views.api_caller import API, Caller
from tests.views.pages import sign_in, token_for

INFO, HEAD, DISTRICT, CITY = "school_info_A1", "school_head_A1", "district_info_A", "city_info"
STUDY = {"education": "11", "education_org": "测试大学", "major": "教育学", "is_normal": True,
         "degree_level": "2", "degree": "204", "degree_country": "156", "degree_org": "测试大学",
         "start": "2010-09", "end": "2014-06", "study_mode": "3"}  # fmt: skip


@pytest.fixture
def call(client: Any, world: Any) -> Any:
    """Sign in as an actor of the world: call("school_info_A1")."""
    return lambda key: Caller(client, world.usernames[key])


def first(session: Any, file: Any, set_code: str) -> Any:
    cls = TEACHER_SETS[set_code]
    with system():
        mine = select(cls).where(cls.teacher_id == file.id, cls.as_of()).order_by(cls.id)
        return session.scalars(mine).first()


def opened(caller: Caller, session: Any, file: Any, set_code: str, **values: Any) -> Any:
    body = {"teacher": file.id, "set": set_code, "record": first(session, file, set_code).uuid,
            "kind": "modify", "values": values, "reason": "登记有误"}  # fmt: skip
    answer = caller.post("/change/", body)
    assert answer.status_code == 201, answer.json
    return answer.json


def attach(caller: Caller, flow: str, key: int, name: str = "证明.pdf", body: bytes = PDF) -> Any:
    return caller.client.post(
        f"{API}/{flow}/{key}/evidence",
        headers=caller.headers,
        data={"file": (io.BytesIO(body), name)},
        content_type="multipart/form-data",
    )


class TestJourney:
    def test_a_change_from_the_draft_to_its_effect(
        self, call: Any, session: Any, world: Any
    ) -> None:
        file, info, district = world.teacher("A1", "effective"), call(INFO), call(DISTRICT)

        draft = opened(info, session, file, "title", org_name="另一学校")
        key = draft["id"]
        assert (draft["state"], draft["version"], draft["fields"]) == ("draft", 1, ["org_name"])
        assert draft["before"]["org_name"] != draft["values"]["org_name"] == "另一学校"
        assert [each["step"] for each in draft["available"]] == ["submit"]
        refused = info.post(f"/change/{key}/submit", {"version": 1})
        assert [each["code"] for each in refused.json["errors"]] == ["evidence"]

        proof = attach(info, "change", key)
        assert proof.status_code == 201, proof.json
        sent = info.post(f"/change/{key}/submit", {"version": 1})
        assert (sent.status_code, sent.json["state"]) == (200, "pending_authority")
        seen = district.get(f"/change/{key}").json
        assert [each["id"] for each in seen["evidence"]] == [proof.json["id"]]
        assert {each["step"] for each in seen["available"]} == {"reject", "approve"}
        done = district.post(f"/change/{key}/approve", {"version": 2})

        assert (done.status_code, done.json["state"]) == (200, "approved")
        rows = info.get(f"/teacher/{file.id}/title").json["result"]
        assert [row["org_name"] for row in rows] == ["另一学校"]
        told = info.get(f"/change/{key}").json
        assert [each["step"] for each in told["history"]] == ["approve", "submit", "open"]
        assert told["before"]["org_name"] != told["values"]["org_name"] == "另一学校"
        assert info.get(f"/teacher/{file.id}").json["result"]["file_version"] == 2

    def test_a_teacher_adds_and_the_school_and_the_authority_agree(
        self, call: Any, session: Any, world: Any
    ) -> None:
        file = world.teacher("A1", "effective")
        with system():
            account = session.get(Account, world.actors["teacher_A1"].account_id)
            account.teacher_id = file.id
            session.commit()
        teacher, head, district = call("teacher_A1"), call(HEAD), call(DISTRICT)

        made = teacher.post("/addition/", {"teacher": file.id, "set": "learning", "values": STUDY})
        assert made.status_code == 201, made.json
        key = made.json["id"]
        assert [each["step"] for each in made.json["available"]] == ["withdraw"]
        core = {"teacher": file.id, "set": "title", "values": {"title": "BJ-S1"}}
        assert teacher.post("/addition/", core).status_code == 403
        assert teacher.post(f"/addition/{key}/confirm", {"version": 1}).status_code == 403
        assert head.post(f"/addition/{key}/confirm", {"version": 1}).status_code == 200
        assert head.post(f"/addition/{key}/confirm", {"version": 1}).status_code == 409
        assert district.post(f"/addition/{key}/approve", {"version": 2}).status_code == 200

        assert len(teacher.get(f"/teacher/{file.id}/learning").json["result"]) == 2

    def test_a_draft_is_altered_and_discarded(self, call: Any, session: Any, world: Any) -> None:
        file, info = world.teacher("A1", "effective"), call(INFO)
        key = opened(info, session, file, "learning", major="物理")["id"]

        answer = info.put(f"/change/{key}", {"version": 1, "values": {"cert_no": "C-1"}})
        assert (answer.status_code, answer.json["version"]) == (200, 2)
        assert set(answer.json["fields"]) == {"major", "cert_no"}
        assert info.put(f"/change/{key}", {"version": 1, "values": {}}).status_code == 409
        assert call(HEAD).put(f"/change/{key}", {"version": 2}).status_code == 403
        assert call(DISTRICT).delete(f"/change/{key}").status_code == 403
        assert info.delete(f"/change/{key}?version=1").status_code == 409
        assert info.delete(f"/change/{key}?version=2").status_code == 200
        assert info.get(f"/change/{key}").status_code == 404


# What a page offers to do with a record, and what it tells of an addition or change of it.
ASKED = re.compile(
    r'<div class="tm-acts">.*?</div>|<p class="tm-note tm-note-wait">.*?</p>', re.DOTALL
)


def plain(answer: Any) -> str:
    """What a page says of the records: without its acts and marks, and what is new on each page."""
    text = ASKED.sub("", answer.get_data(as_text=True))
    return re.sub(r'(csrf[^>]*(content|value)|nonce|submit_key" value)="[^"]*"', "", text)


def differing(one: str, other: str) -> list[str]:
    """The lines that a page says otherwise than before."""
    return list(unified_diff(one.splitlines(), other.splitlines(), n=0))


def test_what_is_in_force_is_shown_everywhere_until_the_approval(
    app: Any, session: Any, world: Any, call: Any
) -> None:
    file, browser = world.teacher("A1", "effective"), sign_in(app, world, INFO)
    info = call(INFO)
    pages = (
        f"/teacher/{file.id}/set/contact", f"/teacher/{file.id}/set/learning",
        "/record/learning/list/", "/teacher/list/",
        "/charts/staff/data/education", f"/api/v1/teacher/{file.id}/contact",
        f"/api/v1/teacher/{file.id}/learning",
    )  # fmt: skip
    export = {"query": "", "column": ["major"], "format": "csv", "purpose": "核对名单"}

    def seen() -> list[str]:
        session.expire_all()
        read = [
            info.get(path[len(API) :]) if path.startswith(API) else browser.get(path)
            for path in pages
        ]
        export["csrf_token"] = token_for(browser)
        read.append(browser.post("/record/learning/export", data=export, buffered=True))
        assert [each.status_code for each in read] == [200] * len(read)
        return [plain(each) for each in read]

    before = seen()
    key = opened(info, session, file, "contact", address="NEWADDRESS")["id"]
    added = {"teacher": file.id, "set": "learning", "values": STUDY | {"major": "NEWMAJOR"}}
    assert info.post("/addition/", added).status_code == 201
    assert info.post(f"/change/{key}/submit", {"version": 1}).status_code == 200
    assert [differing(*each) for each in zip(before, seen(), strict=True)] == [[]] * len(before)
    assert call(DISTRICT).post(f"/change/{key}/approve", {"version": 2}).status_code == 200

    assert "NEWADDRESS" in seen()[0]
    assert "NEWMAJOR" not in "".join(seen())


class TestRefusals:
    @pytest.mark.parametrize("flow", ["addition", "change"])
    def test_foreign_and_absent_files_and_processes_answer_alike(
        self, call: Any, session: Any, world: Any, flow: str
    ) -> None:
        info, foreign = call(INFO), world.teacher("B1", "effective")
        record = first(session, foreign, "learning").uuid
        item = make_process(session, world, foreign, flow, "pending_authority")
        session.commit()
        body = {"set": "learning", "record": record, "kind": "modify", "values": {"major": "x"}}

        answers = [info.post(f"/{flow}/", body | {"teacher": key}) for key in (foreign.id, 10**8)]
        answers += [info.get(f"/{flow}/{key}") for key in (item.id, 10**8)]
        answers += [
            info.post(f"/{flow}/{key}/withdraw", {"version": 1}) for key in (item.id, 10**8)
        ]
        answers += [attach(info, flow, key) for key in (item.id, 10**8)]

        assert [each.status_code for each in answers] == [404] * len(answers)
        for one, other in zip(answers[::2], answers[1::2], strict=True):
            assert one.data == other.data

    @pytest.mark.parametrize(
        ("flow", "body"),
        [
            ("addition", {}),
            ("addition", {"teacher": 1, "set": "learning"}),
            ("addition", {"teacher": "1", "set": "learning", "values": {}}),
            ("addition", {"teacher": 1, "set": 7, "values": {}}),
            ("addition", {"teacher": 1, "set": "learning", "values": []}),
            ("change", {"teacher": 1, "set": "learning", "values": {}}),
            ("change", {"teacher": None, "set": "learning", "record": "x", "kind": "modify"}),
        ],
    )
    def test_a_body_that_does_not_fit_is_malformed(self, call: Any, flow: str, body: Any) -> None:
        assert call(INFO).post(f"/{flow}/", body).status_code == 400

    def test_fields_kinds_and_texts_that_do_not_exist_are_malformed(
        self, call: Any, session: Any, world: Any
    ) -> None:
        file, info = world.teacher("A1", "effective"), call(INFO)
        record = first(session, file, "learning").uuid
        good = {"teacher": file.id, "set": "learning", "record": record, "kind": "modify",
                "values": {"major": "x"}}  # fmt: skip

        for wrong in ({"values": {"nonsense": 1}}, {"kind": "add"}, {"reason": 1},
                      {"correction": "x"}, {"record": 1}):  # fmt: skip
            assert info.post("/change/", good | wrong).status_code == 400, wrong
        for absent in ({"set": "nonsense"}, {"record": "0" * 32}, {"correction": 10**8}):
            assert info.post("/change/", good | absent).status_code == 404, absent
        long = info.post("/change/", good | {"reason": "长" * 501})
        assert [each["code"] for each in long.json["errors"]] == ["reason"]
        assert info.post("/change/", good).status_code == 201
        again = info.post("/change/", good)
        assert [each["code"] for each in again.json["errors"]] == ["open_process"]

    def test_sets_that_are_not_the_assistants_to_see_do_not_exist(
        self, call: Any, session: Any, world: Any
    ) -> None:
        file, assistant = world.teacher("A1", "effective"), call("city_assistant")
        pay = make_process(session, world, file, "change", "pending_authority",
                           set_code="treatment", values={"insurance": "1"})  # fmt: skip
        other = make_process(session, world, file, "change", "pending_authority",
                             set_code="contact", values={"mobile": "13912345678"})  # fmt: skip
        prove(session, other)
        session.commit()

        assert assistant.get(f"/change/{pay.id}").status_code == 404
        listed = assistant.get("/change/").json["result"]
        assert pay.id not in {each["id"] for each in listed}
        seen = assistant.get(f"/change/{other.id}")
        assert seen.status_code == 200
        assert seen.json["values"]["mobile"] == "139****5678"
        assert seen.json["evidence"] == []
        world.assert_no_leak(seen, world.actors["city_assistant"])

    def test_the_history_of_a_file_tells_of_a_change_where_it_is_seen(
        self, app: Any, session: Any, world: Any
    ) -> None:
        file = world.teacher("A1", "effective")
        make_process(session, world, file, "change", "rejected", set_code="treatment",
                     values={"insurance": "1"})  # fmt: skip
        session.commit()

        for key, seen in ((INFO, True), (DISTRICT, True), ("city_assistant", False)):
            page = sign_in(app, world, key, "en").get(f"/teacher/{file.id}/history")
            assert page.status_code == 200
            assert ("Change drafted" in page.text) is seen, key

    def test_values_of_both_sides_are_masked_as_in_the_file(
        self, call: Any, session: Any, world: Any
    ) -> None:
        file = world.teacher("A1", "effective")
        item = make_process(session, world, file, "change", "pending_authority",
                            set_code="contact", values={"mobile": "13912345678"})  # fmt: skip
        session.commit()

        for key in (INFO, HEAD, DISTRICT, CITY):
            answer = call(key).get(f"/change/{item.id}")
            assert answer.json["values"]["mobile"] == "139****5678"
            assert answer.json["fields"] == ["mobile"]
            world.assert_no_leak(answer, world.actors[key])


class TestEvidence:
    def test_only_who_prepares_it_attaches_and_only_then(
        self, call: Any, session: Any, world: Any
    ) -> None:
        file, info = world.teacher("A1", "effective"), call(INFO)
        key = opened(info, session, file, "learning", major="物理")["id"]

        for other in (HEAD, DISTRICT, CITY):
            assert attach(call(other), "change", key).status_code == 403, other
        assert attach(info, "change", key, "证件.jpg", picture()).status_code == 201
        for name, body in (("x.exe", b"MZ" * 20), ("x.pdf", b"<html>"), ("x.html", b"<html>")):
            assert attach(info, "change", key, name, body).status_code == 422, name
        empty = info.client.post(f"{API}/change/{key}/evidence", headers=info.headers)
        assert empty.status_code == 400
        assert info.post(f"/change/{key}/submit", {"version": 1}).status_code == 200
        assert attach(info, "change", key).status_code == 409

    def test_at_most_twenty_prove_one_change(self, call: Any, session: Any, world: Any) -> None:
        file, info = world.teacher("A1", "effective"), call(INFO)
        item = make_process(session, world, file, "addition", "pending_school")
        for _each in range(20):
            prove(session, item)
        session.commit()

        answer = attach(info, "addition", item.id)

        assert [each["code"] for each in answer.json["errors"]] == ["file_count"]

    def test_it_is_read_by_the_parties_and_nobody_else(
        self, app: Any, call: Any, session: Any, world: Any
    ) -> None:
        file, info = world.teacher("A1", "effective"), call(INFO)
        key = opened(info, session, file, "learning", major="物理")["id"]
        uuid = attach(info, "change", key).json["id"]
        other = opened(info, session, world.teacher("A1", "effective", 2), "work", position="x")

        for who, status in {
            INFO: 200, HEAD: 200, DISTRICT: 200, CITY: 200, "city_assistant": 404,
            "school_info_A2": 404, "district_info_B": 404,
        }.items():  # fmt: skip
            answer = call(who).get(f"/change/{key}/evidence/{uuid}")
            assert answer.status_code == status, who
            page = sign_in(app, world, who).get(f"/attachment/{uuid}", buffered=True)
            assert page.status_code == status, who
        answer = call(DISTRICT).get(f"/change/{key}/evidence/{uuid}")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert call(DISTRICT).get(f"/change/{other['id']}/evidence/{uuid}").status_code == 404
        with system():
            downloads = select(Audit.account_id).where(Audit.act == "download")
            assert world.actors[DISTRICT].account_id in set(session.scalars(downloads))

    def test_evidence_of_a_restricted_set_is_read_where_the_change_is(
        self, call: Any, session: Any, world: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        item = make_process(
            session, world, world.teacher("A1", "effective"), "change", "pending_authority",
            set_code="ethics", values={"assess_org": "某校"},
        )  # fmt: skip
        uuid = prove(session, item)
        session.commit()

        for who in ("city_assistant", "district_info_B"):
            assert call(who).get(f"/change/{item.id}/evidence/{uuid}").status_code == 404
        # Were the assistant shown documents at all, it would not be those of a set that is hidden.
        monkeypatch.setattr(attachment, "may_read_evidence", lambda _actor: True)
        assistant = world.actors["city_assistant"]
        with acting_as(assistant), pytest.raises(NotFound):
            attachment.find(session, assistant, uuid, catalog=world.catalog)


class TestMany:
    def items(self, session: Any, world: Any) -> list[int]:
        found = [
            make_process(session, world, world.teacher("A1", "effective", number), "addition",
                         "pending_authority").id
            for number in (1, 2)
        ]  # fmt: skip
        session.commit()
        return found

    def test_each_is_decided_by_itself(self, call: Any, session: Any, world: Any) -> None:
        good = self.items(session, world)
        foreign = make_process(
            session, world, world.teacher("B1", "effective"), "addition", "pending_authority"
        ).id
        early = make_process(
            session, world, world.teacher("A1", "effective"), "addition", "pending_school"
        ).id
        session.commit()

        answer = call(DISTRICT).post(
            "/addition/bulk/approve", {"ids": [*good, foreign, early, 10**8]}
        )

        found = {row["id"]: row["status"] for row in answer.json["results"]}
        assert found == {**dict.fromkeys(good, 200), foreign: 404, early: 409, 10**8: 404}

    def test_a_filter_is_that_of_the_list_and_is_counted_again(
        self, call: Any, session: Any, world: Any
    ) -> None:
        keys, district = self.items(session, world), call(DISTRICT)
        make_process(
            session, world, world.teacher("B1", "effective"), "addition", "pending_authority"
        )
        session.commit()
        waiting = "(filters:!((col:state,opr:eq,value:pending_authority)))"
        listed = district.get("/addition/", q=waiting).json

        assert {row["id"] for row in listed["result"]} == set(keys)
        bulk = {"filter": waiting, "reason": "不符"}
        wrong = district.post("/addition/bulk/reject", bulk | {"count": 3})
        assert wrong.status_code == 409
        done = district.post("/addition/bulk/reject", bulk | {"count": 2})
        assert [row["status"] for row in done.json["results"]] == [200, 200]

    def test_the_list_shows_no_value_of_a_person(self, call: Any, session: Any, world: Any) -> None:
        self.items(session, world)
        for key in (CITY, DISTRICT, INFO, "city_assistant"):
            answer = call(key).get("/addition/")
            assert answer.status_code == 200
            world.assert_no_leak(answer, world.actors[key], place="list")
        for key in ("city_system", "city_audit", "school_system_A1"):
            assert call(key).get("/addition/").status_code == 403
