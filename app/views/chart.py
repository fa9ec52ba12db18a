"""Charts: the database groups, the browser draws, and every bar leads to the list behind it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlencode

from flask import jsonify, request, url_for
from flask_appbuilder import GroupByChartView
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from app.access.actor import Actor, current_actor
from app.core import clock
from app.core.errors import Malformed, NotFound
from app.indicators.catalog import catalog, language
from app.reports.dimensions import Dimension, Test, Words
from app.reports.figures import REST, Bar, Cell, Figures, Tests, count_by, drawn
from app.views.datamodel import COUNT_CAP, EQUAL, AtLeast, AtMost, Datamodel, Empty, OneOf
from app.views.declared import Declared, OwnFilters, counts
from app.views.listing import FILTER, address_of, chips_of, link, read_filters
from app.views.model_form import search_form_of
from app.views.widgets import ChartFigure, FilterPanel, text_of

KINDS = ("bar", "hbar", "pie", "stacked", "line", "map")
EVERYTHING = "all"  # The argument that drops the population of a chart.
OPERATORS: Mapping[str, type] = {"one_of": OneOf, "from": AtLeast, "to": AtMost, "empty": Empty}


@dataclass(frozen=True)
class ChartRow:
    """One bar: name, figure and the list behind it.

    `code` joins a map, `parts` are its series, `tint` is a colour that charts.js knows by name.
    """

    label: str
    value: float
    href: str = ""
    code: str = ""
    tint: str = ""
    parts: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Chart:
    """A chart as page, JSON, CSV and xlsx show it.

    `kind` is one of KINDS. `rows` are all rows, for tables and files; `drawn` those that a drawing
    has room for. `note` says what was counted and when.
    """

    name: str
    kind: str
    title: Any
    label: Any
    measure: Any
    rows: list[ChartRow] = field(default_factory=list)
    drawn: list[ChartRow] = field(default_factory=list)
    series: tuple[str, ...] = ()
    tints: tuple[str, ...] = ()
    total: float = 0
    total_url: str = ""
    note: Any = ""
    data_url: str = ""
    page_url: str = ""

    @property
    def csv_url(self) -> str:
        return self._file_url("csv")

    @property
    def xlsx_url(self) -> str:
        return self._file_url("xlsx")

    def _file_url(self, kind: str) -> str:
        return f"{self.data_url}{'&' if '?' in self.data_url else '?'}format={kind}"

    def share(self, value: float) -> str:
        """Return a figure as percentage of the total."""
        return f"{100 * value / self.total:.1f}%" if self.total else ""

    def as_json(self) -> dict[str, Any]:
        """Return the body of the JSON answer; never options of the drawing library."""
        words = {name: str(getattr(self, name)) for name in ("title", "label", "measure")}
        rows = [asdict(row) for row in self.drawn or self.rows]
        series = {"series": list(self.series), "tints": list(self.tints)}
        return {"kind": self.kind, **words, **series, "rows": rows}

    @property
    def headings(self) -> list[str]:
        """The columns of the file: name, series, figure."""
        figure = _("Total") if self.series else str(self.measure)
        return [str(self.label), *self.series, figure]

    def lines(self) -> Iterator[list[Any]]:
        """Yield the rows of the file, the total last."""
        for row in self.rows:
            yield [row.label, *(part["value"] for part in row.parts), row.value]
        yield [_("Total"), *self.sums, self.total]

    @property
    def sums(self) -> list[float]:
        """The total of each series."""
        columns = zip(*([part["value"] for part in row.parts] for row in self.rows), strict=True)
        return [sum(column) for column in columns]

    def response(self) -> Any:
        """Answer the request for the data of this chart: JSON, or the file that is asked for."""
        kind = request.args.get("format", "json")
        if kind == "json":
            return jsonify(self.as_json())
        if kind not in ("csv", "xlsx"):
            raise Malformed(_("This format is not offered."))
        # The writers of files are loaded when the first file is asked for.
        from app.exchange import export  # noqa: PLC0415

        send = {"csv": export.stream_csv, "xlsx": export.write_xlsx}[kind]
        return send(self.headings, self.lines(), name=str(self.title), notice=str(self.note))


class Choice(NamedTuple):
    """A link to another chart or another population of the same page."""

    label: Any
    href: str
    here: bool


class BaseChartView(Declared, OwnFilters, GroupByChartView, abstract=True):
    """Generated chart views: a definition names what is grouped and counted.

    `definitions` are dicts: `name`, `title`, `group` (a Dimension of app.reports, or a function
    that gives one for actor and filters); optional `label` (heading of the bars, where the
    dimension has no indicator), `kind` (one of KINDS), `measure` (what is counted), `split` (a
    Dimension: one series per bar of it), `note` (what a reader must know), `top` (how many bars
    are drawn where the largest come first), `missing` (False: "not given" is not drawn), `tints`
    (colours by key of series or bar), `tiers` (who has the chart), `population` and `counted`
    (instead of those of the view).

    `population` are filter arguments that hold for columns which the page does not filter by,
    until everything is asked for; `always` are those that no page lifts. `population_label` and
    `everything_label` name the two. `list_view` names the view that a click opens, filtered to
    exactly the rows of the bar.
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
    search_form_extra_fields: Mapping[str, Any] | None = None
    measure: Any = ""
    population: Mapping[str, tuple[str, ...]] = {}
    always: Mapping[str, tuple[str, ...]] = {}
    population_label: Any = ""
    everything_label: Any = _l("All")

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(abstract=abstract, **kwargs)
        if not abstract and not isinstance(cls.datamodel, Datamodel):
            raise TypeError(f"{cls.__name__}.datamodel must be a Datamodel")

    def __init__(self, **kwargs: Any) -> None:
        # Flask-AppBuilder asks for series that it would count in Python.
        self.definitions = [
            {"series": [], "label": each.get("title"), **each} for each in self.definitions
        ]
        self._argument_names: dict[tuple[str, str], str] = {}
        super().__init__(**kwargs)

    def _init_properties(self) -> None:
        declared = list(type(self).search_columns)
        self.label_columns = dict(self.label_columns or {})
        super()._init_properties()
        self.search_columns = declared
        self._filters = self.datamodel.get_filters(declared)

    def _init_forms(self) -> None:
        self.search_form = self.search_form or search_form_of(self, self.label_columns)

    @expose("/chart/")
    @expose("/chart/<name>")
    @has_access
    @counts
    def chart(self, name: str = "") -> Any:
        """Show one chart with its table; the first one when none is named."""
        offered = self.offered(current_actor())
        if not offered:
            raise NotFound()
        definition = self.definition(name) if name else offered[0]
        chart = self.draw(definition, request.args)
        filters = read_filters(self._filters, request.args)
        return self.render_template(
            self.chart_template,
            title=self.chart_title,
            chart=chart,
            choices=[
                Choice(self.title_of(each), self._page_url(each["name"]), each is definition)
                for each in offered
            ],
            populations=self._populations(definition),
            kept=[(n, v) for n, v in request.args.items() if n == EVERYTHING],
            chips=chips_of(filters, self.label_columns, self._word, type(self).__name__),
            clear_url=link([n for n in request.args if n.startswith("_flt_")]),
            widgets={
                "chart": self.chart_widget(chart=chart),
                "search": FilterPanel(
                    form=self.search_form.refresh(),
                    include_cols=self.panel_columns(current_actor()),
                    filters=filters,
                ),
            },
        )

    @expose("/data/<name>")
    @has_access
    @counts
    def data(self, name: str) -> Any:
        """Answer with one chart as JSON, CSV or xlsx."""
        return self.draw(self.definition(name), request.args).response()

    def panel_columns(self, actor: Actor) -> list[str]:
        """Return the columns that the filter panel offers to an actor."""
        return self.search_columns

    def offered(self, actor: Actor) -> list[Mapping[str, Any]]:
        """Return the definitions that the tier of an actor has."""
        return [each for each in self.definitions if actor.tier in each.get("tiers", (actor.tier,))]

    def definition(self, name: str) -> Mapping[str, Any]:
        """Return the definition of that name. Raise NotFound where the actor has none."""
        for each in self.offered(current_actor()):
            if each["name"] == name:
                return each
        raise NotFound()

    @staticmethod
    def title_of(definition: Mapping[str, Any]) -> str:
        return str(definition.get("title") or definition["label"])

    def draw(self, definition: Mapping[str, Any], given: MultiDict) -> Chart:
        """Return the chart of a definition over the rows that the filters of a URL let through."""
        arguments = self.arguments(definition, given)
        self.check_filters(arguments)
        by, figures = self._count(definition, arguments)
        name, query = definition["name"], urlencode(list(given.items(multi=True)))
        address = url_for(f"{self.endpoint}.data", name=name)
        page = url_for(f"{self.endpoint}.chart", name=name)
        most = definition.get("top") if by.by_size else None  # Else the first are not the largest.
        shown = drawn(figures, most, missing=definition.get("missing", True))
        list_url = address_of(self.list_view, "list") if self.list_view else ""
        links = _Links(self, list_url, arguments, _tints(definition))
        return Chart(
            name=name,
            kind=definition.get("kind", "bar"),
            title=self.title_of(definition),
            label=self.label_of(by, definition),
            measure=definition.get("measure") or self.measure,
            rows=links.rows(figures),
            drawn=links.rows(shown),
            series=tuple(word for _key, word in figures.series),
            tints=tuple(links.tint(key) for key, _word in figures.series),
            total=figures.total,
            total_url=links.to((), figures.total),
            note=self.note(definition, given, _left_out(figures, shown)),
            data_url=f"{address}?{query}" if query else address,
            page_url=f"{page}?{query}" if query else page,
        )

    def _count(
        self, definition: Mapping[str, Any], arguments: MultiDict
    ) -> tuple[Dimension, Figures]:
        group, actor, session = definition["group"], current_actor(), self.datamodel.session
        by = group if isinstance(group, Dimension) else group(actor, arguments)
        filters = read_filters(self.datamodel.get_filters(self._readable()), arguments)
        rows = self.datamodel.rows(filters.get_joined_filters(self._base_filters))
        words = Words(catalog(session), language())
        narrowed = {column_of(name) for name in arguments}
        split = definition.get("split")
        return by, count_by(rows, by, split, words=words, narrowed=narrowed)

    def _readable(self) -> list[str]:
        """Return the columns that arguments may name: of the search form and of populations."""
        own = [each.get("population", {}) for each in self.definitions]
        named = [column_of(name) for each in (self.population, self.always, *own) for name in each]
        return list(dict.fromkeys([*self.search_columns, *named]))

    def arguments(self, definition: Mapping[str, Any], given: MultiDict) -> MultiDict:
        """Return the filters of a URL, and the population for the columns it does not name."""
        filters: MultiDict = MultiDict()
        for name in given:
            values = [value for value in given.getlist(name) if value.strip()]
            if name.startswith("_flt_") and values:
                if column_of(name) not in self.search_columns:
                    raise Malformed(_("This list cannot be filtered by that column."))
                filters.setlist(name, values)
        population = definition.get("population", self.population)
        added = dict(self.always)
        if given.get(EVERYTHING) != "1":
            added |= population
        named = {column_of(name) for name in filters}
        for name, usual in added.items():
            if column_of(name) not in named:
                filters.setlist(name, list(usual))
        return filters

    def check_filters(self, arguments: MultiDict) -> None:
        """Raise NotFound where a filter names something outside the scope (SEC-09)."""

    def label_of(self, by: Dimension, definition: Mapping[str, Any]) -> str:
        """Return the heading of the bars."""
        if not by.indicator:
            return str(definition["label"])
        known = catalog(self.datamodel.session)
        return Words(known, language()).of(known.by_key[by.indicator])

    def note(self, definition: Mapping[str, Any], given: MultiDict, left_out: bool) -> str:
        """Return what was counted, and when."""
        everything = given.get(EVERYTHING) == "1"
        counted = self.everything_label if everything else self.population_label
        moment = clock.local(clock.now()).strftime("%Y-%m-%d %H:%M")
        sentences = [
            _("Counted: %(what)s.", what=definition.get("counted") or counted),
            str(definition.get("note") or ""),
            _("The drawing shows the largest bars, the table all of them.") if left_out else "",
            _("As of %(moment)s.", moment=moment),
        ]
        return " ".join(sentence for sentence in sentences if sentence)

    def argument(self, column: str, operator: str) -> str:
        """Return the name of the URL argument of an operator on a column of the list."""
        key = column, operator
        if key not in self._argument_names:
            place = EQUAL
            if operator != "equals":
                known = self.datamodel.get_filters([column]).get_search_filters()[column]
                kinds = [isinstance(each, OPERATORS[operator]) for each in known]
                place = kinds.index(True)
            self._argument_names[key] = f"_flt_{place}_{column}"
        return self._argument_names[key]

    def _populations(self, definition: Mapping[str, Any]) -> list[Choice]:
        if not self.population_label or "population" in definition:
            return []
        everything = request.args.get(EVERYTHING) == "1"
        return [
            Choice(self.population_label, link([EVERYTHING]), not everything),
            Choice(self.everything_label, link(**{EVERYTHING: "1"}), everything),
        ]

    def _word(self, column: str, value: str) -> Any:
        """Return the name of a filter value for its chip."""
        if column in self.code_columns:
            names = {str(code): name for code, name in self.code_columns[column]()}
            return names.get(value, value)
        if self.datamodel.is_relation(column):
            parent = self.datamodel.get_related_interface(column).get(value)
            return str(parent) if parent is not None else value
        return text_of(value)

    def _page_url(self, name: str) -> str:
        address = url_for(f"{self.endpoint}.chart", name=name)
        here = request.query_string.decode()
        return f"{address}?{here}" if here else address


class _Links:
    """The addresses of the lists behind the figures of one chart; there may be thousands."""

    def __init__(
        self, view: BaseChartView, list_url: str, arguments: MultiDict, tints: Mapping[Any, str]
    ) -> None:
        self.view, self.list_url, self.arguments = view, list_url, arguments
        self.tints = tints
        self._kept: dict[tuple[str, ...], str] = {}
        self._pieces: dict[Test, tuple[str, str]] = {}
        self._rows: dict[int, ChartRow] = {}

    def tint(self, key: Any) -> str:
        return self.tints.get(key, "")

    def to(self, tests: Tests, number: float) -> str:
        """Return the list narrowed to a figure: the filters of the page, and those of the bar.

        A list that would stop counting is told to count all the same: the two must agree.
        """
        if not self.list_url:
            return ""
        own = [self._piece(test) for test in tests]
        others = self._others(tuple(name for name, _text in own))
        exact = "count=exact" if number > COUNT_CAP else ""
        query = "&".join(text for text in (others, *(text for _name, text in own), exact) if text)
        return f"{self.list_url}?{query}" if query else self.list_url

    def _piece(self, test: Test) -> tuple[str, str]:
        """Return the argument of a condition, and how it stands in an address."""
        if test not in self._pieces:
            name = self.view.argument(test.column, test.operator)
            self._pieces[test] = name, urlencode({name: test.values}, doseq=True)
        return self._pieces[test]

    def _others(self, own: tuple[str, ...]) -> str:
        """The filters of the page that a figure does not replace by its own."""
        if own not in self._kept:
            others = [pair for pair in self.arguments.items(multi=True) if pair[0] not in own]
            self._kept[own] = urlencode(others)
        return self._kept[own]

    def part(self, cell: Cell) -> dict[str, Any]:
        return {
            "value": cell.number,
            "href": self.to(cell.tests, cell.number) if cell.number else "",
        }

    def rows(self, figures: Figures) -> list[ChartRow]:
        return [self._row(bar) for bar in figures.bars]

    def _row(self, bar: Bar) -> ChartRow:
        # Most bars of a drawing are those of its table.
        if id(bar) not in self._rows:
            self._rows[id(bar)] = ChartRow(
                bar.name,
                bar.whole.number,
                self.to(bar.whole.tests, bar.whole.number),
                bar.code,
                self.tint(bar.key),
                tuple(self.part(cell) for cell in bar.parts),
            )
        return self._rows[id(bar)]


def _tints(definition: Mapping[str, Any]) -> dict[Any, str]:
    return {None: "missing", REST: "rest"} | dict(definition.get("tints", {}))


def _left_out(figures: Figures, shown: Figures) -> bool:
    """Whether the drawing shows fewer rows than the table, "not given" apart."""
    wanted, there = (
        sum(bar.whole.number for bar in each.bars if bar.key is not None)
        for each in (figures, shown)
    )
    return wanted != there


def column_of(argument: str) -> str:
    """Return the column that a filter argument names. Raise Malformed for another argument."""
    match = FILTER.fullmatch(argument)
    if match is None:
        raise Malformed(_("This list cannot be filtered like that."))
    return match[2]


def values_of(arguments: MultiDict, columns: Iterable[str]) -> set[str]:
    """Return all values that the filter arguments give for some columns."""
    wanted = set(columns)
    return {value for name, value in arguments.items(multi=True) if column_of(name) in wanted}
