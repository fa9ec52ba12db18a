"""The tables of the flows as the specification has them, copied by hand, and what a test needs to
walk one: every state, step, role and place."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select

from app.access.actor import Actor, acting_as, system
from app.access.roles import Role
from app.core.errors import AppError
from app.extensions import db
from app.models.account import Account
from app.models.history import Transition
from app.workflows import WORKFLOWS
from tests.transfers import PLACED

DRAFT, SUBMITTED, RETURNED, CONFIRMED, EFFECTIVE, ACCEPTED, REPORTED = (
    "draft", "submitted", "returned", "school_confirmed", "effective", "city_accepted", "reported",
)  # fmt: skip
SCHOOL, AUTHORITY = "pending_school", "pending_authority"
APPROVED, REJECTED, WITHDRAWN, SUPERSEDED = "approved", "rejected", "withdrawn", "superseded"
SCHEDULED, REVOKED = "scheduled", "revoked"


@dataclass(frozen=True)
class Row:
    """A row of a table of the specification."""

    number: str
    step: str
    sources: tuple[str, ...]
    target: str | None
    parties: tuple[str, ...]


def parties_of(actor: Actor, item: Any, world: Any) -> set[str]:
    """What an actor is to an object of a school; written anew, not taken from the workflow."""
    unit = world.units[item.school]
    names = {
        Role.SCHOOL_INFO: ("info", unit.id),
        Role.SCHOOL_HEAD: ("head", unit.id),
        Role.TEACHER: ("teacher", unit.id),
        Role.DISTRICT_INFO: ("authority", unit.authority_id),
        Role.CITY_INFO: ("authority", unit.authority_id),
    }
    name, place = names.get(actor.role, ("", None))
    found = {name} if actor.unit_id == place else set()
    if hasattr(item, "from_school"):
        start = world.units[item.from_school]
        sending = {"head": start.id, "authority": start.authority_id}
        found |= {f"sending {name}"} if actor.unit_id == sending.get(name) else set()
    if actor.role == Role.CITY_INFO:
        found |= {"city"} if item.school == "U" else {"city", "city for a district"}
    if found & {"info", "teacher"} and actor.account_id == getattr(item, "opened_by", None):
        found.add("submitter")
    return found


def sees(actor: Actor, school: str, world: Any) -> bool:
    """Whether the objects of a school lie in the scope of an actor."""
    unit = world.units[school]
    if actor.role in (Role.CITY_INFO, Role.CITY_ASSISTANT):
        return True
    if actor.role == Role.DISTRICT_INFO:
        return actor.unit_id == unit.authority_id
    own = (Role.SCHOOL_INFO, Role.SCHOOL_HEAD, Role.TEACHER)
    return actor.role in own and actor.unit_id == unit.id


def is_seen(actor: Actor, item: Any, world: Any) -> bool:
    """Whether an object lies in the scope of an actor; the sending side sees what is issued, and
    so does the teacher, who belongs to it."""
    if not hasattr(item, "from_school"):
        return sees(actor, item.school, world)
    sending = item.issued and sees(actor, item.from_school, world)
    return sending or (actor.role != Role.TEACHER and sees(actor, item.school, world))


@dataclass(frozen=True)
class Table:
    """A flow as the specification has it. `inputs` are those that its steps need, `own_affairs`
    the steps that decide nothing."""

    name: str
    rows: tuple[Row, ...]
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    own_affairs: frozenset[str] = frozenset()

    @property
    def flow(self) -> Any:
        """The flow under test."""
        return WORKFLOWS[self.name]

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the steps."""
        return tuple(dict.fromkeys(row.step for row in self.rows))

    def rows_for(self, actor: Actor, item: Any, step: str, world: Any) -> list[Row]:
        """The rows of a step to which an actor is a party."""
        mine = parties_of(actor, item, world)
        return [row for row in self.rows if row.step == step and mine & set(row.parties)]

    def expected(self, actor: Actor, item: Any, state: str, step: str, world: Any) -> int:
        """The status of the specification: 404 unseen, 403 not a party, 409 another state."""
        if not is_seen(actor, item, world):
            return 404
        rows = self.rows_for(actor, item, step, world)
        if not rows:
            return 403
        return 200 if any(state in row.sources for row in rows) else 409

    def target(self, state: str, step: str, school: str) -> str:
        """The state that a step leads to."""
        row = next(each for each in self.rows if each.step == step and state in each.sources)
        # 1.9 and 1.10 are one act where the city itself is the authority.
        if (self.name, step, school) == ("review", "approve", "U"):
            return ACCEPTED
        return row.target or state


REVIEW_TABLE = Table(
    "review",
    (
        Row("1.3", "submit", (DRAFT, RETURNED), SUBMITTED, ("teacher", "info")),
        Row("1.4", "return_to_teacher", (SUBMITTED,), RETURNED, ("info", "head")),
        Row("1.5", "withdraw", (SUBMITTED,), DRAFT, ("teacher", "info")),
        Row("1.6", "confirm", (SUBMITTED,), CONFIRMED, ("head",)),
        Row("1.7", "withdraw_report", (CONFIRMED,), SUBMITTED, ("head",)),
        Row("1.8", "return", (CONFIRMED,), RETURNED, ("authority",)),
        Row("1.9", "approve", (CONFIRMED,), EFFECTIVE, ("authority",)),
        Row("1.10", "accept", (EFFECTIVE,), ACCEPTED, ("city for a district",)),
        Row("1.11", "require_correction", (EFFECTIVE, ACCEPTED), None, ("city",)),
        Row("1.12", "report", (ACCEPTED,), REPORTED, ("city",)),
        Row("1.13", "reopen", (REPORTED,), ACCEPTED, ("system",)),
    ),
    {
        "submit": {"declared": True},
        "approve": {"scope_checked": True},
        "return_to_teacher": {"reason": "请核对"},
        "return": {"reason": "请核对"},
        "require_correction": {"reason": "请更正"},
    },
    frozenset({"submit", "withdraw"}),  # Filling in is not deciding.
)

ADDITION_TABLE = Table(
    "addition",
    (
        Row("2.3", "confirm", (SCHOOL,), AUTHORITY, ("head",)),
        Row("2.4", "reject", (SCHOOL,), REJECTED, ("head",)),
        Row("2.4", "reject", (AUTHORITY,), REJECTED, ("authority",)),
        Row("2.5", "withdraw", (SCHOOL,), WITHDRAWN, ("submitter", "system")),
        Row("2.5", "withdraw", (AUTHORITY,), WITHDRAWN, ("info", "system")),
        Row("2.6", "approve", (AUTHORITY,), APPROVED, ("authority",)),
    ),
    {"reject": {"reason": "不符"}},
    frozenset({"withdraw"}),
)
CHANGE_TABLE = Table(
    "change",
    (
        Row("3.2", "submit", (DRAFT,), AUTHORITY, ("info",)),
        Row("3.3", "withdraw", (AUTHORITY,), WITHDRAWN, ("info",)),
        Row("3.4", "reject", (AUTHORITY,), REJECTED, ("authority",)),
        Row("3.5", "approve", (AUTHORITY,), APPROVED, ("authority",)),
        Row("3.6", "supersede", (DRAFT, AUTHORITY), SUPERSEDED, ("system",)),
    ),
    {"reject": {"reason": "不符"}},
    frozenset({"submit", "withdraw"}),
)
STATUS_TABLE = Table(
    "status_change",
    (
        Row("5.2", "make_effective", (DRAFT, SCHEDULED), EFFECTIVE, ("info", "system")),
        Row("5.2a", "approve", (AUTHORITY,), EFFECTIVE, ("authority",)),
        Row("5.2b", "reject", (AUTHORITY,), REJECTED, ("authority",)),
        Row("5.2c", "withdraw", (AUTHORITY, SCHEDULED), WITHDRAWN, ("info",)),
        Row("5.3", "revoke", (EFFECTIVE,), REVOKED, ("info", "authority")),
    ),
    {"reject": {"reason": "不符"}, "revoke": {"reason": "登记有误"}},
    frozenset({"withdraw"}),
)
OUT, ACTIVE, ENDED, TERMINATED = "pending_out_authority", "active", "ended", "terminated"
ROTATION_TABLE = Table(
    "rotation",
    (
        Row("6.2", "submit", (DRAFT,), OUT, ("info",)),
        Row("6.3", "withdraw", (OUT,), WITHDRAWN, ("info",)),
        Row("6.4", "reject", (OUT,), REJECTED, ("authority",)),
        Row("6.5", "confirm", (OUT,), ACTIVE, ("authority",)),
        Row("6.5", "start", (ACTIVE,), None, ("system",)),
        Row("6.6", "end", (ACTIVE,), ENDED, ("info", "system")),
        Row("6.7", "terminate", (ACTIVE,), TERMINATED, ("info",)),
        # A change of the planned end, confirmed by the authority again (s6.1).
        Row("6.2a", "extend", (ACTIVE,), None, ("info",)),
        Row("6.5a", "confirm_extension", (ACTIVE,), None, ("authority",)),
        Row("6.4a", "reject_extension", (ACTIVE,), None, ("authority",)),
    ),
    {
        "reject": {"reason": "不符"},
        "terminate": {"reason": "工作需要"},
        "extend": {"until": "2099-12"},
        "reject_extension": {"reason": "不符"},
    },
    frozenset({"submit", "withdraw", "end", "terminate", "extend"}),
)
IN_AUTHORITY, OUT_SCHOOL, OUT_AUTHORITY, READY, COMPLETED, CANCELLED = (
    "pending_in_authority", "pending_out_school", "pending_out_authority", "ready_to_take",
    "completed", "cancelled",
)  # fmt: skip
TRANSFER_TABLE = Table(
    "transfer",
    (
        Row("4.2", "submit", (DRAFT,), IN_AUTHORITY, ("info",)),
        Row("4.3", "issue", (IN_AUTHORITY,), OUT_SCHOOL, ("authority",)),
        Row("4.4", "release", (OUT_SCHOOL,), OUT_AUTHORITY, ("sending head",)),
        Row("4.5", "confirm", (OUT_AUTHORITY,), READY, ("sending authority",)),
        Row("4.6", "take", (READY,), COMPLETED, ("info",)),
        Row("4.7", "reject", (IN_AUTHORITY,), REJECTED, ("authority",)),
        Row("4.7", "reject", (OUT_SCHOOL,), REJECTED, ("sending head",)),
        Row("4.7", "reject", (OUT_AUTHORITY,), REJECTED, ("sending authority",)),
        Row("4.8", "withdraw", (DRAFT,), WITHDRAWN, ("info",)),
        Row("4.8", "withdraw", (IN_AUTHORITY,), WITHDRAWN, ("info",)),
        Row("4.8", "withdraw", (OUT_SCHOOL,), WITHDRAWN, ("info",)),
        Row("4.8", "withdraw", (OUT_AUTHORITY,), WITHDRAWN, ("info",)),
        Row("4.9", "cancel", (READY,), CANCELLED, ("info", "city")),
        Row("4.10", "void", (DRAFT,), CANCELLED, ("city",)),
        Row("4.10", "void", (IN_AUTHORITY,), CANCELLED, ("city",)),
        Row("4.10", "void", (OUT_SCHOOL, OUT_AUTHORITY, READY), CANCELLED, ("city",)),
    ),
    {
        "take": PLACED,
        "reject": {"reason": "不同意"},
        "cancel": {"reason": "不再调动"},
        "void": {"reason": "已退休"},
    },
    frozenset({"submit", "withdraw"}),
)
TABLES = (
    REVIEW_TABLE, ADDITION_TABLE, CHANGE_TABLE, STATUS_TABLE, ROTATION_TABLE, TRANSFER_TABLE,
)  # fmt: skip

ROLES = [
    *((str(role), "") for role in Role if role.startswith("city")),
    *((role, unit) for role in ("district_info", "district_system") for unit in "AB"),
    *(
        (role, unit)
        for role in ("school_info", "school_head", "school_system", "teacher")
        for unit in ("A1", "A2", "B1", "U")
    ),
]


def checksum(session: Any, leave_out: Sequence[str] = ()) -> str:
    """A checksum over every row of every table but some."""
    session.flush()
    digest = hashlib.sha256()
    for table in db.metadata.sorted_tables:
        if table.name in leave_out:
            continue
        rows = session.connection().execute(select(table).order_by(*table.primary_key))
        digest.update(table.name.encode())
        for row in rows:
            digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()


def take(session: Any, table: Table, actor: Actor, item: Any, step: str) -> int:
    """Take a step as an actor and return the status."""
    inputs = table.inputs.get(step, {})
    try:
        with acting_as(actor):
            table.flow.perform(session, item.id, step, actor, version=None, **inputs)
    except AppError as refusal:
        return refusal.status
    return 200


def file_of(item: Any) -> int:
    """The file that an object of any flow belongs to."""
    return int(getattr(item, "teacher_id", item.id))


def home_of(item: Any) -> int:
    """The school where the file lies that an object belongs to."""
    return int(getattr(item, "from_school_id", item.school_id))


def as_owner(session: Any, actor: Actor, item: Any) -> Actor:
    """The actor, a teacher of the same school as the person whose file it is."""
    if actor.role != Role.TEACHER or home_of(item) != actor.unit_id:
        return actor
    with system():
        account = session.get(Account, actor.account_id)
        account.teacher_id = file_of(item)
        session.flush()
    return replace(actor, teacher_id=file_of(item))


def submitted_by(session: Any, actor: Actor, file: Any) -> None:
    """Let the history tell that the actor submitted the file: only then may it be withdrawn."""
    last = session.scalars(
        select(Transition).where(Transition.object_id == file.id).order_by(Transition.id)
    ).all()
    values = {c.name: getattr(last[-1], c.name) for c in Transition.__table__.columns}
    again = values | {"id": None, "step": "submit", "account_id": actor.account_id}
    session.add(Transition(**again))
    session.flush()
