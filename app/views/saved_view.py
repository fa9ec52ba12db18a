"""Views of a list that a person keeps: filter, order and columns under a name of their own."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from sqlalchemy import select

from app.access.scope import current_actor
from app.core.errors import Malformed, NotFound
from app.models.saved_view import SavedView

# The nameless view holds the columns a person chose for the plain list.
PLAIN = ""
LONGEST_NAME = 40
LONGEST_QUERY = 2000
MOST_VIEWS = 20
# A saved view is about what is shown, not about where one stood in it.
FLEETING = ("view", "next", "count")


class SavedViews:
    """The addresses behind "Save this view" and "Columns", for BaseModelView."""

    @expose("/views", methods=["POST"])
    @has_access
    def save_view(self) -> Any:
        """Keep the present filter, order and columns under a name."""
        name = request.form.get("name", "").strip()[:LONGEST_NAME]
        if not name:
            raise Malformed(_("Please give the view a name."))
        kept = self._kept(name)
        if kept is None and len(self.saved_views()) >= MOST_VIEWS:
            raise Malformed(_("You have saved as many views of this list as possible."))
        kept = kept or self._new_view(name)
        kept.query = self._lasting(request.form.get("query", ""))
        kept.columns = ",".join(self._known(request.form.getlist("column")))
        self._set_default(kept, bool(request.form.get("is_default")))
        self.datamodel.session.commit()
        return redirect(self.view_url(kept))

    @expose("/views/<int:pk>/delete", methods=["POST"])
    @has_access
    def drop_view(self, pk: int) -> Any:
        """Forget a view of one's own."""
        kept = self.open_view(str(pk))
        if kept is None:
            raise NotFound()
        self.datamodel.session.delete(kept)
        self.datamodel.session.commit()
        return self.back_to_list(query="view=0")

    @expose("/columns", methods=["POST"])
    @has_access
    def choose_columns(self) -> Any:
        """Keep the columns of the plain list, or of the saved view that is open."""
        chosen = self._known(request.form.getlist("column"))
        kept = self.open_view(request.form.get("view")) or self._kept(PLAIN)
        kept = kept or self._new_view(PLAIN)
        kept.columns = "" if request.form.get("reset") else ",".join(chosen)
        self.datamodel.session.commit()
        return self.back_to_list(query=request.form.get("query", ""))

    def saved_views(self) -> list[SavedView]:
        """Return the named views that this account keeps of this list."""
        return [view for view in self._all_kept() if view.name != PLAIN]

    def open_view(self, pk: str | None) -> SavedView | None:
        """Return the view of one's own with this key, or None."""
        return next((view for view in self.saved_views() if str(view.id) == (pk or "")), None)

    def view_url(self, kept: SavedView) -> str:
        return f"{self.list_url()}?{urlencode([*parse_qsl(kept.query or ''), ('view', kept.id)])}"

    def start_url(self) -> str | None:
        """Return where the plain address of the list leads, if it is a saved view."""
        if request.args and list(request.args) != ["view"]:
            return None
        wanted = request.args.get("view")
        views = self.saved_views()
        fits = (lambda v: str(v.id) == wanted) if wanted else (lambda v: v.is_default)
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
        return next((view for view in self._all_kept() if view.name == name), None)

    def _all_kept(self) -> list[SavedView]:
        found = request.environ.setdefault("tm.saved_views", {})
        view = type(self).__name__
        if view not in found:
            mine = select(SavedView).where(
                SavedView.account_id == current_actor().account_id, SavedView.view == view
            )
            ordered = mine.order_by(SavedView.name).limit(MOST_VIEWS + 1)
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
        if len(lasting) > LONGEST_QUERY:
            raise Malformed(_("This filter is too long to be saved."))
        return lasting

    def _set_default(self, kept: SavedView, wanted: bool) -> None:
        for view in self.saved_views():
            if view is not kept and wanted:
                view.is_default = False
        kept.is_default = wanted
