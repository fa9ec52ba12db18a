"""Stored files: random names in one folder, sealed piece by piece, whole or not there at all.

What people upload or take away holds identity numbers, so nothing lies on the disk in clear
(SEC-12); the names tell nothing and never come from outside (SEC-34).
"""

import base64
import errno
import hashlib
import os
import re
import secrets
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from flask_babel import gettext as _
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.core.crypto import HEADER, SealBroken, seal, seal_header, unseal
from app.core.errors import Busy, NotFound

PIECE = 256 * 1024
NAME = re.compile(r"[0-9a-f]{32}")
TEMPORARY = ".part-"
WORKSPACE = "work-"
_LENGTH = struct.Struct(">I")
_NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))

Source = bytes | BinaryIO | Iterable[bytes]


@dataclass(frozen=True)
class Stored:
    """A file that was written: its random name, the size and SHA-256 of what was given."""

    name: str
    size: int
    digest: str


class Storage:
    """The folder of stored files; made at the first write, open to its owner alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Storage":
        """The storage that the setting STORAGE_DIR names."""
        return cls(Path(settings["STORAGE_DIR"]))

    def write(self, source: Source) -> Stored:
        """Keep a content under a new name; Busy when the disk is full, and nothing is left then."""
        name = secrets.token_hex(16)
        target = self._path(name)
        part = target.with_name(TEMPORARY + name)
        try:
            self._make_folder()
            target.parent.mkdir(exist_ok=True, mode=0o700)
            with open(part, "xb", opener=_private) as file:
                size, digest = _write_sealed(file, name, _pieces(source))
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except BaseException as error:
            part.unlink(missing_ok=True)
            if _is_out_of_room(error):
                raise _no_room() from None
            raise
        return Stored(name, size, digest)

    def keep(self, session: Session, source: Source) -> Stored:
        """As write(); the file goes again when the transaction of the session is rolled back."""
        kept = self.write(source)
        _at_the_end(session, rolled_back=lambda: self.delete(kept.name))
        return kept

    def drop(self, session: Session, name: str | None) -> None:
        """Remove a file once the transaction of the session is committed."""
        _at_the_end(session, committed=lambda: self.delete(name))

    def names(self) -> Iterator[str]:
        """Yield the names of all stored files."""
        for path in sorted(self.folder.glob("??/*")):
            if NAME.fullmatch(path.name):
                yield path.name

    def is_current(self, name: str) -> bool:
        """Tell whether a file is sealed with the key of new values, or gone."""
        try:
            with self._path(name).open("rb") as file:
                head = file.read(_LENGTH.size + HEADER)[_LENGTH.size :]
        except FileNotFoundError:
            return True
        return head == seal_header()

    def reseal(self, name: str) -> None:
        """Write a file anew with the key of new values, whole before it takes the old one's place.

        Raise NotFound when it is gone, SealBroken when it was altered; the old one stays then.
        """
        target = self._path(name)
        part = target.with_name(TEMPORARY + secrets.token_hex(16))
        try:
            with open(part, "xb", opener=_private) as file:
                _write_sealed(file, name, _pieces(self.stream(name)))
                file.flush()
                os.fsync(file.fileno())
            # A file that was deleted meanwhile must not come back.
            if target.exists():
                part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def stream(self, name: str) -> Iterator[bytes]:
        """Yield the content in pieces; NotFound when there is none, SealBroken when altered."""
        try:
            file = self._path(name).open("rb")
        except FileNotFoundError:
            raise NotFound() from None
        return _read_sealed(file, name)

    def read(self, name: str) -> bytes:
        """Return the whole content; as stream()."""
        return b"".join(self.stream(name))

    def has(self, name: str) -> bool:
        """Tell whether a file of this name is there."""
        return self._path(name).is_file()

    def delete(self, name: str | None) -> None:
        """Remove a file; nothing happens when it is gone already or there is no name."""
        if name:
            self._path(name).unlink(missing_ok=True)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """Lend a private folder for files in the making; it is removed in the end.

        Raise Busy when the disk is full.
        """
        self._make_folder()
        folder = Path(tempfile.mkdtemp(prefix=WORKSPACE, dir=self.folder))
        try:
            yield folder
        except Exception as error:
            if _is_out_of_room(error):
                raise _no_room() from None
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self, before: datetime) -> int:
        """Remove what a killed process left half done before a moment; return how many (REL-22)."""
        count = 0
        for path in (*self.folder.glob(f"{WORKSPACE}*"), *self.folder.glob(f"*/{TEMPORARY}*")):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before.timestamp():
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                    count += 1
        return count

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise NotFound()
        return self.folder / name[:2] / name


def _is_out_of_room(error: BaseException | None) -> bool:
    """Whether the disk is full, also where a library wrapped what the system said."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return True
        error = error.__cause__ or error.__context__
    return False


def _no_room() -> Busy:
    return Busy(_("There is no room for files at the moment. Please try again later."))


def _at_the_end(
    session: Session,
    *,
    committed: Callable[[], None] = lambda: None,
    rolled_back: Callable[[], None] = lambda: None,
) -> None:
    """Do the one or the other when the transaction under way ends."""
    waiting = {"after_commit": committed, "after_rollback": rolled_back}

    def end(name: str) -> None:
        act = waiting.pop(name, None)
        waiting.clear()
        if act is not None:
            act()

    event.listen(session, "after_commit", lambda _session: end("after_commit"))
    event.listen(session, "after_rollback", lambda _session: end("after_rollback"))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _pieces(source: Source) -> Iterator[bytes]:
    """The source in pieces of one size, the last one shorter or empty."""
    chunks = _chunks(source)
    waiting = b""
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= PIECE:
            yield waiting[:PIECE]
            waiting = waiting[PIECE:]
    yield waiting


def _chunks(source: Source) -> Iterable[bytes]:
    if isinstance(source, bytes):
        return (source[i : i + PIECE] for i in range(0, len(source), PIECE))
    if hasattr(source, "read"):
        return iter(lambda: source.read(PIECE), b"")
    return source


def _write_sealed(file: BinaryIO, name: str, pieces: Iterator[bytes]) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    # Only the last piece is shorter than the others, and its place says that it is the last.
    for number, piece in enumerate(pieces):
        size += len(piece)
        digest.update(piece)
        sealed = seal(base64.b64encode(piece).decode(), **_place(name, number, len(piece) < PIECE))
        file.write(_LENGTH.pack(len(sealed)) + sealed)
    return size, digest.hexdigest()


def _read_sealed(file: BinaryIO, name: str) -> Iterator[bytes]:
    with file:
        number, is_last = 0, False
        while not is_last:
            head = file.read(_LENGTH.size)
            if len(head) < _LENGTH.size:
                raise SealBroken("A stored file was cut short.")
            sealed = file.read(_LENGTH.unpack(head)[0])
            # The size of a sealed piece tells which kind of place it was sealed for.
            is_last = len(sealed) < _SEALED_PIECE
            piece = base64.b64decode(unseal(sealed, **_place(name, number, is_last)))
            yield piece
            number += 1


def _place(name: str, number: int, is_last: bool) -> dict[str, str]:
    end = ".end" if is_last else ""
    return {"table": "stored_file", "column": f"{number}{end}", "uuid": name}


# Two bytes of header, 12 of nonce, 16 of tag around the text of a whole piece.
_SEALED_PIECE = 2 + 12 + 16 + len(base64.b64encode(bytes(PIECE)))
