"""Workbooks that mean harm or are broken, small enough to be made on the spot.

`PACKAGES` are refused before anything is unpacked, `PARTS` when they are opened or read. Each is a
function that makes the bytes, with a piece of the English sentence that a clerk gets.
"""

import io
import random
import struct
import zipfile
from collections.abc import Callable, Mapping

MAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/xl/workbook.xml" ContentType="{kind}"/></Types>'
)
TOP = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>"
)
BOOK = (
    f'<workbook xmlns="{NAMESPACE}" xmlns:r="{RELATIONS}">'
    '<sheets><sheet name="教师基本信息" sheetId="1" r:id="r1"/></sheets></workbook>'
)
BOOK_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="r2" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml"/>'
    "</Relationships>"
)
STRINGS = f'<sst xmlns="{NAMESPACE}"><si><t>姓名</t></si></sst>'
SHEET = f'<worksheet xmlns="{NAMESPACE}"><sheetData>{{rows}}</sheetData></worksheet>'

PARTS_OF_A_BOOK: Mapping[str, str | bytes] = {
    "[Content_Types].xml": TYPES.format(kind=MAIN),
    "_rels/.rels": TOP,
    "xl/workbook.xml": BOOK,
    "xl/_rels/workbook.xml.rels": BOOK_RELATIONS,
    "xl/sharedStrings.xml": STRINGS,
    "xl/worksheets/sheet1.xml": SHEET.format(rows='<row r="1"><c r="A1" t="s"><v>0</v></c></row>'),
}
Make = Callable[[], bytes]
MEGABYTE = 1024 * 1024


def package(parts: Mapping[str, str | bytes] = {}, *, kind: int = zipfile.ZIP_DEFLATED) -> bytes:  # noqa: B006
    """A workbook with some parts replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        for name, content in {**PARTS_OF_A_BOOK, **parts}.items():
            archive.writestr(name, content)
    return out.getvalue()


def rows(text: str) -> bytes:
    """A workbook with these rows in its sheet."""
    return package({"xl/worksheets/sheet1.xml": SHEET.format(rows=text)})


def strings(text: str) -> bytes:
    """A workbook with these shared strings."""
    return package({"xl/sharedStrings.xml": f'<sst xmlns="{NAMESPACE}">{text}</sst>'})


def heavy(part: str, content: str) -> bytes:
    """A workbook with a part that unpacks far; noise beside it keeps the ratio of the whole low."""
    noise = random.Random(1).randbytes(MEGABYTE)
    return package({part: content, "xl/media/noise.bin": noise})


def heavy_rows(text: str) -> bytes:
    """As rows(), beside noise."""
    return heavy("xl/worksheets/sheet1.xml", SHEET.format(rows=text))


def _archive(names: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return out.getvalue()


def _encrypted() -> bytes:
    content = bytearray(package())
    at = content.find(b"PK\x01\x02")
    while at >= 0:
        content[at + 8] |= 1
        at = content.find(b"PK\x01\x02", at + 4)
    return bytes(content)


def _twice() -> bytes:
    # Writing a name twice would only warn; two names are made equal afterwards.
    return package({"xl/a1.xml": "one", "xl/a2.xml": "two"}).replace(b"xl/a2.xml", b"xl/a1.xml")


def _lying_size() -> bytes:
    """The directory says that the sheet has ten bytes."""
    content = bytearray(package())
    at = content.rfind(b"xl/worksheets/sheet1.xml") - 46
    struct.pack_into("<L", content, at + 24, 10)
    return bytes(content)


def _broken_deflate() -> bytes:
    content = bytearray(package())
    at = content.find(b"xl/worksheets/sheet1.xml") + len("xl/worksheets/sheet1.xml")
    content[at : at + 20] = b"\xff" * 20
    return bytes(content)


def _no_directory() -> bytes:
    return package()[:-40]


PACKAGES: Mapping[str, tuple[Make, str]] = {
    "nothing": (lambda: b"", "no xlsx workbook"),
    "plain text": ("姓名,证件号".encode, "no xlsx workbook"),
    "csv renamed": (lambda: b"name,id\n1,2\n", "no xlsx workbook"),
    "html renamed": (lambda: b"<html><table><tr><td>1</td></tr></table></html>", "no xlsx"),
    "old xls or password": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "password"),
    "pdf": (lambda: b"%PDF-1.7 ...", "no xlsx workbook"),
    "png": (lambda: b"\x89PNG\r\n\x1a\n", "no xlsx workbook"),
    "zip behind a program": (lambda: b"MZ" + package(), "no xlsx workbook"),
    "zip of texts": (lambda: _archive({"a.txt": b"a"}), "no xlsx workbook"),
    "ods": (
        lambda: _archive({"mimetype": b"application/vnd.oasis", "content.xml": b"<a/>"}),
        "xlsx",
    ),
    "eleven megabytes": (lambda: b"PK\x03\x04" + bytes(11 * MEGABYTE), "at most 10 MB"),
    "201 entries": (lambda: package({f"x/{n}": "" for n in range(201)}), "too large"),
    "3,000 entries": (lambda: package({f"x/{n}": "" for n in range(3000)}), "too large"),
    "101 MB unpacked": (lambda: package({"xl/media/a.bin": bytes(101 * MEGABYTE)}), "too large"),
    "ratio of a bomb": (lambda: package({"xl/media/a.bin": bytes(20 * MEGABYTE)}), "too large"),
    "encrypted entries": (_encrypted, "encrypted"),
    "bzip2": (lambda: package(kind=zipfile.ZIP_BZIP2), "damaged"),
    "lzma": (lambda: package(kind=zipfile.ZIP_LZMA), "damaged"),
    "vba": (lambda: package({"xl/vbaProject.bin": "x"}), "macros"),
    "macro sheet": (lambda: package({"xl/macrosheets/sheet1.xml": "x"}), "macros"),
    "active x": (lambda: package({"xl/activeX/activeX1.xml": "x"}), "macros"),
    "ribbon": (lambda: package({"customUI/customUI.xml": "x"}), "macros"),
    "external link": (lambda: package({"xl/externalLinks/externalLink1.xml": "x"}), "other files"),
    "connections": (lambda: package({"xl/connections.xml": "x"}), "other files"),
    "query table": (lambda: package({"xl/queryTables/queryTable1.xml": "x"}), "other files"),
    "embedded object": (lambda: package({"xl/embeddings/oleObject1.bin": "x"}), "embedded files"),
    "embedded program": (lambda: package({"xl/media/a.exe": "x"}), "embedded files"),
    "path upwards": (lambda: package({"../../etc/cron.d/x": "x"}), "damaged"),
    "absolute path": (lambda: package({"/etc/passwd": "x"}), "damaged"),
    "path of windows": (lambda: package({"C:\\x.xml": "x"}), "damaged"),
    "name twice": (_twice, "damaged"),
    "no directory": (_no_directory, "damaged"),
    "half a file": (lambda: package()[: len(package()) // 2], "damaged"),
}

LAUGHS = (
    '<!DOCTYPE sst [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]>"
)
FAR = '<row r="{row}"><c r="{cell}"><v>1</v></c></row>'

PARTS: Mapping[str, tuple[Make, str]] = {
    "word document": (
        lambda: package({"[Content_Types].xml": TYPES.format(kind="application/msword")}),
        "no xlsx workbook",
    ),
    "macro-enabled type": (
        lambda: package(
            {
                "[Content_Types].xml": TYPES.format(
                    kind="application/vnd.ms-excel.sheet.macroEnabled.main+xml"
                )
            }
        ),
        "macros",
    ),
    "billion laughs": (
        lambda: package({"xl/sharedStrings.xml": LAUGHS + "<sst><si><t>&j;</t></si></sst>"}),
        "damaged",
    ),
    "quadratic entity": (
        lambda: package(
            {
                "xl/worksheets/sheet1.xml": f'<!DOCTYPE w [<!ENTITY a "{"a" * 50_000}">]>'
                f"<worksheet>{'&a;' * 5000}</worksheet>"
            }
        ),
        "damaged",
    ),
    "external entity": (
        lambda: package(
            {
                "xl/worksheets/sheet1.xml": '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
                "<worksheet><sheetData><row><c t='str'><v>&x;</v></c></row></sheetData></worksheet>"
            }
        ),
        "damaged",
    ),
    "document type in the outline": (
        lambda: package({"xl/workbook.xml": f"<!DOCTYPE workbook>{BOOK}"}),
        "damaged",
    ),
    "not well-formed": (lambda: rows("<row r='1'><c>"), "damaged"),
    "not xml": (lambda: package({"xl/worksheets/sheet1.xml": bytes(range(256))}), "damaged"),
    "unknown encoding": (
        lambda: package(
            {"xl/worksheets/sheet1.xml": b"<?xml version='1.0' encoding='utf-7'?><a/>"}
        ),
        "damaged",
    ),
    "nested 100,000 deep": (lambda: rows("<a>" * 100_000 + "</a>" * 100_000), "damaged"),
    "string of 60 MB": (
        lambda: heavy("xl/sharedStrings.xml", f"<sst><si><t>{'a' * 60_000_000}</t></si></sst>"),
        "",
    ),
    "attribute of 30 MB": (
        lambda: heavy_rows(f'<row r="{"1" * 30_000_000}"/>'),
        "too large",
    ),
    "comment of 30 MB": (lambda: heavy_rows(f"<!--{'a' * 30_000_000}-->"), "too large"),
    "row of three million cells": (
        lambda: heavy_rows('<row r="2">' + "<c/>" * 5_000_000 + "</row>"),
        "damaged",
    ),
    "one cell a million times": (
        lambda: heavy_rows('<row r="2">' + '<c r="A2"/>' * 1_000_000 + "</row>"),
        "damaged",
    ),
    "five million rows": (lambda: heavy_rows("<row/>" * 5_000_000), "damaged"),
    "600,000 strings": (
        lambda: heavy("xl/sharedStrings.xml", f"<sst>{'<si><t>a</t></si>' * 600_000}</sst>"),
        "too large",
    ),
    "string that is not there": (
        lambda: rows('<row r="1"><c r="A1" t="s"><v>99</v></c></row>'),
        "damaged",
    ),
    "string below zero": (
        lambda: rows('<row r="1"><c r="A1" t="s"><v>-1</v></c></row>'),
        "damaged",
    ),
    "string by name": (lambda: rows('<row r="1"><c r="A1" t="s"><v>x</v></c></row>'), "damaged"),
    "column beyond all": (lambda: rows(FAR.format(row=1, cell="ZZZZ1")), "damaged"),
    "row beyond all": (lambda: rows(FAR.format(row=2_000_000, cell="A1")), "damaged"),
    "row below one": (lambda: rows(FAR.format(row=-1, cell="A1")), "damaged"),
    "rows out of order": (
        lambda: rows(FAR.format(row=5, cell="A5") + FAR.format(row=4, cell="A4")),
        "damaged",
    ),
    "sheet that is not there": (
        lambda: package({"xl/_rels/workbook.xml.rels": BOOK_RELATIONS.replace("sheet1", "sheet9")}),
        "damaged",
    ),
    "no outline": (lambda: package({"_rels/.rels": "<Relationships/>"}), "no xlsx workbook"),
    "outline outside": (
        lambda: package(
            {"_rels/.rels": TOP.replace('Target="xl', 'TargetMode="External" Target="http://x/xl')}
        ),
        "other files",
    ),
    "sheet outside": (
        lambda: package(
            {
                "xl/_rels/workbook.xml.rels": BOOK_RELATIONS.replace(
                    'Target="worksheets', 'TargetMode="External" Target="file://x'
                )
            }
        ),
        "other files",
    ),
    "size that lies": (_lying_size, "damaged"),
    "broken deflate": (_broken_deflate, "damaged"),
}
