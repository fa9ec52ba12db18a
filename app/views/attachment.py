"""Sending attachments: through the scoped row, as a download, in a sandbox (SEC-34)."""

from pathlib import Path
from typing import Any

from flask import current_app, send_file
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access

from app.access.scope import current_actor
from app.core.errors import NotFound
from app.extensions import db
from app.services import attachment, audit
from app.views.base import BaseView
from app.views.labels import present_catalog
from app.views.on_record import on_record

SANDBOX = "sandbox; default-src 'none'"


def storage() -> Path:
    """Return the folder of stored files."""
    return Path(current_app.config["STORAGE_DIR"])


class AttachmentView(BaseView):
    """One address for every attachment; who may read its row may read it."""

    class_permission_name = "File"
    route_base = "/attachment"

    @expose("/<uuid>", methods=["GET"])
    @has_access
    def download(self, uuid: str) -> Any:
        """Send an attachment."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        kept = attachment.find(session, actor, uuid, catalog=known)
        path = attachment.path_of(storage(), kept.stored_name)
        if not path.is_file():
            raise NotFound()
        answer = send_file(
            path, mimetype=kept.mime, as_attachment=True, download_name=kept.name, max_age=0
        )
        answer.headers["Content-Security-Policy"] = SANDBOX
        answer.headers["Cache-Control"] = "private, no-store"
        is_picture = attachment.is_picture(known.indicator(kept.set, kept.field))
        if not is_picture and actor.teacher_id != kept.teacher_id:
            place = ("attachment", kept.id, kept.teacher_id)
            on_record(lambda own: audit.record(own, "download", actor=actor, object=place))
        return answer
