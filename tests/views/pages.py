"""Signs in to the pages as a person does."""

import re
from typing import Any

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')

META = re.compile(r'name="csrf-token" content="([^"]+)"')


def token_of(page: str) -> str:
    """The token of the first form of a page, "" where it has none."""
    found = TOKEN.search(page)
    return found[1] if found else ""


def token_for(client: Any) -> str:
    """The token of a signed-in client's own pages, for forms that stand on none of them."""
    found = META.search(client.get("/").text)
    assert found is not None
    return found[1]


def sign_in(app: Any, world: Any, key: str, language: str = "zh") -> Any:
    """A client with the session of an actor: sign_in(app, world, "district_info_A")."""
    client = app.test_client()
    form = {
        "username": world.usernames[key],
        "password": world.password,
        "csrf_token": token_of(client.get("/login/").text),
    }
    answer = client.post("/login/", data=form)
    assert answer.status_code == 302, answer.text
    client.get(f"/lang/{language}")
    return client
