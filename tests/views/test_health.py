"""`/readyz` names what is broken and nothing more; `/healthz` stays well (REL-21)."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text, update

from app.access.actor import system
from app.core import clock
from app.core.crypto import Suite
from app.core.keys import new_key
from app.extensions import db
from app.jobs.worker import JOBS, work
from app.models.job import Job, JobState
from app.services import job as queue
from app.views import health

PARTS = {"database", "migrations", "disk", "keys", "queue", "worker"}


@pytest.fixture
def place(app: Any, session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The application with a folder of files of this test alone."""
    monkeypatch.setitem(app.config, "STORAGE_DIR", str(tmp_path / "files"))
    with system():
        yield app


@pytest.fixture
def live(live_app: Any) -> Iterator[Any]:
    """The application on a database of its own."""
    with live_app.app_context(), system():
        yield live_app
        db.session.remove()


def add_job(name: str = "seal_audit", **values: Any) -> None:
    """Put a job of the system in the queue with other columns than it would have."""
    job = queue.enqueue(db.session(), name)
    db.session.execute(update(Job).where(Job.id == job.id).values(**values))
    db.session.commit()


def broken(app: Any) -> set[str]:
    """What /readyz finds broken; the rest of the two answers is as it always is."""
    db.session.remove()
    client = app.test_client()
    alive, ready = client.get("/healthz"), client.get("/readyz")

    assert (alive.status_code, alive.json) == (200, {"status": "ok"})
    found = {name for name, is_well in ready.json["checks"].items() if is_well is not True}
    status = "unavailable" if found else "ok"
    said = {name: name not in found for name in PARTS}
    # Nothing else is said: no version, no path, no reason.
    assert ready.json == {"status": status, "checks": said}
    assert ready.status_code == (503 if found else 200)
    assert "Server" not in ready.headers
    assert "Set-Cookie" not in ready.headers
    return found


def ago(minutes: float) -> Any:
    return clock.now() - timedelta(minutes=minutes)


def test_all_is_well_with_and_without_a_worker(place: Any) -> None:
    assert broken(place) == set()

    add_job(created_at=ago(1))

    assert broken(place) == set()


@contextmanager
def database_gone(app: Any) -> Iterator[None]:
    """Whatever is asked of the database fails; for SQLite its file is in the way."""
    db.session.remove()
    db.engine.dispose()
    url = make_url(app.config["DATABASE_URL"])
    if url.drivername == "sqlite":
        path = Path(str(url.database))
        path.rename(path.with_suffix(".away"))
        path.mkdir()
        yield
        path.rmdir()
        path.with_suffix(".away").rename(path)
        return
    server = make_url(os.environ["TEST_PG_URL"]).set(drivername="postgresql+psycopg")
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {url.database} RENAME TO {url.database}_away"))
        yield
        db.engine.dispose()
        connection.execute(text(f"ALTER DATABASE {url.database}_away RENAME TO {url.database}"))
    admin.dispose()


def test_a_database_that_is_gone(live: Any) -> None:
    with database_gone(live):
        assert "database" in broken(live)

    assert broken(live) == set()


def test_a_schema_that_is_behind(place: Any) -> None:
    db.session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    db.session.commit()

    assert broken(place) == {"migrations"}


def test_no_schema_at_all(place: Any) -> None:
    db.session.execute(text("DROP TABLE alembic_version"))
    db.session.commit()

    assert broken(place) == {"migrations"}


def test_a_folder_of_files_that_is_none(place: Any) -> None:
    folder = Path(place.config["STORAGE_DIR"])
    folder.write_text("a file in its place")

    assert broken(place) == {"disk"}
    folder.unlink()
    assert broken(place) == set()


def test_a_folder_of_files_that_cannot_be_written(
    place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that was taken away under an open handle: there for all to see, closed to root."""
    folder = tmp_path / "taken away"
    folder.mkdir()
    handle = os.open(folder, os.O_RDONLY)
    folder.rmdir()
    monkeypatch.setitem(place.config, "STORAGE_DIR", f"/proc/self/fd/{handle}")
    try:
        assert broken(place) == {"disk"}
    finally:
        os.close(handle)


def test_a_disk_that_is_nearly_full(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "MIN_FREE_BYTES", 2**60)

    assert broken(place) == {"disk"}


class TestKeys:
    @pytest.fixture
    def file(self, place: Any, key_file: Path, tmp_path: Path, monkeypatch: Any) -> Path:
        """A key file of this test alone."""
        path = tmp_path / "own-keys.json"
        shutil.copy2(key_file, path)
        monkeypatch.setitem(place.config, "FIELD_KEY_FILE", str(path))
        return path

    def test_their_file_is_gone(self, place: Any, file: Path) -> None:
        assert broken(place) == set()

        file.unlink()

        assert broken(place) == {"keys"}

    def test_their_file_is_open_to_others(self, place: Any, file: Path) -> None:
        file.chmod(0o644)

        assert broken(place) == {"keys"}

    def test_their_file_holds_another_key(self, place: Any, file: Path) -> None:
        entries = json.loads(file.read_text())["keys"]
        other = new_key("field", 1, Suite.INTERNATIONAL)
        changed = [other if (e["use"], e["id"]) == ("field", 1) else e for e in entries]
        file.write_text(json.dumps({"keys": changed}))

        assert broken(place) == {"keys"}

    def test_their_file_is_damaged(self, place: Any, file: Path) -> None:
        file.write_text("{")

        assert broken(place) == {"keys"}

    def test_a_further_key_for_a_rotation_does_no_harm(self, place: Any, file: Path) -> None:
        entries = json.loads(file.read_text())["keys"]
        entries.append(new_key("field", 3, Suite.INTERNATIONAL))
        file.write_text(json.dumps({"keys": entries}))

        assert broken(place) == set()


class TestQueue:
    @pytest.mark.parametrize(("minutes", "found"), [(29, set()), (31, {"queue"})])
    def test_what_waits_for_long(self, place: Any, minutes: int, found: set[str]) -> None:
        add_job(run_at=ago(minutes))

        assert broken(place) == found

    def test_what_is_not_due_yet_does_not_wait(self, place: Any) -> None:
        add_job(run_at=ago(-60))

        assert broken(place) == set()

    @pytest.mark.parametrize(("minutes", "found"), [(29, set()), (31, {"queue"})])
    def test_what_nobody_takes_over_from_a_lost_worker(
        self, place: Any, minutes: int, found: set[str]
    ) -> None:
        add_job(state=JobState.RUNNING, worker="lost", lease=ago(minutes))

        assert broken(place) == found


class TestWorker:
    @pytest.mark.parametrize(("minutes", "found"), [(19, set()), (21, {"worker"})])
    def test_that_has_gone_silent(self, place: Any, minutes: int, found: set[str]) -> None:
        add_job(created_at=ago(minutes), state=JobState.DONE, finished_at=ago(minutes))

        assert broken(place) == found

    def test_that_is_busy_with_one_long_job_is_not_silent(self, place: Any) -> None:
        add_job(created_at=ago(90), state=JobState.RUNNING, worker="w", lease=ago(-1))

        assert broken(place) == set()

    def test_that_carries_out_what_it_finds_is_well_again(self, live: Any) -> None:
        add_job(created_at=ago(90), run_at=ago(90))
        assert broken(live) == {"queue", "worker"}

        db.session.remove()
        work(live, once=True)

        assert broken(live) == set()


def test_the_timetable_is_a_sign_of_life_often_enough() -> None:
    """A worker without work must not be taken for a silent one."""
    shortest = min(kind.every for kind in JOBS.values() if kind.every)

    assert 2 * shortest <= health.MAX_SILENCE
