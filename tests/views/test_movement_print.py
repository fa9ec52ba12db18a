"""Movements on paper: who prints which sheet, what stands on it, and that it is on record."""

from typing import Any

import pytest
from sqlalchemy import select, update

from app.access.actor import acting_as, system
from app.core.clock import now
from app.models.history import Audit
from app.models.teacher import Teacher
from app.models.transfer import Transfer
from app.services.handover import Cover, handover
from tests.invariants.addresses import Browser
from tests.rotations import make_rotation
from tests.transfers import PLACED, make_transfer

pytestmark = pytest.mark.wide

INFO, DISTRICT = "school_info_A1", "district_info_A"
FROM_INFO, FROM_HEAD, FROM_DISTRICT = "school_info_B1", "school_head_B1", "district_info_B"
SIDES = (INFO, "school_head_A1", DISTRICT, FROM_INFO, FROM_HEAD, FROM_DISTRICT, "city_info")


@pytest.fixture
def page(app: Any, session: Any, world: Any) -> Any:
    """The pages of an actor: page("school_info_A1")."""
    return lambda key: Browser(app, world, key, "en")


def printed(session: Any) -> list[tuple[Any, ...]]:
    """What was printed, the oldest first: object and form."""
    with system():
        session.expire_all()
        rows = session.scalars(select(Audit).filter_by(act="print").order_by(Audit.id))
        return [(row.object_type, row.object_id, row.detail["form"]) for row in rows]


def test_a_transfer_is_printed_by_who_sees_it_and_its_handover_once_it_is_ready(
    page: Any, session: Any, world: Any
) -> None:
    file = world.teacher("B1", "effective")
    item = make_transfer(session, world, file, "A1", "pending_in_authority")
    session.commit()
    form, sheet = f"/print/transfer/{item.id}", f"/print/transfer/{item.id}/handover"
    assert {key: page(key).send(form).status_code for key in (DISTRICT, FROM_INFO)} == {
        DISTRICT: 200, FROM_INFO: 404,
    }  # fmt: skip
    with system():
        session.execute(update(Transfer).values(state="pending_out_authority", issued_at=now()))
        session.commit()
    text = page(FROM_DISTRICT).send(form).text
    for words in (file.name, file.id_no[-4:], world.units["A1"].name, "Submit the application",
                  world.actors[INFO].name, 'class="p-sign"'):  # fmt: skip
        assert words in text
    assert file.id_no not in text
    assert page(FROM_DISTRICT).send(sheet).status_code == 404
    assert sheet not in page(INFO).send(f"/transfers/show/{item.id}").text

    with system():
        session.execute(update(Transfer).values(state="ready_to_take"))
        session.commit()
    shown = page(INFO).send(f"/transfers/show/{item.id}").text
    assert f'href="{form}"' in shown
    assert f'href="{sheet}"' in shown
    for key, status in (*((each, 200) for each in SIDES), ("city_assistant", 404),
                        ("school_info_A2", 404), ("school_system_A1", 403)):  # fmt: skip
        assert page(key).send(sheet).status_code == status, key

    kinds = [form for _type, _id, form in printed(session)]
    assert kinds == ["approval"] * 2 + ["handover"] * len(SIDES)
    assert printed(session)[0][:2] == ("transfer", str(item.id))


def test_the_handover_says_what_ends_and_begins_and_who_teaches_the_subject_then(
    page: Any, session: Any, world: Any
) -> None:
    file, clerk = world.teacher("B1", "effective"), page(INFO)
    item = make_transfer(session, world, file, "A1", "ready_to_take")
    there = [world.teacher("B1", state).id for state in ("draft", "reported")]
    here = [world.teacher("A1", state).id for state in ("draft", "effective", "reported")]
    with system():
        subject = session.get_one(Teacher, file.id).subject
        session.execute(update(Teacher).where(Teacher.id != file.id).values(subject=None))
        for key in (*there, *here):
            session.execute(update(Teacher).where(Teacher.id == key).values(subject=subject))
        session.execute(update(Teacher).where(Teacher.id == here[0]).values(active=False))
        session.commit()

    def told() -> Any:
        actor = world.actors[FROM_INFO]
        with acting_as(actor):
            return handover(session, actor, session.get(Transfer, item.id))

    before = told()
    taken = clerk.send(f"/transfers/{item.id}/take", "POST", _version="5", **PLACED)
    assert taken.status_code == 302
    session.expire_all()
    after = told()

    assert before.cover == after.cover == Cover(subject, 3, 2, 2, 3)
    assert (before.planned, after.planned, after.first) == (True, False, PLACED["join_month"])
    assert set(before.records) == {"work", "post"}
    assert after.records["work"] >= 1
    text = page(FROM_HEAD).send(f"/print/transfer/{item.id}/handover").text
    assert f"<td>{world.units['B1'].name}</td><td>3</td><td>2</td>" in text
    assert f"<td>{world.units['A1'].name}</td><td>2</td><td>3</td>" in text
    assert after.last in text


def test_a_rotation_is_printed_with_masked_numbers_and_its_decisions(
    page: Any, session: Any, world: Any
) -> None:
    file = world.teacher("A1", "effective")
    item = make_rotation(session, world, file)
    session.commit()
    path = f"/print/rotation/{item.id}"

    text = page(INFO).send(path).text
    assert f'href="{path}"' in page(INFO).send(f"/rotations/show/{item.id}").text
    for words in (file.name, file.teacher_no, world.units["B1"].name, "Confirm the rotation",
                  world.actors[DISTRICT].name):  # fmt: skip
        assert words in text
    assert file.id_no not in text
    world.assert_no_leak(text, world.actors[INFO], place="list")
    assert page(DISTRICT).send(path).status_code == 200
    for key, status in (("school_info_B1", 404), ("school_info_A2", 404), ("city_audit", 403)):
        assert page(key).send(path).status_code == status
    assert printed(session) == [("rotation", str(item.id), "registration")] * 2
