"""Users of the API, and files that they open and fill in over it."""

from collections.abc import Callable
from typing import Any

from app.core.reference import structure
from app.indicators.values import as_text
from app.models.record import stored_indicators
from app.models.unit import Unit
from tests.factories import PASSWORD, complete_file

API = "/api/v1"


class Caller:
    """A signed-in user of the API."""

    def __init__(self, client: Any, username: str) -> None:
        self.client = client
        form = {"username": username, "password": PASSWORD, "provider": "db"}
        answer = client.post(f"{API}/security/login", json=form)
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


def spelled(set_code: str, row: dict[str, Any], *, typed: bool) -> dict[str, str]:
    """The values of a row as a person or program sends them."""
    known = {item.code: item for item in stored_indicators(structure().sets[set_code])}
    return {
        code: as_text(known[code], value)
        for code, value in row.items()
        if code in known and value is not None and not (typed and known[code].read_only)
    }


def step(caller: Caller, key: int, name: str, **inputs: Any) -> Any:
    """Take a step of a file at its present version; returns the answer."""
    version = caller.get(f"/review/{key}").json["version"]
    return caller.post(f"/review/{key}/{name}", {"version": version, **inputs})


def open_file(clerk: Caller, school: Unit, world: Any) -> tuple[int, Any]:
    """Open and fill a complete file over the API; returns its id and the content."""
    content = complete_file(school, world.catalog, name="张三丰")
    basic = spelled("basic", content["basic"][0], typed=True)
    answer = clerk.post("/teacher/", {"basic": basic})
    assert answer.status_code == 201, answer.json
    key = answer.json["id"]
    fill_sets(clerk, key, {code: rows for code, rows in content.items() if code != "basic"})
    answer_none(clerk, key, content, school, world)
    return key, content


def fill_sets(caller: Caller, key: int, content: Any) -> None:
    """Add every row of some sets."""
    for set_code, rows in content.items():
        for row in rows:
            sent = spelled(set_code, row, typed=True)
            if sent:
                answer = caller.post(f"/teacher/{key}/{set_code}", sent)
                assert answer.status_code == 201, (set_code, answer.json)


def answer_none(
    caller: Caller,
    key: int,
    content: Any,
    school: Unit,
    world: Any,
    *,
    mine: Callable[[Any], bool] = lambda entry: True,
) -> None:
    """Say of the sets without rows that there is nothing to report."""
    for entry in world.catalog.category_sets(school.category):
        if entry.multi_row and not content.get(entry.code) and mine(entry):
            answer = caller.post(f"/teacher/{key}/{entry.code}", {"none": True})
            assert answer.status_code == 200, (entry.code, answer.json)
