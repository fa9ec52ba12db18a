"""`/api/v1/_openapi`: the description of the interface, with the rows of every set out of the
catalogue in force."""

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import current_app, request
from flask_appbuilder.api import BaseApi, expose, protect
from flask_appbuilder.api.manager import resolver

from app.access.fields import SET_BY_FLOWS
from app.core.reference import Indicator, IndicatorSet
from app.extensions import db
from app.indicators.catalog import Catalog, catalog, language
from app.indicators.values import codes_for
from app.views.api.base import Api

MANY_CODES = 60  # A longer code table is named and not spelled out.
TYPES: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "decimal": {"type": "number"},
    "bool": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "year_month": {"type": "string", "pattern": r"^\d{4}-\d{2}$"},
    "email": {"type": "string", "format": "email"},
}


class OpenApi(Api):
    """The description itself, for whoever is signed in."""

    route_base = "/api/v1"
    class_permission_name = "Me"
    openapi_spec_tag = "OpenAPI"

    @expose("/_openapi", methods=["GET"])
    @protect()
    def get(self) -> Any:
        """Return the OpenAPI description of this interface.
        ---
        get:
          responses:
            200: {description: The description}
            401: {description: Not signed in}
        """
        spec = APISpec(
            title=current_app.config["APP_NAME"],
            version=self.version,
            openapi_version="3.0.3",
            plugins=[MarshmallowPlugin(schema_name_resolver=resolver)],
            servers=[{"url": request.host_url.rstrip("/")}],
        )
        for name, schema in schemas(catalog(db.session())).items():
            spec.components.schema(name, schema)
        for api in self.appbuilder.baseviews:
            if isinstance(api, BaseApi):
                api.add_api_spec(spec)
        return self.response(200, **spec.to_dict())


def schemas(known: Catalog) -> dict[str, dict[str, Any]]:
    """A schema per set of a teacher's file, and `SetRow`, which is one of them."""
    found = {schema_name(entry.code): row_schema(entry, known) for entry in known.teacher_sets}
    places = [{"$ref": f"#/components/schemas/{name}"} for name in found]
    return {**found, "SetRow": {"anyOf": places}}


def schema_name(set_code: str) -> str:
    """The name of the schema of a set: ach_award -> AchAwardRow."""
    return "".join(part.title() for part in set_code.split("_")) + "Row"


def row_schema(entry: IndicatorSet, known: Catalog) -> dict[str, Any]:
    """One row: its id and version, and what the set asks for."""
    return {
        "type": "object",
        "title": known.name(entry, language()),
        "additionalProperties": False,
        "properties": {
            "id": {"type": "string", "readOnly": True},
            "version": {"type": "integer"},
            # There only where a stored value cannot be read, which is null then.
            "problems": {"type": "array", "items": {"type": "object"}, "readOnly": True},
            **{item.code: _property(item, known) for item in entry.indicators},
        },
    }


def _property(item: Indicator, known: Catalog) -> dict[str, Any]:
    """One value: how it is sent, and who fills it in per school category (`x-filled-by`)."""
    found = {
        **TYPES.get(item.data_type, {"type": "string"}),
        "title": known.name(item, language()),
        "nullable": True,
    }
    if item.data_type == "code":
        found |= _choices(item, known)
    elif item.max_length:
        found["maxLength"] = item.max_length
    if item.read_only or item.key in SET_BY_FLOWS:
        return found | {"readOnly": True}
    return found | {"x-filled-by": _filled_by(item, known)}


def _choices(item: Indicator, known: Catalog) -> dict[str, Any]:
    codes = dict.fromkeys(
        code.code
        for category in known.categories
        if known.collected(item.set, item.code, category)
        for code in codes_for(item, category, known)
    )
    found: dict[str, Any] = {"x-code-table": item.code_table}
    if item.multi_value:
        # Several codes of one value are joined by commas: "01,03".
        return found | {"x-multiple": True}
    return found | ({"enum": [*codes, None]} if codes and len(codes) <= MANY_CODES else {})


def _filled_by(item: Indicator, known: Catalog) -> dict[str, str]:
    rules = {each: known.rule(item.set, item.code, each) for each in known.categories}
    return {
        category: "school" if item.core else rule.filled_by
        for category, rule in rules.items()
        if rule.collected
    }
