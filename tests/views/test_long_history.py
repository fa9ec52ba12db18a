"""A file that has been in the system for thirty years opens like one of yesterday."""

import time
from statistics import median
from typing import Any

import pytest

from app.access.actor import system
from app.core.clock import now
from app.models.teacher import FileVersion
from tests.processes import make_process, make_status_change
from tests.transfers import make_transfer
from tests.variety import statements
from tests.views.pages import sign_in
from tests.worlds import TeacherRef

pytestmark = pytest.mark.wide

PAGES = ("", "/set/learning", "/set/basic", "/history", "/places", "/difference")
TIMES, SLOWER = 15, 1.5


def live(session: Any, world: Any, file: TeacherRef, years: int) -> None:
    """Let a file go through some years, each with changes, a transfer that fails, a leave that is
    revoked, an addition and a version."""
    for _year in range(years):
        for row in range(3):
            make_process(session, world, file, "change", "approved", values={"major": f"专业{row}"})
        make_process(session, world, file, "addition", "rejected")
        make_status_change(session, world, file, "revoked")
        make_transfer(session, world, file, "B1", "rejected")
    with system():
        session.add_all(
            FileVersion(
                teacher_id=file.id, school_id=file.school_id, authority_id=file.authority_id,
                number=years * 100 + year, at=now(), cause="change",
            )
            for year in range(years)
        )  # fmt: skip
        session.flush()
        session.expire_all()


def asked(client: Any, file: TeacherRef) -> dict[str, int]:
    found = {}
    for page in PAGES:
        with statements() as seen:
            assert client.get(f"/teacher/{file.id}{page}").status_code == 200, page
        found[page] = len(seen)
    return found


def seconds(client: Any, file: TeacherRef) -> float:
    def once() -> float:
        begun = time.perf_counter()
        client.get(f"/teacher/{file.id}")
        client.get(f"/teacher/{file.id}/history")
        return time.perf_counter() - begun

    return median(once() for _ in range(TIMES))


def test_the_pages_of_a_file_need_as_many_statements_after_thirty_years(
    app: Any, session: Any, world: Any
) -> None:
    file, client = world.teacher("A1", "effective"), sign_in(app, world, "school_info_A1")
    live(session, world, file, 1)
    asked(client, file)  # The first visit is put on record.
    before = asked(client, file)

    live(session, world, file, 29)

    assert asked(client, file) == before


@pytest.mark.slow
def test_the_pages_of_a_file_take_as_long_after_ninety_years_as_after_thirty(
    app: Any, session: Any, world: Any
) -> None:
    file, client = world.teacher("A1", "effective"), sign_in(app, world, "school_info_A1")
    live(session, world, file, 30)  # So many fill what the history shows.
    before = seconds(client, file)

    live(session, world, file, 60)
    after = seconds(client, file)

    print(f"head and history: {before * 1000:.0f} ms after 30 years, {after * 1000:.0f} after 90")
    assert after < before * SLOWER
