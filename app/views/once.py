"""One-time keys of write forms: the repeat of a form is answered with its first result (REL-05)."""

import secrets
from typing import Any

from flask import redirect, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.scope import current_actor
from app.core import clock
from app.models.saved_view import SubmitKey

FIELD = "submit_key"
LONGEST = 64


def submit_key() -> str:
    """Return a fresh key for the hidden field of a form."""
    return secrets.token_urlsafe(24)


def first_result(session: Session) -> Any:
    """Return the redirect that answered this form before, or None the first time."""
    key = request.form.get(FIELD, "")[:LONGEST]
    if not key:
        return None
    mine = select(SubmitKey).where(
        SubmitKey.key == key, SubmitKey.account_id == current_actor().account_id
    )
    known = session.scalar(mine)
    return redirect(known.location) if known is not None and known.location else None


def remember(session: Session, location: str) -> None:
    """Keep where the form that is being answered leads; in the transaction of the act itself."""
    key = request.form.get(FIELD, "")[:LONGEST]
    if key:
        account = current_actor().account_id
        session.add(SubmitKey(key=key, account_id=account, at=clock.now(), location=location[:300]))
