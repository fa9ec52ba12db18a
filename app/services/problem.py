"""The open problems of files: what the last check found and nobody has settled (L3)."""

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import RESTRICTED_SETS, may_view_set
from app.models.teacher import FileProblem, Teacher

ERROR, WARNING = "error", "warning"


def is_open(actor: Actor) -> list[ColumnElement[bool]]:
    """The conditions on problems that are open and that the actor may read: errors, and warnings
    that nobody acknowledged, of persons on the rolls, in sets that the role opens."""
    hidden = [code for code in RESTRICTED_SETS if not may_view_set(actor, code)]
    found: list[ColumnElement[bool]] = [
        or_(FileProblem.severity == ERROR, FileProblem.acknowledged_at.is_(None)),
        FileProblem.teacher_id.in_(select(Teacher.id).where(Teacher.active)),
    ]
    if hidden:
        found.append(or_(FileProblem.set.is_(None), FileProblem.set.not_in(hidden)))
    return found


def counts(session: Session, actor: Actor, school_id: int | None = None) -> dict[str, int]:
    """How many problems of each severity are open in scope, or in one school of it."""
    statement = select(FileProblem.severity, func.count()).where(*is_open(actor))
    if school_id is not None:
        statement = statement.where(FileProblem.school_id == school_id)
    rows = session.execute(statement.group_by(FileProblem.severity))
    return dict(rows.all())


def words(found: dict[str, int]) -> str:
    """Errors and warnings in the reader's language."""
    return _(
        "%(errors)s errors, %(warnings)s warnings",
        errors=f"{found.get(ERROR, 0):,}",
        warnings=f"{found.get(WARNING, 0):,}",
    )
