"""Reading on record: who opened a file, revealed a sealed value or printed it (SEC-10, SEC-16)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import View, view_on_file
from app.core.clock import BEIJING, now, today
from app.core.errors import Forbidden, LimitReached, NotFound, Problem, Refused
from app.core.reference import Indicator
from app.core.sealed import REMEDY, UNREADABLE
from app.indicators.catalog import Catalog, language
from app.models.account import Account
from app.models.change import RecordChange
from app.models.history import Audit
from app.models.teacher import Teacher
from app.models.unit import Unit
from app.services import audit, change
from app.services.contents import find_record

# One visit to a file is one opening, however many of its parts are looked at.
VISIT = timedelta(minutes=30)
MAX_PURPOSE = 200
PURPOSES: Mapping[str, Any] = {
    "verify": _l("Compare with the document"),
    "correct": _l("Correct an error"),
    "contact": _l("Contact the person"),
    "service": _l("Handle a matter of the person"),
    "other": _l("Other"),
}
BEFORE, AFTER = "before", "after"  # The sides of an addition or change.
READING_ACTS = ("open_file", "reveal", "print", "export", "download")
SHOWN_READINGS = 200


def note_opening(
    session: Session, actor: Actor, teacher_id: int, *, visiting: bool = False
) -> None:
    """Write that a file was opened (SEC-16); the own file is not written.

    With `visiting` a part of a file is looked at: nothing is written while the visit that began
    with its page lasts.
    """
    if actor.teacher_id == teacher_id or (visiting and _is_visiting(session, actor, teacher_id)):
        return
    audit.record(session, "open_file", actor=actor, object=("teacher", teacher_id, teacher_id))


def _is_visiting(session: Session, actor: Actor, teacher_id: int) -> bool:
    opened = (
        select(Audit.id)
        .where(
            Audit.teacher_id == teacher_id,
            Audit.at > now() - VISIT,
            Audit.act == "open_file",
            Audit.account_id == actor.account_id,
            Audit.assignment_id == actor.assignment_id,
        )
        .limit(1)
        .execution_options(unscoped=True)
    )
    return session.scalar(opened) is not None


def purpose_of(code: str, note: str = "") -> str:
    """Return the purpose as it is kept. Raises Refused for an unknown one, or "other" alone."""
    note = " ".join(note.split())[:MAX_PURPOSE]
    if code not in PURPOSES or (code == "other" and not note):
        text = _("Please say for what purpose.")
        raise Refused(text, [Problem("purpose", text, field="purpose")])
    return f"{code}: {note}" if note else code


def reveal(
    session: Session,
    actor: Actor,
    teacher: Teacher,
    *,
    key: str,
    record_uuid: str,
    purpose: str,
    catalog: Catalog,
    limit: int,
) -> str:
    """Return a sealed value whole and write who read it for what purpose (SEC-10).

    `key` is "<set>.<indicator>". Raises NotFound, Forbidden, Refused for a value that
    cannot be read, and LimitReached after `limit` values of one account on one day.
    """
    item = _revealed(actor, key, catalog)
    record = find_record(session, teacher, item.set, record_uuid)
    return reveal_of(session, actor, record, item, purpose=purpose, limit=limit)


def reveal_proposed(
    session: Session,
    actor: Actor,
    item: RecordChange,
    *,
    key: str,
    side: str,
    purpose: str,
    catalog: Catalog,
    limit: int,
) -> str:
    """Return a sealed value of an addition or change whole, as reveal() does; `side` is before
    or after."""
    indicator = _revealed(actor, key, catalog)
    rows = {BEFORE: change.before_row, AFTER: change.proposed_row}
    if indicator.set != item.set or side not in rows:
        raise NotFound()
    record = rows[side](session, item)
    if record is None:
        raise NotFound()
    return reveal_of(session, actor, record, indicator, purpose=purpose, limit=limit)


def _revealed(actor: Actor, key: str, catalog: Catalog) -> Indicator:
    """The indicator whose value is asked for; raises NotFound, Forbidden."""
    item = catalog.by_key.get(key)
    if item is None or view_on_file(actor, item) is View.HIDDEN:
        raise NotFound()
    if view_on_file(actor, item) not in (View.SEALED, View.WHOLE):
        raise Forbidden()
    return item


def reveal_of(
    session: Session, actor: Actor, record: Any, item: Indicator, *, purpose: str, limit: int
) -> str:
    """Return the value of a row in scope whole, with the row of who read it."""
    value = record.value(item.code)
    if value is None:
        raise NotFound()
    if value is UNREADABLE:
        raise Refused(REMEDY, [Problem("unreadable", REMEDY, set=item.set, field=item.code)])
    place = {"set": item.set, "field": item.code}
    note_revealed(session, actor, record, purpose=purpose, detail=place, limit=limit)
    return str(value)


def note_revealed(
    session: Session, actor: Actor, object: Any, *, purpose: str, detail: Any, limit: int
) -> None:
    """Write that a value of an object is revealed; raises LimitReached."""
    # Two windows of one account wait for each other here, so that neither slips past the limit.
    session.execute(select(Account.id).where(Account.id == actor.account_id).with_for_update())
    if reveals_today(session, actor) >= limit:
        raise LimitReached(
            _("You have revealed %(n)s values today. Please go on tomorrow.", n=limit)
        )
    audit.record(
        session,
        "reveal",
        actor=actor,
        object=object,
        reason=purpose,
        detail=detail,
    )


def reveals_today(session: Session, actor: Actor) -> int:
    """How many values this account has revealed since midnight in Beijing."""
    midnight = datetime.combine(today(), time(), BEIJING)
    counted = (
        select(func.count())
        .select_from(Audit)
        .where(Audit.account_id == actor.account_id, Audit.at >= midnight, Audit.act == "reveal")
        .execution_options(unscoped=True)
    )
    return session.scalar(counted) or 0


def alert_limit(session: Session, actor: Actor, limit: int) -> None:
    """Report to the audit administrator that an account wanted more reveals than it may have."""
    audit.record(
        session,
        "alert",
        actor=actor,
        outcome="refused",
        reason="reveal_limit",
        detail={"limit": limit},
    )


def note_print(session: Session, actor: Actor, teachers: Sequence[int], purpose: str) -> None:
    """Write that files were printed with their sealed values whole, and for what purpose."""
    objects = [("teacher", key, key) for key in teachers]
    audit.record_many(session, "print", actor=actor, objects=objects, reason=purpose)


def note_process_print(
    session: Session, actor: Actor, place: tuple[str, int, int], form: str
) -> None:
    """Write that a process, given as flow, id and teacher, was printed on a form."""
    audit.record(session, "print", actor=actor, object=place, detail={"form": form})


@dataclass(frozen=True)
class Reading:
    """One act of reading, as the teacher is told of it: the organisation, not the person."""

    at: datetime
    act: str
    unit: str
    role: str
    purpose: str


def readings(session: Session, actor: Actor) -> list[Reading]:
    """Who read the actor's own file, the latest first (SEC-16)."""
    rows = session.execute(
        select(Audit.at, Audit.act, Unit.name, Audit.role, Audit.reason)
        .outerjoin(Unit, Unit.id == Audit.unit_id)
        .where(
            Audit.teacher_id == actor.teacher_id,
            Audit.act.in_(READING_ACTS),
            Audit.account_id != actor.account_id,
        )
        .order_by(Audit.id.desc())
        .limit(SHOWN_READINGS)
    )
    lang = language()
    return [
        Reading(at, _act_name(act, lang), unit or "", role or "", purpose_words(reason))
        for at, act, unit, role, reason in rows
    ]


def purpose_words(kept: str | None) -> str:
    """Return a kept purpose in the reader's language."""
    code, _colon, note = (kept or "").partition(": ")
    words = str(PURPOSES[code]) if code in PURPOSES else code
    return f"{words} ({note})" if note else words


def _act_name(code: str, lang: str) -> str:
    act = audit.ACTS[code]
    return act.name_en if lang == "en" else act.name_zh
