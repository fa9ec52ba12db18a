"""Fill an empty database with schools, people, files in every state, and two years of history."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from random import Random

from flask_babel import gettext as _
from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from app.access.actor import system
from app.access.roles import CITY, DISTRICT, Role
from app.core.clock import today
from app.core.errors import Refused
from app.core.reference import structure
from app.demo import accounts, blemishes
from app.demo import course as ways
from app.demo.accounts import Register
from app.demo.course import Calendar, Course
from app.demo.file import FEEDS_BASIC, LEFT, Checker, File, Version, as_data, new_uuid, spread_rows
from app.demo.keeper import Keeper, table_of, unit_row
from app.demo.life import HEAD, ROLES, TEACHER, Content, Life, Setting, make_life, weighted
from app.demo.names import person_name
from app.demo.people import make_content
from app.demo.schools import Plan, PlannedUnit, plan_units
from app.demo.store import Suspended, Writer, move_sequences, next_id
from app.demo.surroundings import REASON_CORRECTION, Surroundings
from app.indicators import derive
from app.indicators.catalog import Catalog, catalog
from app.models.account import Account, Assignment
from app.models.history import Transition
from app.models.record import TEACHER_SETS
from app.models.report import ReportBatch, ReportItem
from app.models.teacher import (
    Affiliation,
    Contributor,
    FileProblem,
    FileVersion,
    NameGram,
    NoneAnswer,
    NumberSequence,
    ReviewState,
    Teacher,
)
from app.models.unit import Unit
from app.services import report
from app.services.number import number_of

Progress = Callable[[int, int], None]

CHUNK = 1000  # Teachers between two writes.
FREEZE_UP_TO = 5_000  # Teachers up to which reports keep their content.
SUSPEND_FROM = 20_000  # Teachers from which indexes are built afterwards.
CHECK_ALL_UP_TO = 20_000  # Above it, files without a fault on purpose are taken to be clean.
OFF_POST = ("203", "204", "BJ-212", "207")


@dataclass(frozen=True)
class Loaded:
    """What a load wrote."""

    units: int
    teachers: int
    rows: int
    states: Mapping[str, int]


def load(
    session: Session,
    *,
    schools: int,
    teachers: int,
    seed: int | str = 1,
    progress: Progress | None = None,
) -> Loaded:
    """Load so many schools and teachers, the same for the same seed and day; the caller commits.

    Needs an application context (messages in both languages) and an empty database: Refused when
    there are files or schools. `progress` is told how many of all teachers are done.
    """
    with system():
        _refuse_if_filled(session)
        return _Load(session, seed, schools, teachers, progress or (lambda _done, _all: None)).run()


def _refuse_if_filled(session: Session) -> None:
    schools = select(Unit.id).where(Unit.kind == "school").limit(1)
    if session.scalar(schools) or session.scalar(select(Teacher.id).limit(1)):
        raise Refused(_("The demo data need an empty database; this one holds schools or files."))


class _Load:
    def __init__(
        self,
        session: Session,
        seed: int | str,
        schools: int,
        teachers: int,
        progress: Progress,
    ) -> None:
        self.session, self.progress = session, progress
        self.seed, self.total = seed, teachers
        self.connection = session.connection()
        self.catalog: Catalog = catalog(session)
        # Midnight and not now: the same seed gives the same files all day long.
        self.calendar = Calendar(ways.at(today(), 0), today())
        self.setting = Setting(self.catalog, self.calendar.day)
        order = [table_of(cls) for cls in (Unit, Teacher, Account, Assignment)]
        self.writer = Writer(self.connection, order)
        self.rng = Random(f"{seed}:{schools}:{teachers}")  # noqa: S311  life-like, not secret
        self.plan = self._plan(schools, teachers)
        self.register = Register(
            self.writer,
            first_account=next_id(self.connection, table_of(Account)),
            first_assignment=next_id(self.connection, table_of(Assignment)),
            day=self.calendar.day,
        )
        self.around = Surroundings(session, self.writer, self.register, self.calendar, self.plan)
        self.freezes = teachers <= FREEZE_UP_TO
        self.keeper = Keeper(
            self.writer, self.register, self.calendar, self.catalog, freezes=self.freezes
        )
        self.checker = Checker(
            self.catalog, self.calendar.day, everybody=teachers <= CHECK_ALL_UP_TO
        )
        self.serial = 0
        self.numbers = 0
        self.done = 0
        self.rows = 0
        self.states: dict[str, int] = {}

    def _plan(self, schools: int, teachers: int) -> Plan:
        shipped = structure()
        known = self.session.execute(select(Unit.code, Unit.id)).all()
        return plan_units(
            self.rng,
            schools=schools,
            teachers=teachers,
            districts=shipped.districts,
            types=shipped.school_types,
            first_id=next_id(self.connection, table_of(Unit)),
            existing={row.code: row.id for row in known},
        )

    def run(self) -> Loaded:
        """Write everything; one transaction, that of the session."""
        if self.connection.dialect.name == "postgresql":
            self.connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            self.connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        suspended = Suspended(self.connection, self._big_tables())
        if self.total >= SUSPEND_FROM:
            suspended.drop()
        with self.writer:
            self._write()
        suspended.restore()
        self.session.expire_all()
        self.around.keep_submissions(self.catalog)
        return Loaded(len(self.plan.schools), self.serial, self.rows, self.states)

    def _write(self) -> None:
        self._units()
        first = next_id(self.connection, table_of(Teacher))
        self.writer.flush()
        self.around.open_batches()
        self.keeper.batches = self.around.batches
        for number, unit in enumerate(self.plan.schools):
            self._school(unit, first, number)
        self.rows += self.writer.flush()
        self.rows += self.writer.flush()
        self.around.close()
        if self.freezes:
            self.around.write_workbooks()
        self.rows += self.writer.flush()
        self.register.write_links(self.connection)
        self._numbering()

    def _big_tables(self) -> list[Table]:
        classes = [*TEACHER_SETS.values(), Teacher, NameGram, Affiliation, FileVersion]
        classes += [NoneAnswer, FileProblem, Transition, Contributor, ReportItem]
        return [table_of(cls) for cls in classes]

    def _units(self) -> None:
        for unit in (*self.plan.authorities, *self.plan.schools):
            if not unit.exists:
                self.writer.add(table_of(Unit), unit_row(unit))
        for unit in self.plan.authorities:
            roles = CITY if unit.authority_id is None else DISTRICT
            names = [person_name(self.rng, self.rng.choice("12")) for _each in roles]
            accounts.add_authority(self.register, unit, names)
        for unit in self.plan.schools:
            accounts.add_school(self.register, unit)
            self.keeper.describe(unit, self.plan, self.rng)
        self.around.delegate(self.rng)

    def _school(self, unit: PlannedUnit, first: int, number: int) -> None:
        rng = Random(f"{self.seed}:{unit.code}")  # noqa: S311
        desk = _Desk(
            unit=unit,
            pace=self.around.pace(unit, rng),
            updates=self.calendar.updates(rng),
            deadline=self.around.deadline(unit),
            shape=self.setting.shapes[str(unit.category)].kept,
            city_run=unit.authority_id == self.plan.city.id,
            with_accounts=self.around.is_shown(unit),
        )
        for index in range(unit.teachers):
            self.serial += 1
            file = self._file(rng, desk, first + self.serial - 1, index)
            self.keeper.keep(file, self.checker)
            self.around.note(file)
            state = str(file.course.state)
            self.states[state] = self.states.get(state, 0) + 1
            self.done += 1
            if self.done % CHUNK == 0:
                self.rows += self.writer.flush(wait=False)
                self.progress(self.done, self.total)
        if number == len(self.plan.schools) - 1:
            self.progress(self.done, self.total)

    def _file(self, rng: Random, desk: "_Desk", key: int, index: int) -> File:
        unit = desk.unit
        role = HEAD if index == 0 else TEACHER if index < 3 else weighted(rng, ROLES)
        life = make_life(rng, unit, self.setting, self.serial, role)
        content = make_content(rng, life, unit, self.setting)
        own_account = desk.with_accounts or index == min(1, unit.teachers - 1)
        course = self._course(rng, desk, life, own_account)
        file = File(key, new_uuid(rng), life, unit, content, course)
        self._spoil(rng, file)
        self._answer(rng, file)
        file.content = self._derived(file, self.calendar.day)
        if course.effect is None:
            file.versions = [
                Version(code, new_uuid(rng), row, None)
                for code, rows in file.content.items()
                for row in rows
            ]
        else:
            self.numbers += 1
            file.number = number_of(self.numbers)
            self._live(rng, file, desk)
        if own_account:
            self._account(file)
        file.problems = self.checker.check(file)
        return file

    def _course(self, rng: Random, desk: "_Desk", life: Life, own_account: bool) -> Course:
        joined = date(life.joined // 12, life.joined % 12 + 1, 1)
        state = ways.draw_state(rng, desk.pace, joined, self.calendar)
        if life.role == HEAD:
            state = self.around.state_of_head(desk.unit) or state
        submitter = "teacher" if own_account and rng.random() < 0.7 else "info"
        if state is not None:
            return ways.open_course(
                rng,
                state,
                self.calendar,
                deadline=desk.deadline,
                submitter=submitter,
                collected=desk.collected,
            )
        return ways.effective_course(
            rng,
            self.calendar,
            joined=joined,
            submitter=submitter,
            city_run=desk.city_run,
            collected=desk.collected,
        )

    def _spoil(self, rng: Random, file: File) -> None:
        """Unfinished drafts, faults in what is open, and a warning here and there."""
        state, point = file.course.state, rng.random()
        if state == ReviewState.DRAFT and point < 0.6:
            file.unfinished = True
        elif state in (ReviewState.DRAFT, ReviewState.RETURNED) and point < 0.8:
            severity = blemishes.ERROR if point > 0.65 or state == "returned" else "warning"
            file.blemish = self._blemish(rng, file, severity)
        elif point < 0.08:
            file.blemish = self._blemish(rng, file, blemishes.WARNING)

    def _blemish(self, rng: Random, file: File, severity: str) -> str | None:
        return blemishes.spoil(rng, file.content, file.life, self.setting, severity)

    def _answer(self, rng: Random, file: File) -> None:
        """“None to report” for the sets that have no row, before some rows are left out."""
        shape = self.setting.shapes[str(file.unit.category)]
        none = [code for code in shape.multi_row if code not in file.content]
        if file.unfinished:
            blemishes.leave_out(rng, file.content)
            none = [code for code in none if rng.random() < 0.5]
        file.none_sets = frozenset(none)

    def _derived(self, file: File, day: date, content: Content | None = None) -> Content:
        """The content with its derived values as of a day."""
        plain = dict(content or file.content)
        found = derive.derive(as_data(file, plain), self.catalog, day)
        for key, value in found.items():
            set_code, code = key.split(".", 1)
            rows = plain.get(set_code)
            if rows:
                plain[set_code] = [{**rows[0], code: value}]
        return plain

    def _live(self, rng: Random, file: File, desk: "_Desk") -> None:
        """Versions of the rows from the effect until now, and what followed the effect."""
        course = file.course
        effect = course.effect or self.calendar.now
        updates = [moment for moment in desk.updates if moment > effect]
        file.versions, moved = spread_rows(rng, file.content, effect, updates)
        changes = {
            version.valid_from: ways.ADDITION
            for version in file.versions
            if version.valid_from and version.valid_from > effect
        }
        for moment in moved:
            changes[moment] = ways.CHANGE
            self._version_basic(file, moment)
        self._change_contact(rng, file, changes)
        self._change_status(rng, file, changes)
        sent = self._can_be_sent(file)
        ways.go_on(rng, course, self.calendar, sorted(changes.items()), can_be_sent=sent)
        ways.require_correction(rng, course, self.calendar, REASON_CORRECTION)

    def _can_be_sent(self, file: File) -> bool:
        """Whether every code has one of the Ministry's: the guard of the report asks the same."""
        return not any(
            report.counterpart(self.catalog.code(table, value)) is None
            for table, value in _own_codes(file)
        )

    def _version_basic(self, file: File, moment: datetime) -> None:
        """A title, post or degree that came later: the basic row before it said something else."""
        before: Content = {"basic": [dict(file.content["basic"][0])]}
        for version in file.versions:
            if version.set in FEEDS_BASIC and version.valid_from and version.valid_from < moment:
                before.setdefault(version.set, [])
                if version.valid_to is None or version.valid_to >= moment:
                    before[version.set].append(version.values)
        day = (moment - timedelta(days=1)).date()
        old = self._derived(file, day, before)["basic"][0]
        row = next(each for each in file.versions if each.set == "basic" and not each.valid_to)
        if row.valid_from is None or row.valid_from >= moment or old == row.values:
            return
        file.versions.append(replace(row, values=old, valid_to=moment))
        row.valid_from = moment

    def _change_contact(self, rng: Random, file: File, changes: dict[datetime, str]) -> None:
        moment = self._later(rng, file, 0.07)
        row = next((each for each in file.versions if each.set == "contact"), None)
        if moment is None or row is None or "address" not in row.values:
            return
        changes[moment] = ways.CHANGE
        former = {**row.values, "address": f"{row.values['address']}（原址）"}
        file.versions.append(replace(row, values=former, valid_to=moment))
        row.valid_from = moment

    def _change_status(self, rng: Random, file: File, changes: dict[datetime, str]) -> None:
        moment = self._later(rng, file, 0.02)
        if moment is None or file.life.role == HEAD:
            return
        file.status = rng.choice(OFF_POST if rng.random() < 0.5 else LEFT)
        file.status_since = moment
        changes[moment] = ways.STATUS

    def _later(self, rng: Random, file: File, share: float) -> datetime | None:
        """A moment after the effect, for a share of the files that have had the time for it."""
        start = file.course.effect
        if start is None or rng.random() >= share:
            return None
        start += timedelta(days=10)
        seconds = int((self.calendar.last_update - start).total_seconds())
        return start + timedelta(seconds=rng.randrange(seconds)) if seconds > 86_400 else None

    def _account(self, file: File) -> None:
        if not file.is_active:
            return
        if self.around.is_head_with_file(file):
            head = self.register.holder(file.unit.id, Role.SCHOOL_HEAD)[0]
            file.account = self.register.open_file(file, head)
        else:
            name = f"t{file.number or f'{file.id:07d}'}"
            file.account = self.register.add_teacher(file, name)

    def _numbering(self) -> None:
        self.session.add(NumberSequence(name="teacher_no", next_value=self.numbers + 1))
        self.session.flush()
        move_sequences(self.connection, [table_of(cls) for cls in (Unit, Account, Assignment)])
        move_sequences(self.connection, [table_of(cls) for cls in (Teacher, ReportBatch)])


def _own_codes(file: File) -> Iterator[tuple[str, str]]:
    """The codes of a made-up file that may be the city's own, each with its table."""
    if (file.life.subject or "").startswith(report.OWN_PREFIX):
        yield "subject", str(file.life.subject)
    category = str(file.content["basic"][0].get("staff_category"))
    if category.startswith(report.OWN_PREFIX):
        yield "staff_category", category


@dataclass
class _Desk:
    """How a school works: what its files have in common."""

    unit: PlannedUnit
    pace: str
    updates: Sequence[datetime]
    deadline: date
    shape: Mapping[str, frozenset[str]]
    city_run: bool
    with_accounts: bool

    @cached_property
    def collected(self) -> frozenset[str]:
        """The indicators of the category, as "<set>.<code>"."""
        return frozenset(f"{code}.{name}" for code, names in self.shape.items() for name in names)
