"""DQ011 to DQ020, DQ040, DQ065 and DQ068: the person, the scope of collection, the transfer.

A message never tells the birth date or what it can be computed from: findings are read in lists
where it is masked (SEC-11).
"""

import re
from collections.abc import Iterator

from flask_babel import gettext as _

from app.core.sealed import UNREADABLE
from app.indicators.catalog import language
from app.indicators.checks.reading import (
    CHINA,
    current_post,
    excludes,
    is_active,
    is_none,
    must_be_blank,
    must_be_filled,
)
from app.indicators.checks.registry import Context, Hit, check
from app.indicators.file import FileData
from app.indicators.periods import age_on, full_months, month_of, years_later
from app.indicators.retirement import retirement_day
from app.indicators.rules import codes_of

RETIRED = frozenset(("301", "302"))
MEMBER, PROBATIONARY, LEAGUE = "01", "02", "03"
IN_ESTABLISHMENT, OUTSIDE = "1", "0"
_MOBILE = re.compile(r"1[3-9][0-9]{9}")


def first_work_month(file: FileData, ctx: Context) -> str | None:
    """The month in which the person reached the age of work."""
    birth = file.value("basic", "birth_date")
    return years_later(month_of(birth), ctx.parameters["work_age_min"]) if birth else None


@check("DQ011")
def age_is_plausible(file: FileData, ctx: Context) -> Iterator[Hit]:
    """At least 16; at most 70 while on the rolls."""
    birth = file.value("basic", "birth_date")
    if birth is None:
        return
    age = age_on(birth, ctx.today)
    too_old = age > ctx.parameters["age_max"] and is_active(file, ctx)
    if age < ctx.parameters["age_min"] or too_old:
        yield Hit("birth_date", remedy=_("Compare the birth date with the document."))


@check("DQ012")
def work_began_at_sixteen(file: FileData, ctx: Context) -> Iterator[Hit]:
    """The start of work; the district may grant an exception (arts, sports)."""
    start, earliest = file.value("basic", "work_start"), first_work_month(file, ctx)
    if start and earliest and start < earliest:
        severity = "warning" if file.facts.early_work_allowed else None
        remedy = _(
            "Work starts at the age of %(age)d or later.", age=ctx.parameters["work_age_min"]
        )
        yield Hit("work_start", remedy=remedy, severity=severity)


@check("DQ013")
def joined_after_starting_work(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """The month of joining the school."""
    joined, start = file.value("basic", "join_school"), file.value("basic", "work_start")
    if joined and start and joined < start:
        yield Hit("join_school", remedy=_("Work started in %(month)s.", month=start))


@check("DQ014")
def chinese_nationals_have_ethnic_group(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """Ethnic group and political status: for Chinese nationals, and for nobody else."""
    row = file.first("basic")
    if row is None or row.get("nationality") is None:
        return
    fields = ("ethnic", "political_status")
    demand = must_be_filled if row.get("nationality") == CHINA else must_be_blank
    yield from demand(row, fields)


@check("DQ015")
def political_status_is_consistent(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Masses and non-party personage stand alone; a member is neither probationary nor League."""
    row = file.first("basic")
    if row is None:
        return
    chosen = codes_of(row.get("political_status"))
    if excludes(row, "political_status", "political_status", ctx):
        yield Hit("political_status", remedy=_("Keep one of them."))
    elif MEMBER in chosen and not {PROBATIONARY, LEAGUE}.isdisjoint(chosen):
        yield Hit("political_status", remedy=_("Check the choice."), severity="warning")


@check("DQ016")
def league_members_are_young(file: FileData, ctx: Context) -> Iterator[Hit]:
    """League members leave at 28."""
    birth = file.value("basic", "birth_date")
    in_league = LEAGUE in codes_of(file.value("basic", "political_status"))
    if birth and in_league and age_on(birth, ctx.today) >= ctx.parameters["league_age_max"]:
        yield Hit("political_status", remedy=_("Check whether the person has left the League."))


@check("DQ017")
def employment_form_fits_establishment(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """The form of employment: outside the establishment only, and there always."""
    row = file.first("basic")
    if row is None:
        return
    if row.get("in_establishment") == IN_ESTABLISHMENT:
        yield from must_be_blank(row, ("employ_form",))
    elif row.get("in_establishment") == OUTSIDE:
        yield from must_be_filled(row, ("employ_form",))


@check("DQ018")
def person_is_in_scope(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Outside the establishment: a contract of a year or more and post category 1, 2 or 3."""
    if file.value("basic", "in_establishment") != OUTSIDE or not is_active(file, ctx):
        return
    yield from _contract_is_long_enough(file, ctx)
    post = current_post(file, ctx.today)
    category = post.get("post_category") if post else None
    if post and category and category not in ctx.parameters["scope_post_categories"]:
        name = ctx.catalog.label("post_category", category, language())
        remedy = _("Outside the establishment, “%(post)s” is not collected.", post=name)
        yield Hit("post.post_category", post.uuid, remedy)


def _contract_is_long_enough(file: FileData, ctx: Context) -> Iterator[Hit]:
    contract = file.value("basic", "contract_type")
    start, end = file.value("basic", "contract_start"), file.value("basic", "contract_end")
    needed = ctx.parameters["contract_months_min"]
    if contract is None or is_none(contract):
        remedy = _(
            "Outside the establishment, a contract of %(months)d months or more is needed.",
            months=needed,
        )
        yield Hit("contract_type", remedy=remedy)
    elif start is None:
        yield Hit("contract_start", remedy=_("Fill in the start of the contract."))
    elif end is not None and full_months(start, end) < needed:
        remedy = _(
            "The contract runs %(months)d months, %(needed)d are needed.",
            months=max(0, full_months(start, end)),
            needed=needed,
        )
        yield Hit("contract_end", remedy=remedy)


@check("DQ019")
def retired_staff_are_not_collected(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """A new file cannot begin with 301 or 302."""
    if file.status in RETIRED and not file.facts.in_force:
        yield Hit("staff_status", remedy=_("Do not submit this file."))


@check("DQ020")
def service_months_are_consistent(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Grass-roots service: months only with a service, in order, and not before 16."""
    row = file.first("basic")
    if row is None:
        return
    start, end = row.get("basic_service_start"), row.get("basic_service_end")
    if is_none(row.get("basic_service")):
        yield from must_be_blank(row, ("basic_service_start", "basic_service_end"))
        return
    if start and end and end < start:
        yield Hit("basic_service_end", remedy=_("The end cannot come before the start."))
    earliest = first_work_month(file, ctx)
    if start and earliest and start < earliest:
        remedy = _(
            "Work starts at the age of %(age)d or later.", age=ctx.parameters["work_age_min"]
        )
        yield Hit("basic_service_start", remedy=remedy)


@check("DQ040")
def retirement_age_is_not_passed(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Still on the rolls although the day of retirement has come, and no stay was registered."""
    birth = file.value("basic", "birth_date")
    if birth is None or file.facts.retirement_exempt or not is_active(file, ctx):
        return
    post = current_post(file, ctx.today)
    category = post.get("post_category") if post else None
    day = retirement_day(birth, file.value("basic", "sex"), category, ctx.parameters)
    if day and day <= ctx.today:
        remedy = _("Change the staff status, or register that the person stays on.")
        yield Hit("staff_status", remedy=remedy)


@check("DQ065")
def one_transfer_at_a_time(file: FileData, ctx: Context) -> Iterator[Hit]:
    """No second transfer while one is open."""
    if ctx.starting == "transfer" and file.facts.open_process == "transfer":
        yield Hit(remedy=_("Wait until it is completed, withdrawn or rejected."))


@check("DQ068")
def mobile_is_well_formed(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """Eleven digits; a number that others use as well is only pointed out."""
    mobile = file.value("contact", "mobile")
    if not mobile or mobile is UNREADABLE:
        return
    row = file.first("contact")
    record = row.uuid if row else None
    if not _MOBILE.fullmatch(mobile):
        yield Hit("mobile", record, _("Write 11 digits, for example 13800138000."))
    elif file.facts.mobile_shared:
        yield Hit("mobile", record, _("Another active teacher has the same number."), "warning")
