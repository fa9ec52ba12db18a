"""Whole numbers that people and programs send: keys, versions, counts, pages."""

from typing import Any

LARGEST = 2**31 - 1  # What an INTEGER column takes on every database.


def is_whole(value: Any) -> bool:
    """Tell whether a value of JSON is a whole number no larger than LARGEST, either way."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST


def whole_number(text: str) -> int | None:
    """Return a number written in ASCII digits, 0 to LARGEST; None for every other text.

    Nothing stored is larger, so a larger one names nothing; asking a database for it is an error.
    """
    if not text.isascii() or not text.isdigit() or len(text) > len(str(LARGEST)):
        return None
    number = int(text)
    return number if number <= LARGEST else None
