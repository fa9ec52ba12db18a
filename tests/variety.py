"""Gives the files of the test world many different values, with gaps, and counts them by hand."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from typing import Any
from unittest import mock

from sqlalchemy import Engine, event, update

from app.access.actor import system
from app.core.clock import today
from app.models.teacher import Teacher

YEARS = (None, 23, 24, 25, 29, 30, 44, 59, 60, 66)
VALUES: Mapping[str, tuple[Any, ...]] = {
    "sex": ("1", "2", "2"),
    "education": ("11", "14", "21", "21", "31", None, "0", "90"),
    "degree_level": ("2", "3", "4", "0", None),
    "title": ("BJ-S1", "BJ-S3", "013", "0", None, "011", "054", "gone"),
    "post_category": ("1", "1", "2", "3", ""),
    "staff_category": ("11", "12", "14"),
    "in_establishment": ("1", "1", "0", None),
    "stage": ("2", "3", "4", None, "A"),
    "subject": (
        "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23", "24",
        "25", "26", "27", None, "13", "14",
    ),
    "backbone": ("22", "32", None, None, None, "99"),
    "active": (True, True, True, True, True, True, False),
}  # fmt: skip


def vary(session: Any, world: Any) -> list[dict[str, Any]]:
    """Write the values into the files; returns all of them as plain rows with their place."""
    wheels = {column: cycle(values) for column, values in VALUES.items()}
    ages = cycle(YEARS)
    rows = []
    for ref in world.teachers.values():
        age = next(ages)
        row = {column: next(wheel) for column, wheel in wheels.items()}
        row |= {"id": ref.id, "birth_year": None if age is None else today().year - age}
        rows.append(row)
    with system():
        session.execute(update(Teacher), rows)
        session.expire_all()
    for row, ref in zip(rows, world.teachers.values(), strict=True):
        row |= {
            "state": ref.state,
            "school_id": ref.school_id,
            "authority_id": ref.authority_id,
            "ref": ref,
        }
    return rows


def visible(rows: Iterable[dict[str, Any]], world: Any, actor: Any) -> list[dict[str, Any]]:
    """The rows inside an actor's scope, by the world and not by the scope."""
    foreign = {ref.id for ref in world.foreign_to(actor)}
    return [row for row in rows if row["id"] not in foreign]


def counted(
    rows: Iterable[dict[str, Any]], *bars: Callable[[dict[str, Any]], Any]
) -> Counter[tuple[Any, ...]]:
    """Count rows by one or two functions."""
    return Counter(tuple(bar(row) for bar in bars) for row in rows)


@contextmanager
def kept_catalogue() -> Iterator[None]:
    """Leave the kept catalogue as it is in the block.

    The look at its version, due every two seconds, would count as a statement now and then.
    """
    with mock.patch("app.indicators.catalog.RECHECK_SECONDS", 3600):
        yield


@contextmanager
def statements(*, writing: bool = False) -> Iterator[list[str]]:
    """Collect the SELECT statements of the block, or with `writing` all; the catalogue is kept."""
    seen: list[str] = []

    def note(
        _connection: Any, _cursor: Any, statement: str, _given: Any, _context: Any, many: bool
    ) -> None:
        # SQLite numbers the rows of one executed statement one after the other.
        again = many and seen and seen[-1] == statement
        wanted = writing or statement.lstrip().upper().startswith(("SELECT", "WITH"))
        if wanted and not again:
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with kept_catalogue():
            yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)
