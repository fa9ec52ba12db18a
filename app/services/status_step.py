"""Guards and effects of the steps of status changes (5.2, 5.3); each takes many at once, with a
number of statements that does not depend on how many."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.access.roles import Role
from app.core.clock import local, today
from app.core.errors import Problem
from app.indicators import checks
from app.indicators.catalog import Catalog
from app.indicators.checks.treatment import DISMISSED
from app.indicators.file import FileData
from app.models.status_change import StatusChange, StatusState
from app.models.teacher import PERSONNEL, Affiliation, Teacher
from app.services import affiliation, check, leaver
from app.services.among import among
from app.services.change_step import own_work
from app.services.contents import file_data
from app.services.effect import bring_into_force
from app.services.exclusive import Kind, refusals
from app.services.facts import facts
from app.services.identity import flush_identity
from app.services.status_change import (
    AMENDED,
    REGISTERED,
    SERVING,
    is_on_the_rolls,
    is_return,
    status_problems,
)

CAUSE = "status"  # Of the file version.
MAKE_EFFECTIVE = "make_effective"
NEEDS_AUTHORITY, REVOKE_DAYS = "status_change_needs_authority", "status_revoke_days"

Guarded = dict[int, list[Problem]]


# Reading.


def files_of(act: Any, items: Sequence[StatusChange]) -> dict[int, Teacher]:
    """The files of some status changes, read once per act; they are held until its end: wherever
    they lie by now, for one that has moved on is not the school's any more."""
    if "files_of" not in act.notes:
        act.notes["files_of"] = _read(act.session, sorted({item.teacher_id for item in items}))
    found: dict[int, Teacher] = act.notes["files_of"]
    return found


def _read(session: Session, ids: list[int]) -> dict[int, Teacher]:
    rows = session.scalars(
        select(Teacher)
        .options(joinedload(Teacher.school))
        .where(among(session, Teacher.id, ids))
        .execution_options(populate_existing=True),
        execution_options={"unscoped": True},
    )
    return {teacher.id: teacher for teacher in rows}


def _here(act: Any, items: Iterable[StatusChange]) -> list[tuple[StatusChange, Teacher]]:
    """The status changes whose file is still of the school that registered them."""
    items = list(items)
    files = files_of(act, items)
    pairs = [(item, files[item.teacher_id]) for item in items]
    return [(item, file) for item, file in pairs if file.school_id == item.school_id]


# Guards.


def is_free(act: Any, items: list[StatusChange]) -> Guarded:
    """The matrix is asked again: nothing was opened meanwhile that stands in the way (s0)."""
    files_of(act, items)
    found = refusals(act.session, Kind.STATUS_CHANGE, {item.teacher_id: item.id for item in items})
    return {item.id: found[item.teacher_id] for item in items if item.teacher_id in found}


def still_stands(act: Any, items: list[StatusChange]) -> Guarded:
    """The person still has the status that is to change, at the school that registered it."""
    here = {item.id: file for item, file in _here(act, items)}
    found: Guarded = {}
    for item in items:
        if item.id not in here:
            found[item.id] = [_gone()]
        elif here[item.id].staff_status != item.from_status:
            text = _("The person has another status by now. Discard this and register it anew.")
            found[item.id] = [Problem("status", text, field="to_status")]
        else:
            problems = status_problems(item.from_status, item.to_status, act.known)
            found |= {item.id: problems} if problems else {}
    return found


def day_has_come(act: Any, items: list[StatusChange]) -> Guarded:
    """What no authority is asked about takes effect on its day and not before (5.2)."""
    text = _("The day lies ahead. The change takes effect on it by itself.")
    early = [item for item in items if item.effective_date > today()]
    return {
        item.id: [Problem("day", text, field="effective_date")]
        for item in early
        if not asks_authority(act, item)
    }


def rules_hold(act: Any, items: list[StatusChange]) -> Guarded:
    """What the rules say of a status: an age of retirement that was not reached asks for a reason
    and a document (DQ040), a dismissal for its sanction (DQ057), and no status may bring an error
    that the file does not have already."""
    known, here = act.known, _here(act, items)
    if not here:
        return {}
    contents = file_data(act.session, [file for _item, file in here], known)
    found = {
        item.id: _unfit(item, contents[file.id], known)
        for item, file in here
        if file.staff_status == item.from_status
    }
    return {key: problems for key, problems in found.items() if problems}


def _unfit(item: StatusChange, file: FileData, known: Catalog) -> list[Problem]:
    became = replace(file, status=item.to_status)
    found = _early(item, file, known)
    if item.to_status == DISMISSED and "DQ057" in known.checks:
        found += checks.run_one("DQ057", became, check.context(known))
    if is_on_the_rolls(known, item.to_status):
        old = {(p.code, p.set, p.field, str(p.record)) for p in _errors(file, known)}
        new = _errors(became, known)
        found += [p for p in new if (p.code, p.set, p.field, str(p.record)) not in old]
    return found


def _errors(file: FileData, known: Catalog) -> list[Problem]:
    found = checks.run(file, check.context(known), trigger="submit")
    return [problem for problem in found if problem.is_error]


def _early(item: StatusChange, file: FileData, known: Catalog) -> list[Problem]:
    """Who retires before the age that DQ040 counts retires by a decision that is named."""
    if item.to_status not in check.RETIRED or "DQ040" not in known.checks:
        return []
    serving = replace(file, status=SERVING, facts=replace(file.facts, retirement_exempt=False))
    on_the_day = replace(check.context(known), today=item.effective_date)
    if checks.run_one("DQ040", serving, on_the_day) or (item.reason and item.document_no):
        return []
    text = _(
        "The age of retirement is not reached on that day. Give the reason and the number of the"
        " document that allows it."
    )
    return [Problem("DQ040", text, field="document_no")]


def number_is_free(act: Any, items: list[StatusChange]) -> Guarded:
    """Who comes back on the rolls has no other file on them (DQ007, DQ008)."""
    known = act.known
    back = [
        (item, file)
        for item, file in _here(act, items)
        if not file.active and is_on_the_rolls(known, _target(act, item))
    ]
    if not back:
        return {}
    asked = facts(act.session, [file for _item, file in back])
    text = _("Another file with this ID number is on the rolls.")
    return {
        item.id: [Problem("DQ008", text, field="to_status")]
        for item, file in back
        if asked[file.id].same_school_active or asked[file.id].other_school_name
    }


def _target(act: Any, item: StatusChange) -> str:
    """The status that a step leads to: the one before, where a change is revoked."""
    return item.from_status if item.state == StatusState.EFFECTIVE else item.to_status


def not_own_work(act: Any, items: list[StatusChange]) -> Guarded:
    """Nobody approves what they registered or asked for (s0)."""
    return own_work(act, items, (REGISTERED, AMENDED, MAKE_EFFECTIVE))


def in_time(act: Any, items: list[StatusChange]) -> Guarded:
    """The school revokes within some days what it did by itself; afterwards, and what the
    authority approved, the authority alone (5.3)."""
    if act.actor.role != Role.SCHOOL_INFO:
        return {}
    days = int(act.known.parameter(REVOKE_DAYS))
    late = _("More than %(n)s days have passed. Your authority can revoke this.", n=days)
    theirs = _("The authority approved this. Only the authority can revoke it.")
    found: Guarded = {}
    for item in items:
        if item.approved_by is not None:
            found[item.id] = [Problem("revoke", theirs)]
        elif (today() - local(item.state_since).date()).days > days:
            found[item.id] = [Problem("revoke", late)]
    return found


def nothing_followed(act: Any, items: list[StatusChange]) -> Guarded:
    """The school still has the file, and no later event moved status or place (5.3)."""
    here = {item.id for item, _file in _here(act, items)}
    moved, text = _moved_on(act, items), _("A later event of the file stands in the way.")
    found = {item.id: [_gone()] for item in items if item.id not in here}
    later = [item for item in items if item.id in here and item.id in moved]
    return found | {item.id: [Problem("later_event", text)] for item in later}


def _moved_on(act: Any, items: list[StatusChange]) -> set[int]:
    """Those after which the person's status or place has moved again, wherever that was."""
    files, ids = files_of(act, items), sorted({item.teacher_id for item in items})
    options = {"unscoped": True}
    places = act.session.execute(
        select(Affiliation.teacher_id, Affiliation.valid_from).where(
            among(act.session, Affiliation.teacher_id, ids), Affiliation.valid_from.is_not(None)
        ),
        execution_options=options,
    )
    others = act.session.execute(
        select(StatusChange.teacher_id, StatusChange.state_since).where(
            among(act.session, StatusChange.teacher_id, ids),
            StatusChange.state == StatusState.EFFECTIVE,
        ),
        execution_options=options,
    )
    last: dict[int, datetime] = {}
    for teacher_id, at in (*places, *others):
        last[teacher_id] = max(at, last.get(teacher_id, at))
    return {
        item.id
        for item in items
        if last.get(item.teacher_id, item.state_since) > item.state_since
        or files[item.teacher_id].staff_status != item.to_status
    }


def _gone() -> Problem:
    return Problem("moved", _("The file is no longer at the school that registered this."))


# Targets and columns.


def asks_authority(act: Any, item: StatusChange) -> bool:
    """Whether the authority decides: on who is taken on again, and on everything where the city
    wants it so (5.2, 4.3). What it has approved it is not asked again."""
    if item.state != StatusState.DRAFT:
        return False
    known = act.known
    return bool(known.parameter(NEEDS_AUTHORITY)) or is_return(known, item)


def approved_by(act: Any, _items: list[StatusChange]) -> Mapping[str, Any]:
    """Who decided for the authority."""
    return {"approved_by": act.actor.account_id}


# Effects.


def take_effect(act: Any, items: list[StatusChange]) -> None:
    """Write the new status with all that follows from it (5.2)."""
    chosen = [item for item in items if item.state == StatusState.EFFECTIVE]
    if not chosen:
        return
    known, files = act.known, files_of(act, items)
    leaving = [item for item in chosen if files[item.teacher_id].active]
    leaving = [item for item in leaving if not is_on_the_rolls(known, item.to_status)]
    _place(act, chosen, {item.id: item.to_status for item in chosen})
    if leaving:
        schools = {item.teacher_id: item.school_id for item in leaving}
        ended = leaver.end_roles(act.session, act.actor, schools)
        for item in leaving:
            item.ended_roles = ended.get(item.teacher_id, [])


def restore(act: Any, items: list[StatusChange]) -> None:
    """Write the status from before, and give back what ended with the one that is revoked (5.3)."""
    _place(act, items, {item.id: item.from_status for item in items})
    lost = {item.teacher_id: item.ended_roles for item in items if item.ended_roles}
    leaver.give_back(act.session, act.actor, lost)


def _place(act: Any, items: list[StatusChange], status: Mapping[int, str]) -> None:
    """Write status, place on the rolls and affiliation of some files, and a version of each."""
    known, session, files = act.known, act.session, files_of(act, items)
    _affiliate(act, items, status)
    for item in items:
        file = files[item.teacher_id]
        file.staff_status = status[item.id]
        file.active = is_on_the_rolls(known, status[item.id])
    flush_identity(session)
    mine = [files[key] for key in sorted({item.teacher_id for item in items})]
    contents = file_data(session, mine, known)
    bring_into_force(session, mine, [], at=act.at, cause=CAUSE, catalog=known, files=contents)
    # The night looks at those on the rolls only: what it found of others would stay for ever.
    check.keep_nightly(session, mine, contents, known)
    session.flush()


def _affiliate(act: Any, items: list[StatusChange], status: Mapping[int, str]) -> None:
    """Restate, end or begin the affiliations of some files, one statement each per status."""
    known, files = act.known, files_of(act, items)
    restated: dict[str, list[int]] = {}
    ended: dict[tuple[str, str], list[int]] = {}
    begun: list[StatusChange] = []
    for item in items:
        wanted, key = status[item.id], item.teacher_id
        stays = is_on_the_rolls(known, wanted)
        if files[key].active and stays:
            restated.setdefault(wanted, []).append(key)
        elif files[key].active:
            ended.setdefault((wanted, _month(item)), []).append(key)
        elif stays:
            begun.append(item)
    for wanted, keys in restated.items():
        affiliation.restate(act.session, keys, status=wanted, at=act.at)
    for (wanted, month), keys in ended.items():
        affiliation.end(act.session, keys, status=wanted, month=month, at=act.at)
    if begun:
        _begin(act, begun, status)


def _begin(act: Any, items: list[StatusChange], status: Mapping[int, str]) -> None:
    """Open the affiliations of who is on the rolls again: from the day of the re-employment, or
    from where one went on that was ended by mistake."""
    resumed = [item.teacher_id for item in items if item.state == StatusState.REVOKED]
    since = _former_months(act.session, resumed) if resumed else {}
    rows = [
        {
            "teacher_id": item.teacher_id,
            "school_id": item.school_id,
            "authority_id": item.authority_id,
            "kind": PERSONNEL,
            "status": status[item.id],
            "from_month": since.get(item.teacher_id, _month(item)),
        }
        for item in items
    ]
    affiliation.begin(act.session, rows, at=act.at)


def _former_months(session: Session, ids: list[int]) -> dict[int, str | None]:
    """The month from which the last affiliation of some persons ran."""
    rows = session.execute(
        select(Affiliation.teacher_id, Affiliation.from_month)
        .where(
            among(session, Affiliation.teacher_id, ids),
            Affiliation.kind == PERSONNEL,
            Affiliation.valid_to.is_not(None),
        )
        .order_by(Affiliation.valid_to, Affiliation.id)
    )
    return {row.teacher_id: row.from_month for row in rows}


def _month(item: StatusChange) -> str:
    return item.effective_date.strftime("%Y-%m")
