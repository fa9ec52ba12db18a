"""DQ001 to DQ010: the identity document, one person one number, the name."""

import re
from collections.abc import Iterator

from flask_babel import gettext as _

from app.core.id_number import Fault, faults, is_valid, parse
from app.core.sealed import UNREADABLE
from app.indicators.catalog import REGIONS
from app.indicators.checks.reading import RESIDENT_DOCUMENTS
from app.indicators.checks.registry import Context, Hit, check
from app.indicators.file import FileData

# Residence permits for people from Hong Kong, Macao and Taiwan bear these in place of a province.
PERMIT_PROVINCES = frozenset(("81", "82", "83"))
_HAN = "〇㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff"
_LATIN = "A-Za-zÀ-ÖØ-öø-ɏ"
_NAME = re.compile(f"[{_HAN}{_LATIN}](?:[{_HAN}{_LATIN}· -]*[{_HAN}{_LATIN}])?")
_OLD_NUMBER = 15


def _resident_number(file: FileData) -> str | None:
    if file.value("basic", "id_doc_type") not in RESIDENT_DOCUMENTS:
        return None
    number = file.value("basic", "id_no")
    return number.upper() if number and number is not UNREADABLE else None


def _has(file: FileData, fault: Fault) -> bool:
    number = _resident_number(file)
    return number is not None and fault in faults(number)


@check("DQ001")
def number_has_the_form(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """Length and characters of a resident identity number."""
    if not _has(file, Fault.FORMAT):
        return
    length = len(_resident_number(file) or "")
    if length == _OLD_NUMBER:
        remedy = _("A number of 15 digits is out of use. Enter the 18 characters of the new card.")
    else:
        remedy = _(
            "It has 17 digits and a last digit or X; this one has %(length)d characters.",
            length=length,
        )
    yield Hit("id_no", remedy=remedy)


@check("DQ002")
def check_digit_fits(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """The last character of the number (ISO 7064 MOD 11-2)."""
    if _has(file, Fault.CHECK_DIGIT):
        yield Hit("id_no", remedy=_("Compare every digit with the card."))


@check("DQ003")
def birth_date_in_number_exists(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """Characters 7 to 14 are a day of the calendar and not in the future."""
    if _has(file, Fault.BIRTH_DATE):
        yield Hit("id_no", remedy=_("Compare digits 7 to 14 with the card."))


@check("DQ004")
def division_is_known(file: FileData, ctx: Context) -> Iterator[Hit]:
    """The first six digits; a province that does not exist is an error."""
    number = _resident_number(file)
    if number is None or Fault.FORMAT in faults(number):
        return
    regions = ctx.catalog.codes(REGIONS)
    division, province = number[:6], number[:2]
    if division in regions or (province in PERMIT_PROVINCES and division.endswith("0000")):
        return
    known = province in PERMIT_PROVINCES or f"{province}0000" in regions
    remedy = _("Compare the first six digits with the card; an old division may be right.")
    yield Hit("id_no", remedy=remedy, severity=None if known else "error")


@check("DQ005")
def birth_date_equals_number(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """The birth date stands in the number."""
    number, birth = _resident_number(file), file.value("basic", "birth_date")
    if number and birth and is_valid(number) and parse(number).birth != birth:
        yield Hit("birth_date", remedy=_("Take the date from the card, or correct the number."))


@check("DQ006")
def sex_equals_number(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """The 17th digit is odd for men, even for women."""
    number, sex = _resident_number(file), file.value("basic", "sex")
    if number and sex and is_valid(number) and parse(number).sex != sex:
        yield Hit("sex", remedy=_("Take the sex from the card, or correct the number."))


@check("DQ007")
def number_is_unique_in_school(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """One active file per document in the school; an inactive one is to be brought back."""
    if file.facts.same_school_active:
        yield Hit("id_no", remedy=_("Continue with the existing file."))
    elif file.facts.same_school_inactive and not file.facts.in_force:
        remedy = _(
            "This person left the school: reactivate the former file, do not make a new one."
        )
        yield Hit("id_no", remedy=remedy, severity="warning")


@check("DQ008")
def number_is_unique_in_city(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """One active file per document in the city; only the school is named."""
    school = file.facts.other_school_name
    if school:
        yield Hit("id_no", remedy=_("The file is at %(school)s.", school=school))


@check("DQ009")
def file_has_no_likeness(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """Another document but the same name, sex and birth date, or an old and a new number."""
    if file.facts.near_duplicate:
        yield Hit("id_no", remedy=_("Check whether both files describe one person."))


@check("DQ010")
def name_has_name_characters(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """Chinese characters, the dot between parts, Latin letters with blanks and hyphens."""
    name = file.value("basic", "name")
    if not name:
        return
    resident = file.value("basic", "id_doc_type") in RESIDENT_DOCUMENTS
    if not _NAME.fullmatch(name) or (resident and " " in name):
        yield Hit("name", remedy=_("Write it as on the document, without blanks or digits."))
