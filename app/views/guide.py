"""The guide to the flows: how each process runs, drawn and told from the flow's own table."""

from collections.abc import Iterable
from typing import Any

from flask import url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.errors import NotFound
from app.indicators.catalog import language
from app.views.assets import asset
from app.views.base import BaseView
from app.views.labels import present_catalog
from app.workflows import WORKFLOWS
from app.workflows.diagram import is_the_systems
from app.workflows.engine import Step, Workflow

# Who takes a step and who is told of it, by the names of the flows' tables.
PEOPLE: dict[str, Any] = {
    "teacher_self": _l("The teacher"),
    "teacher": _l("The teacher"),
    "submitter": _l("Who submitted it"),
    "school_info": _l("Information administrator of the school"),
    "school_head": _l("Head of the school, or the delegate"),
    "authority": _l("Authority: the district, for municipal universities the city"),
    "authority_for_head": _l("Authority, for the head's own file"),
    "stand_in": _l("Authority, for the head's own file"),
    "sending_info": _l("Information administrator of the school that is left"),
    "sending_head": _l("Head of the school that is left, or the delegate"),
    "sending_authority": _l("Authority over the school that is left"),
    "sending_authority_for_head": _l("Authority over the school that is left, for its head"),
    "sending_stand_in": _l("Authority over the school that is left, for its head"),
    "host_info": _l("Information administrator of the host school"),
    "host_head": _l("Head of the host school"),
    "host_authority": _l("Authority over the host school"),
    "city": _l("City commission"),
    "city_for_district_file": _l("City commission, for files of a district"),
    "system": _l("The system"),
}


class GuideView(BaseView):
    """Read by everybody who works with the system."""

    route_base = "/guide"
    default_view = "flows"
    class_permission_name = "Guide"

    @expose("/flows/")
    @has_access
    def flows(self) -> Any:
        """List the flows."""
        links = [
            (str(flow.label), url_for("GuideView.flow", name=name), _many_steps(flow))
            for name, flow in WORKFLOWS.items()
        ]
        return self.render_template("guide/flows.html", title=_l("Guide to the flows"), links=links)

    @expose("/flows/<name>")
    @has_access
    def flow(self, name: str) -> Any:
        """Show one flow: its diagram and the table of its steps. NotFound for another name."""
        if name not in WORKFLOWS:
            raise NotFound()
        flow, lang = WORKFLOWS[name], language()
        return self.render_template(
            "guide/flow.html",
            title=flow.label,
            drawing=asset(f"flow-{name}-{lang}.svg"),
            index=url_for("GuideView.flows"),
            steps=[_row(flow, step, lang) for step in flow.steps],
        )


def _many_steps(flow: Workflow) -> str:
    return _("%(n)s steps", n=len({step.number for step in flow.steps}))


def _row(flow: Workflow, step: Step, lang: str) -> dict[str, Any]:
    """What the table says of a step, in words."""

    def states(codes: Iterable[Any]) -> list[str]:
        return [present_catalog().label(flow.state_table, str(code), lang) for code in codes]

    return {
        "number": step.number,
        "name": step.label,
        "from": states(step.sources),
        "to": states(step.targets) or [_("The state stays")],
        "by": _people(party.name for party in step.by),
        "asks": _asks(step),
        "told": _people(name for telling in step.tells for name in telling.to),
        "is_systems": is_the_systems(step),
    }


def _people(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(str(PEOPLE[name]) for name in names))


def _asks(step: Step) -> list[str]:
    """What a step asks for beside the act itself."""
    return [*([_("A reason")] if step.needs_reason else []), *(str(e.label) for e in step.inputs)]
