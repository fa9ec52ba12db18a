"""The integrity of the data as a whole: what must never be, each as one query (`flask check`)."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from app.indicators.catalog import Catalog
from app.models.change import OPEN, Addition, Change, ChangeKind, RecordChange
from app.models.fences import missing_fences
from app.models.history import Transition
from app.models.record import PENDING, TEACHER_SETS
from app.models.rotation import Rotation
from app.models.status_change import StatusChange
from app.models.teacher import IN_FORCE_STATES, Affiliation, FileVersion, OpenProcess, Teacher
from app.models.transfer import CLOSED, Transfer, TransferState
from app.services.key import broken
from app.services.number import is_number

LIMIT = 100
Fault = str


def find_faults(session: Session, _catalog: Catalog) -> list[Fault]:
    """Every fault found, at most LIMIT of each kind, in words for the operator."""
    return [fault for find in CHECKS for fault in find(session)]


def _wrong_numbers(session: Session) -> list[Fault]:
    rows = session.execute(
        select(Teacher.id, Teacher.teacher_no).where(Teacher.teacher_no.is_not(None))
    )
    wrong = [key for key, number in rows if number and not is_number(number)]
    return [f"file {key}: its teacher number has a wrong check digit" for key in wrong[:LIMIT]]


def _scope_moved(session: Session) -> list[Fault]:
    found = []
    for code, cls in TEACHER_SETS.items():
        rows = session.scalars(
            select(cls.id)
            .join(Teacher, Teacher.id == cls.teacher_id)
            .where(
                (cls.school_id != Teacher.school_id) | (cls.authority_id != Teacher.authority_id)
            )
            .limit(LIMIT)
        )
        found += [f"rec_{code} {key}: its school is not that of its file" for key in rows]
    return found


def _no_basic(session: Session) -> list[Fault]:
    basic = TEACHER_SETS["basic"]
    rows = session.scalars(
        select(Teacher.id)
        .outerjoin(basic, (basic.teacher_id == Teacher.id) & basic.standing())
        .where(basic.id.is_(None))
        .limit(LIMIT)
    )
    return [f"file {key}: has no basic information" for key in rows]


def _drafts_in_force(session: Session) -> list[Fault]:
    """Beside what is in force lies what an open addition or change proposes, and nothing else."""
    found = []
    for code, cls in TEACHER_SETS.items():
        proposed = exists().where(
            RecordChange.teacher_id == cls.teacher_id,
            RecordChange.set == code,
            RecordChange.record_uuid == cls.uuid,
            RecordChange.state.in_(OPEN),
        )
        rows = session.scalars(
            select(Teacher.id)
            .join(cls, (cls.teacher_id == Teacher.id) & cls.valid_from.is_(None))
            .where(Teacher.state.in_(IN_FORCE_STATES), ~(proposed & (cls.state == PENDING)))
            .limit(LIMIT)
        )
        found += [f"file {key}: is in force and holds a draft of its {code} set" for key in rows]
    return found


def _nothing_proposed(session: Session) -> list[Fault]:
    """An open addition or change has its pending row, unless it is to remove a record."""
    found = []
    for code, cls in TEACHER_SETS.items():
        mine = exists().where(
            cls.teacher_id == RecordChange.teacher_id,
            cls.uuid == RecordChange.record_uuid,
            cls.state == PENDING,
        )
        rows = session.scalars(
            select(RecordChange.id)
            .where(
                RecordChange.set == code,
                RecordChange.state.in_(OPEN),
                RecordChange.kind != ChangeKind.DELETE,
                ~mine,
            )
            .limit(LIMIT)
        )
        found += [f"record_change {key}: what it proposes is not there" for key in rows]
    return found


def _affiliations(session: Session) -> list[Fault]:
    rows = session.execute(
        select(Teacher.id, func.count(Affiliation.id))
        .outerjoin(
            Affiliation,
            (Affiliation.teacher_id == Teacher.id)
            & (Affiliation.kind == "personnel")
            & Affiliation.valid_to.is_(None),
        )
        .where(Teacher.active)
        .group_by(Teacher.id)
        .having(func.count(Affiliation.id) != 1)
        .limit(LIMIT)
    )
    return [f"file {key}: has {n} open personnel affiliations" for key, n in rows]


def _versions(session: Session) -> list[Fault]:
    latest = (
        select(FileVersion.teacher_id, func.max(FileVersion.number).label("number"))
        .group_by(FileVersion.teacher_id)
        .subquery()
    )
    rows = session.scalars(
        select(Teacher.id)
        .outerjoin(latest, latest.c.teacher_id == Teacher.id)
        .where(Teacher.file_version != func.coalesce(latest.c.number, 0))
        .limit(LIMIT)
    )
    return [f"file {key}: its version is not that of its last version row" for key in rows]


def _places(session: Session) -> list[Fault]:
    """A transfer that was submitted and goes on takes the one place of its person (s0)."""
    place = (OpenProcess.kind == "transfer") & (OpenProcess.process_id == Transfer.id)
    rows = session.execute(
        select(Transfer.id, OpenProcess.process_id)
        .outerjoin(OpenProcess, place & (OpenProcess.teacher_id == Transfer.teacher_id))
        .where(
            OpenProcess.process_id.is_(None)
            == Transfer.state.not_in((*CLOSED, TransferState.DRAFT))
        )
        .limit(LIMIT)
    )
    return [
        f"transfer {key}: " + ("takes no place" if taken is None else "takes a place it has left")
        for key, taken in rows
    ]


def _history(session: Session) -> list[Fault]:
    """Replaying the history of an object gives its state, in every flow."""
    found = []
    flows: dict[str, Any] = {
        "review": Teacher,
        "addition": Addition,
        "change": Change,
        "status_change": StatusChange,
        "rotation": Rotation,
        "transfer": Transfer,
    }
    for name, cls in flows.items():
        last = (
            select(Transition.object_id, func.max(Transition.id).label("id"))
            .where(Transition.flow == name)
            .group_by(Transition.object_id)
            .subquery()
        )
        rows = session.scalars(
            select(cls.id)
            .join(last, last.c.object_id == cls.id)
            .join(Transition, Transition.id == last.c.id)
            .where(Transition.to_state != cls.state)
            .limit(LIMIT)
        )
        what = "file" if cls is Teacher else name
        found += [f"{what} {key}: its history does not end in its state" for key in rows]
    return found


def _fences_down(session: Session) -> list[Fault]:
    """The triggers that keep history as it was (SEC-44)."""
    missing = missing_fences(session.connection(), Model.metadata)
    return [f"history: the fence {name} is down" for name in missing]


def _broken_seals(session: Session) -> list[Fault]:
    """What people see as an unreadable value (SEC-39)."""
    return [
        f"{place} {row}: its sealed value is unreadable, restore it or enter it anew"
        for place, row in islice(broken(session), LIMIT)
    ]


CHECKS: tuple[Callable[[Any], list[Fault]], ...] = (
    _wrong_numbers,
    _scope_moved,
    _no_basic,
    _drafts_in_force,
    _nothing_proposed,
    _affiliations,
    _versions,
    _places,
    _history,
    _fences_down,
    _broken_seals,
)
