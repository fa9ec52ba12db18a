"""Row-level scope: what each tier sees and writes. The one place, asked on every statement.

Every scoped class has an entry in `RULES`. The session hook adds its predicate to each ORM
statement; the flush guard refuses rows outside it. Who acts is resolved when a statement runs:
the signed-in person inside a request, `acting_as()` in a job or test, `system()` for work of
the system itself. Without one of them no row is visible (SEC-08).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from typing import Any

from flask import g, has_request_context
from sqlalchemy import ColumnElement, Table, and_, event, false, or_, select
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql.visitors import iterate

from app.access.roles import FILES, GUEST_SETS, HOSTS, RESTRICTED_SETS, Role, tier
from app.core.errors import Forbidden, NotFound
from app.models.account import Account, Assignment
from app.models.base import Scoped
from app.models.change import RecordChange
from app.models.digest import Digest
from app.models.duplicate import DuplicateCase
from app.models.exchange import ExportFile, ImportBatch
from app.models.hint import CorrectionHint
from app.models.history import Audit
from app.models.job import Job
from app.models.notice import Notice
from app.models.record import TEACHER_SETS, UnitRecord
from app.models.report import ReportBatch
from app.models.rotation import Rotation
from app.models.saved_view import FormDraft, SavedView
from app.models.teacher import Affiliation, Teacher
from app.models.transfer import FileGrant, Transfer
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

    @cached_property
    def criteria(self) -> tuple[Any, ...]:
        """The predicates of RULES for this actor, as options of a statement; made once."""
        return _criteria(self)

    @cached_property
    def guest_criteria(self) -> tuple[Any, ...]:
        """The predicates of a statement that asks for guests of the actor's school; made once."""
        return _guest_criteria(self)


SYSTEM_ACTOR = Actor(0, None, "system", "system", 0, unit_kind=UnitKind.CITY)

_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)
_resolving: ContextVar[bool] = ContextVar("resolving", default=False)

Criterion = Callable[[Any], ColumnElement[bool]]


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


def _nothing(_: Any) -> ColumnElement[bool]:
    return false()


# The predicates are small lambdas over one closure value each: the ORM caches the statement by
# the lambda and binds the value anew at every call, aliased joins included.
def _files(actor: Actor) -> Criterion | None:
    """Rows that belong to a teacher: city all, district its schools', school its own, self."""
    unit, teacher = actor.unit_id, actor.teacher_id
    if not actor.works_with_files:
        return _nothing
    if actor.tier == "city":
        return None
    if actor.tier == "district":
        return lambda cls: cls.authority_id == unit
    if actor.tier == "school":
        return lambda cls: cls.school_id == unit
    return _nothing if teacher is None else lambda cls: cls.teacher_id == teacher


def _changes(actor: Actor) -> Criterion | None:
    """Beside the scope of its file, an addition or change is seen by those who see its set."""
    hidden = [code for code, roles in RESTRICTED_SETS.items() if actor.role not in roles]
    return (lambda cls: cls.set.not_in(hidden)) if hidden else None


def _hints(actor: Actor) -> Criterion | None:
    """Beside the scope of its file, a hint is read by who gives such and who answers them."""
    return None if actor.role in (Role.TEACHER, Role.SCHOOL_INFO) else _nothing


def _transfers(actor: Actor) -> Criterion | None:
    """The receiving side sees its transfers always, the sending one and the teacher once they are
    issued (4.3)."""
    unit, teacher = actor.unit_id, actor.teacher_id
    if not actor.works_with_files:
        return _nothing
    if actor.tier == "city":
        return None
    if actor.tier == "district":
        return lambda cls: or_(
            cls.authority_id == unit,
            and_(cls.from_authority_id == unit, cls.issued_at.is_not(None)),
        )
    if actor.tier == "school":
        return lambda cls: or_(
            cls.school_id == unit, and_(cls.from_school_id == unit, cls.issued_at.is_not(None))
        )
    if teacher is None:
        return _nothing
    return lambda cls: and_(cls.teacher_id == teacher, cls.issued_at.is_not(None))


def _grants(actor: Actor) -> Criterion | None:
    """What a school keeps of those who left is its own; above it nobody needs it."""
    unit = actor.unit_id
    if actor.role not in (Role.SCHOOL_INFO, Role.SCHOOL_HEAD):
        return _nothing
    return lambda cls: cls.unit_id == unit


def _units(actor: Actor) -> Criterion | None:
    """Authorities are public; schools are seen by themselves, their authority and the city."""
    unit = actor.unit_id
    if actor.tier == "city":
        return None
    if actor.tier == "district":
        return lambda cls: or_(cls.authority_id == unit, cls.kind == "city", cls.kind == "district")
    return lambda cls: or_(cls.id == unit, cls.kind == "city", cls.kind == "district")


def _unit_records(actor: Actor) -> Criterion | None:
    """What describes a unit is seen by those who see the unit."""
    if actor.tier == "city":
        return None
    return lambda cls: cls.unit_id.in_(select(Unit.id))


def _own(actor: Actor) -> Criterion | None:
    account = actor.account_id
    return lambda cls: cls.account_id == account


def _views(actor: Actor) -> Criterion | None:
    """Views of one's own, and those shared with one's role in one's unit (I3)."""
    account, unit, role = actor.account_id, actor.unit_id, str(actor.role)
    return lambda cls: or_(cls.account_id == account, and_(cls.unit_id == unit, cls.role == role))


def _jobs(actor: Actor) -> Criterion | None:
    return None if actor.role == Role.CITY_SYSTEM else _own(actor)


def _imports(actor: Actor) -> Criterion | None:
    unit = actor.unit_id
    if actor.role != Role.SCHOOL_INFO:
        return _nothing
    return lambda cls: cls.school_id == unit


def _reports(actor: Actor) -> Criterion | None:
    return None if actor.role in (Role.CITY_INFO, Role.DISTRICT_INFO) else _nothing


def _duplicates(actor: Actor) -> Criterion | None:
    """A pair lies in two schools; who decides about it reads it, nobody else (4.3)."""
    return None if actor.role == Role.CITY_INFO else _nothing


def _audit(actor: Actor) -> Criterion | None:
    if actor.role == Role.CITY_AUDIT:
        return None
    teacher = actor.teacher_id
    if actor.role == Role.TEACHER and teacher is not None:
        return lambda cls: cls.teacher_id == teacher
    return _nothing


def _assignments(actor: Actor) -> Criterion | None:
    unit = actor.unit_id
    if actor.role == Role.CITY_SYSTEM:
        return None
    if actor.role == Role.DISTRICT_SYSTEM:
        return lambda cls: cls.unit_id.in_(
            select(Unit.id).where(or_(Unit.authority_id == unit, Unit.id == unit))
        )
    if actor.role == Role.SCHOOL_SYSTEM:
        return lambda cls: cls.unit_id == unit
    return _own(actor)


# Class -> the predicate an actor gets (None: no limit). A mapped class without an entry is not
# scoped; a test asks each one to be here or in its list of public tables.
RULES: dict[type, Callable[[Actor], Criterion | None]] = {
    Scoped: _files,
    RecordChange: _changes,
    CorrectionHint: _hints,
    Transfer: _transfers,
    FileGrant: _grants,
    Unit: _units,
    UnitRecord: _unit_records,
    Assignment: _assignments,
    Job: _jobs,
    ImportBatch: _imports,
    ExportFile: _own,
    ReportBatch: _reports,
    DuplicateCase: _duplicates,
    Notice: _own,
    Digest: _own,
    SavedView: _views,
    FormDraft: _own,
    Audit: _audit,
}


def _criteria(actor: Actor | None) -> tuple[Any, ...]:
    options = []
    for cls, rule in RULES.items():
        found = _nothing if actor is None else rule(actor)
        if found is not None:
            options.append(with_loader_criteria(cls, found, include_aliases=True))
    return tuple(options)


# What a school reads of its guests while they are there (s6.1); all other rows stay those of the
# school that sends.
PLACES = Affiliation.__table__
GUEST_READS = (Teacher, Rotation, *(TEACHER_SETS[code] for code in GUEST_SETS))


def _guest_criteria(actor: Actor) -> tuple[Any, ...]:
    """Of a statement marked `guests`: the rows of those who are on rotation at the actor's school
    at present, in GUEST_READS and nowhere else."""
    if actor.role not in HOSTS:
        return NOBODYS
    unit = actor.unit_id
    here = with_loader_criteria(
        Scoped,
        lambda cls: cls.teacher_id.in_(
            select(PLACES.c.teacher_id).where(
                PLACES.c.kind == "guest",
                PLACES.c.school_id == unit,
                PLACES.c.valid_from.is_not(None),
                PLACES.c.valid_to.is_(None),
            )
        ),
        include_aliases=True,
    )
    # A guest may have been asked for by others as well: only what brought the person here is told.
    own = with_loader_criteria(
        Rotation,
        lambda cls: and_(
            cls.to_school_id == unit, cls.state == "active", cls.started_at.is_not(None)
        ),
        include_aliases=True,
    )
    hidden = [
        with_loader_criteria(mapper.class_, _nothing, include_aliases=True)
        for mapper in Teacher.registry.mappers
        if issubclass(mapper.class_, Scoped) and mapper.class_ not in GUEST_READS
    ]
    return (here, own, *hidden)


# Without an actor nothing is visible.
NOBODYS = _criteria(None)


@event.listens_for(Session, "do_orm_execute")
def _scope_statements(state: ORMExecuteState) -> None:
    if state.is_column_load or state.execution_options.get("unscoped") or _resolving.get():
        return
    actor = actor_or_none()
    if actor is not SYSTEM_ACTOR:
        if state.is_select and not state.is_orm_statement:
            _refuse_scoped(state.statement)
        criteria = NOBODYS if actor is None else actor.criteria
        if actor is not None and state.execution_options.get("guests"):
            criteria = actor.guest_criteria
        state.statement = state.statement.options(*criteria)


def _refuse_scoped(statement: Any) -> None:
    """What the ORM does not know as its own gets no predicate: a table named as such, or columns
    that stand only inside `func.count().filter(…)`. Of a scoped class that would show every row."""
    named = {each for each in iterate(statement) if isinstance(each, Table)}
    if not named.isdisjoint(_scoped_tables()):
        raise TypeError("a scoped class is asked for without its scope: select from the class")


@cache
def _scoped_tables() -> frozenset[Table]:
    mappers = Teacher.registry.mappers
    return frozenset(
        table for each in mappers if issubclass(each.class_, tuple(RULES)) for table in each.tables
    )


def scoped_get(session: Session, cls: Any, key: int, **options: Any) -> Any:
    """Load one row inside the scope; NotFound when it does not exist or is foreign (SEC-02)."""
    found = session.scalars(select(cls).where(cls.id == key), execution_options=options).first()
    if found is None:
        raise NotFound()
    return found


@event.listens_for(Session, "before_flush")
def _guard_writes(session: Session, _context: Any, _instances: Any) -> None:
    actor = actor_or_none()
    if actor is SYSTEM_ACTOR or session.info.get("unscoped"):
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, (Scoped, Transfer, Unit, UnitRecord)) and not may_write(actor, row):
            raise NotFound()


def may_write(actor: Actor | None, row: Any) -> bool:
    """Whether a row lies inside the actor's scope by its own columns."""
    if actor is None:
        return False
    if isinstance(row, Unit):
        return actor.tier == "city" or row.authority_id == actor.unit_id
    if isinstance(row, UnitRecord):
        return actor.tier == "city" or (actor.tier == "school" and row.unit_id == actor.unit_id)
    if not actor.works_with_files:
        return False
    if actor.tier == "city":
        return True
    if actor.tier == "district":
        return row.authority_id == actor.unit_id
    if actor.tier == "school":
        return row.school_id == actor.unit_id
    owner = row.id if isinstance(row, Teacher) else row.teacher_id
    return owner is not None and owner == actor.teacher_id
