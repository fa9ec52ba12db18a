"""Duplicates: pairs of files that may describe one person, and what the city says of them (DQ008,
DQ009, S05).

Found by night, each kind by one statement in the database; a pair that was found once is not found
again, whatever was said about it.
"""

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, exists, func, insert, literal, select
from sqlalchemy.orm import Session, aliased

from app.access.actor import Actor
from app.access.roles import Role
from app.core.clock import now
from app.core.errors import Forbidden, Problem, Refused, Stale
from app.models.duplicate import DuplicateCase, DuplicateKind, DuplicateState
from app.models.record import TEACHER_SETS
from app.models.teacher import Teacher
from app.services import audit, notice
from app.services.notice import REASON_LENGTH

COLUMNS = ("first_id", "second_id", "kind", "state", "found_at")


def find(session: Session) -> int:
    """Write down the pairs that nobody was asked about yet, and tell how many there are.

    Runs as the system, over all files. A pair with the same number is not written as alike too.
    """
    stamp, found = now(), 0
    for pairs in (_same_number(stamp), _alike(stamp)):
        made: Any = session.execute(insert(DuplicateCase).from_select(COLUMNS, pairs))
        found += made.rowcount
    return found


def dismiss(session: Session, actor: Actor, case: DuplicateCase, reason: str) -> None:
    """Say that the two files describe different persons; the pair is not asked about again.

    Raises Forbidden for all but the city's information administrator, Refused without a reason of
    1 to 500 characters and while both files have one ID number, Stale when it is decided.
    """
    if actor.role != Role.CITY_INFO:
        raise Forbidden()
    reason = reason.strip()
    if not 0 < len(reason) <= REASON_LENGTH:
        raise Refused(problems=[notice.reason_problem()])
    again = select(DuplicateCase).where(DuplicateCase.id == case.id).with_for_update()
    session.scalars(again.execution_options(populate_existing=True)).one()
    if case.state != DuplicateState.OPEN:
        raise Stale(_("This pair of files is decided already."))
    if have_one_number(case):
        words = _(
            "Both files have the same ID number, which one person has only. Have the number"
            " corrected in the file where it is wrong; then decide."
        )
        raise Refused(words, [Problem("DQ008", words, set="basic", field="id_no")])
    case.state, case.reason = DuplicateState.DISMISSED, reason
    case.decided_by, case.decided_at = actor.account_id, now()
    session.flush()
    # One row about each file: who reads the log of either finds the decision.
    about = [(DuplicateCase.__tablename__, case.id, file.id) for file in case.files]
    detail = {"state": str(case.state)}
    audit.record_many(session, "change", actor=actor, objects=about, reason=reason, detail=detail)


def have_one_number(case: DuplicateCase) -> bool:
    """Whether both files stand under the same ID number at present."""
    first, second = (set(each.number_indexes) for each in case.files)
    return bool(first & second)


def waiting(session: Session) -> tuple[int, datetime | None]:
    """How many pairs in scope wait for a decision, and since when the oldest does."""
    number, oldest = session.execute(
        select(func.count(), func.min(DuplicateCase.found_at)).where(
            DuplicateCase.state == DuplicateState.OPEN
        )
    ).one()
    return number, oldest


def _same_number(stamp: datetime) -> Select[Any]:
    """Pairs with one ID number under either key of the index, one of them on the rolls (DQ008).
    The number of one who left belongs to the same person."""
    first, second = aliased(Teacher), aliased(Teacher)
    same = (first.id_no_index == second.id_no_index) | (first.id_no_index2 == second.id_no_index2)
    return _pairs(DuplicateKind.NUMBER, first, second, stamp).where(
        same, first.active | second.active
    )


def _alike(stamp: datetime) -> Select[Any]:
    """Pairs on the rolls with one name, sex and birth date (DQ009)."""
    first, second = aliased(Teacher), aliased(Teacher)
    mine, theirs = aliased(TEACHER_SETS["basic"]), aliased(TEACHER_SETS["basic"])
    return (
        _pairs(DuplicateKind.LIKENESS, first, second, stamp)
        .join(mine, mine.teacher_id == first.id)
        .join(theirs, theirs.teacher_id == second.id)
        .where(
            first.name == second.name,
            first.sex == second.sex,
            # The year stands with the file and thins out the names before the sets are asked.
            first.birth_year == second.birth_year,
            mine.birth_date == theirs.birth_date,
            mine.standing(),
            theirs.standing(),
            first.active,
            second.active,
        )
        .distinct()
    )


def _pairs(kind: DuplicateKind, first: Any, second: Any, stamp: datetime) -> Select[Any]:
    """Two files as a row of COLUMNS, in the order of their ids, unless they are known as a pair."""
    known = exists().where(DuplicateCase.first_id == first.id, DuplicateCase.second_id == second.id)
    columns = DuplicateCase.__table__.columns
    values = {"kind": str(kind), "state": str(DuplicateState.OPEN), "found_at": stamp}
    told = (literal(value, columns[name].type) for name, value in values.items())
    return (
        select(first.id, second.id, *told)
        .select_from(first)
        .join(second, first.id < second.id)
        .where(~known)
    )
