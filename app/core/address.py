"""Addresses that arrive from outside: whether one may be followed (SEC-31)."""

from unicodedata import category


def local_path(text: str) -> str:
    """Return an address if it is a path on this site, else nothing.

    Browsers read a backslash as a slash, drop tabs and line ends, and take two slashes at the
    beginning for a host; so what is not plainly a path is not one.
    """
    is_path = text[:1] == "/" and text[1:2] != "/"
    return text if is_path and not any(map(_is_odd, text)) else ""


def _is_odd(character: str) -> bool:
    # C: control and invisible characters, Z: blanks and separators of every script.
    return character == "\\" or category(character)[0] in "CZ"
