"""The catalogue names the indicators: no page and no template does, but for one declared table."""

import ast
import re
from pathlib import Path

from app.core.reference import structure
from app.views.labels import COLUMNS

APP = Path(__file__).resolve().parents[2] / "app"
DECLARED = APP / "views" / "labels.py"
# What names an indicator for another reason.
ALLOWED = {"views/api/teacher.py": {"basic.name"}}  # the field that a refusal speaks of

KEYS = {item.key for entry in structure().sets.values() for item in entry.indicators}


def named(path: Path) -> set[str]:
    """The indicators that a module names as "set.indicator" or in the call of a label."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and node.value in KEYS:
            found.add(str(node.value))
        called = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "indicator_label"
        if called and any(isinstance(each, ast.Constant) for each in node.args):
            found.add(ast.unparse(node))
    return found


def test_no_view_names_an_indicator() -> None:
    offending = {}
    for path in (APP / "views").rglob("*.py"):
        place = path.relative_to(APP).as_posix()
        names = named(path) - ALLOWED.get(place, set())
        if names and path != DECLARED:
            offending[place] = names

    assert offending == {}


def test_no_template_names_an_indicator() -> None:
    offending = {}
    for path in (APP / "templates").rglob("*.html"):
        names = (
            set(re.findall(r"""["']([a-z_]+\.[a-z_0-9]+)["']""", path.read_text("utf-8"))) & KEYS
        )
        if names:
            offending[path.name] = names

    assert offending == {}


def test_the_declared_ones_exist() -> None:
    assert {f"{set_code}.{code}" for set_code, code in COLUMNS.values()} <= KEYS
