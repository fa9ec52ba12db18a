"""Rows of the audit log about signing in and out (SEC-43)."""

from sqlalchemy.orm import Session

from app.access.actor import Actor, resolve_actor
from app.core.clock import today
from app.models.account import Account
from app.services import audit

SHOWN_NAME = 64  # Of a name that no account has.


def note(session: Session, act: str, account: Account | None, name: str) -> None:
    """Write one row about an attempt or a sign-out, in the caller's transaction.

    A name that no account has is kept, cut and without numbers of persons. Who failed is nobody:
    the account is the object of the row, not its actor.
    """
    failed = act == "sign_in_failed"
    audit.record(
        session,
        act,
        actor=None if failed or account is None else actor_of(session, account),
        object=("ab_user", account.id) if account is not None else None,
        outcome="failed" if failed else "done",
        detail=None if account is not None else {"name": name[:SHOWN_NAME]},
    )


def actor_of(session: Session, account: Account) -> Actor:
    """The account under the assignment it begins with; without one, the account alone."""
    found = resolve_actor(session, account.id, None, today())
    return found or Actor(account.id, None, account.display_name, "", 0)
