"""Every act leaves its row (SEC-43), through pages, API and jobs; a forgotten row stops the act."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from app.access.actor import system
from app.models.account import Account
from app.models.history import Audit
from app.models.job import Job
from app.models.record import TEACHER_SETS
from app.models.teacher import Teacher
from app.services import audit, audit_watch
from app.services import job as queue
from tests.factories import finding
from tests.views.pages import sign_in, token_of

APP = Path(__file__).resolve().parents[2] / "app"
API = "/api/v1"


def rows(session: Any, act: str) -> list[Audit]:
    """The rows of an act, oldest first."""
    session.expire_all()
    with system():
        return list(session.scalars(select(Audit).where(Audit.act == act).order_by(Audit.id)))


def log_in(client: Any, name: str, password: str) -> Any:
    token = token_of(client.get("/login/").text)
    form = {"username": name, "password": password, "csrf_token": token}
    return client.post("/login/", data=form)


def token_in(client: Any) -> str:
    found = re.search(r'csrf-token" content="([^"]+)"', client.get("/").text)
    return found[1] if found else ""


def bearer(client: Any, world: Any, key: str) -> dict[str, str]:
    body = {"username": world.usernames[key], "password": world.password, "provider": "db"}
    answer = client.post(f"{API}/security/login", json=body)
    return {"Authorization": f"Bearer {answer.json['access_token']}"}


def assert_whole(row: Audit, world: Any, key: str) -> None:
    """Time with zone, actor, role, unit, address and request are there, and no personal value."""
    actor = world.actors[key]
    assert row.at.tzinfo is not None
    assert (row.account_id, row.assignment_id) == (actor.account_id, actor.assignment_id)
    assert (row.role, row.unit_id) == (str(actor.role), actor.unit_id)
    assert row.address == "127.0.0.1"
    assert re.fullmatch(r"[0-9a-f]{16}", row.request_id or "")
    said = f"{row.reason} {row.detail}"
    assert [m.text for m in world.markers if m.field in SECRET and m.text in said] == []


SECRET = frozenset({"id_no", "mobile", "emergency_phone"})


def test_every_act_of_the_registry_is_written_somewhere() -> None:
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for path in APP.rglob("*.py")
        if path.name != "audit.py" or path.parent.name != "services"
    )

    assert [act for act in audit.ACTS if f'"{act}"' not in source] == []


@pytest.mark.parametrize("way", ["page", "api"])
def test_sign_in_is_on_record(app: Any, client: Any, session: Any, world: Any, way: str) -> None:
    key = "school_info_A1"
    sign_in(app, world, key) if way == "page" else bearer(client, world, key)

    (row,) = rows(session, "sign_in")

    assert_whole(row, world, key)
    assert (row.object_type, row.outcome) == ("ab_user", "done")


@pytest.mark.parametrize("name", ["nobody-110199198711040017", "nobody-13800138000", "a\nb"])
def test_failed_sign_in_is_on_record_without_numbers_of_persons(
    client: Any, session: Any, name: str
) -> None:
    log_in(client, name, "wrong")

    (row,) = rows(session, "sign_in_failed")

    assert (row.account_id, row.role, row.outcome) == (None, None, "failed")
    assert row.address == "127.0.0.1"
    assert row.request_id
    assert not [n for n in ("13800138000", "110199198711040017") if n in str(row.detail)]


def test_fifth_failure_locks_and_both_are_on_record(client: Any, session: Any, world: Any) -> None:
    name = world.usernames["school_info_A1"]
    for _attempt in range(5):
        log_in(client, name, "wrong")

    assert len(rows(session, "sign_in_failed")) == 5
    (row,) = rows(session, "locked")
    assert row.object_type == "ab_user"
    assert row.object_id == str(world.actors["school_info_A1"].account_id)
    log_in(client, name, world.password)
    assert rows(session, "sign_in") == []
    assert len(rows(session, "sign_in_failed")) == 6


def test_a_locked_account_is_not_entered_by_its_mail_address(
    client: Any, session: Any, world: Any
) -> None:
    key = "school_info_A1"
    for _attempt in range(5):
        log_in(client, world.usernames[key], "wrong")
    with system():
        mail = session.scalar(
            select(Account.email).where(Account.id == world.actors[key].account_id)
        )

    log_in(client, mail, world.password)

    assert rows(session, "sign_in") == []


def test_sign_out_is_on_record(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "school_info_A1")

    client.post("/logout/", data={"csrf_token": token_in(client)})

    (row,) = rows(session, "sign_out")
    assert_whole(row, world, "school_info_A1")


@pytest.mark.parametrize("path", ["/parameters/list/", "/teacher/99999999"])
def test_refused_page_is_on_record_once(app: Any, session: Any, world: Any, path: str) -> None:
    client = sign_in(app, world, "school_info_A1")

    assert client.get(path).status_code in (403, 404)

    (row,) = rows(session, "refused")
    assert_whole(row, world, "school_info_A1")
    assert row.outcome == "refused"


def test_refusal_of_the_interface_is_on_record(client: Any, session: Any, world: Any) -> None:
    headers = bearer(client, world, "city_audit")

    assert client.get(f"{API}/teacher/", headers=headers).status_code == 403

    (row,) = rows(session, "refused")
    assert_whole(row, world, "city_audit")


def test_acknowledged_warnings_are_on_record(app: Any, session: Any, world: Any) -> None:
    client, file = sign_in(app, world, "school_info_A1"), world.teacher("A1", "draft")
    with system():
        session.add(finding(file, code="DQ001", field=None))
        session.commit()

    client.post(f"/teacher/{file.id}/acknowledge", data={"csrf_token": token_in(client)})

    (row,) = rows(session, "change")
    assert_whole(row, world, "school_info_A1")
    assert row.teacher_id == file.id
    assert {"code": "DQ001", "set": "basic", "field": None} in row.detail["acknowledge"]


def test_saved_row_is_on_record_with_masked_values(client: Any, session: Any, world: Any) -> None:
    headers, file = bearer(client, world, "school_info_A1"), world.teacher("A1", "draft")
    with system():
        cls = TEACHER_SETS["contact"]
        uuid, old = session.execute(
            select(cls.uuid, cls.version).where(cls.teacher_id == file.id)
        ).one()
    body = {"mobile": "13800138000", "version": old}

    answer = client.put(f"{API}/teacher/{file.id}/contact/{uuid}", headers=headers, json=body)

    assert answer.status_code == 200, answer.json
    (row,) = rows(session, "change")
    assert_whole(row, world, "school_info_A1")
    before, after = row.detail["values"]["mobile"]
    assert "****" in before
    assert "****" in after
    assert "13800138000" not in str(row.detail)


def test_stopped_job_is_on_record(client: Any, session: Any, world: Any) -> None:
    actor = world.actors["school_info_A1"]
    with system():
        made = queue.enqueue(session, "export", owner=actor).id
        session.commit()

    client.post(f"{API}/job/{made}/cancel", headers=bearer(client, world, "school_info_A1"))

    (row,) = rows(session, "job")
    assert_whole(row, world, "school_info_A1")
    assert (row.object_type, row.object_id) == ("job", str(made))


def test_an_act_whose_row_cannot_be_written_does_not_happen(
    client: Any, session: Any, world: Any
) -> None:
    headers = bearer(client, world, "school_info_A1")
    with system():
        made = queue.enqueue(session, "export", owner=world.actors["school_info_A1"]).id
        session.commit()
    _refuse_inserts(session)

    answer = client.post(f"{API}/job/{made}/cancel", headers=headers)

    assert answer.status_code == 500
    session.expire_all()
    with system():
        assert session.scalar(select(Job.state).where(Job.id == made)) == "queued"


def _refuse_inserts(session: Any) -> None:
    """The log takes no more rows, as with a full disk."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(
            text(
                "CREATE TRIGGER full BEFORE INSERT ON audit"
                " BEGIN SELECT RAISE(ABORT, 'no room'); END"
            )
        )
    else:
        session.execute(
            text(
                "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'no room'; END $$"
            )
        )
        session.execute(
            text(
                "CREATE TRIGGER no_room BEFORE INSERT ON audit"
                " FOR EACH ROW EXECUTE FUNCTION no_room()"
            )
        )
    session.commit()


def test_a_request_that_forgets_its_row_changes_nothing(
    app: Any, client: Any, session: Any, world: Any
) -> None:
    file = world.teacher("A1", "draft")

    with audit.in_context(request_id="r"), system():
        session.get(Teacher, file.id).late = True
        with pytest.raises(audit_watch.Unaudited, match="teacher"):
            session.commit()
        session.rollback()
        assert session.get(Teacher, file.id).late is False


def test_a_value_set_to_what_it_was_needs_no_row(session: Any, world: Any) -> None:
    with audit.in_context(request_id="r"), system():
        teacher = session.get(Teacher, world.teacher("A1", "draft").id)
        teacher.late = teacher.late
        session.commit()


def test_jobs_are_watched_too(live_app: Any, world: Any) -> None:
    with (
        live_app.app_context(),
        live_app.extensions["jobs"].sessions() as own,
        audit.in_context(request_id="job-1-1"),
        system(),
    ):
        own.get(Teacher, world.teacher("A1", "draft").id).late = True
        with pytest.raises(audit_watch.Unaudited):
            own.commit()
        own.rollback()


def test_every_exempt_table_exists_and_has_a_reason() -> None:
    from flask_appbuilder import Model

    assert [name for name in audit_watch.EXEMPT if name not in Model.metadata.tables] == []
    assert all(audit_watch.EXEMPT.values())
