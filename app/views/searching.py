"""How often an account may search: one count for lists, choices, look-ups and REST (SEC-35)."""

from flask import current_app, request
from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from app.access.actor import current_actor
from app.core.errors import LimitReached

COUNTED, COUNTERS = "tm.search_counted", "tm.search_counters"
MINUTE = 60


def count_search() -> None:
    """Count a search of the present account, once per request. Raise LimitReached.

    The counters stand in Redis where REDIS_URL is set, which several processes share, else in the
    memory of this one.
    """
    if not current_app.config["RATELIMIT_ENABLED"] or request.environ.get(COUNTED):
        return
    request.environ[COUNTED] = True
    allowed = RateLimitItemPerMinute(current_app.config["SEARCHES_PER_MINUTE"])
    if not _counters().hit(allowed, "search", str(current_actor().account_id)):
        raise LimitReached(retry_after=MINUTE)


def _counters() -> MovingWindowRateLimiter:
    if COUNTERS not in current_app.extensions:
        storage = storage_from_string(current_app.config["RATELIMIT_STORAGE_URI"])
        current_app.extensions[COUNTERS] = MovingWindowRateLimiter(storage)
    return current_app.extensions[COUNTERS]
