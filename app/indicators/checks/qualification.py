"""DQ039, DQ041 to DQ043, DQ066 and DQ067: teacher certificates, skills, Mandarin."""

from collections.abc import Iterator
from datetime import date

from flask_babel import gettext as _

from app.indicators.checks.reading import (
    TAUGHT,
    attr,
    is_full_time_teacher,
    is_none,
    latest_teaching,
    must_be_blank,
    must_be_filled,
)
from app.indicators.checks.registry import Context, Hit, check
from app.indicators.file import FileData, Row
from app.indicators.periods import years_on
from app.indicators.rules import codes_of

MANDARIN, LANGUAGE, OTHER_LANGUAGE = "1", "2", "9"
KINDERGARTEN = "kindergarten"
SPECIAL_AND_OTHER = frozenset(("0", "A", "Z"))


def _certificates(file: FileData) -> list[Row]:
    rows = file.all("qualification")
    return [row for row in rows if row.get("cert_type") and not is_none(row.get("cert_type"))]


def _teaches(file: FileData) -> bool:
    return any(row.get("status") == TAUGHT for row in latest_teaching(file))


@check("DQ039")
def teachers_hold_a_certificate(file: FileData, ctx: Context) -> Iterator[Hit]:
    """A full-time teacher who teaches in the latest term without a certificate."""
    if is_full_time_teacher(file, ctx.catalog) and _teaches(file) and not _certificates(file):
        yield Hit("cert_type", remedy=_("Add the certificate, or tell the authority the reason."))


@check("DQ041")
def certificate_covers_stage(file: FileData, ctx: Context) -> Iterator[Hit]:
    """The stage taught in the latest term; special education and others are not compared."""
    certificates = _certificates(file)
    if not certificates:
        return
    covered = {
        stage
        for row in certificates
        for stage in attr(ctx.catalog, "teacher_cert_type", row.get("cert_type"), "stages") or ()
    }
    for row in latest_teaching(file):
        taught = set(codes_of(row.get("stage"))) - SPECIAL_AND_OTHER
        if not taught <= covered:
            yield Hit("teaching.stage", row.uuid, _("Check the stage, or add a certificate."))


@check("DQ042")
def certificate_date_is_plausible(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Issued at 18 or later and not in the future; before the system began is pointed out."""
    birth = file.value("basic", "birth_date")
    first_day = date.fromisoformat(ctx.parameters["cert_first_date"])
    for row in file.all("qualification"):
        day = row.get("issue_date")
        if day is None:
            continue
        grown = years_on(birth, ctx.parameters["cert_age_min"]) if birth else None
        if day > ctx.today or (grown and day < grown):
            yield Hit("issue_date", row.uuid, _("Compare the date with the certificate."))
        elif day < first_day:
            remedy = _("Certificates exist since %(day)s.", day=first_day)
            yield Hit("issue_date", row.uuid, remedy, "warning")


@check("DQ043")
def certificate_number_has_the_form(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Seventeen digits, and nobody else's."""
    digits = ctx.parameters["cert_no_digits"]
    for row in file.all("qualification"):
        number = row.get("cert_no")
        if not number:
            continue
        if number in file.facts.shared_cert_nos:
            remedy = _("Another teacher has this number: compare it with the certificate.")
            yield Hit("cert_no", row.uuid, remedy, "error")
        elif len(number) != digits or not (number.isascii() and number.isdigit()):
            remedy = _("Present certificates have %(digits)d digits.", digits=digits)
            yield Hit("cert_no", row.uuid, remedy)


@check("DQ066")
def skill_certificate_is_complete(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """Each kind of certificate with its own particulars, none without a certificate."""
    for row in file.all("skill"):
        kind = row.get("cert_type")
        if is_none(kind):
            yield from must_be_blank(row, _OF_CERTIFICATES)
        elif kind is not None:
            yield from must_be_filled(row, _demanded(kind, row.get("lang_cert")))


_OF_CERTIFICATES = (
    "lang_cert",
    "cert_name",
    "issue_ym",
    "issue_org",
    "cert_no",
    "mandarin_level",
    "skill_grade",
)


def _demanded(kind: str, language: str | None) -> Iterator[str]:
    if kind == LANGUAGE:
        yield "lang_cert"
    if kind != LANGUAGE or language == OTHER_LANGUAGE:
        yield "cert_name"
    if kind == MANDARIN:
        yield "mandarin_level"


@check("DQ067")
def mandarin_is_good_enough(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Teachers 二级乙等 or better; of Chinese language and in kindergartens 二级甲等."""
    if not is_full_time_teacher(file, ctx.catalog) or not _teaches(file):
        return
    levels = [row.get("mandarin_level") for row in file.all("skill")]
    held = sorted(level for level in levels if level and not is_none(level))
    if not held:
        yield Hit("mandarin_level", remedy=_("Add the Mandarin certificate."))
    elif held[0] > _needed_level(file, ctx):
        yield Hit("mandarin_level", remedy=_("Check the level of the certificate."))


def _needed_level(file: FileData, ctx: Context) -> str:
    taught = {code for row in latest_teaching(file) for code in codes_of(row.get("subject"))}
    strict = file.school.category == KINDERGARTEN or not taught.isdisjoint(
        ctx.parameters["mandarin_subjects"]
    )
    return str(ctx.parameters["mandarin_min_language" if strict else "mandarin_min"])
