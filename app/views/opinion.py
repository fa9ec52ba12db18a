"""How an opinion of the city's assistants is drawn, and who reads it."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.access.actor import Actor
from app.access.roles import READ, may_open
from app.models.opinion import Verdict
from app.views.widgets import Badge

RESOURCE = "Opinion"
LOOKS: Mapping[str, tuple[Any, str, str]] = {
    Verdict.AGREE: (_l("Agree"), "circle-check", "good"),
    Verdict.OBJECTION: (_l("Objection"), "alert-circle", "back"),
}


def may_read(actor: Actor) -> bool:
    """Whether the role reads opinions: the city alone."""
    return may_open(actor.role, RESOURCE, READ)


def badge_of(verdict: str) -> Badge:
    """How a verdict is drawn."""
    label, icon, tint = LOOKS[verdict]
    return Badge(label, icon, tint)
