"""Whether a file may be filled in at present (1.2), asked again under a lock before each write."""

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.roles import Role
from app.access.scope import Actor
from app.core.errors import NotFound, Stale
from app.models.teacher import ReviewState, Teacher


def hold(session: Session, teacher: Teacher) -> None:
    """Lock a file and read it anew, so that what is written next and a step of the review come
    one after the other. Raises NotFound when it has gone or left the scope."""
    again = session.scalars(
        select(Teacher)
        .where(Teacher.id == teacher.id)
        .with_for_update(of=Teacher)
        .execution_options(populate_existing=True)
    ).first()
    if again is None:
        raise NotFound()


def require_open(session: Session, actor: Actor, teacher: Teacher) -> None:
    """Hold a file that the actor is about to fill in; raises NotFound, Stale when it is locked."""
    hold(session, teacher)
    if not is_open_to(actor, teacher):
        raise Stale(locked_reason(teacher))


def is_open_to(actor: Actor, teacher: Teacher) -> bool:
    """Whether the actor's part of the file may be filled in at present (1.2, 1.3)."""
    own_school = actor.role == Role.SCHOOL_INFO and actor.unit_id == teacher.school_id
    return teacher.is_open or (own_school and teacher.state == ReviewState.SUBMITTED)


def locked_reason(teacher: Teacher) -> str:
    """Why the file cannot be edited at present, and who can change that and how."""
    if teacher.state == ReviewState.SUBMITTED:
        return _(
            "The file waits for the head of the school. Who submitted it can withdraw it, and"
            " the school can return it."
        )
    if teacher.state == ReviewState.SCHOOL_CONFIRMED:
        return _(
            "The file waits for the authority. The head can withdraw the report, or the"
            " authority can return it."
        )
    return _("The file is effective. It is altered by an addition or a change request.")
