"""Home: what waits for an actor and how far the unit is, each figure with the list behind it.

Every figure says which rows of which list it counts (services.listed); the page turns that into
an address, so that the list opened by a figure has exactly as many rows. All figures about files
come from one statement, grouped by state and authority.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import cached_property

from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import may_edit_set, may_view_set
from app.access.roles import AUTHORITIES, HOSTS, STAFF, SYSTEM, Role
from app.core import clock
from app.models.change import OPEN, ChangeState, RecordChange
from app.models.correction import Correction
from app.models.notice import Notice
from app.models.round import Round
from app.models.teacher import FileProblem, ReviewState, Teacher
from app.services import (
    check,
    export_right,
    home_movement,
    home_others,
    monitor,
    opinion,
    queue,
)
from app.services import round as terms
from app.services.home_figures import Figures, midnight
from app.services.home_parts import (
    CLERK,
    HEAD,
    PROCESSES,
    QUEUED,
    Figure,
    RoundLine,
    TodoItem,
)
from app.services.listed import at_least, equals, one_of
from app.services.review import is_the_teachers

ROUNDS = 3  # Rounds under way that the page tells of.
NOTICES = 3
LATELY = timedelta(days=30)  # So long ago may be what is still worth doing anew.
MISSING = "DQ075"  # The rule that names what is required and not there.


class Home(Figures):
    """What the home page of one actor shows; everything is read once, when it is asked for."""

    def figures(self) -> list[Figure]:
        """The figures at the top of the page; those who are told of movements see recent ones."""
        found = super().figures()
        if self.actor.role not in AUTHORITIES:
            return found
        return [*found, home_movement.recent(self._status_changes[2])]

    @cached_property
    def _status_changes(self) -> tuple[int, datetime | None, int]:
        return home_movement.of_authority(self)

    def _status_changes_to_approve(self) -> list[TodoItem]:
        number, oldest, _recent = self._status_changes
        return [home_movement.to_approve(self, number, oldest)]

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

    def _opinions(self) -> list[TodoItem]:
        """University files on which no assistant has said anything yet (s0, S100)."""
        number, oldest = self.session.execute(
            select(func.count(), func.min(Teacher.state_since)).where(
                queue.waiting(self.actor), opinion.is_missing()
            )
        ).one()
        where = (equals("state", ReviewState.SCHOOL_CONFIRMED), equals("opinion", "missing"))
        late = self._waits_too_long(oldest)
        label = _l("Files that wait for an opinion")
        return [TodoItem("opinion", label, number, "review", where, oldest, late, "message")]

    def _processes(self) -> list[TodoItem]:
        """The additions and changes that wait for the actor, by flow and state; for who prepares
        them also those that were turned down of late. One statement."""
        first = clock.today() - LATELY
        late, is_clerk = midnight(first), self.actor.role in CLERK
        refused = and_(RecordChange.state == ChangeState.REJECTED, RecordChange.state_since >= late)
        wanted = queue.my_turn(self.actor)
        rows = self.session.execute(
            select(
                RecordChange.flow,
                RecordChange.state,
                func.count(),
                func.min(RecordChange.state_since),
            )
            .where(or_(wanted, refused) if is_clerk else wanted)
            .group_by(RecordChange.flow, RecordChange.state)
        ).all()
        found = {(flow, state): (count, oldest) for flow, state, count, oldest in rows}
        items = [
            TodoItem(
                kind.key,
                kind.label,
                count,
                "process",
                (equals("turn", "me"), equals("flow", kind.flow), equals("state", kind.state)),
                oldest,
                kind.ages and self._waits_too_long(oldest),
                kind.icon,
            )
            for kind in PROCESSES
            if self.actor.role in kind.roles
            for count, oldest in [found.get((kind.flow, kind.state), (0, None))]
        ]
        back = [row for row in rows if row[1] == ChangeState.REJECTED]
        where = (equals("state", ChangeState.REJECTED), at_least("state_since", first.isoformat()))
        label = _l("Rejected additions and changes of the last 30 days")
        number, oldest = sum(row[2] for row in back), min((row[3] for row in back), default=None)
        return [
            *items,
            TodoItem("rejected", label, number, "process", where, oldest, icon="circle-x"),
        ]

    def _own_processes(self) -> list[TodoItem]:
        """What is open on the own file, so that a teacher sees where it is."""
        number, oldest = self.session.execute(
            select(func.count(), func.min(RecordChange.state_since)).where(
                RecordChange.state.in_(OPEN)
            )
        ).one()
        where = (one_of("state", OPEN),)
        label = _l("Additions to and changes of my file under way")
        return [TodoItem("my_processes", label, number, "process", where, oldest, icon="replace")]

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


# Who has which work, in the order in which it is told.
WORK: tuple[tuple[Collection[str], Callable[[Home], list[TodoItem]]], ...] = (
    ({Role.TEACHER}, Home._own_file),
    (STAFF, Home._waiting_files),
    (AUTHORITIES | CLERK | HEAD, Home._processes),
    ({Role.TEACHER}, Home._own_processes),
    (AUTHORITIES, Home._schools_behind),
    ({Role.CITY_ASSISTANT}, Home._opinions),
    (AUTHORITIES | CLERK | HEAD, Home._corrections),
    (CLERK, home_others.hints),
    ({Role.CITY_INFO}, home_others.duplicates),
    (CLERK, home_movement.registered),
    (AUTHORITIES, Home._status_changes_to_approve),
    (AUTHORITIES | CLERK, home_movement.rotations),
    (HOSTS, home_movement.guests_here),
    (AUTHORITIES | CLERK | HEAD, home_movement.transfers),
    (export_right.APPROVERS, home_others.exports),
    (SYSTEM, home_others.ending_assignments),
    ({Role.CITY_SYSTEM}, home_others.failed_jobs),
    ({Role.CITY_AUDIT}, home_others.alerts),
)


def todo(session: Session, actor: Actor) -> list[TodoItem]:
    """Return what waits for the actor, the overdue first."""
    return Home(session, actor).todo()


def figures(session: Session, actor: Actor) -> list[Figure]:
    """Return the figures at the top of the actor's home page."""
    return Home(session, actor).figures()
