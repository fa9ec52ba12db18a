"""What becomes of what is open of a person whose file is closed (3.6, 4.10, 5.2)."""

from typing import Any

from sqlalchemy import select

from app.access.actor import SYSTEM_ACTOR
from app.models.change import OPEN, RecordChange
from app.models.teacher import Teacher
from app.services.among import among
from app.workflows.addition import ADDITION
from app.workflows.change import CHANGE
from app.workflows.engine import Act
from app.workflows.transfer import void_of_files

# Why an application is void, for those who read it.
LEFT = "教师已离开在职序列，申请作废"
# The step of each flow by which the system ends what is open.
LAST_STEPS = ((ADDITION, "withdraw"), (CHANGE, "supersede"))


def lapse_open(act: Act, items: list[Any]) -> None:
    """End what is open of the persons of some status changes who are on the rolls no more: their
    additions and changes, and the applications of other schools for them."""
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
    left = select(Teacher.id).where(
        among(act.session, Teacher.id, files), Teacher.active.is_(False)
    )
    void_of_files(act.session, act.session.scalars(left).all(), reason=LEFT, catalog=act.catalog)
