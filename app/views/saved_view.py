"""Views of a list that a person keeps: filter, order and columns under a name of their own."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import flash, redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from sqlalchemy import and_, or_, select

from app.access.actor import Actor, current_actor
from app.access.roles import Role
from app.core.address import names_a_person
from app.core.errors import Forbidden, Malformed, NotFound
from app.models.saved_view import SavedView
from app.views.once import once

# The nameless view holds the columns a person chose for the plain list.
PLAIN = ""
NO_VIEW = ("", "0")  # What names the plain list where a view could be named.
LONGEST_NAME = 40
LONGEST_QUERY = 2000
MOST_VIEWS, MOST_SHOWN = 20, 100
# A saved view is about what is shown, not about where one stood in it.
FLEETING = ("view", "next", "count")
# Who may show a view to everybody of the own role in the own unit.
SHARERS = frozenset({Role.CITY_INFO, Role.DISTRICT_INFO, Role.SCHOOL_INFO})
FILTER = re.compile(r"_flt_\d+_([\w.]+)")


class SavedViews:
    """The addresses behind "Save this view" and "Columns", for BaseModelView."""

    @expose("/views", methods=["POST"])
    @has_access
    @once
    def save_view(self) -> Any:
        """Keep the present filter, order and columns under a name."""
        name = request.form.get("name", "").strip()[:LONGEST_NAME]
        if not name:
            raise Malformed(_("Please give the view a name."))
        kept = self._kept(name)
        mine = [view for view in self.saved_views() if self.is_own(view)]
        if kept is None and len(mine) >= MOST_VIEWS:
            raise Malformed(_("You have saved as many views of this list as possible."))
        kept = kept or self._new_view(name)
        shared = bool(request.form.get("is_shared"))
        if shared and not may_share(current_actor()):
            raise Forbidden()
        kept.unit_id, kept.role = self._shared_with(shared)
        query = self._lasting(request.form.get("query", ""))
        kept.query = self._impersonal(query) if shared else query
        kept.columns = ",".join(self._known(request.form.getlist("column")))
        self._set_default(kept, bool(request.form.get("is_default")))
        self.datamodel.session.commit()
        return redirect(self.view_url(kept))

    @expose("/views/<int:pk>/delete", methods=["POST"])
    @has_access
    @once
    def drop_view(self, pk: int) -> Any:
        """Forget a view of one's own."""
        kept = self.open_view(str(pk))
        if kept is None or not self.is_own(kept):
            raise NotFound()
        self.datamodel.session.delete(kept)
        self.datamodel.session.commit()
        return self.back_to_list(query="view=0")

    @expose("/columns", methods=["POST"])
    @has_access
    @once
    def choose_columns(self) -> Any:
        """Keep the columns of the plain list, or of the saved view that is open."""
        chosen = self._known(request.form.getlist("column"))
        wanted = request.form.get("view", "")
        kept = None if wanted in NO_VIEW else self.open_view(wanted)
        if kept is None and wanted not in NO_VIEW:
            raise NotFound()
        # A view shared by somebody else stays as it is; the columns are kept for the plain list.
        if kept is None or not self.is_own(kept):
            kept = self._kept(PLAIN) or self._new_view(PLAIN)
        kept.columns = "" if request.form.get("reset") else ",".join(chosen)
        self.datamodel.session.commit()
        return self.back_to_list(query=request.form.get("query", ""))

    def saved_views(self) -> list[SavedView]:
        """Return the named views of this list: one's own, and those shared with one's role."""
        return [view for view in self._all_kept() if view.name != PLAIN]

    def open_view(self, pk: str | None) -> SavedView | None:
        """Return the view with this key that one may open, or None."""
        return next((view for view in self.saved_views() if str(view.id) == (pk or "")), None)

    def leave_view(self) -> Any:
        """Lead from a view that no longer fits to the whole list and say why; None if none is
        open."""
        kept = self.open_view(request.args.get("view"))
        if kept is None:
            return None
        words = _(
            "The view “%(name)s” names something that you do not see any more. Here is the"
            " whole list; save the view anew or delete it.",
            name=kept.name,
        )
        flash(words, "warning")
        return redirect(f"{self.list_url()}?view=0")

    def view_url(self, kept: SavedView) -> str:
        return f"{self.list_url()}?{urlencode([*parse_qsl(kept.query or ''), ('view', kept.id)])}"

    def start_url(self) -> str | None:
        """Return where the plain address of the list leads, if it is a saved view."""
        if request.args and list(request.args) != ["view"]:
            return None
        wanted = request.args.get("view")
        views = self.saved_views()
        mine = self.is_own
        fits = (lambda v: str(v.id) == wanted) if wanted else (lambda v: v.is_default and mine(v))
        kept = next(filter(fits, views), None)
        return self.view_url(kept) if kept is not None and (kept.query or not wanted) else None

    def chosen_columns(self) -> list[str]:
        """Return the columns to show: of the open view, else one's own choice, else the usual."""
        kept = self.open_view(request.args.get("view")) or self._kept(PLAIN)
        return self._known((kept.columns or "").split(",")) if kept else list(self.list_columns)

    def _known(self, names: list[str]) -> list[str]:
        offered = [*self.list_columns, *self.optional_columns]
        return [name for name in offered if name in names] or list(self.list_columns)

    def _kept(self, name: str) -> SavedView | None:
        mine = (view for view in self._all_kept() if self.is_own(view))
        return next((view for view in mine if view.name == name), None)

    @staticmethod
    def is_own(kept: SavedView) -> bool:
        """Whether the person who asks keeps the view; others only open it."""
        return kept.account_id == current_actor().account_id

    @staticmethod
    def may_share_view() -> bool:
        """Whether the person who asks may share views."""
        return may_share(current_actor())

    @staticmethod
    def _shared_with(shared: bool) -> tuple[int | None, str | None]:
        actor = current_actor()
        return (actor.unit_id, str(actor.role)) if shared else (None, None)

    def _impersonal(self, query: str) -> str:
        """Return a query without what was typed: search text, and filters by free text. Codes,
        numbers, days, yes or no and units stay; an order stays too."""
        return urlencode([(k, v) for k, v in parse_qsl(query) if self._is_impersonal(k)])

    def _is_impersonal(self, name: str) -> bool:
        if name == "q":
            return False
        match = FILTER.fullmatch(name)
        if match is None:
            return True
        column, model = match[1], self.datamodel
        kinds = ("is_relation", "is_boolean", "is_date", "is_datetime", "is_integer", "is_numeric")
        is_chosen = column in self.code_columns or column in (self.search_form_extra_fields or {})
        if is_chosen or column in model.condition_cache and column not in model.list_columns:
            return True
        return column in model.list_columns and any(getattr(model, k)(column) for k in kinds)

    def _all_kept(self) -> list[SavedView]:
        found = request.environ.setdefault("tm.saved_views", {})
        view = type(self).__name__
        if view not in found:
            mine = select(SavedView).where(visible(current_actor()), SavedView.view == view)
            # Not more than everybody of a unit can have shared, and one's own.
            ordered = mine.order_by(SavedView.name).limit(MOST_SHOWN)
            found[view] = list(self.datamodel.session.scalars(ordered))
        return found[view]

    def _new_view(self, name: str) -> SavedView:
        kept = SavedView(
            account_id=current_actor().account_id,
            view=type(self).__name__,
            name=name,
            query="",
            columns="",
            is_default=False,
        )
        self.datamodel.session.add(kept)
        return kept

    def _lasting(self, query: str) -> str:
        own = f"page_{type(self).__name__}"
        pairs = [(k, v) for k, v in parse_qsl(query) if k not in (*FLEETING, own, "page")]
        lasting = urlencode(pairs)
        if any(names_a_person(value) for _name, value in pairs):
            raise Malformed(_("A number of a person must not be kept in a view."))
        if len(lasting) > LONGEST_QUERY:
            raise Malformed(_("This filter is too long to be saved."))
        return lasting

    def _set_default(self, kept: SavedView, wanted: bool) -> None:
        for view in self.saved_views():
            if view is not kept and wanted and self.is_own(view):
                view.is_default = False
        kept.is_default = wanted


def may_share(actor: Actor) -> bool:
    """Whether the role may share views with its colleagues."""
    return actor.role in SHARERS


def visible(actor: Actor) -> Any:
    """The views an actor opens: the own ones, and those shared with the role in the unit."""
    shared = and_(SavedView.unit_id == actor.unit_id, SavedView.role == str(actor.role))
    return or_(SavedView.account_id == actor.account_id, shared)
