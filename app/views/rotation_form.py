"""Drafts of rotations: the small form, from the file of a teacher (6.1)."""

from typing import Any

from flask import flash, jsonify, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import Length

from app.access.actor import current_actor
from app.access.scope import scoped_get
from app.core.errors import AppError, Malformed, NotFound
from app.core.whole import whole_number
from app.extensions import db
from app.models.rotation import Rotation
from app.models.teacher import Teacher
from app.services import rotation as rotations
from app.services.notice import REASON_LENGTH
from app.services.wording import DOCUMENT_LENGTH
from app.views.base import BaseView
from app.views.declared import WRITE
from app.views.labels import code_choices, present_catalog
from app.views.once import first_result, once, remember
from app.views.rotation import DIRECTIONS, TYPES, prepares, said_label
from app.views.widgets import MonthTextField, options
from app.views.writing import REFUSED, refuse

LONGEST_TEXT, OFFERED = 50, 20


def rotation_types() -> list[tuple[str, str]]:
    """The types that a rotation may have: code and words."""
    return [each for each in code_choices(TYPES)() if each[0] != rotations.NO_TYPE]


class RotationForm(DynamicForm):
    """What is said of a rotation; the authority asks for what is missing when it is submitted."""

    to_school = SelectField(
        _l("Receiving school"),
        validate_choice=False,
        description=_l("A school in Beijing: type a part of its name or its code."),
    )
    to_text = StringField(
        _l("Receiving unit outside the system"),
        validators=[Length(max=100)],
        description=_l("Only where the school is not in the register, as outside Beijing."),
    )
    type = SelectField(said_label("type"), choices=lambda: options(rotation_types(), blank=True))
    direction = SelectField(
        said_label("direction"), choices=lambda: options(code_choices(DIRECTIONS)(), blank=True)
    )
    start = MonthTextField(said_label("start"))
    planned_end = MonthTextField(_l("Planned end"))
    full_time = SelectField(
        said_label("full_time"),
        choices=lambda: [("", ""), ("1", _("Yes")), ("0", _("No"))],
    )
    document_no = StringField(_l("Document number"), validators=[Length(max=DOCUMENT_LENGTH)])
    reason = TextAreaField(_l("Reason"), validators=[Length(max=REASON_LENGTH)])

    def said(self) -> dict[str, Any]:
        """What was typed, as raw values of a rotation."""
        given = {name: self[name].data or "" for name in rotations.FIELDS}
        sent = self.to_school.data or ""
        key = whole_number(sent)
        if sent and key is None:
            raise Malformed()
        return given | {"to_school": key}


class RotationFormView(BaseView):
    """Drafts of rotations: made from the file of a teacher, altered and discarded."""

    class_permission_name = "Rotation"
    route_base = "/rotation"
    method_permission_name = {"hosts": WRITE}

    @expose("/new/<int:pk>", methods=["GET", "POST"])
    @has_access
    def draft(self, pk: int) -> Any:
        """Draft a rotation of the teacher with this file (6.1)."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        teacher = scoped_get(session, Teacher, pk)
        if not rotations.may_send(actor, teacher, known):
            raise NotFound()
        if request.method == "GET":
            return self._form(RotationForm(formdata=None), teacher)
        if (answer := first_result(session)) is not None:
            return answer
        form = RotationForm()

        def write() -> int:
            return rotations.create(
                session,
                actor,
                teacher,
                form.said(),
                catalog=known,
                reason=form.reason.data or "",
                document_no=form.document_no.data or "",
            ).id

        return self._save(form, teacher, write)

    @expose("/<int:pk>/edit", methods=["GET", "POST"])
    @has_access
    def redraft(self, pk: int) -> Any:
        """Alter a draft."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        item = scoped_get(session, Rotation, pk)
        if not prepares(actor, item):
            raise NotFound()
        if request.method == "GET":
            return self._form(_filled(item), item.teacher, item)
        if (answer := first_result(session)) is not None:
            return answer
        form = RotationForm()

        def write() -> int:
            rotations.edit(
                session,
                actor,
                item,
                form.said(),
                version=whole_number(request.form.get("_version", "")),
                catalog=known,
                reason=form.reason.data or "",
                document_no=form.document_no.data or "",
            )
            return pk

        return self._save(form, item.teacher, write, item)

    def _save(
        self, form: RotationForm, teacher: Teacher, write: Any, item: Rotation | None = None
    ) -> Any:
        session = db.session()
        if not form.validate():
            return self._form(form, teacher, item), REFUSED
        try:
            target = url_for("RotationView.show", pk=write())
            remember(session, target)
            session.commit()
        except AppError as refusal:
            session.rollback()
            if refusal.status != REFUSED:
                raise
            refuse(form, refusal)
            return self._form(form, teacher, item), REFUSED
        flash(_("The draft is saved. Submit it when it is complete."), "success")
        return redirect(target)

    @expose("/<int:pk>/discard", methods=["POST"])
    @has_access
    @once
    def discard(self, pk: int) -> Any:
        """Discard a draft."""
        session = db.session()
        item = scoped_get(session, Rotation, pk)
        version = whole_number(request.form.get("_version", ""))
        rotations.discard(session, current_actor(), item, version=version)
        session.commit()
        flash(_("The draft is discarded."), "success")
        return redirect(url_for("RotationView.list"))

    @expose("/hosts", methods=["GET"])
    @has_access
    def hosts(self) -> Any:
        """Answer a remote select with schools of the public register."""
        text = request.args.get("q", "").strip()[:LONGEST_TEXT]
        if "\0" in text:
            raise Malformed()
        found = rotations.find_hosts(db.session(), current_actor(), text, limit=OFFERED)
        return jsonify(
            items=[{"id": str(each.id), "text": each.name, "hint": each.code} for each in found]
        )

    def _form(self, form: RotationForm, teacher: Teacher, item: Rotation | None = None) -> str:
        _offer_host(form)
        back = (
            url_for("FileView.show", pk=teacher.id)
            if item is None
            else url_for("RotationView.show", pk=item.id)
        )
        return self.render_template(
            "rotation/form.html",
            title=_("Rotation"),
            form=form,
            name=teacher.name,
            version=item.version if item is not None else None,
            back_url=back,
        )


def _filled(item: Rotation) -> RotationForm:
    form = RotationForm(formdata=None)
    for name in (*rotations.FIELDS, "document_no", "reason"):
        form[name].data = getattr(item, name)
    form.full_time.data = {None: "", True: "1", False: "0"}[item.full_time]
    form.to_school.data = str(item.to_school_id or "")
    return form


def _offer_host(form: RotationForm) -> None:
    """Keep the school that was chosen in a form that is shown again."""
    field, key = form.to_school, whole_number(form.to_school.data or "")
    field.render_kw = {"data-select": "remote", "data-url": url_for("RotationFormView.hosts")}
    field.choices = [("", "")]
    if key is not None:
        try:
            host = rotations.find_host(db.session(), key)
        except NotFound:
            return
        field.choices.append((str(host.id), host.name))
