"""The REST contract, address by address: what it takes, and every refusal."""

from typing import Any

import pytest

from app.access.actor import system
from app.models.teacher import Teacher
from app.models.unit import Unit
from app.services import job as queue
from tests.factories import make_account
from tests.views.api_caller import API, Caller, step


@pytest.fixture
def call(client: Any, world: Any) -> Any:
    """Sign in as an actor of the world: call("school_info_A1")."""
    return lambda key: Caller(client, world.usernames[key])


def test_nobody_signed_in_gets_401(client: Any) -> None:
    for path in ("/me", "/todo", "/teacher/", "/teacher/1", "/teacher/1/basic", "/review/1"):
        assert client.get(API + path).status_code == 401, path


def test_foreign_and_absent_files_answer_alike(call: Any, world: Any) -> None:
    clerk = call("school_info_A1")
    foreign = world.teacher("B1", "draft").id
    absent = 99_999_999

    for path in ("/teacher/{}/basic", "/teacher/{}/learning", "/review/{}", "/teacher/{}"):
        first, second = clerk.get(path.format(foreign)), clerk.get(path.format(absent))
        assert first.status_code == second.status_code == 404, path
        assert first.data == second.data, path


def test_a_teacher_cannot_write_core_sets(call: Any, session: Any, world: Any) -> None:
    teacher = call("teacher_A1")
    key = world.teacher("A1", "draft").id
    core = ("appraisal", "treatment", "ethics", "title")
    rows = {code: teacher.get(f"/teacher/{key}/{code}").json["result"] for code in core}

    for set_code, row in (
        ("appraisal", {"year": 2025, "result": "1"}),
        ("treatment", {"year": 2025, "annual_income": 1}),
        ("ethics", {"assess_result": "1"}),
        ("title", {"title": "BJ-S1"}),
    ):
        answer = teacher.post(f"/teacher/{key}/{set_code}", row)
        assert answer.status_code == 403, (set_code, answer.json)
        assert teacher.get(f"/teacher/{key}/{set_code}").json["result"] == rows[set_code]


def test_unknown_fields_and_bodies_are_malformed(call: Any, world: Any) -> None:
    clerk = call("school_info_A1")
    key = world.teacher("A1", "draft").id

    assert clerk.post(f"/teacher/{key}/learning", {"nonsense": 1}).status_code == 400
    assert clerk.post(f"/review/{key}/submit", {}).status_code == 400
    assert clerk.post(f"/review/{key}/submit", {"version": "x"}).status_code == 400
    assert clerk.post(f"/review/{key}/submit", {"version": 10**30}).status_code == 400
    assert clerk.post("/review/bulk/submit", {"ids": [key, 10**30]}).status_code == 400
    assert clerk.post(f"/review/{key}/submit", {"version": 1, "wild": 1}).status_code == 400
    assert clerk.post(f"/review/{key}/nonsense", {"version": 1}).status_code == 404
    assert clerk.get(f"/teacher/{key}/nonsense").status_code == 404


def test_a_bad_value_names_set_and_field(call: Any, world: Any) -> None:
    clerk = call("school_info_A1")
    key = world.teacher("A1", "draft").id

    answer = clerk.post(f"/teacher/{key}/learning", {"education": "99999", "start": "gestern"})

    assert answer.status_code == 422
    assert {e["field"] for e in answer.json["errors"]} == {"education", "start"}
    assert all(e["set"] == "learning" and e["message"] for e in answer.json["errors"])


def test_a_stale_version_is_refused_and_changes_nothing(
    call: Any, session: Any, world: Any
) -> None:
    head = call("school_head_A1")
    key = world.teacher("A1", "submitted").id

    answer = head.post(f"/review/{key}/confirm", {"version": 999})

    assert answer.status_code == 409
    state = session.get(Teacher, key, execution_options={"unscoped": True}).state
    assert state == "submitted"


def test_lists_are_masked_and_scoped(call: Any, world: Any) -> None:
    for key in ("school_info_A1", "district_info_A", "city_info", "teacher_A1"):
        caller = call(key)

        answer = caller.get("/teacher/", q="(page_size:100)")

        assert answer.status_code == 200, answer.json
        seen = {row["id"] for row in answer.json["result"]}
        foreign = {each.id for each in world.foreign_to(world.actors[key])}
        assert not seen & foreign
        assert seen
        world.assert_no_leak(answer, world.actors[key], place="list")


def test_bulk_decides_each_by_itself_and_ignores_foreign_ids(
    call: Any, session: Any, world: Any
) -> None:
    head = call("school_head_A1")
    mine, foreign = world.teacher("A1", "submitted"), world.teacher("B1", "submitted")
    wrong_state = world.teacher("A1", "draft")

    answer = head.post(
        "/review/bulk/confirm", {"ids": [mine.id, foreign.id, wrong_state.id, 99_999_999]}
    )

    status = {row["id"]: row["status"] for row in answer.json["results"]}
    assert status == {mine.id: 200, foreign.id: 404, wrong_state.id: 409, 99_999_999: 404}


def test_bulk_over_a_filter_recounts(call: Any, session: Any, world: Any) -> None:
    head = call("school_head_A1")
    q = "(filters:!((col:state,opr:eq,value:submitted)))"
    count = head.get("/teacher/", q=q).json["count"]

    refused = head.post("/review/bulk/confirm", {"filter": q, "count": count + 1})
    done = head.post("/review/bulk/confirm", {"filter": q, "count": count})

    assert refused.status_code == 409
    assert count > 0
    assert [row["status"] for row in done.json["results"]] == [200] * count


def test_filters_and_orders_outside_the_white_list_are_malformed(call: Any) -> None:
    caller = call("city_info")

    for q in (
        "(order_column:birth_year)",
        "(order_column:id_no_index)",
        "(filters:!((col:birth_year,opr:eq,value:1980)))",
        "(filters:!((col:id_no_index,opr:eq,value:x)))",
    ):
        assert caller.get("/teacher/", q=q).status_code == 400, q


def test_an_assignment_that_is_not_mine_gives_no_rights(call: Any, world: Any) -> None:
    caller = call("school_info_A1")
    other = world.actors["city_info"].assignment_id
    caller.headers["X-Assignment"] = str(other)

    assert caller.get("/teacher/").status_code in (401, 403)
    assert caller.get("/me").status_code in (401, 403)


def test_system_and_audit_administrators_open_no_file(call: Any, world: Any) -> None:
    key = world.teacher("A1", "effective").id

    for role in ("city_system", "city_audit", "district_system_A", "school_system_A1"):
        caller = call(role)
        assert caller.get(f"/teacher/{key}").status_code in (403, 404), role
        assert caller.get("/teacher/").status_code == 403, role


def test_the_result_of_a_job_is_its_owners_alone(call: Any, session: Any, world: Any) -> None:
    owner = world.actors["school_head_A1"]
    job = queue.record_done(session, "x", {}, {"files": 3}, owner=owner, total=3)
    session.commit()

    mine = call("school_head_A1").get(f"/job/{job.id}")
    theirs = call("city_system").get(f"/job/{job.id}")
    foreign = call("school_info_B1").get(f"/job/{job.id}")

    assert mine.json["result"] == {"files": 3}
    assert theirs.json["result"] is None
    assert foreign.status_code == 404


def first_row(caller: Any, key: int, set_code: str) -> dict[str, Any]:
    return caller.get(f"/teacher/{key}/{set_code}").json["result"][0]


def test_a_row_is_changed_and_deleted_at_the_version_that_was_read(call: Any, world: Any) -> None:
    clerk, key = call("school_info_A1"), world.teacher("A1", "draft").id
    row = first_row(clerk, key, "learning")
    address = f"/teacher/{key}/learning/{row['id']}"

    changed = clerk.put(address, {"version": row["version"], "major": "物理学"})
    stale = clerk.put(address, {"version": row["version"], "major": "化学"})
    kept = first_row(clerk, key, "learning")
    late = clerk.delete(f"{address}?version={row['version']}")
    gone = clerk.delete(f"{address}?version={kept['version']}")

    assert changed.status_code == 200, changed.json
    assert changed.json["major"] == "物理学"
    assert stale.status_code == 409
    assert kept["major"] == "物理学"
    assert late.status_code == 409
    assert gone.status_code == 200, gone.json
    assert clerk.get(f"/teacher/{key}/learning").json["count"] == 0


@pytest.mark.parametrize("version", ["x", "-1", "1e3"])
def test_a_version_that_is_no_number_is_malformed(call: Any, world: Any, version: str) -> None:
    clerk, key = call("school_info_A1"), world.teacher("A1", "draft").id
    row = first_row(clerk, key, "learning")

    refused = clerk.delete(f"/teacher/{key}/learning/{row['id']}?version={version}")

    assert refused.status_code == 400
    assert clerk.get(f"/teacher/{key}/learning").json["count"] == 1


def test_a_row_of_another_file_is_not_found(call: Any, world: Any) -> None:
    clerk, key = call("school_info_A1"), world.teacher("A1", "draft").id
    other = first_row(clerk, world.teacher("A1", "draft", 2).id, "learning")

    assert clerk.put(f"/teacher/{key}/learning/{other['id']}", {"major": "x"}).status_code == 404
    assert clerk.delete(f"/teacher/{key}/learning/{other['id']}").status_code == 404


def test_a_return_names_fields_that_the_school_reads(call: Any, world: Any) -> None:
    key = world.teacher("A1", "school_confirmed").id
    reasons = {"basic.native_place": "与户口簿不符", "ach_award": "缺证书"}

    unknown = step(call("district_info_A"), key, "return", reason="错", fields={"basic.x": "错"})
    done = step(call("district_info_A"), key, "return", reason="请核对", fields=reasons)
    seen = call("school_info_A1").get(f"/review/{key}").json

    assert unknown.status_code == 422
    assert unknown.json["errors"][0]["code"] == "field"
    assert done.status_code == 200, done.json
    assert seen["state"] == "returned"
    last = seen["history"][0]
    assert (last["step"], last["reason"], last["fields"]) == ("return", "请核对", reasons)
    assert "submit" in {each["step"] for each in seen["available"]}


def test_a_second_assignment_is_taken_by_its_header(call: Any, session: Any, world: Any) -> None:
    with system():
        school = session.get(Unit, world.units["B1"].id)
    own = world.actors["school_info_A1"]
    second = make_account(session, role="school_head", unit=school, account=own.account_id)
    caller = call("school_info_A1")

    me = caller.get("/me").json
    caller.headers["X-Assignment"] = str(second.assignment_id)
    other = caller.get("/me").json
    seen = {row["school_id"] for row in caller.get("/teacher/").json["result"]}

    assert me["assignment"]["id"] == own.assignment_id
    listed = {each["id"] for each in me["assignments"]}
    assert {own.assignment_id, second.assignment_id} <= listed
    assert other["assignment"]["role"] == "school_head"
    assert seen == {world.units["B1"].id}


def test_what_waits_is_what_the_queue_holds(call: Any, world: Any) -> None:
    head = call("school_head_A1")

    rows = {row["key"]: row for row in head.get("/todo").json["result"]}

    count = head.get("/teacher/", q="(filters:!((col:state,opr:eq,value:submitted)))").json["count"]
    assert count > 0
    assert count in {row["count"] for row in rows.values()}
    assert all(row["label"] for row in rows.values())


@pytest.mark.parametrize("q", ["!", "(a:", "(((", "(" * 3000, "'", "!(", "\x00", "%", "1", "!n"])
def test_a_query_that_is_no_rison_is_malformed(call: Any, q: str) -> None:
    head = call("school_head_A1")

    assert head.get("/teacher/", q=q).status_code == 400
    assert head.get(f"/teacher/{10**6}", q=q).status_code in (400, 404)
    assert head.post("/review/bulk/confirm", {"filter": q, "count": 0}).status_code == 400
