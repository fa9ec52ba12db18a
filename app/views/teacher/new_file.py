"""Opening a file: the few fields that say who the person is and whether to collect (1.1)."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _

from app.access.actor import current_actor
from app.access.scope import scoped_get
from app.core.errors import Refused
from app.extensions import db
from app.indicators.catalog import Catalog
from app.models.teacher import ReviewState, Teacher
from app.models.unit import Unit
from app.services import file as files
from app.services import raw_values
from app.services.check import SCOPE
from app.views.base import BaseView
from app.views.labels import present_catalog
from app.views.once import first_result, remember
from app.views.record_form import Context, RecordForm
from app.views.writing import REFUSED, refuse

BASIC = "basic"


class NewFileView(BaseView):
    """The form that opens a file in one's own school."""

    class_permission_name = "Teacher"
    route_base = "/teacher"

    @expose("/new", methods=["GET", "POST"])
    @has_access
    def create(self) -> Any:
        """Open a file; refusals stand at the fields (DQ007, DQ008, DQ018, DQ019)."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        school = scoped_get(session, Unit, actor.unit_id)
        opened = Teacher(state=ReviewState.DRAFT, school_id=school.id, school=school)
        context = Context(actor, opened, BASIC, known, only=_asked(known))
        if request.method == "GET":
            return self._page(RecordForm(context), school)
        if (answer := first_result(session)) is not None:
            return answer
        form = RecordForm(context, request.form)
        try:
            teacher = files.create_file(session, actor, form.raw(), catalog=known)
            target = url_for("FileView.show", pk=teacher.id)
            remember(session, target)
            session.commit()
        except Refused as refusal:
            session.rollback()
            refuse(form.form, refusal)
            return self._page(form, school), REFUSED
        flash(_("The file is open. Fill in what is missing, then submit it."), "success")
        return redirect(target)

    def _page(self, form: RecordForm, school: Unit) -> str:
        return self.render_template(
            "teacher/new.html",
            title=_("Open a file"),
            form=form.form,
            cards_of=form.cards,
            school=school.name,
            back_url=url_for("TeacherView.list"),
        )


def _asked(catalog: Catalog) -> frozenset[str]:
    """The identity, and what the scope of collection is decided by."""
    rule = catalog.checks.get(SCOPE)
    scope = [name.partition(".") for name in rule.fields] if rule else []
    return frozenset(raw_values.IDENTITY) | {
        code for set_code, _dot, code in scope if set_code == BASIC
    }
