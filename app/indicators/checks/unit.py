"""DQ069 and DQ070: the particulars of a unit (school_basic)."""

from collections.abc import Iterator

from flask_babel import gettext as _

from app.indicators.catalog import DISTRICTS
from app.indicators.checks.registry import Context, Hit, check
from app.indicators.file import FileData

CITY = "110000"
HIGHER = "higher"


@check("DQ069")
def school_type_is_in_scope(file: FileData, ctx: Context) -> Iterator[Hit]:
    """A type of 附件1; attached classes hang under a main school."""
    for row in file.all("school_basic"):
        code = row.get("school_type")
        if code is None:
            continue
        kind = ctx.catalog.school_types.get(code)
        if kind is None:
            yield Hit("school_type", row.uuid, _("Choose a type of the list."))
        elif kind.attached and not file.school.main_school:
            yield Hit("school_type", row.uuid, _("Enter the main school of the attached class."))


@check("DQ070")
def authority_fits_school(file: FileData, ctx: Context) -> Iterator[Hit]:
    """The city for universities; for others the district of the place, its own unit, or the city.

    The city stands for the units that it runs itself (市教委直属单位).
    """
    for row in file.all("school_basic"):
        authority, code = row.get("authority"), row.get("school_type")
        kind = ctx.catalog.school_types.get(code or "")
        if authority is None or kind is None or authority == CITY:
            continue
        if kind.category == HIGHER:
            yield Hit("authority", row.uuid, _("Universities belong to the city (110000)."))
        elif row.get("district") and not _same_place(authority, row.get("district"), ctx):
            remedy = _("Choose the district in which the school lies, or the city.")
            yield Hit("authority", row.uuid, remedy)


def _same_place(authority: str, district: str, ctx: Context) -> bool:
    """Whether one is the other, or an own unit (X111xx) inside it."""
    if authority == district:
        return True
    codes = ctx.catalog.codes(DISTRICTS)
    inside = {code.parent for code in (codes.get(authority), codes.get(district)) if code}
    return bool({authority, district} & (inside - {CITY}))
