"""Addresses of the built front end, and the icons drawn from its sprite."""

import json
import logging
from functools import lru_cache
from pathlib import Path

from flask import Flask, current_app, g, url_for
from markupsafe import Markup

log = logging.getLogger(__name__)

# The names Flask-AppBuilder gives to its own menu items and actions.
STOCK_ICONS = {
    "fa-cogs": "settings",
    "fa-user": "user",
    "fa-group": "user-cog",
    "fa-users": "users-group",
    "fa-lock": "lock",
    "fa-list": "list-details",
    "fa-link": "link",
    "fa-user-plus": "user-plus",
    "fa-edit": "pencil",
    "fa-copy": "copy",
}


@lru_cache(maxsize=4)
def _names(path: Path, _changed_at: int) -> dict[str, str]:
    return json.loads(path.read_text(encoding="utf-8"))


def _manifest() -> dict[str, str]:
    path = Path(current_app.static_folder or "") / "dist" / "manifest.json"
    try:
        return _names(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        log.warning("the front end is not built: %s is missing", path)
        return {}


def asset(name: str) -> str:
    """Return the address of a built file, e.g. `app.js`, by the name it was built under."""
    known = g.setdefault("asset_addresses", {})
    if name not in known:
        known[name] = url_for("static", filename=f"dist/{_manifest().get(name, name)}")
    return known[name]


def icon(name: str | None, css: str = "") -> Markup:
    """Draw one outline icon; names of Flask-AppBuilder (`fa-user`) are translated."""
    name = name or "point"
    if name.startswith("fa-"):
        name = STOCK_ICONS.get(name, "point")
    return _svg(f"icon {css}".strip(), asset("icons.svg"), name)


@lru_cache(maxsize=1024)
def _svg(classes: str, sprite: str, name: str) -> Markup:
    return Markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        classes, sprite, name
    )


def register_assets(app: Flask) -> None:
    """Make `asset` and `icon` known to every template."""
    app.jinja_env.globals.update(asset=asset, icon=icon)
