"""How workers act: a job runs as its owner under the owner's scope, others as the system."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from flask import Flask, current_app
from flask_babel import force_locale
from sqlalchemy.orm import Session, sessionmaker

from app import jobs
from app.access.actor import SYSTEM_ACTOR, acting_as, resolve_actor, system
from app.core.clock import today
from app.core.database import statement_seconds
from app.core.errors import Forbidden
from app.extensions import db
from app.jobs import audit_chain, exchange, report, review  # noqa: F401 - they register their jobs.
from app.jobs.worker import EXTENSION, Wiring
from app.services import report as reports
from app.services.audit_watch import watch_writes
from app.services.job import Claim

_sessions = sessionmaker(expire_on_commit=False)
watch_writes(_sessions)


def register(app: Flask) -> None:
    """Give the workers of an application what they need, every kind of job registered."""
    for module in iter_modules(jobs.__path__):
        import_module(f"{jobs.__name__}.{module.name}")
    app.extensions[EXTENSION] = Wiring(sessions=_open_session, acting=_acting, settings=app.config)


def _open_session() -> Session:
    return _sessions(bind=db.engine)


@contextmanager
def _acting(job: Claim) -> Iterator[Any]:
    """The owner of the job with the assignment the job was ordered under, if it still counts.

    A statement of a report to the Ministry may take as long as that of any report (SEC-35).
    """
    seconds = current_app.config["REPORT_TIMEOUT"] if job.name in reports.JOBS else None
    token = statement_seconds.set(seconds)
    try:
        with _owner(job) as actor:
            yield actor
    finally:
        statement_seconds.reset(token)


@contextmanager
def _owner(job: Claim) -> Iterator[Any]:
    if job.account_id is None:
        with system(), force_locale("zh"):
            yield SYSTEM_ACTOR
        return
    with _open_session() as session, system():
        actor = resolve_actor(session, job.account_id, job.assignment_id, today())
    if actor is None:
        raise Forbidden()
    with acting_as(actor), force_locale("zh"):
        yield actor
