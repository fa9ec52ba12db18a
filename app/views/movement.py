"""Movements of a unit: what waits, who leaves, comes and is away, and what is open by name."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _

from app.access.actor import current_actor
from app.core.clock import local
from app.extensions import db
from app.services import queue, rotation
from app.services.movement import LINES, Movement, has_age
from app.services.register import names_of
from app.views.base import BaseView
from app.views.flow_line import due
from app.views.home import tiles, waiting
from app.views.widgets import Badge
from app.workflows import WORKFLOWS

# Flow -> the page of one of its objects.
PAGES: Mapping[str, str] = {
    "transfer": "TransferView.show",
    "rotation": "RotationView.show",
    "status_change": "StatusPageView.show",
}


class Line(NamedTuple):
    """An open movement: whom it is about, which way, and at which step it stands since when."""

    name: str
    href: str
    kind: Any
    source: str
    target: str
    step: Any
    turn: str
    since: str
    age: Badge | None


class MovementView(BaseView):
    """The page that the menu of movement begins with."""

    class_permission_name = "Movement"
    route_base = "/movement"
    default_view = "index"

    @expose("/", methods=["GET"])
    @has_access
    def index(self) -> Any:
        """Show the figures of the unit, each as a link to its list, and what is open."""
        session, actor = db.session(), current_actor()
        page = Movement(session, actor)
        found = page.open_processes()
        units = names_of(session, found)
        return self.render_template(
            "movement/home.html",
            title=_("Movements"),
            place=actor.unit_name,
            tiles=tiles(page.figures()),
            todo=waiting(page.todo()),
            overdue=waiting(page.overdue()),
            done=waiting(page.done()),
            lines=[_line(page, item, units) for item in found],
            most=LINES,
        )


def _line(page: Movement, item: Any, units: Mapping[int, str]) -> Line:
    ahead = due(item, units)
    source, target = _way(item, units)
    return Line(
        _name(item),
        url_for(PAGES[item.flow], pk=item.id),
        WORKFLOWS[item.flow].label,
        source,
        target,
        ahead.title if ahead else "",
        ahead.turn if ahead else "",
        local(item.state_since).date().isoformat(),
        _age(page, item) if has_age(item) else None,
    )


def _name(item: Any) -> str:
    if item.flow == "transfer":
        return str(item.name)
    return item.teacher.name if item.teacher else _("File of another school")


def _way(item: Any, units: Mapping[int, str]) -> tuple[str, str]:
    """The names of the schools that a person leaves and comes to; only one in a status change."""
    here = units.get(item.school_id, "")
    if item.flow == "transfer":
        return units.get(item.from_school_id, ""), here
    return here, rotation.host_name(item, units) if item.flow == "rotation" else ""


def _age(page: Movement, item: Any) -> Badge:
    words = _("%(n)s working day(s)", n=queue.age_of(item.state_since, page.known))
    if page.is_late(item):
        return Badge(words, "clock-exclamation", "bad")
    return Badge(words, "clock", "draft")
