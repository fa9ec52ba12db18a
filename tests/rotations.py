"""Rotations of the test world in any state: a draft written straight into the tables, taken on by
the steps of the flow."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from app.access.actor import Actor, acting_as, system
from app.core.clock import now, today
from app.indicators.periods import add_months, month_of
from app.models.history import Transition
from app.models.rotation import Rotation
from app.services.exclusive import Kind, occupy
from app.workflows.rotation import ROTATION
from tests.worlds import TeacherRef, World

CONFIRMED = (("submit", "info", {}), ("confirm", "authority", {}))
# The steps that lead to a state from a draft, each with its party and inputs.
PATHS: dict[str, tuple[tuple[str, str, dict[str, Any]], ...]] = {
    "draft": (),
    "pending_out_authority": CONFIRMED[:1],
    "active": CONFIRMED,
    "ended": (*CONFIRMED, ("end", "info", {})),
    "terminated": (*CONFIRMED, ("terminate", "info", {"reason": "工作需要"})),
    "rejected": (*CONFIRMED[:1], ("reject", "authority", {"reason": "不符"})),
    "withdrawn": (*CONFIRMED[:1], ("withdraw", "info", {})),
}


@dataclass(frozen=True)
class RotationRef:
    """A rotation; plain values, good in any session."""

    id: int
    file: TeacherRef
    state: str
    opened_by: int
    flow: str = "rotation"

    @property
    def school(self) -> str:
        """The key of the school that sends."""
        return self.file.school

    @property
    def school_id(self) -> int:
        """The school that sends."""
        return self.file.school_id

    @property
    def teacher_id(self) -> int:
        """The file it is about."""
        return self.file.id


def month(ahead: int) -> str:
    """The month some months from now, before now if negative."""
    return month_of(add_months(today().replace(day=1), ahead))


def make_rotation(
    session: Any,
    world: World,
    file: TeacherRef,
    state: str = "active",
    *,
    host: str = "B1",
    start: int = -2,
    end: int = 6,
    asked: int | None = None,
    **columns: Any,
) -> RotationRef:
    """Add a rotation of a file in force to another school, `start` and `end` in months from now;
    `asked` asks for an extension to that month."""
    info = world.actor("school_info", file.school)
    authority = "city_info" if file.school == "U" else f"district_info_{file.school[0]}"
    parties = {"info": info, "authority": world.actors[authority]}
    unit = world.units[host]
    stamp = now() - timedelta(minutes=5)
    with system():
        made = Rotation(
            uuid=uuid4().hex, teacher_id=file.id, school_id=file.school_id,
            authority_id=file.authority_id, to_school_id=unit.id,
            to_authority_id=unit.authority_id, type="1", direction="3", start=month(start),
            planned_end=month(end), state="draft", version=1, state_since=stamp,
            opened_by=info.account_id, opened_role=str(info.role), opened_at=stamp,
            transfer_personnel=False, **columns,
        )  # fmt: skip
        session.add(made)
        session.flush()
        occupy(session, Kind.ROTATION, file.id, made.id)
        session.add(_opening(made, info))
        session.flush()
    steps = PATHS[state]
    if asked is not None:
        steps = (*steps, ("extend", "info", {"until": month(asked)}))
    for step, who, inputs in steps:
        take_rotation(session, world, made.id, step, parties[who], **inputs)
    session.expire_all()
    return RotationRef(made.id, file, state, info.account_id)


def take_rotation(
    session: Any, world: World, key: int, step: str, actor: Actor, **inputs: Any
) -> Any:
    """Take a step of a rotation as an actor."""
    with acting_as(actor):
        return ROTATION.perform(
            session, key, step, actor, version=inputs.pop("version", None),
            catalog=world.catalog, **inputs,
        )  # fmt: skip


def _opening(made: Rotation, opener: Actor) -> Transition:
    return Transition(
        flow="rotation", object_id=made.id, teacher_id=made.teacher_id, step="open",
        from_state=None, to_state="draft", account_id=opener.account_id,
        assignment_id=opener.assignment_id, role=str(opener.role), unit_id=opener.unit_id,
        school_id=made.school_id, authority_id=made.authority_id, at=made.opened_at,
        object_version=1,
    )  # fmt: skip
