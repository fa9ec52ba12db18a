"""The composition root: create_app() wires the parts and decides nothing."""

import logging
from pathlib import Path
from typing import Any

from flask import Flask, g
from flask_appbuilder import AppBuilder
from sqlalchemy.exc import OperationalError
from werkzeug.middleware.proxy_fix import ProxyFix

from config import ROOT, read_config

log = logging.getLogger(__name__)


def create_app(**overrides: Any) -> Flask:
    """Build the application. Raises MissingSetting, KeyProblem or a startup error by name.

    What is wired is imported here, so that a module can be used without the whole application.
    """
    import app.core.database  # noqa: F401  (its connection events)
    from app import cli, web
    from app.access.actor import system
    from app.access.security import SecurityManager, refuse_demo_accounts
    from app.core import logs
    from app.core.keys import load_keys
    from app.demo import commands
    from app.extensions import csrf, db, migrate
    from app.jobs import wiring
    from app.views import menu
    from app.views.declared import refuse_open_endpoints
    from app.views.home import HomeView

    flask = web.Application("app", root_path=str(ROOT / "app"), static_folder="static")
    flask.config.update(read_config(**overrides))
    if flask.config["APP_ENV"] in ("demo", "development"):
        _make_demo_keys(flask)
    load_keys(flask.config)
    if not flask.testing:
        logs.configure()
    if flask.config["TRUSTED_PROXIES"]:
        hops = flask.config["TRUSTED_PROXIES"]
        flask.wsgi_app = ProxyFix(flask.wsgi_app, hops, hops, hops, hops)  # type: ignore[method-assign]
    db.init_app(flask)
    migrate.init_app(flask, db, directory=str(ROOT / "migrations"))
    csrf.init_app(flask)
    with flask.app_context():
        builder = AppBuilder(security_manager_class=SecurityManager, indexview=HomeView)
        builder.init_app(flask, db.session)
        menu.register(flask, builder)
        web.register(flask, builder)
        if flask.config["APP_ENV"] == "production":
            with system():
                refuse_demo_accounts(db.session())
    wiring.register(flask)
    cli.register(flask)
    commands.register(flask)
    _resolve_actor_lazily(flask)
    refuse_open_endpoints(flask)
    _check_keys(flask)
    return flask


def _make_demo_keys(flask: Flask) -> None:
    """The evaluation makes its own keys at the first start; production never does."""
    from app.core.keys import create_key_file
    from app.web import secret_from

    if not flask.config["SECRET_KEY"]:
        flask.config["SECRET_KEY"] = secret_from(Path(flask.config["SECRET_KEY_FILE"]))
    keys = Path(flask.config["FIELD_KEY_FILE"])
    if not flask.config["FIELD_KEYS"] and not keys.exists():
        create_key_file(keys, for_demo=True)


def _check_keys(flask: Flask) -> None:
    """Refuse to start with keys that the database was not written with (SEC-41).

    Without a database the processes start all the same and say so at /readyz.
    """
    from app.core.crypto import ring_in_use
    from app.extensions import db
    from app.services import key

    with flask.app_context():
        try:
            key.check_and_note(db.engine, ring_in_use())
        except OperationalError:
            log.warning("the keys are not compared: the database is not available")
        finally:
            # Processes are forked after this; they must not share a connection.
            db.engine.dispose()


def _resolve_actor_lazily(flask: Flask) -> None:
    # Not in the hook itself: a token's owner is known only when the view checks it.
    def provide() -> None:
        g.actor_resolver = flask.appbuilder.sm.resolve  # type: ignore[attr-defined]

    flask.before_request_funcs.setdefault(None, []).insert(0, provide)
