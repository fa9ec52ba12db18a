"""Jobs: long acts with progress, cancelling, resuming, and what they brought."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from flask import flash, get_template_attribute, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Query

from app.access.actor import Actor, current_actor
from app.access.roles import READ, Role, may_open
from app.access.scope import scoped_get
from app.core import clock
from app.core.errors import Forbidden
from app.exchange import export
from app.exchange.teacher_import import batch as imports
from app.extensions import db
from app.jobs import review as bulk
from app.jobs.worker import JOBS
from app.models.account import Account
from app.models.exchange import ImportBatch
from app.models.job import Job, JobState
from app.services import job as queue
from app.services import report
from app.views.base import BaseModelView
from app.views.datamodel import Datamodel
from app.views.listing import Row, address_of
from app.views.once import once
from app.views.widgets import Badge, badge_of, number_of, text_of

BADGES: Mapping[Any, tuple[str, str]] = {
    JobState.QUEUED: ("clock", "wait"),
    JobState.RUNNING: ("loader", "info"),
    JobState.DONE: ("circle-check", "good"),
    JobState.FAILED: ("circle-x", "bad"),
    JobState.CANCELLED: ("ban", "draft"),
}
STATE_WORDS: Mapping[str, Any] = {
    JobState.QUEUED: _l("In the queue"),
    JobState.RUNNING: _l("Running"),
    JobState.DONE: _l("Finished"),
    JobState.FAILED: _l("Failed"),
    JobState.CANCELLED: _l("Stopped"),
}
# How often the progress of a job is asked for again, in seconds.
PACE: Mapping[str, int] = {JobState.RUNNING: 2, JobState.QUEUED: 5}
LATE = timedelta(days=2)  # So old may the last success of a nightly job be.
LIVE = 10  # Jobs of one page whose progress moves by itself.
STOPPED = (JobState.FAILED, JobState.CANCELLED)
NAMES = "tm.job_names"
BATCHES = "tm.job_batches"
LIVE_JOBS = "tm.live_jobs"


class Kind(NamedTuple):
    """What people call a job, and where its result is."""

    title: Any
    link: Callable[[Job], str]
    result: Any = ""


def _no_link(_job: Job) -> str:
    return ""


def _import_link(job: Job) -> str:
    return address_of("ImportView", "show", uuid=_batch_uuid(job.args.get("batch")))


def _bulk_link(job: Job) -> str:
    return address_of("ReviewView", "outcome", pk=job.id)


def _processes_link(job: Job) -> str:
    return address_of("ProcessListView", "outcome", pk=job.id)


def _export_link(_job: Job) -> str:
    return address_of("ExportView", "list")


def _report_link(job: Job) -> str:
    key = (job.result or {}).get("batch") or job.args.get("batch")
    return address_of("ReportView", "show", pk=key) if key else address_of("ReportView", "list")


def _trial_link(job: Job) -> str:
    return address_of("ReportView", "progress", pk=job.id)


KINDS: Mapping[str, Kind] = {
    imports.CHECK: Kind(_l("Check of a workbook"), _import_link, _l("See the preview")),
    imports.COMMIT: Kind(_l("Import of a workbook"), _import_link, _l("See the import")),
    imports.UNDO: Kind(_l("Undoing an import"), _import_link, _l("See the import")),
    export.JOB: Kind(_l("Export"), _export_link, _l("To the file")),
    bulk.JOB: Kind(_l("Act on many files"), _bulk_link, _l("See each file")),
    bulk.PROCESSES.job: Kind(
        _l("Act on many additions and changes"), _processes_link, _l("See each of them")
    ),
    report.JOB: Kind(_l("Report to the Ministry"), _report_link, _l("See the batch")),
    report.TRIAL_JOB: Kind(_l("Dry run"), _trial_link, _l("See each file")),
    report.WRITE_JOB: Kind(_l("Workbook for the Ministry"), _report_link, _l("See the batch")),
    "check_by_night": Kind(_l("Nightly check of all files"), _no_link),
    "find_duplicates": Kind(_l("Nightly search for duplicate files"), _no_link),
    "start_rotations": Kind(_l("Rotations that begin"), _no_link),
    "end_rotations": Kind(_l("Rotations that end by themselves"), _no_link),
    "remind_rotations": Kind(_l("Reminders of rotations that end"), _no_link),
    "recheck_files": Kind(_l("Nightly check of open files"), _no_link),
    "mark_late": Kind(_l("Marking late files"), _no_link),
    "status_changes": Kind(_l("Status changes on their day"), _no_link),
    "remind": Kind(_l("Reminders of deadlines"), _no_link),
    "remove_expired": Kind(_l("Removal of what has expired"), _no_link),
    "remove_exchanged": Kind(_l("Removal of old uploads and exports"), _no_link),
    "remove_uploads": Kind(_l("Removal of unused attachments"), _no_link),
    "send_digests": Kind(_l("Daily digests by e-mail"), _no_link),
    "seal_audit": Kind(_l("Sealing of the audit log"), _no_link),
}


def title_of(name: str) -> Any:
    """Return what people call a job; the technical name where it has no other."""
    return KINDS[name].title if name in KINDS else name


def job_choices() -> list[tuple[str, Any]]:
    """Return names and titles of jobs, for the filter: those that people order, and for the
    system administrator those of the night."""
    sees_all = current_actor().role == Role.CITY_SYSTEM
    wanted = {name: kind for name, kind in KINDS.items() if sees_all or kind.link is not _no_link}
    return [(name, kind.title) for name, kind in wanted.items()]


class Standing(NamedTuple):
    """Where a job is, as its page and its row in the list show it."""

    pk: int
    badge: Badge
    done: int
    total: int | None
    words: str
    error: str
    href: str
    link_label: Any
    pace: int
    part_url: str


def standing(job: Job, actor: Actor) -> Standing:
    """Return where a job is; its result is for its owner alone."""
    mine = job.account_id == actor.account_id
    kind = KINDS.get(job.name)
    href = kind.link(job) if kind is not None and mine and _has_result(job) else ""
    return Standing(
        job.id,
        badge_of(job.state, BADGES, STATE_WORDS[job.state]),
        job.done,
        job.total,
        _progress_words(job),
        (job.error or "") if job.state in (*STOPPED, JobState.QUEUED) else "",
        href,
        kind.result if kind is not None else "",
        PACE.get(job.state, 0),
        url_for("JobView.part", pk=job.id),
    )


def _has_result(job: Job) -> bool:
    """A list of what was decided is there from the first step, a file only at the end."""
    return job.state == JobState.DONE or job.name in (*bulk.SUBJECTS, *imports.JOBS)


def _progress_words(job: Job) -> str:
    if job.state == JobState.RUNNING and job.cancel_requested:
        return _("Stops after the part under way")
    if not job.total or job.state == JobState.QUEUED and not job.done:
        return ""
    return _("%(done)s of %(total)s", done=number_of(job.done), total=number_of(job.total))


class Night(NamedTuple):
    """A job that starts by itself: at what time of the night, when it was last done."""

    title: Any
    at: str
    last: str
    is_late: bool


class JobView(BaseModelView):
    """One's own jobs; the city's system administrator sees all, without what they are about."""

    route_base = "/jobs"
    datamodel = Datamodel(Job)
    class_permission_name = "Job"
    list_title = _l("Jobs")
    list_template = "job/list.html"
    show_template = "job/show.html"
    list_columns = ["name", "progress", "created_at", "finished_at"]
    show_columns = list_columns
    search_columns = ["state", "name", "created_at", "finished_at"]
    order_columns = ["created_at", "finished_at"]
    base_order = ("id", "desc")
    empty_hint = _l(
        "No jobs so far. Imports, large exports and acts on many files run here; you may go on "
        "working meanwhile."
    )
    exports = ()
    exclude_route_methods = {"export", "choices", "tab"}
    label_columns = {
        "name": _l("Job"),
        "state": _l("State"),
        "progress": _l("Progress"),
        "account_id": _l("Ordered by"),
        "created_at": _l("Ordered"),
        "finished_at": _l("Ended"),
    }
    code_columns = {
        "name": job_choices,
        "state": lambda: [(str(state), words) for state, words in STATE_WORDS.items()],
    }
    badges = {"state": BADGES}
    segment_column = "state"

    def chosen_columns(self) -> Any:
        """Who sees the jobs of others sees whose they are."""
        chosen = list(super().chosen_columns())
        if current_actor().role == Role.CITY_SYSTEM and "account_id" not in chosen:
            chosen.insert(2, "account_id")
        return chosen

    def nights_url(self) -> str:
        """Return where the system administrator of the city finds what runs by itself."""
        return url_for("JobView.nights") if current_actor().role == Role.CITY_SYSTEM else ""

    @expose("/nights")
    @has_access
    def nights(self) -> Any:
        """Show the jobs that start by themselves and when each was last done (REL-14)."""
        if current_actor().role != Role.CITY_SYSTEM:
            raise Forbidden()
        kinds = [kind for kind in JOBS.values() if kind.nightly or kind.every]
        done = queue.last_success(db.session(), *(kind.name for kind in kinds))
        late = clock.now() - LATE
        nights = [
            Night(
                title_of(kind.name),
                kind.nightly.strftime("%H:%M") if kind.nightly else "",
                text_of(done[kind.name]) if kind.name in done else "",
                kind.name not in done or done[kind.name] < late,
            )
            for kind in kinds
        ]
        return self.render_template("job/nights.html", nights=nights)

    def row_name(self, item: Job) -> str:
        return f"{title_of(item.name)} {item.id}"

    def page_title(self, item: Job) -> str:
        return str(title_of(item.name))

    def cell(self, item: Job, column: str) -> Any:
        if column == "name":
            return title_of(item.name)
        if column == "account_id":
            return self._owner(item)
        return super().cell(item, column)

    @staticmethod
    def _owner(item: Job) -> str:
        names = request.environ.get(NAMES, {})
        return names.get(item.account_id, "") if item.account_id else _("The system")

    def _row(self, item: Job, columns: Any, *rest: Any) -> Row:
        """Draw the progress; the first ones under way are asked for again by themselves."""
        row = super()._row(item, columns, *rest)
        draw = get_template_attribute("job/progress.html", "place")
        is_live = item.id in request.environ.get(LIVE_JOBS, ())
        drawn = draw(standing(item, current_actor()), is_live)
        cells = [
            cell._replace(value=drawn) if column == "progress" else cell
            for column, cell in zip(columns, row.cells, strict=True)
        ]
        return row._replace(cells=cells)

    def _page(self, query: Query, arguments: Any, columns: Any) -> Any:
        rows = super()._page(query, arguments, columns)
        live = [row.id for row in rows if row.state in PACE][:LIVE]
        request.environ[LIVE_JOBS] = frozenset(live)
        _keep_batches(rows)
        if "account_id" in columns:
            wanted = {row.account_id for row in rows if row.account_id}
            people = db.session().scalars(select(Account).where(Account.id.in_(wanted)))
            request.environ[NAMES] = {each.id: each.display_name for each in people}
        return rows

    def _parts(self, filters: Any) -> dict[str, Any]:
        return super()._parts(filters) | {"actions": []}

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    def show(self, pk: Any) -> Any:
        """Show one job: how far it is, when, and what became of it."""
        item = self.one(pk)
        return self.render_template(
            self.show_template,
            title=self.page_title(item),
            item=item,
            job=standing(item, current_actor()),
            list_url=self.list_url(),
        )

    @expose("/part/<int:pk>", methods=["GET"])
    @has_access
    def part(self, pk: int) -> Any:
        """Answer with the progress of one job."""
        item = scoped_get(db.session(), Job, pk)
        return self.render_template("job/part.html", job=standing(item, current_actor()))

    @expose("/<int:pk>/cancel", methods=["POST"])
    @has_access
    @once
    def cancel(self, pk: int) -> Any:
        """Ask a job to stop; what it has done stays done."""
        return self._act(pk, queue.stop, _("The job stops after the part under way."))

    @expose("/<int:pk>/resume", methods=["POST"])
    @has_access
    @once
    def resume(self, pk: int) -> Any:
        """Put a failed or stopped job back into the queue; it goes on where it stopped."""
        return self._act(pk, queue.go_on, _("The job goes on where it stopped."))

    def _act(self, pk: int, act: Callable[..., None], done: str) -> Any:
        session, actor = db.session(), current_actor()
        item = scoped_get(session, Job, pk)
        act(session, actor, item)
        session.commit()
        flash(done, "success")
        return redirect(self.next_url() or url_for("JobView.show", pk=pk))


def _keep_batches(rows: Iterable[Job]) -> None:
    """Read the addresses of the imports of a page at once."""
    wanted = {row.args.get("batch") for row in rows if row.name in imports.JOBS}
    request.environ[BATCHES] = _uuids(wanted) if wanted else {}


def _batch_uuid(key: Any) -> str | None:
    known = request.environ.setdefault(BATCHES, {})
    if key not in known:
        known |= _uuids({key})
    return known.get(key)


def _uuids(keys: set[Any]) -> dict[Any, str]:
    if not may_open(current_actor().role, "Import", READ):
        return {}
    found = select(ImportBatch.id, ImportBatch.uuid).where(ImportBatch.id.in_(keys))
    return dict(db.session().execute(found).all())
