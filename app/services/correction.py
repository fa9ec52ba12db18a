"""Correction tasks (1.11): opened by the step of the review, closed with a reason by the city."""

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import Role
from app.core.clock import now
from app.core.errors import Forbidden, Refused, Stale
from app.models.correction import Correction
from app.services import audit, notice
from app.services.notice import REASON_LENGTH

TOLD = (Role.SCHOOL_INFO, Role.SCHOOL_HEAD, Role.DISTRICT_INFO)


def close(session: Session, actor: Actor, task: Correction, reason: str) -> None:
    """Close a task without a change; its file may be reported again.

    Raises Forbidden for all but the city, Stale when it is closed, Refused without a reason of 1
    to 500 characters.
    """
    if actor.role != Role.CITY_INFO:
        raise Forbidden()
    if not 0 < len(reason.strip()) <= REASON_LENGTH:
        raise Refused(problems=[notice.reason_problem()])
    if task.closed_at is not None:
        raise Stale(_("This correction task is closed already."))
    task.closed_by, task.closed_at, task.close_reason = actor.account_id, now(), reason.strip()
    session.flush()
    audit.record(session, "change", actor=actor, object=task, reason=task.close_reason)
    units = [task.school_id, task.authority_id]
    accounts = notice.accounts_of(session, units, TOLD)
    told = {account for found in accounts.values() for account in found} - {actor.account_id}
    notice.send(session, "correction_closed", told, count=1, reason=task.close_reason)


def open_count(session: Session) -> int:
    """Open tasks in scope."""
    statement = select(func.count()).select_from(Correction).where(Correction.closed_at.is_(None))
    return session.scalar(statement) or 0
