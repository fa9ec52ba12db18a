"""DQ049 to DQ058: pay, yearly appraisal, professional ethics."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from app.indicators.checks.reading import (
    attr,
    excludes,
    is_none,
    is_on_post,
    is_own,
    must_be_blank,
    must_be_filled,
    repeated,
)
from app.indicators.checks.registry import Context, Hit, check
from app.indicators.file import FileData, Row
from app.indicators.periods import months_apart

MONTHLY = ("base_salary", "performance_pay", "other_allowance", "rural_subsidy", "other_income")
FAILED = "4"
DISMISSED = "308"
PUNISH = (
    "punish_reason",
    "punish_happen_date",
    "punish_desc",
    "punish_org",
    "punish_date",
    "punish_revoke_date",
    "punish_revoke_reason",
)
HONOUR = ("honor_type", "honor_date", "honor_desc", "honor_org")


@check("DQ049")
def pay_year_is_complete_and_single(file: FileData, ctx: Context) -> Iterator[Hit]:
    """One record a year, the last year at most, and not before joining."""
    for row in repeated(file.all("treatment"), "year"):
        yield Hit("year", row.uuid, _("Mend the existing record instead."))
    joined = file.value("basic", "join_school")
    for row in file.all("treatment"):
        year = row.get("year")
        if year is None:
            continue
        if year >= ctx.today.year:
            yield Hit("year", row.uuid, _("The year is not over: report it next year."))
        elif joined and year < int(joined[:4]) and is_own(row, file):
            yield Hit("year", row.uuid, _("The former school reports this year."))


@check("DQ050")
def annual_income_equals_months(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Twelve times the monthly items, give or take 30 %."""
    share = Decimal(ctx.parameters["income_tolerance_percent"]) / 100
    for row in file.all("treatment"):
        annual = row.get("annual_income")
        if annual is None:
            continue
        items = [row.get(code) for code in MONTHLY if row.get(code) is not None]
        year = sum(items, Decimal(0)) * 12
        if not annual and is_on_post(file, ctx):
            yield Hit("annual_income", row.uuid, _("Give the income of the whole year before tax."))
        elif items and abs(annual - year) > year * share:
            yield Hit("annual_income", row.uuid, _("Compare it with twelve times the items."))


@check("DQ051")
def rural_subsidy_fits_school(file: FileData, ctx: Context) -> Iterator[Hit]:
    """The subsidy is paid at rural schools, and there to everybody."""
    if not ctx.catalog.collected("treatment", "rural_subsidy", file.school.category):
        return
    rural = is_rural(file, ctx)
    for row in file.all("treatment"):
        subsidy = row.get("rural_subsidy")
        if subsidy is not None and is_own(row, file) and rural != (subsidy > 0):
            remedy = _("The school counts as rural.") if rural else _("The school is not rural.")
            yield Hit("rural_subsidy", row.uuid, remedy)


def is_rural(file: FileData, ctx: Context) -> bool:
    """Whether the place of work is rural: by its class 2xx or by the city's list of schools."""
    place = file.value("bj_ext", "work_urban_rural") or file.school.urban_rural or ""
    return place.startswith("2") or file.school.code in ctx.parameters["rural_schools"]


@check("DQ052")
def no_insurance_stands_alone(file: FileData, ctx: Context) -> Iterator[Hit]:
    """无 beside other insurance."""
    for row in file.all("treatment"):
        if excludes(row, "insurance", "insurance", ctx):
            yield Hit("insurance", row.uuid, _("Keep one of them."))


@check("DQ053")
def appraisal_year_is_plausible(file: FileData, ctx: Context) -> Iterator[Hit]:
    """One record a year, between the start of work and this year."""
    for row in repeated(file.all("appraisal"), "year"):
        yield Hit("year", row.uuid, _("Mend the existing record instead."))
    start = file.value("basic", "work_start")
    for row in file.all("appraisal"):
        year = row.get("year")
        if year is None:
            continue
        if year > ctx.today.year or (start and year < int(start[:4])):
            yield Hit("year", row.uuid, _("Compare the year with the appraisal form."))


@check("DQ054")
def failed_ethics_fails_appraisal(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Failed ethics decide the appraisal of the same year."""
    vetoed = {
        int(row.get("assess_date")[:4])
        for row in file.all("ethics")
        if row.get("assess_date")
        and attr(ctx.catalog, "ethics_result", row.get("assess_result"), "veto")
    }
    for row in file.all("appraisal"):
        if row.get("year") in vetoed and row.get("result") not in (None, FAILED):
            yield Hit("result", row.uuid, _("The ethics of this year were failed: check both."))


@check("DQ055")
def last_year_was_appraised(file: FileData, ctx: Context) -> Iterator[Hit]:
    """From April on, who was on post for six months of last year has an appraisal."""
    if ctx.today.month < ctx.parameters["appraisal_reminder_month"] or not is_on_post(file, ctx):
        return
    joined, year = file.value("basic", "join_school"), ctx.today.year - 1
    if not joined:
        return
    served = min(12, months_apart(joined, f"{year}-12") + 1)
    reported = any(row.get("year") == year for row in file.all("appraisal"))
    if served >= ctx.parameters["appraisal_months_min"] and not reported:
        yield Hit("year", remedy=_("Add the appraisal of %(year)d.", year=year))


@check("DQ056")
def sanction_is_consistent(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Particulars only with a sanction; event, sanction and revocation in order."""
    for row in file.all("ethics"):
        kind = row.get("punish_type")
        if kind is None or is_none(kind):
            yield from must_be_blank(row, PUNISH)
            continue
        yield from must_be_filled(row, ("punish_reason", "punish_happen_date"))
        yield from _in_order(row, ctx)


def _in_order(row: Row, ctx: Context) -> Iterator[Hit]:
    codes = ("punish_happen_date", "punish_date", "punish_revoke_date")
    known: list[tuple[str, Any]] = [(code, row.get(code)) for code in codes if row.get(code)]
    known.append(("", ctx.today))
    for (code, day), (_next, later) in zip(known, known[1:], strict=False):
        if day > later:
            remedy = _("Event, sanction and revocation follow each other, none after today.")
            yield Hit(code, row.uuid, remedy)


@check("DQ057")
def dismissal_fits_status(file: FileData, ctx: Context) -> Iterator[Hit]:
    """Who was dismissed as a sanction has left as dismissed, and the reverse."""
    dismissals = [
        row
        for row in file.all("ethics")
        if attr(ctx.catalog, "punish_type", row.get("punish_type"), "ends_employment")
        and row.get("punish_revoke_date") is None
    ]
    if dismissals and file.status != DISMISSED:
        yield Hit("punish_type", dismissals[0].uuid, _("Register the dismissal as staff status."))
    elif file.status == DISMISSED and not dismissals:
        yield Hit("punish_type", remedy=_("Add the sanction."))


@check("DQ058")
def honour_is_consistent(file: FileData, _ctx: Context) -> Iterator[Hit]:
    """Particulars only with an honour, and then title and date."""
    for row in file.all("ethics"):
        level = row.get("honor_level")
        if level is None or is_none(level):
            yield from must_be_blank(row, HONOUR)
        else:
            yield from must_be_filled(row, ("honor_type", "honor_date"))
