"""Import of workbooks: template, upload, preview, commit, refused rows, undo, history."""

import io
from collections.abc import Callable
from typing import Any

from flask import current_app, flash, redirect, request, send_file, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.access.actor import current_actor
from app.access.scope import scoped_get
from app.core.errors import Refused
from app.core.whole import whole_number
from app.exchange.teacher_import import batch as imports
from app.exchange.teacher_import.plan import MODES
from app.exchange.teacher_import.preview import KINDS, batch_findings, preview
from app.exchange.teacher_import.refused import refused_workbook
from app.exchange.teacher_import.undo import obstacles
from app.exchange.template import build_template
from app.extensions import db
from app.models.exchange import ImportBatch
from app.models.job import Job
from app.models.unit import Unit
from app.services import audit
from app.services.storage import Storage
from app.views.base import BaseView
from app.views.declared import READ
from app.views.labels import present_catalog
from app.views.on_record import on_record
from app.views.once import once
from app.views.widgets import Badge

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PAGE = 25
SHOWN_BATCHES = 100

MODE_LABELS = {
    "both": (_l("Add and update"), _l("Rows without a record are added, others update it.")),
    "insert": (_l("Only add"), _l("Records that exist already are left as they are.")),
    "update": (_l("Only update"), _l("Rows without a record are refused.")),
}
TAKE_LABELS = {
    imports.ALL: (_l("All or nothing"), _l("One error keeps the whole workbook out.")),
    imports.GOOD: (
        _l("Only the rows without errors"),
        _l("Refused rows come back as a workbook with the reasons."),
    ),
}
KIND_LABELS = {
    "inserted": _l("Will be added"),
    "updated": _l("Will be updated"),
    "unchanged": _l("No change"),
    "refused": _l("Refused"),
    "warned": _l("With a hint"),
}
# State of a batch -> icon and tint of its badge.
LOOKS = {
    imports.CHECKING: ("loader", "info"),
    imports.CHECKED: ("eye-check", "wait"),
    imports.COMMITTING: ("loader", "info"),
    imports.DONE: ("circle-check", "good"),
    imports.FAILED: ("circle-x", "bad"),
    imports.DISCARDED: ("trash", "draft"),
    imports.STOPPED: ("player-pause", "back"),
    imports.UNDOING: ("loader", "info"),
    imports.UNDONE: ("arrow-back", "draft"),
}
BUSY = (imports.CHECKING, imports.COMMITTING, imports.UNDOING)


class ImportView(BaseView):
    """The imports of one's own school."""

    class_permission_name = "Import"
    route_base = "/import"
    default_view = "list"
    method_permission_name = {"template": READ, "refused": READ}

    @expose("/list/", methods=["GET"])
    @has_access
    def list(self) -> Any:
        """The history of imports, and the form for another one."""
        return self._list_page()

    @expose("/template", methods=["GET"])
    @has_access
    def template(self) -> Any:
        """The workbook to fill in, for the category of the school (S19, S58)."""
        school = scoped_get(db.session(), Unit, current_actor().unit_id)
        content = build_template(present_catalog(), school.category)
        return _workbook(content, _("Import template"))

    @expose("/upload", methods=["POST"])
    @has_access
    @once
    def upload(self) -> Any:
        """Take a workbook and put its check in the queue."""
        sent = request.files.get("workbook")
        if sent is None or not sent.filename:
            return self._list_page(_("Choose the workbook that you have filled in."))
        try:
            batch = imports.stage(
                db.session(),
                current_actor(),
                _storage(),
                sent.filename,
                sent.read(),
                mode=request.form.get("mode", "both"),
                take=request.form.get("take", imports.ALL),
            )
        except Refused as refusal:
            db.session.rollback()
            words = [str(refusal), *(str(problem.message) for problem in refusal.problems)]
            return self._list_page(*dict.fromkeys(words))
        target = url_for("ImportView.show", uuid=batch.uuid)
        db.session.commit()
        return redirect(target)

    @expose("/<uuid>", methods=["GET"])
    @has_access
    def show(self, uuid: str) -> Any:
        """One import: what its rows would do or did, problems first."""
        batch = imports.find(db.session(), uuid)
        return self.render_template("import/show.html", **self._parts(batch))

    @expose("/<uuid>/progress", methods=["GET"])
    @has_access
    def progress(self, uuid: str) -> Any:
        """The moving part of the page, asked for again while a job runs."""
        batch = imports.find(db.session(), uuid)
        return self.render_template("import/progress.html", **self._parts(batch))

    @expose("/<uuid>/commit", methods=["POST"])
    @has_access
    @once
    def commit(self, uuid: str) -> Any:
        """Bring the rows into the files."""
        take = request.form.get("take")
        return self._act(
            uuid,
            lambda batch: imports.start_commit(db.session(), current_actor(), batch, take=take),
            _("The import has begun."),
        )

    @expose("/<uuid>/check", methods=["POST"])
    @has_access
    @once
    def check(self, uuid: str) -> Any:
        """Check the workbook again."""
        return self._act(
            uuid,
            lambda batch: imports.check_again(db.session(), current_actor(), batch),
            _("The workbook is being checked again."),
        )

    @expose("/<uuid>/cancel", methods=["POST"])
    @has_access
    @once
    def cancel(self, uuid: str) -> Any:
        """Stop what is running after its present batch of rows."""
        return self._act(
            uuid,
            lambda batch: imports.cancel(db.session(), current_actor(), batch),
            _("It stops after the rows that are being worked on."),
        )

    @expose("/<uuid>/discard", methods=["POST"])
    @has_access
    @once
    def discard(self, uuid: str) -> Any:
        """Drop an upload that was not imported."""
        return self._act(
            uuid,
            lambda batch: imports.discard(db.session(), current_actor(), batch, _storage()),
            _("The upload was discarded. Nothing was changed."),
        )

    @expose("/<uuid>/undo", methods=["POST"])
    @has_access
    @once
    def undo(self, uuid: str) -> Any:
        """Bring the files back to where they were before the import."""
        return self._act(
            uuid,
            lambda batch: imports.start_undo(db.session(), current_actor(), batch),
            _("The import is being undone."),
        )

    @expose("/<uuid>/refused", methods=["GET"])
    @has_access
    def refused(self, uuid: str) -> Any:
        """The refused rows as a workbook with the reasons, to mend and upload again (C3)."""
        session, actor = db.session(), current_actor()
        batch = imports.find(session, uuid)
        content = refused_workbook(session, batch, _storage(), present_catalog())
        place = ("import_batch", batch.id)
        on_record(lambda own: audit.record(own, "download", actor=actor, object=place))
        return _workbook(content, _("Refused rows"))

    def _act(self, uuid: str, act: Callable[[ImportBatch], None], done: str) -> Any:
        session = db.session()
        batch = imports.find(session, uuid)
        try:
            act(batch)
            session.commit()
            flash(done, "success")
        except Refused as refusal:
            session.rollback()
            flash(str(refusal), "danger")
        return redirect(url_for("ImportView.show", uuid=uuid))

    def _list_page(self, *faults: str) -> Any:
        session = db.session()
        school = scoped_get(session, Unit, current_actor().unit_id)
        found = session.scalars(imports.batches().limit(SHOWN_BATCHES)).all()
        page = self.render_template(
            "import/list.html",
            title=_("Import"),
            school=school.name,
            batches=[(each, self._badge(each)) for each in found],
            faults=faults,
            modes=[(code, *MODE_LABELS[code]) for code in ("both", "insert", "update")],
            takes=[(code, *words) for code, words in TAKE_LABELS.items()],
        )
        return (page, 422) if faults else page

    def _badge(self, batch: ImportBatch) -> Badge:
        state = imports.present_state(db.session(), batch)
        icon, tint = LOOKS[state]
        return Badge(imports.STATE_LABELS[state], icon, tint)

    def _parts(self, batch: ImportBatch) -> dict[str, Any]:
        session, actor = db.session(), current_actor()
        state = imports.present_state(session, batch)
        kind = request.args.get("kind") or None
        page = whole_number(request.args.get("page", "")) or 0
        rows = preview(session, batch, present_catalog(), kind=kind, page=page, size=PAGE)
        is_done = state in (imports.DONE, imports.STOPPED)
        return {
            "batch": batch,
            "state": state,
            "badge": self._badge(batch),
            "is_busy": state in BUSY,
            "job": session.get(Job, batch.job_id) if batch.job_id else None,
            "sheets": imports.sheet_counts(session, batch),
            "names": {code: str(words) for code, words in KIND_LABELS.items()},
            "kinds": [each for each in KINDS if each in KIND_LABELS],
            "kind": kind,
            "rows": rows.rows,
            "total": rows.total,
            "page": page,
            "pages": (rows.total + PAGE - 1) // PAGE,
            "findings": batch_findings(batch),
            "takes": [(code, *words) for code, words in TAKE_LABELS.items()],
            "obstacles": obstacles(session, actor, batch) if is_done else (),
            "is_done": is_done,
            "mode": MODE_LABELS[batch.mode][0] if batch.mode in MODES else batch.mode,
        }


def _storage() -> Storage:
    return Storage.of(current_app.config)


def _workbook(content: bytes, name: str) -> Any:
    return send_file(
        io.BytesIO(content),
        mimetype=XLSX_TYPE,
        as_attachment=True,
        download_name=f"{name}.xlsx",
        max_age=0,
    )
