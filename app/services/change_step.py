"""Guards and effects of the steps of additions and changes (2.3 to 2.6, 3.2 to 3.6); each takes
many at once, with a statement per set that they are about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.access.roles import Role
from app.core.crypto import search_indexes
from app.core.errors import Problem
from app.core.sealed import UNREADABLE
from app.indicators.catalog import Catalog
from app.models.attachment import Attachment
from app.models.change import AdditionState, ChangeKind, ChangeState
from app.models.change import RecordChange as Process
from app.models.correction import Correction
from app.models.history import Transition
from app.models.record import PENDING, TEACHER_SETS
from app.models.teacher import Teacher
from app.services import attachment, audit, hint
from app.services.among import among
from app.services.attachment import EVIDENCE
from app.services.change_desk import TYPED_IN, brought
from app.services.contents import file_data
from app.services.effect import Coming, applied, bring_into_force, move_rows
from app.services.identity import known_identities

# What says who a person is: a change of it needs evidence, as one of a core set does.
IDENTITY = frozenset({"basic.name", "basic.id_doc_type", "basic.id_no"})
NUMBER = ("basic", "id_no")

Guarded = dict[int, list[Problem]]


@dataclass(frozen=True)
class Proposal:
    """An addition or change with what the database holds of it by now.

    `present` is the row of the record in force, `pending` the row that is proposed, either None
    where there is none. `is_lost` tells that it no longer fits the file: its record is gone or
    says something else than what was to be replaced.
    """

    item: Process
    teacher: Teacher
    present: Any
    pending: Any
    is_lost: bool

    @property
    def coming(self) -> Coming:
        """What comes into force with it."""
        return Coming(self.present, self.pending, tuple(self.item.fields))


# Reading.


def proposals(act: Any, items: Sequence[Process]) -> list[Proposal]:
    """The proposals of some processes in order of id, read once per act; their files are held, so
    that they stay what they are until its end."""
    if "proposals" not in act.notes:
        act.notes["proposals"] = _read(act.session, items)
    known: dict[int, Proposal] = act.notes["proposals"]
    return [known[item.id] for item in sorted(items, key=lambda item: item.id)]


def _read(session: Session, items: Sequence[Process]) -> dict[int, Proposal]:
    files = (
        select(Teacher)
        .where(among(session, Teacher.id, sorted({item.teacher_id for item in items})))
        .execution_options(populate_existing=True)
    )
    teachers = {teacher.id: teacher for teacher in session.scalars(files)}
    rows = [row for code, mine in _by_set(items).items() for row in _rows(session, code, mine)]
    by_place: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        by_place.setdefault((row.indicator_set.code, row.uuid), []).append(row)
    found = {}
    for item in items:
        mine = by_place.get((item.set, item.record_uuid), [])
        present = next((row for row in mine if _is_in_force(row)), None)
        pending = next((row for row in mine if row.state == PENDING), None)
        before = next((row for row in mine if row.id == item.before_id), None)
        taken = _is_single(item) and any(
            _is_in_force(row) and row.teacher_id == item.teacher_id and row.uuid != item.record_uuid
            for row in rows
            if row.indicator_set.code == item.set
        )
        lost = taken if item.before_id is None else _has_moved(item, before, present)
        found[item.id] = Proposal(item, teachers[item.teacher_id], present, pending, lost)
    return found


def _rows(session: Session, code: str, items: Sequence[Process]) -> list[Any]:
    """The rows of one set that some processes speak of: those in force, those proposed, and those
    that the proposals stand on."""
    cls = TEACHER_SETS[code]
    wanted = [cls.as_of() | (cls.state == PENDING)]
    stood_on = [item.before_id for item in items if item.before_id is not None]
    if stood_on:
        wanted.append(among(session, cls.id, stood_on))
    mine = among(session, cls.teacher_id, sorted({item.teacher_id for item in items}))
    query = select(cls).where(mine, or_(*wanted)).execution_options(populate_existing=True)
    return list(session.scalars(query))


def _by_set(items: Iterable[Process]) -> dict[str, list[Process]]:
    found: dict[str, list[Process]] = {}
    for item in items:
        found.setdefault(item.set, []).append(item)
    return found


def _is_in_force(row: Any) -> bool:
    return row.valid_from is not None and row.valid_to is None


def _is_single(item: Process) -> bool:
    return not TEACHER_SETS[item.set].indicator_set.multi_row


def _has_moved(item: Process, before: Any, present: Any) -> bool:
    """Whether the record is gone, or says by now something else in what is to be replaced."""
    if present is None or before is None:
        return True
    if present.id == before.id:
        return False
    codes = item.fields
    if item.kind == ChangeKind.DELETE:
        codes = [each.code for each in before.indicator_set.indicators if not each.computed]
    return any(present.value(code) != before.value(code) for code in codes)


def _standing(act: Any, items: Sequence[Process]) -> list[Proposal]:
    """The proposals that still fit their files."""
    return [each for each in proposals(act, items) if not each.is_lost]


# Guards.


def still_fits(act: Any, items: list[Process]) -> Guarded:
    """The values to be filled in are still blank (2.6)."""
    text = _("The file has changed since. Reject this addition; it can be entered anew.")
    lost = [each for each in proposals(act, items) if each.is_lost]
    return {each.item.id: [Problem("superseded", text, set=each.item.set)] for each in lost}


def rules_hold(act: Any, items: list[Process]) -> Guarded:
    """No error of the rules (DQ) that the file does not have already.

    Several of one file are asked one upon the other, in the order in which they were opened.
    """
    known, standing = act.known, _standing(act, items)
    teachers = {each.teacher.id: each.teacher for each in standing}
    files = file_data(act.session, list(teachers.values()), known) if teachers else {}
    act.notes["files"] = dict(files)
    found: Guarded = {}
    for each in standing:
        file = files[each.teacher.id]
        problems = brought(file, each.coming, known)
        if problems:
            found[each.item.id] = problems
        else:
            files[each.teacher.id] = applied(file, [each.coming], known)
    return found


def number_is_free(act: Any, items: list[Process]) -> Guarded:
    """No other file has the ID number that is asked for (DQ007, DQ008)."""
    wanted = {
        each.item.id: indexes
        for each in _standing(act, items)
        if (indexes := _new_number(each)) and not set(indexes) & set(each.teacher.number_indexes)
    }
    if not wanted:
        return {}
    asked = [index for indexes in wanted.values() for index in indexes]
    taken: set[bytes] = set(known_identities(act.session, act.actor.unit_id, asked))
    text = _("A file with this ID number exists already.")
    found: Guarded = {}
    for key, indexes in wanted.items():
        if taken.isdisjoint(indexes):
            taken.update(indexes)
        else:
            found[key] = [Problem("DQ007", text, set=NUMBER[0], field=NUMBER[1])]
    return found


def _new_number(proposal: Proposal) -> list[bytes]:
    """The blind indexes of an ID number that is to come into force, none where none is."""
    item, pending = proposal.item, proposal.pending
    if pending is None or item.set != NUMBER[0] or NUMBER[1] not in item.fields:
        return []
    number = pending.value(NUMBER[1])
    return search_indexes(number, "idcard") if number and number is not UNREADABLE else []


def differs(act: Any, items: list[Process]) -> Guarded:
    """Something in force becomes another one (3.2); what only fills blanks is an addition."""
    found: Guarded = {}
    for each in proposals(act, items):
        if each.item.kind == ChangeKind.DELETE or each.present is None:
            continue
        if not each.item.fields:
            text = _("Nothing differs from what is in force.")
        elif all(each.present.value(code) in (None, "") for code in each.item.fields):
            text = _("Only blank values are filled in. That is an addition, not a change.")
        else:
            continue
        found[each.item.id] = [Problem("no_difference", text, set=each.item.set)]
    return found


def has_reason(act: Any, items: list[Process]) -> Guarded:
    """A change says why, in its draft or with the step (3.2)."""
    text = _("Say why this is changed, in 1 to 500 characters.")
    missing = [item for item in items if not (item.reason or act.reason)]
    return {item.id: [Problem("reason", text, field="reason")] for item in missing}


def has_evidence(act: Any, items: list[Process]) -> Guarded:
    """A change of who a person is, or of core information, is proved by a document (3.2)."""
    known = act.known
    asked = [item for item in items if _needs_evidence(item, known)]
    if not asked:
        return {}
    proved = set(
        act.session.scalars(
            select(Attachment.record_uuid).where(
                Attachment.set == EVIDENCE,
                Attachment.record_uuid.in_([item.uuid for item in asked]),
            )
        )
    )
    text = _("Attach a document that proves this change.")
    return {
        item.id: [Problem("evidence", text, set=item.set, field="evidence")]
        for item in asked
        if item.uuid not in proved
    }


def _needs_evidence(item: Process, known: Catalog) -> bool:
    entry = known.set(item.set)
    return entry.core or any(
        f"{item.set}.{code}" in IDENTITY or known.indicator(item.set, code).core
        for code in item.fields
    )


def not_own_work(act: Any, items: list[Process]) -> Guarded:
    """Nobody approves what they typed in or submitted; who confirmed as head does not approve
    under another role, only an authority that stands in for a head takes both steps (s0)."""
    return own_work(act, items, (*TYPED_IN, "submit"))


def own_work(act: Any, items: Sequence[Any], steps: Iterable[str]) -> Guarded:
    """The objects of one flow of which the actor took one of some steps, or confirmed as head."""
    barred = Transition.step.in_(list(steps)) | (
        (Transition.step == "confirm") & (Transition.role == str(Role.SCHOOL_HEAD))
    )
    mine = act.session.scalars(
        select(Transition.object_id).where(
            Transition.flow == items[0].flow,
            among(act.session, Transition.object_id, [item.id for item in items]),
            Transition.account_id == act.actor.account_id,
            barred,
        )
    )
    text = _("You entered, submitted or confirmed this; somebody else must decide on it.")
    return {key: [Problem("own_work", text)] for key in mine}


# Columns and effects.


def with_reason(act: Any, _items: list[Process]) -> Mapping[str, Any]:
    """A reason given with the step is the reason of the change (3.2)."""
    return {"reason": act.reason} if act.reason else {}


def take_up_hints(act: Any, items: list[Process]) -> None:
    """The teacher's hints about what is changed are answered by the change (3.2)."""
    hint.take_up(act.session, act.actor, items, act.at)


def has_lapsed(act: Any, item: Process) -> bool:
    """Whether a change stands on a record that says something else by now (3.5)."""
    (proposal,) = proposals(act, [item])
    return proposal.is_lost


def take_effect(act: Any, items: list[Process]) -> None:
    """Bring what was approved into force, with all that follows from it (2.6, 3.5)."""
    chosen = [item for item in items if item.state == AdditionState.APPROVED]
    if not chosen:
        return
    mine = proposals(act, chosen)
    teachers = {each.teacher.id: each.teacher for each in mine}
    for each in mine:
        if each.present is not None:
            each.item.before_id = each.present.id
    bring_into_force(
        act.session,
        [teachers[key] for key in sorted(teachers)],
        [each.coming for each in mine],
        at=act.at,
        cause=chosen[0].flow,
        catalog=act.known,
        files=act.notes.get("files"),
    )
    attachment.take_over(act.session, chosen)
    _close_corrections(act, chosen)


def lay_aside(act: Any, items: list[Process]) -> None:
    """Keep what was proposed and did not come into force: as a row that never was (2.4, 2.5, 3.3,
    3.4, 3.6). It makes room for the next proposal."""
    for state, mine in _by_state(items).items():
        for code, some in _by_set(mine).items():
            _never(act.session, code, some, state=state, at=act.at)


def _by_state(items: Iterable[Process]) -> dict[str, list[Process]]:
    """Those that ended without effect, by their state."""
    found: dict[str, list[Process]] = {}
    for item in items:
        if item.state != ChangeState.APPROVED:
            found.setdefault(str(item.state), []).append(item)
    return found


def _never(
    session: Session, code: str, items: Sequence[Process], *, state: str, at: datetime
) -> None:
    cls = TEACHER_SETS[code]
    rows = session.scalars(
        select(cls).where(
            among(session, cls.teacher_id, sorted({item.teacher_id for item in items})),
            cls.uuid.in_([item.record_uuid for item in items]),
            cls.state == PENDING,
        )
    )
    move_rows(session, list(rows), {"valid_from": at, "valid_to": at, "state": state})


def _close_corrections(act: Any, items: Sequence[Process]) -> None:
    """Close the tasks that approved changes name (1.11)."""
    keys = [item.correction_id for item in items if item.correction_id is not None]
    if not keys:
        return
    still_open = (among(act.session, Correction.id, keys), Correction.closed_at.is_(None))
    tasks = act.session.execute(
        select(Correction.id, Correction.teacher_id).where(*still_open)
    ).all()
    with force_locale("zh"):
        words = str(_("The change that answers the task was approved."))
    act.session.execute(
        update(Correction)
        .where(*still_open)
        .values(closed_by=act.actor.account_id, closed_at=act.at, close_reason=words)
        .execution_options(synchronize_session=False)
    )
    places = [("correction", key, teacher_id) for key, teacher_id in tasks]
    audit.record_many(act.session, "change", actor=act.actor, objects=places, reason=words)
