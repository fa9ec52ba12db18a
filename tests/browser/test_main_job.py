"""The main job in a browser: filled on a phone, confirmed, approved, accepted, reported."""

from typing import Any

import pytest
from flask_babel import force_locale
from sqlalchemy import delete, select

from app.access.actor import system
from app.core.clock import today
from app.extensions import db
from app.indicators.catalog import catalog
from app.models.record import TEACHER_SETS
from app.models.teacher import ReviewState, Teacher
from app.models.unit import Unit
from app.services.contents import records
from app.services.projection import refresh
from app.workflows.review import REVIEW
from tests.browser.conftest import PHONE, Person
from tests.factories import Wanted, make_teachers

pytestmark = pytest.mark.browser

MANY = 30
# What the school fills in of the core sets, as the clerk gives it.
CORE: dict[str, dict[str, str]] = {
    "title": {
        "title": "BJ-S3",
        "start": "2019-09",
        "org_name": "本校",
        "appointment_status": "11",
    },
    "treatment": {
        "year": "last year",
        "annual_income": "132000",
        "base_salary": "5600",
        "performance_pay": "4900",
        "rural_subsidy": "0",
        "other_allowance": "500",
        "other_income": "0",
        "insurance": "1",
    },
    "appraisal": {"year": "last year", "result": "2", "org_name": "本校考核小组"},
    "ethics": {
        "assess_date": "last year-12",
        "assess_result": "2",
        "assess_org": "本校师德考核小组",
        "honor_level": "0",
        "punish_type": "0",
    },
}
TOLD = "进本校年月早于参加工作年月"  # DQ013
TRAVEL = ("submit", "confirm", "approve", "accept", "report")


def without_core(site: Any, key: int) -> None:
    """Take the four core sets out of a draft file: nobody has filled them in yet."""
    with site.app.app_context(), system():
        session = db.session()
        for code in CORE:
            cls = TEACHER_SETS[code]
            session.execute(delete(cls).where(cls.teacher_id == key))
        refresh(session, [session.get_one(Teacher, key)], catalog(session))
        session.commit()


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


def given(year: str) -> dict[str, list[dict[str, str]]]:
    """One row per core set with the clerk's answers, spelled as `stored` spells them."""
    return {
        code: [{field: value.replace("last year", year) for field, value in answers.items()}]
        for code, answers in CORE.items()
    }


def stored(site: Any, key: int) -> dict[str, list[dict[str, str]]]:
    """The present rows of the core sets of a file, each with all that is filled in, as text."""
    with site.app.app_context(), system():
        session = db.session()
        teacher = session.get_one(Teacher, key)
        return {
            code: [
                {
                    field: str(value).removesuffix(".00")
                    for field, value in row.values().items()
                    if value is not None
                }
                for row in records(session, teacher, code)
            ]
            for code in CORE
        }


def save(person: Person) -> None:
    """Send the form of the page."""
    person.page.click("main form .tm-save button.btn-primary")
    person.settle()


def answer(page: Any, field: str, value: str) -> None:
    """Give one answer as a person does: tick it, choose it from the list, or type it."""
    box = page.locator(
        f"main input[name='{field}'][value='{value}']:is([type=radio], [type=checkbox])"
    )
    if box.count():
        box.check()
        return
    if page.locator(f"#f-{field}-ts-control").count():
        page.click(f".ts-control:has(#f-{field}-ts-control)")
        page.locator(f".ts-dropdown:visible .option[data-value='{value}']").click()
        return
    if page.locator(f"main select[name='{field}']").count():
        page.select_option(f"main select[name='{field}']", value)
        return
    page.fill(f"main [name='{field}']", value)


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
    person.settle()


def test_a_file_travels_from_the_teachers_phone_to_the_ministry(site: Any) -> None:
    world = site.world
    mine, wrong = world.teacher("A1", "draft"), more_files(site)
    without_core(site, mine.id)

    teacher = site.sign_in("teacher_A1", size=PHONE, typed=True)
    teacher.go("/my-file/set/contact")
    teacher.page.click(f"main a[href*='/teacher/{mine.id}/set/contact']")
    teacher.settle()
    teacher.page.fill("[name=address]", "某区某街道一号")
    assert teacher.fits()
    save(teacher)
    page = teacher.go("/my-file/")
    page.click("button[data-dialog='#step-submit']")
    page.check("dialog[open] input[type=checkbox]")
    page.click("dialog[open] button.btn-primary")
    teacher.settle()
    assert states(site)[mine.id] == "submitted"

    clerk = site.sign_in("school_info_A1")
    answers = given(str(today().year - 1))
    for set_code, (row,) in answers.items():
        clerk.go(f"/teacher/{mine.id}/set/{set_code}").click(f"main a[href*='/set/{set_code}/new']")
        clerk.settle()
        for field, value in row.items():
            answer(clerk.page, field, value)
        save(clerk)
    assert stored(site, mine.id) == answers

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
    refused = district.page.locator("main tr", has=district.page.locator(f"a[href*='/{wrong}']"))
    assert TOLD in refused.inner_text()  # The one that failed is listed, with the reason beside it.

    city = site.sign_in("city_info")
    city.go("/review/list/?_flt_0_state=effective")
    decide_all(city, "accept")
    site.work()
    assert states(site)[mine.id] == "city_accepted"
    page = city.go("/reports/new")
    page.click("main form button.btn-primary")
    city.settle()
    confirm = page.locator("dialog[open] button[data-yes]")
    if confirm.count():
        confirm.click()
        city.settle()
    site.work()
    assert states(site)[mine.id] == "reported"
    assert stored(site, mine.id) == answers

    timeline = teacher.go("/my-file/history").inner_text("main")
    with site.app.app_context(), force_locale("zh"):
        labels = {step.name: str(step.label) for step in REVIEW.steps}
        places = [timeline.index(labels[name]) for name in TRAVEL]
    assert places == sorted(places, reverse=True)  # The newest comes first.
    assert teacher.fits()
