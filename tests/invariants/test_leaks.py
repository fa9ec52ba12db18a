"""The leak fence: every address of the URL map, every identity, own and foreign objects (SEC-02).

A foreign object and one that does not exist answer alike, whatever the method; and no page shows
a value beyond the rows and field rights of its reader. An address that the tables below do not
know fails the fence.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.scope import system
from app.models.teacher import Teacher
from tests.views.pages import sign_in

READERS = (
    "city_info", "city_assistant", "city_system", "city_audit", "district_info_A",
    "district_system_B", "school_info_A1", "school_head_A2", "school_system_A1", "teacher_A1",
)  # fmt: skip
ABSENT = 99_999_999

# What the placeholders of an address name, by the beginning of the address.
FILES = ("/teacher/<int:pk>", "/flow/", "/draft/", "/review/show/")
OTHERS = {
    "/import/": "a batch of the own school; its tests probe foreign ones",
    "/export/": "a file of the own account; its tests probe foreign ones",
    "/attachment/": "a random name; its tests probe foreign ones",
    "/review/outcome/": "an own result; its tests probe foreign ones",
    "/accounts/": "rows of accounts, scoped by unit",
    "/audit/": "the log, open to the audit administrator alone",
    "/charts/": "names of charts",
    "/code-choice/": "names of code tables",
    "/codes/": "names of code tables",
    "/indicators/": "names of sets",
    "/parameters/": "names of settings",
    "/units/": "units, scoped by authority",
    "/record": "lists of rows, scoped like files",
    "/my-file/": "sets of the own file",
    "/lang/": "names of languages",
    "/static/": "public files",
    "/api/": "probed with tokens below",
    "/swagger/": "the description of the interface",
    "/job": "own jobs; its tests probe foreign ones",
    "/notice": "own notices; its tests probe foreign ones",
    "/report": "batches; their tests probe other roles",
    "/correction": "tasks of files; its tests probe foreign ones",
    "/round": "rounds; its tests probe other roles",
    "/monitor": "figures of units; its tests probe foreign ones",
    "/problem": "findings, scoped like files",
    "/print": "files; scoped",
}
LIST_PARTS = re.compile(r"/(views/<int:pk>/delete|action/<string:name>/<pk>|tab/<name>/<pk>)$")
VARYING = re.compile(
    rb'(csrf[-_]token"[^>]*(value|content)="[^"]*"|<code>[0-9a-f]{16}</code>|[0-9a-f]{16})'
)


def address(rule: str, key: int) -> str:
    """An address with a key and plausible names in its places."""
    filled = rule.replace("<int:pk>", str(key)).replace("<set_code>", "basic")
    filled = filled.replace("<step>", "confirm").replace("<record>", "0" * 32)
    return re.sub(r"<[^>]+>", "x", filled)


def of_files(app: Any) -> list[tuple[str, str]]:
    """The addresses that name a file by its id, with each of their methods."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(FILES):
            found += [(rule.rule, m) for m in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def plain(body: bytes) -> bytes:
    """A body without what differs from answer to answer."""
    return VARYING.sub(b"", body)


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


def test_every_address_with_a_place_is_known_to_the_fence(app: Any) -> None:
    unknown = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.arguments
        and not rule.rule.startswith((*FILES, *OTHERS))
        and not LIST_PARTS.search(rule.rule)
    ]

    assert unknown == []


@pytest.mark.parametrize("key", READERS)
def test_foreign_files_answer_like_absent_ones(
    app: Any, session: Any, world: Any, key: str
) -> None:
    client, actor = sign_in(app, world, key), world.actors[key]
    token = re.search(r'csrf-token" content="([^"]+)"', client.get("/").text)
    form = {"csrf_token": token[1] if token else "", "reason": "x", "version": "1", "purpose": "xx"}
    foreign = world.foreign_to(actor)[:1]
    before = state_of(session)

    different = []
    for rule, method in of_files(app):
        answers = [
            client.open(address(rule, each), method=method, data=form if method != "GET" else None)
            for each in (*(f.id for f in foreign), ABSENT)
        ]
        first, last = answers[0], answers[-1]
        alike = (first.status_code, plain(first.data)) == (last.status_code, plain(last.data))
        if not alike or first.status_code not in (403, 404):
            different.append((rule, method, first.status_code, last.status_code))

    assert different == []
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

    assert broken == []


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
