"""Choices of code tables for remote selects: found by name, pinyin initials or code."""

from typing import Any
from weakref import WeakKeyDictionary

from flask import jsonify, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from wtforms import SelectField, SelectMultipleField
from wtforms.fields.choices import Choice, SelectFieldBase

from app.core.errors import NotFound
from app.core.reference import Code, Indicator
from app.indicators.catalog import Catalog, language
from app.indicators.rules import codes_of
from app.indicators.values import codes_for
from app.services.search import initials
from app.views.base import BaseView
from app.views.labels import present_catalog
from app.views.searching import count_search

SHOWN = 50
LONGEST_QUERY = 50

_spelled: "WeakKeyDictionary[Catalog, dict[str, dict[str, tuple[str, ...]]]]" = WeakKeyDictionary()


def governor_of(item: Indicator, catalog: Catalog) -> Indicator | None:
    """Return the indicator of the same set whose value narrows the codes of this one.

    The codes say so themselves: an attribute named like the code table of an indicator that
    stands before holds the codes they belong to.
    """
    codes = catalog.codes(item.code_table) if item.data_type == "code" else {}
    tables = {_singular(name) for code in codes.values() for name in code.attrs}
    before = [
        each
        for each in catalog.indicators(item.set)
        if each.sort < item.sort and each.code_table in tables and not each.read_only
    ]
    return before[-1] if before else None


def _singular(name: str) -> str:
    return f"{name.removesuffix('ies')}y" if name.endswith("ies") else name


def belongs(code: Code, table: str, chosen: str) -> bool:
    """Whether a code belongs to the chosen code of the table that narrows it."""
    for name, wanted in code.attrs.items():
        if _singular(name) == table:
            return chosen in wanted if isinstance(wanted, list) else chosen == str(wanted)
    return True


def _spellings(catalog: Catalog, table: str) -> dict[str, tuple[str, ...]]:
    """Return, by code, how it may be typed; made once for a table of a catalogue."""
    tables = _spelled.setdefault(catalog, {})
    if table not in tables:
        tables[table] = {
            code.code: (
                code.code.lower(),
                _path(code).lower(),
                code.name_en.lower(),
                initials(code.name_zh),
            )
            for code in catalog.codes(table).values()
        }
    return tables[table]


def _path(code: Code) -> str:
    return str(code.attrs.get("path") or code.name_zh)


def find_codes(
    item: Indicator, catalog: Catalog, *, category: str | None, text: str, of: str = ""
) -> list[Code]:
    """Return at most SHOWN codes that fit what was typed, those that begin with it first."""
    table = catalog.table_of(item, category)
    codes = codes_for(item, category, catalog)
    governor = governor_of(item, catalog) if of else None
    if governor is not None:
        codes = tuple(code for code in codes if belongs(code, governor.code_table, of))
    typed = "".join(text.lower().split())
    if not typed:
        return list(codes[:SHOWN])
    spelled = _spellings(catalog, table)
    ranked = [
        (not any(each.startswith(typed) for each in spelled[code.code]), place, code)
        for place, code in enumerate(codes)
        if any(typed in each.replace(" ", "") for each in spelled[code.code])
    ]
    return [code for _later, _place, code in sorted(ranked, key=lambda each: each[:2])[:SHOWN]]


class CodeChoiceView(BaseView):
    """What a remote select of a code indicator offers."""

    class_permission_name = "Code"
    route_base = "/code-choice"

    @expose("/<set_code>/<field>", methods=["GET"])
    @has_access
    def choices(self, set_code: str, field: str) -> Any:
        """Answer with codes and names; `q` is what was typed, `of` the code that narrows them."""
        count_search()
        known = present_catalog()
        item = known.by_key.get(f"{set_code}.{field}")
        if item is None or item.data_type != "code":
            raise NotFound()
        found = find_codes(
            item,
            known,
            category=request.args.get("category") or None,
            text=request.args.get("q", "")[:LONGEST_QUERY],
            of=request.args.get("of", "")[:20],
        )
        table, lang = known.table_of(item), language()
        return jsonify(
            items=[
                {"id": code.code, "text": known.label(table, code.code, lang), "hint": code.code}
                for code in found
            ]
        )


class _RemoteCodes(SelectFieldBase):
    """A code chosen by typing: only the chosen codes stand in the page."""

    def __init__(
        self, *args: Any, indicator: Indicator, category: str | None = None, **kwargs: Any
    ):
        address = url_for(
            "CodeChoiceView.choices",
            set_code=indicator.set,
            field=indicator.code,
            category=category or None,
        )
        self.indicator, self.category = indicator, category
        told = {"data-select": "remote", "data-url": address}
        kwargs["render_kw"] = (kwargs.get("render_kw") or {}) | told
        super().__init__(*args, choices=[], validate_choice=False, **kwargs)

    def iter_choices(self) -> Any:
        known, lang = present_catalog(), language()
        table = known.table_of(self.indicator, self.category)
        given = self.data if isinstance(self.data, list) else codes_of(self.data)
        yield from (Choice(code, known.label(table, code, lang), True, {}) for code in given)


class CodeSelectField(_RemoteCodes, SelectField):
    """One code."""

    def iter_choices(self) -> Any:
        yield Choice("", "", not self.data, {})
        yield from super().iter_choices()


class CodeSelectMultipleField(_RemoteCodes, SelectMultipleField):
    """Several codes."""
