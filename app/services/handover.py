"""What a transfer closes at the school that a person leaves and opens at the one that is joined, as
both sides hand the file over (4.5, 4.6), and how the subject is taught before and after."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import AUTHORITIES, HOSTS, Role
from app.core import clock
from app.core.errors import NotFound
from app.indicators.periods import add_months, month_of
from app.models.record import TEACHER_SETS
from app.models.teacher import Teacher
from app.models.transfer import Transfer, TransferState
from app.services.transfer_take import ENDING

# From the step on in which both authorities have agreed.
TOLD = (TransferState.READY_TO_TAKE, TransferState.COMPLETED)
UNSCOPED = {"unscoped": True}


@dataclass(frozen=True)
class Cover:
    """How many active teachers teach a subject (a code of the dictionary) at the two schools,
    before the transfer and after it; always with or without the person, as of today."""

    subject: str
    left_before: int
    left_after: int
    joined_before: int
    joined_after: int


@dataclass(frozen=True)
class Handover:
    """What both sides are told. `first` and `last` are months, YYYY-MM: of the new school and of
    the old one; `planned` says that the month of joining is not settled yet. `records` are the
    numbers of records that end, by set."""

    first: str
    last: str
    planned: bool
    records: Mapping[str, int]
    cover: Cover | None


def may_hand_over(actor: Actor, item: Transfer) -> bool:
    """Whether a person reads the handover sheet of a transfer in scope: both schools and both
    authorities, and the city above them, once it is ready to be taken."""
    if item.state not in TOLD or actor.role not in AUTHORITIES | HOSTS:
        return False
    sides = (item.school_id, item.authority_id, item.from_school_id, item.from_authority_id)
    return actor.role == Role.CITY_INFO or actor.unit_id in sides


def handover(session: Session, actor: Actor, item: Transfer) -> Handover:
    """What a transfer closes and opens; numbers only, no value of the file. Raises NotFound for
    those who do not hand over, and before it is ready."""
    if not may_hand_over(actor, item):
        raise NotFound()
    planned = item.planned_on or clock.today()
    first = item.join_month or month_of(planned)
    last = month_of(add_months(date.fromisoformat(f"{first}-01"), -1))
    return Handover(
        first,
        last,
        item.join_month is None,
        {code: _ending(session, item, code, first, last) for code in ENDING},
        _cover(session, item),
    )


def _ending(session: Session, item: Transfer, code: str, first: str, last: str) -> int:
    """How many records of a set the taking ends, or has ended."""
    cls = TEACHER_SETS[code]
    ends = cls.end >= last
    if item.state != TransferState.COMPLETED:
        ends = or_(cls.end.is_(None), ends)
    begins = or_(cls.start.is_(None), cls.start < first)
    mine = select(func.count()).where(cls.teacher_id == item.teacher_id, cls.as_of(), ends, begins)
    return session.scalar(mine.select_from(cls), execution_options=UNSCOPED) or 0


def _cover(session: Session, item: Transfer) -> Cover | None:
    """The colleagues of the subject at both schools; None where the file names no subject."""
    own = select(Teacher.subject).where(Teacher.id == item.teacher_id)
    subject = session.scalar(own, execution_options=UNSCOPED)
    if not subject:
        return None
    rows = session.execute(
        select(Teacher.school_id, func.count())
        .where(
            Teacher.school_id.in_((item.from_school_id, item.school_id)),
            Teacher.id != item.teacher_id,
            Teacher.active,
            Teacher.subject == subject,
        )
        .group_by(Teacher.school_id),
        execution_options=UNSCOPED,
    )
    others = dict(rows.all())
    left, joined = others.get(item.from_school_id, 0), others.get(item.school_id, 0)
    return Cover(subject, left + 1, left, joined, joined + 1)
