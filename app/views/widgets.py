"""Drawing of fields, badges and forms; every WTForms field goes through `control`."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple

from flask import Flask, url_for
from flask_appbuilder.fields import QuerySelectField
from flask_appbuilder.widgets import RenderTemplateWidget
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup
from wtforms import DateTimeLocalField, Field, Form, StringField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, FileInput, PasswordInput, Select, TextArea, TextInput

from app.core.clock import BEIJING, local
from app.core.sealed import UNREADABLE

NOTHING = "—"
LONG_LIST = 12  # A longer list of choices gets a search box of its own.
INPUTS = {
    "IntegerField": "number",
    "DecimalField": "number",
    "FloatField": "number",
    "IntegerRangeField": "range",
    "DateField": "date",
    "MonthField": "month",
    "MonthTextField": "month",
    "DateTimeLocalField": "datetime-local",
    "MomentField": "datetime-local",
    "TimeField": "time",
    "EmailField": "email",
    "TelField": "tel",
    "URLField": "url",
    "SearchField": "search",
}
# Attributes of a field that its frame reads, not the control inside.
FRAME = ("data-visible-when", "data-visible-reason", "data-wide", "data-problem")


class RemoteSelectField(QuerySelectField):
    """A parent chosen by typing: only the chosen row is loaded, and only inside the scope.

    `endpoint` names the address that answers with the choices, `scope` gives more conditions in
    the form of `base_filters`.
    """

    def __init__(
        self,
        label: Any = None,
        datamodel: Any = None,
        endpoint: str | None = None,
        scope: Callable[[], list[Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        self.datamodel = datamodel
        self.endpoint = endpoint
        self.scope = scope or (lambda: [])
        kwargs.setdefault("allow_blank", True)
        super().__init__(label, query_func=lambda: [], get_pk_func=datamodel.get_pk_value, **kwargs)

    def _get_object_list(self) -> list[tuple[str, Any]]:
        key = self._formdata
        if not key and self._data is not None:
            key = self.datamodel.get_pk_value(self._data)
        if not key:
            return []
        found = self.datamodel.get(key, self.datamodel.get_filters().add_filter_list(self.scope()))
        return [(str(key), found)] if found is not None else []


class MonthTextField(StringField):
    """A month kept as the text YYYY-MM."""

    def pre_validate(self, form: Any) -> None:
        if self.data and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", self.data):
            raise ValidationError(_("Please give a month as year and month, e.g. 2026-09."))


class MomentField(DateTimeLocalField):
    """A moment typed in Beijing time and kept aware."""

    def process_data(self, value: Any) -> None:
        aware = isinstance(value, datetime) and value.tzinfo is not None
        self.data = local(value).replace(tzinfo=None) if aware else value

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None:
            self.data = self.data.replace(tzinfo=BEIJING)

    def _value(self) -> str:
        if self.raw_data:
            return " ".join(self.raw_data)
        return self.data.strftime("%Y-%m-%dT%H:%M") if self.data else ""


def _described_by(field: Field) -> dict[str, str]:
    notes = []
    if field.description:
        notes.append(f"{field.id}-help")
    if field.errors:
        notes.append(f"{field.id}-error")
    attributes = {"aria-describedby": " ".join(notes)} if notes else {}
    return attributes | ({"aria-invalid": "true"} if field.errors else {})


def _select(field: Field, css: str, attributes: dict[str, Any]) -> str:
    multiple = "Multiple" in field.type
    if isinstance(field, RemoteSelectField):
        attributes |= {"data-select": "remote", "data-url": url_for(str(field.endpoint))}
    elif multiple or sum(1 for _choice in field.iter_choices()) > LONG_LIST:
        attributes.setdefault("data-select", "local")
    return Select(multiple=multiple)(field, class_=f"form-select{css}", **attributes)


def _radios(field: Field, attributes: dict[str, Any]) -> str:
    options = Markup("").join(
        Markup('<label class="form-check form-check-inline">{} <span>{}</span></label>').format(
            option(class_="form-check-input"), option.label.text
        )
        for option in field
    )
    return Markup('<div role="radiogroup" class="tm-radios" id="{}">{}</div>').format(
        field.id, options
    )


def control(field: Field, **kwargs: Any) -> Markup:
    """Draw the control of any field by its type; its own widget is ignored.

    Help and error are tied to it as `<id>-help` and `<id>-error`. Keywords become attributes.
    """
    attributes = {k: v for k, v in (field.render_kw or {}).items() if k not in FRAME}
    attributes |= _described_by(field) | kwargs
    css = " is-invalid" if field.errors else ""
    kind = field.type
    if kind == "BooleanField":
        html = CheckboxInput()(field, class_=f"form-check-input{css}", **attributes)
    elif kind == "RadioField":
        html = _radios(field, attributes)
    elif "Select" in kind or kind == "EnumField":
        html = _select(field, css, attributes)
    elif kind == "TextAreaField":
        attributes.setdefault("rows", 3)
        html = TextArea()(field, class_=f"form-control{css}", **attributes)
    elif kind == "PasswordField":
        html = PasswordInput()(field, class_=f"form-control{css}", **attributes)
    elif "File" in kind or "Upload" in kind:
        html = FileInput("Multiple" in kind)(field, class_=f"form-control{css}", **attributes)
    else:
        attributes.setdefault("autocomplete", "off")
        if kind in ("DecimalField", "FloatField"):
            attributes.setdefault("step", "any")
        html = TextInput(INPUTS.get(kind, "text"))(field, class_=f"form-control{css}", **attributes)
    # The blank choice of Flask-AppBuilder is a word that nobody should see.
    return html.replace('value="__None">__None<', Markup('value=""><'))


class Badge(NamedTuple):
    """A state as people see it: word, icon and tint (draft, wait, back, good, bad, info)."""

    label: Any
    icon: str = "point"
    tint: str = "draft"


def unless_lost(value: Any) -> Any:
    """Return a value of a list, or the flag of one that cannot be read (SEC-39)."""
    return Badge(UNREADABLE, "alert-triangle", "bad") if value is UNREADABLE else value


# Keys that most flows share; a view names its own states beside its model.
COMMON_STATES: Mapping[str, tuple[str, str]] = {
    "draft": ("pencil", "draft"),
    "submitted": ("clock", "wait"),
    "pending": ("clock", "wait"),
    "returned": ("arrow-back-up", "back"),
    "withdrawn": ("arrow-back", "draft"),
    "approved": ("circle-check", "good"),
    "confirmed": ("circle-check", "good"),
    "effective": ("circle-check", "good"),
    "completed": ("circle-check", "good"),
    "rejected": ("circle-x", "bad"),
    "cancelled": ("circle-x", "draft"),
}


def badge_of(value: Any, states: Mapping[Any, tuple[str, str]], label: Any = None) -> Badge:
    """Return the badge of a state; `states` gives icon and tint, `label` its word."""
    key = value.value if isinstance(value, Enum) else value
    name, tint = states.get(value) or states.get(key) or COMMON_STATES.get(key, ("point", "info"))
    return Badge(label if label is not None else str(key), name, tint)


def text_of(value: Any) -> str:
    """Write a value for reading: ISO dates, Beijing time, yes or no, a dash for nothing."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, datetime):
        return (local(value) if value.tzinfo else value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return str(getattr(value, "label", value.value))
    if isinstance(value, list | tuple | set):
        return _(", ").join(text_of(each) for each in value) or NOTHING
    return str(value)


def number_of(value: Any) -> str:
    """Write a quantity with its thousands separated."""
    return f"{value:,}" if isinstance(value, int | float | Decimal) else text_of(value)


class Card(NamedTuple):
    """One fieldset of a form or a page."""

    title: Any
    names: list[str]
    wide: frozenset[str]
    open: bool


def cards(
    fieldsets: Iterable[tuple[Any, Mapping[str, Any]]] | None,
    columns: Iterable[str],
    known: Iterable[str],
    hidden: Iterable[str] = (),
) -> list[Card]:
    """Return the fieldsets with the columns that exist here; without fieldsets one card of all."""
    shown = set(known) - set(hidden)
    if not fieldsets:
        fieldsets = [("", {"fields": list(columns)})]
    made = [
        Card(
            title,
            [name for name in spec.get("fields", ()) if name in shown],
            frozenset(spec.get("wide", ())),
            spec.get("expanded", True),
        )
        for title, spec in fieldsets
    ]
    return [card for card in made if card.names]


def form_problems(form: Form) -> list[tuple[str, str, str]]:
    """Return (id of the field, label, message) for every error of a form, its own first."""
    found = [("", "", str(message)) for message in form.form_errors]
    for field in form:
        found += [(field.id, str(field.label.text), str(error)) for error in field.errors]
    return found


def is_wide(field: Field, card: Card) -> bool:
    """Whether a field takes the full width of its card."""
    asked = (field.render_kw or {}).get("data-wide")
    return bool(asked) or field.name in card.wide or field.type == "TextAreaField"


class ListTable(RenderTemplateWidget):
    """A list: toolbar, table, pager and bulk bar; takes a `listing` (app/views/listing.py)."""

    template = "appbuilder/general/widgets/list.html"


class FilterPanel(RenderTemplateWidget):
    """The search form of a list or chart."""

    template = "appbuilder/general/widgets/search.html"


class ChartFigure(RenderTemplateWidget):
    """One chart with its table."""

    template = "tm/chart_widget.html"


def page_lang() -> str:
    """Return the language of the page as browsers name it."""
    language = get_locale().language
    return "zh-CN" if language == "zh" else language


def register_widgets(app: Flask) -> None:
    """Make the drawing functions known to every template."""
    app.jinja_env.globals.update(
        badge_of=badge_of,
        cards=cards,
        control=control,
        form_problems=form_problems,
        is_wide=is_wide,
        number_of=number_of,
        page_lang=page_lang,
        text_of=text_of,
    )


def options(pairs: Iterable[tuple[str, Any]], blank: bool = False) -> list[SelectChoice]:
    """Return (code, name) pairs as WTForms wants its choices, after an empty one if asked."""
    empty = [SelectChoice("", "")] if blank else []
    return empty + [SelectChoice(code, name) for code, name in pairs]


def yes_or_no() -> list[SelectChoice]:
    """Return the choices of a filter on a yes-or-no column."""
    return options([("y", _("Yes")), ("n", _("No"))], blank=True)
