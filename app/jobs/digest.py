"""The nightly digests by e-mail: one mail an account and day, with counts and a link.

A day is marked before its mail is sent, so that a job that is killed and resumed sends nothing
twice. What the mail server refuses is noted without any address; the next night tells again.
"""

import logging
import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import time
from email.message import EmailMessage
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import or_, select

from app.core import clock
from app.jobs.worker import JobContext, job
from app.models.account import Account
from app.models.digest import Digest
from app.services import audit
from app.services import digest as service

log = logging.getLogger(__name__)

Server = smtplib.SMTP


@job("send_digests", nightly=time(6, 30))
def send_digests(ctx: JobContext) -> None:
    """Send today's digest to everybody who wants it and has something waiting."""
    if not ctx.settings.get("SMTP_HOST"):
        return
    try:
        with connected(ctx.settings) as server:
            counts = _send_all(ctx, server)
    except (OSError, smtplib.SMTPException) as error:
        # The class alone: what a server answers may quote an address.
        log.warning("the mail server cannot be used: %s", type(error).__name__)
        counts = {"unreachable": 1}
    detail = {"name": ctx.job.name, **counts}
    audit.record(ctx.session, "job", actor=None, object=("job", ctx.job.id), detail=detail)
    ctx.session.commit()


def _send_all(ctx: JobContext, server: Server) -> dict[str, int]:
    counts = {"sent": 0, "failed": 0}
    while (found := _next(ctx)) is not None:
        wish, account = found
        message = _message(ctx, wish, account)
        wish.sent_on = clock.today()
        ctx.step(wish.account_id)
        if message is None:
            continue
        try:
            server.send_message(message)
            counts["sent"] += 1
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPException as error:
            log.warning("no digest for account %s: %s", wish.account_id, type(error).__name__)
            counts["failed"] += 1
    return counts


def _next(ctx: JobContext) -> tuple[Digest, Account] | None:
    """The next account that has not had the digest of today."""
    row = ctx.session.execute(
        select(Digest, Account)
        .join(Account, Account.id == Digest.account_id)
        .where(
            Digest.account_id > ctx.done,
            or_(Digest.sent_on.is_(None), Digest.sent_on < clock.today()),
        )
        .order_by(Digest.account_id)
        .limit(1)
    ).first()
    return None if row is None else (row[0], row[1])


def _message(ctx: JobContext, wish: Digest, account: Account) -> EmailMessage | None:
    """The mail of one account in its language; None when nothing waits."""
    with force_locale(wish.language):
        found = service.lines(ctx.session, account)
        if not found:
            return None
        message = EmailMessage()
        message["Subject"] = _("Teacher files: what waits for you")
        message["From"] = ctx.settings["SMTP_FROM"]
        message["To"] = wish.address
        message["Date"] = clock.local(clock.now())
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(service.text_of(found, ctx.settings["PUBLIC_URL"]))
        return message


@contextmanager
def connected(settings: Mapping[str, Any]) -> Iterator[Server]:
    """A connection to the mail server as it is set up; encryption is never given up."""
    host, port = settings["SMTP_HOST"], int(settings["SMTP_PORT"])
    patience, security = int(settings["SMTP_TIMEOUT"]), settings["SMTP_SECURITY"]
    if security == "tls":
        context = ssl.create_default_context()
        server: Server = smtplib.SMTP_SSL(host, port, timeout=patience, context=context)
    else:
        server = smtplib.SMTP(host, port, timeout=patience)
    with server:
        if security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if settings["SMTP_USER"]:
            server.login(settings["SMTP_USER"], settings["SMTP_PASSWORD"])
        yield server
