"""Whether a file may be filled in at present (1.2), asked again under a lock before each write."""

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from app.access.actor import Actor
from app.access.roles import Role
from app.core.errors import NotFound, Stale
from app.models.teacher import OPEN_STATES, ReviewState, Teacher
from app.models.unit import Unit
from app.services.round import terms_of

FILL_IN = frozenset({Role.SCHOOL_INFO, Role.TEACHER})
FILLED_IN = (*OPEN_STATES, ReviewState.SUBMITTED)


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


def is_open_to(actor: Actor, teacher: Teacher, *, closed: bool | None = None) -> bool:
    """Whether the actor's part of the file may be filled in at present (1.2, 1.3, S82).

    `closed` tells whether the round of the school is closed, for whoever has asked for many files.
    """
    own_school = actor.role == Role.SCHOOL_INFO and actor.unit_id == teacher.school_id
    if not (teacher.is_open or (own_school and teacher.state == ReviewState.SUBMITTED)):
        return False
    if closed is None and actor.role in FILL_IN:
        closed = is_round_closed(teacher.school)
    return not closed


def is_round_closed(school: Unit) -> bool:
    """Whether the round that asks a school is closed and no extension runs."""
    session = object_session(school)
    terms = None if session is None else terms_of(session, [school]).get(school.id)
    return terms is not None and terms.locked


def round_closed() -> str:
    """What a person is told whose round is closed: who can open it again."""
    return _("The round is closed. Your authority can open it again or extend your deadline.")


def locked_reason(teacher: Teacher) -> str:
    """Why the file cannot be edited at present, and who can change that and how."""
    if teacher.state in FILLED_IN and is_round_closed(teacher.school):
        return round_closed()
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
    if not teacher.active:
        return _("The person has left. The file is read only.")
    return _("The file is effective. It is altered by an addition or a change request.")
