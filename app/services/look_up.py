"""Looking for persons of other schools: counted, limited and on record, for the screen and for
workbooks alike (SEC-13)."""

from datetime import datetime, time
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.core.clock import BEIJING, today
from app.core.errors import LimitReached
from app.indicators.catalog import Catalog
from app.models.account import Account
from app.models.history import Audit
from app.services import audit

LOOK_UP = "search_foreign"
HIT, MISS = "done", "failed"


def left_today(session: Session, actor: Actor, catalog: Catalog) -> int:
    """How often the account may still look for somebody elsewhere today."""
    midnight = datetime.combine(today(), time(), BEIJING)
    used = session.scalar(_mine(actor, func.count()).where(Audit.at >= midnight))
    return max(0, int(catalog.parameter("lookups_per_day")) - int(used or 0))


def require_left(session: Session, actor: Actor, catalog: Catalog) -> None:
    """Raise LimitReached when the account has looked for as many as it may today. Two windows of
    one account wait for each other here, so that neither slips past the limit."""
    session.execute(select(Account.id).where(Account.id == actor.account_id).with_for_update())
    if not left_today(session, actor, catalog):
        limit = int(catalog.parameter("lookups_per_day"))
        text = _("You have looked for %(n)s persons today. Please go on tomorrow.", n=limit)
        raise LimitReached(text)


def alert_limit(session: Session, actor: Actor) -> None:
    """Report to the audit administrator that an account wanted more look-ups than it may have."""
    audit.record(session, "alert", actor=actor, outcome="refused", reason="lookup_limit")


def note(session: Session, actor: Actor, teacher_id: int | None, catalog: Catalog) -> None:
    """Put a look-up on record, a miss without whom it asked for; an alert for misses in a row."""
    found = teacher_id is not None
    audit.record(
        session,
        LOOK_UP,
        actor=actor,
        object=("teacher", teacher_id, teacher_id) if found else None,
        outcome=HIT if found else MISS,
        detail={"by": "transfer"},
    )
    most = int(catalog.parameter("lookup_misses_alert"))
    if not found and most and _misses(session, actor) % most == 0:
        detail = {"misses": most}
        audit.record(session, "alert", actor=actor, reason="lookup_misses", detail=detail)


def _misses(session: Session, actor: Actor) -> int:
    """How many look-ups have missed since the last one that did not."""
    last = session.scalar(_mine(actor, func.max(Audit.id)).where(Audit.outcome == HIT)) or 0
    return session.scalar(_mine(actor, func.count()).where(Audit.id > last)) or 0


def _mine(actor: Actor, what: Any) -> Any:
    mine = (Audit.account_id == actor.account_id, Audit.act == LOOK_UP)
    return select(what).select_from(Audit).where(*mine).execution_options(unscoped=True)
