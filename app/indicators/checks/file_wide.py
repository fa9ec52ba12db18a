"""DQ075 and DQ076: what is required and missing, and what no code table knows.

A value that stands although its `applicable_when` is not met is reported under DQ076, which runs
at every save, with a message of its own, unless another check (DQ014, DQ017, …) speaks of the
same field.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from flask_babel import gettext as _

from app.core.reference import Indicator
from app.indicators.catalog import Catalog, language
from app.indicators.checks.reading import is_filled
from app.indicators.checks.registry import Context, Hit, check
from app.indicators.completeness import completeness
from app.indicators.file import FileData, Row
from app.indicators.rules import Condition, codes_of
from app.indicators.values import is_selectable


@check("DQ075")
def nothing_required_is_missing(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Every required indicator that applies; sets without a record that have no answer."""
    lang = language()
    for each in completeness(file, ctx.catalog, side=ctx.side):
        if not ctx.wants(each.set):
            continue
        for record, code in each.missing:
            if code is None:
                yield Hit(f"{each.set}.", remedy=_unanswered(each.set, file, ctx.catalog, lang))
            else:
                item = ctx.catalog.indicator(each.set, code)
                remedy = _("Fill in “%(name)s”.", name=ctx.catalog.name(item, lang))
                yield Hit(item.key, record, remedy)


def _unanswered(set_code: str, file: FileData, catalog: Catalog, lang: str) -> str:
    name = catalog.name(catalog.set(set_code), lang)
    if set_code in file.none_sets:
        return _("“%(name)s” needs a record.", name=name)
    return _("Add a record to “%(name)s”, or answer “none to report”.", name=name)


@dataclass(frozen=True)
class _Column:
    code: str
    key: str
    allowed: frozenset[str] | None
    condition: Condition | None


_columns: "WeakKeyDictionary[Catalog, dict[str, dict[str, tuple[_Column, ...]]]]" = (
    WeakKeyDictionary()
)


def _columns_of(catalog: Catalog, category: str) -> dict[str, tuple[_Column, ...]]:
    by_category = _columns.setdefault(catalog, {})
    if category not in by_category:
        by_category[category] = {
            each.code: tuple(
                column
                for item in each.indicators
                if (column := _column(catalog, item, category)) is not None
            )
            for each in catalog.sets.values()
        }
    return by_category[category]


def _column(catalog: Catalog, item: Indicator, category: str) -> _Column | None:
    allowed = None
    if item.data_type == "code":
        codes = catalog.codes(catalog.table_of(item, category)).values()
        allowed = frozenset(code.code for code in codes if is_selectable(code))
    condition = catalog.condition(item)
    if allowed is None and condition is None:
        return None
    return _Column(item.code, item.key, allowed, condition)


@check("DQ076")
def codes_stand_in_their_tables(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Every code is in its table and no heading; what does not apply is blank."""
    columns = _columns_of(ctx.catalog, file.school.category)
    for set_code, rows in file.rows.items():
        if not ctx.wants(set_code):
            continue
        for row in rows:
            yield from _row_hits(file, set_code, row, columns[set_code], ctx)


def _row_hits(
    file: FileData, set_code: str, row: Row, columns: tuple[_Column, ...], ctx: Context
) -> Iterator[Hit]:
    for column in columns:
        value = row.values.get(column.code)
        if value is None:
            continue
        if column.allowed is not None and not _is_known(value, column.allowed):
            yield Hit(column.key, row.uuid, _("Choose a code of the list."))
        condition = column.condition
        idle = condition is not None and condition.holds(file.reader(set_code, row)) is False
        if condition is not None and idle and is_filled(value):
            yield _not_applicable(column, condition, row, ctx)


def _is_known(value: str, allowed: frozenset[str]) -> bool:
    return value in allowed or all(code in allowed for code in codes_of(value))


def _not_applicable(column: _Column, condition: Condition, row: Row, ctx: Context) -> Hit:
    asked = ctx.catalog.by_key[f"{condition.set}.{condition.field}"]
    message = _(
        "This field must be blank for the present choice of “%(name)s”",
        name=ctx.catalog.name(asked, language()),
    )
    return Hit(
        column.key, row.uuid, _("Clear it, or correct the choice."), message=message, weak=True
    )
