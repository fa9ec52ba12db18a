"""The jobs of the night as processes: started twice they run once, killed they go on (REL-14)."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextvars import Context
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from app.access.actor import system
from app.core import clock
from app.core.database import reads_only
from app.extensions import db
from app.jobs import nightly
from app.jobs.worker import JOBS, work
from app.models.history import Audit
from app.models.job import Job, JobState
from app.models.notice import Notice
from app.models.teacher import FileProblem, Teacher
from app.models.unit import Unit
from tests.factories import Wanted, make_teachers
from tests.jobs.night_process import BATCH, HELD_AT
from tests.views.pages import sign_in

NAME = "check_by_night"
TITLE = "Nightly check of all files"
RETIRED = 30  # Files that a night has something to say about.
LIMIT = 120
NIGHTLY = sorted(kind.name for kind in JOBS.values() if kind.nightly)


class Night:
    """An installation at night, looked at without asking for the lock of SQLite."""

    def __init__(self, app: Any, world: Any, keys: Path, folder: Path) -> None:
        self.app, self.world, self.keys, self.folder = app, world, keys, folder
        self.session = db.session()
        self.running: list[subprocess.Popen] = []

    def start(self, place: str = "") -> subprocess.Popen:
        """A process that waits for the word to begin."""
        self.session.rollback()
        url = self.app.config["DATABASE_URL"]
        command = [sys.executable, "-m", "tests.jobs.night_process", url, self.keys, self.folder]
        process = subprocess.Popen(
            [*map(str, command), *([place] if place else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.running.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    @staticmethod
    def go(process: subprocess.Popen) -> None:
        process.stdin.write("go\n")
        process.stdin.flush()

    def stop(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()

    def look(self, query: Any) -> list[tuple[Any, ...]]:
        token = reads_only.set(True)
        try:
            return [tuple(row) for row in self.session.execute(query)]
        finally:
            self.session.rollback()
            reads_only.reset(token)

    def jobs(self) -> dict[str, tuple[Any, ...]]:
        """The nightly jobs of the queue: how each stands, after how many attempts."""
        columns = (Job.name, Job.state, Job.attempt, Job.done)
        found = self.look(select(*columns).where(Job.name.in_(NIGHTLY)))
        assert len({row[0] for row in found}) == len(found), "a job of the night is there twice"
        return {row[0]: row[1:] for row in found}

    def findings(self) -> list[tuple[Any, ...]]:
        """What the night has left on the files."""
        leave = ("id", "at")
        columns = [c for c in FileProblem.__table__.columns if c.name not in leave]
        rows = self.look(select(*columns).where(FileProblem.nightly))
        rows += self.look(select(Teacher.id, Teacher.nightly_count, Teacher.late))
        return sorted(rows, key=repr)

    def checked(self) -> int:
        """How many files the batches that count have checked, by the rows they left."""
        rows = self.look(select(Audit.detail).where(Audit.act == "job"))
        return sum(row[0]["files"] for row in rows if row[0]["name"] == NAME and "files" in row[0])

    def on_the_rolls(self) -> int:
        return self.look(select(func.count()).select_from(Teacher).where(Teacher.active))[0][0]

    def last_success(self) -> str:
        """What the page of the jobs says of the check of the night."""

        def page_of_the_night() -> str:
            client = sign_in(self.app, self.world, "city_system", language="en")
            return client.get("/jobs/nights").text

        page = Context().run(page_of_the_night)  # Not as the system, which the test acts as.
        row = re.search(rf"<tr>(?:(?!</tr>).)*{TITLE}.*?</tr>", page, re.DOTALL)
        cell = re.search(r'data-label="Last success">(.*?)</td>', row[0], re.DOTALL)
        return re.sub(r"<[^>]+>", "", cell[1]).strip()

    def forget(self) -> None:
        """Bring files and queue back to where they were before the night."""
        self.session.execute(delete(FileProblem).where(FileProblem.nightly))
        self.session.execute(update(Teacher).values(nightly_count=0))
        self.session.execute(delete(Job))
        self.session.commit()


@pytest.fixture
def night(
    live_app: Any, world: Any, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Night]:
    monkeypatch.setattr(nightly, "BATCH", BATCH)
    folder = Path(live_app.config["STORAGE_DIR"]).parent
    with live_app.app_context(), system():
        made = Night(live_app, world, key_file, folder)
        school = made.session.get_one(Unit, world.units["A1"].id)
        births = [date(1950, 1, 15) + timedelta(days=number) for number in range(RETIRED)]
        retired = [{"birth_date": each, "sex": "1"} for each in births]
        make_teachers(made.session, [Wanted(school, "effective", each) for each in retired])
        made.session.commit()
        yield made
        made.stop()
        made.session.rollback()
        db.session.remove()


def carry_out(night: Night) -> None:
    """Let a worker of this process do what waits."""
    nightly.enqueue_all(night.session)
    night.session.commit()
    night.session.rollback()
    work(night.app, once=True)
    night.session.expire_all()


@pytest.mark.parametrize("place", ["batch", pytest.param("step", marks=pytest.mark.slow)])
def test_killed_midway_it_is_resumed_and_finds_what_an_undisturbed_night_finds(
    night: Night, place: str
) -> None:
    process = night.start(place)
    night.go(process)
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.wait()
    state, attempt, done = night.jobs()[NAME]
    assert (state, attempt) == (JobState.RUNNING, 1)
    assert done > 0  # In the middle: some batches are there, and some are not.
    assert night.checked() == BATCH * (HELD_AT - (place == "batch"))
    assert night.checked() < night.on_the_rolls()
    assert night.last_success() == "never"

    late = clock.now() - timedelta(seconds=1)
    night.session.execute(update(Job).where(Job.state == JobState.RUNNING).values(lease=late))
    night.session.commit()
    carry_out(night)

    assert night.jobs()[NAME][:2] == (JobState.DONE, 2)
    assert night.checked() == night.on_the_rolls()
    assert night.last_success().startswith(str(clock.local(clock.now()).year))
    found = night.findings()
    night.forget()
    assert night.findings() != found
    carry_out(night)
    assert night.jobs()[NAME][:2] == (JobState.DONE, 1)
    assert night.findings() == found


@pytest.mark.slow
def test_started_twice_at_once_every_job_of_the_night_runs_once(night: Night) -> None:
    both = [night.start() for _ in range(2)]

    for process in both:
        night.go(process)
    said = [process.communicate(timeout=LIMIT)[0] for process in both]

    assert said == ["done\n"] * 2
    assert [process.returncode for process in both] == [0, 0]
    jobs = night.jobs()
    assert sorted(jobs) == NIGHTLY
    assert {row[:2] for row in jobs.values()} == {(JobState.DONE, 1)}
    assert night.checked() == night.on_the_rolls()
    what = (Notice.account_id, Notice.event, Notice.teacher_id, Notice.unit_id)
    told = Counter(night.look(select(*what)))
    assert [each for each, times in told.items() if times > 1] == []
    found = night.findings()

    carry_out(night)

    assert night.jobs() == jobs
    assert night.checked() == night.on_the_rolls()
    assert night.findings() == found
