"""DQ059 to DQ064 and DQ071 to DQ074: training, study abroad, rotation, backbone, achievements."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import combinations

from flask_babel import gettext as _

from app.indicators.checks.reading import (
    CHINA,
    attr,
    in_force,
    is_none,
    must_be_blank,
    pairs,
    repeated,
)
from app.indicators.checks.registry import Context, Hit, check
from app.indicators.file import FileData, Row
from app.indicators.periods import month_of

COUNTED = frozenset(("confirmed", "revoked"))
FACE_TO_FACE = "1"
SPECIAL_GRADE = "23"
COUNTY_OR_ABOVE = frozenset(("1", "2", "3"))


@check("DQ059")
def credit_follows_the_rule(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Nothing below zero; credits of a project as its rule converts; a limit by hand."""
    for row in file.all("training"):
        for code in ("hours", "credit"):
            if (row.get(code) or 0) < 0:
                yield Hit(code, row.uuid, _("Write 0 or more."))
        if row.get("source_project"):
            yield from _credit_of_project(row, file, ctx)
        else:
            yield from _within_limits(row, ctx)


def _credit_of_project(row: Row, file: FileData, ctx: Context) -> Iterator[Hit]:
    expected = file.facts.rule_credits.get(row.get("source_project"))
    credit = row.get("credit")
    if expected is None or credit is None:
        return
    if abs(credit - expected) > ctx.parameters["credit_tolerance"]:
        yield Hit("credit", row.uuid, _("By the rule it is %(credit)s.", credit=expected))


def _within_limits(row: Row, ctx: Context) -> Iterator[Hit]:
    for code, key in (("hours", "training_hours_max"), ("credit", "training_credit_max")):
        limit: Decimal = ctx.parameters[key]
        if (row.get(code) or 0) > limit:
            remedy = _("One training gives at most %(limit)s.", limit=limit)
            yield Hit(code, row.uuid, remedy, "warning")


@check("DQ060")
def credits_count_once_confirmed(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """Credits of a project count when confirmed (revoked ones are void), and once."""
    for row in repeated(file.all("training"), "source_project"):
        yield Hit("source_project", row.uuid, _("This project stands in the file already."))
    for row in file.all("training"):
        waiting = row.get("source_project") and row.get("confirm_status") not in COUNTED
        if waiting and row.get("credit"):
            yield Hit("confirm_status", row.uuid, _("Wait for the confirmation."))


@check("DQ061")
def trainings_do_not_overlap(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """Nobody sits in two face-to-face trainings on one day."""
    rows = [
        row
        for row in file.all("training")
        if row.get("mode") == FACE_TO_FACE and row.get("start_date") and row.get("end_date")
    ]
    for one, other in combinations(rows, 2):
        begins = max(one.get("start_date"), other.get("start_date"))
        if begins <= min(one.get("end_date"), other.get("end_date")):
            yield Hit("start_date", other.uuid, _("Check the days of both trainings."))


@check("DQ062")
def study_abroad_is_abroad(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """Days in order, and not in China; Hong Kong, Macao and Taiwan are allowed."""
    for row in file.all("overseas"):
        start, end = row.get("start_date"), row.get("end_date")
        if start and end and end <= start:
            yield Hit("end_date", row.uuid, _("The end comes after the start."))
        if row.get("country") == CHINA:
            yield Hit("country", row.uuid, _("Choose the country or region of the study."))


ROTATION = (
    "transfer_personnel",
    "start",
    "end",
    "from_org",
    "to_org",
    "direction",
    "is_full_rotation",
)


@check("DQ063")
def rotation_is_consistent(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """Two different units, months in order, nothing else with 无."""
    for row in file.all("rotation"):
        if is_none(row.get("type")):
            yield from must_be_blank(row, ROTATION)
            continue
        start, end = row.get("start"), row.get("end")
        if start and end and end < start:
            yield Hit("end", row.uuid, _("The end cannot come before the start."))
        if row.get("from_org") and row.get("from_org") == row.get("to_org"):
            yield Hit("to_org", row.uuid, _("Both units are the same: correct one."))


@check("DQ064")
def one_rotation_at_a_time(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Periods that do not overlap; none is opened beside another personnel process."""
    for one, other in pairs(file.all("rotation")):
        if one.get("end") is None or other.get("start") < one.get("end"):
            yield Hit("start", other.uuid, _("End the former rotation first."))
    if ctx.starting == "rotation" and file.facts.open_process:
        yield Hit(remedy=_("Another personnel process of this teacher is open."))


@check("DQ071")
def backbone_term_runs(file: FileData, ctx: Context) -> Iterator[Hit]:
    """The term is over and no other runs, yet the teacher counts as a backbone teacher."""
    key = ("basic", "is_county_backbone", file.school.category)
    counts = file.value("basic", "is_county_backbone") is True or not ctx.catalog.collected(*key)
    if not counts or _backbones(file, ctx):
        return
    month = month_of(ctx.today)
    over = [row for row in file.all("backbone") if (row.get("end") or month) < month]
    for row in over:
        if _level(row, ctx) in COUNTY_OR_ABOVE:
            yield Hit("end", row.uuid, _("Renew the term, or clear the mark in the basic file."))


def _level(row: Row, ctx: Context) -> str | None:
    level: str | None = attr(ctx.catalog, "backbone_type", row.get("type"), "backbone_level")
    return level


def _backbones(file: FileData, ctx: Context) -> list[Row]:
    valid = in_force(file.all("backbone"), ctx.today)
    return [row for row in valid if _level(row, ctx) in COUNTY_OR_ABOVE]


@check("DQ072")
def backbone_fits_basic_file(file: FileData, ctx: Context) -> Iterator[Hit]:
    """The level follows from the type; the marks in the basic file follow from both."""
    for row in file.all("backbone"):
        own, level = _level(row, ctx), row.get("level")
        if own and level and own != level:
            yield Hit("level", row.uuid, _("The level follows from the type."))
    valid = _backbones(file, ctx)
    if valid:
        yield from _must_be_marked("is_county_backbone", file, ctx)
    if any(row.get("type") == SPECIAL_GRADE for row in valid):
        yield from _must_be_marked("is_special_grade", file, ctx)


def _must_be_marked(code: str, file: FileData, ctx: Context) -> Iterator[Hit]:
    collected = ctx.catalog.collected("basic", code, file.school.category)
    if collected and file.value("basic", code) is not True:
        yield Hit(f"basic.{code}", remedy=_("A valid record exists: choose yes."))


@check("DQ073")
def own_words_are_part_of_all(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """Own words of a book."""
    for row in file.all("ach_writing"):
        words, own = row.get("words"), row.get("own_words")
        if words is not None and own is not None and own > words:
            yield Hit("own_words", row.uuid, _("The whole work has %(words)d words.", words=words))


@check("DQ074")
def project_ends_after_it_starts(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Months in order; nothing else with 无."""
    others = [item.code for item in ctx.catalog.indicators("ach_project") if item.code != "type"]
    for row in file.all("ach_project"):
        if is_none(row.get("type")):
            yield from must_be_blank(row, others)
            continue
        start, end = row.get("start"), row.get("end")
        if start and end and end < start:
            yield Hit("end", row.uuid, _("The end cannot come before the start."))
