"""Movements of teachers in a browser: transfers between and within districts, a rotation; what each
party finds on its pages at each step."""

from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import system
from app.extensions import db
from app.models.rotation import Rotation
from app.models.transfer import Transfer, TransferState
from tests.browser.conftest import PHONE, Person
from tests.rotations import month
from tests.transfers import PLACED
from tests.views.test_transfer_pages import APPLICATION as TYPED

pytestmark = pytest.mark.browser

TAKER, TAKERS = "school_info_A1", "district_info_A"
# The list that an application is begun on, and where its button leads.
NEW_TRANSFER = "/transfers/list/ /transfers/find"
NEW_ROTATION = "/rotations/list/ /transfers/find?rotation=1"


def fill(person: Person, values: dict[str, str]) -> None:
    """Give the answers of the form, choosing from a list where there is one."""
    page = person.page
    for name, value in values.items():
        if page.locator(f"main select[name='{name}']").count():
            page.select_option(f"main select[name='{name}']", value)
        else:
            page.fill(f"main [name='{name}']", value)


def save(person: Person) -> str:
    """Send the form of the page; returns the path of the page that follows."""
    person.page.click("main form .tm-save button.btn-primary")
    person.settle()
    return person.page.url.removeprefix(person.site.base)


def decide(person: Person, path: str, step: str) -> None:
    """Take a step on the page of a process and agree to the question."""
    person.go(path)
    person.page.locator(f"form[action$='/{step}'] button").first.click()
    person.page.locator("dialog[open] [data-yes]").click()
    person.settle()


def rows(person: Person, path: str, name: str) -> list[str]:
    """What the list says of somebody, one text for each row."""
    page = person.go(path)
    return page.locator("main tbody tr", has_text=name).all_inner_texts()


def apply_for(clerk: Person, file: Any, way: str = NEW_TRANSFER, **more: str) -> str:
    """Find a teacher, apply and submit; returns the path of the application."""
    start, link = way.split()
    clerk.go(start).click(f"main a[href$='{link}']")
    clerk.settle()
    fill(clerk, {"id_no": file.id_no, "name": file.name})
    save(clerk)
    assert file.id_no not in clerk.page.content()
    fill(clerk, TYPED | more)
    path = save(clerk)
    decide(clerk, path, "submit")
    return path


def take(clerk: Person, path: str) -> None:
    """Take the file that is ready."""
    clerk.go(path).click("main a[href$='/take']")
    clerk.settle()
    fill(clerk, PLACED)
    save(clerk)


def test_a_teacher_moves_between_districts(site: Any) -> None:
    file = site.world.teacher("B1", "effective")
    clerk, authority, head = (site.sign_in(key) for key in (TAKER, TAKERS, "school_head_B1"))
    path = apply_for(clerk, file)
    assert site.world.units["A"].name in clerk.page.inner_text("main .tm-now")

    # The sending side knows of nothing before the application is issued.
    assert rows(head, "/transfers/list/", file.name) == []
    head.go(path, 404)
    decide(authority, path, "issue")
    (told,) = rows(head, "/transfers/list/?_flt_0_show=mine", file.name)
    assert site.world.units["A1"].name in told
    decide(head, path, "release")
    assert head.page.locator("main form[action*='/flow/transfer/']").count() == 0

    decide(site.sign_in("district_info_B", size=PHONE), path, "confirm")
    take(clerk, path)

    assert file.name in clerk.go(f"/teacher/{file.id}").inner_text("main")
    head.go(f"/teacher/{file.id}", 404)
    head.go("/former/list/").click(f"main a:has-text('{file.name}')")
    head.settle()
    assert file.name in head.page.inner_text("main h1")


def test_within_a_district_the_authority_decides_twice_in_one_list(site: Any) -> None:
    file = site.world.teacher("A2", "effective")
    clerk, authority, head = (site.sign_in(key) for key in (TAKER, TAKERS, "school_head_A2"))
    path, mine = apply_for(clerk, file), "/transfers/list/?_flt_0_show=mine"

    (first,) = rows(authority, mine, file.name)
    decide(authority, path, "issue")
    assert rows(authority, mine, file.name) == []
    authority.go(path)
    assert authority.page.locator("main form[action$='/confirm']").count() == 0
    decide(head, path, "release")

    (second,) = rows(authority, mine, file.name)
    with site.app.app_context(), system():
        issued = db.session.scalars(select(Transfer)).one().issued_at.astimezone()
    assert f"{issued:%Y-%m-%d}" in second
    assert f"{issued:%Y-%m-%d}" not in first
    decide(authority, path, "confirm")
    done = authority.page.locator("main ol.tm-steps li.tm-done").all_inner_texts()
    assert sum(site.world.units["A"].name in each for each in done) == 2
    take(clerk, path)
    with site.app.app_context(), system():
        assert db.session.scalars(select(Transfer.state)).one() == TransferState.COMPLETED


def test_a_teacher_on_rotation_is_a_guest_to_be_read(site: Any) -> None:
    file = site.world.teacher("A1", "effective")
    clerk, authority, host = (site.sign_in(key) for key in (TAKER, TAKERS, "school_info_B1"))
    clerk.go(f"/teacher/{file.id}")
    way = clerk.page.locator(f"a[href$='/rotation/new/{file.id}']")
    clerk.page.locator("main .dropdown", has=way).locator("[data-bs-toggle]").click()
    way.click()
    clerk.settle()
    clerk.page.click("main .ts-control:has([id^='to_school'])")
    clerk.page.keyboard.type(site.world.units["B1"].code)
    clerk.page.locator(".ts-dropdown:visible .option[data-value]").first.click()
    fill(clerk, {"type": "1", "direction": "3", "start": month(0), "planned_end": month(6)})
    path = save(clerk)
    assert path.startswith("/rotations/show/")
    decide(clerk, path, "submit")
    assert file.name not in host.go("/guests/list/").inner_text("main")

    decide(authority, path, "confirm")
    # Nothing is left to decide, and what comes is the end: the first month has come already.
    assert authority.page.locator("main form[action*='extension']").count() == 0
    assert site.world.units["A1"].name in authority.page.inner_text("main .tm-now")

    with site.app.app_context(), system():
        assert db.session.scalars(select(Rotation.state)).one() == "active"
    host.go("/guests/list/").click(f"main a:has-text('{file.name}')")
    host.settle()
    assert file.name in host.page.inner_text("main h1")
    assert host.page.locator("main form, main a[href*='/edit']").count() == 0
    host.go(f"/teacher/{file.id}", 404)
    host.resize(PHONE)
    host.go(f"/guests/{file.id}")
    assert host.fits()


def test_a_teacher_on_rotation_for_good_moves_like_any_other(site: Any) -> None:
    file = site.world.teacher("B1", "effective")
    clerk = site.sign_in(TAKER)
    path = apply_for(clerk, file, NEW_ROTATION, rotation_type="1", planned_end=month(24))

    decide(site.sign_in(TAKERS), path, "issue")
    decide(site.sign_in("school_head_B1"), path, "release")
    decide(site.sign_in("district_info_B"), path, "confirm")
    take(clerk, path)

    record = clerk.go(f"/teacher/{file.id}/set/rotation").inner_text("main")
    assert site.world.units["B1"].name in record
    assert month(24) in record
    site.sign_in("school_head_B1").go(f"/teacher/{file.id}", 404)
