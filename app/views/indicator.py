"""The indicator dictionary: sets, indicators, and how each school category treats them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from flask import request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.access.actor import current_actor
from app.access.roles import WRITE, may_open
from app.core.errors import Malformed, NotFound
from app.core.reference import CheckRule, Indicator, IndicatorSet, Rule
from app.indicators.catalog import Catalog, language
from app.views.base import BaseView
from app.views.labels import group_label, present_catalog

EVERY_SET = "all"
LONGEST_TEXT = 50
TYPES = {
    "text": _l("Text"),
    "int": _l("Whole number"),
    "decimal": _l("Number"),
    "date": _l("Date"),
    "year_month": _l("Year and month"),
    "code": _l("Code"),
    "bool": _l("Yes or no"),
    "idcard": _l("ID number"),
    "phone": _l("Telephone number"),
    "email": _l("E-mail address"),
}
FILLERS = {"school": _l("School"), "teacher": _l("Teacher"), "both": _l("Both")}
LIMITS = {
    "today": _l("today"),
    "this_year": _l("this year"),
    "last_year": _l("last year"),
    "next_year": _l("next year"),
}


class Treatment(NamedTuple):
    """How categories treat an indicator: required, optional, computed or none, and who fills it."""

    category: str
    kind: str
    filler: str


class Group(NamedTuple):
    """The categories that treat an indicator in the same way."""

    treatment: Treatment
    names: tuple[str, ...]


class Line(NamedTuple):
    """One indicator as the dictionary shows it."""

    key: str
    name: str
    set_name: str
    set_url: str
    type: str
    limits: str
    table: str
    table_url: str
    applies: str
    marks: tuple[str, ...]
    help: str
    treatments: tuple[Treatment, ...]
    groups: tuple[Group, ...]
    checks: tuple[tuple[str, str], ...]
    edit_url: str = ""


class SetCard(NamedTuple):
    """One set on the overview."""

    code: str
    name: str
    group: str
    indicators: int
    rows: str
    core: bool
    url: str


class Section(NamedTuple):
    """The indicators of one set."""

    name: str
    lines: list[Line]


class Dictionary:
    """The catalogue in the reader's language."""

    def __init__(self, known: Catalog, lang: str) -> None:
        self.known, self.lang = known, lang
        self.may_edit = may_open(current_actor().role, "Indicator", WRITE)
        self._checks: dict[str, list[CheckRule]] = {}
        for check in known.checks.values():
            for field in check.fields:
                self._checks.setdefault(field, []).append(check)

    def name(self, thing: Any) -> str:
        return self.known.name(thing, self.lang)

    @property
    def categories(self) -> list[tuple[str, str]]:
        """Code and name of the school categories."""
        table = self.known.codes("school_category")
        return [(code, self.name(each)) for code, each in table.items()]

    def category_name(self, code: str) -> str:
        return self.known.label("school_category", code, self.lang)

    def card(self, entry: IndicatorSet) -> SetCard:
        return SetCard(
            entry.code,
            self.name(entry),
            group_label(entry.group_zh),
            len(entry.indicators),
            _("several rows") if entry.multi_row else _("one row"),
            entry.core,
            url_for("IndicatorView.one_set", code=entry.code),
        )

    def line(self, item: Indicator) -> Line:
        entry = self.known.set(item.set)
        treatments = tuple(self._treatments(item))
        return Line(
            item.key,
            self.name(item),
            self.name(entry),
            url_for("IndicatorView.one_set", code=entry.code),
            self._type(item),
            self._limits(item),
            item.code_table,
            url_for("CodeView.table", name=item.code_table) if item.code_table else "",
            self._applies(item),
            tuple(self._marks(item)),
            item.help_zh if self.lang == "zh" else item.help_en,
            treatments,
            tuple(self._groups(treatments)),
            tuple(
                (check.code, check.message_en if self.lang == "en" else check.message_zh)
                for check in self._checks.get(item.key, ())
            ),
            url_for("IndicatorEditView.edit", set_code=item.set, code=item.code)
            if self.may_edit
            else "",
        )

    @staticmethod
    def _type(item: Indicator) -> str:
        name = str(TYPES[item.data_type])
        return _("%(type)s, several", type=name) if item.multi_value else name

    @staticmethod
    def _limits(item: Indicator) -> str:
        low, high = (str(LIMITS.get(each, each)) for each in (item.min, item.max))
        if low or high:
            return f"{low}–{high}"
        if item.data_type == "text" and item.max_length:
            return _("up to %(number)s characters", number=item.max_length)
        return ""

    def _applies(self, item: Indicator) -> str:
        """Write the condition under which an indicator is asked for, with names for codes."""
        condition = self.known.condition(item)
        if condition is None:
            return ""
        asked = self.known.indicator(condition.set, condition.field)
        table = "yes_no" if asked.data_type == "bool" else asked.code_table
        value = self.known.label(table, condition.value, self.lang)
        sign = "=" if condition.equal else "≠"
        return f"{self.name(asked)} {sign} {value}"

    @staticmethod
    def _marks(item: Indicator) -> Iterable[str]:
        if item.core:
            yield _("Core")
        if item.computed:
            yield _("Computed")
        if item.beijing_extension:
            yield _("Beijing")
        if item.sealed:
            yield _("Sealed")
        elif item.masked:
            yield _("Masked")

    def _treatments(self, item: Indicator) -> Iterable[Treatment]:
        for category in self.known.categories:
            rule = self.known.rule(item.set, item.code, category)
            yield Treatment(category, self._kind(item, rule), self._filler(item, rule))

    def _groups(self, treatments: Iterable[Treatment]) -> Iterable[Group]:
        """Draw the categories of the same treatment together, those that collect first."""
        names: dict[tuple[str, str], list[str]] = {}
        for each in treatments:
            names.setdefault((each.kind, each.filler), []).append(self.category_name(each.category))
        for (kind, filler), found in sorted(names.items(), key=lambda pair: pair[0][0] == "none"):
            yield Group(Treatment("", kind, filler), tuple(found))

    def _kind(self, item: Indicator, rule: Rule) -> str:
        if not rule.collected:
            return "none"
        if item.computed:
            return "computed"
        required = self.known.required(item.set, item.code, rule.category)
        return "required" if required else "optional"

    @staticmethod
    def _filler(item: Indicator, rule: Rule) -> str:
        if item.computed or not rule.collected:
            return ""
        return str(FILLERS.get(rule.filled_by, ""))

    def found(self, text: str) -> list[Line]:
        """Return the indicators whose names, keys or help contain a text."""
        low = text.lower()

        def words(item: Indicator) -> str:
            return f"{item.key} {item.name_zh} {item.name_en} {item.help_zh} {item.help_en}".lower()

        return [self.line(item) for item in self.known.by_key.values() if low in words(item)]


class IndicatorView(BaseView):
    """Everybody who works with files may look up what is asked and of whom."""

    route_base = "/indicators"
    class_permission_name = "Indicator"
    default_view = "overview"

    @expose("/")
    @has_access
    def overview(self) -> Any:
        """Show all sets, or what a search found."""
        book = Dictionary(present_catalog(), language())
        text = request.args.get("q", "").strip()[:LONGEST_TEXT]
        return self.render_template(
            "indicator/overview.html",
            text=text,
            lines=book.found(text) if text else [],
            cards=[book.card(entry) for entry in book.known.sets.values()],
            book=book,
            category="",
        )

    @expose("/set/<code>")
    @has_access
    def one_set(self, code: str) -> Any:
        """Show the indicators of one set, for one category or for all."""
        book = Dictionary(present_catalog(), language())
        if code not in book.known.sets:
            raise NotFound()
        category = self._category(book)
        entry = book.known.set(code)
        lines = [book.line(item) for item in entry.indicators]
        if category:
            place = book.known.categories.index(category)
            lines = [line for line in lines if line.treatments[place].kind != "none"]
        return self.render_template(
            "indicator/set.html",
            book=book,
            card=book.card(entry),
            lines=lines,
            category=category,
            cards=[book.card(each) for each in book.known.sets.values()],
        )

    @expose("/matrix")
    @has_access
    def matrix(self) -> Any:
        """Show indicator by category: collected, required, filled by whom (S19, S51)."""
        book = Dictionary(present_catalog(), language())
        chosen = request.args.get("set", "basic")
        if chosen != EVERY_SET and chosen not in book.known.sets:
            raise NotFound()
        entries = [e for e in book.known.sets.values() if chosen in (EVERY_SET, e.code)]
        return self.render_template(
            "indicator/matrix.html",
            book=book,
            chosen=chosen,
            cards=[book.card(each) for each in book.known.sets.values()],
            sections=[
                Section(book.name(entry), [book.line(item) for item in entry.indicators])
                for entry in entries
            ],
        )

    @staticmethod
    def _category(book: Dictionary) -> str:
        """Return the category asked for; a school sees its own unless it asks for another."""
        category = request.args.get("category", current_actor().category or "")
        if category and category != EVERY_SET and category not in book.known.categories:
            raise Malformed()
        return "" if category == EVERY_SET else category
