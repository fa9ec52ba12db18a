"""Drafts of forms: what was typed and not saved, sealed, of one account (B6)."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.core.clock import now
from app.core.crypto import seal
from app.core.errors import Malformed
from app.core.sealed import Unreadable, readable
from app.models.saved_view import FormDraft

NEW = "new"
LONGEST_KEY = 40
FILE_KEY = "row:{}:"  # How the keys of all forms of a file begin.

TABLE, COLUMN = FormDraft.__tablename__, "body"
LONGEST_VALUE = 2000
LONGEST_BODY = 60_000


class Draft(NamedTuple):
    """What was typed, by the names of the inputs, and when it was kept."""

    values: Mapping[str, str]
    at: datetime


def row_key(teacher_id: int, set_code: str, record: str) -> str:
    """The key of the form of one row; `record` is its uuid, or NEW."""
    return f"{FILE_KEY.format(teacher_id)}{set_code}:{record[:LONGEST_KEY]}"


def find(session: Session, actor: Actor, key: str) -> Draft | None:
    """Return the draft that the account keeps of a form; one that cannot be read is none."""
    kept = _row(session, actor, key)
    if kept is None:
        return None
    body = readable(kept.body, table=TABLE, column=COLUMN, uuid=kept.uuid)
    return None if isinstance(body, Unreadable) else Draft(json.loads(body), kept.at)


def keep(session: Session, actor: Actor, key: str, changed: Mapping[str, str]) -> datetime:
    """Lay what changed over the draft of a form. Raises Malformed when it grows too long."""
    kept = _row(session, actor, key)
    before = find(session, actor, key)
    values = {**(before.values if before else {}), **changed}
    body = json.dumps(values, ensure_ascii=False)
    if len(body) > LONGEST_BODY or any(len(value) > LONGEST_VALUE for value in values.values()):
        raise Malformed()
    if kept is None:
        kept = FormDraft(uuid=uuid4().hex, account_id=actor.account_id, form_key=key)
        session.add(kept)
    kept.body = seal(body, table=TABLE, column=COLUMN, uuid=kept.uuid)
    kept.at = now()
    session.flush()
    return kept.at


def drop(session: Session, actor: Actor, key: str) -> None:
    """Forget the draft of a form."""
    session.execute(
        delete(FormDraft)
        .where(FormDraft.account_id == actor.account_id, FormDraft.form_key == key)
        .execution_options(synchronize_session=False)
    )


def _row(session: Session, actor: Actor, key: str) -> FormDraft | None:
    return session.scalars(
        select(FormDraft).where(FormDraft.account_id == actor.account_id, FormDraft.form_key == key)
    ).first()
