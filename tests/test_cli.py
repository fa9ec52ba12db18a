"""The commands of operation: what they print, how they exit, what they refuse."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from app.access.actor import system
from app.core.crypto import ring_in_use
from app.extensions import db
from app.models.history import Audit
from app.services import audit, audit_chain
from tests.databases import fences_off


def run(app: Any, *args: str) -> Any:
    """Run a command on this application, whatever other one the process has open."""
    with app.app_context():
        return app.test_cli_runner().invoke(args=list(args))


def seal(app: Any) -> None:
    """Write two rows and have the nightly sealer's job seal them."""
    with app.app_context(), system():
        for _each in range(2):
            audit.record(db.session(), "change", actor=None)
        db.session.commit()
        audit_chain.seal_pending(db.session(), ring_in_use())
        db.session.commit()
        audit_chain.write_head(db.session(), ring_in_use(), Path(app.config["AUDIT_HEAD_FILE"]))
        db.session.commit()


def test_a_whole_audit_log_is_said_to_be_whole(live_app: Any) -> None:
    seal(live_app)

    found = run(live_app, "audit", "verify")

    assert (found.exit_code, found.output) == (0, "The audit log is whole.\n")


@pytest.mark.parametrize(
    ("attack", "word"),
    [
        ("UPDATE audit SET act = 'open_file' WHERE id = (SELECT min(id) FROM audit)", "changed"),
        ("DELETE FROM audit WHERE id = (SELECT min(id) FROM audit)", "missing"),
        ("DELETE FROM audit_seal", "tail_cut"),
    ],
)
def test_a_log_that_was_tampered_with_is_named_and_exits_with_1(
    live_app: Any, attack: str, word: str
) -> None:
    seal(live_app)
    with live_app.app_context():
        fences_off(db.session())
        db.session.execute(text(attack))
        db.session.commit()

    found = run(live_app, "audit", "verify")

    assert found.exit_code == 1
    assert found.output.startswith(word)
    assert found.output.endswith("findings\n")


def test_purge_refuses_rows_that_must_be_kept(live_app: Any) -> None:
    seal(live_app)

    found = run(live_app, "audit", "purge", "--before", "2999-01-01")

    assert found.exit_code == 1
    assert run(live_app, "audit", "verify").exit_code == 0


def test_purge_of_a_day_long_past_deletes_nothing_here(live_app: Any) -> None:
    assert run(live_app, "audit", "purge", "--before", "2000-01-01").output == "0 rows deleted\n"


def test_first_administrator_and_the_role_are_on_record(live_app: Any) -> None:
    args = ["--username", "first", "--name", "x", "--password", "Long-enough-8341"]

    assert run(live_app, "create-admin", *args).exit_code == 0

    with live_app.app_context(), system():
        acts = db.session.scalars(select(Audit.act).order_by(Audit.id)).all()
    assert acts == ["account", "role_grant"]
