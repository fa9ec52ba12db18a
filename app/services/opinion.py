"""The opinion of the city's assistants on files that wait for the city (s0, S100): it stands beside
the decision with name and time and decides nothing."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import WRITE, may_open
from app.access.scope import scoped_get
from app.core.clock import now
from app.core.errors import Forbidden, Problem, Refused, Stale
from app.models.account import Account
from app.models.opinion import Opinion, Verdict
from app.models.teacher import ReviewState, Teacher
from app.services import audit, notice
from app.services.among import among
from app.services.notice import Telling

LONGEST = 500
TOLD = Telling("opinion_given", ("authority",))


class Said(NamedTuple):
    """An opinion as it is shown; `is_present` tells that it is about what waits now."""

    id: int
    teacher_id: int
    verdict: Verdict
    text: str
    name: str
    at: datetime
    is_present: bool


def is_missing() -> ColumnElement[bool]:
    """The files on which nobody has said anything since they began to wait."""
    said = exists().where(Opinion.teacher_id == Teacher.id, Opinion.at >= Teacher.state_since)
    return ~said


def waits(actor: Actor, file: Teacher) -> bool:
    """Whether a file waits for the decision of the city, to which the assistant belongs."""
    here = file.authority_id == actor.unit_id
    return here and file.active and file.state == ReviewState.SCHOOL_CONFIRMED


def give(
    session: Session,
    actor: Actor,
    teacher_id: int,
    *,
    verdict: str,
    text: str,
    version: int | None = None,
) -> Opinion:
    """Record an opinion: agreement, or an objection with its reason.

    Raises NotFound outside the scope, Forbidden for other roles, Stale when the file does not wait
    for the city (any more) or is another version than the one read, Refused for an objection
    without words, or too many of them. Audited; the administrators of the city are told.
    """
    file = scoped_get(session, Teacher, teacher_id)
    if not may_open(actor.role, "Opinion", WRITE):
        raise Forbidden()
    session.refresh(file, with_for_update=True)
    if not waits(actor, file) or version not in (None, file.version):
        raise Stale()
    text = text.strip()
    problems = _problems(verdict, text)
    if problems:
        raise Refused(problems=problems)
    made = Opinion(
        teacher_id=file.id,
        school_id=file.school_id,
        authority_id=file.authority_id,
        account_id=actor.account_id,
        verdict=verdict,
        text=text,
        at=now(),
        object_version=file.version,
    )
    session.add(made)
    session.flush()
    detail = {"verdict": verdict, "version": file.version}
    audit.record(session, "opinion", actor=actor, object=made, reason=text or None, detail=detail)
    notice.tell(session, TOLD, actor, [file])
    return made


def _problems(verdict: str, text: str) -> list[Problem]:
    if verdict not in list(Verdict):
        words = _("Say whether you agree or object.")
        return [Problem("verdict", words, field="verdict")]
    if verdict == Verdict.OBJECTION and not text:
        return [Problem("text", _("Say what you object to."), field="text")]
    if len(text) > LONGEST:
        return [Problem("text", _("Use at most %(n)s characters.", n=LONGEST), field="text")]
    return []


def on_file(session: Session, file: Teacher) -> list[Said]:
    """What was said on a file, the latest first."""
    return _read(session, [file.id])


def latest(session: Session, ids: Iterable[int]) -> Mapping[int, Said]:
    """The present opinion on each of these files, the last one where there are several."""
    found = reversed(_read(session, list(ids)))
    return {said.teacher_id: said for said in found if said.is_present}


def _read(session: Session, ids: list[int]) -> list[Said]:
    if not ids:
        return []
    rows = session.execute(
        select(Opinion, Account, Teacher.state_since)
        .join(Account, Account.id == Opinion.account_id)
        .join(Teacher, Teacher.id == Opinion.teacher_id)
        .where(among(session, Opinion.teacher_id, ids))
        .order_by(Opinion.id.desc())
    )
    return [
        Said(
            row.id,
            row.teacher_id,
            Verdict(row.verdict),
            row.text,
            account.display_name,
            row.at,
            since is None or row.at >= since,
        )
        for row, account, since in rows
    ]
