"""The engine that performs every flow: a flow is a table of steps, all rules are asked here.

Batch-native: guards and effects take lists, so a single act and a bulk act are the same code
with a constant number of statements. One call is one transaction of its caller: state, history,
audit and notices stand or fall together (REL-01).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.access.scope import SYSTEM_ACTOR, Actor
from app.core.clock import now
from app.core.errors import AppError, Forbidden, Malformed, NotFound, Problem, Refused, Stale
from app.models.history import Transition
from app.services import audit, notice

BATCH = 500
REASON_LENGTH = 500

Problems = Mapping[int, Sequence[Problem]]


@dataclass(frozen=True)
class Act:
    """What a guard or effect needs to know about the act under way."""

    session: Session
    actor: Actor
    step: "Step"
    reason: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    catalog: Any = None


Party = Callable[[Session, Actor, Any], bool]
Guard = Callable[[Act, list[Any]], Problems]
Effect = Callable[[Act, list[Any]], None]
Target = Callable[["Act", Any], str]


@dataclass(frozen=True)
class Field:
    """An input of a step beside the reason: a check box, text or choice of its dialog."""

    name: str
    kind: str
    label: Any
    required: bool = False


@dataclass(frozen=True)
class Step:
    """One row of a flow's table. `target` None keeps the state; a callable chooses per object."""

    name: str
    number: str
    sources: tuple[str, ...]
    target: str | Target | None
    by: tuple[Party, ...]
    label: Any
    guards: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...] = ()
    needs_reason: bool = False
    tells: tuple[notice.Telling, ...] = ()
    inputs: tuple[Field, ...] = ()
    bulk: bool = True
    tone: str = "primary"
    icon: str = "check"

    def target_of(self, act: Act, item: Any) -> str:
        """The state the object gets."""
        if self.target is None:
            return str(item.state)
        return self.target(act, item) if callable(self.target) else self.target


@dataclass
class Outcome:
    """What became of each object of a bulk act, by id."""

    done: list[int] = field(default_factory=list)
    failed: dict[int, AppError] = field(default_factory=dict)

    def status(self, key: int) -> int:
        """200 for done, else the status of the refusal."""
        return self.failed[key].status if key in self.failed else 200


@dataclass(frozen=True)
class Workflow:
    """A flow: its name in the API, the mapped class that holds state and version, its steps."""

    name: str
    model: Any
    states: type
    terminal: frozenset[str]
    steps: tuple[Step, ...]
    label: Any
    state_table: str

    def step_names(self) -> list[str]:
        """The distinct names of steps in table order."""
        return list(dict.fromkeys(step.name for step in self.steps))

    def steps_named(self, name: str) -> list[Step]:
        """All rows of that name; NotFound when the flow has none."""
        found = [step for step in self.steps if step.name == name]
        if not found:
            raise NotFound()
        return found

    def available(self, session: Session, item: Any, actor: Actor) -> list[Step]:
        """The steps the actor may take from the present state, guards not asked."""
        return [
            step
            for step in self.steps
            if item.state in step.sources and _is_party(session, step, actor, item)
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
            session,
            {key: version},
            name,
            actor,
            reason=reason,
            catalog=catalog,
            **data,
        )
        if key in outcome.failed:
            raise outcome.failed[key]
        return session.get(self.model, key)

    def perform_many(
        self,
        session: Session,
        versions: Mapping[int, int | None],
        name: str,
        actor: Actor,
        *,
        reason: str = "",
        catalog: Any = None,
        **data: Any,
    ) -> Outcome:
        """Take one step of many objects, each decided by itself (at most BATCH at once).

        `versions` maps ids to the version the caller saw, or None to take it as it is.
        """
        steps = self.steps_named(name)
        _check_inputs(steps, reason, data)
        outcome = Outcome()
        items = self._lock(session, versions, outcome)
        for step, chosen in _by_step(session, steps, items, actor, versions, outcome):
            act = Act(session, actor, step, reason.strip(), data, catalog)
            self._take(act, chosen, outcome)
        return outcome

    def _lock(
        self, session: Session, versions: Mapping[int, int | None], outcome: Outcome
    ) -> list[Any]:
        if len(versions) > BATCH:
            raise Malformed()
        # Locked in order of id, so that two bulk acts never wait for each other crosswise; on
        # SQLite the transaction already holds the only write lock.
        found = session.scalars(
            select(self.model)
            .where(self.model.id.in_(list(versions)))
            .order_by(self.model.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).all()
        present = {item.id for item in found}
        for key in versions:
            if key not in present:
                outcome.failed[key] = NotFound()
        return list(found)

    def _take(self, act: Act, items: list[Any], outcome: Outcome) -> None:
        passed = _ask_guards(act, items, outcome)
        if not passed:
            return
        before = {item.id: str(item.state) for item in passed}
        moved = self._move(act, passed)
        for item in passed:
            if item.id not in moved:
                outcome.failed[item.id] = Stale()
        passed = [item for item in passed if item.id in moved]
        for effect in act.step.effects:
            effect(act, passed)
        self._write_history(act, passed, before)
        audit.record_many(
            act.session,
            "transition",
            actor=act.actor,
            objects=[(self.name, item.id, teacher_of(item)) for item in passed],
            detail={"step": act.step.name},
            reason=act.reason,
        )
        for telling in act.step.tells:
            notice.tell(act.session, telling, act.actor, passed, reason=act.reason)
        outcome.done.extend(item.id for item in passed)

    def _move(self, act: Act, items: list[Any]) -> set[int]:
        """Write state and version where the old ones still stand; return the ids written."""
        groups: dict[tuple[str, str], list[int]] = {}
        for item in items:
            groups.setdefault((item.state, act.step.target_of(act, item)), []).append(item.id)
        moved: set[int] = set()
        stamp = now()
        for (old, new), keys in groups.items():
            values: dict[str, Any] = {"state": new, "version": self.model.version + 1}
            if old != new and hasattr(self.model, "state_since"):
                values["state_since"] = stamp
            rows = act.session.execute(
                update(self.model)
                .where(self.model.id.in_(keys), self.model.state == old)
                .values(**values)
                .returning(self.model.id)
                .execution_options(synchronize_session=False)
            )
            moved.update(row[0] for row in rows)
        act.session.scalars(
            select(self.model)
            .where(self.model.id.in_([item.id for item in items]))
            .execution_options(populate_existing=True)
        ).all()
        return moved

    def _write_history(self, act: Act, items: list[Any], before: Mapping[int, str]) -> None:
        stamp = now()
        fields = act.data.get("fields") or None
        rows = [
            {
                "flow": self.name,
                "object_id": item.id,
                "teacher_id": teacher_of(item),
                "step": act.step.name,
                "from_state": before[item.id],
                "to_state": str(item.state),
                "account_id": act.actor.account_id or None,
                "assignment_id": act.actor.assignment_id,
                "role": str(act.actor.role),
                "unit_id": act.actor.unit_id or None,
                "school_id": item.school_id,
                "authority_id": item.authority_id,
                "at": stamp,
                "reason": act.reason or None,
                "field_reasons": fields,
                "object_version": item.version,
                "data": _kept(act.data),
            }
            for item in items
        ]
        if rows:
            act.session.execute(insert(Transition), rows)


def teacher_of(item: Any) -> int | None:
    """The teacher an object of any flow belongs to."""
    return getattr(item, "teacher_id", None)


def _kept(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """The inputs that history keeps: ticks and short texts, never the reasons per field."""
    kept = {key: value for key, value in data.items() if key != "fields" and value is not None}
    return kept or None


def _is_party(session: Session, step: Step, actor: Actor, item: Any) -> bool:
    if actor is SYSTEM_ACTOR:
        return any(getattr(party, "is_system", False) for party in step.by)
    return any(party(session, actor, item) for party in step.by)


def _check_inputs(steps: list[Step], reason: str, data: Mapping[str, Any]) -> None:
    """Refuse unknown inputs, a missing or too long reason, field reasons that are no mapping."""
    from_steps = {each.name for step in steps for each in step.inputs}
    unknown = set(data) - from_steps - {"fields"}
    if unknown:
        raise Malformed(problems=[Problem("input", sorted(unknown)[0], field=sorted(unknown)[0])])
    fields = data.get("fields")
    if fields is not None and not (
        isinstance(fields, Mapping)
        and all(isinstance(k, str) and isinstance(v, str) for k, v in fields.items())
    ):
        raise Malformed()
    if len(reason) > REASON_LENGTH:
        raise Refused(problems=[notice.reason_problem()])
    if any(step.needs_reason for step in steps) and not reason.strip() and not fields:
        raise Refused(problems=[notice.reason_problem()])


def _by_step(
    session: Session,
    steps: list[Step],
    items: list[Any],
    actor: Actor,
    versions: Mapping[int, int | None],
    outcome: Outcome,
) -> Iterable[tuple[Step, list[Any]]]:
    """Give each object the row of the table that fits it: party first, then state and version."""
    chosen: dict[int, list[Any]] = {}
    for item in items:
        mine = [n for n, step in enumerate(steps) if _is_party(session, step, actor, item)]
        fitting = [n for n in mine if item.state in steps[n].sources]
        expected = versions[item.id]
        if not mine:
            outcome.failed[item.id] = Forbidden()
        elif not fitting or (expected is not None and expected != item.version):
            outcome.failed[item.id] = Stale()
        else:
            chosen.setdefault(fitting[0], []).append(item)
    return [(steps[number], found) for number, found in chosen.items()]


def _ask_guards(act: Act, items: list[Any], outcome: Outcome) -> list[Any]:
    """Ask every guard about every object; all problems of an object are reported at once."""
    problems: dict[int, list[Problem]] = {}
    for guard in act.step.guards:
        for key, found in guard(act, items).items():
            problems.setdefault(key, []).extend(found)
    for key, found in problems.items():
        if found:
            outcome.failed[key] = Refused(problems=found)
    return [item for item in items if item.id not in outcome.failed]
