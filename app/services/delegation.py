"""Delegation: a head lets a colleague of the own unit act in the own place for a while (s0, A8).

A delegate is an assignment of its own with `delegated_from`; every act keeps the assignment it was
taken under, so that history and audit log name both persons.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from app.access.actor import Actor
from app.access.roles import Role
from app.core.clock import today
from app.core.errors import Forbidden, NotFound, Problem, Refused
from app.indicators.catalog import Catalog
from app.models.account import Account, Assignment
from app.services import audit, notice

# Who may let others act in the own place; others get their rights from an administrator.
DELEGABLE = frozenset({Role.SCHOOL_HEAD})
SHOWN = 50


def may_delegate(session: Session, actor: Actor) -> bool:
    """Whether the actor may appoint a delegate: who acts for another may not."""
    return actor.role in DELEGABLE and _own(session, actor).delegated_from is None


def appoint(
    session: Session,
    actor: Actor,
    account_id: int,
    *,
    role: str,
    since: date,
    until: date,
    known: Catalog,
) -> Assignment:
    """Let a colleague act in the own role from one day to another, both included.

    Raises Forbidden for a role that is not the actor's own to delegate, NotFound for an account
    outside the unit, Refused for oneself, for days that do not fit and for a second delegation to
    the same person in this time. Written to the audit log; both are told.
    """
    if role != actor.role or role not in DELEGABLE:
        raise Forbidden()
    own = _own(session, actor, lock=True)
    if own.delegated_from is not None:
        raise Forbidden(_("A delegate cannot appoint another one."))
    if account_id == actor.account_id:
        text = _("You cannot be your own delegate.")
        raise Refused(problems=[Problem("account", text, field="account")])
    delegate = session.scalars(_colleagues(actor).where(Account.id == account_id)).first()
    if delegate is None:
        raise NotFound()
    problems = _day_problems(own, since, until, known)
    if _holds_already(session, own, account_id, since, until):
        text = _("This person holds the role at that time already.")
        problems.append(Problem("account", text, field="account"))
    if problems:
        raise Refused(problems=problems)
    made = Assignment(
        account_id=account_id,
        role=own.role,
        unit_id=own.unit_id,
        valid_from=since,
        valid_to=until,
        granted_by=actor.account_id,
        delegated_from=own.id,
    )
    session.add(made)
    session.flush()
    detail = _detail(made) | {"since": since.isoformat(), "until": until.isoformat()}
    audit.record(session, "role_grant", actor=actor, object=made, detail=detail)
    _tell(session, "delegation_granted", actor, delegate, until)
    return made


def end(session: Session, actor: Actor, assignment_id: int) -> Assignment:
    """End a delegation of one's own at once. Raises NotFound for another's, or one that is over."""
    made = session.scalars(
        _given(actor)
        .where(Assignment.id == assignment_id, Assignment.valid_to >= today())
        .with_for_update()
    ).first()
    if made is None:
        raise NotFound()
    # Both ends of an assignment count: the day before is the last one.
    made.valid_to = today() - timedelta(days=1)
    session.flush()
    audit.record(session, "role_revoke", actor=actor, object=made, detail=_detail(made))
    delegate = session.get(Account, made.account_id)
    _tell(session, "delegation_ended", actor, delegate, made.valid_to)
    return made


def given(session: Session, actor: Actor) -> list[tuple[Assignment, Account]]:
    """The delegations that the actor gave, the latest first."""
    rows = session.execute(
        _given(actor)
        .add_columns(Account)
        .join(Account, Account.id == Assignment.account_id)
        .order_by(Assignment.id.desc())
        .limit(SHOWN)
    )
    return [(made, account) for made, account in rows]


def delegators(session: Session, assignments: Iterable[int | None]) -> Mapping[int, str]:
    """Assignment -> the name of the person in whose place it acts; only those of delegates."""
    wanted = {each for each in assignments if each}
    if not wanted:
        return {}
    head = aliased(Assignment)
    rows = session.execute(
        select(Assignment.id, Account)
        .join(head, head.id == Assignment.delegated_from)
        .join(Account, Account.id == head.account_id)
        .where(Assignment.id.in_(wanted))
        .execution_options(unscoped=True)
    )
    return {key: account.display_name for key, account in rows}


def people(
    session: Session, accounts: Iterable[int], assignments: Iterable[int | None]
) -> tuple[dict[int, Account], dict[int, str]]:
    """Accounts by id, and what delegators() tells of assignments of theirs; one statement."""
    made, head, boss = aliased(Assignment), aliased(Assignment), aliased(Account)
    wanted = {each for each in assignments if each}
    is_delegate = and_(
        made.account_id == Account.id, made.id.in_(wanted), made.delegated_from.is_not(None)
    )
    rows = session.execute(
        select(Account, made.id, boss)
        .outerjoin(made, is_delegate)
        .outerjoin(head, head.id == made.delegated_from)
        .outerjoin(boss, boss.id == head.account_id)
        .where(Account.id.in_(set(accounts)))
        .execution_options(unscoped=True)
    ).all()
    found = {account.id: account for account, _key, _boss in rows}
    return found, {key: other.display_name for _account, key, other in rows if other is not None}


def colleagues(session: Session, actor: Actor, text: str, escaped: str) -> list[Account]:
    """The persons of the actor's unit who could be appointed, by name or user name."""
    whole = Account.last_name + Account.first_name
    found = _colleagues(actor).where(Account.id != actor.account_id)
    if text:
        pattern = f"%{escaped}%"
        tests = [each.ilike(pattern, escape="/") for each in (whole, Account.username)]
        found = found.where(or_(*tests))
    return list(session.scalars(found.order_by(Account.last_name, Account.id).limit(20)))


def _own(session: Session, actor: Actor, *, lock: bool = False) -> Assignment:
    statement = select(Assignment).where(
        Assignment.id == actor.assignment_id, Assignment.account_id == actor.account_id
    )
    found = session.scalars(statement.with_for_update() if lock else statement).first()
    if found is None:
        raise Forbidden()
    return found


def _colleagues(actor: Actor) -> Any:
    """Active accounts with a role in the actor's unit today; the scope shows the own ones only."""
    day = today()
    here = select(Assignment.account_id).where(
        Assignment.unit_id == actor.unit_id,
        Assignment.valid_from <= day,
        or_(Assignment.valid_to.is_(None), Assignment.valid_to >= day),
    )
    return (
        select(Account)
        .where(Account.id.in_(here), Account.active.is_(True))
        .execution_options(unscoped=True)
    )


def _given(actor: Actor) -> Any:
    """The delegations of the actor's own assignment."""
    return (
        select(Assignment)
        .where(
            Assignment.delegated_from == actor.assignment_id,
            Assignment.granted_by == actor.account_id,
        )
        .execution_options(unscoped=True)
    )


def _day_problems(own: Assignment, since: date, until: date, known: Catalog) -> list[Problem]:
    longest = int(known.parameter("delegation_days"))
    if since < today():
        return [Problem("since", _("Choose a day that lies ahead, or today."), field="since")]
    if until < since:
        return [Problem("until", _("The last day lies before the first one."), field="until")]
    if (until - since).days >= longest:
        text = _("A delegation lasts %(n)s days at most.", n=longest)
        return [Problem("until", text, field="until")]
    if own.valid_to is not None and until > own.valid_to:
        text = _("Your own role ends on %(day)s.", day=own.valid_to.isoformat())
        return [Problem("until", text, field="until")]
    return []


def _holds_already(
    session: Session, own: Assignment, account_id: int, since: date, until: date
) -> bool:
    held = (
        select(Assignment.id)
        .where(
            Assignment.account_id == account_id,
            Assignment.role == own.role,
            Assignment.unit_id == own.unit_id,
            Assignment.valid_from <= until,
            or_(Assignment.valid_to.is_(None), Assignment.valid_to >= since),
        )
        .limit(1)
        .execution_options(unscoped=True)
    )
    return session.scalar(held) is not None


def _detail(made: Assignment) -> dict[str, Any]:
    return {
        "role": str(made.role),
        "unit": made.unit_id,
        "account": made.account_id,
        "delegated_from": made.delegated_from,
    }


def _tell(
    session: Session, event: str, actor: Actor, delegate: Account | None, until: date
) -> None:
    """Tell both: a delegation that one did not give oneself would be noticed."""
    if delegate is None:
        return
    names = {"name": delegate.display_name, "unit": actor.name, "until": until.isoformat()}
    notice.send(session, event, {actor.account_id, delegate.id}, **names)
