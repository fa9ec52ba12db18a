"""Rules of the source that a reader of text can check: no SQL, HTML, code of values (SEC-36).

Each rule yields findings as (rule, snippet); a snippet is the call or expression in one line.
"""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from jinja2 import Environment

# Calls whose first argument the database reads as SQL.
SQL = frozenset({"exec_driver_sql", "literal_column", "DDL", "TextClause"})
# `text` is a common name; only that of SQLAlchemy and of the extension is meant.
SQL_MODULES = frozenset({"sqlalchemy", "sql", "db"})
FORBIDDEN_MODULES = {
    "pickle": "pickle",
    "cPickle": "pickle",
    "shelve": "pickle",
    "marshal": "marshal",
    "subprocess": "subprocess",
}
FORBIDDEN_CALLS = {
    "os.system": "os.system",
    "os.popen": "os.system",
    "yaml.load": "yaml.load",
    "yaml.load_all": "yaml.load",
    "yaml.unsafe_load": "yaml.load",
    "eval": "eval",
    "exec": "exec",
    "builtins.eval": "eval",
    "builtins.exec": "exec",
}
FORBIDDEN_NAMES = {
    "system": ("os", "os.system"),
    "popen": ("os", "os.system"),
    "load": ("yaml", "yaml.load"),
}
COMPOSED = (
    ast.Constant, ast.JoinedStr, ast.FormattedValue, ast.BinOp, ast.Dict, ast.Tuple, ast.List
)  # fmt: skip
CONSTANT_NAME = re.compile(r"_?[A-Z][A-Z0-9_]*")


class Finding(NamedTuple):
    """A place that breaks a rule."""

    rule: str
    snippet: str


def in_python(source: str) -> Iterator[Finding]:
    """Find what a module must not do."""
    tree = ast.parse(source)
    names = _names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _imports(node)
        elif isinstance(node, ast.Call):
            yield from _calls(node, names)


class Names(NamedTuple):
    """What names mean in a module: its constants, and what it calls Markup, text and SQLAlchemy."""

    constants: frozenset[str]
    markup: set[str]
    texts: set[str]
    modules: set[str]


def _names(tree: ast.Module) -> Names:
    names = Names(_constants(tree), {"Markup"}, set(), set(SQL_MODULES))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.modules.update(
                each.asname for each in node.names if each.asname and "sqlalchemy" in each.name
            )
        elif isinstance(node, ast.ImportFrom):
            is_sql = (node.module or "").partition(".")[0] == "sqlalchemy"
            called = {each.name: each.asname or each.name for each in node.names}
            names.markup.update(own for name, own in called.items() if name == "Markup")
            if is_sql:
                names.texts.update(own for name, own in called.items() if name in ("text", *SQL))
    return names


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[Finding]:
    where = node.module or "" if isinstance(node, ast.ImportFrom) else ""
    for name in [where] if where else [each.name for each in node.names]:
        rule = FORBIDDEN_MODULES.get(name.partition(".")[0])
        if rule:
            yield Finding(rule, ast.unparse(node))
    if where:
        for each in node.names:
            module, rule = FORBIDDEN_NAMES.get(each.name, ("", ""))
            if module == where:
                yield Finding(rule, ast.unparse(node))


def _calls(node: ast.Call, names: Names) -> Iterator[Finding]:
    called = ast.unparse(node.func)
    owner, _dot, name = called.rpartition(".")
    rule = FORBIDDEN_CALLS.get(called)
    if rule:
        yield Finding(rule, ast.unparse(node))
    if name in ("render_template_string", "from_string"):
        yield Finding("render_template_string", ast.unparse(node))
    if any(each.arg == "autoescape" and not _is_true(each.value) for each in node.keywords):
        yield Finding("autoescape", ast.unparse(node))
    if _first_is_constant(node, names.constants):
        return
    if (
        name in SQL
        or called in names.texts
        or (name == "text" and owner.rpartition(".")[2] in names.modules)
    ):
        yield Finding("sql", ast.unparse(node))
    if called in names.markup or name == "Markup":
        yield Finding("markup", ast.unparse(node))


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _first_is_constant(node: ast.Call, constants: frozenset[str]) -> bool:
    given = [*node.args, *(each.value for each in node.keywords)]
    return not given or is_constant(given[0], constants)


def is_constant(node: ast.expr, constants: frozenset[str]) -> bool:
    """Whether an expression is made of what stands in the module, and of nothing that came in."""
    if isinstance(node, ast.Name):
        return node.id in constants
    if isinstance(node, ast.Subscript):  # Whichever entry it is, it stands in the module.
        return is_constant(node.value, constants)
    if isinstance(node, ast.IfExp):
        return is_constant(node.body, constants) and is_constant(node.orelse, constants)
    parts = (each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr))
    return isinstance(node, COMPOSED) and all(is_constant(each, constants) for each in parts)


def _constants(tree: ast.Module) -> frozenset[str]:
    """The upper-case names that a module gives one constant value, and nothing gives another."""
    found: frozenset[str] = frozenset()
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {each.id for each in targets if isinstance(each, ast.Name)}
            if is_constant(node.value, found):
                found |= {name for name in names if CONSTANT_NAME.fullmatch(name)}
    stored = [
        each.id
        for each in ast.walk(tree)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    ]
    given = {each.arg for each in ast.walk(tree) if isinstance(each, ast.arg)}
    return frozenset(name for name in found if stored.count(name) == 1 and name not in given)


def in_template(source: str) -> Iterator[Finding]:
    """Find what a template must not do: HTML that is not escaped."""
    statement: list[tuple[str, str]] = []
    for _line, kind, value in Environment(autoescape=True).lex(source):
        if kind in ("variable_begin", "block_begin"):
            statement = []
        elif kind in ("variable_end", "block_end"):
            yield from _in_statement(statement)
        elif kind != "whitespace":
            statement.append((kind, value))


def _in_statement(tokens: list[tuple[str, str]]) -> Iterator[Finding]:
    values = [value for _kind, value in tokens]
    snippet = "".join(
        before + value for before, value in [("", values[0] if values else ""), *_spaced(tokens)]
    )
    for (kind, value), (after, name) in zip(tokens, tokens[1:], strict=False):
        is_filter = (kind, value) == ("operator", "|") or (kind, value) == ("name", "filter")
        if is_filter and (after, name) == ("name", "safe"):
            yield Finding("safe", snippet)
    if values[:1] == ["autoescape"] and values[1:] != ["true"]:
        yield Finding("autoescape", snippet)


def _spaced(tokens: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for (before, _), (kind, value) in zip(tokens, tokens[1:], strict=False):
        yield (" ", value) if before == kind == "name" else ("", value)
