"""Acts out the stories of app/demo/stories.py in a loaded demonstration: every act by the service
or flow that a person would use, as the person whose turn it is, at its moment."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.actor import Actor, acting_as, make_actor, system
from app.access.modules import Module, is_on
from app.access.roles import Role
from app.access.scope import scoped_get
from app.core.clock import frozen, today
from app.core.errors import AppError
from app.demo import stories
from app.demo.course import at
from app.demo.stories import ATTACH, FAR, HOME, OF_CITY, OPEN, OTHER, SAME, SET_ASIDE, Step, Story
from app.indicators.catalog import Catalog
from app.indicators.periods import add_months, month_of
from app.models.account import Account, Assignment
from app.models.hint import HintState
from app.models.teacher import IN_FORCE_STATES, Teacher
from app.models.unit import Unit, UnitKind
from app.services import change, hint, rotation, status_change, transfer
from app.services.attachment import Upload
from app.services.contents import records
from app.services.storage import Storage
from app.workflows.addition import ADDITION
from app.workflows.change import CHANGE
from app.workflows.rotation import ROTATION
from app.workflows.status_change import STATUS_CHANGE
from app.workflows.transfer import TRANSFER

FLOWS = {each.name: each for each in (ADDITION, CHANGE, STATUS_CHANGE, TRANSFER, ROTATION)}
PROVED = {"change": change, "status_change": status_change, "rotation": rotation}
OF_A_PERSON = {"status_change", "transfer", "rotation"}  # One at a time.
# How many files a place needs at least for the stories that are told of it.
NEEDED = {HOME: 7, SAME: 2, OTHER: 13, FAR: 9, OF_CITY: 4}
SETTLED = timedelta(days=30)  # What took effect since then may have changed after a story began.
OPENS_AT, PACE = 9, timedelta(minutes=25)
TOKEN = re.compile(r"\{([ymd])([+-]\d+)\}")


def act_out(session: Session, catalog: Catalog, storage: Storage) -> list[Story]:
    """Act out every story on a teacher whom its rules allow; returns those for which there is no
    school or teacher, as in a small city. Must not be called as the system; the caller commits."""
    with system():
        cast = _Cast.of(session, catalog)
    stage = _Stage(session, catalog, storage, cast)
    return [story for story in stories.STORIES if not stage.play(story)]


@dataclass
class _Cast:
    """The schools of the stories, the teachers who are free for one, and who holds which role."""

    places: Mapping[str, Unit]
    teachers: Mapping[str, list[int]]
    holders: Mapping[tuple[str, int], Actor]
    owners: Mapping[int, Actor]

    @classmethod
    def of(cls, session: Session, catalog: Catalog) -> "_Cast":
        """Read everybody as the system, once."""
        holders: dict[tuple[str, int], Actor] = {}
        owners: dict[int, Actor] = {}
        own_files = set()
        people = (
            select(Assignment, Unit, Account)
            .join(Unit, Unit.id == Assignment.unit_id)
            .join(Account, Account.id == Assignment.account_id)
            .where(Account.is_demo, Assignment.delegated_from.is_(None))
            .order_by(Assignment.id)
        )
        for assignment, unit, account in session.execute(people):
            actor = make_actor(assignment, unit, account)
            if actor.role != Role.TEACHER:
                holders.setdefault((str(actor.role), unit.id), actor)
                own_files.add(account.teacher_id)
            elif account.teacher_id is not None:
                owners[account.teacher_id] = actor
        files = _files(session, own_files)
        places = _places(session, catalog, files)
        teachers = {name: files[unit.id] for name, unit in places.items()}
        return cls(places, teachers, holders, owners)

    def actor(self, party: str, story: Story, teacher_id: int) -> Actor:
        """Who a party to a story is; KeyError where nobody is."""
        if party == "teacher":
            return self.owners[teacher_id]
        sends = self.places[story.place]
        opens = self.places[story.to] if _flow(story) == "transfer" else sends
        side, _of, name = party.rpartition("_")
        unit = sends if side == "sending" else opens
        if name == "info":
            return self.holders[Role.SCHOOL_INFO, unit.id]
        if name == "head":
            return self.holders[Role.SCHOOL_HEAD, unit.id]
        key = int(unit.authority_id or 0)
        found = self.holders.get((Role.DISTRICT_INFO, key))
        return found or self.holders[Role.CITY_INFO, key]


def _files(session: Session, own_files: set[int | None]) -> dict[int, list[int]]:
    """The files that a story may be about, by school: on duty, without fault, long in force, and
    of nobody who holds an office."""
    found: dict[int, list[int]] = {}
    rows = session.execute(
        select(Teacher.id, Teacher.school_id)
        .where(
            Teacher.active,
            Teacher.staff_status == status_change.SERVING,
            Teacher.error_count == 0,
            Teacher.state.in_(IN_FORCE_STATES),
            Teacher.effective_at < at(today() - SETTLED, 0),
        )
        .order_by(Teacher.id)
    )
    for key, school_id in rows:
        if key not in own_files:
            found.setdefault(school_id, []).append(key)
    return found


def _places(
    session: Session, catalog: Catalog, files: Mapping[int, Sequence[int]]
) -> dict[str, Unit]:
    """The schools of the stories: the first of the load and one beside it under the same district,
    two of other districts and one of the city, all with the modules on."""
    schools = session.scalars(select(Unit).where(Unit.kind == UnitKind.SCHOOL).order_by(Unit.id))
    fit = [unit for unit in schools if is_on(Module.TRANSFER, unit, catalog) and unit.id in files]
    city = session.scalars(select(Unit.id).where(Unit.kind == UnitKind.CITY)).one()
    found: dict[str, Unit] = {}
    for unit in fit:
        name = _place(unit, found, city)
        if name not in found and len(files[unit.id]) >= NEEDED[name]:
            found[name] = unit
    return found


def _place(unit: Unit, found: Mapping[str, Unit], city: int) -> str:
    """What a school could be in the stories, beside those that are chosen already; the one that is
    chosen for that where it can be nothing new."""
    home = found.get(HOME)
    if home is None or unit.authority_id == home.authority_id:
        return HOME if home is None else SAME
    if unit.category != home.category:
        return HOME
    if unit.authority_id == city:
        return OF_CITY
    other = found.get(OTHER)
    return OTHER if other is None or unit.authority_id == other.authority_id else FAR


class _Stage:
    """Where stories are acted out, each within a savepoint: refused by a rule, it is told of the
    next teacher."""

    def __init__(self, session: Session, catalog: Catalog, storage: Storage, cast: _Cast) -> None:
        self.session, self.catalog, self.storage, self.cast = session, catalog, storage, cast
        self.free = {name: list(ids) for name, ids in cast.teachers.items()}
        self.played = 0

    def play(self, story: Story) -> bool:
        """Act out a story on the first teacher of its place with whom it can be."""
        if not {story.place, story.to or story.place} <= self.cast.places.keys():
            return False
        free = (self.free if _is_of_a_person(story) else self.cast.teachers)[story.place]
        for teacher_id in list(free):
            try:
                with self.session.begin_nested():
                    _Telling(self, story, teacher_id).tell()
            except (AppError, KeyError):
                continue
            self._strike_off(story, teacher_id)
            self.played += 1
            return True
        return False

    def _strike_off(self, story: Story, teacher_id: int) -> None:
        """Who moves has no other story, who is sent or leaves no other of that kind; the others
        go to the end of the row."""
        crowd = self.cast.teachers[story.place]
        if _is_of_a_person(story):
            self.free[story.place].remove(teacher_id)
        crowd.remove(teacher_id)
        if _flow(story) != "transfer":
            crowd.append(teacher_id)


@dataclass
class _Telling:
    """One story about one teacher: the process that was opened last is the one that goes on."""

    stage: _Stage
    story: Story
    teacher_id: int
    flow: str = ""
    item: Any = None
    moments: dict[int, datetime] = field(default_factory=dict)

    def tell(self) -> None:
        """Take the steps; raises what the services raise, KeyError where a party is missing."""
        for step in self.story.steps:
            actor = self.stage.cast.actor(step.party, self.story, self.teacher_id)
            with frozen(self._moment(step.days)), acting_as(actor):
                self._take(step, actor)

    def _moment(self, days: int) -> datetime:
        """A while after the step before on the same day; each story at another time of the day."""
        start = at(today() - timedelta(days=days), OPENS_AT) + timedelta(minutes=self.stage.played)
        self.moments[days] = self.moments.get(days, start) + PACE
        return self.moments[days]

    def _take(self, step: Step, actor: Actor) -> None:
        session, says = self.stage.session, _with_days(step.says)
        if step.act == OPEN:
            self.flow = step.flow
            self.item = OPENERS[step.flow](self, actor, says)
        elif step.act == ATTACH:
            upload = Upload("证明材料.pdf", _paper())
            PROVED[self.flow].attach(session, actor, self.item, upload, storage=self.stage.storage)
        elif step.act == SET_ASIDE:
            hint.settle(session, actor, self.item, HintState.SET_ASIDE, says["reason"])
        else:
            FLOWS[self.flow].perform(
                session, self.item.id, step.act, actor,
                version=None, catalog=self.stage.catalog, **says,
            )  # fmt: skip
        session.flush()

    def teacher(self) -> Teacher:
        """The file as the actor has it in scope."""
        return scoped_get(self.stage.session, Teacher, self.teacher_id)

    def latest(self, set_code: str) -> str:
        """The record of a set that was entered last; KeyError where there is none."""
        found = records(self.stage.session, self.teacher(), set_code)
        if not found:
            raise KeyError(set_code)
        return str(found[-1].uuid)


# How each flow is opened.


def _add(told: _Telling, actor: Actor, says: dict[str, Any]) -> Any:
    return change.add(
        told.stage.session, actor, told.teacher(), says["set"], says["raw"],
        catalog=told.stage.catalog,
    )  # fmt: skip


def _alter(told: _Telling, actor: Actor, says: dict[str, Any]) -> Any:
    record = told.latest(says["set"])
    return change.open_change(
        told.stage.session, actor, told.teacher(), says["set"], record,
        kind=says["kind"], raw=says["raw"], reason=says["reason"], catalog=told.stage.catalog,
    )  # fmt: skip


def _hint(told: _Telling, actor: Actor, says: dict[str, Any]) -> Any:
    about = hint.About(says["set"], says["field"], told.latest(says["set"]))
    return hint.give(
        told.stage.session, actor, told.teacher(), about, says["text"], catalog=told.stage.catalog
    )


def _register(told: _Telling, actor: Actor, says: dict[str, Any]) -> Any:
    return status_change.register(
        told.stage.session, actor, told.teacher(),
        to_status=says["to_status"], effective_date=date.fromisoformat(says["effective_date"]),
        reason=says["reason"], document_no=says["document_no"], catalog=told.stage.catalog,
    )  # fmt: skip


def _apply(told: _Telling, actor: Actor, says: dict[str, Any]) -> Any:
    session, known = told.stage.session, told.stage.catalog
    file = transfer.require_open(session, actor, told.teacher_id, catalog=known)
    return transfer.open_transfer(session, actor, file, says, catalog=known)


def _send(told: _Telling, actor: Actor, says: dict[str, Any]) -> Any:
    reason = says.pop("reason")
    return rotation.create(
        told.stage.session, actor, told.teacher(),
        {**says, "to_school": told.stage.cast.places[told.story.to].id},
        reason=reason, catalog=told.stage.catalog,
    )  # fmt: skip


OPENERS = {
    "addition": _add,
    "change": _alter,
    "hint": _hint,
    "status_change": _register,
    "transfer": _apply,
    "rotation": _send,
}


def _flow(story: Story) -> str:
    return story.steps[0].flow


def _is_of_a_person(story: Story) -> bool:
    return any(step.flow in OF_A_PERSON for step in story.steps)


def _with_days(says: Mapping[str, Any]) -> dict[str, Any]:
    """Values with the days of app/demo/stories.py written out, as of the moment of the step."""
    return {name: _written(value) for name, value in says.items()}


def _written(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _with_days(value)
    return TOKEN.sub(_day, value) if isinstance(value, str) else value


def _day(token: re.Match[str]) -> str:
    unit, number = token[1], int(token[2])
    if unit == "d":
        return (today() + timedelta(days=number)).isoformat()
    if unit == "m":
        return month_of(add_months(today(), number))
    return str(today().year + number)


def _paper() -> bytes:
    """A page of paper: a small whole pdf with one empty page."""
    parts = [b"%PDF-1.4\n"]
    offsets = []
    for number, body in enumerate(PAGE, start=1):
        offsets.append(sum(map(len, parts)))
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = sum(map(len, parts))
    rows = b"".join(b"%010d 00000 n \n" % each for each in offsets)
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(PAGE) + 1, rows))
    parts.append(b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(PAGE) + 1))
    parts.append(b"startxref\n%d\n%%%%EOF\n" % start)
    return b"".join(parts)


PAGE = (
    b"<< /Type /Catalog /Pages 2 0 R >>",
    b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
)
