"""Whose turn a transfer is: for lists, figures and the line of steps (F3)."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, false, or_

from app.access.actor import Actor
from app.access.roles import AUTHORITIES, Role
from app.core.clock import BEIJING
from app.indicators.catalog import Catalog
from app.models.transfer import CLOSED, Transfer, TransferState
from app.services.queue import overdue_day

CLERK, HEAD = frozenset({Role.SCHOOL_INFO}), frozenset({Role.SCHOOL_HEAD})
# State -> the column with the unit that holds a transfer, and the roles there that move it on.
TURNS: Mapping[str, tuple[str, frozenset[Role]]] = {
    TransferState.DRAFT: ("school_id", CLERK),
    TransferState.PENDING_IN_AUTHORITY: ("authority_id", AUTHORITIES),
    TransferState.PENDING_OUT_SCHOOL: ("from_school_id", HEAD),
    TransferState.PENDING_OUT_AUTHORITY: ("from_authority_id", AUTHORITIES),
    TransferState.READY_TO_TAKE: ("school_id", CLERK),
}


def holder(item: Transfer) -> tuple[int, frozenset[Role]] | None:
    """The unit whose turn it is, and the roles there; None once it has ended."""
    found = TURNS.get(item.state)
    return None if found is None else (getattr(item, found[0]), found[1])


def waiting(actor: Actor) -> ColumnElement[bool]:
    """The transfers that wait for an actor."""
    mine = [
        and_(Transfer.state == state, getattr(Transfer, column) == actor.unit_id)
        for state, (column, roles) in TURNS.items()
        if actor.role in roles
    ]
    return or_(*mine) if mine else false()


def overdue(catalog: Catalog) -> ColumnElement[bool]:
    """Those that have waited for longer than the working days after which people are reminded."""
    day = overdue_day(catalog) + timedelta(days=1)
    last = datetime.combine(day, datetime.min.time(), BEIJING)
    return and_(Transfer.state.not_in(CLOSED), Transfer.state_since < last)


def coming_in(actor: Actor) -> ColumnElement[bool]:
    """Those to a school of the actor."""
    return or_(Transfer.school_id == actor.unit_id, Transfer.authority_id == actor.unit_id)


def going_out(actor: Actor) -> ColumnElement[bool]:
    """Those from a school of the actor."""
    return or_(
        Transfer.from_school_id == actor.unit_id, Transfer.from_authority_id == actor.unit_id
    )
