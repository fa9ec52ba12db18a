"""Who may take data away, how much, and with whose approval (SEC-14, SEC-35)."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from flask_babel import gettext as _
from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import WRITE, Role, may_open
from app.core.clock import now, today
from app.core.errors import Forbidden, LimitReached, NotFound, Problem, Stale
from app.indicators.catalog import Catalog
from app.models.account import Account, Assignment
from app.models.exchange import ExportFile
from app.models.unit import Unit, UnitKind
from app.services import audit, notice
from app.services import job as queue

MIN_PURPOSE, MAX_PURPOSE = 2, 200
WINDOW = timedelta(hours=24)
# The state of an approval.
NONE, WAITING, APPROVED, REJECTED = "none", "waiting", "approved", "rejected"
# Who decides: somebody of the same unit who works with files, or the authority above it.
APPROVERS = (Role.SCHOOL_HEAD, Role.SCHOOL_INFO, Role.DISTRICT_INFO, Role.CITY_INFO)


def only_one(session: Session, actor: Actor, names: Iterable[str]) -> None:
    """LimitReached while the account has one of these jobs waiting or running (SEC-35)."""
    # The account's row is held so that two requests at once cannot both find nothing.
    session.execute(select(Account.id).where(Account.id == actor.account_id).with_for_update())
    if any(queue.is_running(session, actor.account_id, name) for name in names):
        raise LimitReached(
            _("Your previous import or export is still running. Please wait until it is done.")
        )


def check_right(actor: Actor, purpose: str) -> str:
    """The purpose, tidied; Forbidden without the right to export or without a purpose."""
    if not may_open(actor.role, "Export", WRITE):
        raise Forbidden()
    purpose = " ".join(purpose.split())
    if not MIN_PURPOSE <= len(purpose) <= MAX_PURPOSE:
        text = _("State the purpose of the export in 2 to 200 characters.")
        raise Forbidden(text, [Problem("purpose", text, field="purpose")])
    return purpose


def needs_approval(
    session: Session, actor: Actor, rows: int, *, sensitive: bool, catalog: Catalog
) -> bool:
    """Whether another person must approve: rows with sensitive columns above the limit, together
    with what the account took in the last 24 hours, so that slices count."""
    if not sensitive:
        return False
    limit = int(catalog.parameter("export_approval_rows"))
    return rows + taken_lately(session, actor) > limit


def taken_lately(session: Session, actor: Actor) -> int:
    """The rows with sensitive columns that the account exported in the last 24 hours."""
    query = select(func.coalesce(func.sum(ExportFile.rows), 0)).where(
        ExportFile.account_id == actor.account_id,
        ExportFile.at > now() - WINDOW,
        ExportFile.sensitive == 1,
        ExportFile.approval.in_((NONE, APPROVED)),
    )
    return int(session.scalar(query) or 0)


def note(
    session: Session,
    actor: Actor,
    *,
    purpose: str,
    file_name: str,
    rows: int,
    sensitive: bool,
    catalog: Catalog,
    request: dict[str, Any],
    approval: str = NONE,
) -> ExportFile:
    """Keep the record of an export; what is asked for again at its run stands in `request`.

    `request` names filter and columns, never values. One that waits for approval is told to those
    who may give it.
    """
    stamp = now()
    hours = int(catalog.parameter("export_hours"))
    export = ExportFile(
        uuid=uuid4().hex,
        account_id=actor.account_id,
        at=stamp,
        expires_at=stamp + timedelta(hours=hours),
        file_name=file_name,
        purpose=purpose,
        rows=rows,
        sensitive=int(sensitive),
        approval=approval,
        request=request | _place(actor),
    )
    session.add(export)
    session.flush()
    detail = {key: request[key] for key in sorted(request)} | {"count": rows, "approval": approval}
    audit.record(session, "export", actor=actor, object=export, reason=purpose, detail=detail)
    if approval == WAITING:
        notice.send(session, "export_to_approve", _approvers(session, actor))
    return export


def waiting(session: Session, actor: Actor) -> list[ExportFile]:
    """The exports that wait for a decision of this person, oldest first."""
    query = (
        select(ExportFile)
        .where(ExportFile.approval == WAITING, ExportFile.expires_at > now())
        .order_by(ExportFile.id)
        .execution_options(unscoped=True)
    )
    return [each for each in session.scalars(query) if may_approve(actor, each)]


def may_approve(actor: Actor, export: ExportFile) -> bool:
    """Whether the person may decide: another account, of the same unit or of its authority."""
    if actor.account_id == export.account_id or actor.role not in APPROVERS:
        return False
    place = export.request or {}
    return actor.unit_id in (place.get("unit"), place.get("authority"))


def decide(session: Session, actor: Actor, uuid: str, *, approved: bool) -> ExportFile:
    """Approve or reject an export of somebody else; NotFound outside of one's reach, Stale when
    it was decided meanwhile. The caller puts the approved one in the queue."""
    query = select(ExportFile).where(ExportFile.uuid == uuid).execution_options(unscoped=True)
    export = session.scalars(query).first()
    if export is None or not may_approve(actor, export):
        raise NotFound()
    state = APPROVED if approved else REJECTED
    undecided = (ExportFile.id == export.id) & (ExportFile.approval == WAITING)
    decided = session.execute(
        update(ExportFile)
        .where(undecided, ExportFile.expires_at > now())
        .values(approval=state, approved_by=actor.account_id)
        .execution_options(synchronize_session=False, unscoped=True)
    )
    if decided.rowcount != 1:  # type: ignore[attr-defined]
        raise Stale()
    session.refresh(export)
    audit.record(session, "export", actor=actor, object=export, detail={"decision": state})
    return export


def _place(actor: Actor) -> dict[str, Any]:
    return {
        "unit": actor.unit_id,
        "authority": actor.authority_id,
        "assignment": actor.assignment_id,
    }


def _approvers(session: Session, actor: Actor) -> list[int]:
    """The accounts that may approve an export of the actor today."""
    day = today()
    units = [unit for unit in (actor.unit_id, actor.authority_id) if unit]
    query = (
        select(Assignment.account_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(
            Assignment.unit_id.in_(units),
            Assignment.role.in_(APPROVERS),
            Assignment.account_id != actor.account_id,
            Assignment.valid_from <= day,
            or_(Assignment.valid_to.is_(None), Assignment.valid_to >= day),
            Unit.kind.in_((UnitKind.SCHOOL, UnitKind.DISTRICT, UnitKind.CITY)),
        )
        .execution_options(unscoped=True)
    )
    return list(session.scalars(query))
