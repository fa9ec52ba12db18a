"""Claims in the review: "I am looking at this file" (D7). A claim warns colleagues and locks
nothing: everybody may still decide, and the decision ends it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, delete, func, insert, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.core import clock
from app.core.errors import NotFound, Refused
from app.indicators.catalog import Catalog
from app.models.account import Account
from app.models.claim import ReviewClaim
from app.models.teacher import Teacher
from app.services import audit, queue
from app.services.among import among
from app.services.workday import working_days_before

MINE, FREE, HELD = "mine", "free", "held"


class Holder(NamedTuple):
    """Who looks at a file, and since when."""

    account_id: int
    name: str
    at: datetime


def is_mine(actor: Actor, known: Catalog) -> ColumnElement[bool]:
    """The files that the actor has taken."""
    mine = _live(actor, known).where(ReviewClaim.account_id == actor.account_id)
    return Teacher.id.in_(mine)


def is_free(actor: Actor, known: Catalog) -> ColumnElement[bool]:
    """The files that nobody of the actor's role has taken."""
    return Teacher.id.not_in(_live(actor, known))


def _oldest(known: Catalog) -> datetime:
    """The first moment of which a claim still counts today."""
    days = int(known.parameter("claim_working_days"))
    first = working_days_before(known.calendar, clock.today(), days + 1) + timedelta(days=1)
    return datetime.combine(first, time(), clock.BEIJING)


def _live(actor: Actor, known: Catalog) -> Select[Any]:
    """The ids of files with a claim that counts for the actor's role; a subquery of its own, so
    that the database reads the few claims once and not for each of many files."""
    file = Teacher.__table__.alias("claimed")
    return (
        select(ReviewClaim.teacher_id)
        .join(file, file.c.id == ReviewClaim.teacher_id)
        .where(
            ReviewClaim.role == str(actor.role),
            ReviewClaim.at >= _oldest(known),
            ReviewClaim.at >= func.coalesce(file.c.state_since, ReviewClaim.at),
        )
    )


def holders(
    session: Session, actor: Actor, ids: Iterable[int], known: Catalog
) -> Mapping[int, Holder]:
    """Who of the actor's role looks at each of these files, which are in scope already."""
    rows = session.execute(
        _live(actor, known)
        .add_columns(Account, ReviewClaim.at)
        .join(Account, Account.id == ReviewClaim.account_id)
        .where(among(session, ReviewClaim.teacher_id, ids))
    )
    return {key: Holder(account.id, account.display_name, at) for key, account, at in rows}


def take(
    session: Session, actor: Actor, ids: Sequence[int], known: Catalog
) -> dict[int, Refused | NotFound]:
    """Take files of the actor's queue; returns the refused ones, each with its reason.

    NotFound: not in the queue; Refused: a colleague has it. A claim of one's own begins anew.
    """
    found = _locked(session, actor, ids)
    held = holders(session, actor, found, known)
    failed: dict[int, Refused | NotFound] = {key: NotFound() for key in ids if key not in found}
    for key, holder in held.items():
        if holder.account_id != actor.account_id:
            failed[key] = Refused(held_words(holder))
    taken = [key for key in found if key not in failed]
    if taken:
        _drop(session, actor, taken)
        stamp = clock.now()
        common = {"role": str(actor.role), "account_id": actor.account_id, "at": stamp}
        session.execute(insert(ReviewClaim), [{"teacher_id": key} | common for key in taken])
        _note(session, actor, taken, "take")
    return failed


def give_back(
    session: Session, actor: Actor, ids: Sequence[int], known: Catalog
) -> dict[int, Refused | NotFound]:
    """Give files back that the actor has taken; returns the refused ones."""
    found = _locked(session, actor, ids)
    held = holders(session, actor, found, known)
    mine = [key for key in found if key in held and held[key].account_id == actor.account_id]
    failed: dict[int, Refused | NotFound] = {key: NotFound() for key in ids if key not in found}
    for key in set(found) - set(mine):
        failed[key] = Refused(_("You have not claimed this file."))
    if mine:
        _drop(session, actor, mine)
        _note(session, actor, mine, "give_back")
    return failed


def held_words(holder: Holder) -> str:
    """Who looks at a file since when, in the reader's language."""
    when = f"{clock.local(holder.at):%Y-%m-%d %H:%M}"
    return _("%(name)s is looking at this since %(time)s.", name=holder.name, time=when)


def _locked(session: Session, actor: Actor, ids: Sequence[int]) -> list[int]:
    """The files of the actor's queue among these, locked in order of id: of two who take the same
    file at once the second one finds the first."""
    rows = session.scalars(
        select(Teacher.id)
        .where(among(session, Teacher.id, ids), queue.waiting(actor))
        .order_by(Teacher.id)
        .with_for_update()
    )
    return list(rows)


def _drop(session: Session, actor: Actor, ids: Sequence[int]) -> None:
    session.execute(
        delete(ReviewClaim)
        .where(among(session, ReviewClaim.teacher_id, ids), ReviewClaim.role == str(actor.role))
        .execution_options(synchronize_session=False)
    )


def _note(session: Session, actor: Actor, ids: Sequence[int], what: str) -> None:
    objects = [("teacher", key, key) for key in ids]
    audit.record_many(session, "claim", actor=actor, objects=objects, detail={"act": what})
