"""Takes the README's screenshots of a running demonstration: `make run`, then `make pictures`."""

import os
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.machine import find_chromium  # noqa: E402  (the folder above is made known first)

FOLDER = ROOT / "docs" / "pictures"
BASE = os.environ.get("BASE", "http://127.0.0.1:8080")
PASSWORD = "Demo-2026-bj"  # noqa: S105  (of the invented accounts)
DESK, PHONE = (1440, 900), (390, 844)


def take(
    browser: Browser, name: str, user: str, steps: list[str], size: tuple[int, int] = DESK
) -> None:
    """Sign in as a demonstration account, go through addresses or links, keep the last page."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale="zh-CN", base_url=BASE
    )
    page = context.new_page()
    page.goto("/login/")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state("networkidle")
    for step in steps:
        if step.startswith("/"):
            page.goto(step)
        else:
            page.locator(step).first.click()
        page.wait_for_load_state("networkidle")
    page.wait_for_timeout(800)  # Charts draw themselves.
    page.screenshot(path=str(FOLDER / f"{name}.png"))
    context.close()
    print(name)  # noqa: T201  (a command)


def main() -> None:
    """Take the four pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    teacher, clerk = os.environ.get("TEACHER", "t0000004"), os.environ.get("CLERK", "")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        take(browser, "home", "city_info", ["/"])
        take(
            browser,
            "review",
            "d110108_info",
            ["/review/list/?_flt_0_state=school_confirmed", "thead input[type=checkbox]"],
        )
        file = ["/teacher/list/?_flt_0_state=reported", "td.tm-first a"]
        take(browser, "file", clerk or "d110108_info", file)
        take(browser, "phone", teacher, ["/my-file/"], PHONE)
        browser.close()


if __name__ == "__main__":
    main()
