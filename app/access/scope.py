"""Row-level scope: what each tier sees and writes. The one place, asked on every statement.

Every scoped class has an entry in `RULES`. The session hook adds its predicate to each ORM
statement; the flush guard refuses rows outside it. Who acts (`access.actor`) is asked when a
statement runs. Without an actor no row is visible (SEC-08).
"""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, event, false, or_, select
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql.visitors import iterate

from app.access.actor import SYSTEM_ACTOR, Actor, actor_or_none, is_resolving
from app.access.roles import GUEST_SETS, HOSTS, RESTRICTED_SETS, Role
from app.core.errors import NotFound
from app.models.account import Assignment
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
from app.models.unit import Unit

ACTORS = 256  # Whose predicates are kept; the last ones that acted.
Criterion = Callable[[Any], ColumnElement[bool]]


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


@lru_cache(ACTORS)
def _criteria(actor: Actor | None) -> tuple[Any, ...]:
    """The predicates of RULES for an actor, as options of a statement; nothing without one."""
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


@lru_cache(ACTORS)
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
    if state.is_column_load or state.execution_options.get("unscoped") or is_resolving():
        return
    actor = actor_or_none()
    if actor is not SYSTEM_ACTOR:
        if state.is_select and not state.is_orm_statement:
            _refuse_scoped(state.statement)
        criteria = NOBODYS if actor is None else _criteria(actor)
        if actor is not None and state.execution_options.get("guests"):
            criteria = _guest_criteria(actor)
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
