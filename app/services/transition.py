"""Rows of the history that are no step of the engine: opening, editing, acknowledging."""

from typing import Any

from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.core.clock import now
from app.models.history import Transition


def note(
    session: Session,
    actor: Actor,
    item: Any,
    *,
    flow: str,
    step: str,
    from_state: str | None,
    **more: Any,
) -> None:
    """Write a row about an object in the state that it has by now; `more` are further columns."""
    session.add(
        Transition(
            flow=flow,
            object_id=item.id,
            teacher_id=item.teacher_id,
            step=step,
            from_state=from_state,
            to_state=item.state,
            account_id=actor.account_id or None,
            assignment_id=actor.assignment_id,
            role=str(actor.role),
            unit_id=actor.unit_id or None,
            school_id=item.school_id,
            authority_id=item.authority_id,
            at=now(),
            object_version=item.version,
            **more,
        )
    )
