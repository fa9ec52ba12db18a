"""The leak fence: every address of the URL map, every identity, own and foreign objects (SEC-02).

A foreign object and one that does not exist answer alike, whatever the method: status, body and
headers; and no page shows a value beyond the rows and field rights of its reader. An address that
the tables of `addresses` do not know fails the fence.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.actor import system
from app.models.teacher import Teacher
from tests.invariants.addresses import (
    ABSENT,
    ABSENT_UUID,
    Browser,
    Things,
    filled,
    furnish,
    kind_of,
    lines,
    methods_of,
    names_of,
    roles_and_places,
    view_of,
)
from tests.views.pages import sign_in

pytestmark = pytest.mark.wide

READERS = (
    "city_info", "city_assistant", "city_system", "city_audit", "district_info_A",
    "district_system_B", "school_info_A1", "school_head_A2", "school_system_A1", "teacher_A1",
)  # fmt: skip
REFUSED = (403, 404)
BY_UUID = ("import", "export", "attachment")
# What differs from answer to answer: tokens, ids of requests, keys, and the address itself.
VARYING = re.compile(rb'csrf[-_]token"[^>]*(value|content)="[^"]*"|[0-9a-f]{16}|99999999')
MOVING_HEADERS = {"Date", "Set-Cookie", "Content-Length"}


def plain(answer: Any, address: str) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Status, body and headers without what differs from answer to answer."""
    body = answer.data.replace(address.encode(), b"")
    headers = [(name, value) for name, value in answer.headers if name not in MOVING_HEADERS]
    return answer.status_code, VARYING.sub(b"", body), headers


def state_of(session: Any) -> Any:
    """What no refused request may change."""
    session.expire_all()
    with system():
        return session.execute(
            select(
                func.count(Teacher.id),
                func.sum(Teacher.version),
                func.sum(Teacher.content_version),
                func.count(Teacher.name.distinct()),
            )
        ).one()


def is_asked_of(app: Any, rule: Any, key: str) -> bool:
    """Whether an identity is asked at a rule. The lists of sets are one class generated for each
    set: a clerk is asked at all, every other identity at one of them."""
    view = type(view_of(app, rule)).__name__
    if not rule.rule.startswith("/record/") or key == "school_info_A1":
        return True
    lists = sorted({type(v).__name__ for v in app.appbuilder.baseviews} & _record_views(app))
    return view == lists[roles_and_places().index(key) % len(lists)]


def _record_views(app: Any) -> set[str]:
    found = app.appbuilder.baseviews
    return {type(v).__name__ for v in found if (v.route_base or "").startswith("/record/")}


def probes(app: Any, rule: Any, things: Things, world: Any, actor: Any) -> Iterator[tuple]:
    """Pairs of addresses that must answer alike: with a foreign key, and with one of nothing."""
    kind = kind_of(rule.rule)
    if kind is None:
        return
    view = type(view_of(app, rule)).__name__ if kind in ("saved view", "row of a list") else ""
    foreign = things.foreign_to(world, actor, kind, view)
    if foreign is None:
        return
    absent: Any = ABSENT_UUID if kind in BY_UUID else ABSENT
    if kind != "row":
        yield from zip(filled(app, rule, foreign.key), filled(app, rule, absent), strict=True)
        return
    key, record = foreign.file.id, foreign.key
    yield from zip(filled(app, rule, key, record), filled(app, rule, ABSENT, record), strict=True)
    own = things.own_of(world, actor, "file")
    if own is not None:
        key = own.key
        yield from zip(filled(app, rule, key, record), filled(app, rule, key), strict=True)


def test_every_address_with_a_place_is_known_to_the_fence(app: Any) -> None:
    unknown = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.arguments and kind_of(rule.rule) is None and names_of(rule.rule) is None
    ]

    assert not unknown, lines(unknown)


# What is the same for everybody, and a request of nobody's object.
PUBLIC_KINDS = {None, "parameter", "special day"}


def test_every_kind_of_object_has_an_own_and_a_foreign_one(
    app: Any, session: Any, world: Any
) -> None:
    """Else the fence below would compare nothing with nothing."""
    things = furnish(app, session, world)
    clerk = world.actor("school_info", "A1")
    kinds = {kind_of(rule.rule) for rule in app.url_map.iter_rules()} - PUBLIC_KINDS
    views = {"saved view": "TeacherView", "row of a list": "RecordLearningView"}

    assert set(world.actors) == set(roles_and_places())
    assert {
        k for k in kinds if things.foreign_to(world, clerk, k, views.get(k, "")) is None
    } == set()


@pytest.mark.parametrize("key", roles_and_places())
def test_foreign_objects_answer_like_absent_ones(
    app: Any, session: Any, world: Any, key: str
) -> None:
    things, actor = furnish(app, session, world), world.actors[key]
    browser = Browser(app, world, key)
    before = state_of(session)

    different, count = [], 0
    for rule in app.url_map.iter_rules():
        if not is_asked_of(app, rule, key):
            continue
        for foreign, absent in probes(app, rule, things, world, actor):
            for method in methods_of(rule):
                count += 1
                answers = browser.send(foreign, method), browser.send(absent, method)
                one, other = plain(answers[0], foreign), plain(answers[1], absent)
                if one != other or one[0] not in REFUSED:
                    parts = [n for n, a, b in zip("sbh", one, other, strict=True) if a != b]
                    different.append((method, foreign, one[0], other[0], parts))
                world.assert_no_leak(answers[0], actor, place="list")

    assert count > 0
    assert not different, lines(different)
    assert state_of(session) == before


def pages(app: Any) -> Iterator[str]:
    """The addresses that are opened without naming anything."""
    for rule in app.url_map.iter_rules():
        closed = rule.rule.startswith(("/static", "/logout", "/login", "/back", "/swagger", "/api"))
        if "GET" in (rule.methods or set()) and not rule.arguments and not closed:
            yield rule.rule


@pytest.mark.parametrize("key", READERS)
def test_no_list_or_page_shows_more_than_its_reader_may_see(
    app: Any, session: Any, world: Any, key: str
) -> None:
    client, actor = sign_in(app, world, key), world.actors[key]

    broken = []
    for path in pages(app):
        answer = client.get(path, buffered=True)
        if answer.status_code >= 500:
            broken.append((path, answer.status_code))
        world.assert_no_leak(answer, actor, place="list")

    assert not broken, lines(broken)


@pytest.mark.parametrize("key", READERS)
def test_the_own_files_show_what_the_field_rights_say(
    app: Any, session: Any, world: Any, key: str
) -> None:
    client, actor = sign_in(app, world, key), world.actors[key]
    foreign = {each.id for each in world.foreign_to(actor)}
    own = [each for each in world.teachers.values() if each.id not in foreign][:2]

    for file in own:
        for entry in world.catalog.teacher_sets:
            answer = client.get(f"/teacher/{file.id}/set/{entry.code}")
            world.assert_no_leak(answer, actor)
        for path in ("", "/history", "/places"):
            world.assert_no_leak(client.get(f"/teacher/{file.id}{path}"), actor)
