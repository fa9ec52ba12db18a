"""Former staff: the files of those who left, as they were on the day of leaving (SEC-06)."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from flask import url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.access.actor import current_actor
from app.access.fields import View, is_collected, may_view_set, view_on_file
from app.access.scope import scoped_get
from app.core.errors import NotFound
from app.core.reference import IndicatorSet
from app.extensions import db
from app.indicators.catalog import Catalog
from app.models.transfer import FileGrant
from app.services import attachment, grant, reveal
from app.views.base import BaseModelView
from app.views.datamodel import Datamodel
from app.views.labels import column_label, group_label, present_catalog, short_set_name
from app.views.listing import address_of
from app.views.on_record import on_record
from app.views.record_form import shown_value
from app.views.widgets import text_of

FIRST = "basic"


class SetLink(NamedTuple):
    """A set in the index of the frozen file."""

    name: str
    group: str
    href: str
    is_open: bool


class FormerView(BaseModelView):
    """Those who left the school; read only, and nothing of what was said later."""

    route_base = "/former"
    datamodel = Datamodel(FileGrant)
    class_permission_name = "Snapshot"
    exclude_route_methods = {"tab", "choices"}
    list_title = _l("Former staff")
    list_columns = ["name", "teacher_no", "at"]
    search_columns = ["name", "teacher_no", "at"]
    order_columns = ["name", "at"]
    base_order = ("at", "desc")
    label_columns = {
        "name": column_label("name"),
        "teacher_no": column_label("teacher_no"),
        "at": _l("Left on"),
    }
    quick_columns = ("name", "teacher_no")
    quick_hint = _l("Name or teacher number")
    empty_hint = _l("Nobody has left by a transfer.")
    exports = ()

    @expose("/show/<int:pk>", methods=["GET"])
    @has_access
    def show(self, pk: int) -> Any:
        """Show the basic set of a frozen file."""
        return self._set(pk, FIRST)

    @expose("/<int:pk>/set/<set_code>", methods=["GET"])
    @has_access
    def set_page(self, pk: int, set_code: str) -> Any:
        """Show another set of it."""
        return self._set(pk, set_code)

    def _set(self, pk: int, set_code: str) -> str:
        session, actor, known = db.session(), current_actor(), present_catalog()
        item: FileGrant = scoped_get(session, FileGrant, pk)
        category = actor.category or ""
        sets = [each for each in known.category_sets(category) if may_view_set(actor, each.code)]
        entry = next((each for each in sets if each.code == set_code), None)
        if entry is None:
            raise NotFound()
        rows = [list(_facts(row, entry, known)) for row in grant.records(session, item, set_code)]
        answer = self.render_template(
            "transfer/former.html",
            title=f"{_('Former staff')} · {item.name}",
            item=item,
            left=text_of(item.at),
            name=short_set_name(entry, known),
            rows=rows,
            links=list(_links(item, sets, set_code, known)),
            list_url=address_of("FormerView", "list"),
        )
        key = item.teacher_id
        on_record(lambda own: reveal.note_opening(own, current_actor(), key, visiting=True))
        return answer


def _links(
    item: FileGrant, sets: list[IndicatorSet], opened: str, known: Catalog
) -> Iterator[SetLink]:
    for each in sets:
        href = url_for("FormerView.set_page", pk=item.id, set_code=each.code)
        name = short_set_name(each, known)
        yield SetLink(name, group_label(each.group_zh), href, each.code == opened)


def _facts(row: Any, entry: IndicatorSet, known: Catalog) -> Iterator[tuple[str, str]]:
    """Name and words of each value of a row that the reader may see, sealed ones masked."""
    actor = current_actor()
    category = actor.category or ""
    stored = {each.code for each in row.indicator_set.indicators}
    for each in known.indicators(entry.code):
        hidden = view_on_file(actor, each) is View.HIDDEN
        if each.code not in stored or hidden or not is_collected(each, category, known):
            continue
        if attachment.is_file(each):  # Documents went along with the file.
            continue
        words = shown_value(actor, each, row.value(each.code), known, category)
        if words:
            yield known.name(each), words
