"""Autosave of the forms of a file: what was typed survives a session that ends."""

from typing import Any

from flask import jsonify, redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access

from app.services import draft
from app.views.base import BaseView
from app.views.listing import address_of
from app.views.teacher.row_page import Page
from app.views.widgets import text_of


class DraftView(BaseView):
    """Drafts of the forms of rows; each account has its own."""

    class_permission_name = "File"
    route_base = "/draft"

    @expose("/<int:pk>/<set_code>/<record>", methods=["POST"])
    @has_access
    def save(self, pk: int, set_code: str, record: str) -> Any:
        """Keep what changed in a form; names that are no indicators are left alone."""
        page = _page(pk, set_code, record)
        codes = {item.code for item in page.catalog.indicators(set_code)}
        typed = {name: value for name, value in request.form.items() if name in codes}
        at = draft.keep(page.session, page.actor, page.key, typed)
        page.session.commit()
        return jsonify(at=text_of(at))

    @expose("/<int:pk>/<set_code>/<record>/discard", methods=["POST"])
    @has_access
    def discard(self, pk: int, set_code: str, record: str) -> Any:
        """Forget a draft and show the form as it is stored."""
        page = _page(pk, set_code, record)
        draft.drop(page.session, page.actor, page.key)
        page.session.commit()
        return redirect(self.next_url() or address_of("FileView", "show", pk=pk))


def _page(pk: int, set_code: str, record: str) -> Page:
    """The form that a draft belongs to. Raises NotFound for a foreign or absent file or row."""
    return Page(pk, set_code, None if record == draft.NEW else record)
