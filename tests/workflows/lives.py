"""Lives of files at random: whatever may happen to some persons happens in any order, by whoever
should or should not do it, and after each act the database is asked whether all still holds
(REL-04)."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import func, literal, select, union_all

from app.access.actor import SYSTEM_ACTOR, Actor, acting_as, system
from app.core import clock
from app.core.errors import AppError
from app.indicators.periods import month_of
from app.jobs.rotation import end_rotations, remind_rotations, start_rotations
from app.jobs.status_change import status_changes
from app.models.change import RecordChange
from app.models.history import Transition
from app.models.record import TEACHER_SETS
from app.models.rotation import Rotation
from app.models.status_change import StatusChange
from app.models.teacher import PERSONNEL, Affiliation, OpenProcess, Teacher
from app.models.transfer import Transfer
from app.services import change as changes
from app.services import contents, rotation, status_change, transfer
from app.workflows import WORKFLOWS
from tests.processes import DOCTORATE
from tests.rotations import month
from tests.transfers import APPLICATION, PLACED
from tests.workflows.tables import TABLES, Row, Table, parties_of
from tests.worlds import World

SCHOOLS = ("A1", "A2", "B1")
PERSONS = ("A1_effective_1", "A1_reported_1", "B1_effective_1")
KINDS = ("addition", "change", "status_change", "transfer", "rotation")
CAST = (
    *(f"{role}_{school}" for role in ("school_info", "school_head") for school in SCHOOLS),
    "district_info_A", "district_info_B", "city_info",
)  # fmt: skip
FLOWS: Mapping[str, Table] = {table.name: table for table in TABLES if table.name in KINDS}
APPROVALS = frozenset({"confirm", "approve", "issue", "release", "confirm_extension"})
# The steps by which somebody says something that others decide on.
SAID = frozenset({"add", "open", "submit", "apply", "register"})
NIGHT: tuple[Callable[[Any], None], ...] = (
    status_changes, start_rotations, end_rotations, remind_rotations,
)  # fmt: skip
STATUSES = ("307", "203", "100")  # Retired early, sick leave, in service (again).
AHEAD = (0, 0, 0, 7)  # Days until a status takes effect.
# The rules about contents (DQ) have tests of their own; here they read what the flows themselves
# write, for most of the time of a step goes into reading a whole file.
WRITTEN = ("basic", "learning", "work", "post", "rotation")
# Steps by which a process goes no further; the others are taken more often.
BACK = frozenset({"reject", "withdraw", "cancel", "void", "reject_extension", "extend"})
# Most of the time the right one acts; else the same person in that place, or somebody else.
HANDS = (*["proper"] * 5, "own", "stranger")
NUMBERS = st.integers(0, 59)
FORWARD = 6  # So many times more often than back.
OWN = 10  # Of so many and one, one step is tried by who has opened the process.
# Kind, how it is opened, steps by their place among those offered.
ROADS = (
    ("transfer", 0, [0] * 5),
    ("status_change", 3, [0, FORWARD + 1]),
    ("status_change", 3, [0, FORWARD]),
    ("change", 1, [0, 1]),
    ("rotation", 0, [0, 1]),
    ("rotation", 0, [0, 2, FORWARD]),
    ("rotation", 0, [0, 2, 0]),
    ("transfer", 0, [0, FORWARD]),
    ("transfer", 0, [0, 0, 0, 0, FORWARD]),
)
FAR = st.integers(0, 5).flatmap(lambda n: st.lists(NUMBERS, min_size=n, max_size=n))


class Few(dict[str, Any]):
    """All sets by code, of which only those that the flows write are gone through."""

    def items(self) -> Any:
        """The sets that are written."""
        return [(code, self[code]) for code in WRITTEN]


@dataclass
class Tally:
    """What all sequences of a run have come to."""

    sequences: int = 0
    steps: int = 0
    refused: int = 0
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)

    def missing(self) -> set[tuple[str, str]]:
        """The ends of flows that no process has reached."""
        ends = {(name, str(end)) for name in KINDS for end in WORKFLOWS[name].terminal}
        return ends - set(self.ended)

    def __str__(self) -> str:
        ended = ", ".join(f"{flow} {state} {n}" for (flow, state), n in sorted(self.ended.items()))
        return f"{self.sequences} sequences, {self.steps} steps, {self.refused} refused; {ended}"


@dataclass(frozen=True)
class Process:
    """A process as it stands in the database; schools by their keys in the world."""

    flow: str
    id: int
    state: str
    teacher_id: int
    school: str
    opened_by: int


@dataclass(frozen=True)
class Application(Process):
    """A transfer: `school` is the receiving one."""

    from_school: str
    issued: bool


class Life(RuleBasedStateMachine):
    """One sequence. The database is as it was once it is over.

    `reality` gives session and world to all sequences of a run, and its tally.
    """

    session: Any
    world: World
    tally: Tally

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        self.clock = self._open.enter_context(clock.frozen(clock.now() + timedelta(hours=1)))
        self._open.enter_context(mock.patch.object(contents, "TEACHER_SETS", Few(TEACHER_SETS)))
        self._open.enter_context(mock.patch.object(contents, "facts_of", return_value={}))
        self._saved = self.session.get_bind().begin_nested()
        self.keys = {self.world.units[key].id: key for key in SCHOOLS}
        self.persons = [self.world.teachers[key].id for key in PERSONS]
        self.known = self.world.catalog
        self.past: dict[datetime, dict[int, int]] = {}
        self.replayed: dict[tuple[str, int], str] = {}
        self.said: dict[tuple[str, int], set[int]] = {}
        self.last_row = self._read(select(func.max(Transition.id)))[0][0]
        self.files = self._files()
        self.disturbed = 0
        self.tally.sequences += 1

    def teardown(self) -> None:
        """Count what has ended, and undo everything."""
        self.session.rollback()
        self.tally.ended.update(
            (each.flow, each.state)
            for each in self._processes()
            if each.state in WORKFLOWS[each.flow].terminal
        )
        self.session.expunge_all()
        self.session.close()
        self._saved.rollback()
        self._open.close()

    # What happens.

    @rule(kind=st.sampled_from(KINDS), person=NUMBERS, how=NUMBERS, far=FAR)
    def opens(self, kind: str, person: int, how: int, far: list[int]) -> None:
        """A clerk opens a process about somebody, and those whose turn it is take it on."""
        self._open_and_go(kind, self.persons[person % len(self.persons)], how, far)

    @rule(road=st.sampled_from(ROADS), person=NUMBERS)
    def goes_a_long_way(self, road: tuple[str, int, list[int]], person: int) -> None:
        """A process goes where chance seldom leads."""
        kind, how, far = road
        self._open_and_go(kind, self.persons[person % len(self.persons)], how, far)

    @precondition(lambda self: any(each.flow == "change" for each in self.going_on))
    @rule()
    def leaves(self) -> None:
        """Whose file is being changed leaves the service."""
        item = next(each for each in self.going_on if each.flow == "change")
        self._open_and_go("status_change", item.teacher_id, 0, [0, 0])

    @precondition(lambda self: self.going_on)
    @rule(process=NUMBERS, step=NUMBERS, hand=st.sampled_from(HANDS), who=NUMBERS)
    def goes_on(self, process: int, step: int, hand: str, who: int) -> None:
        """Somebody takes a step that the table offers in the present state."""
        self._go_on(self.going_on[process % len(self.going_on)], step, hand, who)

    @precondition(lambda self: self.going_on)
    @rule(process=NUMBERS, step=NUMBERS)
    def goes_its_way(self, process: int, step: int) -> None:
        """The one whose turn it is takes a step."""
        self._go_on(self.going_on[process % len(self.going_on)], step, "proper", 0)

    @precondition(lambda self: self.disturbed < len(self.ended))
    @rule(process=NUMBERS, step=NUMBERS, who=NUMBERS)
    def is_disturbed(self, process: int, step: int, who: int) -> None:
        """Somebody takes any step of a process that is over."""
        self.disturbed += 1
        item = self.ended[process % len(self.ended)]
        rows = FLOWS[item.flow].rows
        row = rows[step % len(rows)]
        actors = self._proper(row, item) or [self.world.actors[CAST[who % len(CAST)]]]
        assert not self._take(item, row, actors[who % len(actors)])

    @precondition(lambda self: len(self.past) < len(self.replayed))
    @rule(days=st.sampled_from((1, 1, 12, 40, 200)))
    def time_passes(self, days: int) -> None:
        """What was counted before stays as it was; the night does its work on the last day."""
        self.past[self.clock.at] = self._counted(self.clock.at)
        self.clock.move(days=days)
        for job in NIGHT:
            self._night(job)

    # What holds.

    @invariant()
    def holds(self) -> None:
        """The database is asked about all that must hold."""
        processes = self._processes()
        self._each_belongs_somewhere()
        self._history_replays(processes)
        self._places_are_taken_once(processes)
        for moment, counted in self.past.items():
            assert self._counted(moment) == counted, "a past figure has changed"
        self.going_on = [each for each in processes if self._rows(each)]
        self.ended = [each for each in processes if each.state in WORKFLOWS[each.flow].terminal]
        self.clock.move(minutes=1)

    going_on: list[Process] = []  # noqa: RUF012 – of one sequence, never altered in place.
    ended: list[Process] = []  # noqa: RUF012

    def _each_belongs_somewhere(self) -> None:
        """One personnel affiliation of whoever serves, at the school of the file, none of who has
        left; a number is for ever, and no version of a file is taken back."""
        held = Affiliation.kind == PERSONNEL, Affiliation.valid_to.is_(None)
        rows = self._read(
            select(Affiliation.teacher_id, Affiliation.school_id).where(
                Affiliation.teacher_id.in_(self.persons), *held
            )
        )
        files = self._files()
        for key, (active, school, number, version) in files.items():
            schools = [place for person, place in rows if person == key]
            assert schools == ([school] if active else []), "affiliations of a person"
            assert number == self.files[key][2], "a teacher number has changed"
            assert version >= self.files[key][3], "a version was taken back"
        self.files = files

    def _history_replays(self, processes: list[Process]) -> None:
        """Each row begins where the last one ended, nothing follows an end, nobody approves what
        they have said themselves; at the end of it stands the state."""
        columns = (
            Transition.id, Transition.flow, Transition.object_id, Transition.step,
            Transition.from_state, Transition.to_state, Transition.account_id,
        )  # fmt: skip
        fresh = select(*columns).where(Transition.id > self.last_row, Transition.flow.in_(KINDS))
        for number, flow, key, step, old, new, account in self._read(fresh.order_by(Transition.id)):
            place = flow, key
            assert self.replayed.get(place) == old, "the history has a gap"
            assert old not in WORKFLOWS[flow].terminal, "an end was not final"
            said = self.said.setdefault(place, set())
            assert step not in APPROVALS or account not in said, "somebody approved their own"
            said |= {account} if step in SAID else set()
            self.replayed[place], self.last_row = new, number
        assert self.replayed == {(each.flow, each.id): each.state for each in processes}

    def _places_are_taken_once(self, processes: list[Process]) -> None:
        going = {
            (each.teacher_id, each.flow, each.id)
            for each in processes
            if each.state not in WORKFLOWS[each.flow].terminal
        }
        columns = OpenProcess.teacher_id, OpenProcess.kind, OpenProcess.process_id
        taken = [tuple(row) for row in self._read(select(*columns))]
        assert len({person for person, _kind, _key in taken}) == len(taken)
        assert set(taken) <= going, "a place is held by what is over"
        waiting = {
            (each.teacher_id, each.flow, each.id)
            for each in processes
            if isinstance(each, Application)
            and each.state not in ("draft", *WORKFLOWS["transfer"].terminal)
        }
        assert waiting <= set(taken), "a transfer has no place"

    # How it is done.

    def _open_and_go(self, kind: str, key: int, how: int, far: list[int]) -> None:
        home = self.keys[self.files[key][1]]
        others = [school for school in SCHOOLS if school != home]
        place = others[how % len(others)] if kind == "transfer" else home
        actor = self.world.actor("school_info", place)
        opening = getattr(self, f"_open_{kind}")
        before = set(self.replayed)
        self._do(actor, lambda: opening(actor, key, how, others))
        for step in far:
            self.holds()
            mine = [each for each in self.going_on if (each.flow, each.id) not in before]
            if mine:
                hand = "own" if step % (OWN + 1) == OWN else "proper"
                self._go_on(mine[0], step, hand, 0)

    def _go_on(self, item: Process, step: int, hand: str, who: int) -> None:
        rows = [row for row in self._rows(item) for _ in range(1 if row.step in BACK else FORWARD)]
        row = rows[step % len(rows)]
        proper = self._proper(row, item)
        actor = proper[who % len(proper)]
        if hand == "own":
            actor = replace(actor, account_id=item.opened_by)
        if hand == "stranger":
            mine = FLOWS[item.flow].rows_for
            strangers = [
                each
                for each in map(self.world.actors.__getitem__, CAST)
                if not mine(each, item, row.step, self.world)
            ]
            assert not self._take(item, row, strangers[who % len(strangers)])
            return
        self._take(item, row, actor)

    def _rows(self, item: Process) -> list[Row]:
        """The steps that people may take from the present state."""
        return [
            row
            for row in FLOWS[item.flow].rows
            if item.state in row.sources and set(row.parties) - {"system"}
        ]

    def _proper(self, row: Row, item: Process) -> list[Actor]:
        cast = [self.world.actors[key] for key in CAST]
        return [each for each in cast if parties_of(each, item, self.world) & set(row.parties)]

    def _take(self, item: Process, row: Row, actor: Actor) -> bool:
        inputs = dict(FLOWS[item.flow].inputs.get(row.step, {}))
        if row.step == "take":
            inputs |= PLACED | {"join_month": month_of(clock.today())}
        flow = WORKFLOWS[item.flow]
        return self._do(
            actor,
            lambda: flow.perform(
                self.session, item.id, row.step, actor, version=None, catalog=self.known, **inputs
            ),
        )

    def _do(self, actor: Actor, act: Callable[[], Any]) -> bool:
        """One act is one transaction; tell whether it was done."""
        self.tally.steps += 1
        try:
            with acting_as(actor):
                act()
            self.session.commit()
        except AppError:
            self.session.rollback()
            self.tally.refused += 1
            return False
        finally:
            self.session.expunge_all()
        return True

    def _night(self, job: Callable[[Any], None]) -> None:
        ctx = SimpleNamespace(session=self.session, done=0, actor=SYSTEM_ACTOR)
        ctx.job = SimpleNamespace(id=1, name="night")

        def step(done: int) -> None:
            self.session.commit()
            ctx.done = done

        ctx.step = step
        with system():
            job(ctx)
            self.session.commit()
        self.session.expunge_all()

    def _open_addition(self, actor: Actor, key: int, how: int, _others: list[str]) -> None:
        end = f"{2015 + how % 10}-06"
        raw = DOCTORATE | {"degree_org": f"大学{how}", "end": end, "degree_date": end}
        file = self.session.get_one(Teacher, key)
        changes.add(self.session, actor, file, "learning", raw, catalog=self.known)

    def _open_change(self, actor: Actor, key: int, how: int, _others: list[str]) -> None:
        cls = TEACHER_SETS["learning"]
        present = select(cls.uuid).where(cls.teacher_id == key, cls.as_of()).order_by(cls.id)
        uuid = self.session.scalars(present).first()
        changes.open_change(
            self.session, actor, self.session.get_one(Teacher, key), "learning", uuid,
            kind="modify", raw={"major": f"专业{how}"}, reason="登记有误", catalog=self.known,
        )  # fmt: skip

    def _open_status_change(self, actor: Actor, key: int, how: int, _others: list[str]) -> None:
        # Where the switch is on, the authority is asked; else only about who comes back.
        status_change.register(
            self.session, actor, self.session.get_one(Teacher, key),
            to_status=STATUSES[how % len(STATUSES)], reason="按规定办理", document_no="〔1〕号",
            effective_date=clock.today() + timedelta(days=AHEAD[how % 4]), catalog=self.known,
        )  # fmt: skip

    def _open_transfer(self, actor: Actor, key: int, _how: int, _others: list[str]) -> None:
        file = transfer.require_open(self.session, actor, key, catalog=self.known)
        said = APPLICATION | {"planned_on": clock.today().isoformat()}
        transfer.open_transfer(self.session, actor, file, said, catalog=self.known)

    def _open_rotation(self, actor: Actor, key: int, how: int, others: list[str]) -> None:
        raw = {"to_school": self.world.units[others[how % 2]].id, "type": "1", "direction": "3",
               "start": month(how % 4 - 1), "planned_end": month(6)}  # fmt: skip
        file = self.session.get_one(Teacher, key)
        rotation.create(self.session, actor, file, raw, catalog=self.known)

    # How it is read.

    def _read(self, query: Any) -> list[Any]:
        with system():
            return list(self.session.execute(query, execution_options={"unscoped": True}))

    def _files(self) -> dict[int, tuple[bool, int, str, int]]:
        columns = (
            Teacher.id, Teacher.active, Teacher.school_id, Teacher.teacher_no, Teacher.file_version,
        )  # fmt: skip
        rows = self._read(select(*columns).where(Teacher.id.in_(self.persons)))
        return {row[0]: tuple(row[1:]) for row in rows}

    def _counted(self, moment: datetime) -> dict[int, int]:
        """How many belonged to each school at a moment."""
        query = select(Affiliation.school_id, func.count()).where(
            Affiliation.kind == PERSONNEL,
            Affiliation.valid_from <= moment,
            Affiliation.valid_to.is_(None) | (Affiliation.valid_to > moment),
        )
        return {key: n for key, n in self._read(query.group_by(Affiliation.school_id)) if n}

    def _processes(self) -> list[Process]:
        """Everything that was opened in this sequence, in the order of the tables."""
        parts = [
            select(
                getattr(cls, "flow_name", name), cls.id, cls.state, cls.teacher_id, cls.school_id,
                cls.opened_by, start, issued,
            ).where(cls.teacher_id.in_(self.persons))
            for cls, name, start, issued in (
                (RecordChange, RecordChange.flow, literal(0), literal(0)),
                (StatusChange, literal("status_change"), literal(0), literal(0)),
                (Rotation, literal("rotation"), literal(0), literal(0)),
                (Transfer, literal("transfer"), Transfer.from_school_id,
                 func.count(Transfer.issued_at).over(partition_by=Transfer.id)),
            )
        ]  # fmt: skip
        found: list[Process] = []
        for flow, key, state, teacher, school, opener, start, issued in self._read(
            union_all(*parts)
        ):
            usual = (flow, key, state, teacher, self.keys[school], opener)
            found.append(
                Application(*usual, self.keys[start], bool(issued)) if start else Process(*usual)
            )
        return sorted(found, key=lambda each: (each.flow, each.id))


class AskedLife(Life):
    """A sequence where the authority is asked about every change of status."""

    def __init__(self) -> None:
        super().__init__()
        asked = {**self.known.parameters, "status_change_needs_authority": True}
        self.known = replace(self.known, parameters=asked)


def reality(session: Any, world: World, tally: Tally) -> list[type[Life]]:
    """The sequences of a run: with the switch of status changes off, and on."""
    given = {"session": session, "world": world, "tally": tally}
    return [type(cls.__name__, (cls,), dict(given)) for cls in (Life, AskedLife)]
