"""Teachers on rotation at a school, as the host reads them (s6.1): while it lasts, three sets,
nothing to alter. The scope says who they are (access.scope)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import View, is_collected, may_view_guest_set, view_on_file
from app.core.errors import NotFound
from app.core.reference import Indicator
from app.indicators.catalog import Catalog
from app.models.record import TEACHER_SETS
from app.models.rotation import Rotation
from app.models.teacher import Teacher
from app.models.unit import Unit
from app.services.among import among
from app.services.attachment import is_file

GUESTS = {"guests": True}


@dataclass(frozen=True)
class Guest:
    """A person on rotation here: the file, what brought the person, and the school that sends."""

    teacher: Teacher
    rotation: Rotation
    school: str
    category: str


def guests(session: Session) -> list[Guest]:
    """The guests of the school of whoever acts, at present, by name; two statements."""
    return _told(session, session.execute(_present().order_by(Teacher.name, Teacher.id)).all())


def find(session: Session, key: int) -> Guest:
    """A guest of the school of whoever acts. Raises NotFound, also before the start and after the
    end."""
    rows = session.execute(_present().where(Teacher.id == key)).all()
    if not rows:
        raise NotFound()
    return _told(session, rows)[0]


def rows(session: Session, actor: Actor, guest: Guest, set_code: str) -> list[Any]:
    """The present rows of one set of a guest's file. Raises NotFound for any other set."""
    if not may_view_guest_set(actor, set_code):
        raise NotFound()
    cls = TEACHER_SETS[set_code]
    mine = select(cls).where(cls.teacher_id == guest.teacher.id, cls.as_of()).order_by(cls.id)
    return list(session.scalars(mine, execution_options=GUESTS))


def items(actor: Actor, guest: Guest, set_code: str, catalog: Catalog) -> list[Indicator]:
    """The indicators of a set that the host reads: what the sending school collects, without
    uploads, which are shown whole or not at all."""
    return [
        item
        for item in catalog.set(set_code).indicators
        if is_collected(item, guest.category, catalog)
        and view_on_file(actor, item) is not View.HIDDEN
        and not is_file(item)
    ]


def _present() -> Any:
    return (
        select(Teacher, Rotation)
        .join(Rotation, Rotation.teacher_id == Teacher.id)
        .execution_options(**GUESTS)
    )


def _told(session: Session, found: Sequence[Any]) -> list[Guest]:
    senders = _senders(session, [teacher for teacher, _rotation in found])
    return [Guest(teacher, rotation, *senders[teacher.school_id]) for teacher, rotation in found]


def _senders(session: Session, teachers: Sequence[Teacher]) -> Mapping[int, tuple[str, str]]:
    """Name and category of the schools that send, by the public register."""
    ids = sorted({teacher.school_id for teacher in teachers})
    found = session.execute(
        select(Unit.id, Unit.name, Unit.category).where(among(session, Unit.id, ids)),
        execution_options={"unscoped": True},
    )
    return {row.id: (row.name, row.category or "") for row in found}
