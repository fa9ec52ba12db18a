"""What the import says about rows that cannot be used as they are, with what helps."""

from collections.abc import Callable
from dataclasses import replace

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.reference import Indicator
from app.exchange.teacher_import.staging import StagedRow
from app.indicators.catalog import Catalog, language
from app.services import check, identity

Words = Callable[[], str]


def unknown_person() -> str:
    """Nobody in the school has this number, and the workbook opens no file for it."""
    return _(
        "Your school has no file with this ID number, and the sheet of basic information has no row"
        " for it. Correct the number, or add the person there."
    )


def basic_is_bad() -> str:
    """The row that would open the file has problems of its own."""
    return _(
        "The row of this person on the sheet of basic information is refused. Mend that row first."
    )


def no_file_to_update() -> str:
    """Only updates were asked for."""
    return _("Your school has no file of this person to update. Choose “add” or “add and update”.")


def no_record_to_update() -> str:
    """Only updates were asked for."""
    return _(
        "The file has no such record to update. Check the columns that identify the row, or choose"
        " “add and update”."
    )


def left_as_it_is() -> str:
    """Only additions were asked for."""
    return _("This exists already and is left as it is, since only additions were chosen.")


def repeats(first: StagedRow) -> Words:
    """Two rows speak of one record."""
    return lambda: _(
        "Row %(row)d of this sheet is about the same record. Keep one of them.", row=first.number
    )


def other_name() -> str:
    """Number and name do not belong together."""
    return _("The ID number belongs to somebody with another name. Correct number or name.")


def name_changes() -> str:
    """An existing file would get another name."""
    return _("The file gets another name by this row. Check that the ID number is the right one.")


def does_not_apply() -> str:
    """A value whose condition does not hold."""
    return _("This does not apply with the other values of the row and stays empty.")


def needed_to_open(catalog: Catalog, item: Indicator) -> Words:
    """Without it there is no file."""
    return lambda: _("%(name)s is needed to open a file.", name=catalog.name(item, language()))


def not_yours(catalog: Catalog, item: Indicator) -> Words:
    """The field right is missing."""
    return lambda: _("%(name)s is not yours to fill in.", name=catalog.name(item, language()))


def status_has_its_flow() -> str:
    """The staff status is no plain field."""
    return _("The staff status is changed by a status change, not by an import. Empty the cell.")


def refused_status(status: str, catalog: Catalog) -> Words:
    """Retired people are not collected (S18)."""
    return lambda: str(check.refused_status(status, catalog)[0].message)


def unnamed(known: identity.KnownIdentity) -> identity.KnownIdentity:
    """A file elsewhere whose school is not named any more (SEC-13)."""
    return replace(known, school=_l("another school"))
