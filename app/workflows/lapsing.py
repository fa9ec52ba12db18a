"""What becomes of open additions and changes when their file is closed (3.6, 5.2)."""

from typing import Any

from sqlalchemy import select

from app.access.scope import SYSTEM_ACTOR
from app.models.change import OPEN, RecordChange
from app.models.teacher import Teacher
from app.services.among import among
from app.workflows.addition import ADDITION
from app.workflows.change import CHANGE
from app.workflows.engine import Act

# The step of each flow by which the system ends what is open.
LAST_STEPS = ((ADDITION, "withdraw"), (CHANGE, "supersede"))


def lapse_open(act: Act, items: list[Any]) -> None:
    """End what is open of the files of some objects that are not on the rolls any more."""
    files = sorted({item.teacher_id for item in items})
    rows = act.session.execute(
        select(RecordChange.id, RecordChange.flow)
        .join(Teacher, Teacher.id == RecordChange.teacher_id)
        .where(
            among(act.session, RecordChange.teacher_id, files),
            RecordChange.state.in_(OPEN),
            Teacher.active.is_(False),
        )
    ).all()
    for flow, step in LAST_STEPS:
        mine = {key: None for key, name in rows if name == flow.name}
        if mine:
            flow.perform_many(act.session, mine, step, SYSTEM_ACTOR, catalog=act.catalog)
