"""The form of a unit's particulars, made from the catalogue like the form of any other row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from sqlalchemy.orm.exc import StaleDataError

from app.access.actor import current_actor
from app.access.fields import may_edit_unit
from app.access.scope import scoped_get
from app.core.errors import Forbidden, NotFound, Refused, Stale
from app.core.reference import Indicator
from app.core.whole import whole_number
from app.extensions import db
from app.indicators.catalog import language
from app.models.unit import Unit
from app.services.unit import PARTICULARS, particulars, register_values, save_particulars
from app.views.base import BaseView
from app.views.labels import present_catalog
from app.views.once import first_result, remember
from app.views.record_form import Context, RecordForm
from app.views.writing import refuse

REFUSED, CONFLICT = 422, 409


@dataclass(frozen=True)
class UnitContext(Context):
    """The form of a unit; `teacher` is the unit whose row it is."""

    register: Mapping[str, Any] = field(default_factory=dict)

    @property
    def category(self) -> str:
        return self.teacher.category

    def value(self, item: Indicator) -> Any:
        return self.register.get(item.code) or super().value(item)

    def may_edit(self, item: Indicator) -> bool:
        return may_edit_unit(self.actor, self.teacher, item, self.catalog)

    def lock_reason(self, item: Indicator) -> str:
        return _("Comes from the register of units.")


class ParticularsView(BaseView):
    """A school fills in what it is: address, type, place and sponsor (S22)."""

    class_permission_name = "Particulars"
    route_base = "/units"

    @expose("/<int:pk>/particulars/edit", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: int) -> Any:
        """Show the form, or put what was typed in force as a new version."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        unit = scoped_get(session, Unit, pk)
        if unit.category is None:
            raise NotFound()
        record = particulars(session, unit)
        given = register_values(session, unit)
        context = UnitContext(actor, unit, PARTICULARS, known, record, register=given)
        if not context.editable:
            raise Forbidden()
        if request.method == "GET":
            return self._page(RecordForm(context), unit, record)
        if (answer := first_result(session)) is not None:
            return answer
        form = RecordForm(context, request.form)
        seen = whole_number(request.form.get("_version", ""))
        target = url_for("UnitView.show", pk=unit.id)
        try:
            save_particulars(session, actor, unit, form.raw(), catalog=known, based_on=seen)
            remember(session, target)
            session.commit()
        except Refused as refusal:
            session.rollback()
            refuse(form.form, refusal)
            return self._page(form, unit, record), REFUSED
        except (Stale, StaleDataError):
            session.rollback()
            form.form.form_errors.append(str(Stale.default))
            return self._page(form, unit, particulars(session, unit)), CONFLICT
        flash(_("Saved."), "success")
        return redirect(target)

    def _page(self, form: RecordForm, unit: Unit, record: Any) -> str:
        known = form.context.catalog
        return self.render_template(
            "unit/particulars.html",
            title=known.name(known.set(PARTICULARS), language()),
            unit=unit.name,
            form=form.form,
            cards_of=form.cards,
            locked=form.locked,
            version=record.id if record is not None else 0,
            back_url=url_for("UnitView.show", pk=unit.id),
        )
