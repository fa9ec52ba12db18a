"""What the API classes share: reading a JSON body, writing values under the field rights."""

from decimal import Decimal
from typing import Any

from flask import request
from flask_appbuilder.api import BaseApi

from app.access.actor import Actor
from app.access.fields import View, view_on_file
from app.core.errors import Malformed, Problem
from app.core.reference import Indicator
from app.core.sealed import REMEDY, UNREADABLE
from app.core.whole import is_whole
from app.indicators.catalog import Catalog
from app.indicators.values import mask
from app.views.declared import Declared


class Api(Declared, BaseApi, abstract=True):
    """A REST resource of its own addresses; tokens only, no cookies, hence no CSRF token."""

    version = "v1"


def body(*, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """The JSON object of the request. Raises Malformed with the missing name."""
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise Malformed()
    for name in required:
        if name not in given:
            raise Malformed(problems=[Problem("required", name, field=name)])
    return given


def whole(value: Any, name: str) -> int | None:
    """A whole number of the body, or None. Raises Malformed naming the field."""
    if value is None or is_whole(value):
        return value
    raise Malformed(problems=[Problem("number", name, field=name)])


def plain(value: Any) -> Any:
    """A value as JSON: dates as YYYY-MM-DD, decimals as numbers, codes and months as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def shown(actor: Actor, indicator: Indicator, value: Any) -> Any:
    """A value as the actor may see it over the API: masked unless the field right says whole; null
    where it cannot be read."""
    if value is None or value is UNREADABLE:
        return None
    if view_on_file(actor, indicator) is View.WHOLE:
        return plain(value)
    return mask(indicator, value)


def row_body(actor: Actor, record: Any, category: str, catalog: Catalog) -> dict[str, Any]:
    """One row of a set: id (stable for life), version, and the values by indicator code.

    A value that cannot be read is null, and `problems`, which is there only then, says so.
    """
    items = [
        item
        for item in record.indicator_set.indicators
        if view_on_file(actor, item) is not View.HIDDEN
        and catalog.rule(item.set, item.code, category).collected
    ]
    values = {item.code: record.value(item.code) for item in items}
    answer = {"id": record.uuid, "version": record.version}
    answer |= {item.code: shown(actor, item, values[item.code]) for item in items}
    lost = [
        Problem("unreadable", REMEDY, set=item.set, field=item.code, record=record.uuid).as_dict()
        for item in items
        if values[item.code] is UNREADABLE
    ]
    return answer | ({"problems": lost} if lost else {})
