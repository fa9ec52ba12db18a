"""Pages as people see them: no fault of accessibility, no overflow, no console message."""

from typing import Any

import pytest

from tests.browser.conftest import DESK, PHONE

pytestmark = pytest.mark.browser

# Page -> the account that opens it.
PAGES = {
    "/": "district_info_A",
    "/teacher/list/": "school_info_A1",
    "/teacher/new": "school_info_A1",
    "/import/list/": "school_info_A1",
    "/export/list/": "school_info_A1",
    "/charts/staff/chart/": "district_info_A",
    "/charts/progress/chart/": "city_info",
    "/charts/districts/chart/": "city_info",
    "/codes/degree": "city_info",
    "/codes/degree/new": "city_info",
    "/indicators/matrix": "city_info",
    "/indicators/edit/basic/native_place": "city_info",
    "/national-numbers/": "city_info",
    "/units/list/": "district_info_A",
    "/problems/list/": "school_info_A1",
    "/review/archive/list/": "district_info_A",
    "/delegation/list/": "school_head_A1",
    "/movement/": "school_info_A1",
}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_are_accessible_and_fit(site: Any, language: str) -> None:
    faults = {}
    for key in sorted(set(PAGES.values())):
        person = site.sign_in(key, language=language)
        for path in (path for path, who in PAGES.items() if who == key):
            person.resize(DESK)
            person.go(path)
            found = person.faults()
            person.resize(PHONE)
            found += person.faults() + ([] if person.fits() else ["wider than a phone"])
            if found:
                faults[path] = found

    assert faults == {}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_sign_in_page_is_accessible(site: Any, language: str) -> None:
    person = site.sign_in("nobody", language=language)

    assert person.go("/login/").locator("input[name=username]").count() == 1
    assert person.faults() == []


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_file_is_accessible_and_fits(site: Any, language: str, size: tuple[int, int]) -> None:
    person = site.sign_in("school_info_A1", size=size, language=language)
    file = site.world.teacher("A1", "draft")

    person.go(f"/teacher/{file.id}")
    assert person.faults() == []
    assert person.fits()
    person.go(f"/teacher/{file.id}/set/learning/new")
    person.page.click("form button.btn-primary")
    person.settle()
    assert person.faults() == []
    assert person.fits()
