"""Which business modules a unit uses: by its school category, once its first collection is in
effect (S09, Q3). Pages, menu and guards of a module ask here."""

from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.errors import Problem
from app.indicators.catalog import Catalog


class Module(StrEnum):
    """A module that is switched per school category."""

    TRANSFER = "transfer"
    ROTATION = "rotation"
    TRAINING = "training"


LABELS = {
    Module.TRANSFER: _l("Transfers"),
    Module.ROTATION: _l("Rotations"),
    Module.TRAINING: _l("Training"),
}


class Switch(StrEnum):
    """Whether a module is on for a unit, or why not."""

    ON = "on"
    CATEGORY_OFF = "category_off"
    NOT_COLLECTED = "not_collected"


def switch_of(module: Module, unit: Any, catalog: Catalog) -> Switch:
    """Tell whether a module is on for a school; `unit` has category and first_effective.

    All modules follow the parameter `module_categories`; a module that gets a parameter of its
    own is told apart here and nowhere else. An authority, which has no category, always sees them.
    """
    Module(module)
    if unit.category is None:
        return Switch.ON
    if unit.category not in catalog.parameter("module_categories"):
        return Switch.CATEGORY_OFF
    return Switch.ON if unit.first_effective else Switch.NOT_COLLECTED


def is_on(module: Module, unit: Any, catalog: Catalog) -> bool:
    """Tell whether a unit uses a module today."""
    return switch_of(module, unit, catalog) is Switch.ON


def module_problems(module: Module, unit: Any, catalog: Catalog) -> list[Problem]:
    """Why a school does not use a module; nothing where it does."""
    switch = switch_of(module, unit, catalog)
    if switch is Switch.ON:
        return []
    names = {"module": LABELS[module], "school": unit.name}
    text = (
        _("%(module)s: not switched on for schools like %(school)s.", **names)
        if switch is Switch.CATEGORY_OFF
        else _("%(module)s: the first collection of %(school)s is not yet in effect.", **names)
    )
    return [Problem("module_off", text)]
