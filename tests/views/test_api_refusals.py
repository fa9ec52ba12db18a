"""The flows over HTTP against the tables of workflows: the refused steps change nothing."""

from typing import Any

import pytest

from app.access.actor import system
from app.access.roles import may_open
from app.models.teacher import Teacher
from tests.views.api_caller import Caller
from tests.workflows.tables import checksum, submitted_by
from tests.workflows.test_tables import BY_NAME, WALKS, Walk

# Those who see most, least, and something in between; each with their own and a foreign school.

pytestmark = pytest.mark.wide

CALLERS = ("city_info", "city_assistant", "district_info_A", "school_info_A1", "school_head_A1")


def all_rows(session: Any) -> str:
    """A checksum over every row but those of the audit log, which notes the refusals (SEC-43)."""
    return checksum(session, leave_out=("audit",))


PLACES = ("A1", "B1")


@pytest.mark.parametrize("walk", WALKS, ids=BY_NAME)
@pytest.mark.parametrize("key", CALLERS)
def test_every_step_from_every_state_answers_as_the_table_says(
    client: Any, session: Any, world: Any, key: str, walk: Walk
) -> None:
    actor, caller = world.actors[key], Caller(client, world.usernames[key])
    table = walk.table
    items = {school: walk.items(session, world, school) for school in PLACES}
    session.commit()
    before = all_rows(session)
    seen = set()
    for school in PLACES:
        for state, item in items[school].items():
            for name in table.steps:
                wanted = table.expected(actor, item, state, name, world)
                if wanted == 200:
                    continue
                inputs = {"version": 1, **table.inputs.get(name, {})}
                answer = caller.post(f"/{table.name}/{item.id}/{name}", inputs)
                # Who may take no step at all is stopped at the door, before anything is looked up.
                resource = table.name.title().replace("_", "")
                at_door = not may_open(actor.role, resource, "can_write")
                right = {wanted, 403} if at_door else {wanted}
                assert answer.status_code in right, (school, state, name, answer.json)
                seen.add(answer.status_code)

    assert all_rows(session) == before
    assert 403 in seen or 404 in seen


GUARDS = (
    ("school_info_A1", "draft", "submit", {"declared": False}, "declaration"),
    ("district_info_A", "school_confirmed", "approve", {}, "scope_checked"),
    ("district_info_A", "school_confirmed", "return", {"reason": " "}, "reason"),
    ("city_info", "effective", "require_correction", {"reason": ""}, "reason"),
    ("school_head_A1", "submitted", "return_to_teacher", {}, "reason"),
)


@pytest.mark.parametrize("case", GUARDS)
def test_a_guard_answers_422_with_its_code_and_changes_nothing(
    client: Any, session: Any, world: Any, case: tuple[str, str, str, dict[str, Any], str]
) -> None:
    key, state, name, inputs, code = case
    caller, file = Caller(client, world.usernames[key]), world.teacher("A1", state)
    version = caller.get(f"/review/{file.id}").json["version"]
    before = all_rows(session)

    answer = caller.post(f"/review/{file.id}/{name}", {"version": version, **inputs})

    assert answer.status_code == 422
    assert [each["code"] for each in answer.json["errors"]] == [code]
    assert answer.json["errors"][0]["message"]
    assert all_rows(session) == before


def test_what_the_table_allows_works_at_the_right_version_only(
    client: Any, session: Any, world: Any
) -> None:
    caller = Caller(client, world.usernames["school_head_A1"])
    file = world.teacher("A1", "submitted")
    with system():
        submitted_by(session, world.actors["school_info_A1"], file)
        version = session.get(Teacher, file.id).version
    before = all_rows(session)

    stale = caller.post(f"/review/{file.id}/confirm", {"version": version - 1})
    assert stale.status_code == 409
    assert all_rows(session) == before

    done = caller.post(f"/review/{file.id}/confirm", {"version": version})
    assert done.status_code == 200
    assert all_rows(session) != before
