"""Rotations over REST and on their pages: the way of one, who sees what, the guests of a host."""

import io
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import system
from app.models.rotation import Rotation
from tests.rotations import make_rotation, month
from tests.services.test_attachment import PDF
from tests.views.api_caller import API, Caller
from tests.views.pages import sign_in, token_for

INFO, HEAD, DISTRICT, HOST = "school_info_A1", "school_head_A1", "district_info_A", "school_info_B1"


@pytest.fixture
def call(client: Any, world: Any) -> Any:
    """Sign in as an actor of the world: call("school_info_A1")."""
    return lambda key: Caller(client, world.usernames[key])


def drafted(caller: Caller, world: Any, file: Any, **more: Any) -> Any:
    body = {"teacher": file.id, "to_school": world.units["B1"].id, "type": "1", "direction": "3",
            "start": month(-1), "planned_end": month(6)} | more  # fmt: skip
    return caller.post("/rotation/", body)


class TestRest:
    def test_from_the_draft_to_the_end(self, call: Any, session: Any, world: Any) -> None:
        file, info, district = world.teacher("A1", "effective"), call(INFO), call(DISTRICT)

        made = drafted(info, world, file, full_time=True, document_no="京教〔2026〕1号")
        assert made.status_code == 201, made.json
        key = made.json["id"]
        assert made.json["to_school"]["name"] == world.units["B1"].name
        assert (made.json["full_time"], made.json["transfer_personnel"]) == (True, False)
        proof = info.client.post(
            f"{API}/rotation/{key}/evidence", headers=info.headers,
            data={"file": (io.BytesIO(PDF), "批复.pdf")}, content_type="multipart/form-data",
        )  # fmt: skip
        assert proof.status_code == 201, proof.json
        changed = info.put(f"/rotation/{key}", {"version": 1, "planned_end": month(5)})
        assert (changed.status_code, changed.json["planned_end"]) == (200, month(5))
        assert info.put(f"/rotation/{key}", {"version": 1}).status_code == 409
        assert info.post(f"/rotation/{key}/submit", {"version": 2}).status_code == 200
        assert info.put(f"/rotation/{key}", {"version": 3}).status_code == 409
        seen = district.get(f"/rotation/{key}").json
        assert {each["step"] for each in seen["available"]} == {"confirm", "reject"}
        sent = district.get(f"/rotation/{key}/evidence/{seen['evidence'][0]['id']}")
        assert (sent.status_code, sent.data) == (200, PDF)
        assert district.post(f"/rotation/{key}/confirm", {"version": 3}).status_code == 200
        asked = info.post(f"/rotation/{key}/extend", {"version": 4, "until": month(9)})
        assert asked.status_code == 200, asked.json
        path = f"/rotation/{key}/confirm_extension"
        assert district.post(path, {"version": 5}).status_code == 200
        done = info.post(f"/rotation/{key}/end", {"version": 6})

        assert (done.status_code, done.json["state"]) == (200, "ended")
        told = info.get(f"/rotation/{key}").json
        assert [each["step"] for each in told["history"]] == [
            "end", "confirm_extension", "extend", "confirm", "submit", "edit", "open",
        ]  # fmt: skip
        rows = info.get(f"/teacher/{file.id}/rotation").json["result"]
        assert [row["end"] for row in rows] == [month(0)]

    def test_what_is_wrong_is_named(self, call: Any, world: Any) -> None:
        file, info = world.teacher("A1", "effective"), call(INFO)

        unknown = drafted(info, world, file, state="active")
        assert (unknown.status_code, unknown.json["errors"][0]["field"]) == (400, "state")
        wrong = drafted(info, world, file, start="May")
        assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "start")
        assert drafted(info, world, world.teacher("B1", "effective")).status_code == 404
        assert drafted(call(HEAD), world, file).status_code == 403
        assert drafted(call(DISTRICT), world, file).status_code == 403

    def test_a_draft_is_discarded(self, call: Any, world: Any) -> None:
        file, info = world.teacher("A1", "effective"), call(INFO)
        key = drafted(info, world, file).json["id"]

        assert call(HEAD).delete(f"/rotation/{key}").status_code == 403
        assert info.delete(f"/rotation/{key}?version=9").status_code == 409
        assert info.delete(f"/rotation/{key}?version=1").status_code == 200
        assert info.get(f"/rotation/{key}").status_code == 404
        assert drafted(info, world, file).status_code == 201

    def test_a_host_reads_three_sets_masked_and_nothing_else(
        self, call: Any, session: Any, world: Any
    ) -> None:
        item, host = make_rotation(session, world, world.teacher("A1", "effective")), call(HOST)
        session.commit()
        key, actor = item.teacher_id, world.actors[HOST]

        listed = host.get("/guest/").json
        assert (listed["count"], listed["result"][0]["id"]) == (1, key)
        for code in ("basic", "teaching", "contact"):
            answer = host.get(f"/guest/{key}/{code}")
            assert (answer.status_code, answer.json["count"]) == (200, 1)
            own = call(INFO).get(f"/teacher/{key}/{code}").json["result"]
            assert answer.json["result"] == own  # Masked like for the school that sends.
            number = item.file.id_no
            assert number not in answer.text
        for path in (
            *(f"/guest/{key}/{code}" for code in ("treatment", "ethics", "learning", "rotation")),
            f"/teacher/{key}", f"/teacher/{key}/basic", f"/review/{key}", f"/rotation/{item.id}",
        ):  # fmt: skip
            assert host.get(path).status_code == 404, path
        assert host.post(f"/teacher/{key}/contact", {}).status_code == 404
        assert key not in [each["id"] for each in host.get("/teacher/").json["result"]]
        assert actor.unit_id != item.school_id

    @pytest.mark.parametrize(("state", "start"), [("active", 1), ("ended", -2)])
    def test_before_the_start_and_after_the_end_there_is_no_guest(
        self, call: Any, session: Any, world: Any, state: str, start: int
    ) -> None:
        file = world.teacher("A1", "effective")
        make_rotation(session, world, file, state, start=start)
        session.commit()
        host = call(HOST)

        assert host.get("/guest/").json["count"] == 0
        for path in (f"/guest/{file.id}", f"/guest/{file.id}/basic", f"/teacher/{file.id}"):
            assert host.get(path).status_code == 404


class TestPages:
    def test_from_the_file_to_a_submitted_rotation(
        self, app: Any, session: Any, world: Any
    ) -> None:
        file, clerk = world.teacher("A1", "effective"), sign_in(app, world, INFO, "en")
        assert f"/rotation/new/{file.id}" in clerk.get(f"/teacher/{file.id}").text
        hosts = clerk.get("/rotation/hosts", query_string={"q": world.units["B1"].code}).json
        assert [each["text"] for each in hosts["items"]] == [world.units["B1"].name]
        form = {"to_school": hosts["items"][0]["id"], "type": "1", "start": month(1),
                "planned_end": "2026-13", "direction": "", "full_time": "",
                "csrf_token": token_for(clerk)}  # fmt: skip
        refused = clerk.post(f"/rotation/new/{file.id}", data=form)
        assert (refused.status_code, world.units["B1"].name in refused.text) == (422, True)

        form |= {"planned_end": month(6)}
        made = clerk.post(f"/rotation/new/{file.id}", data=form)
        assert made.status_code == 302, made.text
        with system():
            item = session.scalars(select(Rotation)).one()
        page = clerk.get(made.location).text
        assert "Submit the rotation" in page
        assert "School information administrator" in page
        sent = {"_version": "1", "csrf_token": token_for(clerk)}
        stopped = clerk.post(f"/flow/rotation/{item.id}/submit", data=sent)
        assert (stopped.status_code, "Choose the direction." in stopped.text) == (422, True)
        edit = f"/rotation/{item.id}/edit"
        assert world.units["B1"].name in clerk.get(edit).text
        again = clerk.post(edit, data=form | {"direction": "3", "_version": "1"})
        assert again.status_code == 302, again.text
        assert clerk.post(f"/flow/rotation/{item.id}/submit", data=sent | {"_version": "2"}
                          ).status_code == 302  # fmt: skip

        district = sign_in(app, world, DISTRICT)
        assert "待确认的交流轮岗" in district.get("/").text
        listed = district.get("/rotations/list/?_flt_0_waits=y").text
        assert f"/rotations/show/{item.id}" in listed
        assert "确认交流轮岗" in district.get(f"/rotations/show/{item.id}").text
        assert clerk.get(edit).status_code == 404

    def test_who_may_not_send_is_offered_nothing(self, app: Any, session: Any, world: Any) -> None:
        file = world.teacher("A1", "effective")
        for key in (HEAD, DISTRICT):
            page = sign_in(app, world, key).get(f"/teacher/{file.id}").text
            assert "/rotation/new/" not in page
        clerk = sign_in(app, world, INFO)
        draft = world.teacher("A1", "draft")
        assert "/rotation/new/" not in clerk.get(f"/teacher/{draft.id}").text
        assert clerk.get(f"/rotation/new/{draft.id}").status_code == 404

    def test_the_host_sees_its_guests_and_what_it_may_read(
        self, app: Any, session: Any, world: Any
    ) -> None:
        item = make_rotation(session, world, world.teacher("A1", "effective"))
        session.commit()
        host, actor = sign_in(app, world, HOST), world.actors[HOST]

        listed = host.get("/guests/list/")
        assert item.file.name in listed.text
        assert "在本校交流轮岗的教师" in host.get("/").text
        page = host.get(f"/guests/{item.teacher_id}")
        assert (page.status_code, item.file.id_no in page.text) == (200, False)
        for code in ("treatment", "ethics", "learning", "work"):
            for value in item.file.values.get(code, {}).values():
                assert not ("CANARY" in str(value) and str(value) in page.text)
        assert host.get(f"/teacher/{item.teacher_id}").status_code == 404
        assert host.get(f"/rotations/show/{item.id}").status_code == 404
        sender = sign_in(app, world, INFO)
        assert sender.get(f"/guests/{item.teacher_id}").status_code == 404
        steps = sender.get(f"/rotations/show/{item.id}").text.split("tm-steps")[1].split("</ol>")[0]
        assert "<b>结束交流轮岗</b>" in steps  # It has begun: the end comes next.
        assert "<b>开始交流</b>" not in steps
        assert actor.unit_id == world.units["B1"].id
