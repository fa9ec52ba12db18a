"""Parameters: the settings of the city, and the form that changes one of them."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from flask import request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    HiddenField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
    validators,
)

from app.access.actor import current_actor
from app.core.errors import NotFound, Stale
from app.extensions import db
from app.indicators.catalog import language, touch
from app.models.parameter import Parameter, ParameterKind, read_value
from app.services import audit
from app.views.base import BaseModelView
from app.views.datamodel import Datamodel
from app.views.listing import Button, address_of
from app.views.once import first_result, remember
from app.views.widgets import MonthTextField
from app.views.writing import REFUSED, refuse

SECTIONS = {
    "person": _l("Person"),
    "retirement": _l("Retirement"),
    "experience": _l("Studies and work"),
    "title": _l("Titles and certificates"),
    "teaching": _l("Teaching"),
    "pay": _l("Pay and appraisal"),
    "training": _l("Training"),
    "flow": _l("Collection and review"),
    "privacy": _l("Personal data"),
    "login": _l("Sign-in"),
    "system": _l("System"),
}
KINDS = {
    ParameterKind.INT: _l("Whole number"),
    ParameterKind.DECIMAL: _l("Number"),
    ParameterKind.BOOL: _l("Switch"),
    ParameterKind.TEXT: _l("Text"),
    ParameterKind.CODES: _l("List of codes"),
    ParameterKind.MONTH: _l("Month"),
    ParameterKind.JSON: _l("Structured text (JSON)"),
    ParameterKind.COUNTER: _l("Counter of the system"),
}
EXPECTED = {
    ParameterKind.INT: _l("A whole number from 0 to 1,000,000."),
    ParameterKind.DECIMAL: _l("A number from 0 to 1,000,000."),
    ParameterKind.CODES: _l("Codes separated by commas; empty for none."),
    ParameterKind.MONTH: _l("A month as year and month, e.g. 2026-09."),
    ParameterKind.JSON: _l("JSON of the same form as the shipped value."),
}
LARGEST = 1_000_000
LONGEST = 4000
SHORT, LONG = 40, 60  # A value above LONG characters is cut to SHORT in the list.
ON_OFF = (("1", _l("On")), ("0", _l("Off")))
MAY_BE_EMPTY = (ParameterKind.CODES, ParameterKind.TEXT)


# What the modules that are still to come will read; until then a change would have no effect. A
# fence compares this with the code.
NOT_IN_USE = frozenset(
    (
        "training_cycle_years",
        "change_needs_head",
        "correction_answer_days",
        "login_failures",
        "login_lock_minutes",
        "password_length_min",
        "password_days",
        "password_history",
        "idle_minutes",
        "idle_minutes_admin",
        "session_hours",
        "sessions_parallel",
    )
)


def check_text(kind: str, text: str, default: str) -> None:
    """Raise ValueError unless a text is a value that a parameter of this kind can have.

    Numbers lie between zero and a million, no code holds a blank, and JSON has the outer form of
    the shipped value.
    """
    value = read_value(kind, text)
    if kind in (ParameterKind.INT, ParameterKind.DECIMAL):
        number = Decimal(value)
        if not number.is_finite() or not 0 <= number <= LARGEST:
            raise ValueError(text)
    if kind == ParameterKind.CODES and any(len(code.split()) > 1 for code in value):
        raise ValueError(text)
    if kind == ParameterKind.JSON and type(value) is not type(json.loads(default)):
        raise ValueError(text)


def _form_of(item: Parameter) -> type[DynamicForm]:
    """Return the form that changes one parameter."""

    def readable(_form: Any, field: Any) -> None:
        try:
            check_text(item.kind, field.data or "", item.default)
        except ValueError:
            wanted = EXPECTED.get(ParameterKind(item.kind), _l("This value is not valid."))
            raise ValidationError(str(wanted)) from None

    needed = validators.Optional() if item.kind in MAY_BE_EMPTY else validators.InputRequired()
    common = {
        "label": _l("Value in force"),
        "description": EXPECTED.get(ParameterKind(item.kind), ""),
        # Optional stops at an empty text, so that the check comes first.
        "validators": [readable, needed, validators.Length(max=LONGEST)],
        "filters": [lambda text: text.strip() if text else text],
    }
    fields: Mapping[str, Callable[..., Any]] = {
        ParameterKind.BOOL: lambda **options: SelectField(choices=lambda: list(ON_OFF), **options),
        ParameterKind.MONTH: MonthTextField,
        ParameterKind.CODES: TextAreaField,
        ParameterKind.JSON: lambda **options: TextAreaField(render_kw={"rows": 12}, **options),
    }
    body = {
        "value": fields.get(item.kind, StringField)(**common),
        "reason": StringField(
            _l("Reason"),
            description=_l("Stands in the audit log."),
            validators=[validators.Optional(), validators.Length(max=200)],
        ),
        "was": HiddenField(default=item.value),
    }
    return type("ParameterForm", (DynamicForm,), body)


class ParameterView(BaseModelView):
    """Settings by section; the value is the only thing that can be changed."""

    route_base = "/parameters"
    datamodel = Datamodel(Parameter)
    class_permission_name = "Parameter"
    list_title = _l("Parameters")
    show_title = _l("Parameter")
    edit_title = _l("Change a parameter")
    edit_row_message = _l("The new value is in force.")
    list_columns = ["label", "value", "default", "section", "key"]
    show_columns = ["label", "value", "default", "section", "kind", "key"]
    edit_columns = ["value", "reason"]
    edit_form = DynamicForm
    edit_template = "parameter/edit.html"
    search_columns = ["section", "kind", "key"]
    order_columns = ["key", "section"]
    base_order = ("sort", "asc")
    segment_column = "section"
    quick_columns = ("label_zh", "label_en", "key")
    quick_hint = _l("Name of a parameter")
    page_size = 100
    label_columns = {
        "label": _l("Parameter"),
        "value": _l("Value in force"),
        "default": _l("Shipped value"),
        "section": _l("Section"),
        "kind": _l("Kind of value"),
        "key": _l("Key"),
        "reason": _l("Reason"),
    }
    code_columns = {
        "section": lambda: list(SECTIONS.items()),
        "kind": lambda: [(kind.value, label) for kind, label in KINDS.items()],
    }

    def cell(self, item: Parameter, column: str) -> Any:
        if column == "label":
            return _label(item)
        if column in ("value", "default"):
            return _text(item.kind, getattr(item, column))
        return super().cell(item, column)

    def _row(self, item: Parameter, *more: Any) -> Any:
        # Structured values have their place on the page of the parameter.
        row = super()._row(item, *more)
        cells = [
            cell._replace(value=f"{cell.value[:SHORT]}…") if len(str(cell.value)) > LONG else cell
            for cell in row.cells
        ]
        return row._replace(cells=cells)

    def page_title(self, item: Parameter) -> str:
        return _label(item)

    def row_name(self, item: Parameter) -> str:
        return _label(item)

    def may_edit_row(self, item: Parameter) -> bool:
        return item.kind != ParameterKind.COUNTER

    def row_buttons(self, item: Parameter) -> tuple[Button, ...]:
        if not (self.may("write") and self.may_edit_row(item)):
            return ()
        return (Button(_("Edit"), "pencil", address_of("ParameterView", "edit", pk=item.key)),)

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: Any) -> Any:
        item = self.one(pk)
        if not self.may_edit_row(item):
            raise NotFound()
        if request.method == "GET":
            return self._form_page("edit", _form_of(item).refresh(obj=item), item)
        if (answer := first_result(self.datamodel.session)) is not None:
            return answer
        form = _form_of(item).refresh()
        if not form.validate():
            return self._form_page("edit", form, item, status=REFUSED)
        if form.was.data != item.value:
            refuse(form, Stale())
            stored = _("Stored meanwhile: %(value)s", value=_text(item.kind, item.value))
            form.value.errors = [*form.value.errors, stored]
            form.was.data = item.value
            return self._form_page("edit", form, item, status=Stale.status)
        self._change(item, form.value.data or "", form.reason.data or None)
        return self._answer(item, self.edit_row_message)

    def _change(self, item: Parameter, text: str, reason: str | None) -> None:
        """Put a value in force: on record, and in a new version of the catalogue."""
        session = db.session()
        detail = {"from": item.value, "to": text}
        item.value = text
        place = ("parameter", item.key)
        audit.record(
            session, "setting", actor=current_actor(), object=place, reason=reason, detail=detail
        )
        touch(session)
        remember(session, self.next_url() or self.after_save_url(item))
        session.commit()


def _text(kind: str, value: str) -> Any:
    """Write a value for reading."""
    return dict(ON_OFF)[value] if kind == ParameterKind.BOOL else value


def _label(item: Parameter) -> str:
    """Return the name of a parameter in the reader's language, and whether nothing reads it."""
    name = item.label_en if language() == "en" else item.label_zh
    return _("%(name)s (not in use yet)", name=name) if item.key in NOT_IN_USE else name
