"""Forms made from models: remote selects for parents, selects for coded columns, native dates."""

from collections.abc import Mapping
from typing import Any

from flask_appbuilder.forms import DynamicForm, FieldConverter, GeneralModelConverter
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    FloatField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    validators,
)

from app.views.widgets import (
    MomentField,
    MonthTextField,
    RemoteSelectField,
    options,
    yes_or_no,
)


class PlainFields(FieldConverter):
    """Fields without the widgets of Flask-AppBuilder; `control` draws them."""

    conversion_table = (
        ("is_text", TextAreaField, None),
        ("is_string", StringField, None),
        ("is_integer", IntegerField, None),
        ("is_numeric", DecimalField, None),
        ("is_float", FloatField, None),
        ("is_boolean", BooleanField, None),
        ("is_datetime", MomentField, None),
        ("is_date", DateField, None),
    )


def _or_none(value: Any) -> Any:
    return value or None


class FormConverter(GeneralModelConverter):
    """Make the add and edit forms of a view from what it declares."""

    def __init__(self, view: Any) -> None:
        super().__init__(view.datamodel)
        self.view = view

    def create_form(self, *args: Any, **kwargs: Any) -> type[DynamicForm]:
        form = super().create_form(*args, **kwargs)
        for name, (rule, reason) in self.view.visible_when.items():
            if hasattr(form, name):
                unbound = getattr(form, name)
                extra = {"data-visible-when": rule, "data-visible-reason": reason}
                unbound.kwargs["render_kw"] = (unbound.kwargs.get("render_kw") or {}) | extra
        return form

    def _convert_many_to_one(  # noqa: PLR0917 - the signature is that of Flask-AppBuilder.
        self,
        col_name: str,
        label: Any,
        description: Any,
        lst_validators: list[Any],
        filter_rel_fields: Any,
        form_props: dict[str, Any],
    ) -> dict[str, Any]:
        needed = not self.datamodel.is_nullable(col_name)
        check = validators.DataRequired() if needed else validators.Optional()
        form_props[col_name] = remote_field(
            self.view, col_name, label, description=description, validators=[*lst_validators, check]
        )
        return form_props

    def _convert_simple(
        self,
        col_name: str,
        label: Any,
        description: Any,
        lst_validators: list[Any],
        form_props: dict[str, Any],
    ) -> dict[str, Any]:
        needed = not self.datamodel.is_nullable(col_name)
        if self.datamodel.is_boolean(col_name):
            needed = False  # An empty box says no.
        check = validators.InputRequired() if needed else validators.Optional()
        common = {"description": description, "validators": [*lst_validators, check]}
        choices = self.view.code_columns.get(col_name)
        if choices is not None:
            form_props[col_name] = SelectField(
                label,
                choices=lambda: options(choices(), blank=True),
                coerce=str if needed else _or_none,
                default=self.datamodel.get_col_default(col_name),
                **common,
            )
            return form_props
        if self.view.list_kinds.get(col_name) == "month":
            form_props[col_name] = MonthTextField(label, **common)
            return form_props
        longest = self.datamodel.get_max_length(col_name)
        if longest != -1:
            common["validators"].append(validators.Length(max=longest))
        form_props[col_name] = PlainFields(
            self.datamodel,
            col_name,
            label,
            description,
            common["validators"],
            default=self.datamodel.get_col_default(col_name),
        ).convert()
        return form_props


def remote_field(view: Any, column: str, label: Any, **kwargs: Any) -> Any:
    """Return the field that chooses a parent. Raise TypeError when no view is named for it."""
    if column not in view.remote_columns:
        raise TypeError(f"{type(view).__name__}.remote_columns must name the view of {column}")
    return RemoteSelectField(
        label,
        datamodel=view.datamodel.get_related_interface(column),
        endpoint=f"{view.remote_columns[column]}.choices",
        **kwargs,
    )


def search_form_of(view: Any, labels: Mapping[str, Any]) -> type[FlaskForm]:
    """Return the form of the filter panel: nothing is required and nothing is loaded."""
    fields = {c: _search_field(view, c, labels.get(c, c)) for c in view.search_columns}
    return type("SearchForm", (DynamicForm,), fields)


def _search_field(view: Any, column: str, label: Any) -> Any:
    if column in (view.search_form_extra_fields or {}):
        return view.search_form_extra_fields[column]
    if column in view.code_columns:
        return SelectMultipleField(label, choices=lambda: options(view.code_columns[column]()))
    if view.datamodel.is_relation(column):
        return remote_field(view, column, label)
    if view.datamodel.is_boolean(column):
        return SelectField(label, choices=yes_or_no)
    if view.list_kinds.get(column) == "month":
        return MonthTextField(label)
    kinds = ("is_integer", "is_numeric", "is_float", "is_datetime", "is_date")
    fields = (IntegerField, DecimalField, DecimalField, DateField, DateField)
    for is_kind, field in zip(kinds, fields, strict=True):
        if getattr(view.datamodel, is_kind)(column):
            return field(label)
    return StringField(label)
