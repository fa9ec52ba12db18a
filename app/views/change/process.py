"""The page of one addition or change, and what its parties do with it (2.3 to 3.6)."""

from typing import Any, ClassVar

from flask import jsonify, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access

from app.access.actor import current_actor
from app.access.roles import may_open
from app.access.scope import scoped_get
from app.core.errors import LimitReached
from app.extensions import db
from app.indicators.catalog import language
from app.models.change import ChangeKind
from app.services import attachment, change, reveal
from app.services.register import names_of
from app.views import evidence
from app.views.base import BaseView
from app.views.change import page
from app.views.change.form import AdditionForms, ChangeForms
from app.views.declared import READ
from app.views.flow_actions import step_actions
from app.views.flow_line import line_of
from app.views.labels import FLOW_WORDS, KIND_WORDS, present_catalog, process_state
from app.views.listing import address_of
from app.views.on_record import on_record
from app.views.once import once
from app.views.open_process import copy_url
from app.views.teacher.file import load_teacher
from app.views.widgets import text_of
from app.workflows.addition import ADDITION
from app.workflows.change import CHANGE
from app.workflows.engine import Workflow


class ProcessView(BaseView, abstract=True):
    """One process: old and new side by side, its steps, its evidence; a subclass names the flow."""

    flow: ClassVar[Workflow]
    method_permission_name: ClassVar[dict[str, str]] = {"reveal": READ}

    @expose("/show/<int:pk>", methods=["GET"])
    @has_access
    def show(self, pk: int) -> Any:
        """Show a process with all that a decision needs."""
        page_ = self._shown(pk)
        teacher_id = self._item(pk).teacher_id
        on_record(lambda own: reveal.note_opening(own, current_actor(), teacher_id, visiting=True))
        return page_

    def _shown(self, pk: int, problem: str = "") -> str:
        session, actor, known = db.session(), current_actor(), present_catalog()
        item = self._item(pk)
        teacher, photo = load_teacher(item.teacher_id)
        found = page.Differences(session, actor, item, teacher, known)
        return self.render_template(
            "change/show.html",
            title=f"{FLOW_WORDS[item.flow]} · {teacher.name}",
            item=item,
            teacher=teacher,
            photo=url_for("AttachmentView.download", uuid=photo) if photo else "",
            state=process_state(item.state),
            flow_word=FLOW_WORDS[item.flow],
            kind=KIND_WORDS[item.kind],
            set_name=known.name(known.set(item.set), language()),
            is_core=known.set(item.set).core,
            record_title=found.title(),
            lines=found.lines(),
            is_lost=found.is_lost,
            is_removal=item.kind == ChangeKind.DELETE,
            steps=step_actions(self.flow, item, actor),
            line=line_of(session, item, names_of(session, [item])),
            opener=page.opener(session, item, teacher),
            opened_at=text_of(item.opened_at),
            proofs=evidence.proofs(session, actor, item),
            may_read_proofs=attachment.may_read_evidence(actor),
            purposes=reveal.PURPOSES,
            problem=problem,
            urls=self._addresses(item),
        )

    def _addresses(self, item: Any) -> dict[str, str]:
        actor, mine = current_actor(), {"pk": item.id}
        name = type(self).__name__
        own = actor.teacher_id == item.teacher_id
        file = (
            url_for("MyFileView.set_page", set_code=item.set)
            if own and may_open(actor.role, "MyFile", "can_read")
            else url_for("FileView.show", pk=item.teacher_id, _anchor=f"set-{item.set}")
        )
        urls = {
            "file": file,
            "list": address_of("ProcessListView", "list"),
            "reveal": url_for(f"{name}.reveal", **mine),
        }
        if change.may_attach(actor, item):
            urls["attach"] = url_for(f"{name}.attach", **mine)
        if change.may_edit_draft(actor, item):
            urls["words"] = url_for(f"{name}.words", **mine)
            urls["discard"] = url_for(f"{name}.discard", **mine)
            if item.kind != ChangeKind.DELETE:
                urls["edit"] = url_for(f"{name}.edit", **mine)
        if not item.is_open:
            teacher, _photo = load_teacher(item.teacher_id)
            urls["anew"] = copy_url(actor, teacher, item, present_catalog())
        return urls

    def _item(self, pk: int) -> Any:
        return scoped_get(db.session(), self.flow.model, pk)

    @expose("/<int:pk>/evidence", methods=["POST"])
    @has_access
    @once
    def attach(self, pk: int) -> Any:
        """Keep a document that proves what is asked for."""
        page_url = url_for(f"{type(self).__name__}.show", pk=pk)
        return evidence.attach(
            self._item(pk), change.attach, page_url, lambda words: self._shown(pk, words)
        )

    @expose("/<int:pk>/reveal", methods=["POST"])
    @has_access
    def reveal(self, pk: int) -> Any:
        """Show a sealed value of one side whole, for a purpose that is kept (SEC-10)."""
        session, actor, known, form = db.session(), current_actor(), present_catalog(), request.form
        item, limit = self._item(pk), known.parameter("reveals_per_day")
        purpose = reveal.purpose_of(form.get("purpose", ""), form.get("note", ""))
        try:
            value = reveal.reveal_proposed(
                session,
                actor,
                item,
                key=form.get("key", ""),
                side=form.get("record", ""),
                purpose=purpose,
                catalog=known,
                limit=limit,
            )
            session.commit()
        except LimitReached:
            session.rollback()
            reveal.alert_limit(session, actor, limit)
            session.commit()
            raise
        if request.accept_mimetypes.best_match(["text/html", "application/json"]) != "text/html":
            return jsonify(value=value)
        back = url_for(f"{type(self).__name__}.show", pk=pk)
        return self.render_template("teacher/revealed.html", value=value, back_url=back)


class AdditionView(AdditionForms, ProcessView):
    """Additions to effective files: their pages, and the form that opens one (2.1, 2.2)."""

    class_permission_name = "Addition"
    route_base = "/addition"
    flow = ADDITION


class ChangeView(ChangeForms, ProcessView):
    """Changes of effective files: their pages, the forms of their drafts (3.1)."""

    class_permission_name = "Change"
    route_base = "/change"
    flow = CHANGE
