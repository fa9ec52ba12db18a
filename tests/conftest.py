"""Fixtures that all tests share: the application on each database, one rolled-back transaction per
test, and a copy of the database for tests that need real commits."""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import uuid4

import hypothesis
import pytest
from flask.globals import _cv_app
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.engine import make_url

from tests import databases
from tests.machine import find_chromium, left_out, postgres_url
from tests.watch import SENT, WATCH

# How fast a loaded machine draws its examples says nothing about the code.
hypothesis.settings.register_profile(
    "steady", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("steady")

KEY_FILE = "field-keys.json"
_services = ExitStack()


def _is_controller(config: pytest.Config) -> bool:
    return not hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL once, before the workers that share it."""
    if _is_controller(config) and not config.option.collectonly:
        url = _services.enter_context(postgres_url())
        if url:
            os.environ["TEST_PG_URL"] = url


@pytest.hookimpl(optionalhook=True)  # Without xdist there are no workers.
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:  # noqa: ARG001
    """One worker more than cores: while one waits for a browser or PostgreSQL, another works."""
    return len(os.sched_getaffinity(0)) + 1


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started."""
    databases.close()
    if _is_controller(config):
        _services.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell at the end what this machine could not run."""
    for sentence in left_out():
        terminalreporter.write_line(sentence, yellow=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out long checks unless asked for, and what needs a service that is not there."""
    chosen, dropped = [], []
    slow = "slow" in (config.option.markexpr or "")
    browser = find_chromium() is not None
    for item in items:
        wanted = (slow or "slow" not in item.keywords) and (
            browser or "browser" not in item.keywords
        )
        (chosen if wanted else dropped).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = chosen


@pytest.fixture(scope="session", autouse=True)
def _watched_process() -> Iterator[None]:
    """Hang the watch on every application and on the log, which tells as much as in operation."""
    from app.web import Application

    root, level = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.INFO)
    with WATCH.hung_on(Application):
        yield
    root.setLevel(level)


@pytest.fixture(autouse=True)
def _watched(request: pytest.FixtureRequest, _watched_process: None) -> Iterator[None]:
    """A test during which a value of a person stood where none may fails as it ends (SEC-17)."""
    with WATCH.during(_allowed(request.node)):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    """So does one that wrote such a value to stderr."""
    report = yield
    if call.when == "teardown" and report.passed:
        try:
            with WATCH.during(_allowed(item)):
                WATCH.see("stderr", report.capstderr)
        except AssertionError as leaked:
            report.outcome, report.longrepr = "failed", str(leaked)
    return report


def _allowed(item: Any) -> frozenset[str]:
    marker = item.get_closest_marker("sends_numbers")
    if marker is None:
        return frozenset()
    assert marker.args, "the marker gives its reason"
    return SENT


def _databases() -> list[str]:
    return ["sqlite", "postgres"] if os.environ.get("TEST_PG_URL") else ["sqlite"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that touches the database runs on each database."""
    if "kind" in metafunc.fixturenames:
        names = {marker.name for marker in metafunc.definition.iter_markers()}
        kinds = [k for k in _databases() if "postgres" not in names or k == "postgres"]
        if "browser" in names:
            kinds = kinds[-1:]  # A page looks alike on both; the production database is taken.
        params = [pytest.param(each) for each in kinds]
        if "wide" in names:
            # Minutes each; the second database has its turn among the long checks.
            params[1:] = [pytest.param(each, marks=pytest.mark.slow) for each in kinds[1:]]
        metafunc.parametrize("kind", params, indirect=True, scope="session")


@pytest.fixture(scope="session")
def kind(request: pytest.FixtureRequest) -> str:
    """The database under test: sqlite or postgres."""
    return request.param


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fresh keys of sealed fields."""
    from app.core.keys import create_key_file

    path = tmp_path_factory.mktemp("keys") / KEY_FILE
    create_key_file(path)
    return path


@pytest.fixture(scope="session")
def _key_ring(key_file: Path) -> Any:
    from app.core.keys import FileKeys, read_ring

    return read_ring(FileKeys(key_file))


@pytest.fixture(autouse=True)
def _own_keys(_key_ring: Any) -> Iterator[None]:
    """A process has one ring: whatever a test loads is gone with it."""
    from app.core.crypto import using

    with using(_key_ring):
        yield


class Database:
    """A database made for tests, from which copies are made."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        self.name = f"t{uuid4().hex[:12]}"
        self.url = self._make(self.name)

    def _make(self, name: str, template: str | None = None) -> str:
        if self.kind == "sqlite":
            path = self.folder / f"{name}.db"
            if template:
                shutil.copy(self.folder / f"{template}.db", path)
            return f"sqlite:///{path}"
        clause = f" TEMPLATE {template}" if template else ""
        self._admin(f"CREATE DATABASE {name}{clause}")
        server = make_url(os.environ["TEST_PG_URL"]).set(drivername="postgresql", database=name)
        return server.render_as_string(hide_password=False)

    @staticmethod
    def _admin(statement: str) -> None:
        with databases.administrator().connect() as connection:
            connection.execute(text(statement))

    def copy(self) -> tuple[str, str]:
        """Return name and URL of a copy; nobody may be connected to the original."""
        name = f"c{uuid4().hex[:12]}"
        return name, self._make(name, self.name)

    def drop(self, name: str) -> None:
        """Remove a database."""
        if self.kind == "postgres":
            self._admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        else:
            for path in self.folder.glob(f"{name}.db*"):
                path.unlink()


def _settings(url: str, key_file: Path, folder: Path) -> dict[str, str]:
    return {
        "APP_ENV": "test",
        "DATABASE_URL": url,
        "FIELD_KEY_FILE": str(key_file),
        "STORAGE_DIR": str(folder / "files"),
        "AUDIT_HEAD_FILE": str(folder / "audit-head"),
    }


def make_app(url: str, key_file: Path, folder: Path, **overrides: Any) -> Any:
    """The application on a database of its own."""
    from app import create_app

    made = create_app(**_settings(url, key_file, folder), **overrides)
    made.test_client_class = Client
    return made


@pytest.fixture(scope="session")
def database(
    kind: str, key_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A migrated database with the reference data and the test world, made once per worker."""
    from flask_migrate import upgrade

    from app.access.actor import system
    from app.exchange.seed_loader import load_reference
    from app.extensions import db
    from tests.worlds import build_world

    folder = tmp_path_factory.mktemp(kind)
    made = Database(kind, folder)
    app = make_app(made.url, key_file, folder)
    with app.app_context(), system():
        upgrade()
        load_reference(db.session())
        made.world = build_world(db.session())  # type: ignore[attr-defined]
        WATCH.learn(made.world)  # type: ignore[attr-defined]
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    yield made
    made.drop(made.name)


@pytest.fixture(scope="session")
def app(database: Database, key_file: Path) -> Iterator[Any]:
    """The application on the shared database; changes are rolled back after each test."""
    made = make_app(database.url, key_file, database.folder)
    with made.app_context():
        yield made
        from app.extensions import db

        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def world(database: Database) -> Any:
    """Districts, schools, accounts and files of the test world (tests/worlds.py)."""
    return database.world  # type: ignore[attr-defined]


@pytest.fixture
def session(app: Any) -> Iterator[Any]:
    """The application's session inside one transaction that is rolled back in the end."""
    from app.extensions import db
    from app.indicators import catalog

    db.session.remove()
    catalog.forget()
    engines = db._app_engines[app]
    connection = engines[None].connect()
    transaction = connection.begin()
    db.session.session_factory.configure(join_transaction_mode="create_savepoint")
    with mock.patch.dict(engines, {None: connection}):
        yield db.session()
        db.session.remove()
    transaction.rollback()
    connection.close()
    catalog.forget()


class Client(FlaskClient):
    """A client whose requests get an application context of their own, as on a server."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        token = _cv_app.set(None)  # type: ignore[arg-type]
        try:
            return super().open(*args, **kwargs)
        finally:
            _cv_app.reset(token)


@pytest.fixture
def client(app: Any, session: Any) -> Any:
    """An HTTP client whose requests happen inside the test's transaction."""
    return app.test_client()


# What an application is told of its database, and what it makes of it.
PLACES = (
    "DATABASE_URL", "FIELD_KEY_FILE", "STORAGE_DIR", "AUDIT_HEAD_FILE",
    "SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_ENGINE_OPTIONS",
)  # fmt: skip


class Wired:
    """An application that moves from copy to copy: wiring takes a second, an engine none.

    Each copy finds it as it was made; what a test has set or counted in it is gone.
    """

    def __init__(self, made: Any) -> None:
        self.app = made
        self._settings, self._extensions = dict(made.config), dict(made.extensions)

    def move(self, url: str, key_file: Path, folder: Path) -> Any:
        """Return the application as it starts on a database."""
        from app import _check_keys
        from app.extensions import db
        from config import read_config

        read = read_config(**_settings(url, key_file, folder))
        config, extensions = self.app.config, self.app.extensions
        config.clear()
        config.update(self._settings | {name: read[name] for name in PLACES})
        extensions.clear()
        extensions.update(self._extensions)
        options = {"url": config["SQLALCHEMY_DATABASE_URI"], "echo": False, "echo_pool": False}
        options |= config["SQLALCHEMY_ENGINE_OPTIONS"]
        db._apply_driver_defaults(options, self.app)
        db._app_engines[self.app][None] = db._make_engine(None, options, self.app)
        _check_keys(self.app)
        return self.app


@pytest.fixture(scope="session")
def _wired(tmp_path_factory: pytest.TempPathFactory) -> Wired:
    from app.core.keys import create_key_file

    folder = tmp_path_factory.mktemp("wired")
    create_key_file(folder / KEY_FILE)
    return Wired(make_app(f"sqlite:///{folder / 'none.db'}", folder / KEY_FILE, folder))


@contextmanager
def _live(wired: Wired, database: Database, key_file: Path) -> Iterator[Any]:
    from app.extensions import db

    name, url = database.copy()
    made = wired.move(url, key_file, database.folder / name)
    try:
        yield made
    finally:
        with made.app_context():
            db.session.remove()
            db.engine.dispose()
        database.drop(name)


@pytest.fixture
def live_app(
    request: pytest.FixtureRequest, kind: str, key_file: Path, _wired: Wired
) -> Iterator[Any]:
    """The application on a copy of the database, with real commits: threads, workers, kills."""
    database = request.getfixturevalue("database")
    _release(request)
    with _live(_wired, database, key_file) as made:
        yield made


def _release(request: pytest.FixtureRequest) -> None:
    """Close pooled connections of the shared application, which would block the copy."""
    from app.extensions import db

    for engines in db._app_engines.values():
        for engine in engines.values():
            if hasattr(engine, "dispose"):
                engine.dispose()
