"""Status changes: the list, the page of one with its steps, and the form that registers it."""

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Query
from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from app.access.actor import Actor, current_actor
from app.access.roles import ROLE_LABELS, Role
from app.access.scope import scoped_get
from app.core.clock import today
from app.core.errors import Refused
from app.core.whole import whole_number
from app.extensions import db
from app.indicators.catalog import Catalog, language
from app.models.status_change import StatusChange, StatusState
from app.models.teacher import Teacher
from app.services import attachment, search
from app.services import status_change as changes
from app.services.notice import REASON_LENGTH
from app.services.register import names_of
from app.services.wording import DOCUMENT_LENGTH
from app.views import evidence
from app.views.base import BaseModelView, BaseView
from app.views.datamodel import Datamodel
from app.views.flow_actions import FlowView, step_actions
from app.views.flow_line import line_of
from app.views.labels import code_choices, column_label, present_catalog
from app.views.listing import address_of
from app.views.once import first_result, once, remember
from app.views.school_filters import authority_choices
from app.views.status_history import STATE_BADGES, STATE_WORDS, state_badge
from app.views.step_acts import StepActs
from app.views.teacher.history import steps_of
from app.views.widgets import text_of
from app.views.writing import REFUSED, refuse
from app.workflows.status_change import STATUS_CHANGE

# What is asked before a step of many; {n} is their number.
QUESTIONS: Mapping[str, Any] = {
    "make_effective": _l("Put {n} status change(s) into effect?"),
    "approve": _l("Approve {n} status change(s)?"),
    "reject": _l("Reject {n} status change(s)?"),
}


class StatusChangeView(StepActs, BaseModelView):
    """The status changes in scope; many are put into effect or decided at once."""

    route_base = "/status-changes"
    flow = STATUS_CHANGE
    questions = QUESTIONS
    datamodel = Datamodel(StatusChange)
    class_permission_name = "StatusChange"
    exclude_route_methods = {"show", "tab"}
    list_title = _l("Status changes")
    list_columns = [
        "teacher", "school", "from_status", "to_status", "effective_date", "state", "state_since",
    ]  # fmt: skip
    optional_columns = ("authority_id", "document_no", "reason", "opened_at")
    search_columns = [
        "state", "to_status", "from_status", "effective_date", "on_its_day", "state_since",
        "opened_at", "authority_id",
    ]  # fmt: skip
    order_columns = ["effective_date", "state_since", "opened_at"]
    base_order = ("state_since", "desc")
    list_relations = ("teacher", "school")
    label_columns = {
        "teacher": column_label("name"),
        "school": _l("School"),
        "authority_id": _l("Authority"),
        "from_status": _l("Status before"),
        "to_status": _l("Status after"),
        "effective_date": _l("Effective date"),
        "on_its_day": _l("Takes effect by itself"),
        "state": _l("State"),
        "state_since": _l("In this state since"),
        "document_no": _l("Document number"),
        "reason": _l("Reason"),
        "opened_at": _l("Registered at"),
    }
    code_columns = {
        "authority_id": authority_choices,
        "from_status": code_choices(changes.STATUSES),
        "to_status": code_choices(changes.STATUSES),
        "state": lambda: list(STATE_WORDS.items()),
    }
    badges = {"state": STATE_BADGES}
    segment_column = "state"
    quick_hint = _l("Name, pinyin initials or teacher number")
    empty_hint = _l("No status change is registered.")
    exports = ()

    def chosen_columns(self) -> Any:
        """No column that says the same in every row: one's own school or authority."""
        own = {"school": {"school", "authority_id"}, "district": {"authority_id"}}
        hidden = own.get(current_actor().tier, set())
        return [name for name in super().chosen_columns() if name not in hidden]

    def quick_filter(self, query: Query, text: str) -> Query:
        return query.join(Teacher, Teacher.id == StatusChange.teacher_id).filter(
            search.matches(text)
        )

    def row_link(self, item: StatusChange) -> str:
        return address_of("StatusPageView", "show", pk=item.id)

    def row_name(self, item: StatusChange) -> str:
        return item.teacher.name if item.teacher else ""

    def cell(self, item: StatusChange, column: str) -> Any:
        if column == "school":
            return item.school.name
        if column == "teacher":
            return self.row_name(item)
        return super().cell(item, column)


class StatusForm(DynamicForm):
    """What is registered: another status, from a day on, and by which document."""

    to_status = SelectField(_l("Status after"), validators=[InputRequired()])
    effective_date = DateField(
        _l("Effective date"),
        description=_l("A day that lies ahead: it takes effect on that day by itself."),
        validators=[InputRequired()],
    )
    reason = TextAreaField(
        _l("Reason"),
        validators=[Optional(), Length(max=REASON_LENGTH)],
        render_kw={"rows": 3},
    )
    document_no = StringField(
        _l("Document number"),
        description=_l("The number of the decision on paper."),
        validators=[Optional(), Length(max=DOCUMENT_LENGTH)],
    )


class StatusPageView(BaseView):
    """One status change: what it says, its documents, the steps that this person may take."""

    class_permission_name = "StatusChange"
    route_base = "/status-change"
    method_permission_name = {"register": "write", "discard": "write", "attach": "write"}

    @expose("/<int:pk>", methods=["GET"])
    @has_access
    def show(self, pk: int) -> Any:
        """Show what it says, who did what, and what may be done."""
        return self._shown(pk)

    def _shown(self, pk: int, problem: str = "") -> str:
        session, actor, known = db.session(), current_actor(), present_catalog()
        item = scoped_get(session, StatusChange, pk)
        teacher = session.get(Teacher, item.teacher_id)
        drafts = item.state == StatusState.DRAFT and _is_school(actor, item)
        return self.render_template(
            "status/show.html",
            title=_("Status change"),
            name=teacher.name if teacher else _("File of another school"),
            item=item,
            facts=_facts(item, known),
            state=state_badge(item.state),
            steps=step_actions(STATUS_CHANGE, item, actor),
            line=line_of(session, item, names_of(session, [item])),
            events=steps_of(session, item, known),
            proofs=evidence.proofs(session, actor, item),
            may_read_proofs=attachment.may_read_evidence(actor),
            problem=problem,
            urls=_addresses(item, teacher, drafts=drafts),
        )

    @expose("/new/<int:pk>", methods=["GET", "POST"])
    @has_access
    def register(self, pk: int) -> Any:
        """Register a change of the status of a teacher; refusals stand at the fields."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        teacher = scoped_get(session, Teacher, pk)
        form = self._form(known, teacher.staff_status)
        if request.method == "GET":
            form.effective_date.data = today()
            return self._form_page(form, teacher, known)
        if (answer := first_result(session)) is not None:
            return answer
        if not form.validate():
            return self._form_page(form, teacher, known), REFUSED
        try:
            item = changes.register(session, actor, teacher, catalog=known, **_given(form))
        except Refused as refusal:
            session.rollback()
            refuse(form, refusal)
            return self._form_page(form, scoped_get(session, Teacher, pk), known), REFUSED
        target = url_for("StatusPageView.show", pk=item.id)
        remember(session, target)
        session.commit()
        flash(_("The status change is registered. It is not in effect yet."), "success")
        return redirect(target)

    @expose("/<int:pk>/edit", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: int) -> Any:
        """Alter a draft."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        item = scoped_get(session, StatusChange, pk)
        teacher = scoped_get(session, Teacher, item.teacher_id)
        form = self._form(known, item.from_status)
        if request.method == "GET":
            for name in form.data.keys() & {"to_status", "effective_date", "reason", "document_no"}:
                form[name].data = getattr(item, name)
            return self._form_page(form, teacher, known, item)
        if (answer := first_result(session)) is not None:
            return answer
        if not form.validate():
            return self._form_page(form, teacher, known, item), REFUSED
        try:
            changes.edit(session, actor, item, version=_version(), catalog=known, **_given(form))
        except Refused as refusal:
            session.rollback()
            refuse(form, refusal)
            item = scoped_get(session, StatusChange, pk)
            teacher = scoped_get(session, Teacher, item.teacher_id)
            return self._form_page(form, teacher, known, item), REFUSED
        target = url_for("StatusPageView.show", pk=pk)
        remember(session, target)
        session.commit()
        return redirect(target)

    @expose("/<int:pk>/discard", methods=["POST"])
    @has_access
    @once
    def discard(self, pk: int) -> Any:
        """Delete a draft."""
        session = db.session()
        item = scoped_get(session, StatusChange, pk)
        teacher = item.teacher_id
        changes.discard(session, current_actor(), item, version=_version())
        session.commit()
        flash(_("The status change is discarded."), "success")
        return redirect(url_for("FileView.show", pk=teacher))

    @expose("/<int:pk>/evidence", methods=["POST"])
    @has_access
    @once
    def attach(self, pk: int) -> Any:
        """Attach a document that proves a draft."""
        item = scoped_get(db.session(), StatusChange, pk)
        page = url_for("StatusPageView.show", pk=pk)
        return evidence.attach(item, changes.attach, page, lambda words: self._shown(pk, words))

    @staticmethod
    def _form(known: Catalog, status: str) -> StatusForm:
        lang, codes = language(), known.codes(changes.STATUSES)
        form = StatusForm()
        form.to_status.choices = [
            ("", ""),
            *((each, known.name(codes[each], lang)) for each in changes.targets(known, status)),
        ]
        return form

    def _form_page(
        self, form: StatusForm, teacher: Teacher, known: Catalog, item: StatusChange | None = None
    ) -> str:
        status = teacher.staff_status if item is None else item.from_status
        back = (
            url_for("FileView.show", pk=teacher.id)
            if item is None
            else url_for("StatusPageView.show", pk=item.id)
        )
        return self.render_template(
            "status/form.html",
            title=_("Change staff status"),
            form=form,
            name=teacher.name,
            status=known.label(changes.STATUSES, status, language()),
            version=item.version if item is not None else None,
            back_url=back,
        )


class StatusChangeFlowView(FlowView):
    """The steps of status changes."""

    class_permission_name = "StatusChange"
    route_base = "/flow/status_change"
    flow = STATUS_CHANGE
    page = "StatusPageView.show"


def _given(form: StatusForm) -> dict[str, Any]:
    return {
        "to_status": form.to_status.data,
        "effective_date": form.effective_date.data,
        "reason": form.reason.data or "",
        "document_no": form.document_no.data or "",
    }


def _version() -> int | None:
    return whole_number(request.form.get("_version", ""))


def _is_school(actor: Actor, item: StatusChange) -> bool:
    return actor.role == Role.SCHOOL_INFO and actor.unit_id == item.school_id


def _facts(item: StatusChange, known: Catalog) -> list[tuple[Any, str]]:
    lang = language()
    role = ROLE_LABELS.get(Role(item.opened_role), "")
    return [
        (_("Status before"), known.label(changes.STATUSES, item.from_status, lang)),
        (_("Status after"), known.label(changes.STATUSES, item.to_status, lang)),
        (_("Effective date"), text_of(item.effective_date)),
        (_("Reason"), text_of(item.reason)),
        (_("Document number"), text_of(item.document_no)),
        (_("Registered at"), f"{text_of(item.opened_at)} · {role}"),
    ]


def _addresses(item: StatusChange, teacher: Teacher | None, *, drafts: bool) -> dict[str, str]:
    """The addresses that the page links to; what this person may not do has none."""
    urls = {"list": address_of("StatusChangeView", "list")}
    if teacher is not None:
        urls["file"] = address_of("FileView", "show", pk=teacher.id)
    if drafts:
        for name in ("edit", "discard", "attach"):
            urls[name] = url_for(f"StatusPageView.{name}", pk=item.id)
    return urls
