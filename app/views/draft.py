"""Autosave of the forms of a file: what was typed survives a session that ends."""

from typing import Any

from flask import jsonify, redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access

from app.access.scope import current_actor
from app.extensions import db
from app.services import draft
from app.views.base import BaseView
from app.views.labels import present_catalog
from app.views.listing import address_of
from app.views.teacher.file import load_teacher, require_set
from app.views.widgets import text_of


class DraftView(BaseView):
    """Drafts of the forms of rows; each account has its own."""

    class_permission_name = "File"
    route_base = "/draft"

    @expose("/<int:pk>/<set_code>/<record>", methods=["POST"])
    @has_access
    def save(self, pk: int, set_code: str, record: str) -> Any:
        """Keep what changed in a form; names that are no indicators are left alone."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        teacher, _photo = load_teacher(pk)
        require_set(actor, teacher, set_code, known)
        codes = {item.code for item in known.indicators(set_code)}
        typed = {name: value for name, value in request.form.items() if name in codes}
        at = draft.keep(session, actor, draft.row_key(pk, set_code, record), typed)
        session.commit()
        return jsonify(at=text_of(at))

    @expose("/<int:pk>/<set_code>/<record>/discard", methods=["POST"])
    @has_access
    def discard(self, pk: int, set_code: str, record: str) -> Any:
        """Forget a draft and show the form as it is stored."""
        session = db.session()
        load_teacher(pk)
        draft.drop(session, current_actor(), draft.row_key(pk, set_code, record))
        session.commit()
        return redirect(self.next_url() or address_of("FileView", "show", pk=pk))
