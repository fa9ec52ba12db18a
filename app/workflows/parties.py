"""Who may take a step: one small question each about actor and object."""

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.access.roles import Role
from app.access.scope import Actor
from app.core.clock import today
from app.models.account import Account, Assignment
from app.models.teacher import Teacher


def teacher_self(_session: Session, actor: Actor, file: Teacher) -> bool:
    """The teacher whose file it is."""
    return actor.role == Role.TEACHER and actor.teacher_id == file.id


def school_info(_session: Session, actor: Actor, file: Teacher) -> bool:
    """The information administrator of the school."""
    return actor.role == Role.SCHOOL_INFO and actor.unit_id == file.school_id


def school_head(_session: Session, actor: Actor, file: Teacher) -> bool:
    """The head of the school, or the delegate of the head."""
    return actor.role == Role.SCHOOL_HEAD and actor.unit_id == file.school_id


def authority(_session: Session, actor: Actor, file: Teacher) -> bool:
    """The information administrator of the authority: 区教委, for 市属高校 the 市教委."""
    return (
        actor.role in (Role.DISTRICT_INFO, Role.CITY_INFO) and actor.unit_id == file.authority_id
    )


def city(_session: Session, actor: Actor, _file: Teacher) -> bool:
    """The information administrator of the city commission."""
    return actor.role == Role.CITY_INFO


def city_for_district_file(_session: Session, actor: Actor, file: Teacher) -> bool:
    """The city, for files that a district decided (1.10)."""
    return actor.role == Role.CITY_INFO and actor.unit_id != file.authority_id


def authority_for_head(session: Session, actor: Actor, file: Teacher) -> bool:
    """The authority in the place of a head who has no delegate, for the head's own file (s0)."""
    if not authority(session, actor, file):
        return False
    holders = active_heads(session, file.school_id)
    own = session.scalar(select(Account.id).where(Account.teacher_id == file.id))
    return own is not None and holders == {own}


def system(_session: Session, _actor: Actor, _file: Teacher) -> bool:
    """The system itself; never a signed-in person."""
    return False


system.is_system = True  # type: ignore[attr-defined]


def active_heads(session: Session, school_id: int) -> set[int]:
    """The accounts that may act as head of a school today, delegates included."""
    day = today()
    return set(
        session.scalars(
            select(Assignment.account_id)
            .where(
                Assignment.unit_id == school_id,
                Assignment.role == Role.SCHOOL_HEAD,
                Assignment.valid_from <= day,
                or_(Assignment.valid_to.is_(None), Assignment.valid_to >= day),
            )
            .execution_options(unscoped=True)
        )
    )
