"""The forms that open an addition or change, and those of the draft of a change (2.1, 2.2, 3.1)."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from sqlalchemy.orm.exc import StaleDataError

from app.access.actor import current_actor
from app.core.errors import Refused, Stale
from app.extensions import db
from app.indicators.catalog import language
from app.models.change import ChangeKind
from app.services import attachment, change, draft
from app.views.change.form_page import FormPage
from app.views.labels import present_catalog
from app.views.once import first_result, once, remember
from app.views.record_form import RecordForm
from app.views.teacher.file import load_teacher
from app.views.teacher.row_page import draft_data
from app.views.teacher.rows import (
    CONFLICT,
    REFUSED,
    differences,
    place_problems,
    sent_version,
    take_uploads,
)
from app.views.widgets import text_of

REASON, DOCUMENT = "_reason", "_document_no"  # Apart from the names of indicators.


class Forms:
    """What the forms of both flows share: shown, refused without losing what was typed."""

    def _form(self: Any, page: FormPage) -> Any:
        page.require_right()
        if request.method == "GET":
            if page.is_locked:
                flash(_locked(page), "warning")
                return redirect(_back(page))
            return self._begun(page)
        if (answer := first_result(page.session)) is not None:
            return answer
        return self._sent(page)

    def _begun(self: Any, page: FormPage) -> Any:
        context, copied = page.context(), page.copied()
        kept = draft.find(page.session, page.actor, page.key) if copied is None else None
        data = draft_data(context, kept.values) if kept else copied
        draft_at = text_of(kept.at) if kept else ""
        return self._drawn(page, RecordForm(context, data), draft_at=draft_at)

    def _sent(self: Any, page: FormPage) -> Any:
        form = RecordForm(page.context(), request.form)
        if page.is_locked:
            return self._conflict(page, form)
        if not take_uploads(page, form):
            return self._drawn(page, form), REFUSED
        try:
            item = self._propose(page, form.raw())
            target = url_for(f"{type(self).__name__}.show", pk=item.id)
            draft.drop(page.session, page.actor, page.key)
            remember(page.session, target)
            page.session.commit()
        except Refused as refusal:
            page.session.rollback()
            place_problems(page, form, refusal)
            return self._drawn(page, form), REFUSED
        except (Stale, StaleDataError):
            page.session.rollback()
            return self._conflict(page, form)
        flash(self._told(page), "success")
        return redirect(target)

    def _conflict(self: Any, page: FormPage, form: RecordForm) -> Any:
        """Show what this form says beside what is stored by now (REL-06)."""
        locked = page.is_locked
        words = (
            _locked(page)
            if locked
            else _(
                "Somebody has changed this draft in the meantime. Nothing you typed is lost:"
                " compare, then save again."
            )
        )
        found = differences(page, form.raw())
        return self._drawn(page, form, conflict=found, notice=words, is_locked=locked), CONFLICT

    def _drawn(self: Any, page: FormPage, form: RecordForm, **more: Any) -> str:
        known, item = page.catalog, page.item
        name = known.name(page.entry, language())
        titles = {
            ChangeKind.ADD: _("Add: %(set)s", set=name),
            ChangeKind.FILL: _("Fill in: %(set)s", set=name),
            ChangeKind.MODIFY: _("Change: %(set)s", set=name),
        }
        reason = item.reason if item is not None else ""
        document = item.document_no if item is not None else ""
        return self.render_template(
            "record/form.html",
            title=titles[ChangeKind(page.kind)],
            teacher=page.teacher,
            entry=page.entry,
            form=form.form,
            cards_of=form.cards,
            locked=form.locked,
            version=item.version if item is not None else None,
            urls={
                "back": _back(page),
                "autosave": page.url("DraftView.save"),
                "discard": page.url("DraftView.discard"),
            },
            files=attachment.names(page.session, page.teacher, page.set_code)
            if any(form.uploads())
            else {},
            next=self.next_url(),
            may_repeat=False,
            words={
                "reason": request.form.get(REASON, reason) or "",
                "document": request.form.get(DOCUMENT, document) or "",
                "is_change": page.kind == ChangeKind.MODIFY,
            },
            **more,
        )


class AdditionForms(Forms):
    """What is added to an effective file."""

    @expose("/new/<int:teacher>/<set_code>", methods=["GET", "POST"])
    @has_access
    def add(self, teacher: int, set_code: str) -> Any:
        """Add a record to a set, or say what the only row of a set leaves blank."""
        return self._form(FormPage(teacher, set_code, None, ChangeKind.ADD))

    @expose("/new/<int:teacher>/<set_code>/<record>", methods=["GET", "POST"])
    @has_access
    def fill(self, teacher: int, set_code: str, record: str) -> Any:
        """Say what a record leaves blank."""
        return self._form(FormPage(teacher, set_code, record, ChangeKind.FILL))

    def _propose(self, page: FormPage, raw: Any) -> Any:
        return change.add(
            page.session,
            page.actor,
            page.teacher,
            page.set_code,
            raw,
            catalog=page.catalog,
            record_uuid=page.record.uuid if page.record is not None else None,
            reason=request.form.get(REASON, ""),
            document_no=request.form.get(DOCUMENT, ""),
        )

    def _told(self, _page: FormPage) -> str:
        return _("It waits for your school. Until it is approved the file says what it said.")


class ChangeForms(Forms):
    """What is altered or removed in an effective file, from its draft to its submission."""

    @expose("/new/<int:teacher>/<set_code>/<record>", methods=["GET", "POST"])
    @has_access
    def change(self, teacher: int, set_code: str, record: str) -> Any:
        """Draft a change of a record."""
        return self._form(FormPage(teacher, set_code, record, ChangeKind.MODIFY))

    @expose("/<int:pk>/edit", methods=["GET", "POST"])
    @has_access
    def edit(self: Any, pk: int) -> Any:
        """Alter the draft of a change."""
        item = self._item(pk)
        return self._form(
            FormPage(item.teacher_id, item.set, item.record_uuid, ChangeKind.MODIFY, item)
        )

    @expose("/remove/<int:teacher>/<set_code>/<record>", methods=["POST"])
    @has_access
    @once
    def remove(self, teacher: int, set_code: str, record: str) -> Any:
        """Draft the removal of a record."""
        page = FormPage(teacher, set_code, record, ChangeKind.MODIFY)
        item = change.open_change(
            page.session,
            page.actor,
            page.teacher,
            set_code,
            record,
            kind=ChangeKind.DELETE,
            raw={},
            catalog=page.catalog,
        )
        key = item.id
        page.session.commit()
        flash(_("The removal is drafted. Say why, attach what proves it, and submit it."), "info")
        return redirect(url_for("ChangeView.show", pk=key))

    @expose("/<int:pk>/words", methods=["POST"])
    @has_access
    @once
    def words(self: Any, pk: int) -> Any:
        """Keep reason and document number of a draft."""
        session, item = db.session(), self._item(pk)
        try:
            change.edit_change(
                session,
                current_actor(),
                item,
                {},
                version=sent_version(),
                catalog=present_catalog(),
                reason=request.form.get("reason", ""),
                document_no=request.form.get("document_no", ""),
            )
            session.commit()
        except Refused as refusal:
            session.rollback()
            return self._shown(pk, " ".join(str(p.message) for p in refusal.problems)), REFUSED
        flash(_("Saved."), "success")
        return redirect(url_for("ChangeView.show", pk=pk))

    @expose("/<int:pk>/discard", methods=["POST"])
    @has_access
    @once
    def discard(self: Any, pk: int) -> Any:
        """Discard the draft of a change."""
        session, item = db.session(), self._item(pk)
        file, _photo = load_teacher(item.teacher_id)
        back = url_for("FileView.show", pk=file.id, _anchor=f"set-{item.set}")
        change.discard(
            session, current_actor(), item, version=sent_version(), catalog=present_catalog()
        )
        session.commit()
        flash(_("The draft is discarded. The file says what it said."), "success")
        return redirect(back)

    def _propose(self: Any, page: FormPage, raw: Any) -> Any:
        words: dict[str, Any] = {
            "reason": request.form.get(REASON, ""),
            "document_no": request.form.get(DOCUMENT, ""),
        }
        if page.item is not None:
            change.edit_change(
                page.session,
                page.actor,
                page.item,
                raw,
                version=sent_version(),
                catalog=page.catalog,
                **words,
            )
            return page.item
        return change.open_change(
            page.session,
            page.actor,
            page.teacher,
            page.set_code,
            page.uuid or "",
            kind=ChangeKind.MODIFY,
            raw=raw,
            catalog=page.catalog,
            **words,
        )

    def _told(self, _page: FormPage) -> str:
        return _("The draft is kept. Attach what proves it, and submit it.")


def _locked(page: FormPage) -> str:
    if not page.teacher.is_in_force:
        return _("The file is not yet effective. It is filled in directly.")
    return _("This is no draft any more; it is altered by a new change.")


def _back(page: FormPage) -> str:
    """Return to the draft, else to the set in the file."""
    return url_for("ChangeView.show", pk=page.item.id) if page.item is not None else page.set_url()
