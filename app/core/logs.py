"""Log lines: one JSON object each, no control characters, no identity numbers or phones."""

import json
import logging
import re
import sys
import traceback
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

from app.core.id_number import check_digit


@dataclass(frozen=True)
class Context:
    """What a log line and an audit row know of the request: its id and the caller's address."""

    request_id: str | None = None
    address: str | None = None


DATABASES = ("sqlalchemy", "psycopg", "sqlite3")  # Packages whose messages may quote values.
NOWHERE = Context()
# Set at the start of each request and of each job.
context: ContextVar[Context] = ContextVar("context", default=NOWHERE)

# json.dumps escapes what is below the blank; terminals and log readers obey these as well.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NUMBER = re.compile(r"(?<![0-9])[0-9]{17}[0-9Xx](?![0-9])")
_MOBILE = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def redact(text: str) -> str:
    """Return a text with identity numbers and mobile numbers reduced to their last characters.

    The net below the rule that nobody logs personal values (SEC-17): a name typed into the login
    form may be a number.
    """
    text = _NUMBER.sub(_hide_number, text)
    return _MOBILE.sub(lambda found: "*" * 7 + found.group()[-4:], text)


def redact_all(value: Any) -> Any:
    """Redact the texts within lists and dicts, keys included."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact_all(key): redact_all(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [redact_all(each) for each in value]
    return value


def trace_of(error: BaseException | None) -> str:
    """Return the trace of an error and its causes, without what a database says in its messages.

    PostgreSQL quotes the row ("Key (…)=(…) already exists"), SQLAlchemy statement and parameters
    (SEC-17); code and constraint are enough to find the place.
    """
    parts: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = "".join(traceback.format_tb(error.__traceback__))
        parts.insert(0, frames + _in_words(error))
        hidden = None if error.__suppress_context__ else error.__context__
        error = error.__cause__ or hidden
    return "\n\nwhich led to:\n\n".join(parts)


def _in_words(error: BaseException) -> str:
    kind = type(error)
    if not kind.__module__.startswith(DATABASES):
        return "".join(traceback.format_exception_only(error)).strip()
    source = getattr(error, "orig", None) or error
    code = getattr(source, "sqlstate", None) or getattr(source, "sqlite_errorname", None)
    constraint = getattr(getattr(source, "diag", None), "constraint_name", None)
    return " ".join(filter(None, (f"{kind.__module__}.{kind.__qualname__}", code, constraint)))


class JsonFormatter(logging.Formatter):
    """Writes a record as one line: time (UTC), level, logger, message, request, extras, trace."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        here = context.get()
        if here.request_id:
            line["request_id"] = here.request_id
        if here.address:
            line["address"] = here.address
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["trace"] = trace_of(record.exc_info[1])
        text = json.dumps(redact_all(line), ensure_ascii=False, default=_text)
        return _UNSAFE.sub(_escape, text)


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all log records as JSON lines to a stream, stderr if not given."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def _hide_number(found: re.Match[str]) -> str:
    # Timestamps and keys have 18 digits too; only a right check digit makes a number.
    number = found.group().upper()
    return "*" * 14 + number[-4:] if check_digit(number[:17]) == number[17] else found.group()


def _text(value: object) -> str:
    return redact(str(value))


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"
