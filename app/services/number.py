"""一人一号: the teacher number, and other serials that are never given twice (S05)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.models.teacher import NumberSequence, Teacher

SERIAL_DIGITS = 9
# The multiplier scatters serial numbers over the nine digits without repeating one: it shares
# no factor with 10**9, so neighbours in a school get numbers that tell nothing about them.
SCATTER, OFFSET = 387_420_489, 271_828_183


def new_numbers(session: Session, files: Sequence[Teacher]) -> dict[int, str]:
    """Take a number for every file without one, by file: ten digits, the last a check digit (S05).

    Nothing personal is in it, it is never given twice, and it survives everything. The caller
    writes it in the same transaction.
    """
    waiting = [file.id for file in files if file.teacher_no is None]
    if not waiting:
        return {}
    first = take_serials(session, "teacher_no", len(waiting))
    return {key: number_of(first + offset) for offset, key in enumerate(waiting)}


def take_serials(session: Session, name: str, count: int) -> int:
    """Take a block of serials of a numbering in the caller's transaction; return the first."""
    taken = (
        update(NumberSequence)
        .where(NumberSequence.name == name)
        .values(next_value=NumberSequence.next_value + count)
        .returning(NumberSequence.next_value)
        .execution_options(synchronize_session=False)
    )
    after = session.scalar(taken)
    if after is None:
        # Two firsts at once: one makes the row, both count on it.
        session.execute(_insert_once(session, name))
        after = session.scalar(taken)
    return int(after or 0) - count


def _insert_once(session: Session, name: str) -> Any:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert if is_sqlite else postgresql.insert
    return insert(NumberSequence).values(name=name, next_value=1).on_conflict_do_nothing()


def number_of(serial: int) -> str:
    """The teacher number of a serial: nine scattered digits and a check digit (ISO 7064, 11-10).

    Raises ValueError when the serials of nine digits are used up.
    """
    if not 0 < serial < 10**SERIAL_DIGITS:
        raise ValueError("the numbering is used up")
    body = f"{(serial * SCATTER + OFFSET) % 10**SERIAL_DIGITS:09d}"
    return body + check_digit(body)


def check_digit(body: str) -> str:
    """The check digit of ISO/IEC 7064 MOD 11,10: finds every single wrong digit and most swaps."""
    carry = 10
    for digit in body:
        carry = (carry + int(digit)) % 10 or 10
        carry = carry * 2 % 11
    return str((11 - carry) % 10)


def is_number(text: str) -> bool:
    """Whether a text is a teacher number with the right check digit."""
    return len(text) == SERIAL_DIGITS + 1 and text.isdigit() and text[-1] == check_digit(text[:-1])
