"""Status changes that were registered ahead take effect on their day (5.2)."""

from collections.abc import Sequence
from datetime import time
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.actor import SYSTEM_ACTOR
from app.core import clock
from app.indicators.catalog import catalog
from app.jobs.worker import JobContext, job
from app.models.status_change import StatusChange, StatusState
from app.services import audit, notice
from app.services.notice import REASON_LENGTH, Telling
from app.workflows.engine import Outcome
from app.workflows.status_change import STATUS_CHANGE

BATCH = 200
STEP = "make_effective"
FAILED = Telling("status_failed", ("school_info",))
WEEK = 7


@job("status_changes", nightly=time(0, 20))
def status_changes(ctx: JobContext) -> None:
    """Put into effect what was registered ahead and has come to its day, as the system itself.

    All rules are asked again. What one of them refuses stays registered; its school is told on the
    day and then weekly. What is done is not due any more: a second run does nothing twice.
    """
    kept, last = catalog(ctx.session), ctx.done
    while keys := _due(ctx.session, last):
        outcome = STATUS_CHANGE.perform_many(
            ctx.session, dict.fromkeys(keys), STEP, SYSTEM_ACTOR, catalog=kept
        )
        _tell(ctx.session, outcome)
        last = keys[-1]
        counts = {"done": len(outcome.done), "refused": len(outcome.failed)}
        detail = {"name": ctx.job.name, **counts}
        audit.record(ctx.session, "job", actor=None, object=("job", ctx.job.id), detail=detail)
        ctx.step(last)
        ctx.session.expunge_all()


def _due(session: Session, last: int) -> Sequence[int]:
    """The next status changes whose day has come: approved ones, and drafts that lay ahead."""
    mine = (StatusChange.state == StatusState.SCHEDULED) | (
        (StatusChange.state == StatusState.DRAFT) & StatusChange.on_its_day
    )
    return session.scalars(
        select(StatusChange.id)
        .where(StatusChange.id > last, mine, StatusChange.effective_date <= clock.today())
        .order_by(StatusChange.id)
        .limit(BATCH)
    ).all()


def _tell(session: Session, outcome: Outcome) -> None:
    """Tell the schools what could not take effect, and why."""
    day = clock.today()
    failed: Any = session.scalars(
        select(StatusChange).where(StatusChange.id.in_(list(outcome.failed)))
    )
    for item in failed:
        if (day - item.effective_date).days % WEEK:
            continue
        problems = outcome.failed[item.id].problems
        reason = " ".join(str(problem.message) for problem in problems)[:REASON_LENGTH]
        notice.tell(session, FAILED, SYSTEM_ACTOR, [item], reason=reason)
