"""Charts: the database groups, the browser draws, and every bar leads to the list behind it."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from flask import Response, jsonify, request, url_for
from flask_appbuilder import GroupByChartView
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from sqlalchemy import func
from werkzeug.datastructures import MultiDict

from app.core.errors import NotFound
from app.views.datamodel import EQUAL, Datamodel
from app.views.declared import Declared, OwnFilters
from app.views.listing import address_of, chips_of, link, read_filters
from app.views.model_form import search_form_of
from app.views.widgets import ChartFigure, FilterPanel, text_of

KINDS = ("bar", "hbar", "pie", "stacked", "line", "map")
DANGEROUS = "=+-@\t\r\n\0"  # A spreadsheet would read a cell that begins so as a formula.


@dataclass(frozen=True)
class ChartRow:
    """One bar: name, figure and the list behind it; `code` joins a map, `parts` are its series."""

    label: str
    value: float
    href: str = ""
    code: str = ""
    parts: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Chart:
    """A chart as page, JSON and CSV show it. `kind` is one of KINDS."""

    name: str
    kind: str
    title: Any
    label: Any
    measure: Any
    rows: list[ChartRow] = field(default_factory=list)
    series: tuple[str, ...] = ()
    data_url: str = ""
    csv_url: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the body of the JSON answer; never options of the drawing library."""
        words = {name: str(getattr(self, name)) for name in ("title", "label", "measure")}
        rows = [asdict(row) for row in self.rows]
        return {"kind": self.kind, **words, "series": list(self.series), "rows": rows}

    def as_csv(self) -> str:
        """Return the rows as CSV with a byte order mark, which Excel needs to read Chinese."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow([str(self.label), str(self.measure), *self.series])
        for row in self.rows:
            label = f"'{row.label}" if row.label[:1] in tuple(DANGEROUS) else row.label
            writer.writerow([label, row.value, *(part["value"] for part in row.parts)])
        return "\ufeff" + text.getvalue()

    def response(self) -> Response:
        """Answer the request for the data of this chart: JSON, or CSV when it is asked for."""
        if request.args.get("format") != "csv":
            return jsonify(self.as_json())
        headers = {"Content-Disposition": f"attachment; filename={self.name}.csv"}
        return Response(self.as_csv(), mimetype="text/csv", headers=headers)


class BaseChartView(Declared, OwnFilters, GroupByChartView, abstract=True):
    """Generated chart views: a definition names what is grouped and counted.

    `definitions` are dicts: `name`, `group` (column), `label`; optional `title`, `kind` (one of
    KINDS), `measure` (what is counted), `split` (second column: a series per value), `top` (the
    largest n). `list_view` names the view that a click on a bar opens, filtered to it.
    """

    must_declare: ClassVar[tuple[str, ...]] = (
        "datamodel",
        "class_permission_name",
        "search_columns",
        "definitions",
    )
    chart_template = "appbuilder/general/charts/jsonchart.html"
    chart_widget = ChartFigure
    list_view: str | None = None
    code_columns: Mapping[str, Any] = {}
    remote_columns: Mapping[str, str] = {}
    list_kinds: Mapping[str, str] = {}
    measure: Any = ""

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(abstract=abstract, **kwargs)
        if not abstract and not isinstance(cls.datamodel, Datamodel):
            raise TypeError(f"{cls.__name__}.datamodel must be a Datamodel")

    def __init__(self, **kwargs: Any) -> None:
        # Flask-AppBuilder asks for series that it would count in Python.
        self.definitions = [{"series": [], **each} for each in self.definitions]
        super().__init__(**kwargs)

    def _init_properties(self) -> None:
        declared = list(type(self).search_columns)
        super()._init_properties()
        self.search_columns = declared
        self._filters = self.datamodel.get_filters(declared)

    def _init_forms(self) -> None:
        self.search_form = self.search_form or search_form_of(self, self.label_columns)

    @expose("/chart/<int:group_by>")
    @expose("/chart/")
    @has_access
    def chart(self, group_by: int = 0) -> Any:
        if group_by >= len(self.definitions):
            raise NotFound()
        filters = read_filters(self._filters, request.args)
        chart = self.draw(self.definitions[group_by], filters)
        name = type(self).__name__
        return self.render_template(
            self.chart_template,
            title=self.chart_title,
            chart=chart,
            choices=[
                (str(each.get("title") or each["label"]), self._page_url(i), i == group_by)
                for i, each in enumerate(self.definitions)
            ],
            chips=chips_of(filters, self.label_columns, self._word, name),
            clear_url=link([n for n in request.args if n.startswith("_flt_")]),
            widgets={
                "chart": self.chart_widget(chart=chart),
                "search": FilterPanel(
                    form=self.search_form.refresh(),
                    include_cols=self.search_columns,
                    filters=filters,
                ),
            },
        )

    @expose("/data/<name>")
    @has_access
    def data(self, name: str) -> Response:
        """Answer with one chart as JSON or CSV."""
        found = next((each for each in self.definitions if each["name"] == name), None)
        if found is None:
            raise NotFound()
        return self.draw(found, read_filters(self._filters, request.args)).response()

    def draw(self, definition: Mapping[str, Any], filters: Any) -> Chart:
        """Return the chart of a definition over the rows that the filters let through."""
        query = self.datamodel.rows(filters.get_joined_filters(self._base_filters)).order_by(None)
        address = url_for(f"{self.endpoint}.data", name=definition["name"])
        here = request.query_string.decode()
        series, rows = self.rows(definition, query)
        return Chart(
            name=definition["name"],
            kind=definition.get("kind", "bar"),
            title=definition.get("title") or definition["label"],
            label=definition["label"],
            measure=definition.get("measure") or self.measure,
            rows=rows[: definition.get("top", len(rows))],
            series=series,
            data_url=f"{address}?{here}" if here else address,
            csv_url=f"{address}?{here}&format=csv" if here else f"{address}?format=csv",
        )

    def rows(self, definition: Mapping[str, Any], query: Any) -> tuple[tuple[str, ...], list]:
        """Return the names of the series and the rows, grouped by the database."""
        group, split = definition["group"], definition.get("split")
        columns = [getattr(self.datamodel.obj, name) for name in (group, split) if name]
        found = query.with_entities(*columns, func.count()).group_by(*columns).all()
        totals: dict[Any, int] = {}
        for key, *_rest, number in found:
            totals[key] = totals.get(key, 0) + number
        keys = self._in_order(group, totals)
        if not split:
            return (), [self._row(group, key, totals[key]) for key in keys]
        cells = {(key, part): number for key, part, number in found}
        parts = self._in_order(split, dict.fromkeys(part for _key, part in cells))
        rows = [
            self._row(group, key, totals[key], [(split, p, cells.get((key, p), 0)) for p in parts])
            for key in keys
        ]
        return tuple(self._name(split, part) for part in parts), rows

    def _row(self, group: str, key: Any, total: int, parts: Iterable[Any] = ()) -> ChartRow:
        code = str(getattr(key, "value", key) or "")
        return ChartRow(
            self._name(group, key),
            total,
            self.href({group: key}),
            code,
            tuple({"value": n, "href": self.href({group: key, s: p})} for s, p, n in parts),
        )

    def href(self, equals: Mapping[str, Any]) -> str:
        """Return the list behind a bar: its own value, and the filters of the page."""
        if not self.list_view or None in equals.values():
            return ""
        own = {
            f"_flt_{EQUAL}_{column}": getattr(value, "value", value)
            for column, value in equals.items()
        }
        others = MultiDict(request.args)
        kept = {n: others.getlist(n) for n in others if n.startswith("_flt_") and n not in own}
        return address_of(self.list_view, "list", **kept, **own)

    def _in_order(self, column: str, totals: Mapping[Any, Any]) -> list[Any]:
        """Return the keys in the order of their code table, else the largest first."""
        if column in self.code_columns:
            order = {code: i for i, (code, _name) in enumerate(self.code_columns[column]())}
            return sorted(totals, key=lambda key: order.get(getattr(key, "value", key), len(order)))
        return sorted(totals, key=lambda key: (-(totals[key] or 0), str(key)))

    def _name(self, column: str, key: Any) -> str:
        if key in (None, ""):
            return _("Not given")
        if column in self.code_columns:
            names = {code: str(name) for code, name in self.code_columns[column]()}
            return names.get(getattr(key, "value", key), text_of(key))
        return text_of(key)

    def _word(self, column: str, value: str) -> str:
        return self._name(column, value)

    def _page_url(self, index: int) -> str:
        address = url_for(f"{self.endpoint}.chart", group_by=index)
        here = request.query_string.decode()
        return f"{address}?{here}" if here else address
