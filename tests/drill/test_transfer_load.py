"""A file goes to another school while twenty people work: everybody sees it here or there, and
nobody is held up or told a fault."""

import threading
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from app.extensions import db
from tests.drill.serving import Server
from tests.drill.test_web_workers import GO_ON, at_work, clerk, wait_for_success
from tests.transfers import PLACED, make_transfer
from tests.worlds import TeacherRef

OLD, NEW = "A1", "B1"
READERS_EACH, WRITERS = 6, 8
pytestmark = pytest.mark.slow


class Reader:
    """Somebody who opens a file again and again; `seen` are the answers in their order."""

    def __init__(self, server: Server, token: str, path: str) -> None:
        self.server, self.token, self.path = server, token, path
        self.seen: list[int] = []
        self.at: list[float] = []
        self.wrong: list[Any] = []

    def work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.seen.append(self.server.ask("GET", self.path, token=self.token)[0])
            self.at.append(time.monotonic())
            time.sleep(0.02)


@pytest.fixture
def moving(live_app: Any, world: Any) -> tuple[int, TeacherRef]:
    """A transfer that the new school may take, and its file."""
    file = world.teacher(OLD, "effective")
    with live_app.app_context():
        made = make_transfer(db.session(), world, file, NEW, "ready_to_take")
        db.session.commit()
        db.session.remove()
    return made.id, file


@pytest.fixture
def server(live_app: Any, moving: Any, key_file: Path, tmp_path: Path) -> Iterator[Server]:
    with live_app.app_context():
        url = db.engine.url.render_as_string(hide_password=False)
        db.session.remove()
        db.engine.dispose()
    made = Server(url, key_file, tmp_path)
    yield made
    made.stop()


def test_a_file_is_taken_while_twenty_people_work(
    server: Server, moving: tuple[int, TeacherRef], world: Any
) -> None:
    key, file = moving
    path = f"/api/v1/teacher/{file.id}/learning"
    old = server.sign_in(world.usernames[f"school_info_{OLD}"])
    new = server.sign_in(world.usernames[f"school_info_{NEW}"])
    leaving = [Reader(server, old, path) for _ in range(READERS_EACH)]
    receiving = [Reader(server, new, path) for _ in range(READERS_EACH)]
    drafts = [each for each in world.teachers.values() if each.state == "draft"]
    mine = [each.id for each in drafts if each.school == OLD][:WRITERS]
    writers = [clerk(server, old, mine[n % len(mine)]) for n in range(WRITERS)]
    with at_work([*leaving, *receiving, *writers]):  # type: ignore[list-item]
        wait_for_success([*leaving, *receiving])  # type: ignore[arg-type]
        _status, shown = server.ask("GET", f"/api/v1/transfer/{key}", token=new)
        begun = time.monotonic()
        body = {"version": shown["version"], **PLACED}
        taken = server.ask("POST", f"/api/v1/transfer/{key}/take", body, token=new)
        lasted = time.monotonic() - begun
        for _ in range(2):  # What was asked before is answered first.
            wait_for_success([*leaving, *receiving])  # type: ignore[arg-type]

    assert taken[0] == 200, taken
    assert lasted < GO_ON
    assert [each.wrong for each in writers if each.wrong] == []
    assert {tuple(key for key, _ in groupby(each.seen)) for each in leaving} == {(200, 404)}
    assert {tuple(key for key, _ in groupby(each.seen)) for each in receiving} == {(404, 200)}
    print(f"taken in {lasted:.2f} s while {len(leaving) + len(receiving) + WRITERS} worked")
