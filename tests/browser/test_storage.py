"""What a browser keeps when somebody has gone away holds no value of a person (SEC-17)."""

import json
from typing import Any

import pytest

from tests.watch import WATCH

pytestmark = pytest.mark.browser

TYPED = {"mobile": "16912345678", "emergency_phone": "16812345678", "address": "CANARY-TYPED-HERE"}
KEPT = """async () => ({
  local: {...localStorage}, session: {...sessionStorage}, cookie: document.cookie,
  name: window.name, history: history.state, title: document.title, url: location.href,
  databases: (await indexedDB.databases()).map(each => each.name), caches: await caches.keys(),
})"""


def kept_by(app: Any, page: Any) -> str:
    """Everything that a browser keeps of the site, with the signed cookie unpacked."""
    kept = page.evaluate(KEPT)
    assert kept["databases"] == kept["caches"] == []
    cookies = page.context.cookies()
    signer = app.session_interface.get_signing_serializer(app)
    name = app.config["SESSION_COOKIE_NAME"]
    opened = [signer.loads(each["value"]) for each in cookies if each["name"] == name]
    assert opened, "the session cookie is there"
    return json.dumps([kept, cookies, opened], ensure_ascii=False, default=str)


def test_list_file_and_a_form_with_typed_values_leave_nothing_in_the_browser(site: Any) -> None:
    file = site.world.teacher("A1", "draft")
    person = site.sign_in("school_info_A1")
    kept = []
    for path in ("/teacher/list/", f"/teacher/{file.id}", f"/teacher/{file.id}/set/contact/edit"):
        page = person.go(path)
        kept.append(kept_by(site.app, page))
    for name, value in TYPED.items():
        page.fill(f"#f-{name}", value)
    page.locator("[data-save-state]:not(:empty)").wait_for()
    kept.append(kept_by(site.app, page))
    again = person.go("/teacher/list/")
    kept.append(kept_by(site.app, again))
    assert (
        person.go(f"/teacher/{file.id}/set/contact/edit").input_value("#f-address")
        == (TYPED["address"])
    ), "the draft was kept, on the server"

    with WATCH.during():
        for text in kept:
            WATCH.see("browser storage", text)
            assert not [value for value in TYPED.values() if value in text]
