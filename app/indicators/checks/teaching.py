"""DQ044 to DQ048: what is taught in a term."""

from collections.abc import Iterator

from flask_babel import gettext as _

from app.indicators.checks.reading import (
    TAUGHT,
    excludes,
    is_active,
    is_on_post,
    latest_teaching,
    must_be_blank,
    must_be_filled,
    term_of,
)
from app.indicators.checks.registry import Context, Hit, check
from app.indicators.file import FileData, Row
from app.indicators.periods import current_term, month_of
from app.indicators.rules import codes_of

NO_STAGE, NOT_TEACHING, OTHER = "0", "10", "99"
STAGES_WITH_SUBJECT = frozenset(("2", "3", "4"))
ON_ROTATION = "205"
TERM_START_MONTHS = {"1": 9, "2": 3}


@check("DQ044")
def one_record_per_term(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """Teacher, academic year, semester and school stand once."""
    seen: set[tuple[object, ...]] = set()
    for row in file.all("teaching"):
        year, semester = row.get("academic_year"), row.get("semester")
        school = row.entered_at_school or file.school.id
        if year is None or semester is None:
            continue
        if (year, semester, school) in seen:
            yield Hit("semester", row.uuid, _("Mend the existing record instead."))
        seen.add((year, semester, school))


@check("DQ045")
def status_fits_course_and_hours(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Stage, status, course and hours of a term."""
    for row in file.all("teaching"):
        status = row.get("status")
        if excludes(row, "stage", "teaching_stage", ctx):
            yield Hit("stage", row.uuid, _("Keep one of them."))
        if NO_STAGE in codes_of(row.get("stage")) and status not in (None, NOT_TEACHING):
            yield Hit("status", row.uuid, _("Without a stage nothing is taught: choose status 10."))
        if status == TAUGHT:
            yield from _taught_in_full(row, file, ctx)
        elif status is not None:
            blank = ("subject", "course_name", "weekly_hours", "other_hours")
            yield from must_be_blank(row, blank)
        if status == OTHER:
            yield from must_be_filled(row, ("status_note",))


def _taught_in_full(row: Row, file: FileData, ctx: Context) -> Iterator[Hit]:
    category = file.school.category
    stages = STAGES_WITH_SUBJECT.intersection(codes_of(row.get("stage")))
    if stages and ctx.catalog.collected("teaching", "subject", category):
        yield from must_be_filled(row, ("subject",))
    hours = row.get("weekly_hours")
    demanded = ctx.catalog.required("teaching", "weekly_hours", category)
    if hours == 0 or (demanded and hours is None):
        yield Hit("weekly_hours", row.uuid, _("Give the class hours of a week."))


@check("DQ046")
def weekly_hours_are_plausible(file: FileData, ctx: Context) -> Iterator[Hit]:
    """At most 30 in class and 40 altogether."""
    for row in file.all("teaching"):
        hours, others = row.get("weekly_hours") or 0, row.get("other_hours") or 0
        too_many = hours > ctx.parameters["class_hours_max"]
        if too_many or hours + others > ctx.parameters["total_hours_max"]:
            yield Hit("weekly_hours", row.uuid, _("Check the hours of an ordinary week."))


@check("DQ047")
def stage_fits_school_type(file: FileData, ctx: Context) -> Iterator[Hit]:
    """The stages of the school's type; who is on rotation teaches elsewhere."""
    offered = ctx.parameters["stages_by_type"].get(file.school.type_code)
    if not offered or _on_rotation(file, ctx):
        return
    for row in latest_teaching(file):
        taught = set(codes_of(row.get("stage"))) - ctx.parameters["stages_unchecked"]
        if not taught <= set(offered):
            yield Hit("stage", row.uuid, _("Check the stage, or the type of the school."))


def _on_rotation(file: FileData, ctx: Context) -> bool:
    month = month_of(ctx.today)
    return file.status == ON_ROTATION or any(
        row.get("start") and row.get("start") <= month <= (row.get("end") or month)
        for row in file.all("rotation")
    )


@check("DQ048")
def who_is_off_post_does_not_teach(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Off post for the whole present term and reported as teaching."""
    if not is_active(file, ctx) or is_on_post(file, ctx):
        return
    year, semester = current_term(ctx.today)
    since = file.facts.off_post_since
    begins = f"{year + (semester == '2')}-{TERM_START_MONTHS[semester]:02d}"
    if since is not None and month_of(since) > begins:
        return
    for row in file.all("teaching"):
        if term_of(row) == (year, int(semester)) and row.get("status") == TAUGHT:
            yield Hit("status", row.uuid, _("Check the staff status and the teaching record."))
