"""Resident identity numbers: check digit, division, birth date and sex (GB 11643-1999)."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from operator import mul

from app.core import clock

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"
EARLIEST_BIRTH = date(1900, 1, 1)

# [0-9] and not \d, which accepts the digits of every script.
_FORM = re.compile(r"[0-9]{17}[0-9X]")
_OLD_FORM = re.compile(r"[0-9]{15}")


class Fault(StrEnum):
    """What may be wrong with a number, in the order in which it is looked for."""

    FORMAT = "format"  # DQ001
    CHECK_DIGIT = "check_digit"  # DQ002
    BIRTH_DATE = "birth_date"  # DQ003


class IdNumberError(ValueError):
    """A text is no identity number; `fault` says why. The message never holds the number."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(f"identity number: {fault.value}")


@dataclass(frozen=True)
class IdNumber:
    """The parts of a valid number; `sex` is a code of GB/T 2261.1: "1" male, "2" female."""

    text: str
    division: str
    birth: date
    sequence: str
    sex: str


def check_digit(body: str) -> str:
    """Return the 18th character for the first 17 digits (ISO 7064 MOD 11-2).

    Raise ValueError unless given at least 17 digits.
    """
    digits = body[: len(WEIGHTS)]
    if len(digits) < len(WEIGHTS):
        raise ValueError("the text must be longer: 17 digits are needed")
    return CHECK_DIGITS[sum(map(mul, map(int, digits), WEIGHTS)) % 11]


def faults(text: str) -> list[Fault]:
    """Return all faults of a normalised text; the later ones are looked for only in a good form."""
    return list(_faults(text, clock.today()))


# Several checks ask about one number in turn; more than a few are never kept.
@lru_cache(maxsize=8)
def _faults(text: str, today: date) -> tuple[Fault, ...]:
    if not _FORM.fullmatch(text):
        return (Fault.FORMAT,)
    found = () if check_digit(text) == text[17] else (Fault.CHECK_DIGIT,)
    return found if _birth(text, today) else (*found, Fault.BIRTH_DATE)


def parse(text: str) -> IdNumber:
    """Return the parts of a normalised number (crypto.normalise); raise IdNumberError."""
    today = clock.today()
    found, birth = _faults(text, today), _birth(text, today)
    if birth is None or found:
        raise IdNumberError(found[0])
    sex = "1" if int(text[16]) % 2 else "2"
    return IdNumber(text, division=text[:6], birth=birth, sequence=text[14:17], sex=sex)


def is_valid(text: str) -> bool:
    """Tell whether a normalised text has the form, check digit and birth date of a number."""
    return not faults(text)


def lengthen(old: str) -> str:
    """Return the 18-character number of a 15-digit one (born in the 20th century), for DQ009.

    Raise IdNumberError when the text is not 15 digits.
    """
    if not _OLD_FORM.fullmatch(old):
        raise IdNumberError(Fault.FORMAT)
    body = old[:6] + "19" + old[6:]
    return body + check_digit(body)


def _birth(text: str, today: date) -> date | None:
    try:
        birth = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return None
    return birth if EARLIEST_BIRTH <= birth <= today else None
