"""The description of the interface: where it is served, and that sets take what it says."""

from typing import Any

import pytest

from app.indicators.values import codes_for
from tests.views.api_caller import API, Caller

pytestmark = pytest.mark.wide

CATEGORY = "primary_secondary"  # That of school A1.


@pytest.fixture
def clerk(client: Any, world: Any) -> Caller:
    return Caller(client, world.usernames["school_info_A1"])


@pytest.fixture
def described(clerk: Caller) -> dict[str, Any]:
    answer = clerk.get("/_openapi")
    assert answer.status_code == 200
    return answer.json


def schemas_of(described: dict[str, Any], world: Any) -> dict[str, dict[str, Any]]:
    """The properties of the rows by set."""
    found = described["components"]["schemas"]
    names = {
        entry.code: "".join(part.title() for part in entry.code.split("_")) + "Row"
        for entry in world.catalog.teacher_sets
    }
    return {code: found[name]["properties"] for code, name in names.items()}


def test_it_is_served_where_the_product_says(described: dict[str, Any]) -> None:
    paths = described["paths"]

    for path, methods in {
        "/api/v1/me": {"get"},
        "/api/v1/todo": {"get"},
        "/api/v1/job/{pk}": {"get"},
        "/api/v1/teacher/": {"get", "post"},
        "/api/v1/teacher/{pk}": {"get"},
        "/api/v1/teacher/{pk}/{set_code}": {"get", "post"},
        "/api/v1/teacher/{pk}/{set_code}/{record_id}": {"put", "delete"},
        "/api/v1/review/{pk}": {"get"},
        "/api/v1/review/{pk}/{step}": {"post"},
        "/api/v1/review/bulk/{step}": {"post"},
        "/api/v1/security/login": {"post"},
    }.items():
        assert methods <= set(paths[path]), path


def test_nobody_signed_in_reads_it(client: Any) -> None:
    assert client.get(f"{API}/_openapi").status_code == 401


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]

    def references(node: Any) -> Any:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for child in node.values():
                yield from references(child)
        elif isinstance(node, list):
            for child in node:
                yield from references(child)

    named = [each for each in references(described) if "/schemas/" in each]
    assert "#/components/schemas/SetRow" in named
    assert [each for each in named if each.rpartition("/")[2] not in schemas] == []
    assert len(schemas["SetRow"]["anyOf"]) == 28


def test_a_set_takes_the_fields_that_its_schema_names_and_no_other(
    clerk: Caller, described: dict[str, Any], world: Any
) -> None:
    key = world.teacher("A1", "draft").id
    wrong = {}
    for set_code, fields in schemas_of(described, world).items():
        named = set(fields) - {"id", "version", "problems"}
        assert named == {item.code for item in world.catalog.indicators(set_code)}, set_code
        taken = {code for code in named if CATEGORY in fields[code].get("x-filled-by", ())}
        # Those that are taken go together; each of the others is refused by itself.
        for codes in (taken, *({code} for code in named - taken)):
            answer = clerk.post(f"/teacher/{key}/{set_code}", dict.fromkeys(codes))
            is_taken = answer.status_code in (200, 201, 422)
            if codes and is_taken != (codes <= taken):
                wrong[f"{set_code}: {sorted(codes)}"] = answer.status_code

    assert wrong == {}


def test_types_lengths_and_codes_are_those_of_the_catalogue(
    described: dict[str, Any], world: Any
) -> None:
    spelled_out = 0
    for set_code, fields in schemas_of(described, world).items():
        for item in world.catalog.indicators(set_code):
            said = fields[item.code]
            kinds = {"int": "integer", "decimal": "number", "bool": "boolean"}
            assert said["type"] == kinds.get(item.data_type, "string"), item.key
            if item.data_type != "code" and item.max_length:
                assert said["maxLength"] == item.max_length, item.key
            if "enum" in said:
                spelled_out += 1
                mine = {code.code for code in codes_for(item, CATEGORY, world.catalog)}
                if CATEGORY in said.get("x-filled-by", ()):
                    assert mine <= set(said["enum"]), item.key
    assert spelled_out > 50
    assert "enum" not in schemas_of(described, world)["basic"]["native_place"]
