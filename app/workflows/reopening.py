"""The file review's answer to what took effect in a file by another flow (1.13)."""

from typing import Any

from sqlalchemy import select

from app.access.scope import SYSTEM_ACTOR
from app.models.teacher import ReviewState, Teacher
from app.services.among import among
from app.workflows.engine import Act
from app.workflows.review import REVIEW

TOOK_EFFECT = ("approved", "completed")  # The states of the other flows in which a file changed.


def reopen_reported(act: Act, items: list[Any]) -> None:
    """Open reported files again for the next batch: the system's own step."""
    files = sorted({item.teacher_id for item in items if item.state in TOOK_EFFECT})
    query = select(Teacher.id).where(
        among(act.session, Teacher.id, files), Teacher.state == ReviewState.REPORTED
    )
    reported = dict.fromkeys(act.session.scalars(query))
    if reported:
        REVIEW.perform_many(act.session, reported, "reopen", SYSTEM_ACTOR, catalog=act.catalog)
