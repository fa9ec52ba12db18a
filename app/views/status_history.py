"""The status changes of a file, as its page shows them, and how their states look."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import Role
from app.indicators.catalog import Catalog, language
from app.models.status_change import StatusState
from app.models.teacher import Teacher
from app.services import status_change as changes
from app.views.listing import address_of
from app.views.widgets import Badge, badge_of, text_of

# Icon and tint of each state, and its words.
STATE_BADGES: Mapping[Any, tuple[str, str]] = {
    StatusState.DRAFT: ("pencil", "draft"),
    StatusState.PENDING_AUTHORITY: ("hourglass", "wait"),
    StatusState.SCHEDULED: ("clock", "wait"),
    StatusState.EFFECTIVE: ("circle-check", "good"),
    StatusState.REJECTED: ("circle-x", "back"),
    StatusState.WITHDRAWN: ("arrow-back", "draft"),
    StatusState.REVOKED: ("arrow-back-up", "back"),
}
STATE_WORDS: Mapping[str, Any] = {
    StatusState.DRAFT: _l("Registered"),
    StatusState.PENDING_AUTHORITY: _l("At the authority"),
    StatusState.SCHEDULED: _l("Waits for its day"),
    StatusState.EFFECTIVE: _l("In effect"),
    StatusState.REJECTED: _l("Rejected"),
    StatusState.WITHDRAWN: _l("Withdrawn"),
    StatusState.REVOKED: _l("Revoked"),
}


class StatusLine(NamedTuple):
    """A status change of a file, with the address of its page."""

    before: str
    after: str
    day: str
    state: Badge
    href: str


def state_badge(state: str) -> Badge:
    """Return the badge of a state."""
    return badge_of(state, STATE_BADGES, STATE_WORDS[StatusState(state)])


def status_lines(session: Session, teacher: Teacher, known: Catalog) -> list[StatusLine]:
    """Return the status changes of a file that the reader may see, the latest first."""
    lang = language()
    return [
        StatusLine(
            known.label(changes.STATUSES, each.from_status, lang),
            known.label(changes.STATUSES, each.to_status, lang),
            text_of(each.effective_date),
            state_badge(each.state),
            address_of("StatusPageView", "show", pk=each.id),
        )
        for each in changes.of_file(session, teacher)
    ]


def register_url(actor: Actor, teacher: Teacher, known: Catalog) -> str:
    """Return where the school registers a change of the status, nothing for everybody else."""
    is_school = actor.role == Role.SCHOOL_INFO and actor.unit_id == teacher.school_id
    if not is_school or not teacher.is_in_force or actor.teacher_id == teacher.id:
        return ""
    if not changes.targets(known, teacher.staff_status):
        return ""
    return address_of("StatusPageView", "register", pk=teacher.id)


def status_label(teacher: Teacher, known: Catalog) -> str:
    """Return the staff status of a file in words."""
    return known.label(changes.STATUSES, teacher.staff_status, language())
