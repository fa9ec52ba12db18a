"""The code tables: which there are, who uses them, and their codes as a tree."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flask import request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.errors import NotFound
from app.core.reference import Code
from app.indicators.catalog import DISTRICTS, NO_CODES, REGIONS, SCHOOL_TYPES, Catalog, language
from app.services.code import may_grow
from app.views.base import BaseView
from app.views.labels import present_catalog

LONGEST_TEXT = 50
LONG = 500  # A longer table is shown level by level.
OUTSIDE = {
    DISTRICTS: _l("Districts"),
    REGIONS: _l("Administrative divisions"),
    SCHOOL_TYPES: _l("Types of schools"),
}
# What a code table without an indicator is about.
FLOWS = "wf_"


class TableCard(NamedTuple):
    """One code table on the overview."""

    name: str
    title: str
    codes: int
    used_by: int
    url: str


class Branch(NamedTuple):
    """One code of a tree; `below` leads to the codes under it where these are not shown."""

    code: str
    name: str
    other: str
    depth: int
    standard: str
    attributes: str
    note: str
    in_use: bool
    below: str = ""


class CodeBook:
    """The code tables in the reader's language."""

    def __init__(self, known: Catalog, lang: str) -> None:
        self.known, self.lang = known, lang
        # Name and address of the indicators that use a table, by table.
        self.users: dict[str, list[tuple[str, str]]] = {}
        for item in known.by_key.values():
            if item.code_table:
                address = url_for("IndicatorView.one_set", code=item.set, _anchor=item.key)
                self.users.setdefault(item.code_table, []).append((known.name(item, lang), address))

    def title(self, name: str) -> str:
        """Return what a table is about: its own title, or the first indicator that uses it."""
        if name in OUTSIDE:
            return str(OUTSIDE[name])
        if name.startswith(FLOWS):
            return _("States of a flow")
        return self.users[name][0][0] if name in self.users else ""

    def cards(self, text: str) -> list[TableCard]:
        """Return the tables that contain a text in name, title or codes; "" means all."""
        found = [
            TableCard(
                name,
                self.title(name),
                len(codes),
                len(self.users.get(name, ())),
                url_for("CodeView.table", name=name, q=text or None),
            )
            for name, codes in self.known.tables.items()
            if codes and self._holds(name, text.lower())
        ]
        return sorted(found, key=lambda card: card.name)

    def _holds(self, name: str, low: str) -> bool:
        if low in name.lower() or low in self.title(name).lower():
            return True
        return any(_matches(each, low) for each in self.known.codes(name).values())

    def branch(self, code: Code, depth: int = 0, below: str = "") -> Branch:
        attributes = (f"{k}={_plain(v)}" for k, v in code.attrs.items() if k != "path")
        return Branch(
            code.code,
            self.known.name(code, self.lang),
            code.name_zh if self.lang == "en" else code.name_en,
            depth,
            code.standard,
            ", ".join(attributes),
            code.note,
            code.active is not False,
            below,
        )

    def found(self, name: str, text: str) -> list[Branch]:
        """Return the codes of a table that contain a text."""
        low = text.lower()
        return [self.branch(c) for c in self.known.codes(name).values() if _matches(c, low)]

    def branches(self, name: str, above: str) -> list[Branch]:
        """Return a table as a tree, or one level of it where it is long."""
        codes = self.known.codes(name)
        children: dict[str, list[Code]] = {}
        for each in codes.values():
            parent = each.parent if each.parent in codes else ""
            children.setdefault(parent, []).append(each)
        if len(codes) <= LONG:
            return list(self._tree(children, "", 0))
        return [
            self.branch(
                each,
                below=url_for("CodeView.table", name=name, above=each.code)
                if each.code in children
                else "",
            )
            for each in children.get(above, [])
        ]

    def _tree(
        self, children: Mapping[str, list[Code]], parent: str, depth: int
    ) -> Iterator[Branch]:
        for each in children.get(parent, ()):
            yield self.branch(each, depth)
            yield from self._tree(children, each.code, depth + 1)


class CodeView(BaseView):
    """The codes in force, and those that old files still name."""

    route_base = "/codes"
    class_permission_name = "Code"
    default_view = "overview"

    @expose("/")
    @has_access
    def overview(self) -> Any:
        """Show all tables, or those that contain what was typed."""
        text = request.args.get("q", "").strip()[:LONGEST_TEXT]
        book = CodeBook(present_catalog(), language())
        return self.render_template("code/overview.html", cards=book.cards(text), text=text)

    @expose("/<name>")
    @has_access
    def table(self, name: str) -> Any:
        """Show the codes of one table; a long one level by level, or what a search found."""
        book = CodeBook(present_catalog(), language())
        codes = book.known.codes(name)
        above, text = (request.args.get(key, "").strip()[:LONGEST_TEXT] for key in ("above", "q"))
        if not codes or (above and above not in codes):
            raise NotFound()
        retired = book.known.retired.get(name, NO_CODES)
        return self.render_template(
            "code/table.html",
            name=name,
            title=book.title(name),
            users=book.users.get(name, []),
            text=text,
            above=book.branch(codes[above]) if above else None,
            count=len(codes),
            branches=book.found(name, text) if text else book.branches(name, above),
            retired=[book.branch(each) for each in retired.values() if each.code not in codes],
            may_edit=self.may("write") and not name.startswith("@"),
            may_add=self.may("write") and may_grow(book.known, name),
        )


def _matches(code: Code, low: str) -> bool:
    return low in f"{code.code} {code.name_zh} {code.name_en}".lower()


def _plain(value: Any) -> str:
    return "/".join(str(each) for each in value) if isinstance(value, list | tuple) else str(value)
