"""Looks for numbers of persons in raw bytes, however they are wrapped: UTF-16, hexadecimal, base64,
backwards, compressed in a workbook, or several of these at once (SEC-12)."""

import base64
import binascii
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator

DEPTH = 3
_RUN = re.compile(rb"[0-9](?:[0-9]|[ -](?=[0-9])){6,}[0-9Xx]")
_HEX = re.compile(rb"(?:[0-9a-f]{2}){8,}|(?:[0-9A-F]{2}){8,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{11,}")
_WIDE = re.compile(rb"(?:\xef\xbc[\x90-\x99\xb8]|\xef\xbd\x98){8,}")
_TIDY = bytes.maketrans(b"x", b"X")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


class Needles:
    """Some numbers; `within` says which of them stand in a piece of bytes."""

    def __init__(self, numbers: Iterable[str]) -> None:
        self.names: dict[bytes, str] = {}
        for number in numbers:
            plain = number.upper().replace("-", "").encode()
            self.names |= {plain: number, plain[::-1]: number}
        self.sizes = {len(each) for each in self.names}

    def within(self, data: bytes) -> set[str]:
        """The numbers that stand in some bytes, in any of the wrappings."""
        found: set[str] = set()
        for each in dict.fromkeys(_unwrapped(data, DEPTH)):
            found |= self._plain(each)
        return found

    def _plain(self, data: bytes) -> set[str]:
        return {name for run in _runs(data) for name in self._windows(run)}

    def _windows(self, run: bytes) -> Iterator[str]:
        for size in self.sizes:
            for at in range(len(run) - size + 1):
                name = self.names.get(run[at : at + size])
                if name is not None:
                    yield name


def _runs(data: bytes) -> Iterator[bytes]:
    for found in _RUN.finditer(data):
        # A number that ends with X begins with it when it is written backwards.
        before = data[found.start() - 1 : found.start()] if found.start() else b""
        head = before if before in (b"X", b"x") else b""
        yield (head + found[0]).translate(_TIDY, b" -")
    for found in _WIDE.finditer(data):
        text = unicodedata.normalize("NFKC", found[0].decode())
        yield text.upper().encode()


def _unwrapped(data: bytes, depth: int) -> Iterator[bytes]:
    """The bytes, and what comes out when their wrappings are taken off."""
    yield data
    if depth == 0:
        return
    for inner in _layers(data):
        yield from _unwrapped(inner, depth - 1)


def _layers(data: bytes) -> Iterator[bytes]:
    if b"\0" in data:
        yield data.replace(b"\0", b"")  # UTF-16 and UTF-32
    for found in _HEX.finditer(data):
        yield from (binascii.unhexlify(each) for each in _even(found[0]))
    for found in _BASE64.finditer(data):
        yield from _base64(found[0].translate(_URL_SAFE))
    yield from _archived(data)


def _even(digits: bytes) -> Iterator[bytes]:
    yield digits
    yield digits[1:-1]


def _base64(run: bytes) -> Iterator[bytes]:
    # What stands before it in the same run shifts the groups of four.
    for start in range(4):
        piece = run[start:]
        piece = piece[: len(piece) // 4 * 4]
        if piece:
            yield base64.b64decode(piece)
    if len(run) % 4 > 1:
        yield base64.b64decode(run + b"=" * (-len(run) % 4))


def _archived(data: bytes) -> Iterator[bytes]:
    if b"PK\x05\x06" in data and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            yield from (book.read(each) for each in book.namelist())
    elif data[:2] in (b"\x78\x9c", b"\x78\xda", b"\x1f\x8b"):
        try:
            yield zlib.decompress(data, wbits=zlib.MAX_WBITS | 32)
        except zlib.error:
            return
