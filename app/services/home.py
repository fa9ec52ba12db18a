"""Home: what waits for an actor and how far the unit is, each figure with the list behind it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.access.scope import Actor


@dataclass(frozen=True)
class TodoItem:
    """One kind of work that waits: how much, since when, and which list shows exactly that."""

    key: str
    label: Any
    count: int
    list: str
    filters: dict[str, str] = field(default_factory=dict)
    oldest: datetime | None = None
    overdue: bool = False
    icon: str = "file-check"
    note: Any = ""


def todo(session: Session, actor: Actor) -> list[TodoItem]:
    """Return what waits for the actor, the late ones first."""
    return []
