"""Writing one row of a set: add, change, delete, "none to report"; nothing typed is lost."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from sqlalchemy.orm.exc import StaleDataError

from app.core.errors import NotFound, Problem, Refused, Stale
from app.core.whole import whole_number
from app.indicators.catalog import Catalog, language
from app.indicators.values import BadValue, display, parse
from app.models.account import Account
from app.services import attachment, draft, filling
from app.services import file as files
from app.views.attachment import storage
from app.views.base import BaseView
from app.views.flow_actions import place_name
from app.views.once import first_result, once, remember
from app.views.record_form import (
    REMOVE,
    RecordForm,
    shown_value,
)
from app.views.teacher.content import findings
from app.views.teacher.row_page import Page, draft_data
from app.views.widgets import text_of

REFUSED, CONFLICT = 422, 409


class Difference(NamedTuple):
    """A field of which this form and the stored row say different things."""

    label: str
    before: str
    after: str


class RowView(BaseView):
    """The forms of the rows of every set."""

    class_permission_name = "File"
    route_base = "/teacher"

    @expose("/<int:pk>/set/<set_code>/new", methods=["GET", "POST"])
    @has_access
    def add(self, pk: int, set_code: str) -> Any:
        """Add a row to a multi-row set."""
        page = Page(pk, set_code, None)
        if not page.entry.multi_row:
            return redirect(url_for("RowView.edit_only", pk=pk, set_code=set_code))
        return self._form(page)

    @expose("/<int:pk>/set/<set_code>/edit", methods=["GET", "POST"])
    @has_access
    def edit_only(self, pk: int, set_code: str) -> Any:
        """Change the row of a single-row set, or begin it."""
        page = Page(pk, set_code, None)
        if page.entry.multi_row:
            raise NotFound()
        return self._form(page)

    @expose("/<int:pk>/set/<set_code>/<record>/edit", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: int, set_code: str, record: str) -> Any:
        """Change a row of a multi-row set."""
        return self._form(Page(pk, set_code, record))

    @expose("/<int:pk>/set/<set_code>/<record>/delete", methods=["POST"])
    @has_access
    @once
    def delete(self, pk: int, set_code: str, record: str) -> Any:
        """Delete a row of an open file."""
        page = Page(pk, set_code, record)
        files.delete_record(
            page.session,
            page.actor,
            page.teacher,
            set_code,
            record,
            version=sent_version(),
            catalog=page.catalog,
        )
        draft.drop(page.session, page.actor, page.key)
        page.session.commit()
        flash(_("Deleted."), "success")
        return redirect(self.next_url() or page.set_url())

    @expose("/<int:pk>/set/<set_code>/none", methods=["POST"])
    @has_access
    @once
    def answer_none(self, pk: int, set_code: str) -> Any:
        """Answer that there is nothing to report in a set, or take the answer back."""
        page = Page(pk, set_code, None)
        none = request.form.get("none") == "1"
        files.answer_none(
            page.session, page.actor, page.teacher, set_code, none, catalog=page.catalog
        )
        page.session.commit()
        flash(_("Answered: none to report.") if none else _("The answer is taken back."), "success")
        return redirect(self.next_url() or page.set_url())

    def _form(self, page: Page) -> Any:
        if request.method == "GET":
            if page.is_locked:
                flash(filling.locked_reason(page.teacher), "warning")
                return redirect(page.set_url())
            page.require_right()
            return self._shown(page)
        if (answer := first_result(page.session)) is not None:
            return answer
        return self._sent(page)

    def _shown(self, page: Page) -> Any:
        context = page.context()
        kept = draft.find(page.session, page.actor, page.key)
        form = RecordForm(context, draft_data(context, kept.values) if kept else None)
        if page.record is not None and kept is None:
            _show_findings(page, form)
        return self._page(page, form, draft_at=text_of(kept.at) if kept else "")

    def _sent(self, page: Page) -> Any:
        form = RecordForm(page.context(), request.form)
        if page.is_locked:
            return self._locked(page, form)
        page.require_right()
        if not take_uploads(page, form):
            return self._page(page, form), REFUSED
        if page.uuid is None and page.entry.multi_row and form.is_blank():
            form.form.form_errors.append(_("Nothing was filled in."))
            return self._page(page, form), REFUSED
        try:
            record = files.save_record(
                page.session,
                page.actor,
                page.teacher,
                page.set_code,
                form.raw(),
                catalog=page.catalog,
                record_uuid=page.record.uuid if page.record is not None else None,
                version=sent_version(),
            )
            target = self._target(page, record)
            draft.drop(page.session, page.actor, page.key)
            remember(page.session, target)
            page.session.commit()
        except Refused as refusal:
            page.session.rollback()
            place_problems(page, form, refusal)
            return self._page(page, form), REFUSED
        except (Stale, StaleDataError):
            page.session.rollback()
            return self._conflict(page, form)
        flash(_("Saved."), "success")
        return redirect(target)

    def _target(self, page: Page, record: Any) -> str:
        if request.form.get("again") and page.entry.multi_row:
            return url_for("RowView.add", pk=page.teacher.id, set_code=page.set_code)
        return self.next_url() or page.set_url()

    def _conflict(self, page: Page, form: RecordForm) -> Any:
        """Show what this form says and what is stored since, and let the person choose (REL-06)."""
        page.record = page.read_record()
        if page.is_locked:
            return self._locked(page, form)
        by = page.session.get(Account, page.record.entered_by or 0) if page.record else None
        text = _(
            "Somebody has changed this row in the meantime. Nothing you typed is lost: compare,"
            " then save again."
        )
        return self._page(
            page,
            form,
            conflict=differences(page, form.raw()),
            notice=text,
            changed_by=by.display_name if by else "",
            changed_at=text_of(page.record.entered_at) if page.record else "",
        ), CONFLICT

    def _locked(self, page: Page, form: RecordForm) -> Any:
        """The file was closed under the form: show what was typed and why it cannot be saved.

        It is kept as a draft, for the day the file is open again.
        """
        codes = [item.code for item in page.context().collected if not item.read_only]
        sent = {code: request.form.getlist(code) for code in codes if code in request.form}
        typed = {code: ",".join(values) for code, values in sent.items()}
        if typed:
            draft.keep(page.session, page.actor, page.key, typed)
            page.session.commit()
        return self._page(
            page,
            form,
            conflict=differences(page, typed),
            notice=filling.locked_reason(page.teacher),
            is_locked=True,
        ), CONFLICT

    def _page(self, page: Page, form: RecordForm, **more: Any) -> str:
        name = page.catalog.name(page.entry, language())
        is_new = page.record is None
        title = _("Add: %(set)s", set=name) if is_new and page.entry.multi_row else name
        urls = {
            "back": self.next_url() or page.set_url(),
            "autosave": page.url("DraftView.save"),
            "discard": page.url("DraftView.discard"),
        }
        if page.uuid is not None and page.entry.multi_row:
            urls["delete"] = page.url("RowView.delete")
        version = page.record.version if page.record is not None else None
        return self.render_template(
            "record/form.html",
            title=title,
            teacher=page.teacher,
            entry=page.entry,
            form=form.form,
            cards_of=form.cards,
            locked=form.locked,
            version=version,
            urls=urls,
            files=attachment.names(page.session, page.teacher, page.set_code)
            if any(form.uploads())
            else {},
            next=self.next_url(),
            may_repeat=page.entry.multi_row and page.uuid is None,
            **more,
        )


def sent_version() -> int | None:
    """Return the version of the row or draft that the form was made from."""
    return whole_number(request.form.get("_version", ""))


def take_uploads(page: Page, form: RecordForm) -> bool:
    """Store the files that came with the form at once, so that a refusal does not lose them."""
    good = True
    for item, drawn in form.uploads():
        sent = request.files.get(item.code)
        if request.form.get(f"{item.code}{REMOVE}"):
            drawn.kept = ""
        if sent is None or not sent.filename:
            continue
        upload = attachment.Upload(sent.filename, sent.read())
        try:
            kept = attachment.store(
                page.session,
                page.actor,
                page.teacher,
                item,
                upload,
                storage=storage(),
                catalog=page.catalog,
                proposing=page.proposes,
            )
            drawn.kept = kept.uuid
            page.session.commit()
        except Refused as refusal:
            page.session.rollback()
            drawn.errors = [*drawn.errors, str(refusal)]
            good = False
    return good


def _show_findings(page: Page, form: RecordForm) -> None:
    """Put the kept errors of this row beside their fields, as the links of the file promise."""
    for each in findings(page.session, page.actor, page.teacher, page.set_code):
        mine = each.record in (None, page.record.uuid) and each.field in form.form
        if mine and each.severity == "error" and not each.is_gap:
            drawn = form.form[each.field]
            drawn.errors = [*drawn.errors, each.message]


def place_problems(page: Page, form: RecordForm, refusal: Refused) -> None:
    """Put what is refused beside the fields it is about, the rest above the form."""
    if not refusal.problems:
        form.form.form_errors.append(str(refusal))
    for problem in refusal.problems:
        here = problem.set in (None, page.set_code) and problem.field in form.form
        if here:
            drawn = form.form[problem.field]
            drawn.errors = [*drawn.errors, str(problem.message)]
        else:
            form.form.form_errors.append(_with_place(problem, page.catalog))


def _with_place(problem: Problem, catalog: Catalog) -> str:
    place = place_name(problem.set, problem.field, catalog)
    return (
        _("%(place)s: %(message)s", place=place, message=problem.message)
        if place
        else str(problem.message)
    )


def differences(page: Page, typed: Mapping[str, Any]) -> list[Difference]:
    """Return the fields of which what was typed is not what is stored."""
    found, context, lang = [], page.context(), language()
    for item in context.collected:
        if item.code not in typed or attachment.is_file(item):
            continue
        stored = context.value(item)
        try:
            mine = parse(item, typed[item.code], page.catalog, category=context.category)
            words = display(item, mine, page.catalog, lang, category=context.category)
        except BadValue:
            mine, words = BadValue, str(typed[item.code])  # It equals nothing that is stored.
        # Of a value that is not shown, not even its equality with a guess is told.
        if mine == stored and not context.keeps_blank(item):
            continue
        before = shown_value(page.actor, item, stored, page.catalog, context.category)
        found.append(Difference(page.catalog.name(item, lang), before, words))
    return found
