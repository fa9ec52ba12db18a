"""Rows of the catalogue changed by the city: the row in force is closed and another one added."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import WRITE, may_open
from app.core.clock import now
from app.core.errors import Forbidden, Stale
from app.models.indicator import Origin

OWN = ("id", "valid_from", "valid_to", "origin")


def require_right(actor: Actor, resource: str) -> None:
    """Raise Forbidden unless the role changes this part of the catalogue."""
    if not may_open(actor.role, resource, WRITE):
        raise Forbidden()


def current_row(session: Session, cls: Any, **key: str) -> Any:
    """The row in force of a thing; None where there is none."""
    return session.scalars(select(cls).filter_by(valid_to=None, **key)).first()


def former_rows(session: Session, cls: Any, **key: str) -> list[Any]:
    """The rows of a thing that are no longer in force, the last one first."""
    closed = select(cls).filter_by(**key).where(cls.valid_to.is_not(None))
    return list(session.scalars(closed.order_by(cls.valid_to.desc(), cls.id.desc())))


def content_of(row: Any) -> dict[str, Any]:
    """What a row says, without its place in time."""
    return {c.name: getattr(row, c.name) for c in row.__table__.columns if c.name not in OWN}


def close(
    session: Session, row: Any, *, moment: datetime | None = None, for_good: bool = False
) -> None:
    """End a row now; Stale when another was faster. What is ended for good is the city's, so that
    loading the shipped files does not bring it back."""
    cls = type(row)
    owner = {"origin": Origin.CITY.value} if for_good else {}
    ended = session.execute(
        update(cls)
        .where(cls.id == row.id, cls.valid_to.is_(None))
        .values(valid_to=moment or now(), **owner)
        .execution_options(synchronize_session=False)
    )
    session.expire(row)
    if ended.rowcount != 1:  # type: ignore[attr-defined]
        raise Stale()


def replace_row(session: Session, row: Any, changes: Mapping[str, Any]) -> Any:
    """Close a row and add one that says something else; Stale when another was faster."""
    content, moment = content_of(row) | dict(changes), now()
    close(session, row, moment=moment)
    return add_row(session, type(row), content, moment=moment)


def add_row(
    session: Session, cls: Any, content: Mapping[str, Any], *, moment: datetime | None = None
) -> Any:
    """Put a row of the city in force; Stale when the thing has one already."""
    added = cls(**content, valid_from=moment or now(), origin=Origin.CITY.value)
    session.add(added)
    try:
        session.flush()
    except IntegrityError:
        raise Stale() from None
    return added
