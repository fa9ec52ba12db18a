"""DQ021 to DQ030: education and work before and at the school."""

from collections.abc import Iterator

from flask_babel import gettext as _

from app.indicators.checks.reading import (
    attr,
    is_none,
    must_be_blank,
    pairs,
    period,
)
from app.indicators.checks.registry import Context, Hit, check
from app.indicators.file import FileData, Row
from app.indicators.periods import (
    Period,
    month_of,
    months_apart,
    overlap,
)

FULL_TIME = "1"
DOCTOR = "2"
# Ranks of education_level: 8 graduate, 7 bachelor, 5 junior college, 2 junior secondary.
GRADUATE, BACHELOR, COLLEGE, SECONDARY = 8, 7, 5, 2


def _rank(row: Row, ctx: Context) -> int | None:
    rank = attr(ctx.catalog, "education_level", row.get("education"), "rank")
    return None if rank is None else int(rank)


@check("DQ021")
def graduation_follows_enrolment(file: FileData, ctx: Context) -> Iterator[Hit]:
    """The months of a study; more than ten years are only pointed out."""
    for row in file.all("learning"):
        start, end = row.get("start"), row.get("end")
        if not start or not end:
            continue
        if end <= start:
            yield Hit("end", row.uuid, _("Enrolment was in %(month)s.", month=start))
        elif months_apart(start, end) > ctx.parameters["study_years_max"] * 12:
            remedy = _(
                "The study took more than %(years)d years: check both months.",
                years=ctx.parameters["study_years_max"],
            )
            yield Hit("end", row.uuid, remedy, "warning")


@check("DQ022")
def age_at_enrolment_is_plausible(file: FileData, ctx: Context) -> Iterator[Hit]:
    """14 to 60 for higher, 10 or more for secondary education."""
    birth = file.value("basic", "birth_date")
    for row in file.all("learning"):
        start, rank = row.get("start"), _rank(row, ctx)
        if birth is None or not start or rank is None or rank < SECONDARY:
            continue
        age = months_apart(month_of(birth), start) // 12
        higher = rank >= COLLEGE
        low = ctx.parameters["enrol_age_min_higher" if higher else "enrol_age_min_secondary"]
        too_old = higher and age > ctx.parameters["enrol_age_max_higher"]
        if age < low or too_old:
            yield Hit("start", row.uuid, _("Compare the month with the birth date."))


@check("DQ023")
def degree_belongs_to_level(file: FileData, ctx: Context) -> Iterator[Hit]:
    """The degree's own level; without a degree nothing else about one."""
    for row in file.all("learning"):
        level, degree = row.get("degree_level"), row.get("degree")
        if is_none(level):
            fields = ("degree", "degree_country", "degree_org", "degree_date")
            yield from must_be_blank(row, fields)
            continue
        own = attr(ctx.catalog, "degree", degree, "degree_level")
        if level and own and own != level:
            yield Hit("degree", row.uuid, _("Choose a degree of the level, or the other level."))


@check("DQ024")
def degree_fits_education(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Graduates without a degree, degrees below a bachelor's, bachelors with a doctorate."""
    for row in file.all("learning"):
        rank, level = _rank(row, ctx), row.get("degree_level")
        if rank is None or level is None:
            continue
        finished = attr(ctx.catalog, "education_level", row.get("education"), "graduated")
        graduate_without = rank >= GRADUATE and finished and is_none(level)
        degree_too_low = rank <= COLLEGE and not is_none(level)
        if graduate_without or degree_too_low or (rank == BACHELOR and level == DOCTOR):
            yield Hit("degree_level", row.uuid, _("Compare both certificates."))


@check("DQ025")
def at_least_one_education(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """One record at least; 无 stands alone."""
    rows = file.all("learning")
    if not rows:
        yield Hit(remedy=_("Add the highest education."))
    elif len(rows) > 1:
        for row in rows:
            if is_none(row.get("education")):
                yield Hit("education", row.uuid, _("Remove this record: others exist."))


@check("DQ026")
def full_time_studies_do_not_overlap(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Nobody studies full-time in two places."""
    full_time = [row for row in file.all("learning") if row.get("study_mode") == FULL_TIME]
    for one, other in pairs(full_time):
        if _shared_months(one, other, ctx) > ctx.parameters["overlap_months"]:
            yield Hit("start", other.uuid, _("Check the months of both records."))


def _shared_months(one: Row, other: Row, ctx: Context) -> int:
    first, second = period(one), period(other)
    if first is None or second is None:
        return 0
    return overlap(first, second, until=month_of(ctx.today))


@check("DQ027")
def full_time_study_precedes_work(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """Full-time study after the start of work needs a look at the work records."""
    work_start = file.value("basic", "work_start")
    for row in file.all("learning"):
        start = row.get("start")
        if work_start and start and row.get("study_mode") == FULL_TIME and start > work_start:
            yield Hit("start", row.uuid, _("Check the work records of these months."))


@check("DQ028")
def work_ends_after_it_starts(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """The months of a work record, none before the start of work."""
    work_start = file.value("basic", "work_start")
    for row in file.all("work"):
        start, end = row.get("start"), row.get("end")
        if start and end and end < start:
            yield Hit("end", row.uuid, _("The end cannot come before the start."))
        if start and work_start and start < work_start:
            yield Hit("start", row.uuid, _("Work started in %(month)s.", month=work_start))


@check("DQ029")
def work_is_without_overlap_and_gap(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Two employers at a time, or more than a year between them without study."""
    rows = file.all("work")
    for one, other in pairs(rows):
        if one.get("org_name") != other.get("org_name") and (
            _shared_months(one, other, ctx) > ctx.parameters["overlap_months"]
        ):
            yield Hit("start", other.uuid, _("Check the months of both records."))
    yield from _gaps(rows, file, ctx)


def _gaps(rows: tuple[Row, ...], file: FileData, ctx: Context) -> Iterator[Hit]:
    begun = sorted((row for row in rows if row.get("start")), key=lambda row: row.get("start"))
    today = month_of(ctx.today)
    reached = ""
    for row in begun:
        start = row.get("start")
        if reached and months_apart(reached, start) > ctx.parameters["work_gap_months"]:
            gap = Period(reached, start)
            if not _studied(gap, file, today):
                remedy = _(
                    "Nothing is recorded from %(start)s to %(end)s.", start=reached, end=start
                )
                yield Hit("start", row.uuid, remedy)
        reached = max(reached, row.get("end") or today)


def _studied(gap: Period, file: FileData, today: str) -> bool:
    studies = (period(row) for row in file.all("learning"))
    return any(study and overlap(gap, study, until=today) for study in studies)


@check("DQ030")
def current_work_is_this_school(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """The latest record without an end is this school, since the month of joining."""
    rows = file.all("work")
    if not rows:
        return
    open_rows = [row for row in rows if row.get("start") and not row.get("end")]
    if not open_rows:
        yield Hit(remedy=_("Add the record of this school, without an end."))
        return
    latest = max(open_rows, key=lambda row: row.get("start"))
    joined = file.value("basic", "join_school")
    if _squeezed(latest.get("org_name")) != _squeezed(file.school.name):
        yield Hit("org_name", latest.uuid, _("It should be %(school)s.", school=file.school.name))
    elif joined and latest.get("start") != joined:
        yield Hit("start", latest.uuid, _("The school was joined in %(month)s.", month=joined))


def _squeezed(text: str | None) -> str:
    return "".join((text or "").split())
