"""Writing who read what: a reading request writes in a transaction of its own (SEC-16)."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from app.core.database import reads_only
from app.extensions import db


def on_record(write: Callable[[Session], None]) -> None:
    """Run `write` in a transaction of its own and commit it; call it when the answer is ready.

    What was loaded before is expired: nothing of it may be needed any more.
    """
    session = db.session()
    session.rollback()
    token = reads_only.set(False)
    try:
        write(session)
        session.commit()
    finally:
        reads_only.reset(token)
