"""Who acts: the signed-in person inside a request, `acting_as()` in a job or test, `system()` for
work of the system itself; resolved when it is asked for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date

from flask import g, has_request_context
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.roles import FILES, tier
from app.core.errors import Forbidden
from app.models.account import Account, Assignment
from app.models.unit import Unit, UnitKind


@dataclass(frozen=True)
class Actor:
    """Who acts: one account under exactly one assignment."""

    account_id: int
    assignment_id: int | None
    name: str
    role: str
    unit_id: int
    unit_name: str = ""
    unit_kind: str = UnitKind.SCHOOL
    category: str | None = None
    authority_id: int | None = None
    teacher_id: int | None = None
    first_effective: bool = False  # Of the unit: the modules follow it.

    @property
    def tier(self) -> str:
        """city, district, school or teacher."""
        return tier(self.role)

    @property
    def works_with_files(self) -> bool:
        """Whether the role opens teachers' files at all."""
        return self.role in FILES


SYSTEM_ACTOR = Actor(0, None, "system", "system", 0, unit_kind=UnitKind.CITY)

_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)
_resolving: ContextVar[bool] = ContextVar("resolving", default=False)


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Run the block under the scope of an actor (jobs, tests, commands)."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


@contextmanager
def system() -> Iterator[None]:
    """Run the block unscoped, as the system itself; every use is listed in a test (SEC-08)."""
    with acting_as(SYSTEM_ACTOR):
        yield


def actor_or_none() -> Actor | None:
    """The present actor, or None when nobody is signed in."""
    acting = _acting.get()
    if acting is not None:
        return acting
    if not has_request_context() or _resolving.get():
        return None
    if "actor" not in g:
        resolver = g.get("actor_resolver")
        if resolver is None:
            return None
        token = _resolving.set(True)
        try:
            found = resolver()
        finally:
            _resolving.reset(token)
        if found is None:
            return None
        g.actor = found
    return g.actor


def is_resolving() -> bool:
    """Whether the statement at hand is one of those that find out who acts."""
    return _resolving.get()


def current_actor() -> Actor:
    """The present actor; Forbidden when nobody is signed in."""
    actor = actor_or_none()
    if actor is None:
        raise Forbidden()
    return actor


Held = tuple[Assignment, Unit, Account]


def held_assignments(session: Session, account_id: int, day: date) -> list[Held]:
    """The assignments of an account that count on a day, with unit and account."""
    rows = session.execute(
        select(Assignment, Unit, Account)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Account, Account.id == Assignment.account_id)
        .where(Assignment.account_id == account_id)
        .order_by(Assignment.id)
        .execution_options(unscoped=True)
    )
    return [(row[0], row[1], row[2]) for row in rows if row[0].is_valid_on(day)]


def choose_actor(held: Sequence[Held], wanted: int | None) -> Actor | None:
    """The actor under the wanted assignment, else under the first; None when it is not held."""
    if wanted is not None:
        held = [each for each in held if each[0].id == wanted]
    return make_actor(*held[0]) if held else None


def resolve_actor(session: Session, account_id: int, wanted: int | None, day: date) -> Actor | None:
    """The actor of an account on a day; see choose_actor."""
    return choose_actor(held_assignments(session, account_id, day), wanted)


def make_actor(assignment: Assignment, unit: Unit, account: Account) -> Actor:
    """Build the actor of one assignment."""
    return Actor(
        account_id=account.id,
        assignment_id=assignment.id,
        name=account.display_name,
        role=assignment.role,
        unit_id=unit.id,
        unit_name=unit.name,
        unit_kind=unit.kind,
        category=unit.category,
        authority_id=unit.authority_id,
        teacher_id=account.teacher_id,
        first_effective=bool(unit.first_effective),
    )
