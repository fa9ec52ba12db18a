"""What is open on a file that is in force, and what a person may ask for of it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import may_add, may_change
from app.core.errors import NotFound
from app.extensions import db
from app.indicators.catalog import Catalog
from app.models.change import OPEN, ChangeKind, ChangeState
from app.models.change import RecordChange as Process
from app.models.teacher import Teacher
from app.services import contents, queue
from app.services.file import Right
from app.views.flow_actions import place_name
from app.views.labels import FLOW_WORDS, KIND_WORDS, process_state
from app.views.widgets import Badge

VIEWS = {"addition": "AdditionView", "change": "ChangeView"}


class Waiting(NamedTuple):
    """An open addition or change as the pages of its file name it."""

    set: str
    record: str
    kind: str
    title: str
    note: str
    state: Badge
    href: str


def process_url(flow: str, key: int) -> str:
    """Return the page of an addition or change."""
    return url_for(f"{VIEWS[flow]}.show", pk=key)


def open_of(
    session: Session, teacher: Teacher, catalog: Catalog, set_code: str | None = None
) -> list[Waiting]:
    """Return what is open on a file, or on one set of it, the oldest first."""
    if not teacher.is_in_force:
        return []
    where = [Process.teacher_id == teacher.id, Process.state.in_(OPEN)]
    if set_code is not None:
        where.append(Process.set == set_code)
    rows = session.scalars(select(Process).where(*where).order_by(Process.id))
    return [_waiting(each, catalog) for each in rows]


def _waiting(item: Process, catalog: Catalog) -> Waiting:
    days = queue.age_of(item.state_since, catalog)
    words = [str(KIND_WORDS[item.kind]), _("%(n)s working day(s)", n=days)]
    return Waiting(
        item.set,
        item.record_uuid,
        item.kind,
        f"{FLOW_WORDS[item.flow]}{_(': ')}{place_name(item.set, None, catalog)}",
        " · ".join(words),
        process_state(item.state),
        process_url(item.flow, item.id),
    )


def may_ask(actor: Actor, teacher: Teacher, set_code: str, right: Right, catalog: Catalog) -> bool:
    """Whether anything of a set is this person's to add, or to have changed."""
    items: Iterable[Any] = catalog.set(set_code).indicators
    return any(right(actor, teacher, item, catalog) for item in items)


def add_url(teacher: Teacher, set_code: str, **more: Any) -> str:
    """Return the form of a new record, or of the blank values of a single-row set."""
    return url_for("AdditionView.add", teacher=teacher.id, set_code=set_code, **more)


def fill_url(teacher: Teacher, set_code: str, record: str, **more: Any) -> str:
    """Return the form of the blank values of a record."""
    place: dict[str, Any] = {"teacher": teacher.id, "set_code": set_code, "record": record}
    return url_for("AdditionView.fill", **place, **more)


def change_url(teacher: Teacher, set_code: str, record: str, **more: Any) -> str:
    """Return the form of a change of a record."""
    place: dict[str, Any] = {"teacher": teacher.id, "set_code": set_code, "record": record}
    return url_for("ChangeView.change", **place, **more)


def remove_url(teacher: Teacher, set_code: str, record: str) -> str:
    """Return where the removal of a record is drafted."""
    place: dict[str, Any] = {"teacher": teacher.id, "set_code": set_code, "record": record}
    return url_for("ChangeView.remove", **place)


def copy_url(actor: Actor, teacher: Teacher, item: Process, catalog: Catalog) -> str:
    """Return the form that asks again for what came to nothing; "" where that is not possible."""
    if item.state == ChangeState.APPROVED or item.kind == ChangeKind.DELETE:
        return ""
    right = may_change if item.kind == ChangeKind.MODIFY else may_add
    if not (teacher.is_in_force and may_ask(actor, teacher, item.set, right, catalog)):
        return ""
    if item.kind == ChangeKind.ADD:
        return add_url(teacher, item.set, copy=item.id)
    try:
        contents.find_record(db.session(), teacher, item.set, item.record_uuid)
    except NotFound:
        return ""
    address = change_url if item.kind == ChangeKind.MODIFY else fill_url
    return address(teacher, item.set, item.record_uuid, copy=item.id)
