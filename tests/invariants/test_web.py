"""Every address: closed to nobody signed in, safe by GET, with its headers."""

import re
from typing import Any

import pytest
from flask_appbuilder import BaseView as StockView
from flask_appbuilder.baseviews import expose
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import models
from app.access.actor import system
from app.extensions import db
from app.views import health, menu
from app.views.base import BaseView
from app.views.declared import OpenEndpoint
from tests.conftest import make_app
from tests.invariants.addresses import (
    UNSAFE,
    Browser,
    filled,
    furnish,
    kind_of,
    lines,
    methods_of,
    token_for,
    view_of,
)
from tests.views.pages import sign_in, token_of

# The addresses that need no sign-in; whoever adds one, adds it here.

pytestmark = pytest.mark.wide

PUBLIC = {
    "/login/",
    "/logout/",
    "/",
    "/healthz",
    "/readyz",
    "/back",
    "/lang/<string:locale>",
    "/static/<path:filename>",
    "/static/appbuilder/<path:filename>",
    "/api/v1/security/login",
    "/api/v1/security/refresh",
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
HSTS = "Strict-Transport-Security"
# An attachment may not even load its own parts, and browsers may keep it for its one reader.
ATTACHMENT = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "no-store",
}
# What reading may write: who opened what, and what belongs to the session.
WRITTEN_BY_READING = {"audit", "audit_seal"}


def rules(app: Any) -> list[Any]:
    """All rules of the application that are not public."""
    return [r for r in app.url_map.iter_rules() if r.rule not in PUBLIC]


def wrong_headers(answer: Any, expected: dict[str, str]) -> list[str]:
    """The names of headers that do not say exactly what they must."""
    return [name for name, value in expected.items() if answer.headers.getlist(name) != [value]]


def digests(session: Session) -> dict[str, int]:
    """A digest of every business table."""
    db.session.expire_all()
    models.load_all()
    with system():
        return {
            name: hash(tuple(sorted(map(repr, session.execute(select(table)).all()))))
            for name, table in db.metadata.tables.items()
            if name not in WRITTEN_BY_READING and not name.startswith("ab_")
        }


class Unguarded(BaseView):
    """A view of ours with a method that asks for nothing."""

    class_permission_name = "Help"
    route_base = "/planted"

    @expose("/", methods=["GET"])
    def open_to_all(self) -> str:
        return "secret"


class Unknown(StockView):
    """A view of the framework that is in no table of ours."""

    route_base = "/planted"

    @expose("/", methods=["GET"])
    def open_to_all(self) -> str:
        return "secret"


@pytest.mark.parametrize("planted", [Unguarded, Unknown])
def test_a_view_that_asks_for_no_right_does_not_start(
    planted: type, monkeypatch: Any, key_file: Any, tmp_path: Any
) -> None:
    monkeypatch.setattr(menu, "HIDDEN", (*menu.HIDDEN, planted))

    with pytest.raises(OpenEndpoint, match=f"{planted.__name__}.open_to_all"):
        make_app(f"sqlite:///{tmp_path / 'x.db'}", key_file, tmp_path)


def test_a_bare_address_does_not_start(monkeypatch: Any, key_file: Any, tmp_path: Any) -> None:
    monkeypatch.setattr(
        health, "register", lambda app: app.add_url_rule("/planted", "planted", lambda: "secret")
    )

    with pytest.raises(OpenEndpoint, match="planted"):
        make_app(f"sqlite:///{tmp_path / 'x.db'}", key_file, tmp_path)


def test_nobody_signed_in_reaches_anything(app: Any, session: Any, world: Any) -> None:
    """Every rule, each with a valid token where a form needs one, so that the right is asked."""
    client = app.test_client()
    form = {"csrf_token": token_of(client.get("/login/").text)}
    assert form["csrf_token"]

    opened = []
    for rule in rules(app):
        for method in methods_of(rule):
            body = form if method in UNSAFE else None
            answer = client.open(filled(app, rule)[0], method=method, data=body)
            to_login = answer.status_code == 302 and "/login/" in answer.headers["Location"]
            if not (to_login or answer.status_code == 401):
                opened.append((method, rule.rule, answer.status_code))

    assert not opened, lines(opened)


def test_home_sends_nobody_to_the_sign_in_page(client: Any) -> None:
    answer = client.get("/")

    assert answer.status_code == 302
    assert "/login/" in answer.headers["Location"]


# Who reads most: between them they open every page that can be opened at all.
CITY = ("city_info", "city_system", "city_audit")


@pytest.mark.parametrize("key", CITY)
def test_reading_changes_nothing_and_every_answer_has_its_headers(
    app: Any, session: Any, world: Any, key: str
) -> None:
    """GET, HEAD and OPTIONS of every rule with valid keys (SEC-28), exact headers (SEC-29)."""
    things, browser = furnish(app, session, world), Browser(app, world, key)
    places = [(rule, each) for rule in rules(app) for each in opened_by(app, rule, things)]
    before = digests(session)

    wrong, statuses = [], []
    for rule, place in places:
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = browser.send(place, method)
            statuses.append(answer.status_code)
            expected = HEADERS | {"Cache-Control": "no-store"}
            sent = answer.status_code == 200 and method != "OPTIONS"
            if sent and rule.rule.startswith("/attachment/"):
                expected |= ATTACHMENT
            if bad := wrong_headers(answer, expected):
                wrong.append((method, place, answer.status_code, bad))
            if answer.status_code >= 500:
                wrong.append((method, place, answer.status_code, []))
    after = digests(session)

    assert not wrong, lines(wrong)
    assert {name for name in before if before[name] != after[name]} == set()
    assert statuses.count(200) > 100


def opened_by(app: Any, rule: Any, things: Any) -> list[str]:
    """The addresses of a rule with keys of objects that are there."""
    kind = kind_of(rule.rule)
    if kind is None:
        return filled(app, rule)
    view = type(view_of(app, rule)).__name__ if kind in ("saved view", "row of a list") else ""
    thing = next(each for each in things[kind] if each.view == view)
    if kind == "row":
        return filled(app, rule, thing.file.id, thing.key)
    return filled(app, rule, thing.key)


def test_every_refusal_has_its_headers(
    app: Any, session: Any, world: Any, monkeypatch: Any
) -> None:
    def fail(**_values: Any) -> None:
        raise ValueError

    monkeypatch.setitem(app.view_functions, "NoticeView.list", fail)
    browser = Browser(app, world, "school_info_A1")
    file = world.teacher("A1", "draft")
    answers = {
        200: browser.send("/teacher/list/"),
        302: browser.send("/notices/read", "POST"),
        400: browser.send("/teacher/list/?_flt_0_nothing=1"),
        403: browser.send("/audit/list/"),
        404: browser.send("/nope"),
        405: browser.send("/teacher/list/", "DELETE"),
        413: browser.send("/import/upload", "POST", purpose="x" * 13_000_000),
        422: browser.send(f"/teacher/{file.id}/set/learning/new", "POST"),
        500: browser.send("/notices/list/"),
    }
    api = {
        200: browser.send("/api/v1/me"),
        400: browser.send("/api/v1/teacher/?q=((("),
        401: app.test_client().get("/api/v1/me"),
        404: browser.send(f"/api/v1/teacher/{world.teacher('B1', 'draft').id}"),
        405: browser.send("/api/v1/me", "DELETE"),
    }

    for found in (answers, api):
        assert {status: answer.status_code for status, answer in found.items()} == {
            status: status for status in found
        }
        for status, answer in found.items():
            assert wrong_headers(answer, HEADERS | {"Cache-Control": "no-store"}) == [], status
            assert HSTS not in answer.headers


@pytest.mark.parametrize("path", ["/login/", "/nope", "/healthz", "/api/v1/me", "/"])
def test_answers_to_nobody_have_their_headers(client: Any, path: str) -> None:
    plain, safe = client.get(path), client.get(path, base_url="https://localhost")

    assert wrong_headers(plain, HEADERS | {"Cache-Control": "no-store"}) == []
    assert wrong_headers(safe, HEADERS | {HSTS: "max-age=31536000"}) == []
    assert HSTS not in plain.headers


def test_static_files_may_be_kept(client: Any) -> None:
    page = client.get("/login/").text
    found = re.search(r'"(/static/dist/style-[^"]+\.css)"', page)
    assert found is not None
    answer = client.get(found[1], buffered=True)

    assert wrong_headers(answer, HEADERS) == []
    assert "no-store" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize("token", ["none", "of another person"])
def test_a_form_without_a_token_of_its_own_is_refused(
    app: Any, session: Any, world: Any, token: str
) -> None:
    """Signed in, on every unsafe rule that a cookie can carry (SEC-28)."""
    things, browser = furnish(app, session, world), Browser(app, world, "school_info_A1")
    other = token_for(sign_in(app, world, "school_info_B1"))
    browser.token = other if token != "none" else ""
    before = digests(session)

    taken = []
    for rule in [*rules(app), *sign_out(app)]:
        for method in sorted(UNSAFE & (rule.methods or set())):
            for place in opened_by(app, rule, things):
                if not place.startswith("/api/"):
                    answer = browser.send(place, method)
                    if answer.status_code not in (400, 403):
                        taken.append((method, place, answer.status_code))

    assert not taken, lines(taken)
    assert digests(session) == before
    assert browser.send("/").status_code == 200


def sign_out(app: Any) -> list[Any]:
    return [rule for rule in app.url_map.iter_rules() if rule.rule == "/logout/"]


def test_a_cookie_alone_changes_nothing_over_the_api(app: Any, session: Any, world: Any) -> None:
    """The API takes no form tokens, so it must not take the cookie either (SEC-28)."""
    browser = Browser(app, world, "school_info_A1")

    taken = []
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/") and rule.rule not in PUBLIC:
            for method in sorted(UNSAFE & (rule.methods or set())):
                answer = browser.client.open(filled(app, rule)[0], method=method, json={})
                if answer.status_code != 401:
                    taken.append((method, rule.rule, answer.status_code))

    assert not taken, lines(taken)


class TestSigningOut:
    def test_a_link_asks_and_ends_nothing(self, app: Any, session: Any, world: Any) -> None:
        browser = Browser(app, world, "school_info_A1")

        for method in ("GET", "HEAD", "OPTIONS"):
            asked = browser.send("/logout/", method)
            assert asked.status_code == 200
        page = browser.send("/logout/").text

        assert 'action="/logout/"' in page
        assert "确定要在本设备上退出登录吗" in page
        assert browser.send("/").status_code == 200

    def test_the_button_of_the_top_bar_ends_the_session(
        self, app: Any, session: Any, world: Any
    ) -> None:
        browser = Browser(app, world, "school_info_A1")
        top = browser.send("/").text
        form = re.search(r'<form method="post" action="/logout/">.*?</form>', top, re.DOTALL)
        assert form is not None
        assert "退出登录" in form[0]

        left = browser.client.post("/logout/", data={"csrf_token": token_of(form[0])})

        assert left.status_code == 302
        assert "/login/" in browser.send("/").headers["Location"]

    def test_whoever_is_out_is_led_to_the_sign_in_page(self, client: Any) -> None:
        assert client.get("/logout/").headers["Location"].endswith("/login/")


def test_an_address_that_is_too_long_is_refused(client: Any) -> None:
    assert client.get("/login/?q=" + "x" * 9000).status_code == 400


def test_health_says_no_version_and_no_detail(client: Any) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    ready = client.get("/readyz")
    assert set(ready.json) == {"status", "checks"}
    assert set(ready.json["checks"]) == {
        "database", "migrations", "disk", "keys", "queue", "worker",
    }  # fmt: skip
    assert all(type(value) is bool for value in ready.json["checks"].values())


def test_built_files_travel_compressed_and_stay_for_a_year(client: Any) -> None:
    page = client.get("/login/").text
    address_ = re.search(r'"(/static/dist/style-[^"]+\.css)"', page)
    assert address_ is not None

    asked = {"Accept-Encoding": "gzip"}
    answer = client.get(address_.group(1), headers=asked, buffered=True)
    plain = client.get(address_.group(1), buffered=True)

    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.mimetype == "text/css"
    assert "max-age=31536000" in answer.headers["Cache-Control"]
    assert "Content-Encoding" not in plain.headers
