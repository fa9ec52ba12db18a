"""Threads that ask for the catalogue while one of them writes do not wait for each other."""

import threading
import time
from typing import Any

from sqlalchemy import text

from app.access.actor import system
from app.extensions import db
from app.indicators import catalog

SOON = 5  # Seconds; SQLite waits fifteen for a writer.


def test_a_writer_gets_the_catalogue_while_another_waits_to_begin(live_app: Any) -> None:
    ended = threading.Event()

    def wait_to_begin() -> None:
        with live_app.app_context(), system():
            catalog.catalog(db.session())
            db.session.remove()
        ended.set()

    with live_app.app_context(), system():
        session = db.session()
        session.execute(text("SELECT 1"))  # On SQLite the transaction begins with the write lock.
        catalog.forget()
        other = threading.Thread(target=wait_to_begin)
        other.start()
        time.sleep(0.5)

        begun = time.monotonic()
        found = catalog.catalog(session)
        took = time.monotonic() - begun

        session.rollback()
        db.session.remove()
        other.join(30)
    assert found.version
    assert took < SOON
    assert ended.is_set()
