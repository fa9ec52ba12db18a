"""The main job in a browser: filled on a phone, confirmed, approved, accepted, reported."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from app.access.scope import system
from app.extensions import db
from app.models.teacher import ReviewState, Teacher
from app.models.unit import Unit
from tests.browser.conftest import PHONE, Person
from tests.factories import Wanted, make_teachers

pytestmark = pytest.mark.browser

MANY = 30


def more_files(site: Any) -> int:
    """Thirty files wait for the head of A1, and one with an error for the district; its id."""
    with site.app.app_context(), system():
        session = db.session()
        school = session.get(Unit, site.world.units["A1"].id)
        make_teachers(session, [Wanted(school, ReviewState.SUBMITTED) for _ in range(MANY)])
        # Somebody joined the school before starting work at all (DQ013).
        wrong = make_teachers(
            session,
            [Wanted(school, ReviewState.SCHOOL_CONFIRMED, basic={"join_school": "1996-01"})],
        )[0]
        wrong.checked_content = None
        session.commit()
        return wrong.id


def states(site: Any, school: str = "A1") -> dict[int, str]:
    """The state of each file of a school, by id."""
    with site.app.app_context(), system():
        place = Teacher.school_id == site.world.units[school].id
        rows = db.session.execute(select(Teacher.id, Teacher.state).where(place)).all()
        return dict(rows)


def save(person: Person) -> None:
    """Send the form of the page."""
    person.page.click("main form .tm-save button.btn-primary")
    person.page.wait_for_load_state("networkidle")


def decide_all(person: Person, act: str, tick: bool = False) -> None:
    """Choose every file that matches and take an act of the queue."""
    page = person.page
    page.check("thead input[type=checkbox]")
    everything = page.locator("[data-everything]")
    if everything.count():
        everything.click()
    bar = page.locator("[data-bulk]")
    bar.locator(f"button[data-dialog$='-{act}'], button[value='{act}']").first.click()
    dialog = page.locator("dialog[open]")
    if tick:
        dialog.locator("input[type=checkbox]").check()
    dialog.locator("button[data-send], button[data-yes]").first.click()
    page.wait_for_load_state("networkidle")


def test_a_file_travels_from_the_teachers_phone_to_the_ministry(site: Any) -> None:
    world = site.world
    mine, wrong = world.teacher("A1", "draft"), more_files(site)

    teacher = site.sign_in("teacher_A1", size=PHONE)
    teacher.go("/my-file/set/contact")
    teacher.page.click(f"main a[href*='/teacher/{mine.id}/set/contact']")
    teacher.page.wait_for_load_state("networkidle")
    teacher.page.fill("[name=address]", "某区某街道一号")
    assert teacher.fits()
    save(teacher)
    page = teacher.go("/my-file/")
    page.click("button[data-dialog='#step-submit']")
    page.check("dialog[open] input[type=checkbox]")
    page.click("dialog[open] button.btn-primary")
    page.wait_for_load_state("networkidle")
    assert states(site)[mine.id] == "submitted"

    clerk = site.sign_in("school_info_A1")
    page = clerk.go(f"/teacher/{mine.id}/set/appraisal")
    page.locator("a[href*='/edit']").first.click()
    page.wait_for_load_state("networkidle")
    page.fill("[name=org_name]", "本校考核小组")
    save(clerk)
    assert "本校考核小组" in clerk.go(f"/teacher/{mine.id}/set/appraisal").content()

    head = site.sign_in("school_head_A1")
    head.go("/review/list/?_flt_0_state=submitted")
    decide_all(head, "confirm")
    confirmed = [key for key, state in states(site).items() if state == "school_confirmed"]
    assert mine.id in confirmed
    assert len(confirmed) > MANY

    district = site.sign_in("district_info_A")
    district.go("/review/list/?_flt_0_state=school_confirmed")
    decide_all(district, "approve", tick=True)
    site.work()
    after = states(site)
    assert after[mine.id] == "effective"
    assert after[wrong] == "school_confirmed"
    assert sum(after[key] == "effective" for key in confirmed) == len(confirmed) - 1
    district.page.reload()
    refused = district.page.locator(f"a[href*='/{wrong}']")
    assert refused.count() > 0  # The one that failed is listed, with the reason beside it.

    city = site.sign_in("city_info")
    city.go("/review/list/?_flt_0_state=effective")
    decide_all(city, "accept")
    site.work()
    assert states(site)[mine.id] == "city_accepted"
    page = city.go("/reports/new")
    page.click("main form button.btn-primary")
    page.wait_for_load_state("networkidle")
    confirm = page.locator("dialog[open] button[data-yes]")
    if confirm.count():
        confirm.click()
        page.wait_for_load_state("networkidle")
    site.work()
    assert states(site)[mine.id] == "reported"

    timeline = teacher.go("/my-file/history").inner_text("main")
    assert len(re.findall(r"\d{4}-\d{2}-\d{2}", timeline)) >= 5
    assert teacher.fits()
