"""Status changes over REST and on pages: registered, proved, put into effect, decided, shown."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.core.clock import today
from app.models.status_change import StatusChange, StatusState
from app.models.teacher import Teacher
from app.services import home
from app.views.status_history import STATE_BADGES, STATE_WORDS
from tests.processes import make_status_change, prove
from tests.variety import statements
from tests.views.api_caller import Caller
from tests.views.pages import sign_in, token_for
from tests.views.test_api_changes import attach

INFO, HEAD, DISTRICT = "school_info_A1", "school_head_A1", "district_info_A"
FLOW = "status_change"


@pytest.fixture
def call(client: Any, world: Any) -> Any:
    """Sign in as an actor of the world: call("school_info_A1")."""
    return lambda key: Caller(client, world.usernames[key])


def body(file: Any, **more: Any) -> dict[str, Any]:
    usual = {"teacher": file.id, "to_status": "307", "effective_date": today().isoformat()}
    return usual | {"reason": "个人原因", "document_no": "人〔2026〕1号"} | more


def file_of(session: Any, ref: Any) -> Teacher:
    with system():
        return session.get_one(Teacher, ref.id, populate_existing=True)


class TestRest:
    def test_from_the_draft_to_its_effect_and_back(
        self, call: Any, session: Any, world: Any
    ) -> None:
        file, info = world.teacher("A1", "effective"), call(INFO)

        made = info.post(f"/{FLOW}/", body(file))
        assert made.status_code == 201, made.json
        key = made.json["id"]
        assert (made.json["state"], made.json["from_status"]) == ("draft", "100")
        assert [each["step"] for each in made.json["available"]] == ["make_effective"]
        edited = info.put(f"/{FLOW}/{key}", {"version": 1, "to_status": "203"})
        assert (edited.json["to_status"], edited.json["version"]) == ("203", 2)
        assert attach(info, FLOW, key).status_code == 201
        stale = info.post(f"/{FLOW}/{key}/make_effective", {"version": 1})
        done = info.post(f"/{FLOW}/{key}/make_effective", {"version": 2})
        assert (stale.status_code, done.status_code) == (409, 200)
        assert done.json["state"] == "effective"
        assert file_of(session, file).staff_status == "203"

        told = call(DISTRICT).get(f"/{FLOW}/{key}").json
        assert [each["step"] for each in told["history"]] == ["make_effective", "amend", "register"]
        assert [each["name"] for each in told["evidence"]] == ["证明.pdf"]
        revoked = info.post(f"/{FLOW}/{key}/revoke", {"version": 3, "reason": "登记有误"})
        assert revoked.json["state"] == "revoked"
        assert file_of(session, file).staff_status == "100"

    def test_a_draft_is_discarded(self, call: Any, session: Any, world: Any) -> None:
        info = call(INFO)
        key = info.post(f"/{FLOW}/", body(world.teacher("A1", "effective"))).json["id"]

        assert info.delete(f"/{FLOW}/{key}?version=7").status_code == 409
        assert info.delete(f"/{FLOW}/{key}?version=1").status_code == 200
        assert info.get(f"/{FLOW}/{key}").status_code == 404

    @pytest.mark.parametrize(
        ("given", "status"),
        [
            ({"to_status": "305"}, 422), ({"to_status": "100"}, 422), ({"to_status": 7}, 400),
            ({"effective_date": "31.12.2026"}, 400), ({"effective_date": None}, 400),
            ({"teacher": None}, 400), ({"document_no": "x" * 61}, 422),
            ({"reason": "x" * 501}, 422),
        ],
    )  # fmt: skip
    def test_what_cannot_be_registered_is_refused(
        self, call: Any, world: Any, given: dict[str, Any], status: int
    ) -> None:
        file = world.teacher("A1", "effective")

        assert call(INFO).post(f"/{FLOW}/", body(file, **given)).status_code == status

    def test_others_do_not_register_and_foreign_files_are_not_there(
        self, call: Any, world: Any
    ) -> None:
        mine, foreign = world.teacher("A1", "effective"), world.teacher("B1", "effective")

        assert call(HEAD).post(f"/{FLOW}/", body(mine)).status_code == 403
        assert call(DISTRICT).post(f"/{FLOW}/", body(mine)).status_code == 403
        assert call(INFO).post(f"/{FLOW}/", body(foreign)).status_code == 404
        assert call(INFO).post(f"/{FLOW}/", body(world.teacher("A1", "draft"))).status_code == 409

    def test_documents_are_read_by_the_parties_alone(
        self, call: Any, session: Any, world: Any
    ) -> None:
        item = make_status_change(session, world, world.teacher("U", "effective"), "effective")
        prove(session, item)

        assert call("city_info").get(f"/{FLOW}/{item.id}").json["evidence"]
        assert call("city_assistant").get(f"/{FLOW}/{item.id}").json["evidence"] == []
        assert call(DISTRICT).get(f"/{FLOW}/{item.id}").status_code == 404

    def test_many_are_put_into_effect_each_by_itself(
        self, call: Any, session: Any, world: Any
    ) -> None:
        refs = [world.teacher("A1", "effective", number) for number in (1, 2)]
        good = make_status_change(session, world, refs[0], "draft")
        bad = make_status_change(session, world, refs[1], "draft", to_status="308")

        answer = call(INFO).post(f"/{FLOW}/bulk/make_effective", {"ids": [good.id, bad.id]})

        assert [each["status"] for each in answer.json["results"]] == [200, 422]
        assert answer.json["results"][1]["errors"][0]["code"] == "DQ057"

    def test_the_list_is_filtered_and_stays_in_scope(
        self, call: Any, session: Any, world: Any
    ) -> None:
        make_status_change(session, world, world.teacher("A1", "effective"), "draft")
        make_status_change(session, world, world.teacher("B1", "effective"), "draft")
        query = {"q": "(filters:!((col:state,opr:eq,value:draft)))"}

        assert call(INFO).get(f"/{FLOW}/", **query).json["count"] == 1
        assert call("city_info").get(f"/{FLOW}/", **query).json["count"] == 2


class TestPages:
    def test_the_school_registers_on_a_form_and_puts_it_into_effect(
        self, app: Any, session: Any, world: Any
    ) -> None:
        file, browser = world.teacher("A1", "effective"), sign_in(app, world, INFO, "en")
        assert f"/status-change/new/{file.id}" in browser.get(f"/teacher/{file.id}").text
        form = {"csrf_token": token_for(browser), "to_status": "305", "effective_date": ""}

        refused = browser.post(f"/status-change/new/{file.id}", data=form)
        assert refused.status_code == 422
        sent = form | {"to_status": "203", "effective_date": today().isoformat()}
        made = browser.post(f"/status-change/new/{file.id}", data=sent)
        assert made.status_code == 302, made.text
        page = browser.get(made.headers["Location"]).text
        assert "Put into effect" in page
        with system():
            key = session.scalars(select(StatusChange.id)).one()
        step = {"csrf_token": form["csrf_token"], "_version": "1"}
        done = browser.post(f"/flow/status_change/{key}/make_effective", data=step)
        assert (done.status_code, done.headers["Location"]) == (302, f"/status-change/{key}")
        assert file_of(session, file).staff_status == "203"
        history = browser.get(f"/teacher/{file.id}/history").text
        assert "Long sick leave" in history
        assert "Status change registered" in history

    @pytest.mark.parametrize("who", [HEAD, DISTRICT, "city_info", "city_assistant"])
    def test_others_are_offered_no_change(
        self, app: Any, session: Any, world: Any, who: str
    ) -> None:
        file, browser = world.teacher("A1", "effective"), sign_in(app, world, who)

        assert "/status-change/new/" not in browser.get(f"/teacher/{file.id}").text

    def test_no_change_is_offered_on_a_file_that_is_not_effective(
        self, app: Any, session: Any, world: Any
    ) -> None:
        file, browser = world.teacher("A1", "draft"), sign_in(app, world, INFO)

        assert "/status-change/new/" not in browser.get(f"/teacher/{file.id}").text

    def test_a_draft_is_edited_proved_and_discarded_on_its_page(
        self, app: Any, session: Any, world: Any
    ) -> None:
        item = make_status_change(session, world, world.teacher("A1", "effective"), "draft")
        browser, place = sign_in(app, world, INFO, "en"), f"/status-change/{item.id}"
        token = token_for(browser)
        day = (today() + timedelta(days=5)).isoformat()
        sent = {"csrf_token": token, "_version": "1", "to_status": "204", "effective_date": day}

        assert "203" in browser.get(f"{place}/edit").text
        assert browser.post(f"{place}/edit", data=sent).status_code == 302
        assert browser.post(f"{place}/edit", data=sent).status_code == 409
        bad = {"csrf_token": token}
        refused = browser.post(f"{place}/evidence", data=bad)
        assert refused.status_code == 422
        assert "Choose a file first." in refused.text
        gone = browser.post(f"{place}/discard", data={"csrf_token": token, "_version": "2"})
        assert gone.status_code == 302
        assert browser.get(place).status_code == 404

    def test_the_authority_sees_the_list_and_decides_on_many(
        self, app: Any, session: Any, world: Any
    ) -> None:
        refs = [world.teacher("A1", "effective", number) for number in (1, 2)]
        items = [make_status_change(session, world, ref, "pending_authority") for ref in refs]
        browser = sign_in(app, world, DISTRICT, "en")

        page = browser.get("/status-changes/list/?_flt_0_state=pending_authority").text
        assert all(ref.name in page for ref in refs)
        form = {"csrf_token": token_for(browser), "action": "approve",
                "rowid": [str(item.id) for item in items]}  # fmt: skip
        assert browser.post("/status-changes/action_post", data=form).status_code == 200
        assert {file_of(session, ref).staff_status for ref in refs} == {"203"}

    def test_the_list_costs_as_much_for_many_as_for_few(
        self, app: Any, session: Any, world: Any
    ) -> None:
        browser, costs = sign_in(app, world, "city_info"), []
        for number in (1, 2):
            for school in ("A1", "A2", "B1", "U"):
                ref = world.teacher(school, "effective", number)
                make_status_change(session, world, ref, "draft")
            browser.get("/status-changes/list/")
            with statements() as seen:
                assert browser.get("/status-changes/list/").status_code == 200
            costs.append(len(seen))

        assert costs[0] == costs[1]


class TestHome:
    def test_the_school_sees_what_it_has_registered(self, session: Any, world: Any) -> None:
        day = today() + timedelta(days=9)
        make_status_change(session, world, world.teacher("A1", "effective"), "draft")
        make_status_change(
            session, world, world.teacher("A1", "effective", 2), "draft", effective_date=day,
            on_its_day=True,
        )  # fmt: skip
        actor = world.actors[INFO]
        with acting_as(actor):
            found = {item.key: item.count for item in home.todo(session, actor)}

        assert (found["status_draft"], found["status_ahead"]) == (1, 1)

    def test_the_authority_sees_what_waits_and_what_is_recent(
        self, app: Any, session: Any, world: Any
    ) -> None:
        make_status_change(session, world, world.teacher("A1", "effective"), "pending_authority")
        make_status_change(session, world, world.teacher("A2", "effective"), "effective")
        make_status_change(session, world, world.teacher("B1", "effective"), "effective")
        actor = world.actors[DISTRICT]
        with acting_as(actor):
            waits = {item.key: item.count for item in home.todo(session, actor)}
            told = {each.key: each.count for each in home.figures(session, actor)}

        assert waits["status"] == 1
        assert told["status_changes"] == 1
        page = sign_in(app, world, DISTRICT, "en").get("/").text
        tile = re.search(r'href="([^"]+)"><span>Status changes, last 30 days', page)
        rows = sign_in(app, world, DISTRICT, "en").get(html.unescape(tile[1])).text
        assert world.teacher("A2", "effective").name in rows
        assert world.teacher("B1", "effective").name not in rows


def test_every_state_has_words_and_a_badge() -> None:
    assert set(STATE_BADGES) == set(STATE_WORDS) == set(StatusState)
