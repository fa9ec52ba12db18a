"""Where people belong: rows are closed and opened, never altered, so that what is counted of a past
day stays what it was (data-model s2, workflows s4.2)."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.core.clock import local
from app.models.teacher import PERSONNEL, Affiliation
from app.services.among import among

GUEST = "guest"
TAKEN_OVER = ("teacher_id", "school_id", "authority_id", "kind", "from_month")


def month_of(moment: datetime) -> str:
    """The month of a moment in Beijing, YYYY-MM."""
    return local(moment).strftime("%Y-%m")


def restate(session: Session, teacher_ids: Collection[int], *, status: str, at: datetime) -> None:
    """Give the affiliations of some files another status (a code of on_duty_status) from a moment
    on; the place stays."""
    begin(session, [row | {"status": status} for row in _close(session, teacher_ids, at)], at=at)


def end(
    session: Session,
    teacher_ids: Collection[int],
    *,
    status: str,
    month: str,
    at: datetime,
    kind: str = PERSONNEL,
) -> None:
    """End the affiliations of a kind of some files at a moment, with the status that they ended
    with and the last month (YYYY-MM).

    What is kept of that is a row that was never in force: no past day counts it.
    """
    kept = {"status": status, "to_month": month, "valid_to": at}
    begin(session, [row | kept for row in _close(session, teacher_ids, at, kind)], at=at)


def begin(session: Session, rows: Iterable[Mapping[str, Any]], *, at: datetime) -> None:
    """Open affiliations: each row has teacher_id, school_id, authority_id, kind, status and
    from_month."""
    made = [{"valid_to": None, "to_month": None, **row, "valid_from": at} for row in rows]
    if made:
        session.execute(insert(Affiliation), made)


def _close(
    session: Session, teacher_ids: Collection[int], at: datetime, kind: str = PERSONNEL
) -> list[dict[str, Any]]:
    """Close the affiliations of a kind in force and tell what they said. The steps that call this
    are taken by parties of other schools, too: they have asked who may."""
    mine = (
        among(session, Affiliation.teacher_id, sorted(set(teacher_ids))),
        Affiliation.kind == kind,
        Affiliation.valid_from.is_not(None),
        Affiliation.valid_to.is_(None),
    )
    columns = [getattr(Affiliation, name) for name in TAKEN_OVER]
    options = {"unscoped": True, "synchronize_session": False}
    rows = session.execute(select(*columns).where(*mine), execution_options=options)
    found = [dict(row) for row in rows.mappings()]
    session.execute(update(Affiliation).where(*mine).values(valid_to=at), execution_options=options)
    return found
