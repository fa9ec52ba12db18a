"""Guards and effects of the file review (1.3 to 1.13); each takes many files at once."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, literal, select, update

from app.access.roles import Role
from app.core.clock import now, today
from app.core.errors import Problem
from app.indicators.catalog import Catalog, catalog
from app.indicators.rules import may_fill
from app.models.base import UtcDateTime
from app.models.correction import Correction
from app.models.history import Transition
from app.models.record import TEACHER_SETS
from app.models.snapshot import FileSnapshot
from app.models.teacher import Affiliation, Contributor, FileVersion, Teacher
from app.models.unit import Unit
from app.services import check, compare
from app.services.among import among, looked_up
from app.services.fence import enter_fence
from app.services.file import file_data
from app.services.number import new_numbers
from app.services.round import closed_units, overdue_units

Guarded = dict[int, list[Problem]]


def _ids(files: Iterable[Teacher]) -> list[int]:
    return [file.id for file in files]


def _each(items: Iterable[Any], problem: Problem) -> Guarded:
    return {item.id: [problem] for item in items}


def _catalog(act: Any) -> Catalog:
    return act.catalog or catalog(act.session)


def rules_hold(act: Any, files: list[Teacher]) -> Guarded:
    """No error of the rules (DQ, DQ075 included); on submission no open warning either.

    Kept results are reused; only files whose content, catalogue or day moved are checked again.
    Warnings are acknowledged by those who fill in: later steps see them and may go on.
    """
    known = _catalog(act)
    stale = check.outdated(files, known)
    if stale:
        check.keep(act.session, stale, file_data(act.session, stale, known), known)
        act.session.flush()
    submits = act.step.name == "submit"
    asked = [f for f in files if f.error_count or (submits and f.warning_count)]
    if not asked:
        return {}
    blocking = check.blocking(act.session, asked)
    if not submits:
        return _kept(blocking, lambda problem: problem.is_error)
    if act.actor.role != Role.TEACHER:
        return blocking
    categories = _categories(act, asked)
    return {
        key: mine
        for key, found in blocking.items()
        if (mine := [p for p in found if is_the_teachers(p, categories[key], known)])
    }


def _kept(found: Guarded, wanted: Any) -> Guarded:
    kept = {key: [each for each in problems if wanted(each)] for key, problems in found.items()}
    return {key: problems for key, problems in kept.items() if problems}


def _categories(act: Any, files: list[Teacher]) -> dict[int, str]:
    rows = act.session.execute(
        select(Unit.id, Unit.category).where(Unit.id.in_({f.school_id for f in files}))
    )
    by_school = dict(rows.all())
    return {file.id: by_school[file.school_id] for file in files}


def is_the_teachers(problem: Problem, category: str, known: Catalog) -> bool:
    """Whether a teacher can mend what a problem names.

    The teacher answers for what a teacher may fill in, the school for the rest before its head
    confirms (1.3, 1.6); a problem without a place is the teacher's too.
    """
    if problem.set is None or problem.set not in known.sets:
        return True
    items = known.indicators(problem.set)
    if problem.field is not None:
        items = tuple(item for item in items if item.code == problem.field) or items
    return any(
        not item.core and may_fill(known.rule(item.set, item.code, category), "teacher")
        for item in items
    )


def truth_declared(act: Any, files: list[Teacher]) -> Guarded:
    """The submitter declares that the data are true (S103)."""
    if act.data.get("declared") is True:
        return {}
    return _each(
        files, Problem("declaration", _("Declare that the data are true."), field="declared")
    )


def is_submitter(act: Any, files: list[Teacher]) -> Guarded:
    """Only who submitted the file withdraws it (1.5)."""
    last = (
        select(func.max(Transition.id))
        .where(
            among(act.session, Transition.object_id, _ids(files)),
            Transition.flow == "review",
            Transition.step == "submit",
        )
        .group_by(Transition.object_id)
    )
    submitted = select(Transition.object_id).where(
        Transition.id.in_(last), Transition.account_id == act.actor.account_id
    )
    mine = set(act.session.scalars(submitted))
    problem = Problem("submitter", _("Only the person who submitted the file can withdraw it."))
    return {f.id: [problem] for f in files if f.id not in mine}


def not_own_work(act: Any, files: list[Teacher]) -> Guarded:
    """Nobody approves what they entered or submitted, nor their own file (D2, S31)."""
    entered = Problem(
        "own_work", _("You entered or submitted data of this file; somebody else must approve it.")
    )
    own = Problem("own_file", _("Nobody decides on their own file."))
    rows = act.session.scalars(
        select(Contributor.teacher_id).where(
            among(act.session, Contributor.teacher_id, _ids(files)),
            Contributor.account_id == act.actor.account_id,
        )
    )
    found = {key: [entered] for key in rows}
    for file in files:
        if file.id == act.actor.teacher_id:
            found.setdefault(file.id, []).append(own)
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
    open_ = act.session.scalars(
        select(Correction.teacher_id).where(
            among(act.session, Correction.teacher_id, _ids(files)), Correction.closed_at.is_(None)
        )
    )
    problem = Problem("correction", _("A correction task of this file is open."))
    return {key: [problem] for key in open_}


def places_exist(act: Any, files: list[Teacher]) -> Guarded:
    """Reasons per field name a set, or an indicator of it: basic.id_no, award (D5)."""
    known = _catalog(act)
    wrong = [key for key in act.data.get("fields") or {} if not _is_place(key, known)]
    if not wrong:
        return {}
    return _each(files, Problem("field", _("There is no such field."), field=wrong[0]))


def _is_place(key: str, known: Catalog) -> bool:
    place = key.partition("@")[0]
    return place in known.by_key or place in known.sets


def submission(act: Any, files: list[Teacher]) -> Mapping[str, Any]:
    """Stamp the submission, mark it late past the deadline, forget earlier return notes."""
    late = overdue_units(act.session, {f.school_id for f in files})
    return {
        "submitted_at": act.at,
        "return_notes": None,
        "late": Teacher.school_id.in_(late) if late else False,
    }


def note_submission(act: Any, files: list[Teacher]) -> None:
    """Remember who submitted, so that the person never approves it (S31); count what changed
    since the submission before."""
    compare.count(act.session, files, _catalog(act))
    ids, account = _ids(files), act.actor.account_id
    known = act.session.scalars(
        select(Contributor.teacher_id).where(
            among(act.session, Contributor.teacher_id, ids), Contributor.account_id == account
        )
    )
    missing = set(ids) - set(known)
    if missing:
        rows = [{"teacher_id": key, "account_id": account} for key in sorted(missing)]
        act.session.execute(insert(Contributor), rows)


def keep_submitted(act: Any, files: list[Teacher]) -> None:
    """Keep what was submitted before the file goes back, to compare the next submission with."""
    compare.keep(act.session, files, act.step.name, _catalog(act))


def return_notes(act: Any, _files: list[Teacher]) -> Mapping[str, Any]:
    """Keep the reasons per field where the fields show them (D5)."""
    fields = dict(act.data.get("fields") or {})
    return {"return_notes": {"reason": act.reason, "fields": fields, "step": act.step.name}}


def pass_fence(act: Any, _files: list[Teacher]) -> None:
    """Pass the fence before the clock is read: a report sees all or nothing of the act."""
    enter_fence(act.session)


def effect(act: Any, files: list[Teacher]) -> Mapping[str, Any]:
    """The columns of a file that takes effect: its number, version and moment, no notes (1.9)."""
    numbers = new_numbers(act.session, files)
    given = looked_up(act.session, Teacher.id, numbers)
    return {
        "teacher_no": func.coalesce(Teacher.teacher_no, given),
        "file_version": Teacher.file_version + 1,
        "effective_at": act.at,
        "confirmed_on": today(),
        "return_notes": None,
    }


def take_effect(act: Any, files: list[Teacher]) -> None:
    """Bring the drafts of every set into force and write file version 1 (1.9)."""
    session, ids = act.session, _ids(files)
    for cls in (*TEACHER_SETS.values(), Affiliation):
        values: dict[str, Any] = {"valid_from": act.at}
        if cls is not Affiliation:
            values |= {"state": "effective", "version": cls.version + 1}
        session.execute(
            update(cls)
            .where(among(session, cls.teacher_id, ids), cls.valid_from.is_(None))
            .values(values)
            .execution_options(synchronize_session=False)
        )
    columns = {
        "teacher_id": Teacher.id,
        "school_id": Teacher.school_id,
        "authority_id": Teacher.authority_id,
        "number": Teacher.file_version,
        "at": literal(act.at, UtcDateTime()),
        "cause": literal("first_effect"),
    }
    rows = select(*columns.values()).where(among(session, Teacher.id, ids))
    session.execute(insert(FileVersion).from_select(list(columns), rows))
    session.execute(
        update(Unit)
        .where(Unit.id.in_({f.school_id for f in files}), Unit.first_effective.is_(False))
        .values(first_effective=True)
        .execution_options(synchronize_session=False)
    )
    for kept in (Contributor, FileSnapshot):
        session.execute(
            delete(kept)
            .where(among(session, kept.teacher_id, ids))
            .execution_options(synchronize_session=False)
        )


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
