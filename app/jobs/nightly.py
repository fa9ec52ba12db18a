"""What runs every night: checks, reminders of deadlines, and the removal of what has expired."""

from datetime import time, timedelta
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.access.roles import Role
from app.core import clock
from app.indicators.catalog import catalog
from app.jobs.worker import JOBS, JobContext, job
from app.models.exchange import ExportFile
from app.models.round import Round
from app.models.saved_view import FormDraft, SubmitKey
from app.models.teacher import OPEN_STATES, ReviewState, Teacher
from app.models.unit import Unit
from app.services import check, job as queue, notice
from app.services.file import file_data
from app.services.round import rounds_of

BATCH = 200
DRAFT_DAYS, KEY_DAYS, JOB_DAYS = 30, 7, 90


def enqueue_all(session: Session) -> None:
    """Put the nightly jobs of today in the queue, due at once; each only once a day."""
    day = clock.today()
    for kind in JOBS.values():
        if kind.nightly is not None:
            queue.enqueue(session, kind.name, key=f"{kind.name}:{day}", run_at=clock.now())


@job("recheck_files", nightly=time(1, 0))
def recheck_files(ctx: JobContext) -> None:
    """Run the rules again over open files whose kept result is older than the catalogue."""
    kept = catalog(ctx.session)
    last = ctx.done
    while True:
        files = ctx.session.scalars(
            select(Teacher)
            .where(
                Teacher.id > last,
                Teacher.state.in_([*OPEN_STATES, ReviewState.SUBMITTED]),
                (Teacher.checked_catalog != kept.version) | Teacher.checked_catalog.is_(None),
            )
            .order_by(Teacher.id)
            .limit(BATCH)
        ).all()
        if not files:
            return
        check.keep(ctx.session, files, file_data(ctx.session, files, kept), kept)
        last = files[-1].id
        ctx.step(last)


@job("remind_deadlines", nightly=time(6, 0))
def remind_deadlines(ctx: JobContext) -> None:
    """Urge the schools that have not reported when the deadline is near or has passed."""
    ahead = int(catalog(ctx.session).parameter("round_reminder_days"))
    day = clock.today()
    near = ctx.session.scalars(
        select(Round).where(
            Round.closed.is_(False), Round.school_deadline <= day + timedelta(days=ahead)
        )
    ).all()
    if not near:
        return
    waiting: dict[int, int] = {}
    for school_id in ctx.session.scalars(
        select(Teacher.school_id).where(
            Teacher.state.in_([*OPEN_STATES, ReviewState.SUBMITTED]), Teacher.active
        )
    ):
        waiting[school_id] = waiting.get(school_id, 0) + 1
    units = ctx.session.scalars(select(Unit).where(Unit.id.in_(waiting))).all()
    covered = rounds_of(ctx.session, units)
    asked = {unit.id for unit in units if covered.get(unit.id) in near}
    accounts = notice.accounts_of(ctx.session, asked, [Role.SCHOOL_INFO, Role.SCHOOL_HEAD])
    for unit_id, found in accounts.items():
        notice.send(ctx.session, "urge", found, count=waiting[unit_id], reason="")
    ctx.session.commit()


@job("remove_expired", nightly=time(2, 0))
def remove_expired(ctx: JobContext) -> None:
    """Delete export files past their day, old form drafts, submit keys and ended jobs."""
    folder, stamp = Path(ctx.settings["STORAGE_DIR"]), clock.now()
    for export in ctx.session.scalars(
        select(ExportFile).where(
            ExportFile.expires_at < stamp, ExportFile.stored_name.is_not(None)
        )
    ):
        (folder / str(export.stored_name)).unlink(missing_ok=True)
        export.stored_name = None
    ctx.session.execute(delete(FormDraft).where(FormDraft.at < stamp - timedelta(days=DRAFT_DAYS)))
    ctx.session.execute(delete(SubmitKey).where(SubmitKey.at < stamp - timedelta(days=KEY_DAYS)))
    queue.purge(ctx.session, stamp - timedelta(days=JOB_DAYS))
    ctx.session.commit()
