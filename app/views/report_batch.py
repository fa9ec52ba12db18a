"""Reports to the Ministry: batches, what they hold, ordering one, and the frozen workbook."""

from typing import Any, NamedTuple

from flask import Response, current_app, redirect, request, stream_with_context, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Query, Session

from app.access.actor import Actor, current_actor
from app.access.roles import Role
from app.access.scope import scoped_get
from app.core.errors import Forbidden, Malformed, NotFound
from app.core.whole import whole_number
from app.extensions import db
from app.indicators.catalog import language
from app.models.account import Account
from app.models.history import Transition
from app.models.job import Job
from app.models.report import ReportBatch, ReportItem
from app.models.teacher import ReviewState
from app.models.unit import Unit
from app.services import job as jobs
from app.services import report
from app.services.storage import Storage
from app.views.base import BaseModelView
from app.views.datamodel import EQUAL, Datamodel
from app.views.declared import counts
from app.views.labels import column_label, present_catalog
from app.views.listing import address_of
from app.views.once import first_result, once, remember
from app.views.review.outcome import Result, line_of, names_of
from app.views.school_filters import authority_choices
from app.views.teacher.file import is_fragment
from app.views.widgets import text_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OWN = "tm.report_counts"
SHOWN, SHOWN_APPROVALS = 500, 100
STATES = {report.BUILDING: ("hourglass", "wait"), report.READY: ("circle-check", "good")}
APPROVE = "approve"


class InScope(BaseFilter):
    """The city reads all batches, a district those that hold files of its own."""

    name = "scope"
    arg_name = "scope"

    def apply(self, query: Query, _value: Any) -> Query:
        if current_actor().role == Role.CITY_INFO:
            return query
        own = ReportItem.authority_id == current_actor().unit_id
        return query.filter(exists().where(ReportItem.batch_id == ReportBatch.id, own))


class ReportItemView(BaseModelView):
    """The files of one batch that lie in the reader's scope, in the tab of the batch."""

    route_base = "/report-item"
    datamodel = Datamodel(ReportItem)
    class_permission_name = "Report"
    exclude_route_methods = {"show", "tab", "list", "export", "choices"}
    list_title = _l("Files")
    list_columns = ["teacher", "school", "authority_id", "file_version"]
    search_columns = []
    order_columns = []
    base_order = ("id", "asc")
    list_relations = ("teacher", "teacher.school")
    parent_column = "batch"
    label_columns = {
        "teacher": column_label("name"),
        "school": _l("School"),
        "authority_id": _l("Authority"),
        "file_version": _l("File version"),
    }
    list_kinds = {"file_version": "number"}
    code_columns = {"authority_id": authority_choices}
    exports = ()

    def row_link(self, item: ReportItem) -> str:
        return address_of("FileView", "show", pk=item.teacher_id)

    def cell(self, item: ReportItem, column: str) -> Any:
        if column == "school":
            return item.teacher.school.name
        return super().cell(item, column)


class ReportView(BaseModelView):
    """Batches to the Ministry; the workbook is for the city alone."""

    route_base = "/reports"
    datamodel = Datamodel(ReportBatch)
    class_permission_name = "Report"
    method_permission_name = {
        "prepare": "write", "order": "write", "trial": "write", "progress": "write",
        "cancel": "write", "resume": "write", "workbook": "write", "approvals": "read",
    }  # fmt: skip
    base_filters = [["id", InScope, ""]]
    list_title = _l("Reports to the Ministry")
    show_title = _l("Report")
    list_template = "report/list.html"
    show_template = "report/show.html"
    list_columns = ["number", "state", "at", "own", "first_count", "account_id"]
    show_columns = ["state", "at", "own", "first_count", "account_id", "note", "digest"]
    search_columns = ["number", "state", "at"]
    order_columns = ["number", "at"]
    base_order = ("at", "desc")
    quick_columns = ("number",)
    quick_hint = _l("Number of a batch")
    empty_hint = _l("Nothing has been reported yet.")
    exports = ()
    related_views = [ReportItemView]
    label_columns = {
        "number": _l("Batch number"),
        "state": _l("State"),
        "at": _l("Frozen at"),
        "own": _l("Files"),
        "first_count": _l("First reports among them"),
        "account_id": _l("Reported by"),
        "note": _l("Note on acknowledged warnings"),
        "digest": _l("Digest of the workbook (SHA-256)"),
    }
    code_columns = {
        "state": lambda: [(report.BUILDING, _l("Being made")), (report.READY, _l("Frozen"))]
    }
    badges = {"state": STATES}
    list_kinds = {"own": "number", "first_count": "number"}

    def chosen_columns(self) -> Any:
        """Totals and makers of a batch are the business of the city."""
        chosen = super().chosen_columns()
        if self.is_city():
            return chosen
        return [name for name in chosen if name not in ("first_count", "account_id")]

    def is_city(self) -> bool:
        """Whether the city reads."""
        return current_actor().role == Role.CITY_INFO

    def row_name(self, item: ReportBatch) -> str:
        return item.number

    def tab_counts(self, item: ReportBatch) -> Any:
        return {ReportItemView.__name__: report.own_counts(db.session(), [item.id]).get(item.id, 0)}

    def _page(self, query: Query, arguments: Any, columns: Any) -> Any:
        rows = super()._page(query, arguments, columns)
        session, ids = db.session(), [row.id for row in rows]
        makers = select(Account).where(Account.id.in_({row.account_id for row in rows}))
        names = {each.id: each.display_name for each in session.scalars(makers)}
        request.environ[OWN] = report.own_counts(session, ids), names
        return rows

    def cell(self, item: ReportBatch, column: str) -> Any:
        if column == "own":
            counts = request.environ[OWN][0] if OWN in request.environ else None
            counts = counts or report.own_counts(db.session(), [item.id])
            return counts.get(item.id, 0)
        if column == "account_id":
            if OWN in request.environ:
                return request.environ[OWN][1].get(item.account_id, "")
            return getattr(db.session.get(Account, item.account_id), "display_name", "")
        if column in ("first_count", "note", "digest") and not self.is_city():
            return None
        return super().cell(item, column)

    @expose("/new", methods=["GET"])
    @has_access
    @counts
    def prepare(self) -> Any:
        """Show what a report of today would hold."""
        state = f"_flt_{EQUAL}_state"
        accepted = {state: str(ReviewState.CITY_ACCEPTED)}
        return self.render_template(
            "report/new.html",
            title=_("New report"),
            forecast=report.forecast(db.session()),
            urls={
                "list": self.list_url(),
                "order": url_for("ReportView.order"),
                "trial": url_for("ReportView.trial"),
                "accepted": address_of("TeacherView", "list", **accepted),
                "errors": address_of("TeacherView", "list", **accepted, _flt_1_error_count=1),
                "corrections": address_of("CorrectionView", "list", _flt_0_open="y"),
            },
        )

    @expose("/new", methods=["POST"])
    @has_access
    @counts
    def order(self) -> Any:
        """Order the report of the files that were shown."""
        session = db.session()
        if (answer := first_result(session)) is not None:
            return answer
        count = whole_number(request.form.get("count", ""))
        if count is None:
            raise Malformed()
        checksum = request.form.get("checksum", "")
        note = request.form.get("note", "")
        made = report.order(
            session, current_actor(), count=count, checksum=checksum, note=note, lang=language()
        )
        location = url_for("ReportView.progress", pk=made.id)
        remember(session, location)
        session.commit()
        return redirect(location)

    @expose("/trial", methods=["POST"])
    @has_access
    @once
    def trial(self) -> Any:
        """Order a dry run: what would stay behind, and why."""
        session = db.session()
        if (answer := first_result(session)) is not None:
            return answer
        made = report.order_trial(session, current_actor(), lang=language())
        location = url_for("ReportView.progress", pk=made.id)
        remember(session, location)
        session.commit()
        return redirect(location)

    @expose("/progress/<int:pk>", methods=["GET"])
    @has_access
    def progress(self, pk: int) -> Any:
        """Show how far a report is, what it holds, and which files stayed behind and why."""
        session = db.session()
        found = find_job(session, pk)
        told = found.result or {}
        template = "report/progress_part.html" if is_fragment() else "report/progress.html"
        return self.render_template(
            template,
            title=title_of(found),
            result=result_of(session, found),
            batch=session.get(ReportBatch, told["batch"]) if told.get("batch") else None,
            urls={
                "list": self.list_url(),
                "self": url_for("ReportView.progress", pk=pk),
                "cancel": url_for("ReportView.cancel", pk=pk),
                "resume": url_for("ReportView.resume", pk=pk),
            },
        )

    @expose("/progress/<int:pk>/cancel", methods=["POST"])
    @has_access
    @once
    def cancel(self, pk: int) -> Any:
        """Stop after the files under way; the batch waits to be gone on with."""
        session = db.session()
        jobs.stop(session, current_actor(), find_job(session, pk))
        session.commit()
        return redirect(url_for("ReportView.progress", pk=pk))

    @expose("/progress/<int:pk>/resume", methods=["POST"])
    @has_access
    @once
    def resume(self, pk: int) -> Any:
        """Go on with a report that was stopped or failed."""
        session = db.session()
        jobs.go_on(session, current_actor(), find_job(session, pk))
        session.commit()
        return redirect(url_for("ReportView.progress", pk=pk))

    @expose("/<int:pk>/workbook", methods=["POST"])
    @has_access
    def workbook(self, pk: int) -> Any:
        """Send the frozen workbook; it holds whole values, so each download is on record."""
        session, actor = db.session(), current_actor()
        batch = report.find(session, actor, pk)
        report.download(session, actor, batch)
        name, number = str(batch.stored_name), batch.number
        storage = Storage.of(current_app.config)
        if not storage.has(name):
            raise NotFound()
        session.commit()
        headers = {"Content-Disposition": f"attachment; filename={number}.xlsx"}
        stream = stream_with_context(storage.stream(name))
        return Response(stream, mimetype=XLSX, headers=headers)

    @expose("/approvals", methods=["GET"])
    @has_access
    def approvals(self) -> Any:
        """Show the reports of the districts to the city: how many files, when, by whom (1.9)."""
        return self.render_template(
            "report/approvals.html",
            title=_("Reports of the districts"),
            rows=approvals_of(db.session(), current_actor()),
            urls={"list": self.list_url()},
        )

    def job_url(self, item: ReportBatch) -> str:
        """Return the progress page of the job that made a batch, for the one who ordered it."""
        mine = select(Job).where(Job.id == item.job_id, Job.name == report.JOB)
        found = db.session.scalar(mine)
        return url_for("ReportView.progress", pk=found.id) if found else ""


def find_job(session: Session, pk: int) -> Job:
    """Return a report's job of one's own. Raises NotFound."""
    found: Job = scoped_get(session, Job, pk)
    if found.name not in (report.JOB, report.TRIAL_JOB):
        raise NotFound()
    return found


def title_of(job: Job) -> str:
    """Whether files are reported or a dry run asks what would stay behind."""
    return _("Dry run") if job.name == report.TRIAL_JOB else _("Report to the Ministry")


def result_of(session: Session, job: Job) -> Result:
    """Return how far a report is and which files stayed behind."""
    told = job.result or {"done": 0, "refused": 0, "failed": []}
    refused = {each["id"]: each for each in told["failed"][:SHOWN]}
    names, known = names_of(session, refused), present_catalog()
    total = job.args["count"]
    return Result(
        title_of(job),
        job.state,
        told["done"],
        told["refused"],
        max(0, total - told["done"] - told["refused"]),
        job.done,
        total,
        job.error or "",
        [line_of(key, names, each, known) for key, each in refused.items()],
        [],
    )


class Approval(NamedTuple):
    """One act by which an authority made files effective and reported them."""

    when: str
    authority: str
    operator: str
    files: int


def approvals_of(session: Session, actor: Actor) -> list[Approval]:
    """Return the latest approvals, one line per act."""
    if actor.role not in (Role.CITY_INFO, Role.DISTRICT_INFO):
        raise Forbidden()
    statement = (
        select(Transition.at, Transition.account_id, Unit.name, func.count(Transition.id))
        .join(Unit, Unit.id == Transition.authority_id)
        .where(Transition.flow == "review", Transition.step == APPROVE)
        .group_by(Transition.at, Transition.account_id, Unit.name)
        .order_by(Transition.at.desc())
        .limit(SHOWN_APPROVALS)
    )
    if actor.role == Role.DISTRICT_INFO:
        statement = statement.where(Transition.authority_id == actor.unit_id)
    rows = session.execute(statement).all()
    makers = select(Account).where(Account.id.in_({row.account_id for row in rows}))
    names = {each.id: each.display_name for each in session.scalars(makers)}
    return [
        Approval(text_of(at), unit, names.get(account, ""), number)
        for at, account, unit, number in rows
    ]
