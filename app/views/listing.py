"""One list as its page shows it: what the URL asks for, and what the template prints."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import Flask, request, url_for
from flask_appbuilder.models.sqla import filters as stock
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.routing import BuildError

from app.core.errors import Malformed
from app.core.whole import whole_number
from app.views.datamodel import EQUAL, ONE_OF, AtLeast, AtMost, Count, OneOf
from app.views.widgets import Badge, control, number_of, text_of

PAGE_SIZES = (25, 50, 100)
MAX_PAGE_SIZE = 100
MAX_OFFSET = 1_000_000
LONGEST_TEXT = 100
SHORT = 14  # Characters.
ALIGNED = ("number", "date", "month")  # Kinds of values that stand under each other.
FILTER = re.compile(r"_flt_(\d)_([\w.]+)")


class Arguments(NamedTuple):
    """What a URL asks of one list."""

    page: int
    size: int
    order: str
    direction: str
    text: str
    exact: bool


def _number(arguments: MultiDict, name: str, default: int, lowest: int) -> int:
    raw = arguments.get(name, "")
    if raw == "":
        return default
    number = whole_number(raw)
    if number is None or number < lowest:
        raise Malformed(_("The page number is not valid."))
    return number


def read_arguments(arguments: MultiDict, name: str, size: int, order_columns: list) -> Arguments:
    """Read page, size, order and search text of the list `name`. Raise Malformed when wrong."""
    page = _number(arguments, f"page_{name}", _number(arguments, "page", 0, 0), 0)
    size = _number(arguments, f"psize_{name}", min(size, MAX_PAGE_SIZE), 1)
    if size > MAX_PAGE_SIZE:
        raise Malformed(_("A page holds at most %(n)s rows.", n=MAX_PAGE_SIZE))
    if page * size > MAX_OFFSET:
        raise Malformed(_("This page is too far down the list. Please narrow the filter."))
    order = arguments.get(f"_oc_{name}", "")
    direction = arguments.get(f"_od_{name}", "asc")
    if order and (order not in order_columns or direction not in ("asc", "desc")):
        raise Malformed(_("This list cannot be sorted like that."))
    text = arguments.get("q", "").strip()[:LONGEST_TEXT]
    if "\0" in text:
        raise Malformed()
    return Arguments(page, size, order, direction, text, arguments.get("count") == "exact")


def read_filters(filters: Any, arguments: MultiDict) -> Any:
    """Add the `_flt_…` arguments to the filters of a view. Raise Malformed for an unknown one."""
    for name in arguments:
        if not name.startswith("_flt_"):
            continue
        match = FILTER.fullmatch(name)
        if not match:
            raise Malformed(_("This list cannot be filtered like that."))
        values = [value for value in arguments.getlist(name) if value.strip()]
        if values:
            filters.add_argument(match[2], int(match[1]), values)
    return filters


def link(drop: Iterable[str] = (), **new: Any) -> str:
    """Return the present address without some arguments and with others."""
    gone = set(drop) | set(new)
    pairs = [pair for pair in request.args.items(multi=True) if pair[0] not in gone]
    pairs += [(key, value) for key, value in new.items() if value not in (None, "")]
    return request.path + (f"?{urlencode(pairs)}" if pairs else "")


def query_string(drop: Iterable[str] = ()) -> str:
    """Return the query of the present address without some arguments."""
    gone = set(drop)
    return urlencode([pair for pair in request.args.items(multi=True) if pair[0] not in gone])


class Column(NamedTuple):
    key: str
    label: Any
    kind: str = "text"
    sort_url: str = ""
    sorted: str = ""  # "ascending", "descending" or nothing: the words of aria-sort.


class Cell(NamedTuple):
    """A value as it is written."""

    value: Any
    kind: str = "text"
    badge: Badge | None = None

    @property
    def mark(self) -> str:
        """The class that the style sheet asks for; a short text or a badge needs none."""
        if self.kind in ALIGNED:
            return f"tm-kind-{self.kind}"
        is_long = self.kind == "text" and not self.badge and len(str(self.value)) > SHORT
        return "tm-long" if is_long else ""


class Button(NamedTuple):
    """A small link on a row."""

    label: Any
    icon: str
    href: str


class Row(NamedTuple):
    pk: Any
    href: str | None
    cells: list[Cell]
    buttons: tuple[Button, ...] = ()
    name: str = ""
    seen: str = ""  # "key:version", for acts that fix what was shown (REL-07).


class Chip(NamedTuple):
    label: Any
    value: str
    remove_url: str


@dataclass(frozen=True)
class Segment:
    """A tab above a list."""

    label: Any
    count: int | None
    href: str
    active: bool


class Option(NamedTuple):
    """A column of the chooser."""

    key: str
    label: Any
    chosen: bool


@dataclass(frozen=True)
class Listing:
    """Everything the template of a list prints."""

    name: str
    title: Any
    columns: list[Column]
    rows: list[Row]
    count: Count
    arguments: Arguments
    more: bool = False
    embedded: bool = False
    filtered: bool = False
    actions: list[Any] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    chips: list[Chip] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    saved: list[Any] = field(default_factory=list)
    open_view: str = ""
    may_share: bool = False
    exports: tuple[str, ...] = ()
    urls: Mapping[str, str] = field(default_factory=dict)
    quick_hint: Any = ""
    empty_hint: Any = ""
    bulk_limit: int = 0

    def with_parts(self, **parts: Any) -> "Listing":
        return replace(self, **parts)

    @property
    def first(self) -> int:
        return self.arguments.page * self.arguments.size + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def pages(self) -> int:
        """The number of pages, as far as the count goes."""
        return max(1, -(-self.count.number // self.arguments.size))

    @property
    def page_links(self) -> list[tuple[str, str, bool]]:
        """Return (label, address, current) of the pages near this one; "" marks a gap."""
        here, last = self.arguments.page, self.pages - 1
        near = sorted({0, last, *range(max(0, here - 2), min(last, here + 2) + 1), here})
        links, before = [], -1
        for page in near:
            if page > before + 1:
                links.append(("", "", False))
            links.append((str(page + 1), self.page_url(page), page == here))
            before = page
        return links

    @property
    def has_buttons(self) -> bool:
        return any(row.buttons for row in self.rows)

    def without(self, name: str) -> str:
        """The same list without one argument."""
        return link([name, f"page_{self.name}"])

    def page_url(self, page: int) -> str:
        new: dict[str, Any] = {f"page_{self.name}": page or None}
        return link(**new)

    @property
    def previous_url(self) -> str:
        return self.page_url(self.arguments.page - 1) if self.arguments.page else ""

    @property
    def next_url(self) -> str:
        return self.page_url(self.arguments.page + 1) if self.more else ""

    @property
    def size_links(self) -> list[tuple[int, str, bool]]:
        """Return (size, address, current) of the page sizes."""
        name = f"psize_{self.name}"
        drop = [f"page_{self.name}"]
        return [(n, link(drop, **{name: n}), n == self.arguments.size) for n in PAGE_SIZES]

    @property
    def clear_url(self) -> str:
        """The same list without search text and filters."""
        names = [n for n in request.args if n.startswith("_flt_")]
        return link([*names, "q", "view", f"page_{self.name}"])

    @property
    def exact_url(self) -> str:
        return link(count="exact")

    @property
    def query(self) -> str:
        """What a bulk act on everything needs to find the same rows again."""
        return query_string([f"page_{self.name}", "page", "next"])

    def url(self, name: str) -> str:
        return self.urls.get(name, "")


def sortable(name: str, key: str, label: Any, kind: str, arguments: Arguments) -> Column:
    """Return a column with the link that sorts by it, the other way round when it already does."""
    here = key == arguments.order
    direction = "desc" if here and arguments.direction == "asc" else "asc"
    url = link([f"page_{name}"], **{f"_oc_{name}": key, f"_od_{name}": direction})
    now = {"asc": "ascending", "desc": "descending"}[arguments.direction] if here else ""
    return Column(key, label, kind, url, now)


def cell_of(value: Any, kind: str) -> Cell:
    """Return a cell with its value written for reading."""
    if isinstance(value, Badge):
        return Cell(value.label, "badge", value)
    return Cell(number_of(value) if kind == "number" else text_of(value), kind)


class FilterRow(NamedTuple):
    """One line of the filter panel: operators to choose from, and the controls."""

    column: str
    label: Any
    operators: list[tuple[str, Any, bool]]
    controls: list[tuple[Any, Any]]
    active: bool
    id: str


def _draw(form_field: Any, index: int, column: str, values: list[str], label: str) -> Any:
    form_field.process(MultiDict([(form_field.name, value) for value in values]))
    old = form_field.name
    form_field.name, form_field.id = f"_flt_{index}_{column}", f"flt-{index}-{column}"
    form_field.errors = ()
    extra = {} if label == "" else {"aria_label": label}
    html = control(form_field, required=False, **extra)
    form_field.name = old
    return html


def _place(condition: Any, conditions: list[Any]) -> int | None:
    """Return where an operator stands among those of its column; instances may differ."""
    return next((i for i, c in enumerate(conditions) if type(c) is type(condition)), None)


def _places(conditions: list[Any], *wanted: type) -> list[int]:
    return [i for i, each in enumerate(conditions) if isinstance(each, wanted)]


def _filter_row(form_field: Any, conditions: list[Any], active: dict[int, list[str]]) -> FilterRow:
    column, label = form_field.name, form_field.label.text
    ends = [*_places(conditions, AtLeast), *_places(conditions, AtMost)]
    chosen = next(iter(active), None)
    operators: list[tuple[str, Any, bool]] = []
    if form_field.type == "SelectMultipleField":
        places = _places(conditions, OneOf) or [EQUAL]
        values = [value for each in active.values() for value in each]
        controls = [("", _draw(form_field, places[0], column, values, ""))]
    elif form_field.type in ("DateField", "IntegerField", "DecimalField", "MomentField") and ends:
        words = (_("from"), _("up to"))
        controls = [
            (word, _draw(form_field, i, column, active.get(i, []), f"{label} {word}"))
            for word, i in zip(words, ends, strict=True)
        ]
        form_field.id = f"flt-{ends[0]}-{column}"
    elif "Select" in form_field.type or form_field.type == "BooleanField":
        values = [value for each in active.values() for value in each]
        controls = [("", _draw(form_field, EQUAL, column, values, ""))]
    else:
        contains = _places(conditions, stock.FilterContains) or [EQUAL]
        place = chosen if chosen is not None else contains[0]
        controls = [("", _draw(form_field, place, column, active.get(place, []), ""))]
        several = [
            (i, c) for i, c in enumerate(conditions) if c.arg_name in ("eq", "ct", "sw", "neq")
        ]
        operators = [(f"_flt_{i}_{column}", c.name, i == place) for i, c in several]
    return FilterRow(column, label, operators, controls, bool(active), form_field.id)


def filter_rows(form: Any, filters: Any, columns: Iterable[str]) -> list[FilterRow]:
    """Return the lines of the filter panel, the active values put back into the controls."""
    known = filters.get_search_filters()
    active: dict[str, dict[int, list[str]]] = {}
    for condition, values in filters.get_filters_values():
        place = _place(condition, known.get(condition.column_name, []))
        if place is not None and not condition.is_related_view:
            listed = values if isinstance(values, list) else [values]
            active.setdefault(condition.column_name, {})[place] = listed
    return [
        _filter_row(form[column], known[column], active.get(column, {}))
        for column in columns
        if column in form and column in known
    ]


def chips_of(filters: Any, labels: Mapping[str, Any], word: Any, name: str) -> list[Chip]:
    """Return one removable chip per active filter; `word(column, value)` names a value."""
    chips = []
    known = filters.get_search_filters()
    for condition, values in filters.get_filters_values():
        column = condition.column_name
        index = _place(condition, known.get(column, []))
        if index is None or condition.is_related_view:
            continue
        listed = values if isinstance(values, list) else [values]
        words = _(", ").join(str(word(column, value)) for value in listed)
        plain = index in (EQUAL, ONE_OF) or condition.arg_name in ("rel_o_m", "in", "eq")
        label = labels.get(column, column)
        label = str(label) if plain else f"{label} {condition.name}"
        chips.append(Chip(label, words, link([f"_flt_{index}_{column}", f"page_{name}", "view"])))
    return chips


def stock_listing(context: Mapping[str, Any]) -> Listing:
    """Return a Listing for a list of Flask-AppBuilder's own views, from what its widget passes."""
    name, columns = context["modelview_name"], context["include_columns"]
    formats = context.get("formatters_columns") or {}
    arguments = Arguments(
        page=context.get("page") or 0,
        size=max(1, context.get("page_size") or PAGE_SIZES[0]),
        order=request.args.get(f"_oc_{name}", ""),
        direction="desc" if request.args.get(f"_od_{name}") == "desc" else "asc",
        text="",
        exact=True,
    )
    labels = context["label_columns"]
    heads = [
        sortable(name, key, labels.get(key, key), "text", arguments)
        if key in context["order_columns"]
        else Column(key, labels.get(key, key))
        for key in columns
    ]
    rows = []
    for pk, item in zip(context["pks"], context["value_columns"], strict=False):
        cells = [cell_of(formats[k](item[k]) if k in formats else item[k], "text") for k in columns]
        rows.append(Row(pk, None, cells, name=str(cells[0].value)))
    count = Count(context["count"], exact=True)
    listing = Listing(name, "", heads, rows, count, arguments)
    return replace(listing, more=arguments.page + 1 < listing.pages, embedded=True)


def address_of(view: str, endpoint: str, /, **values: Any) -> str:
    """Return the address of a method of a view, or nothing when the view does not have it."""
    try:
        return url_for(f"{view}.{endpoint}", **values)
    except BuildError:
        return ""


def register_listing(app: Flask) -> None:
    """Make the functions that list templates call known to them."""
    app.jinja_env.globals.update(filter_rows=filter_rows, stock_listing=stock_listing)
