"""What a person who has left may no longer do: roles beside that of a teacher end (5.2)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import Role
from app.core.clock import today
from app.models.account import Account, Assignment
from app.services import audit
from app.services.among import among

# Ended roles of a person: [assignment, its last day before, or None].
Ended = list[list[Any]]


def end_roles(session: Session, actor: Actor, schools: Mapping[int, int]) -> dict[int, Ended]:
    """End the roles that some persons hold in their schools, and those of their delegates.

    `schools` maps each file to its school. The role of a teacher stays: the own file can be read.
    Returns by file what ended. Assignments lie outside the scope of who takes the step.
    """
    day = today()
    counts = or_(Assignment.valid_to.is_(None), Assignment.valid_to >= day)
    held = (
        select(Assignment, Account.teacher_id)
        .join(Account, Account.id == Assignment.account_id)
        .where(
            among(session, Account.teacher_id, sorted(schools)),
            Assignment.role != str(Role.TEACHER),
            counts,
        )
    )
    rows: Any = session.execute(held.order_by(Assignment.id), execution_options={"unscoped": True})
    mine = {role: teacher for role, teacher in rows if role.unit_id == schools[teacher]}
    owners = {role.id: teacher for role, teacher in mine.items()}
    if not owners:
        return {}
    lent = select(Assignment).where(among(session, Assignment.delegated_from, owners), counts)
    lenders: Any = session.scalars(lent, execution_options={"unscoped": True})
    for role in lenders:
        mine.setdefault(role, owners[role.delegated_from])
    found: dict[int, Ended] = {}
    for role, teacher in mine.items():
        last = role.valid_to.isoformat() if role.valid_to else None
        found.setdefault(teacher, []).append([role.id, last])
    # Both ends of an assignment count: the day before is the last one.
    _write(session, [role.id for role in mine], day - timedelta(days=1))
    places = [("assignment", role.id, teacher) for role, teacher in mine.items()]
    audit.record_many(session, "role_revoke", actor=actor, objects=places)
    return found


def give_back(session: Session, actor: Actor, ended: Mapping[int, Sequence[Any]]) -> None:
    """Let roles count again that ended with a departure which is revoked, as long as they did."""
    by_day: dict[str | None, list[int]] = {}
    for roles in ended.values():
        for key, last in roles:
            by_day.setdefault(last, []).append(key)
    for last, keys in by_day.items():
        _write(session, keys, date.fromisoformat(last) if last else None)
    places = [
        ("assignment", key, teacher) for teacher, roles in ended.items() for key, _last in roles
    ]
    if places:
        audit.record_many(session, "role_grant", actor=actor, objects=places)


def _write(session: Session, keys: Collection[int], last: date | None) -> None:
    session.execute(
        update(Assignment).where(among(session, Assignment.id, sorted(keys))).values(valid_to=last),
        execution_options={"unscoped": True, "synchronize_session": "fetch"},
    )
