"""What the completion of transfers does, all in one transaction (s4.2): where people belong, what
their files say, who may look at what from now on.

Many at once with a constant number of statements per set.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.orm import Session

from app.access.roles import Role
from app.core.clock import local
from app.indicators.periods import add_months, month_of
from app.models.account import Account, Assignment
from app.models.exchange import ExportFile
from app.models.notice import Notice
from app.models.record import PENDING, TEACHER_SETS
from app.models.saved_view import FormDraft
from app.models.teacher import PERSONNEL, Teacher
from app.models.transfer import FileGrant, Transfer
from app.models.unit import Unit
from app.services import affiliation, audit, place
from app.services.among import among
from app.services.contents import present_records
from app.services.draft import FILE_KEY
from app.services.effect import ENTRY, Coming, bring_into_force, copied
from app.services.raw_values import default_values
from app.services.record import Columns, insert_rows, stored
from app.services.rotation import SET
from app.services.transfer_rotation import records
from app.services.transfer_step import teacher_ids

SERVING, LEFT = "100", "305"  # Staff status at the new school, and that which only this flow sets.
CAUSE = "transfer"
# The nature of the employer (code table unit_nature) in the record of work.
NATURES, OF_SCHOOLS = {"higher": "22"}, "23"
# The sets with what ends at a school: its record of work, its appointments.
ENDING = ("work", "post")


def move_files(act: Any, items: list[Transfer]) -> None:
    """Close the places at the sending schools and open those at the receiving ones (s4.2 1, 2);
    the sending ones keep the files as they were."""
    session, ids = act.session, teacher_ids(items)
    _leave(session, items, act.at)
    _keep_grants(session, items, act.at)
    mine = [item.id for item in items]
    to: dict[str, Any] = {
        name: select(getattr(Transfer, name))
        .where(Transfer.teacher_id == Teacher.id, among(session, Transfer.id, mine))
        .scalar_subquery()
        for name in ("school_id", "authority_id")
    }
    session.execute(
        update(Teacher)
        .where(among(session, Teacher.id, ids))
        .values(**to, staff_status=SERVING)
        .execution_options(unscoped=True, synchronize_session=False)
    )
    place.follow(session, ids)
    affiliation.begin(session, map(_joining, items), at=act.at)


def _leave(session: Session, items: Iterable[Transfer], at: Any) -> None:
    by_month: dict[str, list[int]] = {}
    for item in items:
        by_month.setdefault(_month_before(item.join_month), []).append(item.teacher_id)
    for month, ids in by_month.items():
        affiliation.end(session, ids, status=LEFT, month=month, at=at)


def _joining(item: Transfer) -> dict[str, Any]:
    return {
        "teacher_id": item.teacher_id,
        "school_id": item.school_id,
        "authority_id": item.authority_id,
        "kind": PERSONNEL,
        "status": SERVING,
        "from_month": item.join_month,
    }


def _month_before(month: str | None) -> str:
    """The last month at the sending school: it ends on the day before the other one begins."""
    first = date.fromisoformat(f"{month}-01")
    return month_of(add_months(first, -1))


def _keep_grants(session: Session, items: Sequence[Transfer], at: Any) -> None:
    names = session.execute(
        select(Teacher.id, Teacher.name, Teacher.teacher_no).where(
            among(session, Teacher.id, teacher_ids(items))
        ),
        execution_options={"unscoped": True},
    )
    by_file = {key: {"name": name, "teacher_no": number} for key, name, number in names}
    rows = [
        {"teacher_id": item.teacher_id, "unit_id": item.from_school_id, "at": at}
        | by_file[item.teacher_id]
        for item in items
    ]
    session.execute(insert(FileGrant), rows)


@dataclass(frozen=True)
class _Wanted:
    """A row that is to come into force: the columns of the pending one, the one in force before it
    and the codes of what changes."""

    code: str
    columns: Columns
    before: Any = None
    fields: tuple[str, ...] = ()


def write_files(act: Any, items: list[Transfer]) -> None:
    """Write into the files what the transfers made of them, as one new version each (s4.2 3, S07).

    The files lie at the receiving schools by now, whose clerk acts.
    """
    session, known = act.session, act.known
    held = select(Teacher).where(among(session, Teacher.id, teacher_ids(items)))
    teachers = list(
        session.scalars(held.order_by(Teacher.id).execution_options(populate_existing=True))
    )
    receiving = select(Unit).where(Unit.id.in_({item.school_id for item in items}))
    schools = {unit.id: unit for unit in session.scalars(receiving)}
    by_file = {item.teacher_id: item for item in items}
    wanted: list[_Wanted] = []
    for before in present_records(session, "basic", teachers):
        item = by_file[before.teacher_id]
        placed = {"join_school": item.join_month, "staff_category": item.staff_category}
        wanted.append(_successor("basic", before, placed, act))
    for code in ENDING:
        rows = present_records(session, code, teachers)
        ended = [row for row in rows if _goes_on(row, by_file[row.teacher_id])]
        wanted += [_successor(code, row, {"end": _end_of(row, by_file)}, act) for row in ended]
        last = {row.teacher_id: row for row in sorted(ended, key=lambda row: row.start or "")}
        for teacher in teachers:
            item = by_file[teacher.id]
            values = _begun(code, item, last.get(teacher.id), schools[item.school_id])
            if known.rule(code, "start", teacher.category).collected:
                wanted.append(_new(code, teacher, values, act))
    said = records(act, items)
    wanted += [_new(SET, each, said[each.id], act) for each in teachers if each.id in said]
    coming = _propose(session, wanted, teachers)
    bring_into_force(session, teachers, coming, at=act.at, cause=CAUSE, catalog=known)


def _propose(
    session: Session, wanted: Sequence[_Wanted], teachers: Sequence[Teacher]
) -> list[Coming]:
    """Write the pending rows, with two statements per set, and load them."""
    found: dict[tuple[str, str], Any] = {}
    for code in sorted({each.code for each in wanted}):
        cls = TEACHER_SETS[code]
        insert_rows(session, cls, [each.columns for each in wanted if each.code == code])
        mine = among(session, cls.teacher_id, [teacher.id for teacher in teachers])
        for row in session.scalars(select(cls).where(mine, cls.state == PENDING)):
            found[code, row.uuid] = row
    return [
        Coming(each.before, found[each.code, each.columns["uuid"]], each.fields) for each in wanted
    ]


def _goes_on(row: Any, item: Transfer) -> bool:
    """Whether a record of the sending school would last into the time at the receiving one."""
    return row.end is None or row.end > _month_before(item.join_month)


def _end_of(row: Any, by_file: dict[int, Transfer]) -> str:
    """The last month there, never before the first."""
    return max(row.start or "", _month_before(by_file[row.teacher_id].join_month))


def _begun(code: str, item: Transfer, last: Any, school: Unit) -> dict[str, Any]:
    """What the record that opens at the receiving school says; the establishment stays with the
    person."""
    if code == "work":
        return {
            "org_name": school.name,
            "start": item.join_month,
            "position": item.position,
            "unit_nature": NATURES.get(school.category or "", OF_SCHOOLS),
        }
    return {
        "post_category": item.post_category,
        "post_grade": item.post_grade,
        "start": item.join_month,
        "establishment_type": last.establishment_type if last is not None else None,
    }


def _successor(code: str, before: Any, values: dict[str, Any], act: Any) -> _Wanted:
    """What takes the place of a row in force and says otherwise in some values."""
    kept = {name: value for name, value in copied(before).items() if name not in ENTRY}
    changed = stored(type(before), before.uuid, values)
    return _Wanted(code, kept | changed | _entry(act), before, tuple(values))


def _new(code: str, teacher: Teacher, values: dict[str, Any], act: Any) -> _Wanted:
    """A record that begins."""
    cls, uuid = TEACHER_SETS[code], uuid4().hex
    given = {name: value for name, value in values.items() if value not in (None, "")}
    own = {
        "uuid": uuid,
        "teacher_id": teacher.id,
        "school_id": teacher.school_id,
        "authority_id": teacher.authority_id,
    }
    usual = default_values(act.known, code, teacher.category)
    return _Wanted(code, own | stored(cls, uuid, usual | given) | _entry(act))


def _entry(act: Any) -> Columns:
    return {
        "state": PENDING,
        "version": 1,
        "entered_by": act.actor.account_id or None,
        "entered_at": act.at,
    }


def move_rights(act: Any, items: list[Transfer]) -> None:
    """The account moves with the person, and what the old school has lying about of the file stops
    to work (s4.2 4, SEC-06)."""
    session, ids = act.session, teacher_ids(items)
    _move_accounts(act, items)
    notice, draft, export = Notice.__table__, FormDraft.__table__, ExportFile.__table__
    left = sorted({item.from_school_id for item in items})
    units = sorted({*left, *(item.from_authority_id for item in items)})
    session.execute(
        update(notice)
        .where(among(session, notice.c.teacher_id, ids), notice.c.unit_id.in_(units))
        .values(teacher_id=None)
    )
    own = select(Account.id).where(among(session, Account.teacher_id, ids))
    forms = [draft.c.form_key.startswith(FILE_KEY.format(key), autoescape=True) for key in ids]
    session.execute(delete(draft).where(or_(*forms), draft.c.account_id.not_in(own)))
    session.execute(
        update(export)
        .where(
            export.c.downloaded_at.is_(None),
            export.c.expires_at > act.at,
            export.c.request["unit"].as_integer().in_(left),
        )
        .values(expires_at=act.at)
    )


def _move_accounts(act: Any, items: Sequence[Transfer]) -> None:
    """The teacher's own role goes along; roles in the old school end, and those given on from
    them."""
    session = act.session
    to = {(item.teacher_id, item.from_school_id): item.school_id for item in items}
    held = Assignment.__table__
    rows = session.execute(
        select(held.c.id, held.c.role, held.c.unit_id, Account.teacher_id)
        .join(Account, Account.id == held.c.account_id)
        .where(among(session, Account.teacher_id, teacher_ids(items)))
        .order_by(held.c.id)
    ).all()
    here = [row for row in rows if (row.teacher_id, row.unit_id) in to]
    going = [row for row in here if row.role == Role.TEACHER]
    by_unit: dict[int, list[int]] = {}
    for row in going:
        by_unit.setdefault(to[row.teacher_id, row.unit_id], []).append(row.id)
    for unit, keys in by_unit.items():
        session.execute(update(held).where(held.c.id.in_(keys)).values(unit_id=unit))
    ended = [row for row in here if row.role != Role.TEACHER]
    keys = [row.id for row in ended]
    last = local(act.at).date() - timedelta(days=1)
    session.execute(
        update(held)
        .where(
            held.c.id.in_(keys) | held.c.delegated_from.in_(keys),
            held.c.valid_to.is_(None) | (held.c.valid_to > last),
        )
        .values(valid_to=last)
    )
    for act_name, found in (("role_grant", going), ("role_revoke", ended)):
        places = [("assignment", row.id, row.teacher_id) for row in found]
        detail = {"by": CAUSE}
        audit.record_many(session, act_name, actor=act.actor, objects=places, detail=detail)
