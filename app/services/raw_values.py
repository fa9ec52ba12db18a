"""What people enter: raw values read, defaults, and what does not apply by the other answers."""

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from flask_babel import gettext as _

from app.access.fields import SET_BY_FLOWS
from app.core.errors import Malformed, Problem
from app.core.reference import IndicatorSet
from app.indicators.catalog import Catalog
from app.indicators.rules import Condition
from app.indicators.values import BadValue, parse

# Without these values of the basic set no file is opened.
IDENTITY = ("name", "id_doc_type", "id_no", "sex", "birth_date")


def parse_values(
    catalog: Catalog, set_code: str, raw: Mapping[str, Any], category: str | None = None
) -> tuple[dict[str, Any], list[Problem]]:
    """Read raw values by indicator code; returns the values and a problem per bad one."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    known = {item.code: item for item in catalog.set(set_code).indicators}
    for code, given in raw.items():
        if code not in known:
            raise Malformed(
                problems=[Problem("field", _("There is no such field."), set=set_code, field=code)]
            )
        try:
            values[code] = parse(known[code], given, catalog, category=category)
        except BadValue as bad:
            problems.append(bad.problem(known[code]))
    return values, problems


def default_values(catalog: Catalog, set_code: str, category: str) -> dict[str, Any]:
    """The default values of the collected indicators of a set."""
    return {
        item.code: parse(item, item.default, catalog)
        for item in catalog.set(set_code).indicators
        if item.default
        and not item.read_only
        and item.key not in SET_BY_FLOWS
        and catalog.rule(set_code, item.code, category).collected
        and not item.applicable_when
    }


def missing_identity(values: Mapping[str, Any], catalog: Catalog) -> list[Problem]:
    """A problem for each value without which no file can be opened."""
    return [
        Problem(
            "DQ075",
            _(
                "%(name)s is needed to open a file.",
                name=catalog.name(catalog.indicator("basic", c)),
            ),
            set="basic",
            field=c,
        )
        for c in IDENTITY
        if values.get(c) in (None, "")
    ]


def clear_inapplicable(record: Any, catalog: Catalog) -> None:
    """Empty what does not apply any more after an answer of the same row changed."""
    for code in inapplicable(record.indicator_set, record.values(), catalog):
        record.put(code, None)


def inapplicable(entry: IndicatorSet, values: Mapping[str, Any], catalog: Catalog) -> list[str]:
    """The filled indicators of a row that do not apply by the answers of the same row."""
    conditions = _own_conditions(entry.code, catalog)
    left, found = dict(values), []

    def read(_set: str, asked: str) -> Any:
        return left.get(asked)

    # Once more after each round: an answer that goes may have been what another one hung on.
    while idle := [
        code
        for code, condition in conditions.items()
        if left.get(code) is not None and not condition.holds(read)
    ]:
        found += idle
        left |= dict.fromkeys(idle)
    return found


_conditions: "WeakKeyDictionary[Catalog, dict[str, dict[str, Condition]]]" = WeakKeyDictionary()


def _own_conditions(set_code: str, catalog: Catalog) -> dict[str, Condition]:
    """The conditions that ask for an answer of the same set, by indicator code."""
    kept = _conditions.setdefault(catalog, {})
    if set_code not in kept:
        kept[set_code] = {
            item.code: condition
            for item in catalog.set(set_code).indicators
            if (condition := catalog.condition(item)) is not None and condition.set == set_code
        }
    return kept[set_code]
