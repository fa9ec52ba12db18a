"""What only a browser shows of a file: reveal in place, dependent codes, drafts, the phone."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from app.access.actor import system
from app.extensions import db
from app.models.attachment import Attachment
from app.services.storage import Storage
from tests.browser.conftest import DESK, PHONE

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


def save_form(page: Any) -> None:
    """Send the form of the page."""
    page.click("main form .tm-save button.btn-primary")
    page.wait_for_load_state("networkidle")


def photograph(folder: Path, size: tuple[int, int] = (4000, 3000)) -> Path:
    """A picture of a telephone: red at the left, green in the middle, blue at the right."""
    picture = Image.new("RGB", size, (0, 160, 0))
    third = size[0] // 3
    picture.paste((200, 0, 0), (0, 0, third, size[1]))
    picture.paste((0, 0, 200), (2 * third, 0, size[0], size[1]))
    path = folder / "IMG_0001.jpg"
    picture.save(path, quality=95)
    return path


def sent_picture(person: Any) -> Image.Image:
    """What stands in the form in place of the chosen file."""
    content = person.page.evaluate(
        """async () => {
          const bytes = new Uint8Array(await document.querySelector("[data-photo]").files[0].arrayBuffer());
          return Array.from(bytes);
        }"""  # noqa: E501
    )
    return Image.open(io.BytesIO(bytes(content)))


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_photograph_of_twelve_million_points_is_cut_and_shrunk_in_the_browser(
    site: Any, tmp_path: Path, size: tuple[int, int]
) -> None:
    file = site.world.teacher("A1", "draft")
    person = site.sign_in("school_info_A1", size=size)
    page = person.go(f"/teacher/{file.id}/set/basic/edit")
    told = page.locator("[data-told]")

    page.set_input_files("[data-photo]", photograph(tmp_path))
    told.filter(has_text="416 × 512").wait_for()
    assert sent_picture(person).size == (416, 512)
    assert person.faults() == []
    assert person.fits()

    frame = page.locator(".tm-crop canvas")
    frame.focus()
    for _turn in range(12):
        page.keyboard.press("Shift+ArrowRight")
    page.wait_for_timeout(500)
    assert sent_picture(person).getpixel((410, 250))[2] > 150  # The blue end.

    # At once: while the page glides, the place that is asked for is not the one that is pressed.
    frame.evaluate("node => node.scrollIntoView({block: 'center', behavior: 'instant'})")
    box = frame.bounding_box()
    middle = box["height"] / 2
    frame.hover(position={"x": box["width"] - 20, "y": middle})
    page.mouse.down()
    page.mouse.move(box["x"] + 5, box["y"] + middle, steps=5)
    page.mouse.up()
    with page.expect_navigation():  # The form holds itself back until the picture is cut.
        save_form(page)

    with site.app.app_context(), system():
        kept = db.session.scalars(
            select(Attachment).where(
                Attachment.teacher_id == file.id, Attachment.record_uuid.is_not(None)
            )
        ).one()
        content = Storage.of(site.app.config).read(kept.stored_name)
    assert kept.size < 60_000
    stored = Image.open(io.BytesIO(content))
    assert (stored.format, stored.size) == ("JPEG", (416, 512))
    assert stored.getpixel((5, 250))[0] > 150  # The red end: the last move was sent as well.
    assert page.locator(".tm-face").count() == 1


@pytest.mark.parametrize("name", ["scan.gif", "broken.jpg"])
def test_a_picture_that_cannot_be_taken_is_refused_before_it_is_sent(
    site: Any, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"GIF89a nothing of a picture")
    file = site.world.teacher("A1", "draft")
    page = site.sign_in("school_info_A1", language="en").go(f"/teacher/{file.id}/set/basic/edit")

    page.set_input_files("[data-photo]", path)

    said = page.locator("[data-crop-error]")
    said.wait_for()
    wanted = "jpg or png" if name.endswith("gif") else "cannot be read"
    assert wanted in said.inner_text()
    assert page.input_value("[data-photo]") == ""
    assert not page.locator(".tm-crop").is_visible()
