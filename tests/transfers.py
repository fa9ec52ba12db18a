"""Transfers of the test world in any state, with places and history as the flow leaves them;
written straight into the tables, so that a test may have dozens of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from app.access.actor import Actor, system
from app.core.clock import now, today
from app.models.history import Transition
from app.models.teacher import OpenProcess
from app.models.transfer import CLOSED, Transfer, TransferState
from tests.worlds import TeacherRef, World

MONTH = today().strftime("%Y-%m")
APPLICATION = {"planned_on": date(2026, 9, 1), "position": "数学教师", "reason": "学科缺人"}
# What the receiving school says as it takes a file of the world.
PLACED = {
    "join_month": MONTH,
    "staff_category": "11",
    "post_category": "1",
    "post_grade": "110",
}

# The steps that lead to a state, each with the party that took it and the state it led to.
_ASKED = (("apply", "info", "draft"), ("submit", "info", "pending_in_authority"))
_ISSUED = (*_ASKED, ("issue", "authority", "pending_out_school"))
_RELEASED = (*_ISSUED, ("release", "sending_head", "pending_out_authority"))
_CONFIRMED = (*_RELEASED, ("confirm", "sending_authority", "ready_to_take"))
PATHS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "draft": _ASKED[:1],
    "pending_in_authority": _ASKED,
    "pending_out_school": _ISSUED,
    "pending_out_authority": _RELEASED,
    "ready_to_take": _CONFIRMED,
    "completed": (*_CONFIRMED, ("take", "info", "completed")),
    "rejected": (*_ISSUED, ("reject", "sending_head", "rejected")),
    "withdrawn": (*_ASKED, ("withdraw", "info", "withdrawn")),
    "cancelled": (*_CONFIRMED, ("cancel", "info", "cancelled")),
}
WITH_REASON = frozenset({"reject", "cancel"})


@dataclass(frozen=True)
class TransferRef:
    """A transfer; plain values, good in any session. `school` is the receiving one."""

    id: int
    file: TeacherRef
    school: str
    school_id: int
    state: str
    opened_by: int
    issued: bool

    @property
    def from_school(self) -> str:
        """The key of the sending school in the world."""
        return self.file.school

    @property
    def from_school_id(self) -> int:
        """The sending school."""
        return self.file.school_id

    @property
    def teacher_id(self) -> int:
        """The file it is about."""
        return self.file.id


def make_transfer(
    session: Any, world: World, file: TeacherRef, to: str, state: str, **columns: Any
) -> TransferRef:
    """Add a transfer of an effective file to a school of the world."""
    unit, path = world.units[to], PATHS[state]
    issued = any(step == "issue" for step, _party, _state in path)
    parties = _parties(world, file.school, to)
    stamp = now()
    with system():
        made = Transfer(
            uuid=uuid4().hex, teacher_id=file.id, school_id=unit.id,
            authority_id=unit.authority_id, from_school_id=file.school_id,
            from_authority_id=file.authority_id, name=file.name, state=state, version=len(path),
            state_since=stamp, opened_by=parties["info"].account_id,
            opened_at=stamp - timedelta(minutes=10), issued_at=stamp if issued else None,
            **{**APPLICATION, **columns},
        )  # fmt: skip
        session.add(made)
        session.flush()
        if state not in (*CLOSED, TransferState.DRAFT):
            place = {"teacher_id": file.id, "kind": "transfer", "process_id": made.id}
            session.add(OpenProcess(**place))
        _write_history(session, made, parties)
        session.flush()
        ref = TransferRef(made.id, file, to, unit.id, state, parties["info"].account_id, issued)
        session.expire_all()
        return ref


def authority_of(world: World, school: str) -> Actor:
    """The information administrator of the authority over a school of the world."""
    return world.actors["city_info" if school == "U" else f"district_info_{school[0]}"]


def _parties(world: World, start: str, to: str) -> dict[str, Actor]:
    return {
        "info": world.actor("school_info", to),
        "authority": authority_of(world, to),
        "sending_head": world.actor("school_head", start),
        "sending_authority": authority_of(world, start),
    }


def _write_history(session: Any, made: Transfer, parties: Mapping[str, Actor]) -> None:
    old: str | None = None
    for number, (step, party, new) in enumerate(PATHS[made.state], start=1):
        actor = parties[party]
        session.add(
            Transition(
                flow="transfer", object_id=made.id, teacher_id=made.teacher_id, step=step,
                from_state=old, to_state=new, account_id=actor.account_id,
                assignment_id=actor.assignment_id, role=str(actor.role), unit_id=actor.unit_id,
                school_id=made.school_id, authority_id=made.authority_id,
                at=made.opened_at + timedelta(minutes=number),
                reason="不同意" if step in WITH_REASON else None, object_version=number,
            )
        )  # fmt: skip
        session.flush()
        old = new
