"""Collection rounds: which round asks a unit, by when, and whether it is locked (S82)."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import today
from app.models.round import Extension, Round
from app.models.unit import Unit


def rounds_of(session: Session, units: Sequence[Unit]) -> dict[int, Round]:
    """The latest round that covers each unit, open or closed, by unit id."""
    rounds = session.scalars(select(Round).order_by(Round.id.desc())).all()
    found = {}
    for unit in units:
        for each in rounds:
            if covers(each, unit):
                found[unit.id] = each
                break
    return found


def covers(each: Round, unit: Unit) -> bool:
    """Whether a round asks a unit: its category, and its authority where the round names one."""
    wanted = [c for c in each.categories.split(",") if c]
    if wanted and unit.category not in wanted:
        return False
    return each.authority_id is None or each.authority_id == unit.authority_id


def closed_units(session: Session, unit_ids: set[int]) -> set[int]:
    """The units whose latest round is closed and who hold no running extension."""
    units = session.scalars(
        select(Unit).where(Unit.id.in_(unit_ids)).execution_options(unscoped=True)
    ).all()
    closed = {k: r for k, r in rounds_of(session, units).items() if r.closed}
    if not closed:
        return set()
    extended = set(
        session.scalars(
            select(Extension.unit_id).where(
                Extension.unit_id.in_(closed), Extension.until >= today()
            )
        )
    )
    return set(closed) - extended


def deadline(session: Session, unit: Unit) -> date | None:
    """The day by which a unit must have reported: its extension, else the round's."""
    each = rounds_of(session, [unit]).get(unit.id)
    if each is None:
        return None
    until = session.scalar(
        select(Extension.until).where(Extension.unit_id == unit.id, Extension.round_id == each.id)
    )
    return max(until, each.school_deadline) if until else each.school_deadline
