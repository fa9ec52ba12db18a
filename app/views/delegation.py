"""The delegates of a head: appoint one for a time, end it early, see who acts in whose place."""

from typing import Any

from flask import flash, jsonify, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, SelectField
from wtforms.validators import InputRequired

from app.access.actor import current_actor
from app.core.clock import today
from app.core.errors import Malformed, Refused
from app.core.whole import whole_number
from app.extensions import db
from app.models.account import Assignment
from app.services import delegation
from app.views.base import BaseView
from app.views.datamodel import escaped
from app.views.labels import present_catalog
from app.views.once import first_result, once, remember
from app.views.widgets import Badge, text_of
from app.views.writing import REFUSED, refuse

LONGEST_TEXT = 50


class DelegationForm(DynamicForm):
    """Who acts in my place, from when to when."""

    account = SelectField(_l("Delegate"), validators=[InputRequired()], validate_choice=False)
    since = DateField(_l("First day"), validators=[InputRequired()])
    until = DateField(_l("Last day"), validators=[InputRequired()])


class DelegationView(BaseView):
    """Only what one holds oneself is delegated, in the own unit, with an end."""

    class_permission_name = "Delegation"
    route_base = "/delegation"
    default_view = "list"
    method_permission_name = {"colleagues": "read"}

    @expose("/list/", methods=["GET"])
    @has_access
    def list(self) -> Any:
        """Show the delegations I gave, or in whose place I act."""
        return self._page(None)

    @expose("/appoint", methods=["POST"])
    @has_access
    def appoint(self) -> Any:
        """Appoint a delegate; both are told."""
        session, actor = db.session(), current_actor()
        if (answer := first_result(session)) is not None:
            return answer
        form = DelegationForm()
        if not form.validate():
            return self._page(form), REFUSED
        key = whole_number(form.account.data or "")
        if key is None:
            raise Malformed()
        try:
            delegation.appoint(
                session,
                actor,
                key,
                role=request.form.get("role", str(actor.role)),
                since=form.since.data,
                until=form.until.data,
                known=present_catalog(),
            )
        except Refused as refusal:
            session.rollback()
            refuse(form, refusal)
            return self._page(form), REFUSED
        back = url_for("DelegationView.list")
        remember(session, back)
        session.commit()
        flash(_("The delegate is appointed; both of you are told."), "success")
        return redirect(back)

    @expose("/<int:pk>/end", methods=["POST"])
    @has_access
    @once
    def end(self, pk: int) -> Any:
        """End a delegation at once; both are told."""
        session = db.session()
        delegation.end(session, current_actor(), pk)
        session.commit()
        flash(_("The delegation has ended."), "success")
        return redirect(url_for("DelegationView.list"))

    @expose("/colleagues", methods=["GET"])
    @has_access
    def colleagues(self) -> Any:
        """Answer a remote select with persons of the own unit."""
        text = "".join(request.args.get("q", "").split())[:LONGEST_TEXT]
        if "\0" in text:
            raise Malformed()
        found = delegation.colleagues(db.session(), current_actor(), text, escaped(text))
        return jsonify(
            items=[
                {"id": str(each.id), "text": each.display_name, "hint": each.username}
                for each in found
            ]
        )

    def _page(self, form: DelegationForm | None) -> Any:
        session, actor = db.session(), current_actor()
        may = delegation.may_delegate(session, actor)
        made = form or DelegationForm(formdata=None)
        if form is None:
            made.since.data = today()
        self._offer_chosen(made)
        return self.render_template(
            "delegation/list.html",
            title=_("Delegation"),
            form=made if may else None,
            delegator=delegation.delegators(session, [actor.assignment_id]).get(
                actor.assignment_id or 0, ""
            ),
            given=[
                (each, account.display_name, standing(each), not is_over(each))
                for each, account in delegation.given(session, actor)
            ],
            longest=int(present_catalog().parameter("delegation_days")),
            text_of=text_of,
        )

    @staticmethod
    def _offer_chosen(form: DelegationForm) -> None:
        """Keep what was chosen in a form that is shown again."""
        key, field = whole_number(form.account.data or ""), form.account
        field.render_kw = {"data-select": "remote", "data-url": url_for(".colleagues")}
        field.choices = [("", "")]
        if key is not None:
            actor = current_actor()
            chosen = delegation.colleagues(db.session(), actor, "", "")
            field.choices += [(str(a.id), a.display_name) for a in chosen if a.id == key]


def standing(item: Assignment) -> Badge:
    """Whether a delegation is still to come, under way, or over."""
    day = today()
    if is_over(item):
        return Badge(_("Ended"), "history", "draft")
    if item.valid_from > day:
        return Badge(_("Not yet valid"), "clock", "wait")
    return Badge(_("Valid"), "circle-check", "good")


def is_over(item: Assignment) -> bool:
    """Whether the last day of an assignment has passed."""
    return item.valid_to is not None and item.valid_to < today()
