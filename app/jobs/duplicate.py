"""Duplicates by night: pairs of files that may describe one person (DQ008, DQ009)."""

from datetime import time

from app.jobs.worker import JobContext, job
from app.services import audit, duplicate


@job("find_duplicates", nightly=time(3, 30))
def find_duplicates(ctx: JobContext) -> None:
    """Write down the pairs that are new since the last night, and how many there are."""
    found = duplicate.find(ctx.session)
    place, detail = ("job", ctx.job.id), {"name": ctx.job.name, "pairs": found}
    audit.record(ctx.session, "job", actor=None, object=place, detail=detail)
    ctx.session.commit()
