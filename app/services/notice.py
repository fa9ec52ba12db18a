"""Notices: who is told of an event; one row per recipient, once per unit and batch (1.6)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import Role
from app.core.clock import now, today
from app.core.errors import Problem
from app.models.account import Account, Assignment
from app.models.change import RecordChange
from app.models.history import Transition
from app.models.notice import Notice
from app.models.transfer import Transfer
from app.models.unit import Unit, UnitKind
from app.services.among import among
from app.services.notice_words import EVENTS
from app.services.queue import sole_heads


@dataclass(frozen=True)
class Telling:
    """An event and who hears of it: teacher, school_info, school_head, authority, submitter; of a
    rotation the host's host_info, host_head and host_authority; of a transfer these are the
    receiving side, and sending_info, sending_head, sending_authority.

    stand_in and sending_stand_in are the authority where it acts for a head; it hears of such
    files only. Of `state`
    nobody hears but of the objects that came to it, where a step leads to several.
    """

    event: str
    to: tuple[str, ...]
    state: str = ""


REASON_LENGTH = 500
PLACE = ("flow", "process")  # Which addition or change a notice speaks of, where it is one.
UNIT_ROLES = {
    "school_info": (Role.SCHOOL_INFO,),
    "school_head": (Role.SCHOOL_HEAD,),
    "authority": (Role.DISTRICT_INFO, Role.CITY_INFO),
    "host_info": (Role.SCHOOL_INFO,),
    "host_head": (Role.SCHOOL_HEAD,),
    "host_authority": (Role.DISTRICT_INFO, Role.CITY_INFO),
    "sending_info": (Role.SCHOOL_INFO,),
    "sending_head": (Role.SCHOOL_HEAD,),
    "sending_authority": (Role.DISTRICT_INFO, Role.CITY_INFO),
}
# The column of an object that names the unit of a party; of all others it is its school.
UNIT_COLUMNS = {
    "authority": "authority_id",
    "host_info": "to_school_id",
    "host_head": "to_school_id",
    "host_authority": "to_authority_id",
    "sending_info": "from_school_id",
    "sending_head": "from_school_id",
    "sending_authority": "from_authority_id",
}
HOSTS = frozenset(("host_info", "host_head", "host_authority"))  # The file is not theirs.
STAND_INS = {"stand_in": "authority", "sending_stand_in": "sending_authority"}


def words(notice: Notice) -> str:
    """The notice in the reader's language."""
    blank = dict.fromkeys(("name", "unit", "reason", "until", "number", "days"), "")
    params = blank | {"count": 1, "refused": 0} | (notice.params or {})
    return str(EVENTS[notice.event]) % params


def reason_problem() -> Problem:
    """The problem of an act without a usable reason."""
    return Problem("reason", _("Give a reason of 1 to 500 characters."), field="reason")


def tell(
    session: Session,
    telling: Telling,
    actor: Actor,
    items: Sequence[Any],
    *,
    reason: str = "",
    batch: str | None = None,
) -> None:
    """Write the notices of one act over one or many objects; nobody is told of an act of their own.

    Acts of one `batch` are told once: the unread notice of an earlier part counts on.
    """
    items = [item for item in items if telling.state in ("", item.state)]
    if not items:
        return
    if telling.event not in EVENTS:
        raise KeyError(telling.event)
    rows: list[dict[str, Any]] = []
    for party in telling.to:
        rows += _for_party(session, telling, party, items, reason=reason, sender=actor.unit_name)
    # Who is a party in two ways hears of it once.
    once = {(row["account_id"], row["teacher_id"], row["unit_id"]): row for row in rows}
    rows = [row for row in once.values() if row["account_id"] != actor.account_id]
    if batch:
        rows = _counted_on(session, telling.event, rows, batch)
    if rows:
        session.execute(insert(Notice), rows)


def _for_party(
    session: Session,
    telling: Telling,
    party: str,
    items: Sequence[Any],
    *,
    reason: str,
    sender: str,
) -> list[dict[str, Any]]:
    if party == "teacher":
        return _for_teachers(session, telling.event, items, reason, sender=sender)
    if party == "submitter":
        return _for_submitters(session, telling.event, items, reason)
    if party in STAND_INS:
        sole = sole_heads(session, items)
        items, party = [item for item in items if item.id in sole], STAND_INS[party]
    return _for_units(session, telling.event, items, reason, party=party, sender=sender)


def _counted_on(
    session: Session, event: str, rows: list[dict[str, Any]], batch: str
) -> list[dict[str, Any]]:
    """Add the counts of rows to the unread notices of the same batch; return the other rows."""
    known = {
        (each.account_id, each.unit_id): each
        for each in session.scalars(
            select(Notice)
            .where(
                Notice.account_id.in_({row["account_id"] for row in rows}),
                Notice.event == event,
                Notice.read_at.is_(None),
                Notice.params["batch"].as_string() == batch,
            )
            .execution_options(unscoped=True)
        )
    }
    left = []
    for row in rows:
        row["params"]["batch"] = batch
        found = known.get((row["account_id"], row["unit_id"]))
        if found is None:
            left.append(row)
            continue
        count = found.params["count"] + row["params"]["count"]
        kept = {key: value for key, value in found.params.items() if key not in PLACE}
        found.params = kept | {"count": count}
        found.teacher_id = None
    session.flush()
    return left


def send(session: Session, event: str, accounts: Iterable[int], **params: Any) -> None:
    """Write one notice to each of the accounts."""
    stamp = now()
    rows = [
        {"account_id": account, "event": event, "params": params, "at": stamp}
        for account in set(accounts)
    ]
    if rows:
        session.execute(insert(Notice), rows)


def send_to_units(
    session: Session,
    event: str,
    accounts: Mapping[int, Iterable[int]],
    params: Mapping[int, Mapping[str, Any]],
) -> None:
    """Write one notice to each of the accounts of each unit, with the unit's own params."""
    stamp = now()
    rows = [
        {
            "account_id": account,
            "event": event,
            "params": dict(params[unit]),
            "unit_id": unit,
            "at": stamp,
        }
        for unit, found in accounts.items()
        for account in sorted(found)
    ]
    if rows:
        session.execute(insert(Notice), rows)


def accounts_of(
    session: Session, units: Iterable[int], roles: Iterable[str]
) -> dict[int, set[int]]:
    """The accounts that hold one of the roles in each unit today."""
    day = today()
    rows = session.execute(
        select(Assignment.unit_id, Assignment.account_id)
        .where(
            Assignment.unit_id.in_(set(units)),
            Assignment.role.in_(list(roles)),
            Assignment.valid_from <= day,
            or_(Assignment.valid_to.is_(None), Assignment.valid_to >= day),
        )
        .execution_options(unscoped=True)
    )
    found: dict[int, set[int]] = {}
    for unit, account in rows:
        found.setdefault(unit, set()).add(account)
    return found


def _for_units(
    session: Session, event: str, items: Sequence[Any], reason: str, *, party: str, sender: str
) -> list[dict[str, Any]]:
    by_unit: dict[int, list[Any]] = {}
    for item in items:
        unit = getattr(item, UNIT_COLUMNS.get(party, "school_id"))
        if unit is not None:
            by_unit.setdefault(unit, []).append(item)
    accounts = accounts_of(session, by_unit, UNIT_ROLES[party])
    stamp = now()
    rows = []
    for unit, mine in by_unit.items():
        params = {"count": len(mine), "unit": sender, "reason": reason} | _place(mine)
        teacher = _file_of(mine[0], party) if len(mine) == 1 else None
        for account in accounts.get(unit, ()):
            rows.append(
                {
                    "account_id": account,
                    "event": event,
                    "params": dict(params),
                    "teacher_id": teacher,
                    "unit_id": unit,
                    "at": stamp,
                }
            )
    return rows


def _place(items: Sequence[Any]) -> dict[str, Any]:
    """The addition or change that a notice speaks of, where it is the only one."""
    if len(items) != 1 or not isinstance(items[0], RecordChange):
        return {}
    return {"flow": items[0].flow, "process": items[0].id}


def _file_of(item: Any, party: str) -> int | None:
    """The file that a notice to a unit leads to, where that is not foreign to it: to one side of a
    transfer it is, and to the host of a rotation."""
    return None if isinstance(item, Transfer) or party in HOSTS else item.teacher_id


def _for_teachers(
    session: Session, event: str, items: Sequence[Any], reason: str, *, sender: str
) -> list[dict[str, Any]]:
    rows = session.execute(
        select(Account.id, Account.teacher_id).where(
            among(session, Account.teacher_id, [item.teacher_id for item in items])
        )
    )
    stamp = now()
    by_teacher: dict[int, list[Any]] = {}
    for item in items:
        by_teacher.setdefault(item.teacher_id, []).append(item)
    return [
        {
            "account_id": account,
            "event": event,
            "params": {"count": 1, "reason": reason, "unit": sender} | _place(by_teacher[teacher]),
            "teacher_id": teacher,
            "unit_id": None,
            "at": stamp,
        }
        for account, teacher in rows
    ]


def _for_submitters(
    session: Session, event: str, items: Sequence[Any], reason: str
) -> list[dict[str, Any]]:
    by_account: dict[int, list[int]] = {}
    for account, teacher in _submitters(session, items):
        by_account.setdefault(account, []).append(teacher)
    opened = {
        account: _place([item for item in items if getattr(item, "opened_by", None) == account])
        for account in by_account
    }
    stamp = now()
    return [
        {
            "account_id": account,
            "event": event,
            "params": {"count": len(teachers), "reason": reason} | opened[account],
            "teacher_id": teachers[0] if len(set(teachers)) == 1 else None,
            "unit_id": None,
            "at": stamp,
        }
        for account, teachers in by_account.items()
    ]


def _submitters(session: Session, items: Sequence[Any]) -> list[tuple[int, int]]:
    """Account and file: who opened an addition, or who submitted a file last."""
    if isinstance(items[0], RecordChange):
        return [(item.opened_by, item.teacher_id) for item in items]
    last = (
        select(func.max(Transition.id))
        .where(
            among(session, Transition.teacher_id, [item.teacher_id for item in items]),
            Transition.flow == "review",
            Transition.step == "submit",
        )
        .group_by(Transition.teacher_id)
    )
    # Teachers who submitted their own file are told as teachers.
    rows = session.execute(
        select(Transition.account_id, Transition.teacher_id)
        .join(Account, Account.id == Transition.account_id)
        .where(
            Transition.id.in_(last),
            or_(Account.teacher_id.is_(None), Account.teacher_id != Transition.teacher_id),
        )
    )
    return [(account, teacher) for account, teacher in rows if account and teacher]


def unread_count(session: Session, actor: Actor) -> int:
    """How many notices the actor has not read, counted to 100."""
    inner = (
        select(Notice.id)
        .where(Notice.account_id == actor.account_id, Notice.read_at.is_(None))
        .limit(100)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(inner)) or 0


def mark_read(session: Session, actor: Actor, ids: Sequence[int] | None = None) -> int:
    """Mark the actor's own notices read; all of them when no ids are given."""
    statement = update(Notice).where(
        Notice.account_id == actor.account_id, Notice.read_at.is_(None)
    )
    if ids is not None:
        statement = statement.where(Notice.id.in_(list(ids)))
    result = session.execute(
        statement.values(read_at=now()).execution_options(synchronize_session=False)
    )
    return int(getattr(result, "rowcount", 0))


def authority_units(session: Session, kinds: Mapping[str, Any] | None = None) -> list[Unit]:
    """The units that decide: the city commission and the district authorities."""
    return list(
        session.scalars(
            select(Unit)
            .where(Unit.kind.in_([UnitKind.CITY, UnitKind.DISTRICT]))
            .order_by(Unit.code)
            .execution_options(unscoped=True)
        )
    )
