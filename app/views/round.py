"""Collection rounds: who is asked, by when; closing, opening again, and extensions for a unit."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Query, joinedload
from wtforms import DateField, SelectMultipleField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.access.actor import current_actor
from app.core.clock import today
from app.core.errors import Refused
from app.extensions import db
from app.models.round import Extension, Round
from app.models.unit import Unit
from app.services import round as rounds
from app.views.base import BaseModelView, Selection, row_action
from app.views.datamodel import Datamodel
from app.views.labels import code_choices
from app.views.once import first_result, remember
from app.views.school_filters import authority_choices
from app.views.widgets import Badge, RemoteSelectField, options
from app.views.writing import REFUSED, refuse

CATEGORIES = "school_category"


class Visible(BaseFilter):
    """The rounds that whoever asks reads about."""

    name = "visible"
    arg_name = "vis"

    def apply(self, query: Query, _value: Any) -> Query:
        condition = rounds.visible(current_actor())
        return query if condition is None else query.filter(condition)


class ExtensionForm(DynamicForm):
    """A later last day for one unit."""

    unit = RemoteSelectField(
        _l("Unit"),
        datamodel=Datamodel(Unit),
        endpoint="UnitView.choices",
        validators=[InputRequired()],
    )
    until = DateField(_l("New last day"), validators=[InputRequired()])
    reason = TextAreaField(_l("Reason"), validators=[InputRequired(), Length(max=500)])


class RoundView(BaseModelView):
    """Rounds; the city sets them for all, a district for its own units."""

    route_base = "/rounds"
    datamodel = Datamodel(Round)
    class_permission_name = "Round"
    method_permission_name = {"extend": "write"}
    base_filters = [["id", Visible, ""]]
    list_title = _l("Collection rounds")
    show_title = _l("Collection round")
    add_title = _l("New round")
    edit_title = _l("Edit the round")
    list_columns = [
        "name", "state", "scope", "opens_on", "school_deadline", "authority_deadline",
        "city_deadline",
    ]  # fmt: skip
    show_columns = [
        "state", "scope", "opens_on", "school_deadline", "authority_deadline", "city_deadline",
    ]  # fmt: skip
    add_columns = [
        "name", "categories", "authority_id", "opens_on", "school_deadline",
        "authority_deadline", "city_deadline",
    ]  # fmt: skip
    edit_columns = add_columns
    search_columns = ["name", "closed", "opens_on", "school_deadline"]
    order_columns = ["name", "opens_on", "school_deadline", "authority_deadline", "city_deadline"]
    base_order = ("school_deadline", "desc")
    quick_columns = ("name",)
    quick_hint = _l("Name of a round")
    empty_hint = _l("No round has been opened yet. Files can be collected all the same.")
    exports = ()
    label_columns = {
        "name": _l("Name"),
        "state": _l("State"),
        "scope": _l("Who is asked"),
        "categories": _l("School categories"),
        "authority_id": _l("Authority"),
        "opens_on": _l("Opens on"),
        "school_deadline": _l("Deadline of the schools"),
        "authority_deadline": _l("Deadline of the authorities"),
        "city_deadline": _l("Deadline of the city"),
        "closed": _l("Locked"),
    }
    description_columns = {
        "categories": _l("Nothing chosen means all. Choose universities alone for their round."),
        "authority_id": _l("Nothing chosen means all authorities."),
        "school_deadline": _l("A passed deadline marks files as late. Only closing locks."),
    }
    add_fieldsets = [
        (_l("Who is asked"), {"fields": ["name", "categories", "authority_id"]}),
        (
            _l("Stages"),
            {"fields": ["opens_on", "school_deadline", "authority_deadline", "city_deadline"]},
        ),
    ]
    edit_fieldsets = add_fieldsets
    add_form_extra_fields = {
        "categories": SelectMultipleField(
            _l("School categories"),
            choices=lambda: options(code_choices(CATEGORIES)()),
            description=_l("Nothing chosen means all. Choose universities alone for their round."),
        )
    }
    edit_form_extra_fields = add_form_extra_fields
    code_columns = {"authority_id": authority_choices}
    list_kinds = {"state": "badge"}
    show_template = "round/show.html"

    def cell(self, item: Round, column: str) -> Any:
        if column == "state":
            return state_badge(item)
        if column == "scope":
            return self.scope_of(item)
        return super().cell(item, column)

    def scope_of(self, item: Round) -> str:
        """Return who is asked, in words."""
        names = rounds.words_of(dict(code_choices(CATEGORIES)()), item)
        where = self.code_name("authority_id", item.authority_id) if item.authority_id else ""
        kinds = _(", ").join(names) or _("All categories")
        return f"{where} · {kinds}" if where else kinds

    def row_name(self, item: Round) -> str:
        return item.name

    def may_edit_row(self, item: Round) -> bool:
        return rounds.may_manage(current_actor(), item)

    def _form_page(self, kind: str, form: Any, *given: Any, **more: Any) -> Any:
        self.process_form(form, kind == "add")
        return super()._form_page(kind, form, *given, **more)

    def process_form(self, form: Any, _is_new: Any) -> None:
        """A district sets rounds for its own units only, and never gives one away."""
        if current_actor().tier != "city" and "authority_id" in form:
            del form.authority_id

    def prefill_form(self, form: Any, pk: Any) -> None:
        form.categories.data = [c for c in (self.one(pk).categories or "").split(",") if c]

    def pre_add(self, item: Round) -> None:
        self._save(item)

    def pre_update(self, item: Round) -> None:
        self._save(item)

    def _save(self, item: Round) -> None:
        item.categories = ",".join(item.categories or ())
        item.authority_id = int(item.authority_id) if item.authority_id else None
        rounds.save(db.session(), current_actor(), item)

    def page_acts(self, item: Round) -> Any:
        if not self.may_edit_row(item):
            return []
        wanted = "reopen" if item.closed else "close"
        return [act for act in super().page_acts(item) if act.name == wanted]

    @row_action(
        "close",
        _l("Close the round"),
        icon="lock",
        multiple=False,
        confirmation=_l(
            "Close the round? Schools can then neither submit nor report, except those with an "
            "extension."
        ),
    )
    def close(self, selection: Selection) -> None:
        """Lock the round."""
        rounds.close(db.session(), current_actor(), selection.one())
        db.session.commit()
        flash(_("The round is closed."), "success")

    @row_action("reopen", _l("Open the round again"), icon="lock-open", multiple=False)
    def reopen(self, selection: Selection) -> None:
        """Unlock the round."""
        rounds.reopen(db.session(), current_actor(), selection.one())
        db.session.commit()
        flash(_("The round is open again."), "success")

    @expose("/<int:pk>/extend", methods=["POST"])
    @has_access
    def extend(self, pk: int) -> Any:
        """Grant one unit a later last day."""
        session, item = db.session(), self.one(pk)
        if (answer := first_result(session)) is not None:
            return answer
        form = ExtensionForm()
        if form.validate():
            try:
                rounds.extend(
                    session,
                    current_actor(),
                    item,
                    form.unit.data,
                    until=form.until.data,
                    reason=form.reason.data,
                )
                back = url_for("RoundView.show", pk=pk)
                remember(session, back)
                session.commit()
                flash(_("The last day of the unit is extended; the unit is told."), "success")
                return redirect(back)
            except Refused as refusal:
                session.rollback()
                refuse(form, refusal)
        request.environ["tm.extension_form"] = form
        return self.show(pk), REFUSED

    def extension_form(self) -> Any:
        """Return the form as it was sent, else an empty one."""
        return request.environ.get("tm.extension_form") or ExtensionForm(formdata=None)

    def extensions(self, item: Round) -> list[Extension]:
        """Return the extensions of a round inside the scope, the latest first."""
        return list(
            db.session.scalars(
                select(Extension)
                .join(Unit, Unit.id == Extension.unit_id)
                .options(joinedload(Extension.unit))
                .where(Extension.round_id == item.id)
                .order_by(Extension.until.desc(), Extension.id)
            )
        )

    def asked(self, item: Round) -> int:
        """Return how many units inside the scope the round asks."""
        statement = select(func.count()).select_from(Unit).where(*rounds.covered_by(item))
        return db.session.scalar(statement) or 0

    def may_extend(self) -> bool:
        """Whether this person grants extensions: the city, and a district its own units."""
        return self.may("write")


def state_badge(item: Round) -> Badge:
    """The state of a round: not yet open, under way, past its deadline, or closed."""
    day = today()
    if item.closed:
        return Badge(_("Locked"), "lock", "draft")
    if item.opens_on > day:
        return Badge(_("Not yet open"), "clock", "info")
    if item.school_deadline < day:
        return Badge(_("Deadline passed"), "clock-exclamation", "back")
    return Badge(_("Under way"), "player-play", "good")
