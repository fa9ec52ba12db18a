"""The figures at the top of a home page, by who looks: files, accounts and jobs, or the log.

All figures about files come from one statement, grouped by state.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import Role
from app.core import clock
from app.indicators.catalog import Catalog, catalog
from app.models.account import Assignment
from app.models.history import Audit
from app.models.job import Job, JobState
from app.models.teacher import IN_FORCE_STATES, ReviewState, Teacher
from app.models.unit import Unit, UnitKind
from app.services import problem
from app.services.home_parts import Figure
from app.services.listed import at_least, at_most, equals, one_of

COMPLETE = 100
ON_THE_ROLLS = (equals("active", True),)


@dataclass(frozen=True)
class _Group:
    """Files on the rolls in one state, all of them or those of the actor's queue."""

    state: str
    count: int
    complete: int
    faulty: int
    oldest: datetime | None
    oldest_faulty: datetime | None
    percent: int
    unconfirmed: int
    last: datetime | None


class Figures:
    """What an actor's home page counts; everything is read once, when it is asked for."""

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
                func.sum(Teacher.complete_percent),
                func.sum(case((Teacher.confirmed_on <= last_year(), 1), else_=0)),
                func.max(Teacher.state_since),
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
        stale = _sum(self._of(IN_FORCE_STATES), "unconfirmed")
        average = _("%(n)s%% on average", n=round(_sum(groups, "percent") / total)) if total else ""
        share = _share(complete, total)
        found = [
            Figure(
                "files",
                _l("Files on the rolls"),
                total,
                "teacher",
                ON_THE_ROLLS,
                last_step(groups),
                about=_l("Files of all persons who have not left, in every state."),
            ),
            Figure(
                "complete",
                _l("Complete files"),
                complete,
                "teacher",
                (*ON_THE_ROLLS, at_least("complete_percent", COMPLETE)),
                " · ".join(filter(None, (share, average))),
                about=_l("Everything that the school's category requires is filled in."),
            ),
            Figure(
                "in_force",
                _l("Files in force"),
                live,
                "teacher",
                (*ON_THE_ROLLS, one_of("state", IN_FORCE_STATES)),
                _share(live, total),
                about=_l("The authority approved the file: effective, accepted or reported."),
            ),
            Figure(
                "unconfirmed",
                _l("Not confirmed this year"),
                stale,
                "teacher",
                (
                    *ON_THE_ROLLS,
                    one_of("state", IN_FORCE_STATES),
                    at_most("confirmed_on", last_year().isoformat()),
                ),
                about=_l("Files in force that were last confirmed before this year."),
            ),
        ]
        if self.actor.tier != "school":
            return [*found, self._schools()]
        return [*found, *self._faults(groups)]

    def _faults(self, groups: list[_Group]) -> list[Figure]:
        """What is wrong in a school: files with errors, and every open problem."""
        faulty = _sum(groups, "faulty")
        counted = problem.counts(self.session, self.actor)
        number = sum(counted.values())
        return [
            Figure(
                "faulty",
                _l("Files with errors"),
                faulty,
                "teacher",
                (*ON_THE_ROLLS, at_least("error_count", 1)),
                tone="bad" if faulty else "",
                about=_l("Files that cannot be submitted or confirmed as they are."),
            ),
            Figure(
                "problems",
                _l("Open problems"),
                number,
                "problem",
                (),
                problem.words(counted),
                "bad" if counted.get(problem.ERROR) else "",
                _l("Errors, and warnings that nobody has acknowledged."),
            ),
        ]

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
        label, about = _l("Schools and institutions"), _l("Units in operation in your scope.")
        return Figure("schools", label, number, "unit", where, note, about=about)

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
                .where(Audit.at >= midnight(day))
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


def last_year() -> date:
    """The last day of the year before this one."""
    return date(clock.today().year - 1, 12, 31)


def last_step(groups: Iterable[_Group]) -> str:
    """How long ago a file moved on (S30)."""
    moments = [each.last for each in groups if each.last is not None]
    return days_since(max(moments)) if moments else ""


def days_since(moment: datetime) -> str:
    """For how many days nothing has moved, in the reader's language."""
    days = (clock.today() - clock.local(moment).date()).days
    return _("last update %(n)s day(s) ago", n=days) if days else _("last update today")


def _sum(groups: Iterable[_Group], name: str) -> int:
    return sum(getattr(each, name) or 0 for each in groups)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else ""


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=clock.BEIJING)
