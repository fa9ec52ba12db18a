"""The package of an uploaded workbook: hostile ones are refused before anything is unpacked."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import NoReturn
from xml.etree.ElementTree import ParseError
from xml.parsers import expat

from defusedxml import DefusedXmlException
from flask_babel import lazy_gettext as _l

from app.core.errors import Refused

MEGABYTE = 1024 * 1024
MAX_BYTES = 10 * MEGABYTE
MAX_ENTRIES = 200
MAX_DIRECTORY = 128 * 1024
MAX_UNPACKED = 100 * MEGABYTE
MAX_RATIO = 100
SMALL = MEGABYTE  # What unpacks to no more than this may have any ratio.

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MACROS = re.compile(r"vbaproject|/macrosheets/|/activex/|/dialogsheets/|customui/")
_LINKS = re.compile(r"/externallinks/|/querytables/|xl/connections\.xml$|/webextensions/")
_OBJECTS = re.compile(r"/embeddings/|oleobject|\.ole$|\.exe$|\.dll$")
# What a broken package or part raises, wherever it breaks.
DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, LookupError,
    ValueError, struct.error, expat.ExpatError, ParseError, DefusedXmlException, OSError,
    OverflowError,
)  # fmt: skip


def check_package(content: bytes) -> None:
    """Refuse what is no harmless xlsx workbook, by size and zip directory alone (SEC-32).

    Raise Refused with a sentence that says what to do. Nothing is unpacked.
    """
    if len(content) > MAX_BYTES:
        size = f"{len(content) / MEGABYTE:.1f}"
        raise Refused(
            _l(
                "The file has %(size)s MB, at most 10 MB can be read. Please split it.",
                size=size,
            )
        )
    if content.startswith(_OLE):
        raise Refused(
            _l(
                "The workbook is protected by a password or in the old xls format. Remove the"
                " password and save it as “Excel workbook (*.xlsx)”."
            )
        )
    if not content.startswith(b"PK\x03\x04"):
        refuse_kind()
    _check_directory_size(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            _check_entries(package.infolist(), len(content))
    except DAMAGE:
        refuse_damage()


def _check_directory_size(content: bytes) -> None:
    """The directory is looked at before it is read: 10 MB hold 200,000 entries."""
    tail = content[-(22 + 0xFFFF) :]
    at = len(tail) - 22 if tail[-22:-18] == b"PK\x05\x06" else tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        refuse_damage()
    entries, size = struct.unpack("<HL", tail[at + 10 : at + 16])
    if entries > MAX_ENTRIES or size > MAX_DIRECTORY:
        refuse_size()


def _check_entries(entries: list[zipfile.ZipInfo], packed: int) -> None:
    names = [each.filename for each in entries]
    if len(entries) > MAX_ENTRIES:
        refuse_size()
    if len(set(names)) != len(names) or any(_is_astray(name) for name in names):
        refuse_damage()
    for each in entries:
        if each.flag_bits & 0x41:
            raise Refused(_l("The workbook is encrypted. Remove the password and upload it again."))
        if each.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            refuse_damage()
    unpacked = sum(each.file_size for each in entries)
    if unpacked > MAX_UNPACKED or (unpacked > SMALL and unpacked > MAX_RATIO * packed):
        refuse_size()
    _check_contents([name.lower() for name in names])


def _check_contents(names: list[str]) -> None:
    found: tuple[tuple[re.Pattern[str], Callable[[], NoReturn]], ...] = (
        (_MACROS, refuse_macros),
        (_LINKS, refuse_links),
        (_OBJECTS, refuse_objects),
    )
    for pattern, refuse in found:
        if any(pattern.search(name) for name in names):
            refuse()
    if "[content_types].xml" not in names:
        refuse_kind()


def _is_astray(name: str) -> bool:
    return name.startswith(("/", "\\")) or "\\" in name or ".." in name.split("/") or ":" in name


def refuse_kind() -> NoReturn:
    raise Refused(
        _l("This is no xlsx workbook. Save it as “Excel workbook (*.xlsx)” and upload it again.")
    )


def refuse_damage() -> NoReturn:
    raise Refused(
        _l(
            "The workbook is damaged. Open it with Excel or WPS, save it again as xlsx and upload"
            " that file."
        )
    ) from None


def refuse_size() -> NoReturn:
    raise Refused(
        _l(
            "The workbook is too large once unpacked. Copy the rows into a fresh template, without"
            " pictures and formats, or split them over several workbooks."
        )
    )


def refuse_macros() -> NoReturn:
    raise Refused(
        _l(
            "The workbook holds macros or controls. Save it as “Excel workbook (*.xlsx)” without"
            " them."
        )
    )


def refuse_links() -> NoReturn:
    raise Refused(
        _l(
            "The workbook refers to other files or data sources. Copy the rows into a fresh"
            " template as values."
        )
    )


def refuse_objects() -> NoReturn:
    raise Refused(
        _l("The workbook holds embedded files. Copy the rows into a fresh template without them.")
    )
