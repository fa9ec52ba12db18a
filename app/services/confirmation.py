"""“Nothing has changed”: a file in force is confirmed for the year by whose it is (S06)."""

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.access.actor import Actor
from app.access.roles import Role
from app.core.clock import today
from app.core.errors import AppError, Forbidden, NotFound, Problem, Refused, Stale
from app.indicators.catalog import Catalog, language
from app.models.change import OPEN, RecordChange
from app.models.teacher import Teacher
from app.services import audit, transition
from app.services.among import among

UNCHANGED = "unchanged"


def is_the_actors(actor: Actor, teacher: Teacher) -> bool:
    """Whether the actor answers for the file: the teacher, or the school's information
    administrator."""
    if actor.role == Role.TEACHER:
        return actor.teacher_id == teacher.id
    return actor.role == Role.SCHOOL_INFO and actor.unit_id == teacher.school_id


def is_due(actor: Actor, teacher: Teacher) -> bool:
    """Whether the actor may confirm the file at present and it has not been today."""
    waits = teacher.active and teacher.is_in_force and teacher.confirmed_on != today()
    return waits and is_the_actors(actor, teacher)


def confirm(
    session: Session, actor: Actor, ids: Sequence[int], catalog: Catalog
) -> dict[int, AppError]:
    """Confirm that nothing has changed in some files; returns the refused ones with the reason.

    NotFound: out of scope; Forbidden: not the actor's to say; Stale: not in force or off the rolls;
    Refused: an addition or change is open, and which. What was confirmed today stays as it is. The
    statements are the same for one file and for hundreds.
    """
    held = (
        select(Teacher)
        .where(among(session, Teacher.id, ids))
        .order_by(Teacher.id)
        .with_for_update(of=Teacher)
        .execution_options(populate_existing=True)
    )
    files = {teacher.id: teacher for teacher in session.scalars(held)}
    waiting = _open_processes(session, list(files), catalog)
    failed: dict[int, AppError] = {key: NotFound() for key in ids if key not in files}
    for key, teacher in files.items():
        refusal = _refusal(actor, teacher, waiting.get(key, []))
        if refusal is not None:
            failed[key] = refusal
    day = today()
    chosen = [file for file in files.values() if file.id not in failed and file.confirmed_on != day]
    if chosen:
        _write(session, actor, chosen)
    return failed


def confirm_one(session: Session, actor: Actor, key: int, catalog: Catalog) -> None:
    """Confirm one file; raises what confirm() returns."""
    failed = confirm(session, actor, [key], catalog)
    if key in failed:
        raise failed[key]


def _refusal(actor: Actor, teacher: Teacher, open_: list[Problem]) -> AppError | None:
    if not is_the_actors(actor, teacher):
        return Forbidden()
    if not teacher.is_in_force:
        return Stale(_("Only an effective file is confirmed."))
    if not teacher.active:
        return Stale(_("The person is no longer on the rolls."))
    if open_:
        words = "; ".join(str(each.message) for each in open_)
        return Refused(words, open_)
    return None


def _open_processes(
    session: Session, ids: Sequence[int], catalog: Catalog
) -> dict[int, list[Problem]]:
    """What is under way in some files, in words: a file with it has not stayed as it is."""
    rows = session.scalars(
        select(RecordChange)
        .where(among(session, RecordChange.teacher_id, ids), RecordChange.state.in_(OPEN))
        .order_by(RecordChange.id)
    )
    found: dict[int, list[Problem]] = {}
    for item in rows:
        name = catalog.name(catalog.set(item.set), language())
        text = (
            _("An addition to “%(set)s” is not yet decided.", set=name)
            if item.flow == "addition"
            else _("A change of “%(set)s” is not yet decided.", set=name)
        )
        problem = Problem("open_process", text, set=item.set, record=item.record_uuid)
        found.setdefault(item.teacher_id, []).append(problem)
    return found


def _write(session: Session, actor: Actor, files: Sequence[Teacher]) -> None:
    """Keep the day, a row of history and one of audit for each file."""
    day = today()
    session.execute(
        update(Teacher)
        .where(among(session, Teacher.id, [file.id for file in files]))
        .values(confirmed_on=day)
        .execution_options(synchronize_session=False)
    )
    for file in files:
        set_committed_value(file, "confirmed_on", day)
        transition.note(session, actor, file, flow="review", step=UNCHANGED, from_state=file.state)
    audit.record_many(
        session, "change", actor=actor, objects=files, detail={UNCHANGED: day.isoformat()}
    )
