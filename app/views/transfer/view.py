"""Transfers: the list, the page of one with its line of steps, the application and the taking."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Query

from app.access.actor import current_actor
from app.access.roles import Role
from app.access.scope import scoped_get
from app.core.errors import Forbidden, Refused, Stale
from app.core.whole import whole_number
from app.extensions import db
from app.models.transfer import CLOSED, Transfer, TransferState
from app.services import attachment, look_up, queue, transfer, transfer_proof, transfer_queue
from app.services.handover import may_hand_over
from app.services.register import names_of
from app.views import evidence
from app.views.base import BaseModelView
from app.views.flow_actions import step_actions
from app.views.flow_line import line_of
from app.views.labels import TRANSFER_BADGES, present_catalog, transfer_state, transfer_words
from app.views.listing import Segment, address_of, link
from app.views.once import first_result, once, remember
from app.views.step_acts import StepActs
from app.views.transfer.facts import facts_of
from app.views.transfer.filters import SHOW, SHOWN, condition, transfers_model
from app.views.transfer.form import (
    LookUpForm,
    TakeForm,
    application_form,
    person_of,
    raw_of,
    sealed_person,
)
from app.views.transfer.look_up import looked_up
from app.views.widgets import Badge
from app.views.writing import REFUSED, refuse
from app.workflows.transfer import TRANSFER

NAMES = "tm.transfer_units"
TAKE = "take"
ROTATION = "rotation"  # What the pages of an application say of one that is a rotation.

# What is asked before a step of many; {n} is their number.
QUESTIONS: Mapping[str, Any] = {
    "issue": _l("Confirm and issue {n} transfer(s)?"),
    "release": _l("Agree to {n} transfer(s)?"),
    "confirm": _l("Confirm {n} transfer(s)?"),
    "reject": _l("Reject {n} transfer(s)?"),
}


class TransferView(StepActs, BaseModelView):
    """Transfers in scope; the sending side sees them from the step that issues them."""

    route_base = "/transfers"
    flow = TRANSFER
    questions = QUESTIONS
    datamodel = transfers_model()
    class_permission_name = "Transfer"
    method_permission_name: ClassVar[dict[str, str]] = {
        "find": "write", "apply": "write", "amend": "write", "take": "write", "attach": "write",
    }  # fmt: skip
    exclude_route_methods = {"tab", "choices"}
    list_title = _l("Transfers")
    list_template = "transfer/list.html"
    # `issued_at` is the first decision, which who decides twice finds beside the second (4.3).
    list_columns = [
        "name", "from_school_id", "school_id", "state", "issued_at", "turn", "waiting",
        "planned_on",
    ]  # fmt: skip
    optional_columns = ("opened_at", "state_since", "document_no", "document_on")
    search_columns = [SHOW, "state", "planned_on", "opened_at", "state_since"]
    order_columns = ["name", "state_since", "opened_at", "planned_on"]
    base_order = ("state_since", "desc")
    label_columns = {
        "name": _l("Teacher"),
        "from_school_id": _l("School left"),
        "school_id": _l("School joined"),
        "state": _l("State"),
        "turn": _l("Whose turn"),
        "waiting": _l("Waiting"),
        "planned_on": _l("Planned date"),
        "opened_at": _l("Opened"),
        "state_since": _l("In this state since"),
        "issued_at": _l("Issued on"),
        "document_no": _l("Document number"),
        "document_on": _l("Date of the document"),
        SHOW: _l("Show"),
    }
    code_columns = {"state": transfer_words, SHOW: lambda: list(SHOWN.items())}
    badges = {"state": TRANSFER_BADGES}
    list_kinds = {"waiting": "badge"}
    quick_columns = ("name",)
    quick_hint = _l("Name of a teacher")
    empty_hint = _l("There is no transfer here.")
    exports = ()

    def _page(self, query: Query, arguments: Any, columns: Any) -> Any:
        rows = super()._page(query, arguments, columns)
        request.environ[NAMES] = names_of(db.session(), rows)
        return rows

    def cell(self, item: Transfer, column: str) -> Any:
        units = request.environ.get(NAMES, {})
        if column in ("school_id", "from_school_id"):
            return units.get(getattr(item, column), "")
        held = transfer_queue.holder(item)
        if column == "turn":
            return units.get(held[0], "") if held else ""
        if column == "waiting":
            return _age(item) if held else None
        return super().cell(item, column)

    def may_apply(self) -> bool:
        """Whether this person applies for teachers of other schools."""
        return current_actor().role == Role.SCHOOL_INFO

    def segments(self, filters: Any) -> Any:
        """The parts of the list with their numbers, under the other filters."""
        others = filters.copy()
        pairs = [(f, v) for f, v in filters.get_filters_values() if f.column_name != SHOW]
        others.filters, others.values = [f for f, _v in pairs], [v for _f, v in pairs]
        query = self._matching(others, request.args.get("q", "").strip()).order_by(None)
        name, active = f"_flt_0_{SHOW}", request.args.get(f"_flt_0_{SHOW}", "")
        drop = [name, f"page_{type(self).__name__}", "view"]
        found = [Segment(_("All"), query.count(), link(drop), not active)]
        for key, label in SHOWN.items():
            number = query.filter(condition(key)).count()
            found.append(Segment(label, number, link(drop, **{name: key}), active == key))
        return found

    @expose("/show/<int:pk>", methods=["GET"])
    @has_access
    def show(self, pk: int) -> Any:
        """Show a transfer with its line of steps and what this person may do with it."""
        return self._shown(pk)

    @expose("/<int:pk>/evidence", methods=["POST"])
    @has_access
    @once
    def attach(self, pk: int) -> Any:
        """Attach a document of the decision that the transfer goes by."""
        page = url_for("TransferView.show", pk=pk)
        return evidence.attach(_item(pk), transfer_proof.attach, page, partial(self._shown, pk))

    def _shown(self, pk: int, problem: str = "") -> str:
        session, actor, known = db.session(), current_actor(), present_catalog()
        item = _item(pk)
        units, steps = names_of(db.session(), [item]), step_actions(TRANSFER, item, actor)
        return self.render_template(
            "transfer/show.html",
            title=f"{_('Transfer')} · {item.name}",
            item=item,
            state=transfer_state(item.state),
            masked=transfer.masked_number(session, item.teacher_id, known),
            units=units,
            steps=[each for each in steps if each.name != TAKE],
            line=line_of(session, item, units),
            facts=facts_of(item, known),
            handover=may_hand_over(actor, item),
            proofs=evidence.proofs(session, actor, item),
            may_read_proofs=attachment.may_read_evidence(actor),
            problem=problem,
            urls={
                "list": address_of("TransferView", "list"),
                "take": url_for("TransferView.take", pk=pk)
                if any(each.name == TAKE for each in steps)
                else "",
                "edit": url_for("TransferView.amend", pk=pk) if _may_amend(item) else "",
                "attach": url_for("TransferView.attach", pk=pk)
                if transfer_proof.may_attach(actor, item)
                else "",
                "previous": url_for("TransferView.show", pk=item.previous_id)
                if item.previous_id
                else "",
            },
        )

    @expose("/find", methods=["GET", "POST"])
    @has_access
    def find(self) -> Any:
        """Find a teacher of another school by exact ID number and name (4.1)."""
        if not self.may_apply():
            raise Forbidden()
        form, session, actor = LookUpForm(), db.session(), current_actor()
        if request.method == "GET" or not form.validate():
            status = 200 if request.method == "GET" else REFUSED
            return self._found(form), status
        known = present_catalog()
        try:
            key = looked_up(form.id_no.data, form.name.data)
            transfer.require_open(session, actor, key, catalog=known)
            found = transfer.person(session, key, known)
            session.rollback()
        except Refused as refusal:
            session.rollback()
            refuse(form, refusal)
            return self._found(form), REFUSED
        application = application_form(_is_rotation())(formdata=None)
        return self._application(application, found, sealed_person(actor, key))

    def _found(self, form: LookUpForm) -> str:
        return self.render_template(
            "transfer/find.html",
            title=_title(_is_rotation()),
            form=form,
            rotation=_is_rotation(),
            back_url=address_of("RotationView" if _is_rotation() else "TransferView", "list"),
            left=look_up.left_today(db.session(), current_actor(), present_catalog()),
        )

    @expose("/new", methods=["POST"])
    @has_access
    def apply(self) -> Any:
        """Draft the application for the person that was found."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        if not self.may_apply():
            raise Forbidden()
        mark, form = request.form.get("person", ""), application_form(_is_rotation())()
        key = person_of(actor, mark)
        if (answer := first_result(session)) is not None:
            return answer
        try:
            file = transfer.require_open(session, actor, key, catalog=known)
            if form.validate():
                item = transfer.open_transfer(session, actor, file, raw_of(form), catalog=known)
                target = url_for("TransferView.show", pk=item.id)
                remember(session, target)
                session.commit()
                flash(_("The application is drafted. Complete it and submit it."), "success")
                return redirect(target)
        except Refused as refusal:
            session.rollback()
            refuse(form, refusal)
        found = transfer.person(session, key, known)
        return self._application(form, found, mark), REFUSED

    def _application(self, form: Any, found: transfer.Person, mark: str) -> str:
        return self.render_template(
            "transfer/form.html",
            title=_title(_is_rotation()),
            intro=f"{found.name} · {found.school} · {found.masked}",
            form=form,
            hidden={"person": mark} | ({ROTATION: "1"} if _is_rotation() else {}),
            action=url_for("TransferView.apply"),
            back_url=url_for("TransferView.find", rotation="1" if _is_rotation() else None),
            save=_("Keep the draft"),
            crumb=(_("Transfers"), address_of("TransferView", "list")),
        )

    @expose("/<int:pk>/edit", methods=["GET", "POST"])
    @has_access
    def amend(self, pk: int) -> Any:
        """Alter the draft of an application."""
        session, item = db.session(), _item(pk)
        if not _may_amend(item):
            raise Stale() if self.may_apply() else Forbidden()
        if request.method == "GET":
            return self._over(item, application_form(item.is_rotation)(formdata=None, obj=item))
        if (answer := first_result(session)) is not None:
            return answer
        form, target = application_form(item.is_rotation)(), url_for("TransferView.show", pk=pk)
        if form.validate():
            try:
                transfer.edit(
                    session,
                    current_actor(),
                    item,
                    raw_of(form),
                    version=_sent_version(),
                    catalog=present_catalog(),
                )
                remember(session, target)
                session.commit()
            except Refused as refusal:
                session.rollback()
                refuse(form, refusal)
            else:
                flash(_("Saved."), "success")
                return redirect(target)
        return self._over(_item(pk), form), REFUSED

    @expose("/<int:pk>/take", methods=["GET", "POST"])
    @has_access
    def take(self, pk: int) -> Any:
        """Say where the person is placed, and take the file (4.6)."""
        session, actor, known, item = db.session(), current_actor(), present_catalog(), _item(pk)
        if not any(each.name == TAKE for each in TRANSFER.available(session, item, actor)):
            raise Stale() if item.school_id == actor.unit_id else Forbidden()
        if request.method == "GET":
            form = TakeForm.for_actor(actor, known, formdata=None, obj=item)
            return self._over(item, form, take=True)
        if (answer := first_result(session)) is not None:
            return answer
        form, target = TakeForm.for_actor(actor, known), url_for("TransferView.show", pk=pk)
        if form.validate():
            try:
                TRANSFER.perform(
                    session, pk, TAKE, actor, version=_sent_version(), catalog=known, **raw_of(form)
                )
                remember(session, target)
                session.commit()
            except Refused as refusal:
                session.rollback()
                refuse(form, refusal)
            else:
                flash(_("The file is taken. It belongs to your school now."), "success")
                return redirect(target)
        return self._over(_item(pk), form, take=True), REFUSED

    def _over(self, item: Transfer, form: Any, *, take: bool = False) -> str:
        """The page of a form about a transfer that is there."""
        units, back = names_of(db.session(), [item]), url_for("TransferView.show", pk=item.id)
        words = _("Take the file") if take else _("Application")
        endpoint = "TransferView.take" if take else "TransferView.amend"
        return self.render_template(
            "transfer/form.html",
            title=words,
            intro=f"{item.name} · {units[item.from_school_id]} → {units[item.school_id]}",
            form=form,
            hidden={"_version": item.version},
            action=url_for(endpoint, pk=item.id),
            back_url=back,
            save=words if take else _("Save"),
            crumb=(item.name, back),
        )


def _is_rotation() -> bool:
    """Whether the application was started among the rotations (6.2)."""
    return request.values.get(ROTATION) == "1"


def _title(rotates: bool) -> str:
    return _("Rotate a teacher in") if rotates else _("Apply for a teacher")


def _item(pk: int) -> Transfer:
    found: Transfer = scoped_get(db.session(), Transfer, pk)
    return found


def _may_amend(item: Transfer) -> bool:
    actor = current_actor()
    mine = actor.role == Role.SCHOOL_INFO and actor.unit_id == item.school_id
    return mine and item.state == TransferState.DRAFT


def _sent_version() -> int | None:
    return whole_number(request.form.get("_version", ""))


def _age(item: Transfer) -> Badge:
    late = item.state not in CLOSED and queue.is_overdue(item.state_since, present_catalog())
    words = _("%(n)s working day(s)", n=queue.age_of(item.state_since, present_catalog()))
    return Badge(words, "clock-exclamation" if late else "clock", "bad" if late else "draft")
