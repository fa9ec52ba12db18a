"""A served application and a Chromium to look at it; every console message fails the test."""

import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright
from werkzeug.serving import make_server

from app.jobs.worker import EXTENSION, Worker
from config import ROOT
from tests.machine import find_chromium
from tests.views.pages import token_of

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WORDS = """() => {
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest("script, style, body [lang]")) found.add(walker.currentNode.data.trim());
  }
  for (const node of document.body.querySelectorAll("[aria-label], [title], [placeholder]")) {
    for (const name of ["aria-label", "title", "placeholder"]) found.add(node.getAttribute(name)?.trim());
  }
  return [...found].filter(Boolean);
}"""  # noqa: E501
DESK, PHONE = (1440, 900), (390, 844)
POLL = 0.02  # Seconds between the looks of a server whether it is to stop.
PATIENCE = 30  # Seconds for a page to become quiet.
CALM = 2  # So many looks in turn at a page that asks for nothing.
# Two frames and the tasks between them: whatever the page wants to ask for, it has begun.
DRAWN = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(
  () => setTimeout(done, 30))))"""
# What moves has arrived; what moves for ever is not waited for.
STILL = """() => Promise.allSettled(document.getAnimations()
  .filter(each => each.effect?.getComputedTiming().endTime < 2000).map(each => each.finished))"""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One headless Chromium for all tests of a worker."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


class Site:
    """The served application: its address, its worker, and people who sign in."""

    def __init__(self, app: Any, world: Any, chromium: Browser, port: int) -> None:
        self.app, self.world, self.chromium = app, world, chromium
        self.base = f"http://127.0.0.1:{port}"
        self.messages: list[str] = []
        self.refusals = {422}

    def work(self) -> None:
        """Carry out the jobs that wait."""
        with self.app.app_context():
            Worker(self.app.extensions[EXTENSION]).run(once=True)

    def sign_in(
        self,
        key: str,
        *,
        size: tuple[int, int] = DESK,
        language: str = "zh",
        typed: bool = False,
    ) -> "Person":
        """A person with a browser window; `typed` goes by the page of the sign-in."""
        context = self.chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale="zh-CN" if language == "zh" else "en-US",
            base_url=self.base,
            accept_downloads=True,
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.on("console", lambda message: self._note(page, message))
        page.on("pageerror", lambda error: self.messages.append(f"{page.url}: {error}"))
        page.on("request", lambda request: self._only_here(request.url))
        person = Person(self, page)
        form = {
            "username": self.world.usernames.get(key, key),
            "password": self.world.password,
        }
        if typed:
            person.go("/login/")
            for name, value in form.items():
                page.fill(f"input[name={name}]", value)
            page.press("input[name=password]", "Enter")
            person.settle()
        else:
            asked = context.request  # Has the cookies of the window.
            form["csrf_token"] = token_of(asked.get("/login/").text())
            asked.post("/login/", form=form, max_redirects=0)
        context.request.get(f"/lang/{language}", max_redirects=0)
        return person

    def _note(self, page: Page, message: Any) -> None:
        # Chromium notes by itself what a refused form answers, and what a test asked for.
        refused = any(f"a status of {status}" in message.text for status in self.refusals)
        if message.type in ("error", "warning") and not refused:
            self.messages.append(f"{page.url}: {message.text}")

    def _only_here(self, url: str) -> None:
        if not url.startswith((self.base, "data:", "blob:")):
            self.messages.append(f"request left the machine: {url}")


class Person:
    """Somebody at a browser window."""

    def __init__(self, site: Site, page: Page) -> None:
        self.site, self.page = site, page
        self._asked: set[Any] = set()
        self._count = 0
        page.on("request", self._begun)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)

    def _begun(self, request: Any) -> None:
        self._asked.add(request)
        self._count += 1

    def _ended(self, request: Any) -> None:
        self._asked.discard(request)

    def go(self, path: str, status: int = 200) -> Page:
        """Open an address that answers with a status, and wait until it is quiet."""
        if status != 200:
            self.site.refusals.add(status)
        answer = self.page.goto(self.site.base + path)
        self.settle()
        assert answer is not None
        assert answer.status == status, (path, answer.status)
        return self.page

    def settle(self) -> None:
        """Wait until the page is loaded and drawn, asks for nothing more and stands still."""
        self.page.wait_for_load_state()
        deadline, calm = monotonic() + PATIENCE, 0
        while calm < CALM:
            assert monotonic() < deadline, f"{self.page.url} still asks: {self._asked}"
            before = self._count
            try:
                self.page.evaluate(DRAWN)
            except Error:  # The page made way for another.
                self.page.wait_for_load_state()
                calm = 0
                continue
            calm = 0 if self._asked or self._count != before else calm + 1
        self.page.evaluate(STILL)

    def resize(self, size: tuple[int, int]) -> None:
        """Give the window another size, and wait until the page has found its place in it."""
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.settle()

    def words(self) -> list[str]:
        """Every text that a person sees, hears or finds in an empty control."""
        return self.page.evaluate(WORDS)

    def fits(self) -> bool:
        """Whether nothing stands out of the window sideways."""
        return not self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )

    def faults(self) -> list[str]:
        """What axe finds on the page as it is (WCAG 2 A and AA, best practice)."""
        # axe runs in the page's own world as a script of the driver, which no policy holds back.
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found["violations"]]


@pytest.fixture
def site(live_app: Any, world: Any, chromium: Browser) -> Iterator[Site]:
    """The application served on a free port of the loopback; fails on any console message."""
    server = make_server("127.0.0.1", 0, live_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(POLL,), daemon=True)
    thread.start()
    made = Site(live_app, world, chromium, server.server_port)
    yield made
    for context in list(chromium.contexts):
        context.close()
    server.shutdown()
    thread.join()
    server.server_close()
    assert made.messages == []


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder for screenshots of a test."""
    return tmp_path
