"""Additions, changes and status changes of the test world in any state, with rows and history as
the flows leave them; written straight into the tables, so that a test may have dozens of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select, update

from app.access.actor import SYSTEM_ACTOR, Actor, system
from app.core.clock import now, today
from app.models.attachment import Attachment
from app.models.change import OPEN, Addition, Change, ChangeKind
from app.models.history import Transition
from app.models.record import PENDING, TEACHER_SETS
from app.models.status_change import StatusChange
from app.models.teacher import Teacher
from app.services import affiliation
from tests.worlds import TeacherRef, World

DOCTORATE = {
    "education": "11", "education_country": "156", "education_org": "测试大学", "major": "教育学",
    "is_normal": True, "start": "2010-09", "end": "2014-06", "degree_level": "2", "degree": "204",
    "degree_country": "156", "degree_org": "测试大学", "degree_date": "2014-06", "study_mode": "3",
    "study_org_type": "1",
}  # fmt: skip

# The steps that lead to a state, each with the party that took it and the state it led to.
PATHS: Mapping[str, Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    "addition": {
        "pending_school": (("add", "opener", "pending_school"),),
        "pending_authority": (
            ("add", "opener", "pending_school"),
            ("confirm", "head", "pending_authority"),
        ),
        "approved": (
            ("add", "opener", "pending_school"),
            ("confirm", "head", "pending_authority"),
            ("approve", "authority", "approved"),
        ),
        "rejected": (("add", "opener", "pending_school"), ("reject", "head", "rejected")),
        "withdrawn": (("add", "opener", "pending_school"), ("withdraw", "opener", "withdrawn")),
    },
    "change": {
        "draft": (("open", "opener", "draft"),),
        "pending_authority": (
            ("open", "opener", "draft"),
            ("submit", "opener", "pending_authority"),
        ),
        "approved": (
            ("open", "opener", "draft"),
            ("submit", "opener", "pending_authority"),
            ("approve", "authority", "approved"),
        ),
        "rejected": (
            ("open", "opener", "draft"),
            ("submit", "opener", "pending_authority"),
            ("reject", "authority", "rejected"),
        ),
        "withdrawn": (
            ("open", "opener", "draft"),
            ("submit", "opener", "pending_authority"),
            ("withdraw", "opener", "withdrawn"),
        ),
        "superseded": (("open", "opener", "draft"), ("supersede", "system", "superseded")),
    },
    "status_change": {
        "draft": (("register", "opener", "draft"),),
        "pending_authority": (
            ("register", "opener", "draft"),
            ("make_effective", "opener", "pending_authority"),
        ),
        "scheduled": (
            ("register", "opener", "draft"),
            ("make_effective", "opener", "pending_authority"),
            ("approve", "authority", "scheduled"),
        ),
        "effective": (
            ("register", "opener", "draft"),
            ("make_effective", "opener", "effective"),
        ),
        "rejected": (
            ("register", "opener", "draft"),
            ("make_effective", "opener", "pending_authority"),
            ("reject", "authority", "rejected"),
        ),
        "withdrawn": (
            ("register", "opener", "draft"),
            ("make_effective", "opener", "pending_authority"),
            ("withdraw", "opener", "withdrawn"),
        ),
        "revoked": (
            ("register", "opener", "draft"),
            ("make_effective", "opener", "effective"),
            ("revoke", "opener", "revoked"),
        ),
    },
}


@dataclass(frozen=True)
class ProcessRef:
    """A process; plain values, good in any session."""

    id: int
    uuid: str
    file: TeacherRef
    flow: str
    state: str
    opened_by: int
    record: str

    @property
    def school(self) -> str:
        """The key of the school in the world."""
        return self.file.school

    @property
    def school_id(self) -> int:
        """The school."""
        return self.file.school_id

    @property
    def teacher_id(self) -> int:
        """The file it is about."""
        return self.file.id


def make_process(
    session: Any,
    world: World,
    file: TeacherRef,
    flow: str,
    state: str,
    *,
    set_code: str = "learning",
    kind: str = "",
    opener: Actor | None = None,
    reason: str | None = "登记有误",
    correction_id: int | None = None,
    row: int = 0,
    values: Mapping[str, Any] | None = None,
) -> ProcessRef:
    """Add an addition or change of an effective file.

    A change is of the row of that number in the set; without `values` an addition is a doctorate
    and a change of the major. The opener is the school's information administrator.
    """
    kind = kind or (ChangeKind.ADD if flow == "addition" else ChangeKind.MODIFY)
    opener = opener or world.actor("school_info", file.school)
    values = values or (DOCTORATE if kind == ChangeKind.ADD else {"major": "另一专业"})
    with system():
        cls = TEACHER_SETS[set_code]
        before = None
        if kind != ChangeKind.ADD:
            mine = select(cls).where(cls.teacher_id == file.id, cls.as_of()).order_by(cls.id)
            before = session.scalars(mine).all()[row]
        stamp = now()
        uuid = before.uuid if before is not None else uuid4().hex
        if kind != ChangeKind.DELETE:
            proposed = _proposed(file, cls, before, uuid, values)
            is_open, in_force = state in OPEN, state == "approved"
            proposed.state = PENDING if is_open else "effective" if in_force else state
            proposed.valid_from = None if is_open else stamp
            proposed.valid_to = None if is_open or in_force else stamp
        if state == "approved" and before is not None:
            ended = update(cls.__table__).where(cls.__table__.c.id == before.id)
            session.execute(ended.values(valid_to=stamp, version=before.version + 1))
        if kind != ChangeKind.DELETE:
            session.add(proposed)
        model = Addition if flow == "addition" else Change
        made = model(
            uuid=uuid4().hex, teacher_id=file.id, school_id=file.school_id,
            authority_id=file.authority_id, kind=kind, set=set_code, record_uuid=uuid,
            before_id=before.id if before is not None else None,
            fields=[] if kind == ChangeKind.DELETE else list(values), state=state,
            version=len(PATHS[flow][state]), state_since=stamp, reason=reason,
            correction_id=correction_id, opened_by=opener.account_id,
            opened_role=str(opener.role), opened_at=stamp - timedelta(minutes=5),
        )  # fmt: skip
        session.add(made)
        session.flush()
        _write_history(session, world, made, file, opener)
        session.expire_all()
        return ProcessRef(made.id, made.uuid, file, flow, state, opener.account_id, uuid)


def make_status_change(
    session: Any,
    world: World,
    file: TeacherRef,
    state: str,
    *,
    opener: Actor | None = None,
    **columns: Any,
) -> ProcessRef:
    """Add a status change of an effective file who serves: sick leave from today, unless `columns`
    say otherwise. One in force stands in the file and its affiliation as well."""
    opener = opener or world.actor("school_info", file.school)
    with system():
        stamp = now()
        usual = {"from_status": "100", "to_status": "203", "effective_date": today()}
        usual |= {"on_its_day": False}
        made = StatusChange(
            uuid=uuid4().hex, teacher_id=file.id, school_id=file.school_id,
            authority_id=file.authority_id, state=state, state_since=stamp,
            version=len(PATHS["status_change"][state]), reason="按规定办理", ended_roles=[],
            opened_by=opener.account_id, opened_role=str(opener.role),
            opened_at=stamp - timedelta(minutes=5), **usual | columns,
        )  # fmt: skip
        session.add(made)
        session.flush()
        if state == "effective":
            session.get_one(Teacher, file.id).staff_status = made.to_status
            affiliation.restate(session, [file.id], status=made.to_status, at=stamp)
        _write_history(session, world, made, file, opener)
        session.expire_all()
        return ProcessRef(
            made.id, made.uuid, file, "status_change", state, opener.account_id, made.uuid
        )


def _proposed(file: TeacherRef, cls: Any, before: Any, uuid: str, values: Any) -> Any:
    made = cls(
        uuid=uuid, teacher_id=file.id, school_id=file.school_id, authority_id=file.authority_id
    )
    for code, value in {**(before.values() if before is not None else {}), **values}.items():
        made.put(code, value)
    return made


def _write_history(session: Any, world: World, made: Any, file: TeacherRef, opener: Actor) -> None:
    authority = "city_info" if file.school == "U" else f"district_info_{file.school[0]}"
    parties = {
        "opener": opener,
        "head": world.actor("school_head", file.school),
        "authority": world.actors[authority],
        "system": SYSTEM_ACTOR,
    }
    old: str | None = None
    for number, (step, party, new) in enumerate(PATHS[made.flow][made.state], start=1):
        actor = parties[party]
        session.add(
            Transition(
                flow=made.flow, object_id=made.id, teacher_id=made.teacher_id, step=step,
                from_state=old, to_state=new, account_id=actor.account_id or None,
                assignment_id=actor.assignment_id, role=str(actor.role),
                unit_id=actor.unit_id or None, school_id=made.school_id,
                authority_id=made.authority_id, at=made.opened_at + timedelta(minutes=number),
                reason="不符" if step == "reject" else None, object_version=number,
            )
        )  # fmt: skip
        session.flush()
        old = new


def prove(session: Any, ref: ProcessRef, *, stored_name: str = "0" * 32) -> str:
    """Attach a document to an addition or change; returns its uuid."""
    with system():
        kept = Attachment(
            set="status_change" if ref.flow == "status_change" else "record_change",
            field="evidence", record_uuid=ref.uuid, name="证明.pdf",
            mime="application/pdf", size=8, digest="0" * 64, stored_name=stored_name,
            uploaded_by=ref.opened_by, at=now(), teacher_id=ref.file.id,
            school_id=ref.file.school_id, authority_id=ref.file.authority_id,
        )  # fmt: skip
        session.add(kept)
        session.flush()
        return str(kept.uuid)
