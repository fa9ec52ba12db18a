"""What a file holds: its rows now or as of a moment, and the whole of it as plain values."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, literal, select, union_all
from sqlalchemy.orm import Session, aliased

from app.core.errors import NotFound
from app.indicators.catalog import Catalog
from app.indicators.file import FileData, Row, SchoolFacts
from app.models.base import UtcDateTime
from app.models.record import TEACHER_SETS
from app.models.teacher import PERSONNEL, Affiliation, NoneAnswer, Teacher
from app.models.unit import Unit
from app.services.among import among
from app.services.facts import facts as facts_of


def find_record(session: Session, teacher: Teacher, set_code: str, record_uuid: str) -> Any:
    """The present row of that identity in a file; NotFound when there is none."""
    cls = TEACHER_SETS.get(set_code)
    if cls is None:
        raise NotFound()
    found = session.scalars(
        select(cls).where(
            cls.teacher_id == teacher.id,
            cls.uuid == record_uuid,
            present(cls, teacher.is_in_force),
        )
    ).first()
    if found is None:
        raise NotFound()
    return found


def records(session: Session, teacher: Teacher, set_code: str, moment: Any = None) -> list[Any]:
    """The rows of one set of one file, now or as of a moment, in order of entry."""
    cls = TEACHER_SETS.get(set_code)
    if cls is None:
        raise NotFound()
    when = present(cls, teacher.is_in_force) if moment is None else cls.as_of(moment)
    return list(
        session.scalars(select(cls).where(cls.teacher_id == teacher.id, when).order_by(cls.id))
    )


def present(cls: Any, in_force: bool) -> Any:
    """The rows that make up a file at present: those in force once it is, its drafts before."""
    return cls.as_of() if in_force else cls.valid_from.is_(None)


def counts(session: Session, teacher: Teacher, moment: Any = None) -> dict[str, int]:
    """Rows per set, now or as of a moment, in one statement."""
    given: dict[str, Any] = {"teacher": teacher.id}
    given |= {} if moment is None else {"moment": moment}
    statement = _count_statement(teacher.is_in_force, at_moment=moment is not None)
    return {row.set: row.n for row in session.execute(statement, given)}


@cache
def _count_statement(in_force: bool, *, at_moment: bool) -> Any:
    """A count per set of one file; 28 parts are dear to put together each time."""
    moment = bindparam("moment", type_=UtcDateTime())
    parts = [
        select(literal(code).label("set"), func.count().label("n"))
        .select_from(cls)
        .where(
            cls.teacher_id == bindparam("teacher"),
            cls.as_of(moment) if at_moment else present(cls, in_force),
        )
        for code, cls in TEACHER_SETS.items()
    ]
    return union_all(*parts)


def file_data(
    session: Session,
    teachers: Sequence[Teacher],
    catalog: Catalog,
    *,
    with_facts: bool = True,
    moment: Any = None,
) -> dict[int, FileData]:
    """The whole present content of some files as plain values: a statement per set."""
    ids = [teacher.id for teacher in teachers]
    open_ids = [t.id for t in teachers if not t.is_in_force]
    live_ids = [t.id for t in teachers if t.is_in_force]
    rows: dict[int, dict[str, list[Row]]] = {key: {} for key in ids}
    left = _left(session, live_ids) if with_facts else {}
    for code, cls in TEACHER_SETS.items():
        for record in session.scalars(
            select(cls).where(_content(session, cls, open_ids, live_ids, moment)).order_by(cls.id)
        ):
            at = _written_at(record, left.get(record.teacher_id))
            row = Row(record.uuid, record.values(), at)
            rows[record.teacher_id].setdefault(code, []).append(row)
    none: dict[int, set[str]] = {}
    for teacher_id, code in session.execute(
        select(NoneAnswer.teacher_id, NoneAnswer.set).where(
            among(session, NoneAnswer.teacher_id, ids)
        )
    ):
        none.setdefault(teacher_id, set()).add(code)
    facts = facts_of(session, teachers) if with_facts else {}
    schools = schools_of(session, teachers)
    return {
        t.id: FileData(
            teacher_id=t.id,
            school=schools[t.school_id],
            status=t.staff_status,
            rows={code: tuple(found) for code, found in rows[t.id].items()},
            none_sets=frozenset(none.get(t.id, ())),
            **({"facts": facts[t.id]} if t.id in facts else {}),
        )
        for t in teachers
    }


def _left(session: Session, ids: Sequence[int]) -> dict[int, tuple[Any, int]]:
    """When some persons left the school before their present one, and which that was."""
    there = select(Affiliation.teacher_id, Affiliation.valid_to, Affiliation.school_id)
    rows = session.execute(
        there.join(Teacher, Teacher.id == Affiliation.teacher_id)
        .where(
            among(session, Affiliation.teacher_id, ids),
            Affiliation.school_id != Teacher.school_id,
            Affiliation.kind == PERSONNEL,
            Affiliation.valid_to.is_not(None),
        )
        .order_by(Affiliation.valid_to),
        execution_options={"unscoped": True},
    )
    return {key: (at, school) for key, at, school in rows}


def _written_at(record: Any, left: tuple[Any, int] | None) -> int | None:
    """The school where a row came into force, where that is not the present one."""
    if left is None or record.valid_from is None:
        return None
    return left[1] if record.valid_from < left[0] else None


def present_records(session: Session, set_code: str, teachers: Sequence[Teacher]) -> list[Any]:
    """The present rows of one set of some files."""
    cls = TEACHER_SETS[set_code]
    open_ids = [t.id for t in teachers if not t.is_in_force]
    live_ids = [t.id for t in teachers if t.is_in_force]
    where = _content(session, cls, open_ids, live_ids, None)
    return list(session.scalars(select(cls).where(where)))


def _content(
    session: Session, cls: Any, open_ids: list[int], live_ids: list[int], moment: Any
) -> Any:
    if moment is not None:
        return among(session, cls.teacher_id, [*open_ids, *live_ids]) & cls.as_of(moment)
    drafts = among(session, cls.teacher_id, open_ids) & present(cls, False)
    live = among(session, cls.teacher_id, live_ids) & present(cls, True)
    if not live_ids:
        return drafts
    return live if not open_ids else drafts | live


def schools_of(session: Session, teachers: Sequence[Teacher]) -> dict[int, SchoolFacts]:
    """What the rules ask about the schools of some files, by id of the school."""
    above = aliased(Unit)
    rows = session.execute(
        select(Unit, above.code)
        .outerjoin(above, above.id == Unit.authority_id)
        .where(Unit.id.in_({t.school_id for t in teachers}))
        .execution_options(unscoped=True)
    )
    return {unit.id: school_facts(unit, authority) for unit, authority in rows}


def school_facts(unit: Unit, authority: str | None) -> SchoolFacts:
    """What the rules ask about a school; `authority` is the code of who decides."""
    return SchoolFacts(
        id=unit.id,
        code=unit.code,
        name=unit.name,
        category=unit.category or "",
        type_code=unit.type_code or "",
        urban_rural=unit.urban_rural or "",
        district=unit.district_code or "",
        authority=authority or "",
        main_school=unit.parent_id is not None,
    )
