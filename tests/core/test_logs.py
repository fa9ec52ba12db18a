"""Log lines: one per record, harmless, without numbers of persons."""

import io
import json
import logging
import sys
from datetime import UTC, datetime

import pytest

from app.core import logs

ID_NUMBER, MOBILE = "11019919781104001X", "13800138000"


def line(message: str, *args: object, **extra: object) -> str:
    record = logging.LogRecord("app.test", logging.INFO, "x.py", 1, message, args, None)
    vars(record).update(extra)
    return logs.JsonFormatter().format(record)


@pytest.mark.parametrize("name", ["a\nb", "a\r\nb", "a\x1b[2Jb", "a\x9bb", "a\u2028b", "a\u202eb"])
def test_control_characters_of_a_login_name_stay_escaped_on_one_line(name):
    text = line("sign-in failed for %s", name)

    assert text.isprintable()
    assert json.loads(text)["message"] == f"sign-in failed for {name}"


def test_line_has_time_level_logger_request_and_extras():
    token = logs.context.set(logs.Context("req-1", "192.0.2.7"))
    try:
        body = json.loads(line("saved", rows=3))
    finally:
        logs.context.reset(token)

    assert datetime.fromisoformat(body.pop("time")).tzinfo == UTC
    assert body == {
        "level": "INFO",
        "logger": "app.test",
        "message": "saved",
        "request_id": "req-1",
        "address": "192.0.2.7",
        "rows": 3,
    }


def test_chinese_stays_readable():
    assert "调动已提交" in line("调动已提交")


@pytest.mark.parametrize("number", [ID_NUMBER, ID_NUMBER.lower(), MOBILE])
def test_numbers_of_persons_are_cut_wherever_they_stand(number):
    class Odd:
        def __str__(self) -> str:
            return number

    text = line("name %s", number, detail={number: [number]}, odd=Odd())

    assert number not in text
    assert number[-4:].upper() in text


def test_other_long_numbers_stay():
    number = "20260901123456789" + "0"

    assert logs.redact(number) == number
    assert logs.redact(f"1{MOBILE}") == f"1{MOBILE}"
    assert json.loads(line("took", nanoseconds=13_812_345_678))["nanoseconds"] == 13_812_345_678


def test_trace_of_an_error_is_inside_the_line():
    try:
        raise ValueError(f"bad {MOBILE}")
    except ValueError:
        text = line("failed", exc_info=sys.exc_info())

    assert "\n" not in text
    assert "ValueError: bad *******8000" in json.loads(text)["trace"]


def test_all_loggers_write_json_lines_once_configured():
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    try:
        logs.configure("WARNING", stream)
        logging.getLogger("some.library").warning("careful")
        logging.getLogger("some.library").info("not shown")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)

    assert json.loads(stream.getvalue())["message"] == "careful"
