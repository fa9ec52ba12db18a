"""DQ031 to DQ038: appointments to posts and professional titles."""

from collections.abc import Iterator

from flask_babel import gettext as _

from app.indicators.catalog import language
from app.indicators.checks.reading import (
    attr,
    current_post,
    in_force,
    is_before_joining,
    is_filled,
    is_none,
    must_be_blank,
    pairs,
)
from app.indicators.checks.registry import Context, Hit, check
from app.indicators.file import FileData, Row
from app.indicators.periods import month_of

UNGRADED = frozenset(("998", "999"))
MANAGEMENT_AND_WORKERS = frozenset(("3", "4"))
# 高聘 and 低聘: the difference is known and on record.
ABOVE_OR_BELOW = frozenset(("12", "13"))


@check("DQ031")
def post_begins_after_joining(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """Appointments by this school; those of an earlier one are history."""
    joined = file.value("basic", "join_school")
    for row in file.all("post"):
        start = row.get("start")
        if joined and start and start < joined and not is_before_joining(row, file):
            yield Hit("start", row.uuid, _("The school was joined in %(month)s.", month=joined))


@check("DQ032")
def one_main_post_at_a_time(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """A new appointment begins when the former one ends."""
    for one, other in pairs(file.all("post")):
        end, start = one.get("end"), other.get("start")
        if end is None or start < end or start == one.get("start"):
            remedy = _("End the former appointment first; a second post is a concurrent one.")
            yield Hit("start", other.uuid, remedy)


@check("DQ033")
def grade_belongs_to_category(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Grades 1xx for teachers and professionals, 2xx for management, 3xx for workers."""
    for row in file.all("post"):
        category, grade = row.get("post_category"), row.get("post_grade")
        allowed = attr(ctx.catalog, "post_grade", grade, "post_categories")
        if category and allowed is not None and category not in allowed:
            yield Hit("post_grade", row.uuid, _("Choose a grade of this post category."))


@check("DQ034")
def concurrent_post_is_consistent(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """A concurrent post only where one is held, of another category, graded if it is one."""
    for row in file.all("post"):
        second, grade = row.get("concurrent_category"), row.get("concurrent_grade")
        if not row.get("has_concurrent"):
            yield from must_be_blank(row, ("concurrent_category", "concurrent_grade"))
        elif second is not None and second == row.get("post_category"):
            remedy = _("It must differ from the main post category.")
            yield Hit("concurrent_category", row.uuid, remedy)
        elif is_none(second) and is_filled(grade):
            yield Hit("concurrent_grade", row.uuid, _("Clear the grade: there is no category."))


@check("DQ035")
def title_matches_grade(file: FileData, ctx: Context) -> Iterator[Hit]:
    """The title in force and the grade of the present post, unless the difference is on record."""
    post = current_post(file, ctx.today)
    if post is None or post.get("post_category") in MANAGEMENT_AND_WORKERS:
        return
    grade = post.get("post_grade")
    if not grade or grade in UNGRADED:
        return
    held = [row for row in in_force(file.all("title"), ctx.today) if _grades(row, ctx)]
    if not held or any(grade in _grades(row, ctx) for row in held):
        return
    if any(row.get("appointment_status") in ABOVE_OR_BELOW for row in held):
        return
    remedy = _(
        "The post is “%(grade)s”: check both, or give the appointment status (above or below).",
        grade=ctx.catalog.label("post_grade", grade, language()),
    )
    yield Hit("title", held[0].uuid, remedy)


def _grades(row: Row, ctx: Context) -> list[str]:
    if is_none(row.get("title")):
        return []
    level = attr(ctx.catalog, "prof_title", row.get("title"), "level")
    return list(attr(ctx.catalog, "prof_title_level", level, "post_grades") or ())


@check("DQ036")
def title_months_are_consistent(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Months in order and begun; one title in force in each series."""
    this_month = month_of(ctx.today)
    for row in file.all("title"):
        start, end = row.get("start"), row.get("end")
        if is_none(row.get("title")):
            yield from must_be_blank(row, ("start", "end"))
            continue
        if start and end and end < start:
            yield Hit("end", row.uuid, _("The end cannot come before the start."))
        if start and start > this_month:
            yield Hit("start", row.uuid, _("The start cannot be in the future."))
    yield from _second_in_series(file, ctx)


def _second_in_series(file: FileData, ctx: Context) -> Iterator[Hit]:
    seen: set[str] = set()
    for row in file.all("title"):
        series = attr(ctx.catalog, "prof_title", row.get("title"), "series")
        if not series or row.get("end") is not None:
            continue
        if series in seen:
            remedy = _("Another title of this series is in force: give its end.")
            yield Hit("title", row.uuid, remedy)
        seen.add(series)


@check("DQ037")
def title_series_fits_school(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Titles of other kinds of schools; history of an earlier school is left alone."""
    for row in file.all("title"):
        categories = attr(ctx.catalog, "prof_title", row.get("title"), "categories")
        foreign = categories and file.school.category not in categories
        if foreign and not is_before_joining(row, file):
            yield Hit("title", row.uuid, _("Check the title, or the unit that gave it."))


@check("DQ038")
def title_name_is_of_today(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Names from before the reform are for appointments that ended."""
    reform = ctx.parameters["title_reform_month"]
    for row in file.all("title"):
        if row.get("title") not in ctx.parameters["title_prereform_codes"]:
            continue
        start = row.get("start")
        if row.get("end") is None or (start and start > reform):
            yield Hit("title", row.uuid, _("Choose the name that is used since the reform."))
