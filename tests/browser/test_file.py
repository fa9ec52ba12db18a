"""What only a browser shows of a file: reveal in place, dependent codes, drafts, the phone."""

from typing import Any

import pytest

from tests.browser.conftest import PHONE

pytestmark = pytest.mark.browser


def test_a_sealed_value_is_shown_in_its_place_for_a_purpose(site: Any) -> None:
    file = site.world.teacher("A1", "draft")
    page = site.sign_in("district_info_A").go(f"/teacher/{file.id}")
    page.click("#tab-set-basic")
    place = page.locator("#set-basic .tm-sealed")
    assert file.id_no not in place.inner_text()

    place.locator("button").click()
    page.select_option("#tm-reveal-purpose", "verify")
    page.click("#tm-reveal button.btn-primary")

    page.wait_for_function("n => document.body.textContent.includes(n)", arg=file.id_no)
    assert page.locator("dialog[open]").count() == 0


def test_grades_follow_the_category_of_the_post(site: Any) -> None:
    file = site.world.teacher("A1", "draft")
    page = site.sign_in("school_info_A1").go(f"/teacher/{file.id}/set/post/new")
    page.check("input[name=post_category][value='3']")
    page.click("#f-post_grade-ts-control")
    page.locator(".ts-dropdown .option", has_text="管理岗位十级").click()
    assert page.locator("#f-post_grade").input_value() == "210"

    page.check("input[name=post_category][value='1']")

    assert page.locator("#f-post_grade").input_value() == ""


def test_a_field_that_does_not_apply_gives_its_reason(site: Any) -> None:
    file = site.world.teacher("A1", "draft")
    page = site.sign_in("school_info_A1").go(f"/teacher/{file.id}/set/learning/new")
    field, note = (page.locator(f"[data-{name}='degree']") for name in ("field", "note-for"))
    assert field.is_visible()

    page.check("input[name=degree_level][value='0']")

    assert not field.is_visible()
    assert note.is_visible()


def test_what_was_typed_is_there_again_without_having_been_saved(site: Any) -> None:
    file = site.world.teacher("A1", "draft")
    person = site.sign_in("school_info_A1")
    path = f"/teacher/{file.id}/set/bj_ext/edit"
    page = person.go(path)
    page.fill("#f-head_teacher_years", "13")
    page.locator("[data-save-state]:not(:empty)").wait_for()
    page.context.clear_cookies()

    again = site.sign_in("school_info_A1").go(path)

    assert again.input_value("#f-head_teacher_years") == "13"
    again.once("dialog", lambda asked: asked.accept())
    again.locator("form.tm-inline button").click()
    again.click("#tm-confirm [data-yes]")
    again.wait_for_load_state("networkidle")
    assert again.input_value("#f-head_teacher_years") == ""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_my_file_is_accessible_and_fits_a_phone(site: Any, language: str) -> None:
    person = site.sign_in("teacher_A1", size=PHONE, language=language)
    file = site.world.teachers["A1_draft_1"]
    faults = {}

    for path in ("/my-file/", "/my-file/set/basic", "/my-file/set/work", "/my-file/history",
                 "/my-file/readers", f"/teacher/{file.id}/set/contact/edit"):  # fmt: skip
        person.go(path)
        found = person.faults() + ([] if person.fits() else ["wider than a phone"])
        if found:
            faults[path] = found

    assert faults == {}
