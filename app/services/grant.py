"""Files that have left a school, as they were on the day of leaving: read only, nothing that was
said later (data-model s2, SEC-06)."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.record import TEACHER_SETS
from app.models.transfer import FileGrant


def records(session: Session, grant: FileGrant, set_code: str) -> list[Any]:
    """The rows of one set of the file as the school of a grant in scope last had them, in order of
    entry."""
    cls = TEACHER_SETS[set_code]
    mine = select(cls).where(cls.teacher_id == grant.teacher_id, cls.right_before(grant.at))
    return list(session.scalars(mine.order_by(cls.id), execution_options={"unscoped": True}))
