"""Fences of the templates: nothing that the content security policy would refuse, nothing stock."""

import re
from pathlib import Path

import flask_appbuilder
import pytest

from tests.machine import is_required

TEMPLATES = Path("app/templates")
STOCK = Path(flask_appbuilder.__file__).parent / "templates"
OWN = sorted(TEMPLATES.rglob("*.html"))
# Mails and workbooks are no pages: the policy does not meet them.
PAGES = [path for path in OWN if "mail" not in path.relative_to(TEMPLATES).parts]
REFUSED = {
    "a style attribute": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "an event handler": re.compile(r"\son[a-z]+\s*=\s*[\"']", re.IGNORECASE),
    "an inline script": re.compile(r"<script(?![^>]*\ssrc=)", re.IGNORECASE),
    "a style element": re.compile(r"<style", re.IGNORECASE),
    "an address that runs a script": re.compile(r"javascript:", re.IGNORECASE),
    "a file of another site": re.compile(r"(?:src|href)=[\"'](?:https?:)?//", re.IGNORECASE),
}


def names_of(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(TEMPLATES)) for path in paths]


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("path", PAGES, ids=names_of(PAGES))
def test_template_holds_nothing_the_policy_refuses(path: Path, what: str) -> None:
    found = REFUSED[what].findall(path.read_text(encoding="utf-8"))

    assert not found, f"{path} holds {what}"


def test_drawing_functions_write_no_style_and_no_handler() -> None:
    sources = [Path("app/views/widgets.py"), Path("app/views/assets.py")]

    for source in sources:
        text = source.read_text(encoding="utf-8")
        assert not REFUSED["a style attribute"].search(text)
        assert not REFUSED["an event handler"].search(text)


def test_own_pages_use_no_stock_template_with_inline_code() -> None:
    """A template of Flask-AppBuilder that is not overridden brings jQuery and inline scripts."""
    stock = [path for path in STOCK.rglob("*.html") if "<script" in path.read_text("utf-8")]
    left = {str(path.relative_to(STOCK)) for path in stock} - set(names_of(OWN))
    sources = [*Path("app").rglob("*.py"), *OWN]

    used = [
        (str(source), name)
        for source in sources
        for name in left
        if name in source.read_text(encoding="utf-8")
    ]

    assert not used


def test_every_template_of_the_model_view_is_ours() -> None:
    from app.views.base import BaseModelView

    templates = [getattr(BaseModelView, f"{k}_template") for k in ("list", "show", "add", "edit")]
    widgets = [getattr(BaseModelView, f"{k}_widget").template for k in ("show", "add", "edit")]

    assert not [name for name in (*templates, *widgets) if not (TEMPLATES / name).exists()]


def test_every_icon_named_in_a_template_is_drawn() -> None:
    """The build draws only names that Tabler has; a misspelt one would leave a hole in the page."""
    drawings = Path("node_modules/@tabler/icons/icons/outline")
    if not drawings.exists() and not is_required():
        pytest.skip("the front end is not installed here")
    named = {
        name
        for path in OWN
        for name in re.findall(r"\bicon\(\"([a-z0-9-]+)\"", path.read_text(encoding="utf-8"))
    }

    assert not [name for name in sorted(named) if not (drawings / f"{name}.svg").exists()]
