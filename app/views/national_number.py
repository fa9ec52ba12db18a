"""Entering the national teacher numbers: paste pairs, look, save."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _

from app.access.actor import current_actor
from app.core.errors import Refused
from app.extensions import db
from app.services import national_number
from app.views.base import BaseView
from app.views.once import first_result, remember
from app.views.writing import REFUSED


class NationalNumberView(BaseView):
    """The city enters what the Ministry gave."""

    route_base = "/national-numbers"
    class_permission_name = "NationalNumber"
    default_view = "enter"

    @expose("/", methods=["GET", "POST"])
    @has_access
    def enter(self) -> Any:
        """Show the form; show what would be written; write it when told so."""
        session, text = db.session(), request.form.get("pairs", "")
        if request.method == "GET" or not text.strip():
            return self._page("", None)
        if not request.form.get("save"):
            return self._page(text, national_number.preview(session, text))
        if (answer := first_result(session)) is not None:
            return answer
        target = url_for("NationalNumberView.enter")
        try:
            number = national_number.save(session, current_actor(), text)
            remember(session, target)
            session.commit()
        except Refused:
            session.rollback()
            return self._page(text, national_number.preview(session, text)), REFUSED
        flash(_("%(number)s national numbers were entered.", number=number), "success")
        return redirect(target)

    def _page(self, text: str, lines: Any) -> str:
        return self.render_template(
            "national_number/enter.html",
            text=text,
            lines=lines,
            wrong=sum(bool(line.problem) for line in lines or ()),
        )
