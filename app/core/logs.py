"""Log lines: one JSON object each, no control characters, no identity numbers or phones."""

import json
import logging
import re
import sys
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
            line["trace"] = self.formatException(record.exc_info)
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
