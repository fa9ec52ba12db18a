"""The pages of transfers: applying, the list, the line of steps, taking a file (F1, F3)."""

import io
import re
from typing import Any

import pytest
from sqlalchemy import select, update

from app.access.actor import acting_as, system
from app.core.clock import now
from app.models.history import Audit
from app.models.teacher import Teacher
from app.models.transfer import FileGrant, Transfer
from app.models.unit import Unit
from app.services import transfer_queue
from app.workflows.transfer import TRANSFER
from tests.invariants.addresses import Browser
from tests.transfers import PLACED, make_transfer
from tests.views.test_api_changes import PDF

INFO, DISTRICT = "school_info_A1", "district_info_A"
FROM_INFO, FROM_HEAD, FROM_DISTRICT = "school_info_B1", "school_head_B1", "district_info_B"
APPLICATION = {"planned_on": "2026-09-01", "position": "数学教师", "reason": "学科缺人"}


@pytest.fixture
def page(app: Any, session: Any, world: Any) -> Any:
    """The pages of an actor: page("school_info_A1")."""
    return lambda key, language="zh": Browser(app, world, key, language)


def stored(session: Any) -> Any:
    session.expire_all()
    with system():
        return session.scalars(select(Transfer).order_by(Transfer.id.desc())).first()


def test_a_teacher_is_found_applied_for_and_taken_by_hand(
    page: Any, session: Any, world: Any
) -> None:
    file, clerk = world.teacher("B1", "effective"), page(INFO)

    found = clerk.send("/transfers/find", "POST", id_no=file.id_no, name=file.name)
    assert found.status_code == 200
    assert world.units["B1"].name in found.text
    assert file.id_no not in found.text
    mark = re.search(r'name="person" value="([^"]+)"', found.text)[1]
    made = clerk.send("/transfers/new", "POST", person=mark, **APPLICATION)
    assert made.status_code == 302
    item = stored(session)
    assert (item.teacher_id, item.position, str(item.planned_on)) == (
        file.id, "数学教师", "2026-09-01",
    )  # fmt: skip
    edited = clerk.send(
        f"/transfers/{item.id}/edit", "POST", _version="1", **APPLICATION | {"position": "教师"}
    )
    assert edited.status_code == 302
    here = f"/transfers/{item.id}/evidence"
    assert f'action="{here}"' in clerk.send(f"/transfers/show/{item.id}").text
    assert clerk.send(here, "POST").status_code == 422
    assert clerk.send(here, "POST", file=(io.BytesIO(PDF), "调令.pdf")).status_code == 302
    shown = clerk.send(f"/transfers/show/{item.id}").text
    kept = re.search(r'href="(/attachment/\w+)"', shown)[1]
    assert "调令.pdf" in shown
    assert page(FROM_INFO).send(kept).status_code == 404
    for key, step, version in (
        (INFO, "submit", 2), (DISTRICT, "issue", 3), (FROM_HEAD, "release", 4),
        (FROM_DISTRICT, "confirm", 5),
    ):  # fmt: skip
        shown = page(key).send(f"/transfers/show/{item.id}")
        assert f"/flow/transfer/{item.id}/{step}" in shown.text, step
        taken = page(key).send(f"/flow/transfer/{item.id}/{step}", "POST", _version=str(version))
        assert taken.status_code == 302, step
    assert page(FROM_INFO).send(kept).status_code == 200
    form = clerk.send(f"/transfers/{item.id}/take")
    assert all(f'name="{name}"' in form.text for name in PLACED)
    assert clerk.send(f"/transfers/{item.id}/take", "POST", _version="6").status_code == 422
    done = clerk.send(f"/transfers/{item.id}/take", "POST", _version="6", **PLACED)
    assert done.status_code == 302

    assert stored(session).state == "completed"
    assert clerk.send(f"/teacher/{file.id}").status_code == 200
    assert page(FROM_INFO).send(f"/teacher/{file.id}").status_code == 404


def test_a_teacher_is_rotated_in_from_the_rotations(page: Any, session: Any, world: Any) -> None:
    file, clerk = world.teacher("B1", "effective"), page(INFO)

    link = re.search(r'href="(/transfers/find\?rotation=1)"', clerk.send("/rotations/list/").text)[
        1
    ]
    assert "rotation=1" not in page(DISTRICT).send("/rotations/list/").text
    assert 'name="rotation" value="1"' in clerk.send(link).text
    found = clerk.send(link, "POST", id_no=file.id_no, name=file.name)
    mark = re.search(r'name="person" value="([^"]+)"', found.text)[1]
    assert all(f'name="{name}"' in found.text for name in ("rotation_type", "planned_end"))
    sent = APPLICATION | {"person": mark, "rotation": "1", "planned_end": "2027-07"}
    assert clerk.send("/transfers/new", "POST", **sent).status_code == 422
    assert clerk.send("/transfers/new", "POST", **sent, rotation_type="1").status_code == 302

    item = stored(session)
    assert (item.rotation_type, item.planned_end, item.teacher_id) == ("1", "2027-07", file.id)
    assert "rotation_type" in clerk.send(f"/transfers/{item.id}/edit").text
    assert "2027-07" in page(INFO, "en").send(f"/transfers/show/{item.id}").text


def test_a_miss_and_a_refusal_stand_at_the_form_and_on_record(
    page: Any, session: Any, world: Any
) -> None:
    file, clerk = world.teacher("B1", "draft"), page(INFO)

    miss = clerk.send("/transfers/find", "POST", id_no=file.id_no, name="无此人")
    busy = clerk.send("/transfers/find", "POST", id_no=file.id_no, name=file.name)

    assert (miss.status_code, busy.status_code) == (422, 422)
    assert world.units["B1"].name not in miss.text
    assert world.units["B1"].name in busy.text
    with system():
        rows = session.scalars(select(Audit.outcome).where(Audit.act == "search_foreign")).all()
    assert sorted(rows) == ["done", "failed"]


def test_the_mark_of_who_was_found_is_good_for_its_account_alone(
    page: Any, session: Any, world: Any
) -> None:
    file = world.teacher("B1", "effective")
    found = page(INFO).send("/transfers/find", "POST", id_no=file.id_no, name=file.name)
    mark = re.search(r'name="person" value="([^"]+)"', found.text)[1]

    for key, sent in (("school_info_A2", mark), (INFO, mark[:-1]), (INFO, str(file.id))):
        answer = page(key).send("/transfers/new", "POST", person=sent, **APPLICATION)
        assert answer.status_code == 404
    assert stored(session) is None


@pytest.mark.parametrize("key", [FROM_HEAD, DISTRICT, "city_info", "city_assistant"])
def test_nobody_but_a_clerk_applies(page: Any, world: Any, key: str) -> None:
    assert page(key).send("/transfers/find").status_code == 403
    assert "/transfers/find" not in page(key).send("/transfers/list/").text


class TestTheLine:
    @pytest.mark.parametrize("language", ["zh", "en"])
    def test_it_names_who_acted_whose_turn_it_is_and_what_comes(
        self, page: Any, session: Any, world: Any, language: str
    ) -> None:
        item = make_transfer(
            session, world, world.teacher("B1", "effective"), "A1", "pending_out_school"
        )
        session.commit()

        text = page(FROM_HEAD, language).send(f"/transfers/show/{item.id}").text

        line = re.search(r'<ol class="tm-steps tm-way".*?</ol>', text, re.DOTALL)[0]
        states = re.findall(r'<li class="tm-(\w+)"', line)
        assert states == ["done", "done", "done", "now", "later", "later"]
        now_ = re.search(r'<li class="tm-now".*?</li>', line, re.DOTALL)[0]
        assert world.units["B1"].name in now_
        later = re.findall(r'<li class="tm-later".*?</li>', line, re.DOTALL)
        assert world.units["B"].name in later[0]
        assert world.units["A1"].name in later[1]

    def test_whose_turn_it_is_agrees_with_the_table_of_the_flow(self) -> None:
        ahead = {
            str(state): set().union(*(party.roles for party in step.by[:1]))
            for step in TRANSFER.steps
            if step.tone == "primary"
            for state in step.sources
        }
        turns = {str(state): set(roles) for state, (_c, roles) in transfer_queue.TURNS.items()}
        assert turns == ahead


class TestTheList:
    def test_each_side_sees_its_part(self, page: Any, session: Any, world: Any) -> None:
        teachers = [world.teacher("B1", state) for state in ("effective", "reported")]
        make_transfer(session, world, teachers[0], "A1", "pending_in_authority")
        make_transfer(session, world, teachers[1], "A1", "pending_out_school")
        session.commit()

        names = {
            key: [t.name in page(key).send("/transfers/list/").text for t in teachers]
            for key in (INFO, DISTRICT, FROM_INFO, FROM_DISTRICT, "city_info", "school_info_A2")
        }

        assert names == {
            INFO: [True, True], DISTRICT: [True, True], FROM_INFO: [False, True],
            FROM_DISTRICT: [False, True], "city_info": [True, True],
            "school_info_A2": [False, False],
        }  # fmt: skip

    @pytest.mark.parametrize("case", [
        ("mine", DISTRICT, [True, False]), ("mine", FROM_HEAD, [False, True]),
        ("in", INFO, [True, True]), ("out", INFO, [False, False]),
        ("out", FROM_HEAD, [False, True]), ("overdue", INFO, [False, True]),
    ])  # fmt: skip
    def test_its_parts_are_those_of_who_looks(
        self, page: Any, session: Any, world: Any, case: tuple[str, str, list[bool]]
    ) -> None:
        part, key, seen = case
        teachers = [world.teacher("B1", state) for state in ("effective", "reported")]
        make_transfer(session, world, teachers[0], "A1", "pending_in_authority")
        old = make_transfer(session, world, teachers[1], "A1", "pending_out_school")
        with system():
            session.execute(
                update(Transfer).where(Transfer.id == old.id)
                .values(state_since=now().replace(year=2020))
            )  # fmt: skip
            session.commit()

        text = page(key).send(f"/transfers/list/?_flt_0_show={part}").text

        assert [t.name in text for t in teachers] == seen

    def test_many_are_decided_at_once(self, page: Any, session: Any, world: Any) -> None:
        teachers = [world.teacher("B1", state) for state in ("effective", "reported")]
        keys = [
            make_transfer(session, world, each, "A1", "pending_in_authority").id
            for each in teachers
        ]
        session.commit()

        done = page(DISTRICT).send("/transfers/action_post", "POST", action="issue", rowid=keys)

        assert done.status_code == 200
        with system():
            states = session.scalars(select(Transfer.state).where(Transfer.id.in_(keys))).all()
        assert states == ["pending_out_school"] * 2

    def test_the_history_of_a_file_tells_nothing_before_the_transfer_is_issued(
        self, page: Any, session: Any, world: Any
    ) -> None:
        file = world.teacher("B1", "effective")
        make_transfer(session, world, file, "A1", "pending_in_authority")
        session.commit()
        assert "调动" not in history(page(FROM_INFO), file)

        with system():
            session.execute(update(Transfer).values(issued_at=now()))
            session.commit()
        assert "调动" in history(page(FROM_INFO), file)


def history(browser: Browser, file: Any) -> str:
    text = browser.send(f"/teacher/{file.id}/history").text
    return text.partition("</h2>")[2].partition("<section")[0]


def test_the_conditions_of_a_turn_hold_for_its_party_alone(session: Any, world: Any) -> None:
    make_transfer(session, world, world.teacher("B1", "effective"), "A1", "pending_out_authority")
    waits = {}
    for key, actor in world.actors.items():
        with acting_as(actor):
            query = select(Transfer.id).where(transfer_queue.waiting(actor))
            waits[key] = bool(session.scalars(query).all())
    assert [key for key, found in waits.items() if found] == [FROM_DISTRICT]
    with system():
        assert session.get_one(Teacher, world.teacher("B1", "effective").id).active


class TestFormerStaff:
    def test_the_old_school_reads_the_file_as_it_was(
        self, page: Any, session: Any, world: Any
    ) -> None:
        file, clerk = world.teacher("B1", "effective"), page(FROM_INFO)
        item = make_transfer(session, world, file, "A1", "ready_to_take")
        session.commit()
        taken = page(INFO).send(f"/transfers/{item.id}/take", "POST", _version="5", **PLACED)
        assert taken.status_code == 302
        with system():
            key = session.scalar(select(FileGrant.id))

        listed = clerk.send("/former/list/").text
        basic = clerk.send(f"/former/show/{key}")
        work = clerk.send(f"/former/{key}/set/work").text

        assert file.name in listed
        assert (basic.status_code, file.name in basic.text) == (200, True)
        assert file.id_no not in basic.text
        assert world.units["B1"].name in work
        assert world.units["A1"].name not in work.partition("<main")[2]
        assert clerk.send(f"/former/{key}/set/nothing").status_code == 404
        for other in ("school_info_A2", INFO):
            assert page(other).send(f"/former/show/{key}").status_code == 404
        assert page(FROM_DISTRICT).send("/former/list/").status_code == 403

    def test_a_reading_is_on_record(self, page: Any, session: Any, world: Any) -> None:
        file = world.teacher("B1", "effective")
        with system():
            kept = FileGrant(teacher_id=file.id, unit_id=file.school_id, at=now(), name=file.name)
            session.add(kept)
            session.commit()
            key = kept.id
        page(FROM_INFO).send(f"/former/show/{key}")
        with system():
            read = select(Audit.account_id).where(Audit.act == "open_file")
            assert session.scalars(read).all() == [world.actors[FROM_INFO].account_id]


class TestMenuAndHome:
    def test_the_menu_is_there_for_schools_that_use_the_module(
        self, page: Any, session: Any, world: Any
    ) -> None:
        assert "/transfers/list/" in page(INFO).send("/").text
        assert "/transfers/list/" in page(DISTRICT).send("/").text
        assert "/transfers/list/" not in page("school_info_U").send("/").text
        with system():
            session.get_one(Unit, world.units["A1"].id).first_effective = False
            session.commit()
        assert "/transfers/list/" not in page(INFO).send("/").text

    def test_home_tells_what_waits_and_leads_there(
        self, page: Any, session: Any, world: Any
    ) -> None:
        item = make_transfer(
            session, world, world.teacher("B1", "effective"), "A1", "pending_out_school"
        )
        session.commit()

        text = page(FROM_HEAD).send("/").text
        assert "/transfers/list/?_flt_0_show=mine" in text
        assert "/transfers/list/?_flt_0_show=mine" not in page(FROM_INFO).send("/").text
        shown = page(FROM_HEAD).send("/transfers/list/?_flt_0_show=mine").text
        assert f"/transfers/show/{item.id}" in shown
