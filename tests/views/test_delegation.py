"""The page of delegates, and where pages say in whose place somebody acts."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import system
from app.core.clock import today
from app.models.account import Account, Assignment
from tests.views.figures import token
from tests.views.pages import sign_in


def appoint(client: Any, account: int, **changes: Any) -> Any:
    form = {
        "csrf_token": token(client),
        "account": str(account),
        "since": today().isoformat(),
        "until": (today() + timedelta(days=9)).isoformat(),
    }
    return client.post("/delegation/appoint", data=form | changes)


def delegated(session: Any) -> list[Any]:
    with system():
        session.expire_all()
        return list(
            session.scalars(select(Assignment).where(Assignment.delegated_from.is_not(None)))
        )


def test_a_head_appoints_and_ends_a_delegate(app: Any, session: Any, world: Any) -> None:
    client, deputy = sign_in(app, world, "school_head_A1"), world.actors["school_info_A1"]
    assert "user-share" in client.get("/delegation/list/").text

    assert appoint(client, deputy.account_id).status_code == 302
    made = delegated(session)[0]
    assert deputy.name in client.get("/delegation/list/").text
    answer = client.post(f"/delegation/{made.id}/end", data={"csrf_token": token(client)})

    assert answer.status_code == 302
    assert delegated(session)[0].valid_to < today()
    assert f"/delegation/{made.id}/end" not in client.get("/delegation/list/").text


def test_the_delegate_sees_in_whose_place(app: Any, session: Any, world: Any) -> None:
    head, deputy = world.actors["school_head_A1"], world.actors["school_info_A1"]
    appoint(sign_in(app, world, "school_head_A1"), deputy.account_id)
    made, client = delegated(session)[0], sign_in(app, world, "school_info_A1", language="en")
    assert f"delegate of {head.name}" in client.get("/").text

    switched = client.post(
        "/assignment/switch", data={"csrf_token": token(client), "assignment": made.id}
    )
    assert switched.status_code == 302
    page = client.get("/delegation/list/").text
    assert f"You act as delegate of {head.name}." in page
    assert 'action="/delegation/appoint"' not in page
    file = world.teacher("A1", "submitted")
    show = client.get(f"/review/show/{file.id}").text
    form = {
        "csrf_token": token(client),
        "_version": re.search(r'name="_version" value="(\d+)"', show)[1],  # type: ignore[index]
        "reason": "请补充照片",
    }
    url = f"/flow/review/{file.id}/return_to_teacher"
    assert client.post(url, data=form).status_code == 302
    history = client.get(f"/teacher/{file.id}/history").text
    assert f"{deputy.name} · School head (delegate of {head.name})" in history
    log = sign_in(app, world, "city_audit", language="en").get("/audit/list/?_flt_0_act=transition")
    assert f"delegate of {head.name}" in log.text


def test_what_is_refused_stands_at_the_field(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "school_head_A1", language="en")
    deputy = world.actors["school_info_A1"].account_id

    late = appoint(client, deputy, until=(today() + timedelta(days=400)).isoformat())
    own = appoint(client, world.actors["school_head_A1"].account_id)
    foreign = appoint(client, world.actors["school_info_A2"].account_id)
    more = appoint(client, deputy, role="school_info")
    empty = appoint(client, deputy, until="")

    assert (late.status_code, "90 days at most" in late.text) == (422, True)
    assert (own.status_code, "your own delegate" in own.text) == (422, True)
    assert foreign.status_code == 404
    assert more.status_code == 403
    assert empty.status_code == 422
    assert delegated(session) == []


def test_only_colleagues_are_offered(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "school_head_A1")

    items = client.get("/delegation/colleagues").json["items"]

    with system():
        here = select(Assignment.account_id).where(Assignment.unit_id == world.units["A1"].id)
        wanted = set(session.scalars(select(Account.id).where(Account.id.in_(here))))
    found = {int(each["id"]) for each in items}
    assert found
    assert found <= wanted - {world.actors["school_head_A1"].account_id}
    assert client.get("/delegation/colleagues?q=%25").json["items"] == []


@pytest.mark.parametrize("key", ["school_info_A1", "district_info_A", "teacher_A1", "city_info"])
def test_is_closed_to_those_who_have_nothing_to_delegate(
    app: Any, session: Any, world: Any, key: str
) -> None:
    client = sign_in(app, world, key)

    assert client.get("/delegation/list/").status_code in (302, 403)
    assert appoint(client, world.actors["school_info_A1"].account_id).status_code in (302, 403)
    assert delegated(session) == []
