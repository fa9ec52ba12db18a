"""What runs every night: checks, reminders of deadlines, and the removal of what has expired."""

from datetime import time, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.core import clock
from app.indicators.catalog import catalog
from app.jobs.worker import JOBS, JobContext, job
from app.models.saved_view import FormDraft, SubmitKey
from app.models.teacher import OPEN_STATES, ReviewState, Teacher
from app.services import audit, check, reminder
from app.services import job as queue
from app.services.contents import file_data
from app.services.round import mark_late as mark_late_files
from app.workflows.waiting import remind_parties

BATCH = 200
# What a decision asks the rules about; an accepted file is asked when it is reported.
DECIDED_ON = (ReviewState.SUBMITTED, ReviewState.SCHOOL_CONFIRMED, ReviewState.CITY_ACCEPTED)
DRAFT_DAYS, KEY_DAYS, JOB_DAYS = 30, 7, 90


def enqueue_all(session: Session) -> None:
    """Put the nightly jobs of today in the queue, due at once; each only once a day."""
    day = clock.today()
    for kind in JOBS.values():
        if kind.nightly is not None:
            queue.enqueue(session, kind.name, key=f"{kind.name}:{day}", run_at=clock.now())


@job("recheck_files", nightly=time(1, 0))
def recheck_files(ctx: JobContext) -> None:
    """Run the rules again over files under way whose kept result is older than the catalogue, and
    over those that wait for a decision and were last checked on an earlier day.

    By day a decision over a thousand files then finds results that hold and checks nothing anew.
    """
    kept = catalog(ctx.session)
    old = (Teacher.checked_catalog != kept.version) | Teacher.checked_catalog.is_(None)
    of_earlier_day = (Teacher.checked_on != clock.today()) | Teacher.checked_on.is_(None)
    waiting = Teacher.state.in_(DECIDED_ON)
    last = ctx.done
    while True:
        files = ctx.session.scalars(
            select(Teacher)
            .where(
                Teacher.id > last,
                (Teacher.state.in_(OPEN_STATES) & old) | (waiting & (old | of_earlier_day)),
            )
            .order_by(Teacher.id)
            .limit(BATCH)
        ).all()
        if not files:
            return
        check.keep(ctx.session, files, file_data(ctx.session, files, kept), kept)
        last = files[-1].id
        _note(ctx, files=len(files))
        ctx.step(last)
        ctx.session.expunge_all()


@job("check_by_night", nightly=time(3, 0))
def check_by_night(ctx: JobContext) -> None:
    """Run the rules of the night over every file on the rolls, effective ones included: what has
    become of a file by itself, as an age of retirement that was reached (DQ040)."""
    kept, last = catalog(ctx.session), ctx.done
    while True:
        files = ctx.session.scalars(
            select(Teacher)
            .where(Teacher.id > last, Teacher.active)
            .order_by(Teacher.id)
            .limit(BATCH)
        ).all()
        if not files:
            return
        check.keep_nightly(ctx.session, files, file_data(ctx.session, files, kept), kept)
        last = files[-1].id
        _note(ctx, files=len(files))
        ctx.step(last)
        ctx.session.expunge_all()


@job("mark_late", nightly=time(0, 10))
def mark_late(ctx: JobContext) -> None:
    """Mark the files that their schools have not reported by the last day (S82)."""
    mark_late_files(ctx.session)
    _note(ctx)
    ctx.session.commit()


def _note(ctx: JobContext, **counts: int) -> None:
    """The row about what the system did by itself, in the transaction that did it."""
    place, detail = ("job", ctx.job.id), {"name": ctx.job.name, **counts}
    audit.record(ctx.session, "job", actor=None, object=place, detail=detail)


@job("remind", nightly=time(6, 0))
def remind(ctx: JobContext) -> None:
    """Urge schools whose deadline is near, remind everybody whose decision is waited for too
    long. It decides nothing itself, however long something waits (s0)."""
    kept = catalog(ctx.session)
    told = reminder.remind_schools(ctx.session, kept)
    told += reminder.remind_deciders(ctx.session, kept)
    told += remind_parties(ctx.session, kept)
    _note(ctx, told=told)
    ctx.session.commit()


@job("remove_expired", nightly=time(2, 0))
def remove_expired(ctx: JobContext) -> None:
    """Delete old form drafts, submit keys and ended jobs; jobs.exchange deletes stored files."""
    stamp = clock.now()
    ctx.session.execute(delete(FormDraft).where(FormDraft.at < stamp - timedelta(days=DRAFT_DAYS)))
    ctx.session.execute(delete(SubmitKey).where(SubmitKey.at < stamp - timedelta(days=KEY_DAYS)))
    queue.purge(ctx.session, stamp - timedelta(days=JOB_DAYS))
    ctx.session.commit()
