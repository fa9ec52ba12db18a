"""The names of schools and authorities, which the public register tells whoever asks."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.unit import Unit
from app.services.among import among

# The columns by which objects name the units that take part in them.
COLUMNS = (
    "school_id", "authority_id", "from_school_id", "from_authority_id", "to_school_id",
    "to_authority_id",
)  # fmt: skip


def names_of(session: Session, items: Iterable[Any]) -> dict[int, str]:
    """Return the names of all units that take part in some objects, by id; one statement."""
    named = (getattr(item, name, None) for item in items for name in COLUMNS)
    ids = sorted({key for key in named if key is not None})
    if not ids:
        return {}
    rows = session.execute(
        select(Unit.id, Unit.name).where(among(session, Unit.id, ids)),
        execution_options={"unscoped": True},
    )
    return {row.id: row.name for row in rows}
