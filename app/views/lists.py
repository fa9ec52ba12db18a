"""Lists: the page, its tabs and columns, the choices of remote selects, and the export."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import jsonify, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from sqlalchemy import func, or_
from sqlalchemy.orm import Query
from werkzeug.datastructures import MultiDict

from app.core.address import names_a_person
from app.core.errors import LimitReached, Malformed, NotFound
from app.views.datamodel import EQUAL, ONE_OF, escaped
from app.views.declared import READ
from app.views.listing import (
    Arguments,
    Button,
    Column,
    Listing,
    Option,
    Row,
    Segment,
    address_of,
    cell_of,
    chips_of,
    link,
    read_arguments,
    read_filters,
    sortable,
)
from app.views.searching import count_search
from app.views.widgets import Badge, FilterPanel, ListTable, badge_of, text_of

CHOICES = 20


class Lists:
    """The reading half of BaseModelView."""

    # Columns a person may add in the column chooser.
    optional_columns: tuple[str, ...] = ()
    posts_versions = False  # Whether the acts of the list are refused for rows that moved since.
    # Relations that methods named as columns read from, e.g. "school.authority".
    list_relations: tuple[str, ...] = ()
    # Columns that the search box looks into; a subclass may override `quick_filter` instead.
    quick_columns: tuple[str, ...] = ()
    quick_hint: Any = ""
    empty_hint: Any = ""
    # column -> function returning [(code, name)]: draws selects, filters and names of codes.
    code_columns: Mapping[str, Callable[[], list[tuple[Any, Any]]]] = {}
    # column -> {state: (icon, tint)}: draws the column as badges.
    badges: Mapping[str, Mapping[Any, tuple[str, str]]] = {}
    # column -> text, number, date, month: how a column is aligned and its field drawn.
    list_kinds: Mapping[str, str] = {}
    # relation -> view whose choices its remote select offers.
    remote_columns: Mapping[str, str] = {}
    # Column whose values become the tabs above the list.
    segment_column: str | None = None
    # The relation through which the list stands in a tab of its parent; the first one by default.
    parent_column: str | None = None
    exports: tuple[str, ...] = ("xlsx", "csv")
    export_limit = 100_000

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        start = self.start_url()
        if start:
            return redirect(start)
        try:
            widgets = self._list()
        except NotFound:
            # A view that was kept earlier may name a unit that has left the reader's scope.
            if (answer := self.leave_view()) is None:
                raise
            return answer
        return self.render_template(
            self.list_template, title=self.list_title, widgets=widgets, view=self
        )

    @expose("/panel")
    @has_access
    def panel(self) -> Any:
        """Answer with the controls of the filter panel, which a page loads when it is opened."""
        filters = read_filters(self._fresh_filters(), request.args)
        form = self.search_form.refresh()
        return FilterPanel(form=form, include_cols=self.panel_columns(), filters=filters)()

    def panel_columns(self) -> Sequence[str]:
        """Return the columns that the panel offers to this person."""
        return self.search_columns

    @expose("/export")
    @has_access
    def export(self) -> Any:
        """Send exactly what the list shows, all its pages, as xlsx or csv."""
        kind = request.args.get("format", "xlsx")
        if kind not in self.exports:
            raise Malformed(_("This format is not offered."))
        arguments = self._arguments()
        query = self._ordered(self.matching(request.args), arguments)
        if not self.datamodel.count(query, cap=self.export_limit).exact:
            raise LimitReached(_("Too many rows for one file. Please narrow the filter."))
        columns = self.chosen_columns()
        headings = [str(self.label_columns.get(name, name)) for name in columns]
        return self.export_response(kind, headings, self._exported(query, columns))

    def export_response(self, kind: str, headings: Any, rows: Iterator[Any]) -> Any:
        """Answer with the file; a view with personal data overrides this (SEC-14)."""
        # The writers of files are loaded when the first file is asked for.
        from app.exchange import export  # noqa: PLC0415

        send = {"csv": export.stream_csv, "xlsx": export.write_xlsx}[kind]
        return send(headings, rows, name=str(self.list_title))

    @expose("/choices")
    @has_access
    def choices(self) -> Any:
        """Answer a remote select: at most twenty rows inside the scope."""
        return self.offer(self.datamodel.rows(self._base_filters))

    def offer(self, query: Query) -> Any:
        """Answer a remote select with rows of a query, narrowed by what was typed."""
        count_search()
        text = request.args.get("q", "").strip()[:50]
        if text:
            query = self.quick_filter(query, text)
        query = self.datamodel.with_relations(query, [*self.list_columns, *self.list_relations])
        ordered = self._ordered(query, Arguments(0, CHOICES, "", "asc", "", False))
        items = [
            {
                "id": str(self.datamodel.get_pk_value(item)),
                "text": self.choice_text(item),
                "hint": self.choice_hint(item),
            }
            for item in ordered.limit(CHOICES)
        ]
        return jsonify(items=items)

    def choice_text(self, item: Any) -> str:
        return str(item)

    def choice_hint(self, item: Any) -> str:
        """Return the second line of a choice, e.g. the district of a school."""
        return ""

    def quick_filter(self, query: Query, text: str) -> Query:
        """Narrow the list to what was typed into its search box."""
        pattern = f"%{escaped(text)}%"
        model = self.datamodel.obj
        tests = [getattr(model, name).ilike(pattern, escape="/") for name in self.quick_columns]
        return query.filter(or_(*tests)) if tests else query

    def matching(self, arguments: MultiDict) -> Query:
        """Return the rows inside the scope that the filters and the search text of a URL match."""
        filters = read_filters(self._fresh_filters(), arguments)
        return self._matching(filters, arguments.get("q", "").strip())

    def row_link(self, item: Any) -> str | None:
        """Return where the first column of a row leads."""
        return address_of(type(self).__name__, "show", pk=self.datamodel.get_pk_value(item)) or None

    def row_buttons(self, item: Any) -> tuple[Button, ...]:
        """Return the small links at the end of a row."""
        return ()

    def row_name(self, item: Any) -> str:
        """Return how the checkbox of a row is read out."""
        return str(item)

    def cell(self, item: Any, column: str) -> Any:
        """Return the value of a column for the list: the name of a code, or a Badge."""
        value = self.datamodel._get_attr_value(item, column)
        if column in self.badges:
            raw = getattr(item, column, value)
            if raw in (None, ""):
                return None
            return badge_of(raw, self.badges[column], self.code_name(column, raw))
        return self.code_name(column, value) if column in self.code_columns else value

    def code_name(self, column: str, value: Any) -> Any:
        """Return the name of a code, or the code itself when it is not known."""
        if column not in self.code_columns or value in (None, ""):
            return value
        names = request.environ.setdefault("tm.code_names", {})
        key = (id(self), column)
        if key not in names:
            names[key] = dict(self.code_columns[column]())
        return names[key].get(getattr(value, "value", value), value)

    def export_cell(self, item: Any, column: str) -> Any:
        """Return the value of a column for a file: plain, without badges."""
        value = self.cell(item, column)
        return str(value.label) if isinstance(value, Badge) else value

    def list_url(self, **filters: Any) -> str:
        """Return the address of the list narrowed to columns that equal these values."""
        pairs = {f"_flt_{EQUAL}_{column}": value for column, value in filters.items()}
        return url_for(f"{self.endpoint}.list", **pairs)

    def back_to_list(self, query: str | None = None) -> Any:
        """Lead to `next`, else to the list under the filter that the form holds."""
        query = request.form.get("filter", "") if query is None else query
        return redirect(self.next_url() or self.filtered_url(query))

    def filtered_url(self, query: str) -> str:
        """Return the address of the list under a filter that a form sent."""
        pairs = [pair for pair in parse_qsl(query) if not names_a_person(pair[1])]
        return self.list_url() + (f"?{urlencode(pairs)}" if pairs else "")

    def _fresh_filters(self) -> Any:
        filters = self._filters
        filters.clear_filters()
        return filters

    def _arguments(self) -> Arguments:
        name = type(self).__name__
        return read_arguments(request.args, name, self.page_size, self.order_columns)

    def _matching(self, filters: Any, text: str) -> Query:
        query = self.datamodel.rows(filters.get_joined_filters(self._base_filters))
        return self.quick_filter(query, text) if text else query

    def _ordered(self, query: Query, arguments: Arguments) -> Query:
        column, direction = arguments.order, arguments.direction
        if not column and self.base_order:
            column, direction = self.base_order
        column = column or self.datamodel.get_pk_name()
        return self.datamodel.apply_order_by(query, column, direction, {}, add_pk=True)

    def _list(self, **_kwargs: Any) -> dict[str, Any]:
        if request.args.get("q") or any(name.startswith("_flt_") for name in request.args):
            count_search()
        filters = read_filters(self._fresh_filters(), request.args)
        return self._get_list_widget(filters)

    def _get_list_widget(self, filters: Any, embedded: Any = None, **_kwargs: Any) -> Any:
        """Return the list widget; `embedded` are the arguments of "add" in the tab of a parent."""
        arguments = self._arguments()
        columns = self.chosen_columns() if embedded is None else list(self.list_columns)
        query = self._matching(filters, arguments.text if embedded is None else "")
        rows = self._page(query, arguments, columns)
        more, rows = len(rows) > arguments.size, rows[: arguments.size]
        count = self.datamodel.count(query, *([None] if arguments.exact else []))
        listing = Listing(
            name=type(self).__name__,
            title=self.list_title,
            columns=self._columns(columns, arguments),
            rows=[_with_way_back(self._row(item, columns), embedded) for item in rows],
            count=count,
            arguments=arguments,
            more=more,
            filtered=bool(filters.get_filters_values() or arguments.text),
            empty_hint=self.empty_hint,
            bulk_limit=self.bulk_limit,
        )
        parts = self._embedded_parts(embedded) if embedded is not None else self._parts(filters)
        return {"list": ListTable(listing=listing.with_parts(**parts))}

    def _page(self, query: Query, arguments: Arguments, columns: Any) -> Any:
        first, most = arguments.page * arguments.size, arguments.size + 1
        if first:
            # A page far back: its keys by the index alone, then the rows of this page.
            key = self.datamodel.get_pk()
            keys = self._ordered(query, arguments).with_entities(key).offset(first).limit(most)
            query, first = query.filter(key.in_(keys.subquery().select())), 0
        query = self.datamodel.with_relations(query, [*columns, *self.list_relations])
        return self._ordered(query, arguments).offset(first).limit(most).all()

    def _columns(self, columns: Any, arguments: Arguments) -> Any:
        name, made = type(self).__name__, []
        for key in columns:
            # Written once: it stands in every row, too.
            kind, label = self._kind(key), str(self.label_columns.get(key, key))
            made.append(
                sortable(name, key, label, kind, arguments)
                if key in self.order_columns
                else Column(key, label, kind)
            )
        return made

    def _kind(self, column: str) -> str:
        if column in self.badges:
            return "badge"
        if column in self.list_kinds:
            return self.list_kinds[column]
        is_day = self.datamodel.is_date(column) or self.datamodel.is_datetime(column)
        return "date" if is_day else "text"

    def _row(self, item: Any, columns: Any) -> Row:
        formats = self.formatters_columns
        cells: Any = []
        for column in columns:
            value = self.cell(item, column)
            value = formats[column](value) if column in formats else value
            cells.append(cell_of(value, self._kind(column)))
        pk = self.datamodel.get_pk_value(item)
        seen = f"{pk}:{item.version}" if self.posts_versions else ""
        name = self.row_name(item)
        return Row(pk, self.row_link(item), cells, self.row_buttons(item), name, seen)

    def _parts(self, filters: Any) -> dict[str, Any]:
        name = type(self).__name__
        chosen = self.chosen_columns()
        offered = [*self.list_columns, *self.optional_columns]
        has_box = bool(self.quick_columns) or type(self).quick_filter is not Lists.quick_filter
        return {
            "actions": self.offered_acts(),
            "segments": self.segments(filters),
            "chips": chips_of(filters, self.label_columns, self._word, name),
            "options": [Option(k, self.label_columns.get(k, k), k in chosen) for k in offered],
            "saved": self.saved_views(),
            "open_view": request.args.get("view", ""),
            "may_share": self.may_share_view(),
            "exports": self.exports,
            "quick_hint": (self.quick_hint or _("Search")) if has_box else "",
            "urls": {
                "list": self.list_url(),
                "add": address_of(name, "add") if self.may("write") else "",
                "panel": self._panel_url(),
                "lookup": self._lookup_url(),
                "export": address_of(name, "export"),
                "act": address_of(name, "action_post"),
                "save_view": address_of(name, "save_view"),
                "columns": address_of(name, "choose_columns"),
            },
        }

    def _lookup_url(self) -> str:
        """Return where the search box posts a number of a person, which no address may hold."""
        may = self.appbuilder.sm.has_access(f"can_{READ}", "Teacher")
        return address_of("TeacherView", "lookup") if may else ""

    def _panel_url(self) -> str:
        filters = [pair for pair in request.args.items(multi=True) if pair[0].startswith("_flt_")]
        return address_of(type(self).__name__, "panel", **MultiDict(filters).to_dict(flat=False))

    def _embedded_parts(self, embedded: Mapping[str, Any]) -> dict[str, Any]:
        may_add = self.may("write")
        add = address_of(type(self).__name__, "add", **embedded) if may_add else ""
        return {"embedded": True, "urls": {"add": add}}

    def offered_acts(self) -> Any:
        """Return the acts on many rows that this person may perform, the first one first."""
        acts = [act for act in self.actions.values() if act.multiple and self.may(act.permission)]
        return sorted(acts, key=lambda act: (not act.primary, act.danger))

    def segments(self, filters: Any) -> Any:
        """Return the tabs above the list: one per value of `segment_column`, with counts."""
        column = self.segment_column
        if column is None:
            return []
        others = filters.copy()
        pairs = [(f, v) for f, v in filters.get_filters_values() if f.column_name != column]
        others.filters = [f for f, _v in pairs]
        others.values = [v for _f, v in pairs]
        attribute = getattr(self.datamodel.obj, column)
        query = self._matching(others, request.args.get("q", "").strip()).order_by(None)
        grouped = query.with_entities(attribute, func.count()).group_by(attribute)
        counts = {getattr(value, "value", value): number for value, number in grouped}
        return self._segments(column, counts)

    def _segments(self, column: str, counts: Mapping[Any, int]) -> Any:
        equal, one_of = f"_flt_{EQUAL}_{column}", f"_flt_{ONE_OF}_{column}"
        drop = [equal, one_of, f"page_{type(self).__name__}", "view"]
        active = [*request.args.getlist(equal), *request.args.getlist(one_of)]
        whole = Segment(_("All"), sum(counts.values()), link(drop), not active)
        named = self.code_columns[column]() if column in self.code_columns else sorted(counts)
        pairs = [each if isinstance(each, tuple) else (each, text_of(each)) for each in named]
        return [
            whole,
            *(
                Segment(label, counts.get(key, 0), link(drop, **{equal: key}), active == [str(key)])
                for key, label in pairs
                if counts.get(key) or str(key) in active
            ),
        ]

    def _word(self, column: str, value: str) -> Any:
        """Return the name of a filter value for its chip."""
        if column in self.code_columns:
            return self.code_name(column, value)
        if self.datamodel.is_relation(column):
            parent = self.datamodel.get_related_interface(column).get(value)
            return str(parent) if parent is not None else value
        if self.datamodel.is_boolean(column):
            return _("Yes") if value == "y" else _("No")
        return value

    def _exported(self, query: Query, columns: Any) -> Iterator[Any]:
        query = self.datamodel.with_relations(query, [*columns, *self.list_relations])
        for item in query.yield_per(500):
            yield [self.export_cell(item, column) for column in columns]


def _with_way_back(row: Row, embedded: Mapping[str, Any] | None) -> Row:
    """Return the row of a parent's tab with a link whose page leads back into that tab."""
    if not embedded or not row.href:
        return row
    mark = "&" if "?" in row.href else "?"
    return row._replace(href=row.href + mark + urlencode({"next": embedded["next"]}))
