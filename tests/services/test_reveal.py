"""Sealed values shown on demand: who may, how often in a day, and what is on record (SEC-10)."""

from typing import Any

import pytest
from sqlalchemy import select, update

from app.access.actor import acting_as, system
from app.access.fields import View, view_for_purpose, view_in_list, view_on_file
from app.access.roles import FILES, Role
from app.core.errors import Forbidden, LimitReached, NotFound
from app.indicators import catalog as catalogs
from app.models.history import Audit
from app.models.parameter import Parameter
from app.models.record import TEACHER_SETS
from app.models.teacher import Teacher
from app.services import audit, reveal
from tests.views.pages import sign_in, token_for

KEY = "basic.id_no"


def record_of(session: Any, ref: Any, set_code: str = "basic") -> str:
    """The uuid of the first row of a set."""
    with system():
        cls = TEACHER_SETS[set_code]
        return session.scalar(select(cls.uuid).where(cls.teacher_id == ref.id))


def ask(session: Any, world: Any, actor: Any, ref: Any, *, key: str = KEY, limit: int = 5) -> str:
    """Reveal a value as an actor."""
    uuid = record_of(session, ref, key.partition(".")[0])
    with acting_as(actor):
        teacher = session.scalars(select(Teacher).where(Teacher.id == ref.id)).one()
        return reveal.reveal(
            session,
            actor,
            teacher,
            key=key,
            record_uuid=uuid,
            purpose="verify",
            catalog=world.catalog,
            limit=limit,
        )


def acts(session: Any, act: str) -> list[Audit]:
    """The audit rows of one act."""
    with system():
        return list(session.scalars(select(Audit).where(Audit.act == act).order_by(Audit.id)))


def spend(session: Any, actor: Any, ref: Any, count: int) -> None:
    """Let an account have revealed so many values today."""
    with system():
        places = [("rec_basic", number, ref.id) for number in range(count)]
        audit.record_many(session, "reveal", actor=actor, objects=places)
        session.commit()


def test_nobody_but_the_inspector_and_the_teacher_differs_in_what_is_whole(world: Any) -> None:
    items = [i for e in world.catalog.teacher_sets for i in e.indicators if i.masked]
    keys = {role: next(a for a in world.actors.values() if a.role == role) for role in FILES}
    views = {
        role: {(view_on_file(actor, i), view_for_purpose(actor, i), view_in_list(actor, i))
               for i in items}
        for role, actor in keys.items()
    }  # fmt: skip
    hidden = (View.HIDDEN,) * 3
    staff = {
        (View.WHOLE, View.WHOLE, View.MASKED),
        (View.SEALED, View.WHOLE, View.MASKED),
    }

    assert views.pop(Role.CITY_ASSISTANT) == {(View.MASKED,) * 3, hidden}
    assert views.pop(Role.TEACHER) == {(View.WHOLE, View.WHOLE, View.MASKED)}
    assert all(found == staff for found in views.values())


@pytest.mark.parametrize("key", [KEY, "contact.mobile", "contact.address"])
def test_an_inspector_reveals_nothing(session: Any, world: Any, key: str) -> None:
    ref = world.teacher("A1", "effective")

    with pytest.raises(Forbidden):
        ask(session, world, world.actors["city_assistant"], ref, key=key)

    assert not acts(session, "reveal")


def test_an_inspector_finds_no_button_and_is_refused_by_the_page(
    app: Any, session: Any, world: Any
) -> None:
    ref = world.teacher("A1", "effective")
    client = sign_in(app, world, "city_assistant")
    form = {"key": KEY, "record": record_of(session, ref), "purpose": "verify"}

    page = client.get(f"/teacher/{ref.id}/set/basic")
    form["csrf_token"] = token_for(client)
    answer = client.post(f"/teacher/{ref.id}/reveal", data=form)

    assert 'data-reveal="' not in page.text
    assert answer.status_code == 403
    world.assert_no_leak(answer, world.actors["city_assistant"])


@pytest.mark.parametrize("key", ["teacher_B1", "school_info_B1", "district_info_B", "city_system"])
def test_a_foreign_file_does_not_exist(app: Any, session: Any, world: Any, key: str) -> None:
    ref = world.teacher("A1", "effective")
    client = sign_in(app, world, key)
    form = {"key": KEY, "record": record_of(session, ref), "purpose": "verify"}
    form["csrf_token"] = token_for(client)

    answer = client.post(f"/teacher/{ref.id}/reveal", data=form)

    assert answer.status_code in (403, 404)
    assert ref.id_no not in answer.text


def test_pay_and_sanctions_are_not_even_there_for_an_inspector(session: Any, world: Any) -> None:
    ref = world.teacher("A1", "effective")

    with pytest.raises(NotFound):
        ask(session, world, world.actors["city_assistant"], ref, key="treatment.annual_income")


def test_the_200th_of_a_day_passes_and_the_201st_is_refused_and_reported(
    app: Any, session: Any, world: Any
) -> None:
    ref, key = world.teacher("A1", "effective"), "district_info_A"
    spend(session, world.actors[key], ref, 199)
    client = sign_in(app, world, key)
    form = {"key": KEY, "record": record_of(session, ref), "purpose": "verify"}
    form["csrf_token"] = token_for(client)

    last = client.post(f"/teacher/{ref.id}/reveal", data=form)
    over = client.post(f"/teacher/{ref.id}/reveal", data=form)

    assert (last.status_code, over.status_code) == (200, 429)
    assert ref.id_no in last.text
    world.assert_no_leak(over, world.actors[key])
    assert len(acts(session, "reveal")) == 200
    assert [each.reason for each in acts(session, "alert")] == ["reveal_limit"]


def test_the_limit_is_a_setting_of_the_city(app: Any, session: Any, world: Any) -> None:
    ref, key = world.teacher("A1", "effective"), "district_info_A"
    with system():
        session.execute(
            update(Parameter).where(Parameter.key == "reveals_per_day").values(value="3")
        )
        session.commit()
        catalogs.forget()
    spend(session, world.actors[key], ref, 3)
    client = sign_in(app, world, key)
    form = {"key": KEY, "record": record_of(session, ref), "purpose": "verify"}
    form["csrf_token"] = token_for(client)

    assert client.post(f"/teacher/{ref.id}/reveal", data=form).status_code == 429
    assert acts(session, "alert")[-1].detail == {"limit": 3}


def test_each_account_has_its_own_count(session: Any, world: Any) -> None:
    ref = world.teacher("A1", "effective")
    spend(session, world.actors["district_info_A"], ref, 5)

    assert ask(session, world, world.actors["city_info"], ref) == ref.id_no
    with pytest.raises(LimitReached):
        ask(session, world, world.actors["district_info_A"], ref)
