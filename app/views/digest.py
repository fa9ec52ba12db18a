"""The own wish for the daily digest by e-mail."""

from typing import Any

from flask import current_app, flash, redirect, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.access.actor import current_actor
from app.core.errors import NotFound, Refused
from app.extensions import db
from app.indicators.catalog import language
from app.services import digest as service
from app.views.base import BaseView
from app.views.once import first_result, once, remember
from app.views.widgets import options
from app.views.writing import REFUSED, refuse

LANGUAGES = (("zh", "中文"), ("en", "English"))


class DigestForm(DynamicForm):
    """Where to, and in which language."""

    address = StringField(_l("E-mail address"), validators=[InputRequired(), Length(max=254)])
    language = SelectField(_l("Language of the mail"), choices=lambda: options(LANGUAGES))


class DigestView(BaseView):
    """Each account decides for itself; without a mail server there is nothing to decide."""

    class_permission_name = "Digest"
    route_base = "/digest"
    default_view = "mine"
    method_permission_name = {"mine": "read", "subscribe": "write", "cancel": "write"}

    @expose("/", methods=["GET"])
    @has_access
    def mine(self) -> Any:
        """Show the own wish."""
        wish = service.wish_of(db.session(), current_actor())
        form = DigestForm(formdata=None, obj=wish)
        if wish is None:
            form.language.data = language()
        return self._page(form)

    @expose("/subscribe", methods=["POST"])
    @has_access
    def subscribe(self) -> Any:
        """Ask for the digest, or change where it goes."""
        _require_mail()
        session, form = db.session(), DigestForm()
        if (answer := first_result(session)) is not None:
            return answer
        if not form.validate():
            return self._page(form), REFUSED
        try:
            wanted = form.address.data, form.language.data
            service.subscribe(session, current_actor(), *wanted)
        except Refused as refusal:
            session.rollback()
            refuse(form, refusal)
            return self._page(form), REFUSED
        back = url_for("DigestView.mine")
        remember(session, back)
        session.commit()
        flash(_("The digest comes every morning on which something waits for you."), "success")
        return redirect(back)

    @expose("/cancel", methods=["POST"])
    @has_access
    @once
    def cancel(self) -> Any:
        """End the digest; the address is forgotten."""
        session = db.session()
        service.cancel(session, current_actor())
        session.commit()
        flash(_("The digest has ended and the address is deleted."), "success")
        return redirect(url_for("DigestView.mine"))

    def _page(self, form: DigestForm) -> Any:
        return self.render_template(
            "digest/mine.html",
            title=_("Daily digest by e-mail"),
            form=form,
            is_on=bool(current_app.config["SMTP_HOST"]),
            has_wish=service.wish_of(db.session(), current_actor()) is not None,
        )


def _require_mail() -> None:
    """Nobody asks for mail that nobody sends."""
    if not current_app.config["SMTP_HOST"]:
        raise NotFound()
