"""The REST contract: a file from its first value to the city's acceptance, and every refusal."""

from typing import Any

import pytest

from app.core.reference import structure
from app.indicators.values import as_text
from app.models.record import stored_indicators
from app.models.teacher import Teacher
from app.models.unit import Unit
from app.services import job as queue
from tests.factories import complete_file

API = "/api/v1"


class Caller:
    """A signed-in user of the API."""

    def __init__(self, client: Any, world: Any, key: str) -> None:
        self.client = client
        answer = client.post(
            f"{API}/security/login",
            json={"username": world.usernames[key], "password": world.password, "provider": "db"},
        )
        assert answer.status_code == 200, answer.json
        self.headers = {"Authorization": f"Bearer {answer.json['access_token']}"}

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(API + path, headers=self.headers, query_string=query)

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(API + path, headers=self.headers, json=body or {})

    def put(self, path: str, body: Any) -> Any:
        return self.client.put(API + path, headers=self.headers, json=body)

    def delete(self, path: str) -> Any:
        return self.client.delete(API + path, headers=self.headers)


@pytest.fixture
def call(client: Any, world: Any) -> Any:
    """Sign in as an actor of the world: call("school_info_A1")."""
    return lambda key: Caller(client, world, key)


def spelled(set_code: str, row: dict[str, Any], *, typed: bool) -> dict[str, str]:
    """The values of a row as a person or program sends them."""
    known = {item.code: item for item in stored_indicators(structure().sets[set_code])}
    return {
        code: as_text(known[code], value)
        for code, value in row.items()
        if code in known and value is not None and not (typed and known[code].read_only)
    }


def open_file(clerk: Caller, session: Any, world: Any, school: str = "A1") -> tuple[int, Any]:
    """Open and fill a complete file over the API; returns its id and the content."""
    unit = session.get(Unit, world.units[school].id, execution_options={"unscoped": True})
    content = complete_file(unit, world.catalog, name="张三丰")
    basic = spelled("basic", content.pop("basic")[0], typed=True)
    answer = clerk.post("/teacher/", {"basic": basic})
    assert answer.status_code == 201, answer.json
    key = answer.json["id"]
    filled = set()
    for set_code, rows in content.items():
        for row in rows:
            answer = clerk.post(f"/teacher/{key}/{set_code}", spelled(set_code, row, typed=True))
            assert answer.status_code == 201, (set_code, answer.json)
            filled.add(set_code)
    for entry in world.catalog.category_sets("primary_secondary"):
        if entry.multi_row and entry.code not in filled:
            answer = clerk.post(f"/teacher/{key}/{entry.code}", {"none": True})
            assert answer.status_code == 200, (entry.code, answer.json)
    return key, content


def test_a_file_goes_from_first_value_to_acceptance(call: Any, session: Any, world: Any) -> None:
    clerk, head = call("school_info_A1"), call("school_head_A1")
    district, city = call("district_info_A"), call("city_info")

    key, _content = open_file(clerk, session, world)
    clerk.post(f"/teacher/{key}/problem")
    version = clerk.get(f"/review/{key}").json["version"]
    done = clerk.post(f"/review/{key}/submit", {"version": version, "declared": True})
    assert done.status_code == 200, done.json
    assert done.json["state"] == "submitted"
    done = head.post(f"/review/{key}/confirm", {"version": done.json["version"]})
    assert done.status_code == 200, done.json
    done = district.post(
        f"/review/{key}/approve", {"version": done.json["version"], "scope_checked": True}
    )
    assert done.status_code == 200, done.json
    assert done.json["state"] == "effective"
    done = city.post(f"/review/{key}/accept", {"version": done.json["version"]})

    assert done.json["state"] == "city_accepted"
    number = city.get(f"/teacher/{key}").json["result"]["teacher_no"]
    assert len(number) == 10
    assert number.isdigit()


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
