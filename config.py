"""Settings by environment; every one can be set by an environment variable of the same name.

`APP_ENV` chooses the class: demo (make run), development, test, production.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
INSTANCE = ROOT / "instance"


# What the secret of a demonstration begins with; production refuses such a one.
DEMO_SECRET = "demo-"  # noqa: S105  a mark, not a secret
# Names of the environment that begin like this are meant for this application.
FAMILIES = (
    "AUDIT_", "AUTH_", "CRYPTO_", "FAB_", "FIELD_", "JWT_", "RATELIMIT_", "SESSION_COOKIE_",
    "SMTP_", "STORAGE_", "TRUSTED_", "WTF_",
)  # fmt: skip
SECURITIES = ("starttls", "tls", "none")  # How the mail server is spoken to.
ALIKE = 0.85  # So alike to one of ours is a name that is taken for a slip of the pen.


class MissingSetting(RuntimeError):
    """A setting that has no safe default is not set; the message names it."""


class UnknownSetting(RuntimeError):
    """A setting that nothing reads, probably a slip of the pen; the message names it."""


class Config:
    """What all environments share. Names without a word here are Flask's or its extensions'."""

    APP_ENV = "base"
    DATABASE_URL = f"sqlite:///{INSTANCE / 'teachers.db'}"
    SECRET_KEY = ""
    SECRET_KEY_FILE = ""  # Read where SECRET_KEY is not set.
    # JSON with the keys of sealed fields, or a file of mode 600 that holds it (SEC-41).
    FIELD_KEYS = ""
    FIELD_KEY_FILE = ""
    CRYPTO_SUITE = 1  # 1 AES-256-GCM and HMAC-SHA256, 2 SM4-GCM and HMAC-SM3.
    STORAGE_DIR = str(INSTANCE / "files")  # Attachments, imports, exports, frozen reports.
    AUDIT_HEAD_FILE = str(INSTANCE / "audit-head")  # The end of the audit chain, kept apart.
    REDIS_URL = ""  # Counters of limits shared by several processes; memory without it.
    TRUSTED_PROXIES = 0  # Reverse proxies in front whose X-Forwarded-* headers are believed.
    MAX_EXPORT_ROWS_DIRECT = 10_000
    STATEMENT_TIMEOUT = 10  # Seconds; PostgreSQL only.
    REPORT_TIMEOUT = 60  # The same for a statement of a report (SEC-35).
    SEARCHES_PER_MINUTE = 120
    # The daily digest by e-mail; off without SMTP_HOST.
    SMTP_HOST = ""
    SMTP_PORT = 587
    SMTP_SECURITY = "starttls"  # starttls, tls (from the first byte), or none.
    SMTP_USER = ""
    SMTP_PASSWORD = ""
    SMTP_FROM = ""  # The sender's address.
    SMTP_TIMEOUT = 10  # Seconds for each answer of the mail server.
    PUBLIC_URL = ""  # Where people open the system, for links in mails: https://teachers.example

    APP_NAME = "北京市教师管理信息系统"
    BABEL_DEFAULT_LOCALE = "zh"
    BABEL_DEFAULT_TIMEZONE = "Asia/Shanghai"
    BABEL_DEFAULT_FOLDER = str(ROOT / "translations")
    BABEL_TRANSLATION_DIRECTORIES = str(ROOT / "translations")
    LANGUAGES = {"zh": {"flag": "cn", "name": "简体中文"}, "en": {"flag": "gb", "name": "English"}}
    FAB_CREATE_DB = False
    FAB_UPDATE_PERMS = False
    FAB_ADD_SECURITY_VIEWS = True
    FAB_API_MAX_PAGE_SIZE = 100
    FAB_ADD_OPENAPI_VIEWS = False  # app.views.api.openapi describes the interface.
    FAB_SECURITY_SIGNALS_ENABLED = False
    FAB_ALLOW_GET_UNSAFE_MUTATIONS = False
    AUTH_TYPE = 1
    AUTH_USERNAME_CI = False
    AUTH_USER_REGISTRATION = False
    AUTH_DB_FAKE_PASSWORD_HASH_CHECK = (
        "scrypt:32768:8:1$wiDa0ruWlIPhp9LM$6e409d093e62ad54df2af895d0e125b05ff6cf6414"
        "8350189ffc4bcc71286edf1b8ad94a442c00f890224bf2b32153d0750c89ee9401e62f9dcee5399065e4e5"
    )
    JWT_ACCESS_TOKEN_EXPIRES = timedelta(minutes=15)
    SQLALCHEMY_TRACK_MODIFICATIONS = False
    MAX_CONTENT_LENGTH = 12 * 1024 * 1024
    MAX_FORM_PARTS = 1000
    MAX_FORM_MEMORY_SIZE = 2 * 1024 * 1024
    WTF_CSRF_TIME_LIMIT = None
    SESSION_COOKIE_NAME = "__Host-session"
    SESSION_COOKIE_SECURE = True
    SESSION_COOKIE_HTTPONLY = True
    SESSION_COOKIE_SAMESITE = "Lax"
    PERMANENT_SESSION_LIFETIME = timedelta(hours=8)
    RATELIMIT_ENABLED = True
    AUTH_RATE_LIMITED = True
    AUTH_RATE_LIMIT = "20 per 15 minutes"
    SEND_FILE_MAX_AGE_DEFAULT = timedelta(days=365)
    DEMO = False


class Demo(Config):
    """The evaluation: SQLite and keys in instance/, plain http on the loopback."""

    APP_ENV = "demo"
    DEMO = True
    SECRET_KEY_FILE = str(INSTANCE / "secret-key")
    FIELD_KEY_FILE = str(INSTANCE / "field-keys.json")
    SESSION_COOKIE_NAME = "session"
    SESSION_COOKIE_SECURE = False
    AUTH_RATE_LIMIT = "200 per 15 minutes"


class Development(Demo):
    """The demonstration with templates that reload."""

    APP_ENV = "development"
    TEMPLATES_AUTO_RELOAD = True


class Test(Demo):
    """Hostile defaults: what a test does not set up itself fails loudly."""

    APP_ENV = "test"
    TESTING = True
    DEMO = False
    DATABASE_URL = "sqlite:///you-forgot-the-database-fixture.db"
    SECRET_KEY = "test-secret-key-of-more-than-thirty-two-characters"
    SECRET_KEY_FILE = ""
    FIELD_KEY_FILE = ""
    RATELIMIT_ENABLED = False
    AUTH_RATE_LIMITED = False


class Production(Config):
    """The defaults, and nothing without keys of its own."""

    APP_ENV = "production"


CLASSES = {cls.APP_ENV: cls for cls in (Demo, Development, Test, Production)}
SHORTEST_SECRET = 32


def read_config(environ: dict[str, str] | None = None, **overrides: Any) -> dict[str, Any]:
    """Return the settings of the chosen environment.

    Raise MissingSetting or UnknownSetting; the message holds the name.
    """
    environ = dict(os.environ if environ is None else environ)
    name = overrides.get("APP_ENV") or environ.get("APP_ENV", "development")
    if name not in CLASSES:
        raise MissingSetting(f"APP_ENV is {name!r}; use one of {', '.join(CLASSES)}.")
    cls = CLASSES[name]
    values = {key: getattr(cls, key) for key in dir(cls) if key.isupper()}
    for key, default in values.items():
        if key in environ and isinstance(default, (str, int, float)):
            values[key] = _typed(key, environ[key], default)
    _refuse_unknown(values, environ, overrides)
    values.update(overrides)
    values["SECRET_KEY"] = _secret_key(values)
    _require(values)
    _require_mail(values)
    url = values["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
    values["SQLALCHEMY_DATABASE_URI"] = url
    values["SQLALCHEMY_ENGINE_OPTIONS"] = _engine_options(url, values)
    values["RATELIMIT_STORAGE_URI"] = values["REDIS_URL"] or "memory://"
    return values


def _refuse_unknown(
    values: dict[str, Any], environ: dict[str, str], overrides: dict[str, Any]
) -> None:
    """Raise UnknownSetting for a setting that would be passed over without a word (REL-18)."""
    for name in sorted(overrides.keys() - values.keys()):
        raise UnknownSetting(f"{name} is not a setting.")
    for name in sorted(environ):
        if name in values:
            if not isinstance(values[name], (str, int, float)):
                raise UnknownSetting(f"{name} cannot be set by an environment variable.")
            continue
        near = get_close_matches(name, values, n=1, cutoff=ALIKE)
        if near or name.startswith(FAMILIES):
            hint = f" Is {near[0]} meant?" if near else ""
            raise UnknownSetting(f"{name} is not a setting.{hint}")


def _typed(key: str, text: str, default: Any) -> Any:
    try:
        if isinstance(default, bool):
            return text.strip().lower() in ("1", "true", "yes", "on")
        return type(default)(text)
    except ValueError:
        raise MissingSetting(f"{key} must be a number, not {text!r}.") from None


def _secret_key(values: dict[str, Any]) -> str:
    if values["SECRET_KEY"]:
        return values["SECRET_KEY"]
    path = values.get("SECRET_KEY_FILE")
    if path and Path(path).exists():
        return Path(path).read_text(encoding="utf-8").strip()
    return ""


def _require(values: dict[str, Any]) -> None:
    """Production starts with keys, database and folders of its own, or not at all (SEC-23, 41)."""
    if values["APP_ENV"] != "production":
        return
    secret = values["SECRET_KEY"]
    if len(secret) < SHORTEST_SECRET:
        raise MissingSetting(f"SECRET_KEY must be set, with at least {SHORTEST_SECRET} characters.")
    if secret.startswith(DEMO_SECRET) or secret == Test.SECRET_KEY:
        raise MissingSetting("SECRET_KEY is that of a demonstration; set one of your own.")
    if not (values["FIELD_KEYS"] or values["FIELD_KEY_FILE"]):
        raise MissingSetting("FIELD_KEYS or FIELD_KEY_FILE must be set.")
    for name in ("DATABASE_URL", "STORAGE_DIR", "AUDIT_HEAD_FILE"):
        if values[name] in ("", getattr(Config, name)):
            raise MissingSetting(f"{name} must be set.")
    if not values["DATABASE_URL"].startswith("postgresql"):
        raise MissingSetting("DATABASE_URL must name a PostgreSQL database.")


def _require_mail(values: dict[str, Any]) -> None:
    """Mail is off, or all of its settings fit together; half of them stop the start."""
    if not values["SMTP_HOST"]:
        for name in ("SMTP_USER", "SMTP_PASSWORD", "SMTP_FROM"):
            if values[name]:
                raise MissingSetting(f"SMTP_HOST must be set where {name} is.")
        return
    if fault := next(_mail_faults(values), ""):
        raise MissingSetting(fault)


def _mail_faults(values: dict[str, Any]) -> Iterator[str]:
    security, is_production = values["SMTP_SECURITY"], values["APP_ENV"] == "production"
    has_user, has_password = bool(values["SMTP_USER"]), bool(values["SMTP_PASSWORD"])
    in_range = 0 < int(values["SMTP_PORT"]) < 65536 and int(values["SMTP_TIMEOUT"]) > 0
    tests = (
        (security in SECURITIES, f"SMTP_SECURITY must be one of {', '.join(SECURITIES)}."),
        (has_user == has_password, "SMTP_USER and SMTP_PASSWORD must be set together."),
        (
            security != "none" or not (has_user or is_production),
            "SMTP_SECURITY is none: mail or password would travel in the clear.",
        ),
        ("@" in values["SMTP_FROM"], "SMTP_FROM must be an e-mail address."),
        (
            values["PUBLIC_URL"].startswith("https://" if is_production else "http"),
            "PUBLIC_URL must be set, beginning with https://.",
        ),
        (in_range, "SMTP_PORT or SMTP_TIMEOUT is out of range."),
    )
    yield from (words for holds, words in tests if not holds)


def _engine_options(url: str, values: dict[str, Any]) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 15, "check_same_thread": False}}
    milliseconds = int(values["STATEMENT_TIMEOUT"]) * 1000
    return {
        "pool_pre_ping": True,
        "pool_timeout": 5,
        "connect_args": {
            "connect_timeout": 5,
            "options": f"-c statement_timeout={milliseconds} -c lock_timeout=5000",
        },
    }
