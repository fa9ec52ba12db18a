"""Seals the audit log every few minutes and notes its head outside of the database (SEC-44)."""

from datetime import timedelta
from pathlib import Path

from app.core.crypto import ring_in_use
from app.jobs.worker import JobContext, job
from app.services import audit_chain


@job("seal_audit", every=timedelta(minutes=5))
def seal_audit(ctx: JobContext) -> None:
    """Seal all settled rows, then write the head to the file of AUDIT_HEAD_FILE."""
    keys = ring_in_use()
    while seal := audit_chain.seal_pending(ctx.session, keys):
        ctx.step(ctx.done + seal.count)
    audit_chain.write_head(ctx.session, keys, Path(ctx.settings["AUDIT_HEAD_FILE"]))
