"""Removes what was uploaded into a form that nobody saved (REL-22)."""

from datetime import timedelta

from app.jobs.worker import JobContext, job
from app.services import attachment
from app.services.storage import Storage


@job("remove_uploads", every=timedelta(hours=1))
def remove_uploads(ctx: JobContext) -> None:
    """Delete the uploads that no record took within a day."""
    attachment.sweep(ctx.session, Storage.of(ctx.settings))
    ctx.step(1, 1)
