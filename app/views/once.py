"""One-time keys of write forms: the repeat of a form is answered with its first result (REL-05).

The key is put into its table at the start of the transaction of the act. A second post with the
same key waits there for the first one; it then finds where that one led, or, if it was refused,
takes its place.
"""

import secrets
import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from flask import g, redirect, request
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.access.actor import current_actor
from app.core import clock
from app.core.address import local_path
from app.extensions import db
from app.models.saved_view import SubmitKey

FIELD = "submit_key"
LONGEST = 64
PATIENCE, TURNS = 2.0, 40  # Seconds to wait for where the first answer led, and looks at it.
INSERTS = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def submit_key() -> str:
    """Return a fresh key for the hidden field of a form."""
    return secrets.token_urlsafe(24)


def first_result(session: Session, location: str | None = None) -> Any:
    """Return the redirect that answered this form before, or None the first time.

    A `location` of "" says that the act commits before it is known where it leads.
    """
    key = request.form.get(FIELD, "")[:LONGEST]
    if not key or g.get("submit_key") == key:
        return None
    if _claim(session, key, location):
        g.submit_key = key
        return None
    known = _location(session, key)
    for _turn in range(TURNS):
        if known != "":
            break
        session.rollback()  # On SQLite the winner could not write otherwise.
        time.sleep(PATIENCE / TURNS)
        known = _location(session, key)
    return None if known is None else redirect(known or _page_of_form())


def remember(session: Session, location: str) -> None:
    """Keep where the form that is being answered leads; in the transaction of the act itself."""
    key = request.form.get(FIELD, "")[:LONGEST]
    if key:
        session.execute(update(SubmitKey).where(*_mine(key)).values(location=location))


def forget(session: Session) -> None:
    """Give the key free again, before the commit: the form may be sent once more."""
    if key := g.pop("submit_key", None):
        session.execute(delete(SubmitKey).where(*_mine(key)))


def once(method: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a method that takes a form and commits once: a repeat gives the first redirect.

    Where the first answer was no redirect, the repeat leads back to the page of the form.
    """

    @wraps(method)
    def answer(self: Any, *args: Any, **kwargs: Any) -> Any:
        if request.method != "POST":
            return method(self, *args, **kwargs)
        session = db.session()
        if (known := first_result(session, "")) is not None:
            return known
        response = method(self, *args, **kwargs)
        if (target := getattr(response, "location", None)) and "submit_key" in g:
            # Act and key are stored by now, or neither is; this only says where it led.
            session.rollback()
            remember(session, target)
            session.commit()
        return response

    answer._once = True
    return answer


def _claim(session: Session, key: str, location: str | None) -> bool:
    """Put a key into its table; False when it is there already. Waits for whoever is at it."""
    values = {
        "key": key,
        "account_id": current_actor().account_id,
        "at": clock.now(),
        "location": location,
    }
    insert = INSERTS[session.get_bind().dialect.name](SubmitKey.__table__)
    taken = insert.values(values).on_conflict_do_nothing().returning(SubmitKey.key)
    return session.connection().execute(taken).first() is not None


def _location(session: Session, key: str) -> str | None:
    return session.scalar(select(SubmitKey.location).where(*_mine(key)))


def _mine(key: str) -> tuple[Any, ...]:
    return SubmitKey.key == key, SubmitKey.account_id == current_actor().account_id


def _page_of_form() -> str:
    """Return the page the form stood on, if it stood on this site; else the home page."""
    sent = urlsplit(request.referrer or "")
    return local_path(sent.path) or "/"
