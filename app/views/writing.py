"""Adding, changing and deleting one row: nothing typed is lost, no database text is shown."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask import flash, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.utils import redirect
from wtforms.csrf.core import CSRFTokenField

from app.core import logs
from app.core.errors import Refused, Stale
from app.views.listing import FILTER, address_of
from app.views.once import first_result, once, remember
from app.views.widgets import text_of

log = logging.getLogger(__name__)
DONE, REFUSED = 200, Refused.status


class Writing:
    """The writing half of BaseModelView; its hooks (pre_*, post_*) run in one transaction."""

    # column -> (rule, reason), e.g. ("certified=1", _l("Only for certified teachers")).
    visible_when: Mapping[str, tuple[str, Any]] = {}
    deletable = False

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        parents = self._parents()
        form = self.add_form.refresh()
        for name, parent in parents.items():
            if name in form:
                form[name].data = parent
        item, status = self.datamodel.obj(), DONE
        if request.method == "GET":
            self.prefill_add(form)
        elif (answer := first_result(self.datamodel.session)) is not None:
            return answer
        else:
            status = self._stored(form, item, parents, is_new=True)
            if status == DONE:
                return self._answer(item, self.add_row_message)
        return self._form_page("add", form, parents=parents, status=status)

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: Any) -> Any:
        item = self.one(pk)
        if request.method == "GET":
            form = self.edit_form.refresh(obj=item)
            self.prefill_form(form, pk)
            return self._form_page("edit", form, item)
        if (answer := first_result(self.datamodel.session)) is not None:
            return answer
        form = self.edit_form.refresh()
        form._id = self.datamodel.get_pk_value(item)
        status = self._stored(form, item, {}, is_new=False)
        if status == DONE:
            return self._answer(item, self.edit_row_message)
        if status == Stale.status:
            self._show_stored(form, self.one(pk), pk)
        return self._form_page("edit", form, item, status=status)

    @expose("/delete/<pk>", methods=["POST"])
    @has_access
    @once
    def delete(self, pk: Any) -> Any:
        item = self.one(pk)
        session = self.datamodel.session
        try:
            self.pre_delete(item)
            session.delete(item)
            session.flush()
            self.post_delete(item)
            session.commit()
        except IntegrityError:
            session.rollback()
            raise Refused(self.delete_integrity_error_message) from None
        except StaleDataError:
            session.rollback()
            raise Stale() from None
        flash(self.delete_row_message, "success")
        return self.back_to_list()

    def prefill_add(self, form: Any) -> None:
        """Fill an empty add form with suggestions."""

    def after_save_url(self, item: Any) -> str:
        """Return where saving leads when the form does not say `next`."""
        pk = self.datamodel.get_pk_value(item)
        return address_of(type(self).__name__, "show", pk=pk) or self.list_url()

    def back_to(self, item: Any) -> Any:
        return redirect(self.next_url() or self.after_save_url(item))

    def _answer(self, item: Any, message: Any) -> Any:
        flash(message, "success")
        return self.back_to(item)

    def _parents(self) -> dict[str, Any]:
        """Return the parents named in the address (`_flt_0_teacher=5`), each inside the scope."""
        parents = {}
        for name in request.args:
            match = FILTER.fullmatch(name)
            if match and self.datamodel.is_relation_many_to_one(match[2]):
                view = self.datamodel.get_related_interface(match[2])
                parents[match[2]] = self.found(view.get(request.args[name]))
        return parents

    def _stored(self, form: Any, item: Any, parents: Mapping[str, Any], *, is_new: bool) -> int:
        """Write a valid form into the row and commit; returns the status of the answer.

        DONE, or with everything rolled back and the reasons in the form: REFUSED by a rule, or
        that of Stale when somebody else was faster.
        """
        if not form.validate():
            return REFUSED
        self.process_form(form, is_new)
        session = self.datamodel.session
        before, after = (
            (self.pre_add, self.post_add) if is_new else (self.pre_update, self.post_update)
        )
        try:
            with session.no_autoflush:
                self._check_version(item)
                form.populate_obj(item)
                for name, parent in parents.items():
                    setattr(item, name, parent)
                before(item)
            if is_new:
                session.add(item)
            session.flush()
            after(item)
            remember(session, self.next_url() or self.after_save_url(item))
            session.commit()
        except (Refused, Stale) as refusal:
            session.rollback()
            refuse(form, refusal)
            return refusal.status
        except StaleDataError:
            session.rollback()
            refuse(form, Stale())
            return Stale.status
        except IntegrityError:
            session.rollback()
            log.warning("a form met a constraint", exc_info=True)
            form.form_errors.append(
                _(
                    "This could not be saved: the same entry exists already, or something is "
                    "missing. Number for enquiries: %(id)s",
                    id=logs.context.get().request_id or "-",
                )
            )
            return REFUSED
        return DONE

    def _check_version(self, item: Any) -> None:
        shown = request.form.get("_version")
        if shown is not None and str(getattr(item, "version", shown)) != shown:
            raise Stale()

    def _show_stored(self, form: Any, item: Any, pk: Any) -> None:
        """Say beside each field that differs what somebody else has stored meanwhile (REL-06)."""
        stored = self.edit_form(formdata=None, obj=item)
        self.prefill_form(stored, pk)
        for name, field in form._fields.items():
            kept = stored._fields.get(name)
            if kept is None or isinstance(field, CSRFTokenField) or _words(kept) == _words(field):
                continue
            words = _("Stored meanwhile: %(value)s", value=_words(kept))
            field.errors = [*field.errors, words]

    def _form_page(
        self,
        kind: str,
        form: Any,
        item: Any = None,
        *,
        parents: Mapping[str, Any] = MappingProxyType({}),
        status: int = DONE,
    ) -> Any:
        widgets = getattr(self, f"_get_{kind}_widget")(form, exclude_cols=list(parents))
        # Who was told of what is stored meanwhile may save over it.
        seen = None if status == Stale.status else request.form.get("_version")
        version = seen or getattr(item, "version", None)
        page = self.render_template(
            getattr(self, f"{kind}_template"),
            title=getattr(self, f"{kind}_title"),
            widgets=widgets,
            back_url=self._back_url(item),
            version=version,
            item=item,
            view=self,
        )
        return page, status

    def _back_url(self, item: Any) -> str:
        if self.next_url():
            return self.next_url()
        return self.after_save_url(item) if item is not None else url_for(f"{self.endpoint}.list")


def _words(field: Any) -> str:
    """What a field says, for reading: the names of what is chosen, or the value."""
    if not hasattr(field, "iter_choices"):
        return text_of(field.data)
    chosen = field.data if isinstance(field.data, list) else [field.data]
    keys = {str(each or "") for each in chosen}
    return text_of(
        [str(name) for key, name, *_more in field.iter_choices() if str(key or "") in keys]
    )


def refuse(form: Any, refusal: Any) -> None:
    """Put the problems of a refusal beside the fields they are about, the rest above the form."""
    if not refusal.problems:
        form.form_errors.append(str(refusal.message))
    for problem in refusal.problems:
        if problem.field in form:
            form[problem.field].errors = [*form[problem.field].errors, str(problem.message)]
        else:
            form.form_errors.append(str(problem.message))
