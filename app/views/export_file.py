"""My export files: what is being written, ready once, or waits for somebody's approval (SEC-14)."""

from typing import Any

from flask import Response, current_app, flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.access.actor import current_actor
from app.core.clock import now
from app.exchange import export
from app.extensions import db
from app.models.exchange import ExportFile
from app.models.job import Job
from app.services import export_right
from app.services.storage import Storage
from app.views.base import BaseView
from app.views.once import once
from app.views.widgets import Badge

SHOWN = 100
TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
READY, GONE, TAKEN = "ready", "gone", "taken"
LOOKS = {
    "waiting": Badge(_l("Waits for approval"), "clock", "wait"),
    "rejected": Badge(_l("Not approved"), "circle-x", "bad"),
    "writing": Badge(_l("Being written"), "loader", "info"),
    READY: Badge(_l("Ready to download"), "download", "good"),
    TAKEN: Badge(_l("Downloaded"), "circle-check", "draft"),
    GONE: Badge(_l("Expired"), "clock-off", "draft"),
}


class ExportView(BaseView):
    """Files made for this account, and those of others that wait for its approval."""

    class_permission_name = "Export"
    route_base = "/export"
    default_view = "list"

    @expose("/list/", methods=["GET"])
    @has_access
    def list(self) -> Any:
        """Mine, newest first; above them what others ask me to approve, alone with show=waiting."""
        session, actor = db.session(), current_actor()
        only_waiting = request.args.get("show") == "waiting"
        newest = select(ExportFile).order_by(ExportFile.id.desc()).limit(SHOWN)
        mine = [] if only_waiting else session.scalars(newest).all()
        jobs = {each.job_id: session.get(Job, each.job_id) for each in mine if each.job_id}
        return self.render_template(
            "export/list.html",
            title=_("Export files"),
            mine=[(each, LOOKS[state_of(each)], jobs.get(each.job_id)) for each in mine],
            waiting=export_right.waiting(session, actor),
            only_waiting=only_waiting,
            is_writing=any(state_of(each) == "writing" for each in mine),
        )

    @expose("/<uuid>", methods=["POST"])
    @has_access
    def download(self, uuid: str) -> Any:
        """Hand the file over, once."""
        session = db.session()
        taken = export.take(session, current_actor(), uuid, Storage.of(current_app.config))
        session.commit()
        kind = taken.file_name.rsplit(".", 1)[-1]
        answer = Response(taken.pieces, mimetype=TYPES.get(kind, "application/octet-stream"))
        answer.headers.set("Content-Disposition", "attachment", filename=taken.file_name)
        return answer

    @expose("/<uuid>/approve", methods=["POST"])
    @has_access
    @once
    def approve(self, uuid: str) -> Any:
        """Approve what somebody else wants to take away."""
        return self._decide(uuid, approved=True)

    @expose("/<uuid>/reject", methods=["POST"])
    @has_access
    @once
    def reject(self, uuid: str) -> Any:
        """Refuse it."""
        return self._decide(uuid, approved=False)

    def _decide(self, uuid: str, *, approved: bool) -> Any:
        session = db.session()
        export.decide(session, current_actor(), uuid, approved=approved)
        session.commit()
        flash(_("Approved.") if approved else _("Not approved."), "success")
        return redirect(url_for("ExportView.list"))


def state_of(file: ExportFile) -> str:
    """Where an export file stands."""
    if file.approval in (export_right.WAITING, export_right.REJECTED):
        return file.approval
    if file.downloaded_at is not None:
        return TAKEN
    if file.stored_name is not None:
        return READY if file.expires_at > now() else GONE
    return "writing" if file.job_id is not None else TAKEN
