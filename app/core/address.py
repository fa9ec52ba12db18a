"""Addresses that arrive from outside: whether one may be followed (SEC-31), or kept (SEC-17)."""

import re
import unicodedata
from urllib.parse import unquote_plus

from app.core.crypto import normalise


def local_path(text: str) -> str:
    """Return an address if it is a path on this site, else nothing.

    Browsers read a backslash as a slash, drop tabs and line ends, and take two slashes at the
    beginning for a host; so what is not plainly a path is not one.
    """
    is_path = text[:1] == "/" and text[1:2] != "/"
    return text if is_path and not any(map(_is_odd, text)) else ""


def _is_odd(character: str) -> bool:
    # C: control and invisible characters, Z: blanks and separators of every script.
    return character == "\\" or unicodedata.category(character)[0] in "CZ"


# A number of eighteen or fifteen digits with a day of birth in it, or a mobile number.
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_PERSONAL = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    rf"[0-9]{{6}}(?:19|20)[0-9]{{2}}{_DAY}[0-9]{{3}}[0-9Xx]"
    rf"|[0-9]{{8}}{_DAY}[0-9]{{3}}"
    r"|(?:\+?86)?1[3-9][0-9]{9}"
    r")(?![0-9A-Za-z])"
)


def names_a_person(text: str) -> bool:
    """Tell whether a text of an address holds an identity or mobile number (SEC-17).

    Spellings of one number are one: full-width digits, blanks and invisible characters within,
    escapes of an inner address.
    """
    for _depth in range(2):
        text = unicodedata.normalize("NFKC", unquote_plus(text))
        if _PERSONAL.search(text) or _PERSONAL.search(normalise(text, "text")):
            return True
    return False
