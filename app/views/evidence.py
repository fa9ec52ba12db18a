"""Documents that prove a process, on its page: what is attached, and the upload of another one."""

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.access.actor import Actor, current_actor
from app.core.errors import Malformed, Problem, Refused
from app.extensions import db
from app.models.attachment import Attachment
from app.services import attachment
from app.services.attachment import Upload
from app.views.attachment import storage
from app.views.widgets import text_of
from app.views.writing import REFUSED


class Proof(NamedTuple):
    """A document that proves what is asked for."""

    name: str
    note: str
    href: str


def proofs(session: Session, actor: Actor, item: Any) -> list[Proof]:
    """The evidence of a process, for those who may read it."""
    if not attachment.may_read_evidence(actor):
        return []
    return [_proof(each) for each in attachment.evidence(session, item)]


def _proof(kept: Attachment) -> Proof:
    size = f"{kept.size / 1024:,.0f} KB"
    href = url_for("AttachmentView.download", uuid=kept.uuid)
    return Proof(kept.name, f"{size} · {text_of(kept.at)}", href)


def uploaded() -> Upload:
    """The document that was sent as `file`. Raises Malformed when there is none."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        text = _("Choose a file first.")
        raise Malformed(text, [Problem("required", text, field="file")])
    return Upload(sent.filename, sent.read())


def attach(item: Any, keep: Callable[..., Any], page: str, again: Callable[[str], Any]) -> Any:
    """Keep the document that was sent and lead to the page; `again` shows it with the reason why
    one is not taken. Raises the refusals of `keep` about who may attach, and when."""
    session = db.session()
    try:
        keep(session, current_actor(), item, uploaded(), storage=storage())
        session.commit()
    except (Malformed, Refused) as refusal:
        session.rollback()
        return again(str(refusal)), REFUSED
    flash(_("The document is attached."), "success")
    return redirect(page)
