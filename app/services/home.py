"""Home: what waits for an actor and how far the unit is, each figure with the list behind it.

Every figure says which rows of which list it counts (services.listed); the page turns that into
an address, so that the list opened by a figure has exactly as many rows. All figures about files
come from one statement, grouped by state and authority.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.access.fields import may_edit_set, may_view_set
from app.access.roles import AUTHORITIES, STAFF, SYSTEM, Role
from app.access.scope import Actor
from app.core import clock
from app.indicators.catalog import Catalog, catalog
from app.models.account import Assignment
from app.models.correction import Correction
from app.models.history import Audit
from app.models.job import Job, JobState
from app.models.notice import Notice
from app.models.round import Round
from app.models.teacher import IN_FORCE_STATES, FileProblem, ReviewState, Teacher
from app.models.unit import Unit, UnitKind
from app.services import check, export_right, monitor, queue
from app.services import round as terms
from app.services.listed import Where, at_least, at_most, equals, one_of
from app.services.review import is_the_teachers

ROUNDS = 3  # Rounds under way that the page tells of.
NOTICES = 3
COMPLETE = 100
SOON = timedelta(days=30)  # An assignment that ends within this time is pointed out.
WEEK = timedelta(days=6)  # Today and the six days before it.
MISSING = "DQ075"  # The rule that names what is required and not there.


@dataclass(frozen=True)
class Figure:
    """A number with the list that has exactly so many rows. `tone` is "bad" for what is wrong."""

    key: str
    label: Any
    count: int
    list: str
    where: tuple[Where, ...] = ()
    note: Any = ""
    tone: str = ""


@dataclass(frozen=True)
class TodoItem:
    """One kind of work that waits: how much, since when, and the list of exactly that.

    `overdue` says that the oldest waits longer than the parameter reminder_working_days, or past
    the last day of the unit.
    """

    key: str
    label: Any
    count: int
    list: str
    where: tuple[Where, ...] = ()
    oldest: datetime | None = None
    overdue: bool = False
    icon: str = "file-check"
    note: Any = ""


@dataclass(frozen=True)
class RoundLine:
    """A round under way as it concerns the actor: `due` is the own last day."""

    id: int
    name: str
    due: date
    stage: Any
    is_extended: bool
    behind: int | None = None
    schools: int | None = None

    @property
    def days_left(self) -> int:
        """Days until the last day; negative when it has passed."""
        return (self.due - clock.today()).days


class _Kind(NamedTuple):
    """Files of the queue in one state, as they wait for some roles. `ages`: those that wait too
    long are overdue; `faulty`: only the files with errors."""

    key: str
    label: Any
    icon: str
    state: ReviewState
    roles: frozenset[Role]
    ages: bool = True
    faulty: bool = False


State = ReviewState
CLERK, HEAD = frozenset({Role.SCHOOL_INFO}), frozenset({Role.SCHOOL_HEAD})
CITY, ASSISTANT = frozenset({Role.CITY_INFO}), frozenset({Role.CITY_ASSISTANT})
BACK, FILE, HERS = "arrow-back-up", "file-check", "user-check"
QUEUED: tuple[_Kind, ...] = (
    _Kind("returned", _l("Returned files to correct"), BACK, State.RETURNED, CLERK),
    _Kind(
        "faulty",
        _l("Submitted files with errors"),
        "alert-circle",
        State.SUBMITTED,
        CLERK,
        faulty=True,
    ),
    _Kind("draft", _l("Files to complete and submit"), "pencil", State.DRAFT, CLERK, ages=False),
    _Kind("confirm", _l("Files to confirm and report"), FILE, State.SUBMITTED, HEAD),
    _Kind("review", _l("Files to review"), FILE, State.SCHOOL_CONFIRMED, AUTHORITIES),
    _Kind("opinion", _l("Files under review"), FILE, State.SCHOOL_CONFIRMED, ASSISTANT),
    _Kind("heads", _l("Files of heads to confirm"), HERS, State.SUBMITTED, AUTHORITIES),
    _Kind("accept", _l("Effective files to accept"), "checks", State.EFFECTIVE, CITY),
    _Kind(
        "report",
        _l("Accepted files to report to the Ministry"),
        "building-bank",
        State.CITY_ACCEPTED,
        CITY,
        ages=False,
    ),
)


@dataclass(frozen=True)
class _Group:
    """Files on the rolls in one state, all of them or those of the actor's queue."""

    state: str
    count: int
    complete: int
    faulty: int
    oldest: datetime | None
    oldest_faulty: datetime | None


class Home:
    """What the home page of one actor shows; everything is read once, when it is asked for."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self.session, self.actor = session, actor

    @cached_property
    def known(self) -> Catalog:
        """The catalogue in force."""
        return catalog(self.session)

    @cached_property
    def _groups(self) -> list[_Group]:
        return self._by_state(Teacher.active)

    def _by_state(self, condition: Any) -> list[_Group]:
        faulty = Teacher.error_count > 0
        rows = self.session.execute(
            select(
                Teacher.state,
                func.count(),
                func.sum(case((Teacher.complete_percent >= COMPLETE, 1), else_=0)),
                func.sum(case((faulty, 1), else_=0)),
                func.min(Teacher.state_since),
                func.min(case((faulty, Teacher.state_since))),
            )
            .where(condition)
            .group_by(Teacher.state)
        )
        return [_Group(*row) for row in rows]

    def _of(self, states: Iterable[str]) -> list[_Group]:
        wanted = {str(state) for state in states}
        return [each for each in self._groups if each.state in wanted]

    def progress(self) -> list[Figure]:
        """The files of the unit by state, in the order of their way; empty without files."""
        if not self.actor.works_with_files or self.actor.tier == "teacher":
            return []
        return [
            Figure(
                str(state),
                "",
                _sum(self._of([state]), "count"),
                "teacher",
                (*ON_THE_ROLLS, equals("state", state)),
            )
            for state in ReviewState
        ]

    def figures(self) -> list[Figure]:
        """The figures at the top of the page."""
        if self.actor.role == Role.CITY_AUDIT:
            return self._audit_figures()
        if self.actor.tier == "teacher":
            return []
        if self.actor.works_with_files:
            return self._file_figures()
        return self._account_figures()

    def _file_figures(self) -> list[Figure]:
        groups = self._groups
        total, complete = _sum(groups, "count"), _sum(groups, "complete")
        live = _sum(self._of(IN_FORCE_STATES), "count")
        found = [
            Figure("files", _l("Files on the rolls"), total, "teacher", ON_THE_ROLLS),
            Figure(
                "complete",
                _l("Complete files"),
                complete,
                "teacher",
                (*ON_THE_ROLLS, at_least("complete_percent", COMPLETE)),
                _share(complete, total),
            ),
            Figure(
                "in_force",
                _l("Files in force"),
                live,
                "teacher",
                (*ON_THE_ROLLS, one_of("state", IN_FORCE_STATES)),
                _share(live, total),
            ),
        ]
        if self.actor.tier != "school":
            return [*found, self._schools()]
        faulty = _sum(groups, "faulty")
        where, tone = (*ON_THE_ROLLS, at_least("error_count", 1)), "bad" if faulty else ""
        label = _l("Files with errors")
        return [*found, Figure("faulty", label, faulty, "teacher", where, "", tone)]

    def _schools(self) -> Figure:
        """The schools in operation in scope, by whom they are run."""
        rows = self.session.execute(
            select(Unit.authority_id, func.count())
            .where(Unit.kind == UnitKind.SCHOOL, Unit.active)
            .group_by(Unit.authority_id)
        ).all()
        note = _("under %(n)s authorities", n=len(rows)) if self.actor.tier == "city" else ""
        number = sum(count for _authority, count in rows)
        where = (equals("kind", UnitKind.SCHOOL), equals("active", True))
        return Figure("schools", _l("Schools and institutions"), number, "unit", where, note)

    def _account_figures(self) -> list[Figure]:
        """What a system administrator looks after: units and accounts, in the city also jobs."""
        by_role = dict(
            self.session.execute(
                select(Assignment.role, func.count()).group_by(Assignment.role)
            ).all()
        )
        found = [] if self.actor.tier == "school" else [self._schools()]
        found.append(Figure("accounts", _l("Accounts and roles"), sum(by_role.values()), "account"))
        role = Role.TEACHER if self.actor.tier == "school" else Role.SCHOOL_INFO
        label = (
            _l("Accounts of teachers")
            if role is Role.TEACHER
            else _l("Information administrators of schools")
        )
        where = (equals("role", role),)
        found.append(Figure("holders", label, by_role.get(role, 0), "account", where))
        return found + (self._job_figures() if self.actor.tier == "city" else [])

    def _job_figures(self) -> list[Figure]:
        by_state = dict(
            self.session.execute(select(Job.state, func.count()).group_by(Job.state)).all()
        )
        active = (JobState.QUEUED, JobState.RUNNING)
        return [
            Figure(
                "jobs",
                _l("Jobs waiting or running"),
                sum(by_state.get(state, 0) for state in active),
                "job",
                (one_of("state", active),),
            ),
        ]

    def _audit_figures(self) -> list[Figure]:
        """What an audit administrator looks at: the acts of today and what was refused."""
        day = clock.today()
        by_outcome = dict(
            self.session.execute(
                select(Audit.outcome, func.count())
                .where(Audit.at >= _midnight(day))
                .group_by(Audit.outcome)
            ).all()
        )
        since = at_least("at", day.isoformat())
        labels = {
            "refused": _l("Refused today"),
            "failed": _l("Failed today"),
        }
        found = [
            Figure("acts", _l("Entries of today"), sum(by_outcome.values()), "audit", (since,))
        ]
        for outcome, label in labels.items():
            number = by_outcome.get(outcome, 0)
            where = (since, equals("outcome", outcome))
            found.append(Figure(outcome, label, number, "audit", where))
        return found

    def todo(self) -> list[TodoItem]:
        """What waits for the actor, the overdue first, then in the order of the work."""
        role = self.actor.role
        found = [each for roles, read in WORK if role in roles for each in read(self)]
        return sorted((each for each in found if each.count), key=lambda each: not each.overdue)

    def _waiting_files(self) -> list[TodoItem]:
        """The files of the actor's queue, by what is to be done with them."""
        kinds = [kind for kind in QUEUED if self.actor.role in kind.roles]
        groups = {each.state: each for each in self._by_state(queue.waiting(self.actor))}
        late = self.actor.tier == "school" and any(each.days_left < 0 for each in self.rounds)
        found = []
        for kind in kinds:
            group = groups.get(kind.state)
            if group is None:
                continue
            oldest = group.oldest_faulty if kind.faulty else group.oldest
            where = [equals("state", kind.state)]
            if kind.faulty:
                where.append(at_least("error_count", 1))
            found.append(
                TodoItem(
                    kind.key,
                    kind.label,
                    group.faulty if kind.faulty else group.count,
                    "review",
                    tuple(where),
                    oldest,
                    late or (kind.ages and self._waits_too_long(oldest)),
                    kind.icon,
                )
            )
        return found

    def _waits_too_long(self, since: datetime | None) -> bool:
        return queue.is_overdue(since, self.known)

    def _schools_behind(self) -> list[TodoItem]:
        return [
            TodoItem(
                f"behind_{each.id}",
                _l("Schools past their deadline"),
                sums.overdue,
                "monitor",
                (equals("round", each.id), equals("show", "overdue")),
                None,
                overdue=True,
                icon="building",
                note=each.name,
            )
            for each, sums in self._shown_rounds
        ]

    def _corrections(self) -> list[TodoItem]:
        number, oldest = self.session.execute(
            select(func.count(), func.min(Correction.opened_at)).where(
                Correction.closed_at.is_(None)
            )
        ).one()
        label = (
            _l("Open correction tasks")
            if self.actor.role in AUTHORITIES
            else _l("Corrections that the city asks for")
        )
        late = self.actor.tier == "school" and self._waits_too_long(oldest)
        where = (equals("open", True),)
        return [
            TodoItem("correction", label, number, "correction", where, oldest, late, "alert-circle")
        ]

    def _exports(self) -> list[TodoItem]:
        found = export_right.waiting(self.session, self.actor)
        oldest = min((each.at for each in found), default=None)
        late = self._waits_too_long(oldest)
        label = _l("Exports that wait for your approval")
        return [TodoItem("export", label, len(found), "export", (), oldest, late, "file-export")]

    def _ending_assignments(self) -> list[TodoItem]:
        first = clock.today()
        last = first + SOON
        number = self.session.scalar(
            select(func.count())
            .select_from(Assignment)
            .where(Assignment.valid_to >= first, Assignment.valid_to <= last)
        )
        where = (at_least("valid_to", first), at_most("valid_to", last))
        label = _l("Roles that end within 30 days")
        return [TodoItem("ending", label, number or 0, "account", where, icon="user-exclamation")]

    def _failed_jobs(self) -> list[TodoItem]:
        number, oldest = self.session.execute(
            select(func.count(), func.min(Job.finished_at)).where(Job.state == JobState.FAILED)
        ).one()
        where = (equals("state", JobState.FAILED),)
        label = _l("Jobs that failed")
        return [TodoItem("failed_jobs", label, number, "job", where, oldest, icon="alert-triangle")]

    def _alerts(self) -> list[TodoItem]:
        first = clock.today() - WEEK
        number, oldest = self.session.execute(
            select(func.count(), func.min(Audit.at)).where(
                Audit.act == "alert", Audit.at >= _midnight(first)
            )
        ).one()
        where = (equals("act", "alert"), at_least("at", first.isoformat()))
        label = _l("Security alerts of the last seven days")
        return [
            TodoItem(
                "alert",
                label,
                number,
                "audit",
                where,
                oldest,
                overdue=True,
                icon="alert-triangle",
            )
        ]

    def _own_file(self) -> list[TodoItem]:
        """What a teacher has left to do in the own file: parts to complete, findings to check."""
        file = self.own_file
        if file is None or not file.is_open:
            return []
        late = any(each.days_left < 0 for each in self.rounds)
        parts = len(self._parts_left(file))
        key, label, icon = (
            ("my_parts", _l("Parts of my file to complete"), "pencil")
            if parts
            else ("my_file", _l("My file is to be checked and submitted"), "send")
        )
        since, count = file.state_since, parts or 1
        return [TodoItem(key, label, count, "my_file", (), since, late, icon)]

    @cached_property
    def own_file(self) -> Teacher | None:
        """The file of a teacher who is signed in as one."""
        if self.actor.role != Role.TEACHER or self.actor.teacher_id is None:
            return None
        return self.session.scalars(
            select(Teacher).where(Teacher.id == self.actor.teacher_id)
        ).first()

    def _parts_left(self, file: Teacher) -> set[str]:
        """The sets that a teacher may edit and where something is missing, wrong or returned."""
        category = file.school.category or ""
        rows = self.session.scalars(
            select(FileProblem).where(FileProblem.teacher_id == file.id)
        ).all()
        named = {
            row.set
            for row in rows
            if row.set is not None
            and (row.code == MISSING or row.severity == "error")
            and may_view_set(self.actor, row.set)
            and is_the_teachers(check.as_problem(row), category, self.known)
        }
        notes = (file.return_notes or {}).get("fields", {})
        named |= {place.partition("@")[0].partition(".")[0] for place in notes}
        own = {each.code for each in self.known.category_sets(category)}
        return {code for code in named & own if may_edit_set(self.actor, file, code, self.known)}

    @cached_property
    def _shown_rounds(self) -> list[tuple[Round, monitor.Sums]]:
        """The rounds under way with the number of schools behind, for those who look at schools."""
        found = terms.open_rounds(self.session, self.actor)[:ROUNDS]
        if self.actor.tier not in ("city", "district"):
            return [(each, monitor.Sums()) for each in found]
        return [
            (each, monitor.sums(self.session, monitor.narrowed(monitor.schools(each))))
            for each in found
        ]

    @cached_property
    def rounds(self) -> list[RoundLine]:
        """The rounds under way with the last day of the actor's own stage."""
        if not self.actor.works_with_files:
            return []
        if self.actor.tier in ("school", "teacher"):
            return self._own_terms()
        is_city = self.actor.tier == "city"
        stage = _l("City stage") if is_city else _l("Authority stage")
        return [
            RoundLine(
                each.id,
                each.name,
                each.city_deadline if is_city else each.authority_deadline,
                stage,
                False,
                sums.behind,
                sums.all,
            )
            for each, sums in self._shown_rounds
        ]

    def _own_terms(self) -> list[RoundLine]:
        """The round that asks the actor's school, an extension considered."""
        found = terms.terms_by_id(self.session, {self.actor.unit_id}).get(self.actor.unit_id)
        if found is None or found.locked or found.round.opens_on > clock.today():
            return []
        return [
            RoundLine(
                found.round.id,
                found.round.name,
                found.due,
                _l("School stage"),
                found.extended,
            )
        ]

    def notices(self) -> list[Notice]:
        """The latest notices, the unread first."""
        return list(
            self.session.scalars(
                select(Notice)
                .where(Notice.account_id == self.actor.account_id)
                .order_by(Notice.read_at.is_not(None), Notice.id.desc())
                .limit(NOTICES)
            )
        )


ON_THE_ROLLS = (equals("active", True),)
# Who has which work, in the order in which it is told.
WORK: tuple[tuple[Collection[str], Callable[[Home], list[TodoItem]]], ...] = (
    ({Role.TEACHER}, Home._own_file),
    (STAFF, Home._waiting_files),
    (AUTHORITIES, Home._schools_behind),
    (AUTHORITIES | CLERK, Home._corrections),
    (export_right.APPROVERS, Home._exports),
    (SYSTEM, Home._ending_assignments),
    ({Role.CITY_SYSTEM}, Home._failed_jobs),
    ({Role.CITY_AUDIT}, Home._alerts),
)


def todo(session: Session, actor: Actor) -> list[TodoItem]:
    """Return what waits for the actor, the overdue first."""
    return Home(session, actor).todo()


def figures(session: Session, actor: Actor) -> list[Figure]:
    """Return the figures at the top of the actor's home page."""
    return Home(session, actor).figures()


def _sum(groups: Iterable[_Group], name: str) -> int:
    return sum(getattr(each, name) or 0 for each in groups)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else ""


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=clock.BEIJING)
