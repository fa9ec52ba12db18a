"""The form of one row of an indicator set: built from the catalogue and the field rights."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    FileField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)

from app.access.actor import Actor
from app.access.fields import View, is_collected, may_edit, view_on_file
from app.access.roles import Role
from app.core.reference import Indicator
from app.core.sealed import REMEDY, UNREADABLE
from app.indicators.catalog import Catalog, language
from app.indicators.rules import Condition, codes_of
from app.indicators.values import as_text, codes_for, default_of, display, mask
from app.models.record import KEPT_ON_TEACHER
from app.services.attachment import is_file, is_picture
from app.views.choice import CodeSelectField, CodeSelectMultipleField, governor_of
from app.views.widgets import LONG_LIST, Card, options

FEW = 4  # So many choices stand open side by side.
WIDE_TEXT = 200  # From here on a text takes the full width,
LONG_TEXT = 400  # and from here on several lines.
ONE_CARD = 18  # More fields than this are parted into cards.
KEPT, REMOVE = "__kept", "__remove"

INPUTS: Mapping[str, Mapping[str, str]] = {
    "int": {"inputmode": "numeric"},
    "decimal": {"inputmode": "decimal"},
    "date": {"type": "date"},
    "year_month": {"type": "month"},
    "phone": {"type": "tel"},
    "email": {"type": "email", "autocapitalize": "none"},
    "idcard": {"autocapitalize": "characters", "spellcheck": "false"},
}
GIVEN = ("system", "sso")  # Sources of values that no set of the file explains.
OPERATORS = {True: "=", False: "!="}


class UploadField(FileField):
    """A file; `kept` is the uuid of the one that is there already."""

    kept: str = ""


class Locked(NamedTuple):
    """A fact that this person does not fill in here, and who can."""

    label: str
    value: str
    reason: str


def value_of(record: Any, teacher: Any, item: Indicator) -> Any:
    """Return the plain value of an indicator; a few stand on the teacher's own row."""
    if item.code in KEPT_ON_TEACHER.get(item.set, ()):
        return getattr(teacher, item.code)
    return None if record is None else record.value(item.code)


def shown_value(
    actor: Actor, item: Indicator, value: Any, catalog: Catalog, category: str | None
) -> str:
    """Return a value as this person may read it on a page; one of a person is masked unless the
    field right gives it whole."""
    if not item.masked or view_on_file(actor, item) is View.WHOLE:
        return display(item, value, catalog, language(), category=category)
    return mask(item, value)


def lock_reason(actor: Actor, teacher: Any, item: Indicator, catalog: Catalog) -> str:
    """Return who can change a field that this person may not, and how."""
    if item.derived_from in GIVEN:
        return _("Given by the system.")
    if item.read_only:
        sources = item.derived_from.split(",")
        if sources[0] in catalog.sets:
            source = catalog.name(catalog.set(sources[0]), language())
            return _("Computed from “%(set)s”.", set=source)
        return _("Filled in by the system.")
    if item.code in KEPT_ON_TEACHER.get(item.set, ()):
        return _("Altered by a change of the staff status only.")
    if actor.role == Role.TEACHER:
        return _("Filled in by the school. Ask the information administrator of your school.")
    return _("Filled in by the school or the teacher while the file is open.")


@dataclass(frozen=True)
class Context:
    """What the form of a row is made for."""

    actor: Actor
    teacher: Any
    set_code: str
    catalog: Catalog
    record: Any = None
    # The value of an indicator of another single-row set.
    elsewhere: Callable[[str, str], Any] = lambda _set, _code: None
    notes: Mapping[str, str] = field(default_factory=dict)
    # Only these indicators, where a form asks for a few of the set.
    only: frozenset[str] | None = None
    # Whether the actor may say a value here (access.fields), and why not in words of its own.
    right: Callable[[Actor, Any, Indicator, Catalog], bool] = may_edit
    locks: Callable[[Indicator], str] = lambda _item: ""
    # What stands beside inputs, by indicator code.
    beside: Mapping[str, str] = field(default_factory=dict)

    @property
    def category(self) -> str:
        return self.teacher.school.category

    @cached_property
    def collected(self) -> tuple[Indicator, ...]:
        """The indicators of the set that the school's category collects and the actor sees."""
        return tuple(
            item
            for item in self.catalog.indicators(self.set_code)
            if is_collected(item, self.category, self.catalog)
            and view_on_file(self.actor, item) is not View.HIDDEN
            and (self.only is None or item.code in self.only)
        )

    @cached_property
    def editable(self) -> tuple[Indicator, ...]:
        """The indicators that become inputs."""
        return tuple(
            item
            for item in self.collected
            if self.may_edit(item) and self.decided(item) is not False
        )

    @cached_property
    def editable_codes(self) -> frozenset[str]:
        return frozenset(item.code for item in self.collected if self.may_edit(item))

    def may_edit(self, item: Indicator) -> bool:
        """Whether this person types the value in."""
        return self.right(self.actor, self.teacher, item, self.catalog)

    def lock_reason(self, item: Indicator) -> str:
        """Return who can change a field that this person may not, and how."""
        own = self.locks(item)
        return own or lock_reason(self.actor, self.teacher, item, self.catalog)

    def value(self, item: Indicator) -> Any:
        if self.record is None and item.code not in KEPT_ON_TEACHER.get(item.set, ()):
            return default_of(item, self.catalog)
        return value_of(self.record, self.teacher, item)

    def own_condition(self, item: Indicator) -> Condition | None:
        """Return the condition of an indicator if it asks for an input of this form."""
        condition = self.catalog.condition(item)
        if condition is None or condition.set != self.set_code:
            return None
        return condition if condition.field in self.editable_codes else None

    def decided(self, item: Indicator) -> bool | None:
        """Whether an indicator applies, by what cannot be changed in this form; None: it may."""
        condition = self.catalog.condition(item)
        if condition is None or self.own_condition(item) is not None:
            return None
        return condition.holds(self._read)

    def _read(self, set_code: str, code: str) -> Any:
        if set_code == self.set_code:
            return self.value(self.catalog.indicator(set_code, code))
        return self.elsewhere(set_code, code)

    def condition_words(self, item: Indicator) -> str:
        """Return the reason why a field is not asked for."""
        condition = self.catalog.condition(item)
        if condition is None:
            return ""
        asked = self.catalog.indicator(condition.set, condition.field)
        lang = language()
        name = self.catalog.name(asked, lang)
        if asked.data_type == "bool":
            value = self.catalog.label("yes_no", condition.value, lang)
        else:
            value = self.catalog.label(self.catalog.table_of(asked), condition.value, lang)
        if condition.equal:
            return _("Only asked for when “%(field)s” is “%(value)s”.", field=name, value=value)
        return _("Not asked for when “%(field)s” is “%(value)s”.", field=name, value=value)

    def is_required(self, item: Indicator) -> bool:
        return self.catalog.required(item.set, item.code, self.category)

    def keeps_blank(self, item: Indicator) -> bool:
        """Whether a blank input keeps the stored value, because that is not shown."""
        stored = None if self.record is None else self.record.value(item.code)
        hidden = view_on_file(self.actor, item) is not View.WHOLE
        return stored is UNREADABLE or (hidden and stored is not None)


class RecordForm:
    """The inputs of a row, what stands beside them, and the raw values that were sent."""

    def __init__(self, context: Context, formdata: Any = None) -> None:
        self.context = context
        self.form = _form_class(context)(formdata=formdata, data=texts_of(context))
        for item in context.editable:
            drawn = self.form[item.code]
            drawn.flags.required = context.is_required(item)
            told = (context.beside.get(item.code, ""), str(drawn.description or ""))
            drawn.description = " · ".join(filter(None, told))
            if isinstance(drawn, UploadField):
                drawn.kept = self._kept(item, formdata)

    def _kept(self, item: Indicator, formdata: Any) -> str:
        if formdata is not None and f"{item.code}{KEPT}" in formdata:
            return formdata[f"{item.code}{KEPT}"]
        return as_text(item, self.context.value(item))

    def raw(self) -> dict[str, Any]:
        """Return the raw values by indicator code; other names that were sent are left alone."""
        values: dict[str, Any] = {}
        for item in self.context.editable:
            drawn = self.form[item.code]
            if isinstance(drawn, UploadField):
                values[item.code] = drawn.kept
            elif drawn.data or not self.context.keeps_blank(item):
                values[item.code] = drawn.data if drawn.data is not None else ""
        return values

    def is_blank(self) -> bool:
        """Whether nothing was entered beyond what a new row starts with."""
        texts = texts_of(self.context)
        return all(
            value in ("", [], None) or value == texts.get(code)
            for code, value in self.raw().items()
        )

    def uploads(self) -> Iterator[tuple[Indicator, UploadField]]:
        """Yield the inputs for files."""
        for item in self.context.editable:
            if isinstance(self.form[item.code], UploadField):
                yield item, self.form[item.code]

    @property
    def cards(self) -> list[Card]:
        """Return the inputs parted into cards; a dependent field stands with its condition."""
        items = self.context.editable
        if len(items) <= ONE_CARD:
            return [Card("", [item.code for item in items], frozenset(), open=True)]
        parts: dict[str, list[str]] = {"identity": [], "needed": [], "more": []}
        placed: dict[str, str] = {}
        for item in items:
            condition = self.context.own_condition(item)
            part = placed.get(condition.field, "") if condition is not None else ""
            if not part:
                part = "needed" if self.context.is_required(item) else "more"
                part = "identity" if item.identity else part
            placed[item.code] = part
            parts[part].append(item.code)
        titles = {
            "identity": _("Identity"),
            "needed": _("Needed for submission"),
            "more": _("More, where it applies"),
        }
        return [
            Card(titles[part], names, frozenset(), open=True)
            for part, names in parts.items()
            if names
        ]

    @property
    def locked(self) -> list[Locked]:
        """Return what belongs to the set and is not filled in here, with the reason."""
        ctx, lang = self.context, language()
        found = []
        for item in ctx.collected:
            if item in ctx.editable:
                continue
            value = shown_value(ctx.actor, item, ctx.value(item), ctx.catalog, ctx.category)
            if ctx.decided(item) is False:
                if value:
                    continue
                reason = ctx.condition_words(item)
            else:
                reason = ctx.lock_reason(item)
            found.append(Locked(ctx.catalog.name(item, lang), value, reason))
        return found


def _form_class(context: Context) -> type[FlaskForm]:
    fields = {item.code: _field(context, item) for item in context.editable}
    return type("RowForm", (FlaskForm,), fields)


def texts_of(context: Context) -> dict[str, Any]:
    """Return what the inputs show before anybody types."""
    texts: dict[str, Any] = {}
    for item in context.editable:
        if view_on_file(context.actor, item) is not View.WHOLE:
            texts[item.code] = ""
            continue
        value = context.value(item)
        text = "" if value is UNREADABLE else as_text(item, value)
        texts[item.code] = list(codes_of(text)) if item.multi_value else text
    return texts


def _field(context: Context, item: Indicator) -> Any:
    common: dict[str, Any] = {
        "label": context.catalog.name(item, language()),
        "id": f"f-{item.code}",
        "description": _help(item),
        "render_kw": _attributes(context, item),
    }
    if is_file(item):
        common["render_kw"] |= {"data-wide": "1"}
        kinds = "image/jpeg,image/png" if is_picture(item) else "image/jpeg,image/png,.pdf"
        common["render_kw"] |= {"accept": kinds}
        if is_picture(item):
            common["render_kw"] |= {"data-photo": "1"}
        return UploadField(**common)
    if item.data_type == "bool":
        pairs = options(_yes_no(context.catalog))
        return RadioField(choices=pairs, validate_choice=False, **common)
    if item.data_type == "code":
        return _code_field(context, item, common)
    common["render_kw"] |= dict(INPUTS.get(item.data_type, {}))
    if item.max_length:
        common["render_kw"] |= {"maxlength": item.max_length}
    if context.keeps_blank(item):
        value = context.record.value(item.code)
        common["render_kw"] |= {"placeholder": mask(item, value)}
        common["description"] = _help_of_kept(value)
    longest = (item.max_length or 0) if item.data_type == "text" else 0
    if longest >= WIDE_TEXT:
        common["render_kw"] |= {"data-wide": "1"}
    return (TextAreaField if longest >= LONG_TEXT else StringField)(**common)


def _help_of_kept(value: Any) -> str:
    keep = _("Leave it empty to keep what is stored.")
    return f"{REMEDY} {keep}" if value is UNREADABLE else keep


def _code_field(context: Context, item: Indicator, common: dict[str, Any]) -> Any:
    codes = codes_for(item, context.category, context.catalog)
    governor = governor_of(item, context.catalog)
    if governor is not None:
        common["render_kw"] |= {"data-depends": governor.code}
    if governor is not None or len(codes) > LONG_LIST:
        kind = CodeSelectMultipleField if item.multi_value else CodeSelectField
        return kind(indicator=item, category=context.category, **common)
    lang = language()
    choices = [(code.code, context.catalog.name(code, lang)) for code in codes]
    known = {code for code, _name in choices}
    table = context.catalog.table_of(item, context.category)
    # A stored code that is no longer offered stays visible until somebody chooses another.
    for code in codes_of(context.value(item)):
        if code not in known:
            choices.append((code, context.catalog.label(table, code, lang)))
    if item.multi_value:
        return SelectMultipleField(choices=options(choices), validate_choice=False, **common)
    if len(choices) <= FEW and context.is_required(item) and not item.applicable_when:
        return RadioField(choices=options(choices), validate_choice=False, **common)
    return SelectField(choices=options(choices, blank=True), validate_choice=False, **common)


def _yes_no(catalog: Catalog) -> list[tuple[str, str]]:
    return [(code, catalog.label("yes_no", code, language())) for code in ("1", "0")]


def _attributes(context: Context, item: Indicator) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    condition = context.own_condition(item)
    if condition is not None:
        rule = f"{condition.field}{OPERATORS[condition.equal]}{condition.value}"
        attributes["data-visible-when"] = rule
        attributes["data-visible-reason"] = context.condition_words(item)
    note = context.notes.get(item.key)
    if note:
        attributes["data-problem"] = note
    return attributes


def _help(item: Indicator) -> str:
    """Return the help of an indicator in the reader's language, in English at least the shape."""
    if language() == "zh":
        return item.help_zh
    if item.help_en:
        return item.help_en
    hints = {
        "year_month": _("Year and month, e.g. 2026-09."),
        "date": _("Year, month and day, e.g. 2026-09-01."),
        "idcard": _("As on the document; a last letter X in upper case."),
    }
    return hints.get(item.data_type, "")
