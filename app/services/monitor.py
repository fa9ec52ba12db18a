"""Monitoring of a collection: progress by district and school, who is behind, and urging (S62).

A figure counts the files on the rolls. Submitted, confirmed and effective count every file that
has come at least so far, so that each column lies inside the one before it. A school is behind
while a file of it has not been reported, or when it has opened none.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from flask_babel import gettext as _
from sqlalchemy import Select, and_, case, false, func, or_, select, true
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import AUTHORITIES, Role
from app.core.clock import BEIJING, today
from app.core.errors import Forbidden, NotFound, Problem, Refused
from app.models.history import Audit
from app.models.round import Extension, Round
from app.models.teacher import IN_FORCE_STATES, ReviewState, Teacher
from app.models.unit import Unit, UnitKind
from app.services import audit, notice
from app.services.listed import Where, at_least, equals, one_of
from app.services.round import NOT_REPORTED, visible

URGE, URGE_START = "urge", "urge_start"  # The notices, with files open and without any file.
URGED = "urge"  # The act in the audit log, one row per school.
TOLD = (Role.SCHOOL_INFO, Role.SCHOOL_HEAD)
REASON_LENGTH = 500
COMPLETE = 100

REPORTED_STATES = (ReviewState.SCHOOL_CONFIRMED, *IN_FORCE_STATES)
SUBMITTED_STATES = (ReviewState.SUBMITTED, *REPORTED_STATES)

# What each figure of a unit counts, as the list of files says it.
COUNTED: Mapping[str, tuple[Where, ...]] = {
    "expected": (),
    "filled": (at_least("complete_percent", COMPLETE),),
    "submitted": (one_of("state", SUBMITTED_STATES),),
    "confirmed": (one_of("state", REPORTED_STATES),),
    "effective": (one_of("state", IN_FORCE_STATES),),
    "returned": (equals("state", ReviewState.RETURNED),),
    "late": (equals("late", True), one_of("state", NOT_REPORTED)),
}
COUNTS = tuple(COUNTED)
CHOICES = ("all", "behind", "overdue", "nothing", "done")
SORTED_BY = ("name", "code", *COUNTS, "percent", "due")


def _number(test: Any) -> Any:
    return func.coalesce(func.sum(case((test, 1), else_=0)), 0)


def _numbers() -> dict[str, Any]:
    """The figures as columns of a statement over files."""
    tests = {
        "filled": Teacher.complete_percent >= COMPLETE,
        "submitted": Teacher.state.in_(SUBMITTED_STATES),
        "confirmed": Teacher.state.in_(REPORTED_STATES),
        "effective": Teacher.state.in_(IN_FORCE_STATES),
        "returned": Teacher.state == ReviewState.RETURNED,
        "late": and_(Teacher.late, Teacher.state.in_(NOT_REPORTED)),
    }
    return {"expected": func.count()} | {name: _number(test) for name, test in tests.items()}


@dataclass(frozen=True)
class Line:
    """One unit of the table. For an authority `schools` and `behind` count its schools, for a
    school `behind` is 1 or 0 and `due` its own last day."""

    id: int
    code: str
    name: str
    kind: str
    category: str | None
    authority_id: int | None
    expected: int
    filled: int
    submitted: int
    confirmed: int
    effective: int
    returned: int
    late: int
    schools: int
    behind: int
    overdue: int
    due: date
    is_extended: bool = False

    @property
    def percent(self) -> int:
        """How many of a hundred files are effective; full only when all are."""
        return 100 * self.effective // self.expected if self.expected else 0

    @property
    def open(self) -> int:
        """Files that the school has not reported."""
        return self.expected - self.confirmed


class Sums(NamedTuple):
    """Schools by how far they are."""

    all: int = 0
    behind: int = 0
    overdue: int = 0
    nothing: int = 0
    done: int = 0


class Urged(NamedTuple):
    """What became of an urging: schools told, told earlier today, without anybody to tell."""

    told: int
    today: int
    nobody: int


def rounds(session: Session, actor: Actor) -> list[Round]:
    """The rounds an actor can look at: those under way by their deadline, then the closed ones."""
    statement = select(Round)
    condition = visible(actor)
    if condition is not None:
        statement = statement.where(condition)
    found = session.scalars(statement.order_by(Round.id.desc())).all()
    day = today()
    return sorted(found, key=lambda each: (each.closed, each.opens_on > day, each.school_deadline))


def chosen_round(found: Sequence[Round], wanted: int | None) -> Round | None:
    """The round asked for, else the first. Raises NotFound for one that is not among them."""
    if wanted is None:
        return found[0] if found else None
    for each in found:
        if each.id == wanted:
            return each
    raise NotFound()


def files_of(each: Round) -> tuple[Where, ...]:
    """The conditions on the list of files that hold for every figure of a round."""
    wanted = _categories(each)
    conditions = [equals("active", True)]
    if wanted:
        conditions.append(one_of("category", wanted))
    if each.authority_id is not None:
        conditions.append(equals("authority_id", each.authority_id))
    return tuple(conditions)


def _categories(each: Round) -> list[str]:
    return [code for code in each.categories.split(",") if code]


def _asked(each: Round) -> list[Any]:
    """The conditions on the schools a round asks, in operation or not."""
    tests = [Unit.kind == UnitKind.SCHOOL]
    if wanted := _categories(each):
        tests.append(Unit.category.in_(wanted))
    if each.authority_id is not None:
        tests.append(Unit.authority_id == each.authority_id)
    return tests


def schools(each: Round, *, authority: int | None = None, school: int | None = None) -> Any:
    """The schools of a round with their figures and dates, as a subquery in the actor's scope.

    A school that is closed counts as long as it has files.
    """
    numbers = _numbers()
    files = select(Teacher.school_id, *(n.label(name) for name, n in numbers.items()))
    files = files.where(Teacher.active).group_by(Teacher.school_id)
    places = _asked(each)
    if authority is not None:
        files = files.where(Teacher.authority_id == authority)
        places.append(Unit.authority_id == authority)
    if school is not None:
        files = files.where(Teacher.school_id == school)
        places.append(Unit.id == school)
    counted = files.subquery()
    got = {name: func.coalesce(counted.c[name], 0) for name in COUNTS}
    longer = and_(Extension.round_id == each.id, Extension.unit_id == Unit.id)
    is_extended = func.coalesce(Extension.until > each.school_deadline, false())
    due = case((is_extended, Extension.until), else_=each.school_deadline)
    is_behind = or_(got["confirmed"] < got["expected"], got["expected"] == 0)
    is_overdue = and_(is_behind, due < today())
    return (
        select(
            Unit.id,
            Unit.code,
            Unit.name,
            Unit.name_en,
            Unit.kind,
            Unit.category,
            Unit.authority_id,
            *(value.label(name) for name, value in got.items()),
            due.label("due"),
            is_extended.label("is_extended"),
            case((is_behind, 1), else_=0).label("behind"),
            case((is_overdue, 1), else_=0).label("overdue"),
        )
        .outerjoin(counted, counted.c.school_id == Unit.id)
        .outerjoin(Extension, longer)
        .where(*places, or_(Unit.active, got["expected"] > 0))
        .subquery()
    )


def narrowed(table: Any, *, text: str = "", category: str = "", show: str = "all") -> Select[Any]:
    """The rows of `schools` that a filter lets through."""
    tests = [_shows(table, show)]
    if text:
        pattern = "%" + text.replace("/", "//").replace("%", "/%").replace("_", "/_") + "%"
        columns = (table.c.name, table.c.code, table.c.name_en)
        tests.append(or_(*(column.ilike(pattern, escape="/") for column in columns)))
    if category:
        tests.append(table.c.category == category)
    return select(table).where(*tests)


def _shows(table: Any, show: str) -> Any:
    tests = {
        "behind": table.c.behind == 1,
        "overdue": table.c.overdue == 1,
        "nothing": table.c.confirmed == 0,
        "done": table.c.behind == 0,
    }
    return tests.get(show, true())


def sums(session: Session, statement: Select[Any]) -> Sums:
    """Count the schools of a filter by how far they are, in one statement."""
    table = statement.subquery()
    found = session.execute(
        select(
            func.count(),
            *(_number(_shows(table, name)) for name in ("behind", "overdue", "nothing", "done")),
        ).select_from(table)
    ).one()
    return Sums(*found)


def ordered(statement: Select[Any], column: str, direction: str) -> Select[Any]:
    """Sort the schools; those furthest behind come first unless asked otherwise."""
    table = statement.selected_columns
    share = case((table.expected > 0, table.effective * 1.0 / table.expected), else_=0.0)
    key = share if column in ("", "percent") else table[column]
    return statement.order_by(key.desc() if direction == "desc" else key, table.id)


def lines(session: Session, statement: Select[Any]) -> list[Line]:
    """The schools of a statement."""
    return [
        Line(
            id=row.id,
            code=row.code,
            name=row.name,
            kind=row.kind,
            category=row.category,
            authority_id=row.authority_id,
            **{name: row._mapping[name] for name in COUNTS},
            schools=1,
            behind=row.behind,
            overdue=row.overdue,
            due=row.due,
            is_extended=bool(row.is_extended),
        )
        for row in session.execute(statement)
    ]


def authorities(session: Session, each: Round) -> list[Line]:
    """The authorities with schools in a round, as the city looks at them."""
    table = schools(each)
    grouped = select(
        table.c.authority_id,
        func.count().label("schools"),
        *(func.sum(table.c[name]).label(name) for name in (*COUNTS, "behind", "overdue")),
    ).group_by(table.c.authority_id)
    numbers = {row.authority_id: row._mapping for row in session.execute(grouped)}
    units = session.scalars(select(Unit).where(Unit.id.in_(numbers)).order_by(Unit.code))
    names = ("schools", *COUNTS, "behind", "overdue")
    return [
        Line(
            id=unit.id,
            code=unit.code,
            name=unit.name,
            kind=unit.kind,
            category=None,
            authority_id=unit.authority_id,
            due=each.school_deadline,
            is_extended=False,
            **{name: int(numbers[unit.id][name]) for name in names},
        )
        for unit in units
    ]


def may_urge(actor: Actor, each: Round) -> bool:
    """Whether an actor urges the schools of a round: an authority, while the round is open."""
    return actor.role in AUTHORITIES and not each.closed and each.opens_on <= today()


def urge(
    session: Session,
    actor: Actor,
    each: Round,
    statement: Select[Any],
    *,
    words: str = "",
) -> Urged:
    """Urge the schools of a statement that are behind, each at most once a day, and record it.

    The information administrator and the head of each school get a notice with the number of
    files that are not reported. Schools that are done are left alone. Raises Forbidden for all
    but the authorities, Refused for a round that is not open or words above 500 characters.
    """
    if actor.role not in AUTHORITIES:
        raise Forbidden()
    if not may_urge(actor, each):
        raise Refused(_("This round is not open: nobody can be urged."))
    words = " ".join(words.split())
    if len(words) > REASON_LENGTH:
        text = _("Write at most 500 characters.")
        raise Refused(problems=[Problem("reason", text, field="reason")])
    # Two who urge at once take turns, so that nobody is told twice.
    session.execute(select(Round.id).where(Round.id == each.id).with_for_update())
    statement = statement.where(statement.selected_columns.behind == 1)
    behind = {line.id: line.open for line in lines(session, statement)}
    earlier = urged_at(session, behind)
    day = today()
    fresh = {key for key in behind if key not in earlier or _day(earlier[key]) < day}
    accounts = notice.accounts_of(session, fresh, TOLD)
    told = {key: found for key in sorted(fresh) if (found := accounts.get(key))}
    for event, chosen in (
        (URGE, {key for key in told if behind[key]}),
        (URGE_START, {key for key in told if not behind[key]}),
    ):
        params = {key: {"count": behind[key], "reason": words} for key in chosen}
        notice.send_to_units(session, event, {key: told[key] for key in chosen}, params)
    audit.record_many(
        session,
        URGED,
        actor=actor,
        objects=[("unit", key) for key in told],
        reason=words or None,
        detail={"round": each.id},
    )
    return Urged(len(told), len(behind) - len(fresh), len(fresh) - len(told))


def urged_at(session: Session, units: Collection[int]) -> dict[int, datetime]:
    """When each of the schools was urged last, by whomever; those never urged are left out."""
    keys = [str(key) for key in sorted(units)]
    if not keys:
        return {}
    # The log is closed to those who urge; of it only these moments come out.
    rows = session.execute(
        select(Audit.object_id, func.max(Audit.at))
        .where(Audit.object_type == "unit", Audit.object_id.in_(keys), Audit.act == URGED)
        .group_by(Audit.object_id)
        .execution_options(unscoped=True)
    )
    return {int(str(key)): at for key, at in rows}


def _day(moment: datetime) -> date:
    return moment.astimezone(BEIJING).date()
