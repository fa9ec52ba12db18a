"""Whose file it is: the ID document of a person, sealed and indexed; one file each (DQ007)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, undefer

from app.access.actor import Actor
from app.core.crypto import index_columns, seal, search_indexes
from app.core.errors import Problem, Refused
from app.core.sealed import UNREADABLE
from app.models.teacher import Teacher
from app.models.unit import Unit


@dataclass(frozen=True)
class KnownIdentity:
    """A file that an ID number has already: active in the own school or in another, or closed."""

    active: bool
    own: bool
    school: str


def identity_problems(session: Session, actor: Actor, values: Mapping[str, Any]) -> list[Problem]:
    """Whether the ID number of a file to be opened belongs to another file (DQ007, DQ008)."""
    indexes = search_indexes(values["id_no"], "idcard")
    known = known_identities(session, actor.unit_id, indexes)
    return [identity_problem(known[index]) for index in indexes if index in known][:1]


def known_identities(
    session: Session, school_id: int, indexes: Sequence[bytes]
) -> dict[bytes, KnownIdentity]:
    """The files that ID numbers have already, by blind index, wherever they lie; active ones first.

    Only the school's name and yes or no come out of it.
    """
    rows: Any = session.execute(
        select(Teacher, Unit.name)
        .join(Unit, Unit.id == Teacher.school_id)
        .where(Teacher.has_number(indexes))
        .order_by(Teacher.active.desc(), Teacher.id)
        .execution_options(unscoped=True)
    )
    found: dict[bytes, KnownIdentity] = {}
    for teacher, name in rows:
        known = KnownIdentity(bool(teacher.active), teacher.school_id == school_id, name)
        for index in teacher.number_indexes:
            found.setdefault(index, known)
    return found


def identity_problem(known: KnownIdentity) -> Problem:
    """Why no second file is opened for the person."""
    place: dict[str, Any] = {"set": "basic", "field": "id_no"}
    if known.active and known.own:
        return Problem("DQ007", _("This ID number has a file in your school already."), **place)
    if known.active:
        text = _(
            "This ID number has an active file at %(school)s. Use a transfer instead of a second"
            " file.",
            school=known.school,
        )
        return Problem("DQ008", text, **place)
    text = _(
        "A file of a former employee has this ID number. It is taken up again instead of opening"
        " a second one; please ask your authority."
    )
    return Problem("DQ007", text, **place)


def identify(teacher: Teacher, values: Mapping[str, Any]) -> None:
    """Keep number and document type of the basic set with the file, sealed and indexed."""
    number = values.get("id_no")
    teacher.id_doc_type = values.get("id_doc_type")
    if number is UNREADABLE:
        return
    if not number:
        teacher.id_no = teacher.id_no_index = teacher.id_no_index2 = None
        return
    indexes = index_columns("id_no", number, "idcard")
    if any(getattr(teacher, name) != index for name, index in indexes.items()):
        teacher.id_no_index, teacher.id_no_index2 = indexes.values()
        teacher.id_no = seal(number, table="teacher", column="id_no", uuid=teacher.uuid)


def flush_identity(session: Session) -> None:
    """Write what is pending. Refused (DQ007) where another took the ID number meanwhile: the
    database keeps it unique, and the transaction is rolled back."""
    try:
        session.flush()
    except IntegrityError as clash:
        if "id_no" not in str(clash.orig):
            raise
        session.rollback()
        raise Refused(
            problems=[
                Problem(
                    "DQ007",
                    _("A file with this ID number exists already."),
                    set="basic",
                    field="id_no",
                )
            ]
        ) from clash


def sealed_id(session: Session, teacher: Teacher) -> Teacher:
    """The teacher with the sealed ID number loaded."""
    return session.scalars(
        select(Teacher).where(Teacher.id == teacher.id).options(undefer(Teacher.id_no))
    ).one()
