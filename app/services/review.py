"""Guards and effects of the file review (1.3 to 1.13); each takes many files at once."""

from collections.abc import Iterable
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, select, update

from app.core.clock import now, today
from app.core.errors import Problem
from app.models.account import Account
from app.models.correction import Correction
from app.models.history import Transition
from app.models.record import TEACHER_SETS
from app.models.teacher import Affiliation, Contributor, FileVersion, Teacher
from app.models.unit import Unit
from app.services import check
from app.services.fence import enter_fence
from app.services.file import file_data
from app.services.number import assign_numbers
from app.services.round import closed_units, deadline

Guarded = dict[int, list[Problem]]


def _each(items: Iterable[Any], problem: Problem) -> Guarded:
    return {item.id: [problem] for item in items}


def rules_hold(act: Any, files: list[Teacher]) -> Guarded:
    """No error and no unacknowledged warning of the rules (DQ, DQ075 included).

    Kept results are reused; only files whose content, catalogue or day moved are checked again.
    """
    stale = check.outdated(files, act.catalog)
    if stale:
        check.keep(act.session, stale, file_data(act.session, stale, act.catalog), act.catalog)
        act.session.flush()
    asked = [f for f in files if f.error_count or f.warning_count]
    if not asked:
        return {}
    blocking = check.blocking(act.session, asked)
    if act.step.name == "submit":
        return blocking
    # Warnings are acknowledged by those who fill in; later steps see them and may go on.
    errors = {k: [p for p in found if p.is_error] for k, found in blocking.items()}
    return {key: found for key, found in errors.items() if found}


def truth_declared(act: Any, files: list[Teacher]) -> Guarded:
    """The submitter declares that the data are true (S103)."""
    if act.data.get("declared") is True:
        return {}
    return _each(files, Problem("declaration", _("Declare that the data are true."), field="declared"))


def is_submitter(act: Any, files: list[Teacher]) -> Guarded:
    """Only who submitted the file withdraws it (1.5)."""
    last = (
        select(Transition.teacher_id, func.max(Transition.id).label("id"))
        .where(
            Transition.teacher_id.in_([f.id for f in files]),
            Transition.flow == "review",
            Transition.step == "submit",
        )
        .group_by(Transition.teacher_id)
        .subquery()
    )
    by = dict(
        act.session.execute(
            select(Transition.teacher_id, Transition.account_id).join(
                last, last.c.id == Transition.id
            )
        ).all()
    )
    problem = Problem("submitter", _("Only the person who submitted the file can withdraw it."))
    return {f.id: [problem] for f in files if by.get(f.id) != act.actor.account_id}


def not_own_work(act: Any, files: list[Teacher]) -> Guarded:
    """Nobody approves what they entered or submitted, nor their own file (D2, S31)."""
    ids = [f.id for f in files]
    mine = set(
        act.session.scalars(
            select(Contributor.teacher_id).where(
                Contributor.teacher_id.in_(ids), Contributor.account_id == act.actor.account_id
            )
        )
    )
    own = set(
        act.session.scalars(
            select(Account.teacher_id).where(
                Account.id == act.actor.account_id, Account.teacher_id.is_not(None)
            )
        )
    )
    entered = Problem(
        "own_work", _("You entered or submitted data of this file; somebody else must approve it.")
    )
    self_ = Problem("own_file", _("Nobody decides on their own file."))
    found = {key: [entered] for key in mine}
    for key in own & set(ids):
        found.setdefault(key, []).append(self_)
    return found


def scope_ticked(act: Any, files: list[Teacher]) -> Guarded:
    """The tick “in the scope of collection” is set by the reviewer, never beforehand (S60)."""
    if act.data.get("scope_checked") is True:
        return {}
    return _each(
        files,
        Problem(
            "scope_checked",
            _("Confirm that the person is within the scope of collection."),
            field="scope_checked",
        ),
    )


def round_is_open(act: Any, files: list[Teacher]) -> Guarded:
    """A closed round locks submission and reporting; a passed deadline does not (S82)."""
    closed = closed_units(act.session, {f.school_id for f in files})
    problem = Problem(
        "round_closed",
        _("The round is closed. Your authority can open it again or extend your deadline."),
    )
    return {f.id: [problem] for f in files if f.school_id in closed}


def no_open_correction(act: Any, files: list[Teacher]) -> Guarded:
    """A file with an open correction task is not reported (1.12)."""
    open_ = set(
        act.session.scalars(
            select(Correction.teacher_id).where(
                Correction.teacher_id.in_([f.id for f in files]), Correction.closed_at.is_(None)
            )
        )
    )
    problem = Problem("correction", _("A correction task of this file is open."))
    return {key: [problem] for key in open_}


def note_submission(act: Any, files: list[Teacher]) -> None:
    """Stamp the submission, mark it late past the deadline, forget earlier return notes."""
    stamp, day = now(), today()
    units = {
        u.id: u
        for u in act.session.scalars(
            select(Unit)
            .where(Unit.id.in_({f.school_id for f in files}))
            .execution_options(unscoped=True)
        )
    }
    due = {key: deadline(act.session, unit) for key, unit in units.items()}
    for file in files:
        file.submitted_at = stamp
        file.return_notes = None
        last = due.get(file.school_id)
        file.late = bool(last and day > last)
        if act.session.get(Contributor, (file.id, act.actor.account_id)) is None:
            act.session.add(Contributor(teacher_id=file.id, account_id=act.actor.account_id))
    act.session.flush()


def note_return(act: Any, files: list[Teacher]) -> None:
    """Keep the reasons per field where the fields show them (D5)."""
    notes = {
        "reason": act.reason,
        "fields": dict(act.data.get("fields") or {}),
        "step": act.step.name,
    }
    act.session.execute(
        update(Teacher)
        .where(Teacher.id.in_([f.id for f in files]))
        .values(return_notes=notes)
        .execution_options(synchronize_session=False)
    )


def take_effect(act: Any, files: list[Teacher]) -> None:
    """Bring the drafts of every set into force, give numbers, write file version 1 (1.9)."""
    ids = [f.id for f in files]
    assign_numbers(act.session, files)
    act.session.flush()
    enter_fence(act.session)
    stamp = now()
    for cls in TEACHER_SETS.values():
        act.session.execute(
            update(cls)
            .where(cls.teacher_id.in_(ids), cls.valid_from.is_(None))
            .values(valid_from=stamp, state="effective", version=cls.version + 1)
            .execution_options(synchronize_session=False)
        )
    act.session.execute(
        update(Affiliation)
        .where(Affiliation.teacher_id.in_(ids), Affiliation.valid_from.is_(None))
        .values(valid_from=stamp)
        .execution_options(synchronize_session=False)
    )
    act.session.execute(
        update(Teacher)
        .where(Teacher.id.in_(ids))
        .values(
            file_version=Teacher.file_version + 1,
            effective_at=stamp,
            confirmed_on=today(),
            return_notes=None,
        )
        .execution_options(synchronize_session=False)
    )
    act.session.execute(
        insert(FileVersion),
        [
            {
                "teacher_id": f.id,
                "school_id": f.school_id,
                "authority_id": f.authority_id,
                "number": f.file_version + 1,
                "at": stamp,
                "cause": "first_effect",
            }
            for f in files
        ],
    )
    act.session.execute(
        update(Unit)
        .where(Unit.id.in_({f.school_id for f in files}), Unit.first_effective.is_(False))
        .values(first_effective=True)
        .execution_options(synchronize_session=False)
    )
    act.session.execute(delete(Contributor).where(Contributor.teacher_id.in_(ids)))


def open_correction(act: Any, files: list[Teacher]) -> None:
    """Open a correction task; the file stays effective (1.11)."""
    stamp = now()
    act.session.execute(
        insert(Correction),
        [
            {
                "teacher_id": f.id,
                "school_id": f.school_id,
                "authority_id": f.authority_id,
                "reason": act.reason,
                "opened_by": act.actor.account_id,
                "opened_at": stamp,
            }
            for f in files
        ],
    )
