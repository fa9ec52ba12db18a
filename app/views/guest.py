"""Guests: those who are on rotation at one's school, and the three sets that the host reads."""

from typing import Any

from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _

from app.access.actor import current_actor
from app.access.roles import GUEST_SETS
from app.extensions import db
from app.indicators.catalog import language
from app.services import guest, reveal
from app.views.base import BaseView
from app.views.labels import present_catalog, short_set_name
from app.views.on_record import on_record
from app.views.record_form import shown_value, value_of
from app.views.rotation import TYPES


class GuestView(BaseView):
    """Read only, masked as usual, while the rotation lasts."""

    class_permission_name = "Guest"
    route_base = "/guests"
    default_view = "list"

    @expose("/list/", methods=["GET"])
    @has_access
    def list(self) -> Any:
        """Show who is on rotation at the school at present."""
        known, lang = present_catalog(), language()
        found = guest.guests(db.session())
        return self.render_template(
            "rotation/guests.html",
            title=_("Guests on rotation"),
            guests=[(each, known.label(TYPES, each.rotation.type, lang)) for each in found],
        )

    @expose("/<int:pk>", methods=["GET"])
    @has_access
    def show(self, pk: int) -> Any:
        """Show what the host reads of a guest."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        one, lang = guest.find(session, pk), language()
        parts = []
        for code in GUEST_SETS:
            entry = known.set(code)
            items = guest.items(actor, one, code, known)
            rows = [
                [
                    (
                        known.name(item, lang),
                        shown_value(
                            actor, item, value_of(row, one.teacher, item), known, one.category
                        ),
                    )
                    for item in items
                ]
                for row in guest.rows(session, actor, one, code)
            ]
            parts.append((short_set_name(entry, known), rows))
        page = self.render_template(
            "rotation/guest.html", title=one.teacher.name, guest=one, parts=parts
        )
        on_record(lambda own: reveal.note_opening(own, actor, pk))
        return page
