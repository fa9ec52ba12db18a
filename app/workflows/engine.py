"""The engine that performs every flow: a flow is a table of steps, all rules are asked here.

Batch-native: parties, guards and effects take lists, so a single act and a bulk act are the same
code with a constant number of statements per batch. One call is one transaction of its caller:
state, history, audit and notices stand or fall together (REL-01).

The rows are locked first. What a refused object is told comes in the order of the flows'
specification: outside the scope 404, not the actor's to do 403, wrong state or version 409, a
missing reason or a guard 422.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ClauseElement, insert, literal, null, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.access.actor import Actor
from app.core.clock import now
from app.core.errors import AppError, Forbidden, Malformed, NotFound, Problem, Refused, Stale
from app.indicators.catalog import Catalog, catalog
from app.models.base import UtcDateTime
from app.models.history import Json, Transition
from app.services import audit, notice
from app.services.among import among, parts
from app.services.notice import REASON_LENGTH
from app.workflows.parties import Party

BATCH = 500  # Objects that are locked and written together.
LIMIT = 1000  # Objects of one call; more of them are the business of a job.
MOST_FIELDS, FIELD_KEY_LENGTH = 100, 120  # Reasons per field of one return.

Problems = Mapping[int, Sequence[Problem]]


@dataclass(frozen=True)
class Act:
    """What a guard or effect needs to know about the act under way.

    `batch` names the run that this call is a part of: a job that decides thousands of objects
    tells everybody once. `at` is the moment of the act, read after `prepares` have run. `notes`
    hands on what a guard has read to the effects of the same objects, `shared` what one part of a
    call has made for the parts that follow.
    """

    session: Session
    actor: Actor
    step: "Step"
    reason: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    catalog: Catalog | None = None
    batch: str | None = None
    at: datetime = field(default_factory=now)
    notes: dict[str, Any] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)

    @property
    def known(self) -> Catalog:
        """The catalogue that the act goes by."""
        return self.catalog or catalog(self.session)


def leads_to(*states: str) -> Callable[["Target"], "Target"]:
    """Say of a function that chooses the state which ones it may choose."""

    def say(choose: Target) -> Target:
        choose.states = states  # type: ignore[attr-defined]
        return choose

    return say


Guard = Callable[[Act, list[Any]], Problems]
Effect = Callable[[Act, list[Any]], None]
Target = Callable[["Act", Any], str]
Writes = Callable[[Act, list[Any]], Mapping[str, Any]]
Holds = Callable[[Session, Sequence[int]], None]


@dataclass(frozen=True)
class Field:
    """An input of a step beside the reason: a check box, text or choice of its dialog."""

    name: str
    kind: str
    label: Any
    required: bool = False


@dataclass(frozen=True)
class Step:
    """One row of a flow's table.

    `target` None keeps the state; a callable chooses per object among those it `leads_to`. `opens`
    run before the rows are locked, `prepares` on the locked rows before the state is written,
    `writes` gives further columns of the objects for the same statement, `effects` follow it. A
    step `decides` unless it says otherwise, and nobody decides on what is about themselves. Its
    parties are reminded of what waits for it (workflows.waiting), unless they take it `at_leisure`.
    """

    name: str
    number: str
    sources: tuple[str, ...]
    target: str | Target | None
    by: tuple[Party, ...]
    label: Any
    opens: tuple[Callable[[Act], None], ...] = ()
    guards: tuple[Guard, ...] = ()
    prepares: tuple[Effect, ...] = ()
    writes: Writes | None = None
    effects: tuple[Effect, ...] = ()
    needs_reason: bool = False
    tells: tuple[notice.Telling, ...] = ()
    inputs: tuple[Field, ...] = ()
    bulk: bool = True
    tone: str = "primary"
    icon: str = "check"
    decides: bool = True
    at_leisure: bool = False

    @property
    def is_awaited(self) -> bool:
        """Whether what lies in a source of this step waits for its parties to go on: a return or
        rejection is their other choice, and what keeps the state or is the system's waits for
        nobody."""
        people = any(not each.is_system for each in self.by)
        forward = self.target is not None and not self.needs_reason
        return people and forward and self.decides and not self.at_leisure

    @property
    def targets(self) -> tuple[str, ...]:
        """The states that an object may get; none where it keeps its own."""
        if callable(self.target):
            return tuple(map(str, self.target.states))  # type: ignore[attr-defined]
        return () if self.target is None else (str(self.target),)

    def target_of(self, act: Act, item: Any) -> str:
        """The state the object gets."""
        if self.target is None:
            return str(item.state)
        return str(self.target(act, item) if callable(self.target) else self.target)


@dataclass
class Outcome:
    """What became of each object of a bulk act, by id."""

    done: list[int] = field(default_factory=list)
    failed: dict[int, AppError] = field(default_factory=dict)

    def status(self, key: int) -> int:
        """200 for done, else the status of the refusal."""
        return self.failed[key].status if key in self.failed else 200


@dataclass
class _Taken:
    """The objects of one row of the table in one call, for the notices at its end."""

    act: Act
    items: list[Any] = field(default_factory=list)


# Ids of objects, each with the party in whose place the actor acts ("" in the actor's own right).
Standing = dict[int, str]


@dataclass(frozen=True)
class Workflow:
    """A flow: its name in the API, the mapped class that holds state and version, its steps.

    `holds` locks what the objects hang on, for all of a call before its first batch: files come
    before the processes about them everywhere, so that nobody waits for another crosswise.
    """

    name: str
    model: Any
    states: type[StrEnum]
    terminal: frozenset[str]
    steps: tuple[Step, ...]
    label: Any
    state_table: str
    holds: Holds | None = None

    def state_codes(self) -> list[str]:
        """The states in the order of their life, the one that it begins with first."""
        return [str(state) for state in self.states]

    def step_names(self) -> list[str]:
        """The distinct names of steps in table order."""
        return list(dict.fromkeys(step.name for step in self.steps))

    def steps_named(self, name: str) -> list[Step]:
        """All rows of that name; NotFound when the flow has none."""
        found = [step for step in self.steps if step.name == name]
        if not found:
            raise NotFound()
        return found

    def steps_for(self, role: str) -> list[Step]:
        """The steps that a role may take of some object, for the buttons of a list."""
        return [step for step in self.steps if any(role in party.roles for party in step.by)]

    def check(self, name: str, data: Mapping[str, Any]) -> None:
        """Ask whether a step exists and has these inputs; raises NotFound, Malformed, Refused."""
        _check_inputs(self.steps_named(name), data)

    def available(self, session: Session, item: Any, actor: Actor) -> list[Step]:
        """The steps the actor may take from the present state, guards not asked."""
        return [
            step
            for step in self.steps
            if item.state in step.sources and _standing(session, step, actor, [item])
        ]

    def perform(
        self,
        session: Session,
        key: int,
        name: str,
        actor: Actor,
        *,
        version: int | None,
        reason: str = "",
        catalog: Any = None,
        **data: Any,
    ) -> Any:
        """Take one step of one object; raises NotFound, Forbidden, Stale, Refused, Malformed."""
        outcome = self.perform_many(
            session, {key: version}, name, actor, reason=reason, catalog=catalog, **data
        )
        if key in outcome.failed:
            raise outcome.failed[key]
        return session.get(self.model, key, populate_existing=True)

    def perform_many(
        self,
        session: Session,
        versions: Mapping[int, int | None],
        name: str,
        actor: Actor,
        *,
        reason: str = "",
        catalog: Any = None,
        batch: str | None = None,
        **data: Any,
    ) -> Outcome:
        """Take one step of many objects, each decided by itself; at most LIMIT in one call.

        `versions` maps ids to the version the caller saw, or None to take it as it is. Raises
        Malformed for inputs the step does not have.
        """
        steps = self.steps_named(name)
        if len(versions) > LIMIT:
            raise Malformed()
        self.check(name, data)
        outcome = Outcome()
        acts = [Act(session, actor, each, reason.strip(), data, catalog, batch) for each in steps]
        taken = [_Taken(act) for act in acts]
        self._hold(session, versions)
        for keys in parts(sorted(versions), BATCH):
            for act in acts:
                for opening in act.step.opens:
                    opening(act)
            items = self._lock(session, keys, outcome)
            for number, chosen in _fitting(acts, items, versions, outcome):
                taken[number].items += self._take(acts[number], chosen, outcome)
        for each in taken:
            for telling in each.act.step.tells:
                notice.tell(
                    session, telling, actor, each.items, reason=each.act.reason, batch=batch
                )
        return outcome

    def foresee(
        self,
        session: Session,
        keys: Sequence[int],
        name: str,
        actor: Actor,
        *,
        catalog: Any = None,
        **data: Any,
    ) -> Outcome:
        """Tell what a step would do with some objects, without taking it: parties, states and
        guards are asked, nothing moves and nobody is told."""
        self.check(name, data)
        outcome = Outcome()
        acts = [Act(session, actor, each, "", data, catalog) for each in self.steps_named(name)]
        self._hold(session, keys)
        for part in parts(sorted(keys), BATCH):
            items = self._lock(session, part, outcome)
            versions = dict.fromkeys(part)
            for number, chosen in _fitting(acts, items, versions, outcome):
                act = replace(acts[number], notes={})
                passed = _ask_guards(act, list(chosen), outcome)
                outcome.done.extend(item.id for item in passed)
        return outcome

    def _hold(self, session: Session, keys: Iterable[int]) -> None:
        if self.holds is not None:
            self.holds(session, sorted(keys))

    def _lock(self, session: Session, keys: Sequence[int], outcome: Outcome) -> list[Any]:
        # Locked in order of id, so that two bulk acts never wait for each other crosswise; on
        # SQLite the transaction already holds the only write lock.
        found = session.scalars(
            select(self.model)
            .where(among(session, self.model.id, keys))
            .order_by(self.model.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).all()
        present = {item.id for item in found}
        outcome.failed |= {key: NotFound() for key in keys if key not in present}
        return list(found)

    def _take(self, act: Act, chosen: Mapping[Any, str], outcome: Outcome) -> list[Any]:
        """Take the step for one batch of locked objects; return those that took it."""
        act = replace(act, notes={})
        passed = _ask_guards(act, list(chosen), outcome)
        if not passed:
            return []
        for effect in act.step.prepares:
            effect(act, passed)
        # The clock is read after the fence that a step into force passes in `prepares`.
        act = replace(act, at=now())
        self._move(act, {item: chosen[item] for item in passed})
        for effect in act.step.effects:
            effect(act, passed)
        written = among(act.session, self.model.id, [item.id for item in passed])
        audit.record_rows(
            act.session,
            "transition",
            actor=act.actor,
            kind=self.name,
            rows=select(self.model.id, self.model.teacher_id).where(written),
            detail={"step": act.step.name},
            reason=act.reason,
        )
        outcome.done.extend(item.id for item in passed)
        return passed

    def _move(self, act: Act, items: Mapping[Any, str]) -> None:
        """Write state, version, the step's own columns and the history, all of them as sets."""
        own = dict(act.step.writes(act, list(items))) if act.step.writes else {}
        act.session.flush()
        groups: dict[tuple[str, str, str], list[Any]] = {}
        for item, standing in items.items():
            key = (str(item.state), act.step.target_of(act, item), standing)
            groups.setdefault(key, []).append(item)
        for (old, new, standing), found in groups.items():
            moved = {"state": new, **own}
            if old != new and hasattr(self.model, "state_since"):
                moved["state_since"] = act.at
            self._write(act, found, old, moved)
            self._note(act, found, old, standing)

    def _write(self, act: Act, items: list[Any], old: str, values: dict[str, Any]) -> None:
        keys = [item.id for item in items]
        rows = act.session.execute(
            update(self.model)
            .where(among(act.session, self.model.id, keys), self.model.state == old)
            .values(**values, version=self.model.version + 1)
            .execution_options(synchronize_session=False)
        )
        # The rows are locked: another number means that a lock was lost, and nothing may stand.
        if rows.rowcount != len(items):  # type: ignore[attr-defined]
            raise Stale()
        plain = {k: v for k, v in values.items() if not isinstance(v, ClauseElement)}
        computed = values.keys() - plain.keys()
        for item in items:
            for name, value in {**plain, "version": item.version + 1}.items():
                set_committed_value(item, name, value)
            if computed:
                act.session.expire(item, computed)

    def _note(self, act: Act, items: list[Any], old: str, standing: str) -> None:
        """Write the history of a batch with one statement, out of the rows as they stand."""
        model, actor = self.model, act.actor
        kept = {key: value for key, value in act.data.items() if key != "fields"}
        kept |= {"stands_in": standing} if standing else {}
        columns = {
            "flow": literal(self.name),
            "object_id": model.id,
            "teacher_id": model.teacher_id,
            "step": literal(act.step.name),
            "from_state": literal(old),
            "to_state": model.state,
            "account_id": _or_null(actor.account_id),
            "assignment_id": _or_null(actor.assignment_id),
            "role": literal(str(actor.role)),
            "unit_id": _or_null(actor.unit_id),
            "school_id": model.school_id,
            "authority_id": model.authority_id,
            "at": literal(act.at, UtcDateTime()),
            "reason": _or_null(act.reason),
            "field_reasons": _or_null(act.data.get("fields"), Json),
            "object_version": model.version,
            "data": _or_null(kept, Json),
        }
        chosen = among(act.session, model.id, [item.id for item in items])
        rows = select(*columns.values()).where(chosen).order_by(model.id)
        act.session.execute(insert(Transition).from_select(list(columns), rows))


def teacher_of(item: Any) -> int | None:
    """The teacher an object of any flow belongs to."""
    return getattr(item, "teacher_id", None)


def _or_null(value: Any, kind: Any = None) -> Any:
    return literal(value, kind) if value else null()


def _fitting(
    acts: Sequence[Act],
    items: Sequence[Any],
    versions: Mapping[int, int | None],
    outcome: Outcome,
) -> Iterable[tuple[int, dict[Any, str]]]:
    """Give each object the row of the table that fits it: party first, then state, version.

    Returns the numbers of rows, each with its objects and how the actor stands to them.
    """
    standings = [_standing(act.session, act.step, act.actor, items) for act in acts]
    chosen: dict[int, dict[Any, str]] = {}
    for item in items:
        rows = [number for number, ids in enumerate(standings) if item.id in ids]
        fitting = [number for number in rows if item.state in acts[number].step.sources]
        expected = versions[item.id]
        if not rows:
            outcome.failed[item.id] = Forbidden()
        elif not fitting or (expected is not None and expected != item.version):
            outcome.failed[item.id] = Stale()
        else:
            chosen.setdefault(fitting[0], {})[item] = standings[fitting[0]][item.id]
    return chosen.items()


def _standing(session: Session, step: Step, actor: Actor, items: Sequence[Any]) -> Standing:
    """The objects to which the actor is a party of the step, in the own right where possible."""
    found: Standing = {}
    for party in sorted(step.by, key=lambda each: bool(each.stands_in)):
        left = [item for item in items if item.id not in found]
        found |= dict.fromkeys(party.of(session, actor, left), party.stands_in)
    return found


def _check_inputs(steps: list[Step], data: Mapping[str, Any]) -> None:
    """Refuse inputs that no row of the step has, and values that are not of their kind."""
    known = {each.name: each for step in steps for each in step.inputs}
    for name, value in data.items():
        if name == "fields" and any(step.needs_reason for step in steps):
            _check_field_reasons(value)
        elif name not in known or not _is_of_kind(value, known[name].kind):
            raise Malformed(problems=[Problem("input", name, field=name)])


def _is_of_kind(value: Any, kind: str) -> bool:
    if kind == "check":
        return isinstance(value, bool)
    return isinstance(value, str) and len(value) <= REASON_LENGTH


def _check_field_reasons(fields: Any) -> None:
    if fields is None:
        return
    if not isinstance(fields, Mapping) or len(fields) > MOST_FIELDS:
        raise Malformed()
    for key, reason in fields.items():
        if not isinstance(key, str) or not isinstance(reason, str) or not reason.strip():
            raise Malformed()
        if len(key) > FIELD_KEY_LENGTH or len(reason) > REASON_LENGTH:
            raise Refused(problems=[notice.reason_problem()])


def _reason_given(act: Act, items: list[Any]) -> Problems:
    """A return, rejection or revocation needs a reason of 1 to 500 characters (s0)."""
    missing = act.step.needs_reason and not act.reason
    if not missing and len(act.reason) <= REASON_LENGTH:
        return {}
    return {item.id: [notice.reason_problem()] for item in items}


def _not_own(act: Act, items: list[Any]) -> Problems:
    """Nobody decides on their own file, under whatever role (s0)."""
    if not act.step.decides or act.actor.teacher_id is None:
        return {}
    problem = Problem("own_file", _("Nobody decides on their own file."))
    return {item.id: [problem] for item in items if teacher_of(item) == act.actor.teacher_id}


def _ask_guards(act: Act, items: list[Any], outcome: Outcome) -> list[Any]:
    """Ask every guard about every object; all problems of an object are reported at once."""
    problems: dict[int, list[Problem]] = {}
    for guard in (_reason_given, _not_own, *act.step.guards):
        for key, found in guard(act, items).items():
            problems.setdefault(key, []).extend(found)
    outcome.failed |= {key: Refused(problems=found) for key, found in problems.items() if found}
    return [item for item in items if item.id not in outcome.failed]
