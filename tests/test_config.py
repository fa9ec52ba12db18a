"""Settings: typed, by environment, and a start that is refused by name (REL-18, SEC-23, SEC-41)."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.access.actor import system
from app.access.security import DemoData, refuse_demo_accounts
from app.core.crypto import KeyProblem
from app.core.keys import create_key_file, load_keys
from app.models.account import Account
from app.web import secret_from
from config import CLASSES, Config, MissingSetting, Test, UnknownSetting, read_config
from tests.views.pages import sign_in, token_of

GOOD = {
    "APP_ENV": "production",
    "DATABASE_URL": "postgresql://app@db/teachers",
    "SECRET_KEY": "k" * 32,
    "FIELD_KEY_FILE": "/etc/teachers/keys.json",
    "STORAGE_DIR": "/srv/files",
    "AUDIT_HEAD_FILE": "/srv/audit-head",
}


def test_production_starts_with_its_own_keys_database_and_folders() -> None:
    values = read_config(GOOD)

    assert values["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://app@db/teachers"
    assert values["DEMO"] is values["FAB_ADD_OPENAPI_VIEWS"] is False
    assert values["SESSION_COOKIE_SECURE"] is True


@pytest.mark.parametrize("name", sorted(GOOD.keys() - {"APP_ENV", "FIELD_KEY_FILE"}))
def test_production_names_the_setting_that_is_missing(name: str) -> None:
    for environ in ({k: v for k, v in GOOD.items() if k != name}, GOOD | {name: ""}):
        with pytest.raises(MissingSetting, match=name):
            read_config(environ)


def test_production_needs_keys_in_one_of_two_places() -> None:
    environ = {k: v for k, v in GOOD.items() if k != "FIELD_KEY_FILE"}

    with pytest.raises(MissingSetting, match="FIELD_KEYS or FIELD_KEY_FILE"):
        read_config(environ)
    assert read_config(environ | {"FIELD_KEYS": "{}"})["FIELD_KEYS"] == "{}"


@pytest.mark.parametrize("secret", ["k" * 31, "demo-" + "k" * 64, Test.SECRET_KEY])
def test_production_refuses_a_short_secret_and_those_of_demo_and_test(secret: str) -> None:
    with pytest.raises(MissingSetting, match="SECRET_KEY"):
        read_config(GOOD | {"SECRET_KEY": secret})


def test_production_refuses_the_secret_that_the_demo_made(tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    made = secret_from(path)

    assert secret_from(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(MissingSetting, match="SECRET_KEY"):
        read_config(GOOD | {"SECRET_KEY": "", "SECRET_KEY_FILE": str(path)})


def test_production_refuses_the_keys_that_the_demo_made(tmp_path: Path) -> None:
    demo, own = tmp_path / "demo.json", tmp_path / "own.json"
    create_key_file(demo, for_demo=True)
    create_key_file(own)
    load_keys({"APP_ENV": "demo", "FIELD_KEY_FILE": str(demo)})
    load_keys({"APP_ENV": "production", "FIELD_KEY_FILE": str(own)})
    for place in ({"FIELD_KEY_FILE": str(demo)}, {"FIELD_KEYS": demo.read_text()}):
        with pytest.raises(KeyProblem, match="demonstration"):
            load_keys({"APP_ENV": "production"} | place)
    assert "demo" not in json.loads(own.read_text())


def test_production_refuses_sqlite() -> None:
    with pytest.raises(MissingSetting, match="DATABASE_URL"):
        read_config(GOOD | {"DATABASE_URL": "sqlite:////srv/teachers.db"})


@pytest.mark.parametrize(
    "name",
    ["DATABSE_URL", "SECRET_KEYS", "FIELD_KEY_FILES", "TRUSTED_PROXY", "FAB_CREATE_DBS", "STORAGE"],
)
@pytest.mark.parametrize("env", list(CLASSES))
def test_a_setting_that_nothing_reads_is_named(name: str, env: str) -> None:
    if name == "STORAGE":
        assert read_config(GOOD | {"APP_ENV": env, name: "x"})["APP_ENV"] == env
        return
    with pytest.raises(UnknownSetting, match=f"^{name} "):
        read_config(GOOD | {"APP_ENV": env, name: "x"})


def test_other_programs_settings_are_passed_over() -> None:
    others = {"PATH": "/bin", "HOME": "/root", "SESSION_MANAGER": "x", "LANG": "C", "PORT": "1",
              "DATABASE": "x", "VIRTUAL_ENV": "x", "PYTHONPATH": "x"}  # fmt: skip

    assert read_config(GOOD | others)["SECRET_KEY"] == "k" * 32


def test_what_is_no_text_and_no_number_cannot_be_set_from_outside() -> None:
    with pytest.raises(UnknownSetting, match="LANGUAGES"):
        read_config(GOOD | {"LANGUAGES": "en"})


def test_an_argument_that_is_no_setting_is_named() -> None:
    with pytest.raises(UnknownSetting, match="STORAGE_FOLDER"):
        read_config(GOOD, STORAGE_FOLDER="x")


def test_values_are_typed() -> None:
    values = read_config(GOOD | {"TRUSTED_PROXIES": "2", "RATELIMIT_ENABLED": "off"})

    assert values["TRUSTED_PROXIES"] == 2
    assert values["RATELIMIT_ENABLED"] is False
    with pytest.raises(MissingSetting, match="TRUSTED_PROXIES"):
        read_config(GOOD | {"TRUSTED_PROXIES": "two"})
    with pytest.raises(MissingSetting, match="APP_ENV"):
        read_config(GOOD | {"APP_ENV": "prod"})


def test_counters_of_limits_stand_in_redis_where_there_is_one() -> None:
    assert read_config(GOOD)["RATELIMIT_STORAGE_URI"] == "memory://"
    there = read_config(GOOD | {"REDIS_URL": "redis://cache/0"})
    assert there["RATELIMIT_STORAGE_URI"] == "redis://cache/0"


def test_limits_of_a_statement_are_those_of_the_checklist() -> None:
    options = read_config(GOOD)["SQLALCHEMY_ENGINE_OPTIONS"]

    assert (Config.STATEMENT_TIMEOUT, Config.REPORT_TIMEOUT) == (10, 60)
    assert "statement_timeout=10000" in options["connect_args"]["options"]
    assert "lock_timeout=5000" in options["connect_args"]["options"]


def _make_demo(session: Any, account_id: int) -> None:
    session.execute(update(Account).where(Account.id == account_id).values(is_demo=True))
    session.commit()


def test_production_does_not_start_on_the_database_of_a_demo(session: Any, world: Any) -> None:
    with system():
        refuse_demo_accounts(session)
        _make_demo(session, world.actors["city_info"].account_id)
        with pytest.raises(DemoData, match="DATABASE_URL"):
            refuse_demo_accounts(session)


def test_an_account_of_the_demo_is_none_elsewhere(
    app: Any, session: Any, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by its password nor by the session or token it has (SEC-23)."""
    client = sign_in(app, world, "city_info")
    login = {"username": world.usernames["city_info"], "password": world.password}
    api = app.test_client().post("/api/v1/security/login", json=login | {"provider": "db"})
    bearer = {"Authorization": f"Bearer {api.json['access_token']}"}
    assert app.test_client().get("/api/v1/me", headers=bearer).status_code == 200
    _make_demo(session, world.actors["city_info"].account_id)
    monkeypatch.setitem(app.config, "TESTING", False)

    assert "/login/" in client.get("/").headers["Location"]
    assert app.test_client().get("/api/v1/me", headers=bearer).status_code == 401
    fresh = app.test_client()
    token = token_of(fresh.get("/login/").text)
    answer = fresh.post("/login/", data=login | {"csrf_token": token})
    assert "/login/" in answer.headers["Location"]
    other = app.test_client().post("/api/v1/security/login", json=login | {"provider": "db"})
    assert other.status_code == 401


MAIL = {
    "SMTP_HOST": "mail.example",
    "SMTP_FROM": "files@example.cn",
    "PUBLIC_URL": "https://files.example.cn",
}


def test_mail_is_off_unless_it_is_set_up_whole() -> None:
    assert read_config(GOOD)["SMTP_HOST"] == ""
    found = read_config(GOOD | MAIL | {"SMTP_USER": "u", "SMTP_PASSWORD": "p"})
    assert (found["SMTP_PORT"], found["SMTP_SECURITY"]) == (587, "starttls")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"SMTP_HOST": ""}, "SMTP_HOST"),
        ({"SMTP_FROM": ""}, "SMTP_FROM"),
        ({"PUBLIC_URL": ""}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "http://files.example.cn"}, "PUBLIC_URL"),
        ({"SMTP_USER": "u"}, "SMTP_USER and SMTP_PASSWORD"),
        ({"SMTP_PASSWORD": "p"}, "SMTP_USER and SMTP_PASSWORD"),
        ({"SMTP_SECURITY": "none"}, "in the clear"),
        ({"SMTP_SECURITY": "ssl"}, "SMTP_SECURITY"),
        ({"SMTP_PORT": "0"}, "SMTP_PORT"),
        ({"SMTP_PORT": "x"}, "SMTP_PORT"),
    ],
)
def test_half_of_a_mail_server_stops_the_start(given: dict[str, str], named: str) -> None:
    with pytest.raises(MissingSetting, match=named):
        read_config(GOOD | MAIL | given)


def test_an_unknown_setting_of_mail_is_named() -> None:
    with pytest.raises(UnknownSetting, match="^SMTP_SERVER "):
        read_config(GOOD | MAIL | {"SMTP_SERVER": "x"})


def test_no_password_goes_out_unencrypted_anywhere() -> None:
    plain = {"APP_ENV": "test", "SMTP_SECURITY": "none", "SMTP_USER": "u", "SMTP_PASSWORD": "p"}
    with pytest.raises(MissingSetting, match="in the clear"):
        read_config(GOOD | MAIL | plain)
