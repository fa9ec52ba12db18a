"""The list of additions and changes: whose turn, many at once, what leads there."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import system
from app.extensions import db
from app.jobs.worker import work
from app.models.account import Account
from app.models.change import RecordChange
from app.models.job import Job
from app.models.notice import Notice
from tests.processes import ProcessRef, make_process
from tests.variety import statements
from tests.views.api_caller import Caller
from tests.views.figures import figures, rows_behind
from tests.views.pages import sign_in, token_for

INFO, HEAD, DISTRICT, CITY = "school_info_A1", "school_head_A1", "district_info_A", "city_info"
LIST = "/processes/list/?psize_ProcessListView=100"
OF_A1 = {"at_school", "at_authority", "draft", "sent", "done", "rejected"}
ROW = re.compile(r'<td class="[^"]*tm-first[^"]*"[^>]*><a href="/(addition|change)/show/(\d+)')
SEGMENT = re.compile(r'<a href="[^"]*"[^>]*>([^<]+)<span class="tm-figure">([\d,]+)</span></a>')


def shown(page: str) -> set[int]:
    return {int(key) for _flow, key in ROW.findall(page)}


def state(session: Any, *items: ProcessRef) -> list[str]:
    with system():
        session.expire_all()
        return [session.get(RecordChange, each.id).state for each in items]


@pytest.fixture
def many(session: Any, world: Any) -> dict[str, ProcessRef]:
    """One process of every flow and state at school A1, and some elsewhere."""
    found = {}
    one, two = (world.teacher("A1", "effective", number) for number in (1, 2))
    for name, file, flow, at, set_code, values in (
        ("at_school", one, "addition", "pending_school", "learning", None),
        ("at_authority", one, "addition", "pending_authority", "learning", None),
        ("draft", one, "change", "draft", "learning", None),
        ("sent", two, "change", "pending_authority", "learning", None),
        ("done", one, "change", "approved", "contact", {"address": "x"}),
        ("rejected", two, "change", "rejected", "contact", {"address": "x"}),
        ("elsewhere", world.teacher("B1", "effective"), "addition", "pending_authority",
         "learning", None),
        ("university", world.teacher("U", "city_accepted"), "change", "pending_authority",
         "learning", None),
    ):  # fmt: skip
        found[name] = make_process(session, world, file, flow, at, set_code=set_code,
                                   values=values)  # fmt: skip
    session.commit()
    return found


@pytest.fixture
def owned(session: Any, world: Any, many: Any) -> Any:
    """The same, with teacher_A1 as the person whose file most of it is about."""
    with system():
        account = session.get(Account, world.actors["teacher_A1"].account_id)
        account.teacher_id = world.teacher("A1", "effective").id
        session.commit()
    return many


def act(client: Any, step: str, items: Any = (), **form: Any) -> Any:
    data = {"csrf_token": token_for(client), "action": step, "filter": "",
            "rowid": [each.id for each in items]}  # fmt: skip
    return client.post("/processes/action_post", data=data | form)


class TestList:
    @pytest.mark.parametrize(
        ("key", "expected"),
        [
            (INFO, (OF_A1, {"draft"})),
            (HEAD, (OF_A1, {"at_school"})),
            (DISTRICT, (OF_A1, {"at_authority", "sent"})),
            (CITY, ({*OF_A1, "elsewhere", "university"}, {"university"})),
        ],
    )  # fmt: skip
    def test_shows_the_scope_and_whose_turn_it_is(
        self, app: Any, world: Any, many: Any, key: str, expected: Any
    ) -> None:
        all_of, mine = expected
        client = sign_in(app, world, key)

        answer = client.get(LIST)

        assert shown(answer.text) == {many[name].id for name in all_of}
        world.assert_no_leak(answer, world.actors[key], place="list")
        plain = client.get("/processes/list/", follow_redirects=True)
        assert shown(plain.text) == {many[name].id for name in mine}

    def test_filters_and_tabs_count_the_rows_behind_them(
        self, app: Any, world: Any, many: Any
    ) -> None:
        client = sign_in(app, world, DISTRICT, "en")

        counts = {label: int(n) for label, n in SEGMENT.findall(client.get(LIST).text)}

        assert counts["All"] == 6
        assert counts["At the authority"] == 2
        for query, names in (
            ("_flt_0_flow=addition", {"at_school", "at_authority"}),
            ("_flt_0_set=contact", {"done", "rejected"}),
            ("_flt_0_kind=modify&_flt_0_state=draft", {"draft"}),
            (f"_flt_0_school={many['draft'].school_id}&_flt_0_turn=me", {"at_authority", "sent"}),
        ):
            assert shown(client.get(f"{LIST}&{query}").text) == {many[n].id for n in names}, query
        assert client.get(f"{LIST}&_flt_0_turn=you").status_code == 400

    def test_is_closed_to_those_who_work_with_no_files(
        self, app: Any, session: Any, world: Any
    ) -> None:
        for key in ("city_system", "city_audit", "school_system_A1"):
            assert sign_in(app, world, key).get(LIST).status_code in (302, 403)

    def test_takes_the_same_statements_for_any_number_of_rows(
        self, app: Any, session: Any, world: Any, many: Any
    ) -> None:
        client = sign_in(app, world, DISTRICT)
        client.get(LIST)
        counted = []
        for _round in range(2):
            with statements() as seen:
                assert client.get(LIST).status_code == 200
            counted.append(len(seen))
            for number in (1, 2):
                make_process(session, world, world.teacher("A2", "effective", number), "addition",
                             "pending_school")  # fmt: skip
            session.commit()
        assert counted[0] == counted[1]


class TestMany:
    def test_both_flows_are_decided_at_once_each_by_itself(
        self, app: Any, session: Any, world: Any, many: Any
    ) -> None:
        client = sign_in(app, world, DISTRICT, "en")
        chosen = [many[name] for name in ("at_authority", "sent", "at_school", "done")]

        sent = act(client, "approve", chosen)

        assert state(session, *chosen) == ["approved", "approved", "pending_school", "approved"]
        page = client.get(sent.location).text
        assert page.count("/show/") >= 4
        assert "Done" in page

    def test_a_step_of_one_flow_leaves_the_other_alone(
        self, app: Any, session: Any, world: Any, many: Any
    ) -> None:
        client = sign_in(app, world, HEAD, "en")
        assert act(client, "confirm", [many["at_school"], many["sent"]]).status_code == 302
        assert state(session, many["at_school"], many["sent"]) == ["pending_authority"] * 2
        assert act(client, "reject", [many["sent"]]).status_code == 422
        act(client, "reject", [many["sent"]], reason="不符")
        assert state(session, many["sent"]) == ["pending_authority"]

    def test_more_than_a_thousand_are_the_business_of_a_worker(
        self, live_app: Any, world: Any, monkeypatch: Any
    ) -> None:
        for module in ("app.views.api.flow", "app.jobs.review"):
            monkeypatch.setattr(f"{module}.LIMIT", 0)
        with live_app.app_context():
            session, file = db.session(), world.teacher("A1", "effective")
            added = make_process(session, world, file, "addition", "pending_authority")
            asked = make_process(session, world, file, "change", "pending_authority")
            session.commit()
            db.session.remove()
        browser = sign_in(live_app, world, DISTRICT, "en")
        location = act(browser, "reject", [added], reason="不符").location
        assert 'data-poll="2"' in browser.get(location).text
        caller = Caller(live_app.test_client(), world.usernames[DISTRICT])
        # An addition that is posted to the address of changes is none of theirs.
        both = {"ids": [asked.id, added.id], "reason": "不符"}
        answer = caller.post("/change/bulk/reject", both)
        assert answer.status_code == 202, answer.json

        for _turn in range(2):
            work(live_app, once=True)

        with live_app.app_context():
            assert state(db.session(), added, asked) == ["rejected", "rejected"]
            with system():
                mine = select(Job).where(Job.name == "process_bulk").order_by(Job.id)
                jobs = db.session.scalars(mine).all()
                told = [(each.result["done"], each.result["refused"]) for each in jobs]
            db.session.remove()
        assert told == [(1, 0), (1, 1)]
        assert world.teacher("A1", "effective").name in browser.get(location).text

    def test_the_result_is_the_actors_own(
        self, app: Any, session: Any, world: Any, many: Any
    ) -> None:
        location = act(sign_in(app, world, DISTRICT), "approve", [many["sent"]]).location
        other = sign_in(app, world, CITY)
        assert other.get(location).status_code == 404
        key = re.search(r"/outcome/(\d+)", location)[1]
        assert sign_in(app, world, DISTRICT).get(f"/review/outcome/{key}").status_code == 404


class TestHome:
    @pytest.mark.parametrize(
        ("key", "expected"),
        [
            (INFO, {"Drafts of changes to submit": 1, "Rejected additions and changes": 1}),
            (HEAD, {"Additions to confirm and report": 1}),
            (DISTRICT, {"Additions to review": 1, "Changes to review": 1}),
            (CITY, {"Changes to review": 1}),
            ("teacher_A1", {"Additions to and changes of my file": 3}),
        ],
    )
    def test_tells_what_waits_and_opens_exactly_its_rows(
        self, app: Any, world: Any, owned: Any, key: str, expected: Any
    ) -> None:
        client = sign_in(app, world, key, "en")

        found = [each for each in figures(client.get("/").text) if "/processes/" in each.href]

        assert len(found) == len(expected)
        for each in found:
            label = next(words for words in expected if words in each.label)
            assert each.count == expected[label] == rows_behind(client, each.href), each


class TestNotices:
    def test_lead_to_the_process_or_to_all_of_them(
        self, app: Any, session: Any, world: Any, many: Any
    ) -> None:
        act(sign_in(app, world, HEAD), "confirm", [many["at_school"]])
        client = sign_in(app, world, DISTRICT)
        with system():
            told = session.scalars(
                select(Notice).where(
                    Notice.event == "addition_confirmed",
                    Notice.account_id == world.actors[DISTRICT].account_id,
                )
            ).one()
            key = told.id

        opened = client.post(f"/notices/{key}/open", data={"csrf_token": token_for(client)})

        assert opened.location == f"/addition/show/{many['at_school'].id}"
        with system():
            kept = session.get(Notice, key)
            kept.params, kept.teacher_id = {"count": 2}, None
            session.commit()
        again = client.post(f"/notices/{key}/open", data={"csrf_token": token_for(client)})
        assert shown(client.get(again.location).text) == {
            many[name].id for name in ("at_school", "at_authority")
        }
