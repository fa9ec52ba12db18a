"""The page of movements: each figure is its list, each open process is told by its flow."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.access.actor import system
from app.core.clock import now
from app.models.change import RecordChange
from app.models.rotation import Rotation
from app.models.status_change import StatusChange
from app.models.transfer import Transfer
from tests.processes import make_process, make_status_change
from tests.rotations import make_rotation
from tests.transfers import make_transfer
from tests.variety import statements
from tests.views.figures import figures, rows_behind
from tests.views.pages import sign_in

pytestmark = pytest.mark.wide

READERS = ("school_info_A1", "school_head_A1", "school_info_B1", "district_info_A", "city_info",
           "city_assistant")  # fmt: skip


@pytest.fixture
def busy(session: Any, world: Any) -> Any:
    """Movements of every kind, one of each waiting too long, some done lately and long ago."""
    t = world.teacher
    coming = make_transfer(session, world, t("B1", "effective"), "A1", "pending_out_school")
    make_transfer(session, world, t("B1", "reported"), "A1", "pending_in_authority")
    make_transfer(session, world, t("A1", "reported"), "B1", "ready_to_take")
    away = [make_rotation(session, world, t("A1", "effective"), "active"),
            make_rotation(session, world, t("A2", "effective"), "pending_out_authority"),
            make_rotation(session, world, t("A2", "reported"), "active", asked=9),
            make_rotation(session, world, t("A2", "city_accepted"), "ended"),
            make_rotation(session, world, t("B1", "city_accepted"), "ended", host="U")]  # fmt: skip
    status = make_status_change(session, world, t("A1", "effective", 2), "pending_authority")
    make_status_change(session, world, t("A2", "effective", 2), "effective")
    change = make_process(
        session, world, t("A1", "city_accepted"), "addition", "pending_school",
        opener=world.actors["teacher_A1"],
    )  # fmt: skip
    old = {Transfer: coming, Rotation: away[1], StatusChange: status, RecordChange: change}
    with system():
        for model, item in [*old.items(), (Rotation, away[4])]:
            late = update(model).where(model.id == item.id)
            session.execute(late.values(state_since=now() - timedelta(days=60)))
        session.commit()
    return world


def page(client: Any) -> str:
    answer = client.get("/movement/")
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def test_each_figure_opens_a_list_with_exactly_so_many_rows(
    app: Any, session: Any, busy: Any
) -> None:
    for key in READERS:
        client = sign_in(app, busy, key, language="en")
        found = figures(page(client))
        assert len(found) > 2, key
        for each in found:
            rows = (
                client.get(each.href).text.count('<td class="tm-first"')
                if each.href.startswith("/guests")
                else rows_behind(client, each.href)
            )
            assert rows == each.count, (key, each)


def test_what_is_counted_is_what_there_is(app: Any, session: Any, busy: Any) -> None:
    def told(key: str) -> dict[str, int]:
        shown = page(sign_in(app, busy, key, language="en"))
        return {
            re.sub(r"oldest since.*", "", each.label).strip(): each.count for each in figures(shown)
        }

    clerk, head, host = told("school_info_A1"), told("school_head_A1"), told("school_info_B1")
    assert (clerk["Leaving us"], clerk["Coming to us"], clerk["On rotation elsewhere"]) == (1, 2, 1)
    assert clerk["Transfers"] == clerk["Status changes"] == 1
    assert head["Additions and changes"] == 1  # Waiting and overdue alike.
    assert (host["Leaving us"], host["With us as guests"], host["Transfers that wait for you"]) == (
        1, 2, 1,
    )  # fmt: skip
    district = told("district_info_A")
    assert (district["Rotations"], district["Rotations over"]) == (1, 1)
    assert (district["Rotations to decide on"], district["Status changes to approve"]) == (2, 1)
    assert district["Status changes in effect"] == 1


def test_what_is_open_stands_by_name_with_its_step_and_turn(
    app: Any, session: Any, busy: Any
) -> None:
    body = page(sign_in(app, busy, "district_info_A", language="en")).rpartition("<tbody>")[2]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    names = [re.search(r'href="(/[^"]+)">([^<]+)<', row).groups() for row in rows]  # type: ignore[union-attr]

    assert len(rows) == 6
    assert "/rotations/show/" in names[-1][0]  # Nobody knows since when an extension waits.
    first = next(row for row in rows if busy.teacher("B1", "effective").name in row)
    assert rows.index(first) < 3  # The overdue come first.
    for words in ("Agree to the transfer", busy.units["B1"].name, busy.units["A1"].name,
                  "clock-exclamation"):  # fmt: skip
        assert words in first
    waits = next(row for row in rows if busy.teacher("A2", "effective").name in row)
    assert "Confirm the rotation" in waits
    assert busy.units["A"].name in waits
    hidden = page(sign_in(app, busy, "school_info_B1"))
    assert busy.teacher("B1", "reported").name not in hidden  # Not issued yet.


def test_it_takes_as_many_statements_for_many_as_for_none(
    app: Any, session: Any, world: Any, request: Any
) -> None:
    clients = {key: sign_in(app, world, key) for key in ("city_info", "school_info_A1")}
    seen: dict[str, list[int]] = {key: [] for key in clients}
    for fill in (False, True):
        if fill:
            assert "没有办理中的变动" in page(clients["school_info_A1"])
            request.getfixturevalue("busy")
        for key, client in clients.items():
            page(client)
            with statements() as said:
                page(client)
            seen[key].append(len(said))

    for empty, full in seen.values():
        assert empty <= full <= empty + 1  # The names of the units that take part.
        assert full <= 20


def test_it_is_for_those_who_work_with_files(app: Any, session: Any, world: Any) -> None:
    for key in ("teacher_A1", "school_system_A1", "city_audit"):
        client = sign_in(app, world, key)
        assert client.get("/movement/").status_code == 403, key
        assert 'href="/movement/"' not in client.get("/").text, key
