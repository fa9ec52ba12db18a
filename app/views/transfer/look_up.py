"""Looking for a person of another school, from a page and over REST alike (4.1, SEC-13)."""

from app.access.actor import current_actor
from app.core.errors import LimitReached
from app.extensions import db
from app.indicators.catalog import catalog
from app.services import look_up, transfer


def looked_up(id_no: str, name: str) -> int:
    """The file of that number and name. The look-up stays on record whatever becomes of it. Raises
    Refused for a miss, LimitReached with an alert."""
    session, actor = db.session(), current_actor()
    try:
        key = transfer.find(session, actor, id_no, name, catalog=catalog(session))
    except LimitReached:
        session.rollback()
        look_up.alert_limit(session, actor)
        session.commit()
        raise
    session.commit()
    if key is None:
        raise transfer.no_match()
    return key
