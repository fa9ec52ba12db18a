"""The fence between acts that take effect and reports that freeze a moment (data-model s2)."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

FENCE_LOCK = 0x626A746D


def enter_fence(session: Session) -> None:
    """Take the shared lock before the clock is read, so that a freeze sees all or nothing of an
    effect (data-model s2). On SQLite the transaction is the only writer already."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock_shared(FENCE_LOCK)))


def freeze(session: Session) -> None:
    """Wait for the effects under way, so that the clock read afterwards splits cleanly."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(FENCE_LOCK)))
