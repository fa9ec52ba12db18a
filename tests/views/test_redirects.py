"""No address of a request leads off the site, neither by redirect nor by a link (SEC-31)."""

import html
import re
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import pytest

from app.core.address import local_path
from app.core.clock import now
from app.models.notice import Notice
from tests.views.pages import sign_in, token_of

pytestmark = pytest.mark.wide

SITE = "http://localhost/any/page"
HOSTILE = (
    "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example",
    "\\/evil.example", "/\\/evil.example", "/\t/evil.example", "/\r\n/evil.example",
    "/\r\nX-Planted: 1", "\t//evil.example", " //evil.example", "\u3000//evil.example",
    "/\u2028/evil.example", "https:evil.example", "https:/evil.example", "https:///evil.example",
    "HTTPS://EVIL.EXAMPLE", "http://localhost@evil.example", "http://localhost\\@evil.example",
    "http://localhost.evil.example/", "javascript:alert(1)", "data:text/html,x", "evil.example",
)  # fmt: skip
LOCAL = ("/", "/teacher/list/?_flt_0_state=draft&page_TeacherView=1", "/notices/list/#now", "/a//b")
TARGET = re.compile(r'(?:href|action|src)="([^"]*)"|name="next" value="([^"]*)"')


def leads_away(address: str) -> bool:
    """Whether a browser on a page of this site would leave it; reads as browsers do."""
    seen = address.strip("".join(map(chr, range(33))) + "\u3000")
    seen = re.sub(r"[\t\r\n]", "", seen).replace("\\", "/")
    whole = urlsplit(urljoin(SITE, seen))
    return (whole.scheme, whole.netloc) != ("http", "localhost")


def assert_stays(answer: Any) -> None:
    """Assert that an answer neither leads nor offers to lead away."""
    assert answer.status_code < 500
    assert "X-Planted" not in answer.headers
    found = [answer.headers["Location"]] if "Location" in answer.headers else []
    if answer.mimetype == "text/html":
        found += [html.unescape(a or b) for a, b in TARGET.findall(answer.text)]
    assert not [each for each in found if leads_away(each)]


@pytest.mark.parametrize("address", HOSTILE)
def test_an_address_that_is_not_plainly_a_path_here_is_none(address: str) -> None:
    assert local_path(address) == ""


@pytest.mark.parametrize("address", LOCAL)
def test_a_path_of_this_site_is_followed(address: str) -> None:
    assert local_path(address) == address


@pytest.mark.parametrize("where", ["/back", "/lang/en", "/lang/zh"])
def test_public_redirects_stay_on_the_site(client: Any, where: str) -> None:
    for address in HOSTILE:
        assert_stays(client.get(f"{where}?next={quote(address)}"))
    kept = client.get(f"{where}?next={quote(LOCAL[1])}")

    assert kept.headers["Location"] == LOCAL[1]


def test_the_language_changes_on_the_page_that_is_open(client: Any) -> None:
    client.get("/lang/en?next=/login/")
    assert '<html lang="en"' in client.get("/login/").text
    client.get("/lang/zh")
    assert '<html lang="zh' in client.get("/login/").text
    assert client.get("/lang/fr").status_code == 404


def _log_in(app: Any, world: Any, address: str, password: str) -> Any:
    client = app.test_client()
    where = f"/login/?next={quote(address)}"
    form = {"username": world.usernames["school_info_A1"], "password": password}
    return client.post(where, data=form | {"csrf_token": token_of(client.get(where).text)}), client


@pytest.mark.parametrize("right", [True, False])
def test_signing_in_stays_on_the_site(app: Any, session: Any, world: Any, right: bool) -> None:
    for address in HOSTILE[::3] if right else HOSTILE[1::6]:
        answer, client = _log_in(app, world, address, world.password if right else "wrong-password")
        assert answer.status_code == 302
        assert_stays(answer)
        assert_stays(client.get(f"/login/?next={quote(address)}"))


def test_signing_in_leads_back_to_the_page_that_was_asked_for(
    app: Any, session: Any, world: Any
) -> None:
    asked = app.test_client().get("/teacher/list/?_flt_0_state=draft")
    way = urlsplit(asked.headers["Location"])

    assert way.query == "next=/teacher/list/?_flt_0_state%3Ddraft"
    answer, _client = _log_in(app, world, "/teacher/list/?_flt_0_state=draft", world.password)
    assert answer.headers["Location"] == "/teacher/list/?_flt_0_state=draft"


@pytest.mark.parametrize("key", ["city_info", "school_info_A1"])
def test_pages_link_nowhere_else(app: Any, session: Any, world: Any, key: str) -> None:
    """Back, Cancel and the hidden field of every kind of page that takes `next`."""
    client = sign_in(app, world, key)
    draft = world.teacher("A1", "draft").id
    confirmed = world.teacher("U", "school_confirmed").id
    pages = {
        "city_info": ["/rounds/add", f"/review/show/{confirmed}", "/units/list/"],
        "school_info_A1": [
            f"/teacher/{draft}/set/basic/edit", f"/teacher/{draft}/set/training/new",
            f"/teacher/{draft}", "/teacher/list/",
        ],
    }[key]  # fmt: skip
    for number, page in enumerate(pages):
        assert client.get(page).status_code == 200, page
        for address in HOSTILE[number :: len(pages)]:
            assert_stays(client.get(f"{page}?next={quote(address)}"))


def test_writes_lead_nowhere_else(app: Any, session: Any, world: Any) -> None:
    """A row, an answer, a flow step, a notice and a draft, each with a hostile `next`."""
    client = sign_in(app, world, "school_info_A1")
    files = [world.teacher("A1", "draft").id, world.teacher("A1", "returned").id]
    mine = world.actors["school_info_A1"].account_id
    told = Notice(account_id=mine, event="urge", params={}, at=now())
    session.add(told)
    session.flush()
    token = token_of(client.get(f"/teacher/{files[0]}/set/basic/edit").text)
    posts = [
        f"/teacher/{files[0]}/set/training/new", f"/teacher/{files[0]}/set/training/none",
        f"/flow/review/{files[1]}/submit", f"/notices/{told.id}/read", f"/notices/{told.id}/open",
    ]  # fmt: skip
    for number, where in enumerate(posts):
        for address in HOSTILE[number :: len(posts)]:
            form = {"csrf_token": token, "next": address, "none": "1"}
            assert_stays(client.post(where, data=form))


def test_the_filter_of_a_form_is_only_a_filter(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_info")
    page = client.get("/rounds/list/").text
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)[1]
    form = {"csrf_token": token, "query": "a=1\r\nX-Planted: 1", "view": "0", "reset": "1"}

    answer = client.post("/rounds/columns", data=form)

    assert answer.status_code == 302
    assert_stays(answer)
