"""Guards and effects of the file review (1.3 to 1.13); each takes many files at once."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, exists, func, insert, literal, select, update

from app.access.roles import Role
from app.core.clock import now, today
from app.core.errors import Problem
from app.indicators.catalog import Catalog
from app.models.base import UtcDateTime
from app.models.correction import Correction
from app.models.history import Transition
from app.models.record import TEACHER_SETS
from app.models.snapshot import FileSnapshot
from app.models.teacher import (
    IN_FORCE_STATES,
    Affiliation,
    Contributor,
    FileVersion,
    ReviewState,
    Teacher,
)
from app.models.unit import Unit
from app.services import check, compare
from app.services.among import among, looked_up
from app.services.contents import file_data
from app.services.fence import enter_fence
from app.services.filling import round_closed
from app.services.number import new_numbers
from app.services.round import late_decisions, overdue_units, terms_by_id

WAITING = (ReviewState.SUBMITTED, ReviewState.SCHOOL_CONFIRMED)

is_the_teachers = check.is_the_teachers

Guarded = dict[int, list[Problem]]


def _ids(files: Iterable[Teacher]) -> list[int]:
    return [file.id for file in files]


def _each(items: Iterable[Any], problem: Problem) -> Guarded:
    return {item.id: [problem] for item in items}


def rules_hold(act: Any, files: list[Teacher]) -> Guarded:
    """No error of the rules (DQ, DQ075 included); until the head has confirmed, no open warning
    either.

    Kept results are reused; only files whose content, catalogue or day moved are checked again. A
    teacher who submits answers for the own part, the school for the rest before its head confirms;
    the authority sees what was acknowledged and by whom.
    """
    known = act.known
    renew(act, files)
    in_school = act.step.name != "approve"
    asked = [f for f in files if f.error_count or (in_school and f.warning_count)]
    if not asked:
        return {}
    blocking = check.blocking(act.session, asked)
    if not in_school:
        return _kept(blocking, lambda problem: problem.is_error)
    if act.actor.role != Role.TEACHER:
        return blocking
    categories = _categories(act, asked)
    return {
        key: mine
        for key, found in blocking.items()
        if (mine := [p for p in found if check.is_the_teachers(p, categories[key], known)])
    }


def renew(act: Any, files: list[Teacher]) -> None:
    """Check again the files whose kept result no longer holds."""
    known = act.known
    stale = check.outdated(files, known)
    if stale:
        check.keep(act.session, stale, file_data(act.session, stale, known), known)
        act.session.flush()


def no_error(act: Any, files: list[Teacher]) -> Guarded:
    """No error of the rules as they are today; what the kept result of an earlier day said is not
    enough for a report (1.12)."""
    renew(act, files)
    wrong = [file for file in files if file.error_count]
    if not wrong:
        return {}
    return _kept(check.blocking(act.session, wrong), lambda problem: problem.is_error)


def _kept(found: Guarded, wanted: Any) -> Guarded:
    kept = {key: [each for each in problems if wanted(each)] for key, problems in found.items()}
    return {key: problems for key, problems in kept.items() if problems}


def _categories(act: Any, files: list[Teacher]) -> dict[int, str]:
    rows = act.session.execute(
        select(Unit.id, Unit.category).where(Unit.id.in_({f.school_id for f in files}))
    )
    by_school = dict(rows.all())
    return {file.id: by_school[file.school_id] for file in files}


def truth_declared(act: Any, files: list[Teacher]) -> Guarded:
    """The submitter declares that the data are true (S103)."""
    if act.data.get("declared") is True:
        return {}
    return _each(
        files, Problem("declaration", _("Declare that the data are true."), field="declared")
    )


def is_submitter(act: Any, files: list[Teacher]) -> Guarded:
    """Only who submitted the file withdraws it (1.5)."""
    mine = _taken_by(act, files, "submit")
    problem = Problem("submitter", _("Only the person who submitted the file can withdraw it."))
    return {f.id: [problem] for f in files if f.id not in mine}


def not_own_work(act: Any, files: list[Teacher]) -> Guarded:
    """Nobody approves what they entered, submitted or confirmed (D2, S31, s0).

    Who confirmed as head does not approve under another role; only an authority that stands in
    for a head takes both steps. The own file is refused by the engine, for every decision.
    """
    entered = Problem(
        "own_work", _("You entered or submitted data of this file; somebody else must approve it.")
    )
    confirmed = Problem(
        "own_work", _("You confirmed this file as head; somebody else must approve it.")
    )
    rows = act.session.scalars(
        select(Contributor.teacher_id).where(
            among(act.session, Contributor.teacher_id, _ids(files)),
            Contributor.account_id == act.actor.account_id,
        )
    )
    found = {key: [entered] for key in rows}
    if act.step.name == "approve":
        for key in _taken_by(act, files, "confirm", Transition.role == Role.SCHOOL_HEAD):
            found.setdefault(key, []).append(confirmed)
    return found


def _taken_by(act: Any, files: list[Teacher], step: str, condition: Any = None) -> set[int]:
    """The files of which the actor took a step last, as far as a condition on it holds."""
    last = (
        select(func.max(Transition.id))
        .where(
            among(act.session, Transition.object_id, _ids(files)),
            Transition.flow == "review",
            Transition.step == step,
        )
        .group_by(Transition.object_id)
    )
    mine = select(Transition.object_id).where(
        Transition.id.in_(last), Transition.account_id == act.actor.account_id
    )
    if condition is not None:
        mine = mine.where(condition)
    return set(act.session.scalars(mine))


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
    """A closed round locks submission and reporting, one that has not begun submission; a passed
    deadline locks nothing (S82)."""
    terms = terms_by_id(act.session, {f.school_id for f in files})
    found: Guarded = {}
    for file in files:
        mine = terms.get(file.school_id)
        if mine is not None and mine.locked:
            found[file.id] = [Problem("round_closed", round_closed())]
        elif mine is not None and mine.begins_later and act.step.name == "submit":
            day = mine.round.opens_on.isoformat()
            text = _("The round begins on %(day)s. Files are submitted from then on.", day=day)
            found[file.id] = [Problem("round_not_begun", text)]
    return found


def no_open_correction(act: Any, files: list[Teacher]) -> Guarded:
    """A file with an open correction task is not reported (1.12)."""
    return _with_open_correction(act, files, _("A correction task of this file is open."))


def no_second_correction(act: Any, files: list[Teacher]) -> Guarded:
    """A file has one open correction task at a time (1.11)."""
    text = _("A correction task of this file is open already. Close it before you open another.")
    return _with_open_correction(act, files, text)


def _with_open_correction(act: Any, files: list[Teacher], message: str) -> Guarded:
    open_ = act.session.scalars(
        select(Correction.teacher_id).where(
            among(act.session, Correction.teacher_id, _ids(files)), Correction.closed_at.is_(None)
        )
    )
    return {key: [Problem("correction", message)] for key in open_}


def places_exist(act: Any, files: list[Teacher]) -> Guarded:
    """Reasons per field name a set, or an indicator of it: basic.id_no, award (D5)."""
    known = act.known
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
    compare.count(act.session, files, act.known)
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


def count_changes(act: Any, files: list[Teacher]) -> None:
    """Count anew what changed since the file went back: the school completes its part until the
    head confirms (1.6)."""
    compare.count(act.session, files, act.known)


def keep_submitted(act: Any, files: list[Teacher]) -> None:
    """Keep what was submitted before the file goes back, to compare the next submission with."""
    compare.keep(act.session, files, act.step.name, act.known)


def return_notes(act: Any, _files: list[Teacher]) -> Mapping[str, Any]:
    """Keep the reasons per field where the fields show them (D5)."""
    fields = dict(act.data.get("fields") or {})
    notes = {"reason": act.reason, "fields": fields, "step": act.step.name}
    return {"return_notes": notes, "decision_late": False}


def pass_fence(act: Any, _files: list[Teacher]) -> None:
    """Pass the fence before the clock is read: a report sees all or nothing of the act."""
    enter_fence(act.session)


def in_time(_act: Any, _files: list[Teacher]) -> Mapping[str, Any]:
    """What is decided, or taken back, waits for no late decision any more."""
    return {"decision_late": False}


def to_be_decided(act: Any, files: list[Teacher]) -> Mapping[str, Any]:
    """Mark late what comes to the authority after its last day (S82)."""
    state = ReviewState.SCHOOL_CONFIRMED
    return {"decision_late": _late_decision(act, files, state)}


def _late_decision(act: Any, files: list[Teacher], state: str) -> Any:
    late = late_decisions(act.session, {f.school_id for f in files}, state)
    return Teacher.school_id.in_(late) if late else False


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
        "decision_late": _late_decision(act, files, ReviewState.EFFECTIVE),
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
    for kept in (Contributor, FileSnapshot):
        session.execute(
            delete(kept)
            .where(among(session, kept.teacher_id, ids))
            .execution_options(synchronize_session=False)
        )


def settle_first_round(act: Any, files: list[Teacher]) -> None:
    """Note the schools whose first collection is in effect: a file is, and none waits for a
    decision (s0). The authority may set and clear the mark by hand; it is never cleared here."""
    here = Teacher.school_id == Unit.id
    waits = exists().where(here, Teacher.active, Teacher.state.in_(WAITING))
    counts = exists().where(here, Teacher.active, Teacher.state.in_(IN_FORCE_STATES))
    act.session.execute(
        update(Unit)
        .where(
            Unit.id.in_({f.school_id for f in files}),
            Unit.first_effective.is_(False),
            counts,
            ~waits,
        )
        .values(first_effective=True)
        .execution_options(synchronize_session=False, unscoped=True)
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
