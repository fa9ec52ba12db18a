"""What else a home page tells of: hints, duplicates, exports, roles that end, jobs, alerts."""

from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.core import clock
from app.models.account import Assignment
from app.models.duplicate import DuplicateState
from app.models.hint import HintState
from app.models.history import Audit
from app.models.job import Job, JobState
from app.services import duplicate, export_right, hint, queue
from app.services.home_figures import Figures, midnight
from app.services.home_parts import TodoItem
from app.services.listed import at_least, at_most, equals

SOON = timedelta(days=30)  # An assignment that ends within this time is pointed out.
WEEK = timedelta(days=6)  # Today and the six days before it.


def hints(page: Figures) -> list[TodoItem]:
    """What teachers propose for their files."""
    number, oldest = hint.waiting(page.session)
    where = (equals("state", HintState.OPEN),)
    late = queue.is_overdue(oldest, page.known)
    label = _l("Correction hints of teachers")
    return [TodoItem("hint", label, number, "hint", where, oldest, late, "message-2")]


def duplicates(page: Figures) -> list[TodoItem]:
    """Pairs of files that the city is asked about."""
    number, oldest = duplicate.waiting(page.session)
    where = (equals("state", DuplicateState.OPEN),)
    late = queue.is_overdue(oldest, page.known)
    label = _l("Pairs of files that may describe one person")
    return [TodoItem("duplicate", label, number, "duplicate", where, oldest, late, "users")]


def exports(page: Figures) -> list[TodoItem]:
    """Exports that want a second person."""
    found = export_right.waiting(page.session, page.actor)
    oldest = min((each.at for each in found), default=None)
    late = queue.is_overdue(oldest, page.known)
    label = _l("Exports that wait for your approval")
    where = (equals("show", "waiting"),)
    return [TodoItem("export", label, len(found), "export", where, oldest, late, "file-export")]


def ending_assignments(page: Figures) -> list[TodoItem]:
    """Roles that end soon."""
    first = clock.today()
    last = first + SOON
    number = page.session.scalar(
        select(func.count())
        .select_from(Assignment)
        .where(Assignment.valid_to >= first, Assignment.valid_to <= last)
    )
    where = (at_least("valid_to", first), at_most("valid_to", last))
    label = _l("Roles that end within 30 days")
    return [TodoItem("ending", label, number or 0, "account", where, icon="user-exclamation")]


def failed_jobs(page: Figures) -> list[TodoItem]:
    """Jobs that did not come to their end."""
    number, oldest = page.session.execute(
        select(func.count(), func.min(Job.finished_at)).where(Job.state == JobState.FAILED)
    ).one()
    where = (equals("state", JobState.FAILED),)
    label = _l("Jobs that failed")
    return [TodoItem("failed_jobs", label, number, "job", where, oldest, icon="alert-triangle")]


def alerts(page: Figures) -> list[TodoItem]:
    """What the watch over the audit log has noticed."""
    first = clock.today() - WEEK
    number, oldest = page.session.execute(
        select(func.count(), func.min(Audit.at)).where(
            Audit.act == "alert", Audit.at >= midnight(first)
        )
    ).one()
    where = (equals("act", "alert"), at_least("at", first.isoformat()))
    label = _l("Security alerts of the last seven days")
    return [
        TodoItem(
            "alert",
            label,
            number,
            "audit",
            where,
            oldest,
            overdue=True,
            icon="alert-triangle",
        )
    ]
