"""The job that seals the audit log."""

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import crypto
from app.core.crypto import Suite
from app.core.errors import Refused
from app.core.keys import TextKeys, new_key, read_ring
from app.jobs import audit_chain as jobs
from app.jobs import worker
from app.models.history import AuditSeal
from app.models.job import Job, JobState
from app.services import audit, audit_chain
from tests.databases import engine  # noqa: F401


@pytest.fixture
def keys():
    entries = [new_key(use, 1, Suite.INTERNATIONAL) for use in ("field", "index", "audit")]
    with crypto.using(read_ring(TextKeys(json.dumps({"keys": entries})))) as ring:
        yield ring


def test_all_rows_are_sealed_and_the_head_is_noted(engine, keys, tmp_path, monkeypatch):  # noqa: F811
    head = tmp_path / "head"
    wiring = worker.Wiring(
        sessions=lambda: Session(engine), settings={"AUDIT_HEAD_FILE": str(head)}
    )
    monkeypatch.setattr(worker, "JOBS", {"seal_audit": worker.JOBS["seal_audit"]})
    monkeypatch.setattr(audit_chain.seal_pending, "__kwdefaults__", {"limit": 2})
    with Session(engine) as session:
        audit.record_many(session, "change", actor=None, objects=[("teacher", i) for i in range(5)])
        session.commit()

    worker.Worker(wiring).run(once=True)

    with Session(engine) as session:
        assert session.scalars(select(AuditSeal.count).order_by(AuditSeal.id)).all() == [2, 2, 1]
        job = session.scalars(select(Job)).one()
        assert (job.name, job.state, job.done) == ("seal_audit", JobState.DONE, 5)
        assert audit_chain.verify(session, keys, head) == []


def test_log_that_was_cut_fails_the_job(engine, keys, tmp_path):  # noqa: F811
    head = tmp_path / "head"
    head.write_text("{}")
    with Session(engine) as session:
        audit.record(session, "change", actor=None)
        session.commit()
        ctx = SimpleNamespace(
            session=session, settings={"AUDIT_HEAD_FILE": head}, done=0, step=lambda _done: None
        )

        with pytest.raises(Refused):
            jobs.seal_audit(ctx)


def test_log_is_sealed_every_five_minutes():
    assert worker.JOBS["seal_audit"].every == timedelta(minutes=5)
