"""Refusals: their status and what they tell."""

import pytest

from app.core.errors import (
    AppError,
    Busy,
    Forbidden,
    LimitReached,
    Malformed,
    NotFound,
    Problem,
    Refused,
    Stale,
)

STATUSES = {
    Malformed: 400,
    Forbidden: 403,
    NotFound: 404,
    Stale: 409,
    Refused: 422,
    LimitReached: 429,
    Busy: 503,
}


def test_every_refusal_has_its_status_and_says_something_without_a_message():
    assert set(AppError.__subclasses__()) == set(STATUSES)
    for kind, status in STATUSES.items():
        assert kind.status == status
        assert str(kind())


def test_refusal_prefers_its_own_message():
    assert str(Refused("The school is closed.")) == "The school is closed."


def test_refusal_becomes_plain_json_values():
    problem = Problem("DQ002", "Wrong check digit.", "basic", "id_no", record=3)

    body = Refused("No.", [problem]).as_dict()

    assert body["status"] == 422
    assert body["problems"] == [
        {
            "code": "DQ002",
            "message": "Wrong check digit.",
            "set": "basic",
            "field": "id_no",
            "record": 3,
            "severity": "error",
            "params": {},
        }
    ]


@pytest.mark.parametrize(("severity", "blocks"), [("error", True), ("warning", False)])
def test_only_errors_block(severity, blocks):
    assert Problem("DQ004", "…", severity=severity).is_error is blocks
