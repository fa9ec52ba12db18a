"""Rotations by night: those whose first month has come begin, those near their end are told of,
and where the parameter says so those past it end by themselves (6.5, 6.6)."""

from datetime import date, time, timedelta

from sqlalchemy import ColumnElement, select

from app.core.clock import today
from app.indicators.catalog import catalog
from app.indicators.periods import month_of
from app.jobs.worker import JobContext, job
from app.models.rotation import Rotation, RotationState
from app.services import audit, notice
from app.services.notice import Telling
from app.services.rotation_step import last_day
from app.workflows.rotation import ROTATION

BATCH = 100
REMINDER = Telling("rotation_ending", ("school_info",))


@job("start_rotations", nightly=time(0, 20))
def start_rotations(ctx: JobContext) -> None:
    """Begin what was confirmed for this month. What cannot begin, as the person is away by another
    rotation, is asked again the next night."""
    due = Rotation.started_at.is_(None) & (Rotation.start <= month_of(today()))
    _take(ctx, "start", due)


@job("end_rotations", nightly=time(0, 30))
def end_rotations(ctx: JobContext) -> None:
    """End what is past its planned end, if the parameter rotation_auto_end says so."""
    if catalog(ctx.session).parameter("rotation_auto_end"):
        over = Rotation.started_at.is_not(None) & (Rotation.planned_end < month_of(today()))
        _take(ctx, "end", over)


def _take(ctx: JobContext, step: str, which: ColumnElement[bool]) -> None:
    """Take a step of the system of some active rotations; a batch and the progress are committed
    together, so that a killed job goes on where it was."""
    known, done = catalog(ctx.session), 0
    while True:
        keys = ctx.session.scalars(
            select(Rotation.id)
            .where(Rotation.id > ctx.done, Rotation.state == RotationState.ACTIVE, which)
            .order_by(Rotation.id)
            .limit(BATCH)
        ).all()
        if not keys:
            return
        outcome = ROTATION.perform_many(
            ctx.session, dict.fromkeys(keys), step, ctx.actor, catalog=known
        )
        done += len(outcome.done)
        _note(ctx, rotations=done)
        ctx.step(keys[-1])
        ctx.session.expunge_all()


@job("remind_rotations", nightly=time(6, 10))
def remind_rotations(ctx: JobContext) -> None:
    """Remind schools of rotations near their planned end, and once more when it has passed."""
    day = today()
    ahead = day + timedelta(days=int(catalog(ctx.session).parameter("rotation_reminder_days")))
    near = ctx.session.scalars(
        select(Rotation).where(
            Rotation.state == RotationState.ACTIVE,
            Rotation.started_at.is_not(None),
            Rotation.planned_end <= month_of(ahead),
        )
    ).all()
    due = [each for each in near if _is_due(each, day, ahead - day)]
    for each in due:
        each.reminded_on = day
    notice.tell(ctx.session, REMINDER, ctx.actor, due)
    _note(ctx, rotations=len(due))
    ctx.session.commit()


def _is_due(item: Rotation, day: date, ahead: timedelta) -> bool:
    """Whether a reminder of the present end falls due: one before it, one after it. An extension
    has reminders of its own."""
    if item.planned_end is None:
        return False
    end = last_day(item.planned_end)
    told = item.reminded_on or date.min
    return day > end >= told or (day >= end - ahead and told < end - ahead)


def _note(ctx: JobContext, **counts: int) -> None:
    place, detail = ("job", ctx.job.id), {"name": ctx.job.name, **counts}
    audit.record(ctx.session, "job", actor=None, object=place, detail=detail)
