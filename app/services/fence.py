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
    """Wait for the effects under way and let the next ones in again: what is read afterwards
    holds all of an effect or nothing of it. Called before rows are locked, so that an effect
    that waits for one of them is never waited for in turn."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_lock(FENCE_LOCK)))
        session.execute(select(func.pg_advisory_unlock(FENCE_LOCK)))
