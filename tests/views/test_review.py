"""The review queue: what waits for whom, deciding one and many, results, and what a page shows."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select, update

from app.access.actor import acting_as, system
from app.extensions import db
from app.jobs import review as bulk
from app.jobs.worker import work
from app.models.account import Account
from app.models.history import Audit, Transition
from app.models.job import Job
from app.models.record import TEACHER_SETS
from app.models.teacher import Teacher
from app.services import compare
from app.workflows.review import REVIEW
from tests.factories import fill, finding, make_account
from tests.variety import statements
from tests.views.pages import sign_in, token_of

ROW = re.compile(r'<td class="[^"]*tm-first[^"]*"[^>]*><a href="/review/show/(\d+)')
SEGMENT = re.compile(r'<a href="[^"]*"[^>]*>([^<]+)<span class="tm-figure">([\d,]+)</span></a>')
CLAIMS = {"claim", "give_back"}
STATES = {
    "school_info_A1": ("returned", "draft", "submitted"),
    "school_head_A1": ("submitted", "school_confirmed"),
    "district_info_A": ("school_confirmed",),
    "city_info": ("effective", "school_confirmed", "city_accepted"),
    "city_assistant": ("school_confirmed",),
}


def queue_of(world: Any, key: str) -> dict[str, set[int]]:
    """The files of an actor's queue by state; written anew from the specification."""
    actor = world.actors[key]
    found: dict[str, set[int]] = {}
    for each in world.teachers.values():
        mine = each not in world.foreign_to(actor)
        by_city = each.school == "U"
        if key in ("city_info", "city_assistant"):
            # The city decides on its own units, accepts what districts decided, reports all.
            mine = {
                "school_confirmed": by_city,
                "effective": not by_city,
                "city_accepted": key == "city_info",
            }.get(each.state, False)
        if mine and each.state in STATES[key]:
            found.setdefault(each.state, set()).add(each.id)
    return found


def shown(page: str) -> list[int]:
    return [int(key) for key in ROW.findall(page)]


def act(client: Any, step: str, ids: Any = (), query: str = "", **form: Any) -> Any:
    """Send the bulk form of the queue."""
    page = client.get("/review/list/?q=").text
    token = re.search(r'<meta name="csrf-token" content="([^"]+)"', page)[1]
    data = {"csrf_token": token, "action": step, "filter": query, "rowid": list(ids)}
    return client.post("/review/action_post", data=data | form)


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return found[1] if found else ""


def states(session: Any, *files: Any) -> list[str]:
    with system():
        session.expire_all()
        return [session.get(Teacher, each.id).state for each in files]


class TestQueue:
    @pytest.mark.parametrize("key", list(STATES))
    def test_holds_what_waits_for_the_role(self, app, session, world, key):
        client, expected = sign_in(app, world, key), queue_of(world, key)
        for state in STATES[key]:
            answer = client.get(f"/review/list/?psize_ReviewView=100&_flt_0_state={state}")

            assert set(shown(answer.text)) == expected.get(state, set()), state
            world.assert_no_leak(answer, world.actors[key], place="list")

    @pytest.mark.parametrize("key", list(STATES))
    def test_the_tabs_count_exactly_the_rows_behind_them(self, app, session, world, key):
        expected = queue_of(world, key)

        page = sign_in(app, world, key).get(f"/review/list/?_flt_0_state={STATES[key][0]}").text

        counts = [int(number) for _label, number in SEGMENT.findall(page)]
        assert counts[0] == sum(map(len, expected.values()))
        assert sorted(counts[1:]) == sorted(len(ids) for ids in expected.values())

    def test_the_plain_address_opens_what_the_role_decides_first(self, app, session, world):
        answer = sign_in(app, world, "city_info").get("/review/list/")

        assert answer.status_code == 302
        assert parse_qs(urlsplit(answer.location).query) == {"_flt_0_state": ["effective"]}

    @pytest.mark.parametrize(
        "key", ["teacher_A1", "city_system", "city_audit", "district_system_A", "school_system_A1"]
    )
    def test_is_closed_to_those_who_review_nothing(self, app, session, world, key):
        answer = sign_in(app, world, key).get("/review/list/?_flt_0_state=submitted")

        assert answer.status_code in (302, 403)
        assert "/review/list" not in (answer.location or "")

    def test_the_oldest_stands_first(self, app, session, world):
        first, second = (world.teacher("A1", "submitted", number) for number in (2, 1))
        with system():
            for days, each in ((9, first), (3, second)):
                teacher = session.get(Teacher, each.id)
                teacher.state_since = teacher.state_since.replace(year=2025, month=12 - days)
            session.flush()

        page = sign_in(app, world, "school_head_A1").get("/review/list/?_flt_0_state=submitted")

        assert shown(page.text) == [first.id, second.id]
        assert "clock-exclamation" in page.text

    def test_the_authority_finds_the_file_of_a_head_without_delegate(self, app, session, world):
        file, head = world.teacher("A1", "submitted"), world.actor("school_head", "A1")
        with system():
            session.get(Account, head.account_id).teacher_id = file.id
            session.flush()
        client = sign_in(app, world, "district_info_A")

        assert shown(client.get("/review/list/?_flt_0_state=submitted").text) == [file.id]

        with system():
            school = session.get(Teacher, file.id).school
        make_account(session, role="school_head", unit=school)
        assert shown(client.get("/review/list/?_flt_0_state=submitted").text) == []

    def test_costs_the_same_whatever_the_number_of_rows(self, app, session, world):
        client = sign_in(app, world, "city_info")
        client.get("/review/list/?q=")  # Reads the catalogue.
        costs = []
        for size in (1, 8):
            with statements() as seen:
                client.get(f"/review/list/?_flt_0_state=city_accepted&psize_ReviewView={size}")
            costs.append(len(seen))

        assert costs[0] == costs[1]
        assert costs[1] <= 9

    def test_buttons_fit_the_state_that_is_shown(self, app, session, world):
        client = sign_in(app, world, "city_info")
        offered = {
            state: re.findall(r'id="bulk-ReviewView-(\w+)"|name="action" value="(\w+)"', page)
            for state in ("effective", "school_confirmed")
            for page in [client.get(f"/review/list/?_flt_0_state={state}").text]
        }
        names = {state: {a or b for a, b in found} for state, found in offered.items()}

        assert names == {
            "effective": {"accept", "require_correction"} | CLAIMS,
            "school_confirmed": {"approve", "return"} | CLAIMS,
        }

    def test_an_assistant_of_the_city_is_offered_no_act(self, app, session, world):
        client = sign_in(app, world, "city_assistant")

        page = client.get("/review/list/?_flt_0_state=school_confirmed").text

        assert "data-bulk" not in page
        ids = [world.teacher("U", "school_confirmed").id]
        assert act(client, "approve", ids, **{"approve-scope_checked": "1"}).status_code == 403


class TestMany:
    def test_each_file_is_decided_by_itself_and_listed(self, app, session, world):
        good, bad = (world.teacher("A1", "submitted", number) for number in (1, 2))
        with system():
            session.get(Teacher, bad.id).error_count = 1
            session.add(finding(bad, "error"))
            session.flush()
        client = sign_in(app, world, "school_head_A1")

        answer = act(client, "confirm", [good.id, bad.id])

        assert answer.status_code == 302
        page = client.get(answer.location).text
        assert states(session, good, bad) == ["school_confirmed", "submitted"]
        refused, _tile, done = page.rpartition('<div class="card-header">')
        assert f"/review/show/{bad.id}" in refused
        assert "不符" in refused
        assert f"/review/show/{good.id}" in done

    def test_everything_that_matches_is_counted_again(self, app, session, world):
        client = sign_in(app, world, "district_info_A")
        query = "_flt_0_state=school_confirmed"
        page = client.get(f"/review/list/?{query}").text
        count, checksum = hidden(page, "count"), hidden(page, "checksum")
        whole = {"select_all": "1", "count": count, "checksum": checksum}

        with system():
            session.execute(
                update(Teacher)
                .where(Teacher.id == world.teacher("A1", "school_confirmed").id)
                .values(state="submitted")
            )
        stale = act(client, "approve", query=query, **whole, **{"approve-scope_checked": "1"})

        assert stale.status_code == 409
        assert states(session, world.teacher("A1", "school_confirmed", 2)) == ["school_confirmed"]
        with system():
            session.execute(
                update(Teacher)
                .where(Teacher.id == world.teacher("A1", "school_confirmed").id)
                .values(state="school_confirmed")
            )
        answer = act(client, "approve", query=query, **whole, **{"approve-scope_checked": "1"})

        assert answer.status_code == 302
        files = [world.teacher(s, "school_confirmed", n) for s in ("A1", "A2") for n in (1, 2)]
        assert states(session, *files) == ["effective"] * 4
        assert states(session, world.teacher("B1", "school_confirmed")) == ["school_confirmed"]

    def test_another_set_of_the_same_size_is_noticed(self, app, session, world):
        client = sign_in(app, world, "school_head_A1")
        query = "_flt_0_state=submitted"
        page = client.get(f"/review/list/?{query}").text
        whole = {"select_all": "1", "count": hidden(page, "count")}
        whole["checksum"] = hidden(page, "checksum")
        with system():
            swapped = {"submitted": "school_confirmed", "school_confirmed": "submitted"}
            for before, after in swapped.items():
                file = world.teacher("A1", before)
                session.execute(update(Teacher).where(Teacher.id == file.id).values(state=after))

        assert act(client, "confirm", query=query, **whole).status_code == 409

    @pytest.mark.parametrize("everything", [False, True], ids=["marked", "all that match"])
    def test_a_file_returned_altered_and_sent_again_meanwhile_is_not_approved_unseen(
        self, app, session, world, everything
    ):
        moved, still = (world.teacher("A1", "school_confirmed", number) for number in (1, 2))
        client, query = sign_in(app, world, "district_info_A"), "_flt_0_state=school_confirmed"
        page = client.get(f"/review/list/?{query}").text
        sent = {"seen": re.findall(r'name="seen" value="([^"]+)"', page)}
        assert len(sent["seen"]) == 4
        if everything:
            names = ("count", "checksum")
            sent |= {"select_all": "1"} | {name: hidden(page, name) for name in names}
        with system():
            # Return, submission and confirmation: the same state, three versions later.
            session.execute(
                update(Teacher).where(Teacher.id == moved.id).values(version=Teacher.version + 3)
            )

        ids = [moved.id, still.id]
        answer = act(client, "approve", ids, query, **sent, **{"approve-scope_checked": "1"})

        if everything:
            assert answer.status_code == 409
            assert states(session, moved, still) == ["school_confirmed"] * 2
            return
        assert states(session, moved, still) == ["school_confirmed", "effective"]
        refused, _tile, _done = client.get(answer.location).text.rpartition("card-header")
        assert f"/review/show/{moved.id}" in refused

    def test_foreign_rows_are_ignored(self, app, session, world):
        own, foreign = world.teacher("A1", "submitted"), world.teacher("B1", "submitted")
        client = sign_in(app, world, "school_head_A1")

        answer = act(client, "confirm", [own.id, foreign.id])

        page = client.get(answer.location).text
        assert states(session, own, foreign) == ["school_confirmed", "submitted"]
        assert foreign.name not in page

    def test_the_tick_is_never_set_beforehand_and_is_needed(self, app, session, world):
        file = world.teacher("A1", "school_confirmed")
        client = sign_in(app, world, "district_info_A")
        page = client.get("/review/list/?_flt_0_state=school_confirmed").text
        box = re.search(r'<input[^>]*name="approve-scope_checked"[^>]*>', page)[0]

        answer = act(client, "approve", [file.id])

        assert "checked" not in box.replace("scope_checked", "")
        assert states(session, file) == ["school_confirmed"]
        told = client.get(answer.location).text
        assert file.name in told
        with system():
            job = session.scalars(select(Job).order_by(Job.id.desc())).first()
        assert (job.result["done"], job.result["refused"]) == (0, 1)

    def test_a_return_needs_its_reason(self, app, session, world):
        file = world.teacher("A1", "school_confirmed")
        client = sign_in(app, world, "district_info_A")

        assert act(client, "return", [file.id]).status_code == 422
        assert states(session, file) == ["school_confirmed"]
        assert act(client, "return", [file.id], **{"reason-return": "请核对"}).status_code == 302
        assert states(session, file) == ["returned"]

    def test_the_repeat_of_a_form_is_answered_with_its_first_result(self, app, session, world):
        file, key = world.teacher("A1", "submitted"), "k" * 32
        client = sign_in(app, world, "school_head_A1")

        first = act(client, "confirm", [file.id], submit_key=key)
        second = act(client, "confirm", [file.id], submit_key=key)

        assert first.location == second.location
        with system():
            steps = select(func.count()).where(
                Transition.object_id == file.id, Transition.step == "confirm"
            )
            assert session.scalar(steps) == 1

    def test_a_step_of_another_role_is_refused_for_each_file(self, app, session, world):
        file = world.teacher("A1", "submitted")
        client = sign_in(app, world, "school_info_A1")

        answer = act(client, "confirm", [file.id])

        assert states(session, file) == ["submitted"]
        with system():
            job = session.scalars(select(Job).order_by(Job.id.desc())).first()
        assert [each["status"] for each in job.result["failed"]] == [403]
        assert answer.status_code == 302

    def test_the_result_is_shown_to_nobody_else(self, app, session, world):
        client = sign_in(app, world, "school_head_A1")
        answer = act(client, "confirm", [world.teacher("A1", "submitted").id])
        other = sign_in(app, world, "school_info_A1")

        assert other.get(answer.location).status_code == 404


class TestJob:
    @pytest.fixture
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let three files be too many for one request, and two a batch."""
        monkeypatch.setattr(bulk, "LIMIT", 1)
        monkeypatch.setattr(bulk, "BATCH", 1)

    def ordered(self, app: Any, world: Any) -> int:
        """Order the confirmation of both submitted files of A1; returns the job."""
        actor = world.actor("school_head", "A1")
        with app.app_context(), acting_as(actor):
            session = db.session()
            keys = [world.teacher("A1", "submitted", number).id for number in (1, 2)]
            made = bulk.start(session, actor, "confirm", keys).id
            session.commit()
            db.session.remove()
        return made

    def test_too_many_files_are_decided_by_a_worker(self, live_app, world, small):
        key = self.ordered(live_app, world)
        client = sign_in(live_app, world, "school_head_A1")
        waiting = client.get(f"/review/outcome/{key}")

        work(live_app, once=True)

        ended = client.get(f"/review/outcome/{key}")
        assert 'data-poll="2"' in waiting.text
        assert "data-poll" not in ended.text
        assert world.teacher("A1", "submitted").name in ended.text
        with live_app.app_context(), system():
            job = db.session.get(Job, key)
            found = (job.state, job.done, job.result["done"], job.result["refused"])
            states_now = set(
                db.session.scalars(select(Teacher.state).where(Teacher.id.in_(job.args["ids"])))
            )
            db.session.remove()
        assert found == ("done", 2, 2, 0)
        assert states_now == {"school_confirmed"}

    def test_goes_on_after_the_batches_that_are_written(self, live_app, world, small):
        key = self.ordered(live_app, world)
        with live_app.app_context(), acting_as(world.actor("school_head", "A1")):
            session = db.session()
            job = session.get(Job, key)
            first = job.args["ids"][0]
            REVIEW.perform(
                session, first, "confirm", world.actor("school_head", "A1"), version=None
            )
            job.done, job.result = 1, {"done": 1, "refused": 0, "failed": []}
            session.commit()
            db.session.remove()

        work(live_app, once=True)

        with live_app.app_context(), system():
            result = db.session.get(Job, key).result
            db.session.remove()
        assert (result["done"], result["refused"]) == (2, 0)

    def test_can_be_stopped_and_gone_on_with(self, live_app, world, small):
        key = self.ordered(live_app, world)
        client = sign_in(live_app, world, "school_head_A1")
        token = token_of(client.get(f"/review/outcome/{key}").text)

        stopped = client.post(f"/review/outcome/{key}/cancel", data={"csrf_token": token})
        work(live_app, once=True)
        page = client.get(stopped.location).text
        resumed = client.post(f"/review/outcome/{key}/resume", data={"csrf_token": token_of(page)})
        work(live_app, once=True)

        assert f"/review/outcome/{key}/resume" in page
        assert resumed.status_code == 302
        with live_app.app_context(), system():
            assert db.session.get(Job, key).result["done"] == 2
            db.session.remove()


class TestPage:
    def test_walks_the_queue(self, app, session, world):
        client = sign_in(app, world, "district_info_A")
        query = "_flt_0_state=school_confirmed"
        order = shown(client.get(f"/review/list/?{query}").text)

        page = client.get(f"/review/show/{order[1]}?queue={query.replace('=', '%3D')}").text

        walked = dict(re.findall(r'href="/review/show/(\d+)[^"]*" data-shortcut="([jk])"', page))
        assert walked == {str(order[0]): "k", str(order[2]): "j"}

    @pytest.mark.parametrize("key", ["school_head_A1", "district_info_A", "city_info"])
    def test_shows_no_value_without_right(self, app, session, world, key):
        file = world.teacher("A1", "school_confirmed")

        answer = sign_in(app, world, key).get(f"/review/show/{file.id}")

        assert answer.status_code == 200
        world.assert_no_leak(answer, world.actors[key], place="file")

    def test_a_file_outside_the_scope_does_not_exist(self, app, session, world):
        client = sign_in(app, world, "district_info_B")

        foreign = client.get(f"/review/show/{world.teacher('A1', 'school_confirmed').id}")
        nobody = client.get("/review/show/999999999")

        assert foreign.status_code == nobody.status_code == 404

    def test_opening_is_on_record(self, app, session, world):
        file, actor = world.teacher("A1", "school_confirmed"), world.actor("district_info", "A")

        sign_in(app, world, "district_info_A").get(f"/review/show/{file.id}")

        with system():
            rows = session.scalars(
                select(Audit).where(Audit.act == "open_file", Audit.teacher_id == file.id)
            ).all()
        assert [row.account_id for row in rows] == [actor.account_id]

    def test_the_tick_beside_the_facts_is_not_set(self, app, session, world):
        file = world.teacher("A1", "school_confirmed")

        page = sign_in(app, world, "district_info_A").get(f"/review/show/{file.id}").text

        box = re.search(r'<input[^>]*name="scope_checked"[^>]*>', page)[0]
        assert "checked" not in box.replace("scope_checked", "")
        assert "在编" in page

    def test_deciding_leads_to_the_next_file(self, app, session, world):
        client = sign_in(app, world, "district_info_A")
        order = shown(client.get("/review/list/?_flt_0_state=school_confirmed").text)
        page = client.get(f"/review/show/{order[0]}?queue=_flt_0_state%3Dschool_confirmed").text

        answer = client.post(
            f"/flow/review/{order[0]}/approve",
            data={
                "csrf_token": token_of(page),
                "_version": hidden(page, "_version"),
                "scope_checked": "1",
                "next": hidden(page, "next").replace("&amp;", "&"),
            },
        )

        assert answer.location.startswith(f"/review/show/{order[1]}")

    def test_tells_what_changed_since_the_return(self, app, session, world):
        file = world.teacher("A1", "submitted")
        head, info = world.actor("school_head", "A1"), world.actor("school_info", "A1")
        with acting_as(head):
            REVIEW.perform(
                session,
                file.id,
                "return_to_teacher",
                head,
                version=None,
                reason="籍贯不符",
                fields={"basic.native_place": "与户口簿不符"},
            )
        change(session, file, native_place="110105", id_no="110199198007303100")
        with acting_as(info):
            REVIEW.perform(session, file.id, "submit", info, version=None, declared=True)
        client = sign_in(app, world, "school_head_A1")

        answer = client.get(f"/review/show/{file.id}")
        listed = client.get("/review/list/?_flt_0_state=submitted").text

        assert "籍贯不符" in answer.text
        assert "与户口簿不符" in answer.text
        assert re.search(r"<del>[^<]*东城区</del>", answer.text)
        assert re.search(r"<ins>[^<]*朝阳区</ins>", answer.text)
        assert file.id_no not in answer.text
        assert "2" in re.findall(r"(\d+) (?:处|value)", listed)


def change(session: Any, file: Any, **values: Any) -> None:
    """Change values of the basic draft of a file as an entry does, rules aside."""
    cls = TEACHER_SETS["basic"]
    with system():
        record = session.scalars(select(cls).where(cls.teacher_id == file.id)).one()
        for code, value in values.items():
            record.put(code, value)
        session.flush()


class TestComparison:
    def test_tells_added_removed_and_changed_records(self, session, world):
        file = world.teacher("A1", "submitted")
        head = world.actor("school_head", "A1")
        with acting_as(head):
            REVIEW.perform(session, file.id, "return_to_teacher", head, version=None, reason="核对")
        with system():
            teacher = session.get(Teacher, file.id)
            work_cls, skill = TEACHER_SETS["work"], TEACHER_SETS["skill"]
            gone = session.scalars(select(work_cls).where(work_cls.teacher_id == file.id)).first()
            session.delete(gone)
            changed = session.scalars(select(skill).where(skill.teacher_id == file.id)).one()
            changed.cert_no = "新证号"
            session.flush()
            fill(session, teacher, "ach_award", name="奖")

            found = compare.since_submission(session, teacher, world.catalog)

        kinds = {(each.set, each.kind) for each in found.records}
        assert ("work", "removed") in kinds
        assert ("skill", "changed") in kinds
        assert any(kind == "added" for _set, kind in kinds)
        lines = {f.indicator.code: (f.old, f.new) for r in found.records for f in r.fields}
        assert lines["cert_no"][1] == "新证号"

    def test_an_unchanged_file_has_no_difference(self, session, world):
        file, head = world.teacher("A1", "submitted"), world.actor("school_head", "A1")
        with acting_as(head):
            REVIEW.perform(session, file.id, "return_to_teacher", head, version=None, reason="核对")
        with system():
            teacher = session.get(Teacher, file.id)
            found = compare.since_submission(session, teacher, world.catalog)

        assert found.records == ()
        assert found.count == 0

    def test_a_first_submission_has_nothing_to_compare_with(self, session, world):
        with system():
            teacher = session.get(Teacher, world.teacher("A1", "submitted").id)
            assert compare.since_submission(session, teacher, world.catalog) is None

    def test_a_withdrawal_keeps_what_the_return_kept(self, session, world):
        file = world.teacher("A1", "submitted")
        head, info = world.actor("school_head", "A1"), world.actor("school_info", "A1")
        with acting_as(head):
            REVIEW.perform(session, file.id, "return_to_teacher", head, version=None, reason="核对")
        with acting_as(info):
            REVIEW.perform(session, file.id, "submit", info, version=None, declared=True)
            REVIEW.perform(session, file.id, "withdraw", info, version=None)

        with system():
            teacher = session.get(Teacher, file.id)
            assert compare.since_submission(session, teacher, world.catalog).step == (
                "return_to_teacher"
            )
