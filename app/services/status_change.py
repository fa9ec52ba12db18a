"""Status changes of effective files: registered, edited, discarded, proved (5.1)."""

from datetime import date
from typing import Any
from uuid import uuid4

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import Role
from app.access.scope import scoped_get
from app.core.clock import now, today
from app.core.errors import Forbidden, NotFound, Problem, Refused, Stale
from app.indicators.catalog import Catalog
from app.indicators.checks.reading import attr
from app.models.attachment import Attachment
from app.models.status_change import StatusChange, StatusState
from app.models.teacher import Teacher
from app.services import attachment, audit, filling, transition
from app.services.attachment import Upload
from app.services.exclusive import Kind, require_free
from app.services.storage import Storage
from app.services.wording import checked_words

STATUSES = "on_duty_status"
SERVING, DECEASED = "100", "303"
# What transfers and rotations set, and nobody registers (5.1).
OF_OTHER_FLOWS = frozenset({"305", "101", "205"})
DAYS_AHEAD = 366  # What lies farther ahead is a slip of the pen.
SHOWN = 30
REGISTERED, AMENDED = "register", "amend"  # Beside the steps of the flow in its history.


def is_on_the_rolls(catalog: Catalog, status: str) -> bool:
    """Whether people of a status belong to their school."""
    found = catalog.code(STATUSES, status)
    return found is not None and bool(found.active)


def is_final(catalog: Catalog, status: str) -> bool:
    """Whether nothing comes after a status."""
    return bool(attr(catalog, STATUSES, status, "final"))


def is_return(catalog: Catalog, item: StatusChange) -> bool:
    """Whether a person who had left is taken on again: the authority approves it, as it approves a
    file that is opened (4.3)."""
    mine = is_on_the_rolls(catalog, item.from_status), is_on_the_rolls(catalog, item.to_status)
    return mine == (False, True)


def targets(catalog: Catalog, status: str) -> list[str]:
    """The statuses to which a person of a status may be changed, in the order of the table."""
    if is_final(catalog, status):
        return []
    return [
        code
        for code in catalog.codes(STATUSES)
        if code not in OF_OTHER_FLOWS and code != status and _follows(catalog, status, code)
    ]


def _follows(catalog: Catalog, status: str, code: str) -> bool:
    """Who has left comes back into service first, or leaves in another way."""
    away = not is_on_the_rolls(catalog, status) and is_on_the_rolls(catalog, code)
    return not away or code == SERVING


def register(
    session: Session,
    actor: Actor,
    teacher: Teacher,
    *,
    to_status: str,
    effective_date: date,
    reason: str = "",
    document_no: str = "",
    catalog: Catalog,
) -> StatusChange:
    """Register a change of the staff status of an effective file (5.1).

    Raises Forbidden for all but the school, Stale while the file is not effective, Refused: by the
    matrix (s0), for a status or day that will not do, and for one's own file.
    """
    filling.hold(session, teacher)
    if actor.role != Role.SCHOOL_INFO or actor.unit_id != teacher.school_id:
        raise Forbidden()
    if not teacher.is_in_force:
        raise Stale(_("The file is not yet effective. It is filled in directly."))
    require_free(session, Kind.STATUS_CHANGE, teacher.id)
    problems = own_file(actor, teacher.id)
    problems += status_problems(teacher.staff_status, to_status, catalog)
    problems += day_problems(session, teacher, to_status, effective_date)
    words, wrong = checked_words(reason, document_no)
    _refuse(problems + wrong)
    stamp = now()
    item = StatusChange(
        uuid=uuid4().hex,
        teacher_id=teacher.id,
        school_id=teacher.school_id,
        authority_id=teacher.authority_id,
        from_status=teacher.staff_status,
        to_status=to_status,
        effective_date=effective_date,
        on_its_day=effective_date > today(),
        state=StatusState.DRAFT,
        version=1,
        state_since=stamp,
        ended_roles=[],
        opened_by=actor.account_id,
        opened_role=str(actor.role),
        opened_at=stamp,
        **words,
    )
    session.add(item)
    _note(session, actor, item, step=REGISTERED, was={})
    return item


def edit(
    session: Session,
    actor: Actor,
    item: StatusChange,
    *,
    version: int | None,
    catalog: Catalog,
    to_status: str | None = None,
    effective_date: date | None = None,
    reason: str | None = None,
    document_no: str | None = None,
) -> None:
    """Alter a draft; what is left out stays. Raises as register(), and Stale when it is no draft
    any more or another version."""
    teacher = _hold_draft(session, actor, item, version)
    wanted = to_status or item.to_status
    day = effective_date or item.effective_date
    problems = own_file(actor, teacher.id)
    problems += status_problems(item.from_status, wanted, catalog)
    problems += day_problems(session, teacher, wanted, day)
    words, wrong = checked_words(
        (item.reason or "") if reason is None else reason,
        (item.document_no or "") if document_no is None else document_no,
    )
    _refuse(problems + wrong)
    was = _said(item)
    item.to_status, item.effective_date = wanted, day
    item.on_its_day = day > today()
    item.reason, item.document_no = words["reason"], words["document_no"]
    item.version += 1
    _note(session, actor, item, step=AMENDED, was=was)


def discard(session: Session, actor: Actor, item: StatusChange, *, version: int | None) -> None:
    """Delete a draft; raises Forbidden, NotFound, Stale."""
    _hold_draft(session, actor, item, version)
    place = (item.flow, item.id, item.teacher_id)
    attachment.let_go(session, item)
    session.delete(item)
    session.flush()
    audit.record(session, "delete", actor=actor, object=place, detail={"to": item.to_status})


def attach(
    session: Session, actor: Actor, item: StatusChange, upload: Upload, *, storage: Storage
) -> Attachment:
    """Keep a file as evidence of a draft. Raises Forbidden, Stale later on, Refused, Busy."""
    _hold_draft(session, actor, item, None)
    return attachment.keep_evidence(session, actor, item, upload, storage=storage)


def of_file(session: Session, teacher: Teacher) -> list[StatusChange]:
    """The latest status changes of a file in scope, the last one first: SHOWN at most."""
    mine = select(StatusChange).where(StatusChange.teacher_id == teacher.id)
    return list(session.scalars(mine.order_by(StatusChange.id.desc()).limit(SHOWN)))


def own_file(actor: Actor, teacher_id: int) -> list[Problem]:
    """Nobody registers the own status: on its day it takes effect by itself (s0)."""
    if actor.teacher_id != teacher_id:
        return []
    return [Problem("own_file", _("Nobody decides on their own file."))]


def status_problems(status: str, to_status: str, catalog: Catalog) -> list[Problem]:
    """Why a status cannot follow another one (5.1)."""
    if to_status in targets(catalog, status):
        return []
    if to_status in OF_OTHER_FLOWS:
        text = _("This status comes from a transfer or a rotation and is not registered by hand.")
    elif to_status == status:
        text = _("The person has this status already.")
    elif to_status not in catalog.codes(STATUSES):
        text = _("Choose one of the listed values.")
    elif is_final(catalog, status):
        text = _("Nothing follows this status. It can only be revoked.")
    else:
        text = _("A person who has left is first taken on again.")
    return [Problem("status", text, field="to_status")]


def day_problems(session: Session, teacher: Teacher, to_status: str, day: date) -> list[Problem]:
    """Why a status cannot change on a day: one change comes after the other (5.1)."""
    last = session.scalar(
        select(func.max(StatusChange.effective_date)).where(
            StatusChange.teacher_id == teacher.id, StatusChange.state == StatusState.EFFECTIVE
        )
    )
    if last is not None and day < last:
        text = _("The status changed last on %(day)s; this day lies before.", day=last.isoformat())
    elif to_status == DECEASED and day > today():
        text = _("The day of a death does not lie ahead.")
    elif (day - today()).days > DAYS_AHEAD:
        text = _("At most %(n)s days ahead.", n=DAYS_AHEAD)
    else:
        return []
    return [Problem("day", text, field="effective_date")]


def _hold_draft(session: Session, actor: Actor, item: StatusChange, version: int | None) -> Teacher:
    """Lock the file and a draft of the actor's school at the version that was seen."""
    teacher = scoped_get(session, Teacher, item.teacher_id)
    filling.hold(session, teacher)  # Before the draft, as the steps of the flow do.
    again = select(StatusChange).where(StatusChange.id == item.id).with_for_update()
    if session.scalars(again.execution_options(populate_existing=True)).first() is None:
        raise NotFound()
    if actor.role != Role.SCHOOL_INFO or actor.unit_id != item.school_id:
        raise Forbidden()
    if item.state != StatusState.DRAFT or version not in (None, item.version):
        raise Stale()
    return teacher


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise Refused(problems=problems)


def _said(item: StatusChange) -> dict[str, Any]:
    return {"to": item.to_status, "day": item.effective_date.isoformat()}


def _note(
    session: Session, actor: Actor, item: StatusChange, *, step: str, was: dict[str, Any]
) -> None:
    """Put what was registered into the history of the process, and into the audit log."""
    session.flush()
    is_new = step == REGISTERED
    old = None if is_new else item.state
    transition.note(session, actor, item, flow=item.flow, step=step, from_state=old)
    says = {"from": item.from_status, **_said(item)}
    audit.record(
        session,
        "create" if is_new else "change",
        actor=actor,
        object=(item.flow, item.id, item.teacher_id),
        detail={**says, "was": was} if was else says,
    )
