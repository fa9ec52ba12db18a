"""Every address: closed to nobody signed in, safe by GET, with its headers."""

import re
from typing import Any

import pytest

# The addresses that need no sign-in; whoever adds one, adds it here.
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
    "/swagger/<version>",
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def address(rule: str) -> str:
    """A rule with plausible values in its places."""
    filled = re.sub(r"<(int:|string:|path:)?(pk|id|teacher_id|batch_id|file_id)>", "1", rule)
    return re.sub(r"<[^>]+>", "x", filled)


def rules(app: Any) -> list[Any]:
    """All rules of the application that are not public."""
    return [r for r in app.url_map.iter_rules() if r.rule not in PUBLIC]


def test_nobody_signed_in_reaches_nothing(app: Any, client: Any) -> None:
    opened = []
    for rule in rules(app):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            answer = client.open(address(rule.rule), method=method)
            closed = answer.status_code in (302, 401, 400, 404)
            to_login = answer.status_code != 302 or "/login/" in answer.headers["Location"]
            if not (closed and to_login):
                opened.append((method, rule.rule, answer.status_code))

    assert not opened


def test_home_sends_nobody_to_the_sign_in_page(client: Any) -> None:
    answer = client.get("/")

    assert answer.status_code == 302
    assert "/login/" in answer.headers["Location"]


@pytest.mark.parametrize("path", ["/login/", "/nope", "/healthz", "/api/v1/me", "/"])
def test_every_answer_has_its_headers(client: Any, path: str) -> None:
    answer = client.get(path)

    for name, value in HEADERS.items():
        assert answer.headers[name] == value, (path, name)
    assert answer.headers["Cache-Control"] == "no-store"


def test_pages_without_token_change_nothing(app: Any, client: Any, world: Any) -> None:
    """A form without its token is refused wherever a cookie would carry it (SEC-28)."""
    token_free = []
    for rule in rules(app):
        if rule.rule.startswith("/api/"):
            continue
        for method in (rule.methods or set()) & {"POST", "PUT", "DELETE"}:
            answer = client.open(address(rule.rule), method=method)
            if answer.status_code not in (400, 302, 404):
                token_free.append((method, rule.rule, answer.status_code))

    assert not token_free


def test_an_address_that_is_too_long_is_refused(client: Any) -> None:
    assert client.get("/login/?q=" + "x" * 9000).status_code == 400


def test_health_says_no_version_and_no_detail(client: Any) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    ready = client.get("/readyz")
    assert set(ready.json) == {"status", "checks"}
    assert set(ready.json["checks"]) == {"database", "migrations", "disk", "keys", "queue"}
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
