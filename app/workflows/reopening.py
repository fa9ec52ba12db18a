"""The file review's answer to what took effect in a file by another flow (1.13)."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from app.access.actor import SYSTEM_ACTOR
from app.models.teacher import ReviewState, Teacher
from app.services.among import among
from app.workflows.engine import Act
from app.workflows.review import REVIEW

# The states of objects of other flows in which their step has changed the file.
TOOK_EFFECT = frozenset({"approved", "effective", "revoked", "completed"})


def reopen_reported(act: Act, items: list[Any]) -> None:
    """Open the reported files of what took effect again for the next batch."""
    reopen(act, [item.teacher_id for item in items if item.state in TOOK_EFFECT])


def reopen(act: Act, teacher_ids: Iterable[int]) -> None:
    """Open those of some files that are reported again: the system's own step."""
    files = sorted(set(teacher_ids))
    query = select(Teacher.id).where(
        among(act.session, Teacher.id, files), Teacher.state == ReviewState.REPORTED
    )
    reported = dict.fromkeys(act.session.scalars(query))
    if reported:
        REVIEW.perform_many(act.session, reported, "reopen", SYSTEM_ACTOR, catalog=act.catalog)
