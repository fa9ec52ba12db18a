"""Accounts that anybody may try: readable names, one password, all marked as demo."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, case, func, select, update
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from app.access.roles import CITY, DISTRICT, SCHOOL, Role
from app.demo import ids
from app.demo.file import File
from app.demo.schools import PlannedUnit
from app.demo.store import Columns, Writer
from app.models.account import Account, Assignment
from app.models.teacher import Teacher
from app.models.unit import Unit

DEMO_PASSWORD = "Demo-2026-bj"  # noqa: S105  printed at the start of the demo, and nowhere else valid
ACCOUNTS: Table = Account.__table__
ASSIGNMENTS: Table = Assignment.__table__
SHORT = {
    Role.CITY_SYSTEM: "system", Role.CITY_AUDIT: "audit", Role.CITY_INFO: "info",
    Role.CITY_ASSISTANT: "assistant", Role.DISTRICT_SYSTEM: "system", Role.DISTRICT_INFO: "info",
    Role.SCHOOL_SYSTEM: "system", Role.SCHOOL_INFO: "info", Role.SCHOOL_HEAD: "head",
}  # fmt: skip


@cache
def password_hash() -> str:
    """The hash of the one password, made once: scrypt takes a tenth of a second."""
    return generate_password_hash(DEMO_PASSWORD)


def username(role: str, unit: PlannedUnit) -> str:
    """city_info, d110108_info, s9908000006_head."""
    end = SHORT[Role(role)]
    if role in CITY:
        return f"city_{end}"
    return f"{'d' if role in DISTRICT else 's'}{unit.code}_{end}".lower()


class Register:
    """Gives accounts and assignments their numbers and hands them to the writer.

    `holder(unit, role)` tells who acts: account and assignment.
    """

    def __init__(
        self, writer: Writer, *, first_account: int, first_assignment: int, day: date
    ) -> None:
        self._writer = writer
        self._account, self._assignment = first_account, first_assignment
        self._since = day - timedelta(days=900)
        self._created = datetime.combine(self._since, time(8))  # noqa: DTZ901  as the framework has it
        self._staff: dict[tuple[int, str], tuple[int, int]] = {}
        self._teachers: dict[int, tuple[int, int]] = {}
        self._linked: list[tuple[int, int]] = []
        self._deputies: dict[int, tuple[int, int]] = {}
        self.city_id = 0

    def holder(self, unit_id: int, role: str) -> tuple[int, int]:
        """Account and assignment of a role in a unit."""
        return self._staff[unit_id, role]

    def party(self, file: File, party: str) -> tuple[int | None, str, int | None, int | None]:
        """Unit, role, account and assignment of who took a step of a file."""
        if party == "system":
            return None, "system", None, None
        unit = file.unit
        if party == "teacher" and file.id in self._teachers:
            return unit.id, str(Role.TEACHER), *self._teachers[file.id]
        decides = Role.CITY_INFO if unit.authority_id == self.city_id else Role.DISTRICT_INFO
        role, place = {
            "head": (Role.SCHOOL_HEAD, unit.id),
            "authority": (decides, int(unit.authority_id or 0)),
            "city": (Role.CITY_INFO, self.city_id),
        }.get(party, (Role.SCHOOL_INFO, unit.id))
        holder = self.holder(place, role)
        if holder[0] == file.account:
            # Nobody decides on their own file: the head's one goes to the deputy.
            holder = self._deputies.get(place, holder)
        return place, str(role), *holder

    def add_deputy(self, unit: PlannedUnit, since: date, until: date) -> None:
        """Let a deputy act as head of a school for a while."""
        _account, assignment = self.holder(unit.id, Role.SCHOOL_HEAD)
        deputy = self.add_account(f"s{unit.code}_deputy".lower(), unit.deputy)
        self._deputies[unit.id] = (
            deputy,
            self.assign(
                deputy,
                Role.SCHOOL_HEAD,
                unit.id,
                since=since,
                until=until,
                delegated_from=assignment,
            ),
        )

    def add_teacher(self, file: File, name: str) -> int:
        """Add a teacher's own account; returns it."""
        account = self.add_account(name, file.life.name, teacher_id=file.id)
        return self.open_file(file, account)

    def open_file(self, file: File, account: int) -> int:
        """Let an account act as the teacher of a file."""
        assignment = self.assign(account, Role.TEACHER, file.unit.id)
        self._teachers[file.id] = account, assignment
        return account

    def link(self, account: int, teacher_id: int) -> None:
        """Remember that an account written earlier belongs to a teacher written later."""
        self._linked.append((account, teacher_id))

    def write_links(self, connection: Connection) -> None:
        """Write the remembered links, when the teachers are there."""
        for account, teacher_id in self._linked:
            connection.execute(
                update(ACCOUNTS).where(ACCOUNTS.c.id == account).values(teacher_id=teacher_id)
            )

    def add_staff(self, unit: PlannedUnit, role: str, name: str) -> int:
        """Add who holds a role in a unit; returns the account."""
        account = self.add_account(username(role, unit), name)
        self._staff[unit.id, role] = account, self.assign(account, role, unit.id)
        return account

    def add_account(self, name: str, person: str, *, teacher_id: int | None = None) -> int:
        """Add an account; the family name stands in its own column."""
        number = self._account
        self._account += 1
        compound = person[:2] in ("欧阳", "上官", "司徒")
        last, first = (person[:2], person[2:]) if compound else (person[:1], person[1:])
        row: Columns = {
            "id": number,
            "username": name,
            "first_name": first,
            "last_name": last,
            "email": ids.mail(name),
            "password": password_hash(),
            "active": True,
            "teacher_id": teacher_id,
            "is_demo": True,
            "created_on": self._created,
            "changed_on": self._created,
            "login_count": 0,
            "fail_login_count": 0,
        }
        self._writer.add(ACCOUNTS, row)
        return number

    def assign(
        self,
        account: int,
        role: str,
        unit_id: int,
        *,
        since: date | None = None,
        until: date | None = None,
        delegated_from: int | None = None,
    ) -> int:
        """Add an assignment; returns its number."""
        number = self._assignment
        self._assignment += 1
        self._writer.add(
            ASSIGNMENTS,
            {
                "id": number,
                "account_id": account,
                "role": str(role),
                "unit_id": unit_id,
                "valid_from": since or self._since,
                "valid_to": until,
                "delegated_from": delegated_from,
            },
        )
        return number


def add_authority(register: Register, unit: PlannedUnit, names: Sequence[str]) -> None:
    """The accounts of the city or of a district; `names` holds one for each of its roles."""
    roles = CITY if unit.authority_id is None else DISTRICT
    if roles is CITY:
        register.city_id = unit.id
    for role, name in zip([each for each in Role if each in roles], names, strict=False):
        register.add_staff(unit, role, name)


def add_school(register: Register, unit: PlannedUnit) -> None:
    """The three accounts that every school has."""
    for role in SCHOOL_ROLES:
        register.add_staff(unit, role, unit.people[role])


SCHOOL_ROLES = tuple(role for role in Role if role in SCHOOL)


def demo_accounts(session: Session, *, limit_per_role: int | None = None) -> list[dict[str, Any]]:
    """The demo accounts by role: username, password, role, org and org_code, as JSON values.

    A person with several assignments stands here once for each. `limit_per_role` keeps the first
    ones of each role.
    """
    # Of the teachers those come first who have something to fill in.
    waiting = case((Teacher.state == "draft", 0), (Teacher.state == "returned", 1), else_=2)
    order_by = (waiting, Assignment.id)
    rank = func.row_number().over(partition_by=Assignment.role, order_by=order_by)
    found = (
        select(Account.username, Assignment.role, Unit.name, Unit.code, rank.label("rank"))
        .join(Assignment, Assignment.account_id == Account.id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .outerjoin(Teacher, Teacher.id == Account.teacher_id)
        .where(Account.is_demo)
        .subquery()
    )
    statement = select(found)
    if limit_per_role is not None:
        statement = statement.where(found.c.rank <= limit_per_role)
    order = {role: number for number, role in enumerate(Role)}
    rows = session.execute(statement.execution_options(unscoped=True)).all()
    rows = sorted(rows, key=lambda row: (order[Role(row.role)], row.rank))
    return [
        {
            "username": row.username,
            "password": DEMO_PASSWORD,
            "role": row.role,
            "org": row.name,
            "org_code": row.code,
        }
        for row in rows
    ]
