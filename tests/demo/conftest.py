"""An application on a database that holds a demonstration."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask_appbuilder import Model

from app.access.actor import system
from app.demo.load import Loaded, load
from app.exchange.seed_loader import load_reference
from app.extensions import db
from tests.conftest import Database, make_app

City = Callable[..., Any]


@pytest.fixture(scope="module")
def city(kind: str, key_file: Any, tmp_path_factory: pytest.TempPathFactory) -> City:
    """Loads a demonstration: a context of its application, and of what the load said."""

    @contextmanager
    def loading(**size: int) -> Iterator[tuple[Any, Loaded]]:
        folder: Path = tmp_path_factory.mktemp("demo")
        database = Database(kind, folder)
        app = make_app(database.url, key_file, folder)
        with app.app_context():
            with system():
                Model.metadata.create_all(db.engine)
                load_reference(db.session())
                db.session.commit()
                loaded = load(db.session(), **size)
                db.session.commit()
                db.session.remove()
            yield app, loaded
            db.session.remove()
            db.engine.dispose()
        database.drop(database.name)

    return loading
