"""Which processes a file may have open beside one another (workflows s0): asked when one is opened,
and again by the steps that put another party under way (4.3, 4.6, 5.2, 6.5)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, case, delete, insert, literal, select, union_all
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core.errors import NotFound, Problem, Refused
from app.models.change import OPEN, RecordChange
from app.models.rotation import UNDECIDED, Rotation, RotationState
from app.models.status_change import REGISTERED, StatusChange
from app.models.teacher import IN_FORCE_STATES, OpenProcess, Teacher
from app.models.transfer import CLOSED, Transfer
from app.models.unit import Unit
from app.services.among import among


class Kind(StrEnum):
    """What is to be opened; the names of the flows."""

    ADDITION = "addition"
    CHANGE = "change"
    STATUS_CHANGE = "status_change"
    TRANSFER = "transfer"
    ROTATION = "rotation"


class Open(StrEnum):
    """What is open, as far as the matrix tells it apart."""

    REVIEW = "review"  # Not yet effective.
    ADDITION = "addition"
    CHANGE = "change"
    STATUS_CHANGE = "status_change"  # Registered, not yet in force.
    TRANSFER = "transfer"  # Not yet issued (before 4.3).
    TRANSFER_ISSUED = "transfer_issued"
    ROTATION = "rotation"  # Pending.
    ROTATION_ACTIVE = "rotation_active"


_ON_A_FILE = frozenset({Kind.ADDITION, Kind.CHANGE})
_OF_A_PERSON = frozenset({Kind.STATUS_CHANGE, Kind.TRANSFER, Kind.ROTATION})

# The matrix: what is refused while something is open. Two changes of one record are refused by
# their own flow, and so are rotations whose periods overlap; a status that ends the service voids
# a transfer that is not yet issued (4.10).
REFUSED: Mapping[Open, frozenset[Kind]] = {
    Open.REVIEW: _ON_A_FILE | _OF_A_PERSON,
    Open.ADDITION: frozenset(),
    Open.CHANGE: frozenset(),
    Open.STATUS_CHANGE: _OF_A_PERSON,
    Open.TRANSFER: frozenset({Kind.TRANSFER, Kind.ROTATION}),
    Open.TRANSFER_ISSUED: _ON_A_FILE | _OF_A_PERSON,
    Open.ROTATION: _OF_A_PERSON,
    Open.ROTATION_ACTIVE: frozenset({Kind.STATUS_CHANGE, Kind.TRANSFER}),
}

# The flow of what is open, where the matrix tells its stages apart.
FLOWS: Mapping[Open, Kind] = {
    Open.TRANSFER_ISSUED: Kind.TRANSFER,
    Open.ROTATION_ACTIVE: Kind.ROTATION,
}

# What the refused party is told: the kind of process and the school, nothing of the person.
WORDS: Mapping[Open, Any] = {
    Open.REVIEW: _l("The file is not yet effective at %(school)s."),
    Open.ADDITION: _l("An addition to this file is open at %(school)s."),
    Open.CHANGE: _l("A change of this file is open at %(school)s."),
    Open.STATUS_CHANGE: _l("A status change of this teacher is registered at %(school)s."),
    Open.TRANSFER: _l("A transfer of this teacher to %(school)s is open already."),
    Open.TRANSFER_ISSUED: _l("A transfer of this teacher to %(school)s is under way."),
    Open.ROTATION: _l("A rotation of this teacher is open at %(school)s."),
    Open.ROTATION_ACTIVE: _l(
        "This teacher is on rotation from %(school)s. End the rotation first."
    ),
}


@dataclass(frozen=True)
class Opened:
    """A process that is open: what it is, its id in its flow (None for the review), where."""

    what: Open
    id: int | None
    school: str


def _reviews() -> Select[Any]:
    return _source(Teacher, literal(Open.REVIEW), Teacher.school_id).where(
        Teacher.state.not_in(IN_FORCE_STATES)
    )


def _record_changes() -> Select[Any]:
    return _source(RecordChange, RecordChange.flow, RecordChange.school_id).where(
        RecordChange.state.in_(OPEN)
    )


def _status_changes() -> Select[Any]:
    return _source(StatusChange, literal(Open.STATUS_CHANGE), StatusChange.school_id).where(
        StatusChange.state.in_(REGISTERED)
    )


def _rotations() -> Select[Any]:
    active = Rotation.state == RotationState.ACTIVE
    what = case((active, str(Open.ROTATION_ACTIVE)), else_=str(Open.ROTATION))
    return _source(Rotation, what, Rotation.school_id).where(active | Rotation.state.in_(UNDECIDED))


def _transfers() -> Select[Any]:
    issued = case((Transfer.issued_at.is_(None), Open.TRANSFER), else_=Open.TRANSFER_ISSUED)
    return _source(Transfer, issued, Transfer.school_id).where(Transfer.state.not_in(CLOSED))


def _source(cls: Any, what: Any, school_id: Any) -> Select[Any]:
    """Rows (teacher, what is open, process, school) of one table; schools are named by the public
    register, whoever asks."""
    return select(
        cls.teacher_id.label("teacher_id"),
        what.label("what"),
        cls.id.label("id"),
        Unit.name.label("school"),
    ).join(Unit, Unit.id == school_id)


# Each gives the open processes of one table: (teacher_id, what, id, school).
SOURCES: tuple[Callable[[], Select[Any]], ...] = (
    _reviews,
    _record_changes,
    _status_changes,
    _rotations,
    _transfers,
)


def opened(session: Session, teacher_ids: Iterable[int]) -> dict[int, list[Opened]]:
    """What is open for some persons, wherever it lies, in one statement."""
    ids = sorted(set(teacher_ids))
    parts = [source() for source in SOURCES]
    chosen = [part.where(among(session, part.selected_columns.teacher_id, ids)) for part in parts]
    rows = session.execute(union_all(*chosen), execution_options={"unscoped": True})
    found: dict[int, list[Opened]] = {key: [] for key in ids}
    for teacher_id, what, key, school in rows:
        is_review = what == Open.REVIEW
        found[teacher_id].append(Opened(Open(what), None if is_review else key, school))
    return found


def refusals(
    session: Session, kind: Kind, persons: Mapping[int, int | None]
) -> dict[int, list[Problem]]:
    """Why a process of a kind may not be opened, or not go on, by person.

    `persons` maps each file to the process that asks, None for one that is still to be opened: no
    process stands in its own way.
    """
    found = {}
    for key, others in opened(session, persons).items():
        problems = [
            _problem(each)
            for each in others
            if kind in REFUSED[each.what] and not _is(each, kind, persons[key])
        ]
        if problems:
            found[key] = problems
    return found


def require_free(session: Session, kind: Kind, teacher_id: int) -> None:
    """Raise Refused when a process of that kind may not be opened for a person. The caller holds
    the file, so that nothing is opened meanwhile."""
    problems = refusals(session, kind, {teacher_id: None})
    if problems:
        raise Refused(problems=problems[teacher_id])


def _is(found: Opened, kind: Kind, key: int | None) -> bool:
    return FLOWS.get(found.what, str(found.what)) == kind and found.id == key


def _problem(found: Opened) -> Problem:
    return Problem("open_process", str(WORDS[found.what]) % {"school": found.school})


def hold(session: Session, teacher_ids: Iterable[int]) -> None:
    """Lock files wherever they lie, in order of id: what is opened and decided about one person
    comes one after the other. Raises NotFound when one has gone."""
    ids = sorted(set(teacher_ids))
    locked = session.scalars(
        select(Teacher.id)
        .where(among(session, Teacher.id, ids))
        .order_by(Teacher.id)
        .with_for_update(of=Teacher),
        execution_options={"unscoped": True},
    ).all()
    if len(locked) != len(ids):
        raise NotFound()


def holds_files(model: Any) -> Callable[[Session, Sequence[int]], None]:
    """What every flow about files does first (the engine's `holds`): lock the files of some of its
    objects before the objects. What is opened of a file, and what another flow does with it, takes
    the file first as well, so that nobody waits for another crosswise."""

    def hold_files(session: Session, keys: Sequence[int]) -> None:
        hold(
            session, session.scalars(select(model.teacher_id).where(among(session, model.id, keys)))
        )

    return hold_files


def occupy(session: Session, kind: Kind, teacher_id: int, process_id: int) -> None:
    """Take the one place of a person for a transfer or rotation: the database refuses the second.

    Raises Refused, the transaction being lost then: nothing may be written after it.
    """
    row = {"teacher_id": teacher_id, "kind": str(kind), "process_id": process_id}
    try:
        session.execute(insert(OpenProcess), [row])
    except IntegrityError as clash:
        session.rollback()
        text = _("Another transfer or rotation of this teacher is open already.")
        raise Refused(problems=[Problem("open_process", text)]) from clash


def leave(session: Session, kind: Kind, process_ids: Iterable[int]) -> None:
    """Give the places of processes that have ended free again."""
    session.execute(
        delete(OpenProcess)
        .where(
            OpenProcess.kind == str(kind),
            among(session, OpenProcess.process_id, sorted(set(process_ids))),
        )
        .execution_options(synchronize_session=False)
    )
