"""The tables of monitoring: units with figures that lead to their files, and the same as a file."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import get_template_attribute, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.models.round import Round
from app.models.unit import UnitKind
from app.services import monitor as service
from app.services.listed import Where, equals
from app.services.monitor import Line
from app.views.datamodel import Count
from app.views.listed import address
from app.views.listing import Arguments, Cell, Column, Listing, Row, address_of, sortable
from app.views.widgets import number_of, text_of

NAME = "MonitorView"  # The list in the arguments of its address.
LARGEST = 10_000
LABELS: Mapping[str, Any] = {
    "name": _l("Unit"),
    "schools": _l("Schools"),
    "behind": _l("Behind"),
    "expected": _l("On the rolls"),
    "filled": _l("Filled in"),
    "submitted": _l("Handed in"),
    "confirmed": _l("Confirmed"),
    "effective": _l("Effective"),
    "returned": _l("Returned"),
    "late": _l("Late"),
    "percent": _l("Complete"),
    "due": _l("Deadline"),
    "urged": _l("Last urged"),
}
SCHOOL_COLUMNS = ("name", *service.COUNTS, "percent", "due", "urged")
AUTHORITY_COLUMNS = ("name", "schools", "behind", *service.COUNTS, "percent")
DAYS = ("due", "urged")
BAD = ("returned", "late")


def _part(name: str) -> Any:
    return get_template_attribute("monitor/parts.html", name)


def schools(
    found: Sequence[Line],
    each: Round,
    urged: Mapping[int, datetime],
    arguments: Arguments,
    **more: Any,
) -> Listing:
    """Return the table of schools."""
    files = [where for where in service.files_of(each) if where.column == "active"]
    rows = []
    for line in found:
        where = (*files, equals("school", line.id))
        moment = urged.get(line.id)
        cells = [
            Cell(line.name),
            *_figures(line, where),
            Cell(_part("share")(line.percent, line.name)),
            Cell(_part("due")(line.due.isoformat(), bool(line.overdue), line.is_extended), "date"),
            Cell(text_of(clock.local(moment).date()) if moment else "", "date"),
        ]
        rows.append(Row(line.id, address_of("UnitView", "show", pk=line.id), cells, name=line.name))
    return _listing(SCHOOL_COLUMNS, rows, arguments, **more)


def authorities(
    found: Sequence[Line],
    each: Round,
    names: Mapping[int, Any],
    arguments: Arguments,
    **more: Any,
) -> Listing:
    """Return the table of authorities, as the city sees it."""
    files = service.files_of(each)
    rows = []
    for line in found:
        is_city = line.kind == UnitKind.CITY
        name = _("Units run by the city") if is_city else str(names.get(line.id, line.name))
        inside = url_for("MonitorView.list", round=each.id, authority=line.id)
        cells = [Cell(name), *_school_figures(line, each, inside)]
        cells += _figures(line, _with(files, equals("authority_id", line.id)))
        cells.append(Cell(_part("share")(line.percent, name)))
        rows.append(Row(line.id, inside, cells, name=name))
    return _listing(AUTHORITY_COLUMNS, rows, arguments, count=Count(len(rows), True), **more)


def total(found: Iterable[Line], each: Round) -> list[Cell]:
    """Return the sums of the table of authorities, each with its list."""
    lines = list(found)
    names = ("schools", "behind", *service.COUNTS)
    sums = {name: sum(getattr(line, name) for line in lines) for name in names}
    behind = url_for("MonitorView.list", round=each.id, show="behind")
    files = service.files_of(each)
    percent = 100 * sums["effective"] // sums["expected"] if sums["expected"] else 0
    return [
        Cell(number_of(sums["schools"]), "number"),
        Cell(
            _part("figure")(number_of(sums["behind"]), behind if sums["behind"] else ""), "number"
        ),
        *(_figure(name, sums[name], files) for name in service.COUNTS),
        Cell(_part("share")(percent, _("Total"))),
    ]


def _school_figures(line: Line, each: Round, inside: str) -> list[Cell]:
    behind = url_for("MonitorView.list", round=each.id, authority=line.id, show="behind")
    draw = _part("figure")
    return [
        Cell(draw(number_of(line.schools), inside), "number"),
        Cell(draw(number_of(line.behind), behind if line.behind else ""), "number"),
    ]


def _figures(line: Line, where: Sequence[Where]) -> list[Cell]:
    return [_figure(name, getattr(line, name), where) for name in service.COUNTS]


def _figure(name: str, value: int, where: Sequence[Where]) -> Cell:
    """Return a number as the link to the files it counts."""
    href = address("teacher", (*where, *service.COUNTED[name])) if value else ""
    return Cell(_part("figure")(number_of(value), href, name in BAD and value > 0), "number")


def _with(where: Sequence[Where], condition: Where) -> tuple[Where, ...]:
    """Add a condition unless the round itself says it."""
    return (*where, condition) if condition not in where else tuple(where)


def _listing(names: Sequence[str], rows: list[Row], arguments: Arguments, **more: Any) -> Listing:
    columns = [
        Column(name, LABELS[name], "date")
        if name == "urged"
        else sortable(NAME, name, LABELS[name], _kind(name), arguments)
        for name in names
    ]
    return Listing(
        name=NAME,
        title=_("Monitoring"),
        columns=columns,
        rows=rows,
        arguments=arguments,
        bulk_limit=LARGEST,
        **more,
    )


def _kind(name: str) -> str:
    if name in DAYS:
        return "date"
    return "text" if name in ("name", "percent") else "number"


def file_headings() -> list[str]:
    """Return the headings of the file."""
    first = [_("Code"), _("Unit"), _("Authority")]
    return first + [str(LABELS[name]) for name in SCHOOL_COLUMNS[1:]]


def file_row(line: Line, names: Mapping[int, Any], urged: datetime | None) -> list[Any]:
    """Return one school as a row of the file."""
    return [
        line.code,
        line.name,
        str(names.get(line.authority_id or 0, "")),
        *(getattr(line, name) for name in service.COUNTS),
        f"{line.percent}%",
        line.due.isoformat(),
        text_of(urged) if urged else "",
    ]
