"""Columns and effects of the steps of a rotation (6.3 to 6.7); each takes many at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from app.indicators.periods import month_of
from app.models.record import PENDING
from app.models.rotation import Rotation
from app.services import affiliation, exclusive
from app.services.affiliation import GUEST
from app.services.effect import Coming, bring_into_force
from app.services.exclusive import Kind
from app.services.register import names_of
from app.services.rotation import AWAY, HERE, ON_DUTY, new_row
from app.services.rotation_step import (
    Sent,
    asked_month,
    ended_on,
    has_begun,
    sent,
    successor,
)

CAUSE = "rotation"


def asks(act: Any, _items: list[Rotation]) -> Mapping[str, Any]:
    """The end that the authority is asked for."""
    return {"asked_end": asked_month(act)}


def asks_no_more(_act: Any, _items: list[Rotation]) -> Mapping[str, Any]:
    """Nothing waits for the authority any more."""
    return {"asked_end": None}


def free_place(act: Any, items: list[Rotation]) -> None:
    """The person may be asked for by others again (6.3, 6.4)."""
    exclusive.leave(act.session, Kind.ROTATION, [item.id for item in items])


def take_effect(act: Any, items: list[Rotation]) -> None:
    """Write the record into the file; whose first month has come is away from now on (6.5)."""
    mine, names = sent(act, items), names_of(act.session, items)
    coming = []
    for each in mine:
        each.item.record_uuid = uuid4().hex
        row = new_row(each.item, names, each.item.record_uuid)
        coming.append(Coming(None, row))
    _propose(act.session, coming)
    begun = [each for each in mine if has_begun(each.item)]
    _move(act, mine, coming, {each.teacher.id: AWAY for each in begun})
    _send_out(act, begun)
    free_place(act, items)


def start(act: Any, items: list[Rotation]) -> None:
    """The first month has come: away from the school that sends, a guest of the host (6.5)."""
    mine = sent(act, items)
    _move(act, mine, [], {each.teacher.id: AWAY for each in mine})
    _send_out(act, mine)


def prolong(act: Any, items: list[Rotation]) -> None:
    """The later end is the planned one from now on, in the file as well."""
    mine = sent(act, items)
    for each in mine:
        each.item.planned_end, each.item.asked_end = each.item.asked_end, None
    _move(act, mine, _ending(act.session, mine), {})


def finish(act: Any, items: list[Rotation]) -> None:
    """Back on duty, no guest any more, and the record says when it ended; of what never began
    nothing stays in the file (6.6, 6.7)."""
    mine = sent(act, items)
    back = [each for each in mine if each.item.started_at is not None]
    for each in mine:
        each.item.asked_end = None
    for each in back:
        each.item.ended_on = ended_on(act, each.item)
    coming = _ending(act.session, back)
    coming += [
        Coming(each.record, None) for each in mine if each not in back and each.record is not None
    ]
    _move(act, mine, coming, {each.teacher.id: ON_DUTY for each in back})
    _take_back(act, back)


def _ending(session: Session, mine: Sequence[Sent]) -> list[Coming]:
    """The records whose end is another one by now."""
    coming = []
    for each in mine:
        over = each.item.ended_on
        month = month_of(over) if over else each.item.planned_end
        if each.record is not None and month and each.record.value("end") != month:
            coming.append(Coming(each.record, successor(each, month), ("end",)))
    _propose(session, coming)
    return coming


def _propose(session: Session, coming: Sequence[Coming]) -> None:
    for each in coming:
        each.after.state = PENDING
    session.add_all([each.after for each in coming])
    session.flush()


def _move(
    act: Any, mine: Sequence[Sent], coming: Sequence[Coming], status: Mapping[int, str]
) -> None:
    """Give files their next version, with another staff status where one is named."""
    teachers = {each.teacher.id: each.teacher for each in mine}
    for key, code in status.items():
        teachers[key].staff_status = code
    act.session.flush()
    bring_into_force(
        act.session,
        [teachers[key] for key in sorted(teachers)],
        list(coming),
        at=act.at,
        cause=CAUSE,
        catalog=act.known,
    )


def _send_out(act: Any, mine: Sequence[Sent]) -> None:
    ids = [each.teacher.id for each in mine]
    if not ids:
        return
    affiliation.restate(act.session, ids, status=AWAY, at=act.at)
    guests = [
        {
            "teacher_id": each.teacher.id,
            "school_id": each.item.to_school_id,
            "authority_id": each.item.to_authority_id,
            "kind": GUEST,
            "status": HERE,
            "from_month": each.item.start,
        }
        for each in mine
        if each.item.to_school_id is not None
    ]
    affiliation.begin(act.session, guests, at=act.at)
    _stamp(mine, act.at)
    act.session.flush()


def _stamp(mine: Sequence[Sent], at: datetime) -> None:
    for each in mine:
        each.item.started_at = at


def _take_back(act: Any, mine: Sequence[Sent]) -> None:
    by_month: dict[str, list[int]] = {}
    for each in mine:
        if each.item.ended_on is not None:
            by_month.setdefault(month_of(each.item.ended_on), []).append(each.teacher.id)
    for month, ids in by_month.items():
        affiliation.restate(act.session, ids, status=ON_DUTY, at=act.at)
        affiliation.end(act.session, ids, status=HERE, month=month, at=act.at, kind=GUEST)
    act.session.flush()
