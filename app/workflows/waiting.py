"""Reminders of what waits for a decision, in every flow alike (s0).

Whose turn it is says the flow's table: the parties of the steps that lead on from the state. They
are told after the working days of a parameter, then weekly, by unit and number, never per object.
Nothing is ever approved by a time-out; this module writes notices and nothing else.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, class_mapper

from app.access.actor import Actor
from app.access.roles import tier
from app.core.clock import BEIJING
from app.indicators.catalog import Catalog
from app.models.unit import Unit, UnitKind
from app.services import reminder
from app.services.notice_words import EVENTS
from app.services.queue import overdue_day
from app.workflows import WORKFLOWS
from app.workflows.engine import Step, Workflow
from app.workflows.parties import Party

PAGE = 1000  # Objects that are looked at together.
OTHER_EVENT = "process_waiting"  # Of flows without words of their own.

# Unit and role -> what waits there.
Turns = Mapping[tuple[int, str], int]


def remind_parties(session: Session, catalog: Catalog) -> int:
    """Remind the parties of all flows of what has waited for longer than the working days of a
    parameter. Returns how many were told, counted by flow, unit and role."""
    day = overdue_day(catalog) + timedelta(days=1)
    last = datetime.combine(day, time(), BEIJING)
    return sum(_remind(session, catalog, flow, last) for flow in WORKFLOWS.values())


def _remind(session: Session, catalog: Catalog, flow: Workflow, last: datetime) -> int:
    event = f"{flow.name}_waiting"
    event = event if event in EVENTS else OTHER_EVENT
    counts: dict[str, dict[int, int]] = defaultdict(dict)
    for (unit, role), number in turns(session, flow, last).items():
        counts[role][unit] = number
    return sum(
        len(reminder.tell(session, catalog, event, counts[role], (role,), flow=flow.name))
        for role in sorted(counts)
    )


def turns(session: Session, flow: Workflow, last: datetime) -> Turns:
    """Whose turn it is in a flow: how many objects have lain since before `last` for each unit
    and role."""
    steps = awaited(flow)
    others = select(Unit.id, Unit.kind).where(Unit.kind != UnitKind.SCHOOL)
    kinds = dict(session.execute(others).all())
    found: Counter[tuple[int, str]] = Counter()
    for items in _pages(session, flow, list(steps), last):
        by_state: dict[str, list[Any]] = defaultdict(list)
        for item in items:
            by_state[str(item.state)].append(item)
        for state, some in by_state.items():
            found.update(_turns_of(session, steps[state], some, kinds))
    return found


def awaited(flow: Workflow) -> dict[str, list[Step]]:
    """The states of a flow in which something waits for somebody, with the steps it waits for."""
    found: dict[str, list[Step]] = defaultdict(list)
    for step in flow.steps:
        for state in step.sources if step.is_awaited else ():
            found[str(state)].append(step)
    return dict(found)


def _pages(
    session: Session, flow: Workflow, states: Sequence[str], last: datetime
) -> Iterator[Sequence[Any]]:
    model: Any = flow.model
    late = select(model).where(model.state.in_(states), model.state_since < last)
    if hasattr(model, "active"):
        late = late.where(model.active)  # A file that is off the rolls waits for nobody.
    reached = 0
    while items := session.scalars(
        late.where(model.id > reached).order_by(model.id).limit(PAGE)
    ).all():
        yield items
        reached = items[-1].id


def _turns_of(
    session: Session, steps: Iterable[Step], items: Sequence[Any], kinds: Mapping[int, str]
) -> dict[tuple[int, str], int]:
    """How many of some objects in one state wait for each unit and role.

    An authority that stands in for a head takes the head's place: the head is not reminded of
    what nobody there may decide.
    """
    parties = {party for step in steps for party in step.by if not party.is_system}
    places = _by_place(items, kinds)
    found: dict[tuple[int, str], set[int]] = defaultdict(set)
    given_away: dict[str, set[int]] = defaultdict(set)
    for party in sorted(parties, key=lambda each: not each.stands_in):
        for unit, some in places.items():
            for role, ids in _asked(session, party, unit, kinds.get(unit, UnitKind.SCHOOL), some):
                found[unit, role] |= ids - given_away[role]
                if party.stands_in:
                    given_away[party.stands_in] |= ids
    return {place: len(ids) for place, ids in found.items() if ids}


def _asked(
    session: Session, party: Party, unit: int, kind: str, items: Sequence[Any]
) -> Iterator[tuple[str, set[int]]]:
    """Of which objects each role of a unit is a party; asked as of somebody who holds the role
    there and has no file."""
    for role in party.roles:
        if tier(role) == kind:
            holder = Actor(0, None, "", role, unit, unit_kind=kind)
            yield role, party.of(session, holder, items)


def _by_place(items: Sequence[Any], kinds: Mapping[int, str]) -> dict[int, list[Any]]:
    """Objects by each unit that they name, and all of them by the city, which some steps of every
    school wait for."""
    city = {key for key, kind in kinds.items() if kind == UnitKind.CITY}
    places: dict[int, list[Any]] = {key: list(items) for key in city}
    names = _unit_columns(type(items[0]))
    for item in items:
        for unit in {getattr(item, name) for name in names} - {None, *city}:
            places.setdefault(unit, []).append(item)
    return places


def _unit_columns(model: type) -> list[str]:
    """The attributes of a mapped class that refer to a unit."""
    return [
        each.key
        for each in class_mapper(model).column_attrs
        if any(key.target_fullname == "unit.id" for key in each.columns[0].foreign_keys)
    ]
