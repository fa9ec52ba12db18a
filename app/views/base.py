"""Base classes of every view: Flask-AppBuilder with scope, limits and the pages of the product."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar

import prison
from flask import request, url_for
from flask_appbuilder import BaseView as StockView
from flask_appbuilder import ModelRestApi, ModelView
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_appbuilder.views import SimpleFormView
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.errors import AppError, Forbidden, Malformed, NotFound
from app.core.whole import whole_number
from app.views.chart import BaseChartView
from app.views.datamodel import Datamodel
from app.views.declared import Declared, OwnFilters
from app.views.listing import MAX_OFFSET, address_of
from app.views.lists import Lists
from app.views.model_form import FormConverter, search_form_of
from app.views.saved_view import SavedViews
from app.views.searching import count_search
from app.views.selection import RowAction, RowActions, Selection, row_action
from app.views.writing import Writing

__all__ = [
    "BaseChartView",
    "BaseFormView",
    "BaseModelApi",
    "BaseModelView",
    "BaseView",
    "Datamodel",
    "RowAction",
    "Selection",
    "row_action",
]


class BaseView(Declared, StockView, abstract=True):
    """A view with addresses of its own and no model behind it."""


class BaseFormView(Declared, SimpleFormView, abstract=True):
    """A view that is one form."""


@dataclass(frozen=True)
class Tab:
    """A tab of a page whose content is loaded when it is opened."""

    name: str
    title: Any
    href: str
    count: int | None = None


class BaseModelView(
    Declared, OwnFilters, RowActions, SavedViews, Lists, Writing, ModelView, abstract=True
):
    """List, page and forms of one model; a subclass declares and overrides hooks.

    Must be declared: `datamodel` (a `Datamodel`), `class_permission_name`, `list_columns`,
    `search_columns`, `order_columns`. Pages without columns (`add_columns`, `edit_columns`) and
    deletion without `deletable = True` do not exist.
    """

    must_declare: ClassVar[tuple[str, ...]] = (
        "datamodel",
        "class_permission_name",
        "list_columns",
        "search_columns",
        "order_columns",
    )
    add_row_message = _l("Saved.")
    edit_row_message = _l("Saved.")
    delete_row_message = _l("Deleted.")
    delete_integrity_error_message = _l(
        "Other entries depend on this one, so it cannot be deleted."
    )
    search_form_extra_fields: Mapping[str, Any] | None = None

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(abstract=abstract, **kwargs)
        if not abstract and not isinstance(cls.datamodel, Datamodel):
            raise TypeError(f"{cls.__name__}.datamodel must be a Datamodel")

    def __init__(self, **kwargs: Any) -> None:
        self.exclude_route_methods = set(self.exclude_route_methods) | self._routes_left_out()
        super().__init__(**kwargs)
        self.actions = {name: RowAction.of(item) for name, item in self.actions.items()}

    def _routes_left_out(self) -> set[str]:
        left_out = {"download"}  # It would send any file to anybody who may open any list.
        for kind in ("add", "edit"):
            parts = (f"{kind}_columns", f"{kind}_fieldsets", f"{kind}_form")
            if not any(getattr(self, part) for part in parts):
                left_out.add(kind)
        return left_out if self.deletable else left_out | {"delete"}

    def _init_properties(self) -> None:
        declared = list(type(self).search_columns), list(type(self).order_columns)
        self.label_columns = dict(self.label_columns or {})
        for kind in ("show", "add", "edit"):
            if not getattr(self, f"{kind}_columns") and not getattr(self, f"{kind}_fieldsets"):
                setattr(self, f"{kind}_columns", list(self.list_columns))
        super()._init_properties()
        # An empty list means "nothing"; Flask-AppBuilder would read it as "everything".
        self.search_columns, self.order_columns = declared
        self._filters = self.datamodel.get_filters(self.search_columns)

    def _init_forms(self) -> None:
        self.search_form = self.search_form or search_form_of(self, self.label_columns)
        converter = FormConverter(self)
        for kind in ("add", "edit"):
            if kind in self.exclude_route_methods or getattr(self, f"{kind}_form"):
                continue
            form = converter.create_form(
                self.label_columns,
                getattr(self, f"{kind}_columns"),
                self.description_columns,
                self.validators_columns,
                getattr(self, f"{kind}_form_extra_fields"),
            )
            setattr(self, f"{kind}_form", form)

    def one(self, pk: Any) -> Any:
        """Return the row inside scope and base filters. Raise NotFound otherwise (SEC-02)."""
        return self.found(self.datamodel.get(pk, self._base_filters))

    @staticmethod
    def found(item: Any) -> Any:
        """Return the row. Raise NotFound when there is none."""
        if item is None:
            raise NotFound()
        return item

    def _typed_key(self, pk: str) -> Any:
        return whole_number(pk)

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    def show(self, pk: Any) -> Any:
        item = self.one(pk)
        return self.render_template(
            self.show_template,
            pk=pk,
            item=item,
            title=self.page_title(item),
            widgets=self._get_show_widget(pk, item),
            tabs=self.tabs(item),
            acts=self.page_acts(item),
            urls=self.page_urls(item),
            view=self,
        )

    def page_title(self, item: Any) -> str:
        return str(item)

    def page_acts(self, item: Any) -> list[RowAction]:
        """Return the acts offered on the page of a row."""
        acts = [act for act in self.actions.values() if act.single and self.may(act.permission)]
        return sorted(acts, key=lambda act: (not act.primary, act.danger))

    def may_edit_row(self, item: Any) -> bool:
        """Whether this person may change this row."""
        return True

    def page_urls(self, item: Any) -> dict[str, str]:
        """Return the addresses that the page of a row links to; a missing one is not offered."""
        name, pk = type(self).__name__, self.datamodel.get_pk_value(item)
        urls = {"list": url_for(f"{self.endpoint}.list")}
        if self.may("write") and self.may_edit_row(item):
            back = {"next": self.next_url()} if self.next_url() else {}
            urls |= {"edit": address_of(name, "edit", pk=pk, **back)}
            urls |= {"delete": address_of(name, "delete", pk=pk)}
        return urls

    def tabs(self, item: Any) -> list[Tab]:
        """Return the related lists of a row that this person may open."""
        counts, pk = self.tab_counts(item), self.datamodel.get_pk_value(item)
        return [
            Tab(name, view.list_title, address_of(type(self).__name__, "tab", name=name, pk=pk), n)
            for view in self._related_views
            if view.may("read")
            for name in [type(view).__name__]
            for n in [counts.get(name)]
        ]

    def tab_counts(self, item: Any) -> Mapping[str, int]:
        """Return how many rows the related lists hold, by the name of their view."""
        return {}

    @expose("/tab/<name>/<pk>")
    @has_access
    def tab(self, name: str, pk: Any) -> Any:
        """Answer with the fragment of one related list."""
        item = self.one(pk)
        view = self.found(next((v for v in self._related_views if type(v).__name__ == name), None))
        if not view.may("read"):
            raise Forbidden()
        return view.embedded(self, item)

    def embedded(self, parent_view: Any, parent: Any) -> str:
        """Return this list as the fragment of a parent's page."""
        model = self.datamodel
        column = self.parent_column or model.get_related_fk(parent_view.datamodel.obj)
        key = parent_view.datamodel.get_pk_value(parent)
        filters = model.get_filters()
        filters.add_filter_related_view(column, model.FilterRelationOneToManyEqual, key)
        back = f"{parent_view.after_save_url(parent)}#{type(self).__name__}"
        return self._get_list_widget(filters, embedded={f"_flt_0_{column}": key, "next": back})[
            "list"
        ]()

    def _get_show_widget(self, pk: Any, item: Any, widgets: Any = None, **kwargs: Any) -> Any:
        fieldsets = kwargs.get("show_fieldsets") or self.show_fieldsets
        shown = self.show_widget(
            pk=pk,
            label_columns=self.label_columns,
            include_columns=self.show_columns,
            value_columns=[self.cell(item, column) for column in self.show_columns],
            formatters_columns=self.formatters_columns,
            fieldsets=fieldsets,
            modelview_name=type(self).__name__,
        )
        return (widgets or {}) | {"show": shown}


def answers_refusals(method: Any) -> Any:
    """Turn a refusal into its JSON answer before Flask-AppBuilder makes a 500 of it."""

    @wraps(method)
    def answer(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except AppError as refusal:
            self.datamodel.session.rollback()
            return self.response(refusal.status, **refusal.as_dict())

    return answer


def readable_query(method: Any) -> Any:
    """Refuse a `q` that is no rison with 400; its parser stumbles over some of them."""

    @wraps(method)
    def answer(self: Any, *args: Any, **kwargs: Any) -> Any:
        # What is only not rison is taken as JSON or refused by Flask-AppBuilder itself.
        with suppress(prison.decoder.ParserException):
            read_rison(request.args.get("q", ""))
        return method(self, *args, **kwargs)

    return answer


def read_rison(text: str) -> Any:
    """Return what a text says. Raise Malformed for one that the parser cannot get through, and
    its own ParserException."""
    try:
        return prison.loads(text) if text else {}
    except (IndexError, RecursionError, TypeError, ValueError):
        raise Malformed(_("This filter is not valid.")) from None


class BaseModelApi(Declared, OwnFilters, ModelRestApi, abstract=True):
    """REST of one model: the list syntax of Flask-AppBuilder with limits and clean refusals."""

    must_declare: ClassVar[tuple[str, ...]] = BaseModelView.must_declare
    # `_info` would send every row of every related table.
    exclude_route_methods: ClassVar[set[str]] = {"info"}
    max_page_size = 100

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(abstract=abstract, **kwargs)
        if not abstract and not isinstance(cls.datamodel, Datamodel):
            raise TypeError(f"{cls.__name__}.datamodel must be a Datamodel")

    get_list = readable_query(ModelRestApi.get_list)
    get = readable_query(ModelRestApi.get)

    @answers_refusals
    def get_list_headless(self, **kwargs: Any) -> Any:
        """Answer with a page of the list; narrowed or not, it counts as a search."""
        count_search()
        return super().get_list_headless(**kwargs)

    get_headless = answers_refusals(ModelRestApi.get_headless)
    post_headless = answers_refusals(ModelRestApi.post_headless)
    put_headless = answers_refusals(ModelRestApi.put_headless)
    delete_headless = answers_refusals(ModelRestApi.delete_headless)

    def _handle_order_args(self, rison_args: dict[str, Any]) -> tuple[str, str]:
        column = rison_args.get("order_column", "")
        direction = rison_args.get("order_direction", "asc") or "asc"
        if not column and self.base_order:
            return self.base_order
        if column and (column not in self.order_columns or direction not in ("asc", "desc")):
            raise Malformed(_("This list cannot be sorted like that."))
        return column, direction if column else ""

    def _sanitize_page_args(self, page: Any, page_size: Any) -> tuple[int, int]:
        if (page_size or 0) > self.max_page_size:
            raise Malformed(_("A page holds at most %(n)s rows.", n=self.max_page_size))
        page, size = super()._sanitize_page_args(page, page_size)
        if page < 0 or page * size > MAX_OFFSET:
            raise Malformed(_("The page number is not valid."))
        return page, size
