"""Uploaded evidence: what is taken comes back clean, everything else is refused with its reason."""

import io
import zipfile
import zlib

import pytest
from PIL import Image, PngImagePlugin

from app.core.errors import Refused
from app.core.images import MAX_BYTES, check_file

PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
SECRET = "110199198503150131"


def picture(form, size=(40, 30), mode="RGB", **options):
    target = io.BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else 1).save(target, form, **options)
    return target.getvalue()


PNG, JPEG = picture("PNG"), picture("JPEG")


def png_header(width, height):
    """Return a png that only claims its size."""
    body = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    chunk = b"\0\0\0\x0d" + body + zlib.crc32(body).to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0IEND\xaeB`\x82"


def archive():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("index.html", "hello")
    return target.getvalue()


def problem_of(name, content):
    with pytest.raises(Refused) as caught:
        check_file(name, content)
    return caught.value.problems[0].code


@pytest.mark.parametrize(
    ("name", "content", "mime", "extension"),
    [
        ("证书.pdf", PDF, "application/pdf", "pdf"),
        ("a.PNG", PNG, "image/png", "png"),
        ("a.b.jpg", JPEG, "image/jpeg", "jpg"),
        ("a.jpeg", JPEG, "image/jpeg", "jpg"),
    ],
)
def test_good_file_is_taken(name, content, mime, extension):
    clean = check_file(name, content)

    assert (clean.mime, clean.extension) == (mime, extension)
    if mime != "application/pdf":
        assert (clean.width, clean.height) == (40, 30)
        assert Image.open(io.BytesIO(clean.content)).size == (40, 30)
    else:
        assert clean.content == PDF


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_metadata_of_a_picture_is_dropped(form):
    exif = Image.Exif()
    exif[0x010E] = SECRET  # Description
    options = {"exif": exif, "icc_profile": SECRET.encode(), "dpi": (72, 72)}
    if form == "PNG":
        note = PngImagePlugin.PngInfo()
        note.add_text("Comment", SECRET)
        options["pnginfo"] = note
    else:
        options["comment"] = SECRET
    content = picture(form, **options)

    clean = check_file(f"a.{form.lower()}", content)

    assert SECRET.encode() in content
    assert SECRET.encode() not in clean.content
    assert not Image.open(io.BytesIO(clean.content)).getexif()


def test_picture_taken_sideways_comes_back_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # Turned by 90 degrees.

    clean = check_file("a.jpg", picture("JPEG", exif=exif))

    assert (clean.width, clean.height) == (30, 40)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "I;16"])
def test_pictures_of_all_modes_are_written_anew(mode):
    assert check_file("a.png", picture("PNG", mode=mode)).mime == "image/png"


def test_transparent_colour_stays():
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putpixel((0, 0), 1)
    target = io.BytesIO()
    palette.save(target, "PNG", transparency=1)

    clean = check_file("a.png", target.getvalue())

    shown = Image.open(io.BytesIO(clean.content)).convert("RGBA")
    assert [shown.getpixel(place)[3] for place in ((0, 0), (1, 1))] == [0, 255]


def test_picture_for_print_becomes_one_for_the_screen():
    content = picture("JPEG", mode="CMYK")

    clean = check_file("a.jpg", content)

    assert Image.open(io.BytesIO(clean.content)).mode == "RGB"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.png", b"", "file_empty"),
        ("a.pdf", PDF + b"\n" * MAX_BYTES, "file_size"),
        ("", PNG, "file_name"),
        ("x" * 200 + ".png", PNG, "file_name"),
        ("../a.png", PNG, "file_name"),
        ("..\\a.png", PNG, "file_name"),
        ("/etc/a.png", PNG, "file_name"),
        ("a.php\0.png", PNG, "file_name"),
        ("a\n.png", PNG, "file_name"),
        ("png", PNG[:0] + b"GIF89a", "file_type"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "file_type"),
        ("a.png", b"<html><script>alert(1)</script></html>", "file_type"),
        ("a.gif", picture("GIF"), "file_type"),
        ("a.png.exe", PNG, "file_type"),
        ("a.pdf", b"\n" + PDF, "file_type"),
        ("a.pdf", PNG, "file_ending"),
        ("a.jpg", PNG, "file_ending"),
        ("a.png", PDF, "file_ending"),
        ("a.png", PNG + b"<script>alert(1)</script>", "file_mixed"),
        ("a.png", PNG + b"anything", "file_mixed"),
        ("a.png", PNG + archive(), "file_mixed"),
        ("a.jpg", JPEG + b"<SVG onload=alert(1)>", "file_mixed"),
        ("a.jpg", JPEG + b"<?php system('id')", "file_mixed"),
        ("a.jpg", JPEG + archive(), "file_mixed"),
        ("a.jpg", JPEG + PDF, "file_mixed"),
        ("a.jpg", picture("JPEG", comment="<html>"), "file_mixed"),
        ("a.pdf", PDF[:-6] + b"<html><body>\n%%EOF", "file_mixed"),
        ("a.pdf", PDF + archive(), "file_mixed"),
        ("a.pdf", PDF + b"more", "file_damaged"),
        ("a.pdf", PDF[:-7], "file_damaged"),
        ("a.pdf", PDF.replace(b"/Type", b"/JavaScript"), "file_active"),
        ("a.pdf", PDF.replace(b"/Type", b"/Launch"), "file_active"),
        ("a.pdf", PDF.replace(b"/Type", b"/EmbeddedFiles"), "file_active"),
        ("a.png", png_header(10_000, 10_000), "image_size"),
        ("a.png", png_header(2**31 - 1, 2**31 - 1), "image_size"),
        ("a.png", png_header(40, 30), "file_damaged"),
        ("a.png", png_header(0, 30), "file_damaged"),
        ("a.jpg", JPEG[:300], "file_damaged"),
        ("a.jpg", JPEG[:3], "file_damaged"),
    ],
)
def test_bad_file_is_refused_with_its_reason(name, content, code):
    assert problem_of(name, content) == code


def test_page_hidden_in_a_comment_of_a_png_is_refused():
    note = PngImagePlugin.PngInfo()
    note.add_text("Comment", "<html><body onload=alert(1)>")

    assert problem_of("a.png", picture("PNG", pnginfo=note)) == "file_mixed"


def test_largest_picture_is_taken_and_one_row_more_refused():
    content = picture("PNG", (5000, 5000), mode="1")

    assert check_file("a.png", content).width == 5000
    assert problem_of("a.png", picture("PNG", (5000, 5001), mode="1")) == "image_size"


def test_limit_of_bytes_can_be_tightened():
    check_file("a.png", PNG, max_bytes=len(PNG))

    with pytest.raises(Refused):
        check_file("a.png", PNG, max_bytes=len(PNG) - 1)
