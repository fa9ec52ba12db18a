"""Checks of uploaded evidence: pdf, jpg and png; images are written anew (SEC-34)."""

import io
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any, NoReturn

from flask_babel import gettext as _
from PIL import Image, ImageOps

from app.core.errors import Problem, Refused

MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 25_000_000  # Unpacked 100 MB at most; the photo of a telephone has 12 to 24 million.
MAX_NAME = 200

# Pillow would only warn about a large image; _open() refuses it before a pixel is unpacked.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class Kind:
    """A kind of file we take: how it begins, and the endings it may have."""

    format: str
    mime: str
    magic: bytes
    extensions: tuple[str, ...]


KINDS = (
    Kind("PDF", "application/pdf", b"%PDF-", ("pdf",)),
    Kind("JPEG", "image/jpeg", b"\xff\xd8\xff", ("jpg", "jpeg")),
    Kind("PNG", "image/png", b"\x89PNG\r\n\x1a\n", ("png",)),
)


@dataclass(frozen=True)
class CleanFile:
    """What may be stored: the bytes, never those of the upload if it is an image."""

    content: bytes
    mime: str
    extension: str
    width: int | None = None
    height: int | None = None


# What a browser or an interpreter would act on if the file were served as something else.
_ACTIVE = re.compile(rb"<(?:html|head|body|script|svg|iframe|!doctype|\?php|%@)", re.IGNORECASE)
_PDF_ACTIVE = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|XFA)\b")
_BAD_NAME = re.compile(r"[/\\\x00-\x1f\x7f]|\.\.")
# Pillow's readers raise all of these for a damaged file.
_DAMAGED = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError,
    MemoryError, struct.error, zlib.error,
)  # fmt: skip


def check_file(name: str, content: bytes, *, max_bytes: int = MAX_BYTES) -> CleanFile:
    """Return the file to be stored for an upload; raise Refused with the reason.

    The ending of the name and the content must agree. An image comes back upright, encoded anew,
    without metadata and without anything behind its end. A pdf comes back as it is.
    """
    if not content:
        _refuse("file_empty", _("The file is empty."))
    if len(content) > max_bytes:
        size = max_bytes // (1024 * 1024)
        _refuse("file_size", _("The file is larger than %(size)s MB.", size=size))
    kind = _kind(name, content)
    _refuse_polyglot(kind, content)
    if kind.format == "PDF":
        _check_pdf(content)
        return CleanFile(content, kind.mime, kind.extensions[0])
    image = _open(kind, content)
    return CleanFile(_encode(kind, image), kind.mime, kind.extensions[0], *image.size)


def _refuse(code: str, message: Any) -> NoReturn:
    raise Refused(message, [Problem(code, message)])


def _kind(name: str, content: bytes) -> Kind:
    if not name or len(name) > MAX_NAME or _BAD_NAME.search(name):
        _refuse("file_name", _("The file name is not allowed."))
    extension = name.rpartition(".")[2].lower()
    named = [kind for kind in KINDS if extension in kind.extensions]
    found = [kind for kind in KINDS if content.startswith(kind.magic)]
    if not named or not found:
        _refuse("file_type", _("Only pdf, jpg and png files are accepted."))
    if named != found:
        _refuse("file_ending", _("The content of the file does not match its ending."))
    return found[0]


def _refuse_polyglot(kind: Kind, content: bytes) -> None:
    """Refuse a file that is a second thing as well: a page, a script, an archive, a pdf."""
    is_two = (
        _ACTIVE.search(content)
        or (kind.format != "PDF" and b"%PDF-" in content)
        or (kind.format == "PNG" and not _ends_with_image(content))
        or zipfile.is_zipfile(io.BytesIO(content))
    )
    if is_two:
        _refuse("file_mixed", _("The file contains foreign content."))


def _ends_with_image(content: bytes) -> bool:
    """Tell whether the last chunk of a png ends where the file ends."""
    return content.endswith(b"\x00\x00\x00\x00IEND\xaeB`\x82")


def _check_pdf(content: bytes) -> None:
    if not content.rstrip(b"\r\n\t \x00").endswith(b"%%EOF"):
        _refuse("file_damaged", _("The file is damaged."))
    if _PDF_ACTIVE.search(content):
        _refuse("file_active", _("The pdf contains scripts or attached files."))


def _open(kind: Kind, content: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(content), formats=[kind.format]) as image:
            if image.width * image.height > MAX_PIXELS:
                _refuse("image_size", _("The picture has too many pixels."))
            image.load()
            return ImageOps.exif_transpose(image)
    except _DAMAGED:
        _refuse("file_damaged", _("The file is damaged."))


def _encode(kind: Kind, image: Image.Image) -> bytes:
    if kind.format == "JPEG" and image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    # Comments, profiles and places stand in `info`; only the transparent colour is picture.
    kept = {"transparency"} & image.info.keys()
    image.info = {name: image.info[name] for name in kept}
    target = io.BytesIO()
    options = {"quality": 90} if kind.format == "JPEG" else {}
    image.save(target, kind.format, **options)
    return target.getvalue()
