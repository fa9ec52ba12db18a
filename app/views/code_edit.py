"""The forms of the code tables: change, add, retire and put back a code (Q1)."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField, validators

from app.access.actor import current_actor
from app.core.errors import NotFound, Refused, Stale
from app.core.whole import whole_number
from app.extensions import db
from app.indicators.catalog import Catalog, language
from app.services import code as codes
from app.services.code import LONGEST, REPORT_AS
from app.views.base import BaseView
from app.views.labels import present_catalog
from app.views.once import first_result, once, remember
from app.views.widgets import Card, options
from app.views.writing import refuse

REFUSED, CONFLICT = 422, 409


class CodeEditView(BaseView):
    """The city keeps the codes; what a standard defines keeps its code."""

    route_base = "/codes"
    class_permission_name = "Code"

    @expose("/<name>/new", methods=["GET", "POST"])
    @has_access
    def add(self, name: str) -> Any:
        """Add a code of the city's own."""
        session, known = db.session(), present_catalog()
        if not known.codes(name) or not codes.may_grow(known, name):
            raise NotFound()
        form = _form(known, name, None)
        if request.method == "GET":
            return self._page(name, form, None)
        if (answer := first_result(session)) is not None:
            return answer
        if not form.validate():
            return self._page(name, form, None), REFUSED
        return self._done(
            name,
            form,
            None,
            lambda: codes.add_code(session, current_actor(), name, _values(form), catalog=known),
        )

    @expose("/<name>/edit/<code>", methods=["GET", "POST"])
    @has_access
    def edit(self, name: str, code: str) -> Any:
        """Change names, note and what the Ministry hears."""
        session, known = db.session(), present_catalog()
        row = codes.code_row(session, name, code)
        form = _form(known, name, row)
        if request.method == "GET":
            return self._page(name, form, row)
        if (answer := first_result(session)) is not None:
            return answer
        if not form.validate():
            return self._page(name, form, row), REFUSED
        seen = whole_number(request.form.get("_version", ""))
        return self._done(
            name,
            form,
            row,
            lambda: codes.change_code(
                session, current_actor(), name, code, _values(form), catalog=known, seen=seen
            ),
        )

    @expose("/<name>/retire/<code>", methods=["POST"])
    @has_access
    @once
    def retire(self, name: str, code: str) -> Any:
        """Offer a code no longer."""
        session = db.session()
        codes.retire_code(session, current_actor(), name, code, catalog=present_catalog())
        session.commit()
        flash(_("The code is no longer offered; old files keep its name."), "success")
        return redirect(url_for("CodeView.table", name=name))

    @expose("/<name>/back/<code>", methods=["POST"])
    @has_access
    @once
    def put_back(self, name: str, code: str) -> Any:
        """Offer a retired code again."""
        session = db.session()
        codes.put_back(session, current_actor(), name, code)
        session.commit()
        flash(_("The code is offered again."), "success")
        return redirect(url_for("CodeView.table", name=name))

    def _done(self, name: str, form: Any, row: Any, act: Any) -> Any:
        session, target = db.session(), url_for("CodeView.table", name=name)
        try:
            act()
            remember(session, target)
            session.commit()
        except Refused as refusal:
            session.rollback()
            refuse(form, refusal)
            return self._page(name, form, row), REFUSED
        except Stale as stale:
            session.rollback()
            form.form_errors.append(str(stale))
            row = codes.code_row(session, name, row.code) if row is not None else None
            return self._page(name, form, row), CONFLICT
        flash(_("Saved."), "success")
        return redirect(target)

    def _page(self, name: str, form: Any, row: Any) -> str:
        session, known = db.session(), present_catalog()
        lang = language()
        return self.render_template(
            "code/edit.html",
            name=name,
            row=row,
            title=_("Add a code") if row is None else f"{row.code} {known.name(row, lang)}",
            form=form,
            card=Card("", [each for each in form.data if each != "csrf_token"], frozenset(), True),
            version=row.id if row is not None else "",
            uses=codes.uses_of(session, known, name, row.code) if row is not None else 0,
            may_retire=row is not None and codes.may_grow(known, name),
            back_url=url_for("CodeView.table", name=name),
        )


def _form(known: Catalog, name: str, row: Any) -> Any:
    """Return the form of a code, or of a new one; only an own code is reported as another."""
    fields: dict[str, Any] = {}
    if row is None:
        fields["code"] = StringField(
            _l("Code"),
            description=_l("Begin with BJ- and go on with letters and digits."),
            validators=[validators.InputRequired(), validators.Length(max=30)],
            filters=[_stripped],
        )
    fields |= {
        "name_zh": StringField(
            _l("Chinese name"),
            validators=[validators.InputRequired(), validators.Length(max=LONGEST["name_zh"])],
        ),
        "name_en": StringField(
            _l("English name"), validators=[validators.Length(max=LONGEST["name_en"])]
        ),
    }
    if row is None:
        fields["parent"] = _code_field(known, name, _l("Stands under"))
    if row is None or codes.is_own(row):
        fields[REPORT_AS] = _code_field(known, name, _l("Reported to the Ministry as"))
    fields["note"] = TextAreaField(_l("Note"), validators=[validators.Length(max=LONGEST["note"])])
    data = {}
    if row is not None:
        data = {each: getattr(row, each) for each in LONGEST}
        data[REPORT_AS] = (row.attrs or {}).get(REPORT_AS, "")
    return type("CodeForm", (FlaskForm,), fields)(data=data)


def _stripped(text: str | None) -> str | None:
    return text.strip() if text else text


def _code_field(known: Catalog, name: str, label: Any) -> SelectField:
    """A choice among the codes of the Ministry in the same table."""
    lang = language()
    pairs = [
        (each.code, f"{each.code} {known.name(each, lang)}")
        for each in codes.national_codes(known, name)
    ]
    return SelectField(label, choices=lambda: options(pairs, blank=True), default="")


def _values(form: Any) -> dict[str, str]:
    return {name: text or "" for name, text in form.data.items() if name != "csrf_token"}
