"""`/healthz` (alive) and `/readyz` (fit to serve): no sign-in, no version, no detail (REL-21)."""

import logging
import shutil
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, Response, current_app, jsonify
from sqlalchemy import text

from app.access.actor import system
from app.core.crypto import ring_in_use, seal, unseal
from app.core.keys import ring_of
from app.extensions import db
from app.services import job as queue
from app.services import key

MIN_FREE_BYTES = 64 * 1024 * 1024
MAX_QUEUE_AGE = timedelta(minutes=30)
MAX_SILENCE = timedelta(minutes=20)  # The timetable has something to do every five.

log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Add the two addresses."""
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)


def healthz() -> Response:
    """The process answers."""
    return jsonify(status="ok")


def readyz() -> tuple[Response, int]:
    """Database, migrations, disk, keys, job queue and worker; 503 when one is not well."""
    parts = {name: _well(name, ask) for name, ask in CHECKS.items()}
    fit = all(parts.values())
    return jsonify(status="ok" if fit else "unavailable", checks=parts), 200 if fit else 503


def _well(name: str, ask: Callable[[], bool]) -> bool:
    try:
        with system():
            return ask()
    except Exception:  # noqa: BLE001  (whatever it is, the part is not well; the log says why)
        log.exception("not ready: %s", name)
        db.session.rollback()
        return False


def _database() -> bool:
    return db.session.execute(text("SELECT 1")).scalar() == 1


def _migrations() -> bool:
    folder = current_app.extensions["migrate"].directory
    head = ScriptDirectory(folder).get_current_head()
    return MigrationContext.configure(db.session.connection()).get_current_revision() == head


def _disk() -> bool:
    folder = Path(current_app.config["STORAGE_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"ok")
    return shutil.disk_usage(folder).free > MIN_FREE_BYTES


def _keys() -> bool:
    """The process can read and write sealed values, and another one could start."""
    for ring in (ring_in_use(), ring_of(current_app.config)):
        key.check(db.session.connection(), ring)
    place = {"table": "health", "column": "probe", "uuid": "0" * 32}
    return unseal(seal("ok", **place), **place) == "ok"


def _queue() -> bool:
    return queue.queue_age(db.session()) < MAX_QUEUE_AGE


def _worker() -> bool:
    return queue.worker_silence(db.session()) < MAX_SILENCE


CHECKS: dict[str, Callable[[], bool]] = {
    "database": _database,
    "migrations": _migrations,
    "disk": _disk,
    "keys": _keys,
    "queue": _queue,
    "worker": _worker,
}
