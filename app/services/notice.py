"""Notices: who is told of an event; one row per recipient, once per unit and batch (1.6)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
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


# Event -> its words; {count} files, {name} the only one's teacher, {unit}, {reason}.
EVENTS: dict[str, Any] = {
    "file_created": _l("A file was opened for you. Please fill it in and submit it."),
    "file_submitted": _l("%(count)s file(s) were submitted and wait for your school."),
    "head_file_submitted": _l(
        "%(unit)s submitted the file of its head. Nobody there may confirm it: you confirm it."
    ),
    "my_file_returned": _l("Your file was returned: %(reason)s"),
    "file_returned_to_teacher": _l("%(count)s file(s) were returned to the teacher: %(reason)s"),
    "file_confirmed": _l("%(unit)s reported %(count)s file(s) for review."),
    "report_withdrawn": _l("%(unit)s withdrew the report of %(count)s file(s)."),
    "file_returned": _l("%(count)s file(s) were returned by the authority: %(reason)s"),
    "file_effective": _l("%(count)s file(s) are effective."),
    "my_file_effective": _l("Your file is effective."),
    "file_accepted": _l("The city accepted %(count)s file(s)."),
    "correction_required": _l("The city asks to correct %(count)s file(s): %(reason)s"),
    "correction_closed": _l("The city closed the correction task: %(reason)s"),
    "file_reported": _l("%(count)s file(s) were reported to the Ministry."),
    "urge": _l(
        "Please complete the collection: %(count)s file(s) are not yet reported. %(reason)s"
    ),
    "urge_start": _l("Please begin the collection: no file has been opened yet. %(reason)s"),
    "bulk_done": _l("Your act on many files is finished: %(count)s done, %(refused)s not done."),
    "review_waiting": _l(
        "%(count)s file(s) have waited for your review for more than %(days)s working days."
    ),
    "addition_waiting": _l(
        "%(count)s addition(s) have waited for your decision for more than %(days)s working days."
    ),
    "change_waiting": _l(
        "%(count)s change(s) have waited for your decision for more than %(days)s working days."
    ),
    "process_waiting": _l(
        "%(count)s process(es) have waited for your step for more than %(days)s working days."
    ),
    "decision_due": _l(
        "The last day of the round is near or has passed: %(count)s file(s) wait for your decision."
    ),
    "report_ready": _l("The workbook of batch %(number)s is ready: %(count)s file(s)."),
    "extension_granted": _l("Your deadline was extended to %(until)s: %(reason)s"),
    "import_done": _l("Your import is finished: %(count)s row(s)."),
    "export_ready": _l("Your export is ready."),
    "export_to_approve": _l("An export waits for your approval."),
    "delegation_granted": _l("%(name)s is delegate of %(unit)s until %(until)s."),
    "delegation_ended": _l("%(name)s is no longer delegate of %(unit)s."),
    "addition_opened": _l("%(count)s addition(s) to effective files wait for your school."),
    "head_addition_opened": _l(
        "%(unit)s entered an addition to the file of its head. Nobody there may confirm it: you"
        " confirm it."
    ),
    "addition_confirmed": _l("%(unit)s reported %(count)s addition(s) to effective files."),
    "addition_rejected": _l("%(count)s addition(s) were rejected: %(reason)s"),
    "addition_approved": _l("%(count)s addition(s) are in force."),
    "change_submitted": _l("%(unit)s asks for %(count)s change(s) of effective files."),
    "my_change_submitted": _l("Your school asks for a change of your file."),
    "change_rejected": _l("%(count)s change(s) were rejected: %(reason)s"),
    "my_change_rejected": _l("A change of your file was rejected: %(reason)s"),
    "change_approved": _l("%(count)s change(s) are in force."),
    "my_change_approved": _l("A change of your file is in force."),
    "change_superseded": _l("%(count)s change(s) lapsed, because the file has changed since."),
    "hint_given": _l("A teacher proposes a correction of an effective file."),
    "my_hint_answered": _l("Your school answered your correction hint."),
    "addition_withdrawn": _l("%(count)s addition(s) were withdrawn."),
    "status_effective": _l("%(count)s status change(s) are in effect."),
    "status_submitted": _l("%(unit)s asks for your approval of %(count)s status change(s)."),
    "status_approved": _l("%(count)s status change(s) were approved."),
    "status_rejected": _l("%(count)s status change(s) were rejected: %(reason)s"),
    "status_withdrawn": _l("%(unit)s withdrew %(count)s status change(s)."),
    "status_revoked": _l("%(count)s status change(s) were revoked: %(reason)s"),
    "status_failed": _l(
        "A status change could not take effect on its day and stays registered: %(reason)s"
    ),
    "my_status_effective": _l("A change of your staff status is in effect."),
    "my_status_revoked": _l("A change of your staff status was revoked: %(reason)s"),
    "rotation_submitted": _l("%(unit)s asks to send out %(count)s teacher(s) on rotation."),
    "rotation_rejected": _l("%(count)s rotation(s) were rejected: %(reason)s"),
    "rotation_confirmed": _l("%(count)s rotation(s) are confirmed."),
    "my_rotation_confirmed": _l("Your rotation is confirmed."),
    "guest_coming": _l("%(unit)s confirmed an incoming rotation of %(count)s teacher(s)."),
    "rotation_ended": _l("%(count)s rotation(s) have ended."),
    "rotation_terminated": _l("%(unit)s ended %(count)s rotation(s) early: %(reason)s"),
    "my_rotation_ended": _l("Your rotation has ended."),
    "guest_leaves": _l("The rotation of %(count)s teacher(s) to your school has ended."),
    "rotation_ending": _l("%(count)s rotation(s) reach their planned end. End or extend them."),
    "extension_submitted": _l("%(unit)s asks to extend %(count)s rotation(s)."),
    "extension_rejected": _l("The extension of %(count)s rotation(s) was rejected: %(reason)s"),
    "rotation_extended": _l("%(count)s rotation(s) are extended."),
    "my_rotation_extended": _l("Your rotation is extended."),
    "transfer_submitted": _l("%(unit)s asks for the transfer of %(count)s teacher(s)."),
    "transfer_issued": _l("%(unit)s issued the transfer of %(count)s teacher(s) of your school."),
    "head_transfer_issued": _l(
        "%(unit)s issued the transfer of the head of a school. Nobody there may answer: you do."
    ),
    "transfer_released": _l("%(unit)s agrees to the transfer of %(count)s teacher(s)."),
    "transfer_confirmed": _l("The files of %(count)s teacher(s) are ready to be taken."),
    "transfer_completed": _l("%(unit)s took the files of %(count)s teacher(s)."),
    "my_transfer_completed": _l("Your transfer is completed. %(unit)s keeps your file now."),
    "transfer_rejected": _l("%(unit)s rejected the transfer of %(count)s teacher(s): %(reason)s"),
    "my_transfer_rejected": _l("Your transfer was rejected: %(reason)s"),
    "transfer_withdrawn": _l("%(unit)s withdrew the transfer of %(count)s teacher(s)."),
    "my_transfer_withdrawn": _l("The application for your transfer was withdrawn."),
    "transfer_cancelled": _l("The transfer of %(count)s teacher(s) was cancelled: %(reason)s"),
    "my_transfer_cancelled": _l("Your transfer was cancelled: %(reason)s"),
    "opinion_given": _l("An assistant recorded an opinion on %(count)s file(s)."),
}

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
