"""A worker in a process of its own, to be killed: python -m tests.jobs.worker_process URL LEASE."""

import os
import signal
import sys
from datetime import time, timedelta
from time import sleep

from sqlalchemy import Column, Integer, MetaData, Table, create_engine
from sqlalchemy.orm import Session

import app.core.database  # noqa: F401 - sets how SQLite connections behave.
from app.core import clock
from app.jobs import worker

STEPS = 40
METADATA = MetaData()
EFFECT = Table("effect", METADATA, Column("job_id", Integer), Column("step", Integer))


def steps(ctx):
    """Write one row per step, two rows and the progress at a time."""
    for step in range(ctx.done, STEPS, 2):
        for each in (step, step + 1):
            ctx.session.execute(EFFECT.insert().values(job_id=ctx.job.id, step=each))
            sleep(0.01)
        ctx.step(step + 2, STEPS)


def short(ctx):
    ctx.session.execute(EFFECT.insert().values(job_id=ctx.job.id, step=0))


def poison(_ctx):
    os.kill(os.getpid(), signal.SIGKILL)


def register():
    """Put the jobs of these tests into the registry, instead of those of the application."""
    worker.JOBS.clear()
    worker.job("steps")(steps)
    worker.job("poison")(poison)
    worker.job("short")(short)
    at_once = clock.local(clock.now()).time().replace(microsecond=0)
    worker.job("night", nightly=min(at_once, time(23, 0)))(short)


def main(url, lease):
    """Work until SIGTERM."""
    register()
    engine = create_engine(url)
    wiring = worker.Wiring(sessions=lambda: Session(engine))
    loop = worker.Worker(wiring, lease=timedelta(seconds=float(lease)))
    signal.signal(signal.SIGTERM, loop.stop)
    print("ready", flush=True)
    loop.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
