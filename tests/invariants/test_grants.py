"""The web process works with the rights of `flask grants`, which keep its history (SEC-44)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, make_url, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from app.access.actor import system
from app.core.crypto import ring_in_use
from app.extensions import db
from app.models import fences
from app.models.history import Audit, AuditSeal, Transition
from app.services import audit_chain
from tests.test_cli import run, seal
from tests.views.api_caller import Caller, step
from tests.views.test_api_journey import done

FORBIDDEN = (
    *(f"UPDATE {name} SET id = id" for name in fences.APPEND_ONLY),
    *(f"DELETE FROM {name}" for name in fences.APPEND_ONLY),
    *(f"TRUNCATE {name}" for name in fences.APPEND_ONLY),
    *(f"ALTER TABLE {name} DISABLE TRIGGER ALL" for name in fences.APPEND_ONLY),
    *(f"DROP TRIGGER fence_{name}_delete ON {name}" for name in fences.APPEND_ONLY),
    "SET session_replication_role = replica",
    "UPDATE alembic_version SET version_num = '0'",
    "DROP TABLE audit",
)
CHANGES = tuple(
    f"{change} {rest}"
    for name in fences.APPEND_ONLY
    for change, rest in (("UPDATE", f"{name} SET id = id"), ("DELETE", f"FROM {name}"))
)


@contextmanager
def owner_of(app: Any) -> Iterator[Any]:
    """A connection of the owner; what it does is committed."""
    with app.app_context(), db.engine.begin() as connection:
        yield connection


@pytest.fixture
def role(live_app: Any) -> Iterator[str]:
    """A role that has no rights yet; roles belong to the whole server, so it goes in the end."""
    name = f"web_{make_url(live_app.config['DATABASE_URL']).database}"
    with owner_of(live_app) as connection:
        connection.execute(text(f"CREATE ROLE {name}"))
    yield name
    with owner_of(live_app) as connection:
        connection.execute(text(f"DROP OWNED BY {name}"))
        connection.execute(text(f"DROP ROLE {name}"))


@contextmanager
def working_as(app: Any, role: str) -> Iterator[None]:
    """Let every connection of the application have a role from its first statement on."""

    def set_role(connection: Any, _record: Any) -> None:
        connection.execute(f"SET ROLE {role}")
        connection.commit()

    with app.app_context():
        engine = db.engine
    engine.dispose()
    event.listen(engine, "connect", set_role)
    try:
        yield
    finally:
        event.remove(engine, "connect", set_role)
        engine.dispose()


def refusal(app: Any, statement: str) -> DBAPIError | None:
    """What the database answers to a statement, which is never committed; None where it obeys."""
    with app.app_context(), db.engine.connect() as connection:
        try:
            connection.execute(text(statement))
        except DBAPIError as refused:
            return refused
        finally:
            connection.rollback()
    return None


def review_one_file(app: Any, world: Any) -> int:
    """Change and complete a draft and lead it to acceptance, over HTTP; returns its id."""
    clerk, head, district, city = (
        Caller(app.test_client(), world.usernames[key])
        for key in ("school_info_A1", "school_head_A1", "district_info_A", "city_info")
    )
    key = world.teacher("A1", "draft").id
    (row,) = clerk.get(f"/teacher/{key}/contact").json["result"]
    saved = {"mobile": "16912345678", "version": row["version"]}
    assert clerk.put(f"/teacher/{key}/contact/{row['id']}", saved).status_code == 200
    clerk.post(f"/teacher/{key}/problem")
    done(step(clerk, key, "submit", declared=True), "submitted")
    done(step(head, key, "confirm"), "school_confirmed")
    done(step(district, key, "approve", scope_checked=True), "effective")
    done(step(city, key, "accept"), "city_accepted")
    return key


@pytest.mark.postgres
def test_a_role_without_the_grants_cannot_even_read(live_app: Any, role: str) -> None:
    with working_as(live_app, role):
        refused = refusal(live_app, "SELECT id FROM teacher")

    assert isinstance(refused, ProgrammingError)
    assert "permission denied" in str(refused)


@pytest.mark.postgres
def test_a_whole_review_runs_with_the_rights_of_the_web_process_and_history_stays(
    live_app: Any, world: Any, role: str
) -> None:
    granted = run(live_app, "grants", role)
    assert (granted.exit_code, granted.output) == (
        0,
        f"{role} has the rights of the web process.\n",
    )

    with working_as(live_app, role):
        key = review_one_file(live_app, world)
        seal(live_app)

        with live_app.app_context(), system():
            assert db.session.scalar(text("SELECT current_user")) == role
            steps = select(Transition.step).where(Transition.teacher_id == key)
            taken = db.session.scalars(steps.order_by(Transition.id)).all()
            assert taken[-4:] == ["submit", "confirm", "approve", "accept"]
            written = select(func.count()).where(Audit.teacher_id == key, Audit.act == "transition")
            assert db.session.scalar(written) == 4
            assert db.session.scalar(select(func.count(AuditSeal.id)))
            assert fences.alterable(db.session.connection()) == []
            head = Path(live_app.config["AUDIT_HEAD_FILE"])
            assert audit_chain.verify(db.session(), ring_in_use(), head) == []
            db.session.remove()
        for statement in FORBIDDEN:
            refused = refusal(live_app, statement)
            assert isinstance(refused, ProgrammingError), statement
            assert "permission denied" in str(refused) or "must be owner" in str(refused), statement


def test_triggers_refuse_even_the_owner(live_app: Any) -> None:
    seal(live_app)

    for statement in CHANGES:
        refused = refusal(live_app, statement)
        assert isinstance(refused, IntegrityError), statement
        assert "cannot be changed" in str(refused), statement


def test_grants_need_a_database_with_roles(live_app: Any, kind: str) -> None:
    answer = run(live_app, "grants", "nobody_of_this_name")

    assert answer.exit_code == 1
    if kind == "sqlite":
        assert answer.output == "SQLite has no roles; its triggers alone keep the history.\n"
    else:
        assert answer.output == "There is no role nobody_of_this_name.\n"
