"""What only the database knows of files and the rules ask: duplicates, shared numbers, processes.

Runs outside the scope: a duplicate counts wherever it lies; only a school's name and yes or no
come out of it.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from app.core.crypto import index_column
from app.indicators.file import Facts
from app.models.record import TEACHER_SETS
from app.models.teacher import OpenProcess, Teacher
from app.models.unit import Unit


def facts(session: Session, teachers: Sequence[Teacher]) -> dict[int, Facts]:
    """What only the database knows about some files, in a constant number of statements.

    Runs outside the scope: a duplicate counts wherever it lies; only a school's name and yes or
    no come out of it (DQ007, DQ008, DQ009, DQ043, DQ065, DQ068).
    """
    ids = [teacher.id for teacher in teachers]
    same, elsewhere = _same_number(session, ids)
    near = _near_duplicates(session, ids)
    mobiles = _shared(session, ids, TEACHER_SETS["contact"], index_column("mobile"))
    certs = _shared_certificates(session, ids)
    processes = dict(
        session.execute(
            select(OpenProcess.teacher_id, OpenProcess.kind).where(OpenProcess.teacher_id.in_(ids))
        ).all()
    )
    return {
        teacher.id: Facts(
            same_school_active=same.get((teacher.id, True), False),
            same_school_inactive=same.get((teacher.id, False), False),
            other_school_name=elsewhere.get(teacher.id),
            near_duplicate=teacher.id in near,
            mobile_shared=teacher.id in mobiles,
            shared_cert_nos=frozenset(certs.get(teacher.id, ())),
            open_process=processes.get(teacher.id),
            in_force=teacher.is_in_force,
        )
        for teacher in teachers
    }


def _unscoped(statement: Any) -> Any:
    return statement.execution_options(unscoped=True)


def _same_number(
    session: Session, ids: list[int]
) -> tuple[dict[tuple[int, bool], bool], dict[int, str]]:
    mine, other = aliased(Teacher), aliased(Teacher)
    number = index_column("id_no")
    rows = session.execute(
        _unscoped(
            select(mine.id, mine.school_id, other.school_id, other.active, Unit.name)
            .join(other, getattr(other, number) == getattr(mine, number))
            .join(Unit, Unit.id == other.school_id)
            .where(mine.id.in_(ids), other.id != mine.id)
        )
    )
    same: dict[tuple[int, bool], bool] = {}
    elsewhere: dict[int, str] = {}
    for key, school, other_school, active, name in rows:
        if school == other_school:
            same[key, bool(active)] = True
        elif active:
            elsewhere[key] = name
    return same, elsewhere


def _near_duplicates(session: Session, ids: list[int]) -> set[int]:
    mine, other = aliased(TEACHER_SETS["basic"]), aliased(TEACHER_SETS["basic"])
    who, them = aliased(Teacher), aliased(Teacher)
    return set(
        session.scalars(
            _unscoped(
                select(who.id)
                .join(mine, mine.teacher_id == who.id)
                .join(them, (them.name == who.name) & (them.sex == who.sex) & (them.id != who.id))
                .join(other, (other.teacher_id == them.id) & (other.birth_date == mine.birth_date))
                .where(
                    who.id.in_(ids),
                    mine.standing(),
                    other.standing(),
                    them.active,
                    them.birth_year == who.birth_year,
                )
            )
        )
    )


def _shared(session: Session, ids: list[int], cls: Any, column: str) -> set[int]:
    mine, other = aliased(cls), aliased(cls)
    return set(
        session.scalars(
            _unscoped(
                select(mine.teacher_id)
                .join(other, getattr(other, column) == getattr(mine, column))
                .join(Teacher, Teacher.id == other.teacher_id)
                .where(
                    mine.teacher_id.in_(ids),
                    other.teacher_id != mine.teacher_id,
                    mine.standing(),
                    other.standing(),
                    Teacher.active,
                )
            )
        )
    )


def _shared_certificates(session: Session, ids: list[int]) -> dict[int, set[str]]:
    cls = TEACHER_SETS["qualification"]
    mine, other = aliased(cls), aliased(cls)
    rows = session.execute(
        _unscoped(
            select(mine.teacher_id, mine.cert_no)
            .join(other, other.cert_no == mine.cert_no)
            .where(
                mine.teacher_id.in_(ids),
                other.teacher_id != mine.teacher_id,
                mine.standing(),
                other.standing(),
            )
        )
    )
    found: dict[int, set[str]] = {}
    for key, number in rows:
        found.setdefault(key, set()).add(number)
    return found
