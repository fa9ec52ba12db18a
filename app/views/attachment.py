"""Sending attachments: through the scoped row, as a download, in a sandbox (SEC-34)."""

from typing import Any

from flask import Response, current_app
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access

from app.access.actor import current_actor
from app.extensions import db
from app.models.attachment import Attachment
from app.services import attachment, audit
from app.services.storage import Storage
from app.views.base import BaseView
from app.views.labels import present_catalog
from app.views.on_record import on_record

SANDBOX = "sandbox; default-src 'none'"


def storage() -> Storage:
    """Return the place of stored files."""
    return Storage.of(current_app.config)


def sent(kept: Attachment) -> Response:
    """Answer with an attachment that its reader may read, and put it on record."""
    actor = current_actor()
    answer = Response(storage().read(kept.stored_name), mimetype=kept.mime)
    answer.headers.set("Content-Disposition", "attachment", filename=kept.name)
    answer.headers["Content-Security-Policy"] = SANDBOX
    answer.headers["Cache-Control"] = "private, no-store"
    if not attachment.is_photo(kept) and actor.teacher_id != kept.teacher_id:
        place = ("attachment", kept.id, kept.teacher_id)
        on_record(lambda own: audit.record(own, "download", actor=actor, object=place))
    return answer


class AttachmentView(BaseView):
    """One address for every attachment; who may read its row may read it."""

    class_permission_name = "File"
    route_base = "/attachment"

    @expose("/<uuid>", methods=["GET"])
    @has_access
    def download(self, uuid: str) -> Any:
        """Send an attachment."""
        kept = attachment.find(db.session(), current_actor(), uuid, catalog=present_catalog())
        return sent(kept)
