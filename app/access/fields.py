"""Who may see and who may edit an indicator: the only answer for form, list, API, search, sort,
filter, export, import and print (SEC-04)."""

from enum import StrEnum
from typing import Any, Protocol

from app.access.actor import Actor
from app.access.roles import FILES, GUEST_SETS, HOSTS, RESTRICTED_SETS, Role
from app.core.reference import Indicator, IndicatorSet
from app.models.teacher import IN_FORCE_STATES, OPEN_STATES, ReviewState


class View(StrEnum):
    """How much of a value is shown."""

    HIDDEN = "hidden"
    MASKED = "masked"
    SEALED = "sealed"  # masked until revealed by an audited act (SEC-10)
    WHOLE = "whole"


class Rules(Protocol):
    """What is asked of the catalogue."""

    def rule(self, set_code: str, code: str, category: str) -> Any:
        """The rule of an indicator for a school category."""


# Indicators of the basic set that no form, import or interface sets: their flow does.
SET_BY_FLOWS = frozenset({"basic.staff_status"})

# Who analyses and spot-checks but decides nothing of a person: masks everywhere, no reveal.
INSPECTORS = frozenset({Role.CITY_ASSISTANT})


def may_view_set(actor: Actor, set_code: str) -> bool:
    """Whether the role sees rows of a set at all."""
    return actor.role in RESTRICTED_SETS.get(set_code, FILES)


def may_view_guest_set(actor: Actor, set_code: str) -> bool:
    """Whether the role sees rows of a set of those who are on rotation at its school (s6.1)."""
    mine = actor.role in HOSTS and set_code in GUEST_SETS
    return mine and may_view_set(actor, set_code)


def view_on_file(actor: Actor, indicator: Indicator) -> View:
    """How a value shows on the file page and in forms; the file itself is already in scope."""
    if not may_view_set(actor, indicator.set):
        return View.HIDDEN
    if actor.role == Role.TEACHER:
        return View.WHOLE
    if indicator.masked and actor.role in INSPECTORS:
        return View.MASKED
    return View.SEALED if indicator.pii_level == "encrypt" else View.WHOLE


def view_for_purpose(actor: Actor, indicator: Indicator) -> View:
    """How a value shows where it leaves for a stated purpose that is on record: on a printed sheet
    and in an export of whole files (SEC-10, SEC-14). What may be revealed is whole there."""
    view = view_on_file(actor, indicator)
    return View.WHOLE if view is View.SEALED else view


def view_in_list(actor: Actor, indicator: Indicator) -> View:
    """How a value shows in lists, searches, notices and plain exports (SEC-10)."""
    if not may_view_set(actor, indicator.set):
        return View.HIDDEN
    return View.MASKED if indicator.masked else View.WHOLE


def may_search(actor: Actor, indicator: Indicator) -> bool:
    """Whether a list may filter or sort by the value: masked and sealed ones never whole."""
    return view_in_list(actor, indicator) is View.WHOLE


def _fills_in(actor: Actor, teacher: Any, indicator: Indicator, catalog: Rules) -> bool:
    """Whether the value is this person's to say at all, whatever the state of the file: place,
    then role against `filled_by` (S51, S52). `teacher` has id, school_id, category."""
    if indicator.read_only or indicator.key in SET_BY_FLOWS:
        return False
    rule = catalog.rule(indicator.set, indicator.code, teacher.category)
    if not rule.collected:
        return False
    if actor.role == Role.SCHOOL_INFO:
        return bool(teacher.school_id == actor.unit_id)
    if actor.role == Role.TEACHER:
        mine = actor.teacher_id == teacher.id
        return mine and not indicator.core and rule.filled_by in ("teacher", "both")
    return False


def may_edit(actor: Actor, teacher: Any, indicator: Indicator, catalog: Rules) -> bool:
    """Whether the actor may type the value into this file; `teacher` has id, state, school_id,
    category.

    What is submitted is locked as the teacher declared it; the school completes its own part
    until the head confirms (1.3, 1.6).
    """
    if not _fills_in(actor, teacher, indicator, catalog):
        return False
    if teacher.state in OPEN_STATES:
        return True
    if teacher.state != ReviewState.SUBMITTED or actor.role != Role.SCHOOL_INFO:
        return False
    rule = catalog.rule(indicator.set, indicator.code, teacher.category)
    return indicator.core or rule.filled_by == "school"


def may_add(actor: Actor, teacher: Any, indicator: Indicator, catalog: Rules) -> bool:
    """Whether the actor may say the value where an effective file says nothing (2.1, 2.2). The file
    of a person who has left is read only (5.2)."""
    is_kept = teacher.active and teacher.state in IN_FORCE_STATES
    return is_kept and _fills_in(actor, teacher, indicator, catalog)


def may_change(actor: Actor, teacher: Any, indicator: Indicator, catalog: Rules) -> bool:
    """Whether the actor may ask to alter or delete the value of an effective file: the school's
    information administrator alone (3.1)."""
    is_school = actor.role == Role.SCHOOL_INFO
    return is_school and may_add(actor, teacher, indicator, catalog)


def may_edit_unit(actor: Actor, unit: Any, indicator: Indicator, catalog: Rules) -> bool:
    """Whether the actor may type in a particular of a unit: its own information administrator,
    what the category collects and nothing gives by itself (S22). `unit` has id and category."""
    if actor.role != Role.SCHOOL_INFO or actor.unit_id != unit.id or indicator.read_only:
        return False
    rule = catalog.rule(indicator.set, indicator.code, unit.category)
    return rule.collected and rule.filled_by in ("school", "both")


def may_edit_set(actor: Actor, teacher: Any, set_code: str, catalog: Any) -> bool:
    """Whether any indicator of a set may be typed in."""
    return any(may_edit(actor, teacher, item, catalog) for item in catalog.set(set_code).indicators)


def is_collected(indicator: Indicator, category: str, catalog: Rules) -> bool:
    """Whether the category collects the indicator at all (S19)."""
    return catalog.rule(indicator.set, indicator.code, category).collected


def visible(actor: Actor, entry: IndicatorSet, category: str, catalog: Rules) -> list[Indicator]:
    """The indicators of a set that the page of a file shows to the actor, masked or whole."""
    return [
        item
        for item in entry.indicators
        if is_collected(item, category, catalog) and view_on_file(actor, item) is not View.HIDDEN
    ]
