"""An addition in a browser: entered by the teacher on a phone, confirmed, approved, in the file."""

from typing import Any

import pytest

from app.access.actor import system
from app.extensions import db
from app.models.account import Account
from tests.browser.conftest import PHONE, Person
from tests.views.test_change_pages import STUDY

pytestmark = pytest.mark.browser


def fill(person: Person, values: dict[str, str]) -> None:
    """Fill in the inputs of a form, whatever they are."""
    page = person.page
    for code, value in values.items():
        field = page.locator(f"[name={code}]").first
        kind = field.evaluate("node => node.tomselect ? 'search' : node.type")
        if kind == "radio":
            page.check(f"[name={code}][value='{value}']")
        elif kind == "search":
            field.evaluate(
                """(node, value) => {
                  if (!node.tomselect.options[value]) node.tomselect.addOption({value, text: value,
                    [node.tomselect.settings.valueField]: value});
                  node.tomselect.setValue(value);
                }""",
                value,
            )
        elif kind.startswith("select"):
            field.select_option(value)
        else:
            field.fill(value)


def decide(person: Person, path: str, step: str) -> None:
    """Take a step on the page of a process and agree to the question."""
    person.go(path)
    person.page.locator(f"form[action$='/{step}'] button").first.click()
    person.page.locator("dialog[open] [data-yes]").click()
    person.settle()


def test_a_teacher_adds_on_the_phone_and_the_file_shows_it_once_it_is_approved(site: Any) -> None:
    file = site.world.teacher("A1", "effective")
    with site.app.app_context(), system():
        session = db.session()
        session.get(Account, site.world.actors["teacher_A1"].account_id).teacher_id = file.id
        session.commit()
    teacher = site.sign_in("teacher_A1", size=PHONE)
    teacher.go("/my-file/set/learning")
    teacher.page.click("a[href*='/addition/new/']")
    teacher.settle()
    fill(teacher, STUDY)
    assert teacher.fits()
    teacher.page.click("button[type=submit].btn-primary")
    teacher.page.wait_for_url("**/addition/show/*")
    path = teacher.page.url.removeprefix(site.base)
    assert teacher.fits()

    decide(site.sign_in("school_head_A1"), path, "confirm")
    district = site.sign_in("district_info_A")
    decide(district, path, "approve")

    assert "测试大学" in teacher.go("/my-file/set/learning").locator("main").inner_text()
    assert "测试大学" in district.go(f"/teacher/{file.id}/set/learning").inner_text("main")
