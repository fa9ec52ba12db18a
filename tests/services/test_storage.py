"""Stored files: sealed, whole or absent, and no way to any other path."""

import errno
import io
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from app.core import clock, crypto
from app.core.errors import Busy, NotFound
from app.services import storage as stored_files
from app.services.storage import PIECE, Storage


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path / "files")


def _files(storage: Storage) -> list[Path]:
    return [path for path in storage.folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_a_file_comes_back_as_it_was_given(storage: Storage, size: int) -> None:
    content = os.urandom(size)

    kept = storage.write(content)

    assert storage.read(kept.name) == content
    assert kept.size == size


@pytest.mark.parametrize("source", [io.BytesIO(b"ab" * 9), [b"ab"] * 9])
def test_streams_and_pieces_are_kept_like_bytes(storage: Storage, source: object) -> None:
    kept = storage.write(source)  # type: ignore[arg-type]

    assert storage.read(kept.name) == b"ab" * 9


def test_nothing_lies_on_the_disk_in_clear(storage: Storage) -> None:
    storage.write("证件号 110199198503150131".encode() * 1000)

    (path,) = _files(storage)
    raw = path.read_bytes()
    assert b"110199198503150131" not in raw
    assert path.stat().st_mode & 0o777 == 0o600
    assert storage.folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "", "0" * 31, "0" * 33, "G" * 32, "0" * 32 + "\n", "ab/cd"]
)
def test_a_name_from_outside_leads_nowhere(storage: Storage, name: str) -> None:
    with pytest.raises(NotFound):
        storage.stream(name)


def test_a_file_that_is_not_there_is_not_found(storage: Storage) -> None:
    with pytest.raises(NotFound):
        storage.read("0" * 32)


@pytest.mark.parametrize("damage", ["bit", "cut", "swapped", "shortened"])
def test_an_altered_file_is_noticed(storage: Storage, damage: str) -> None:
    kept = storage.write(bytes(2 * PIECE + 5))
    (path,) = _files(storage)
    raw = path.read_bytes()
    piece = 4 + int.from_bytes(raw[:4], "big")
    altered = {
        "bit": raw[:100] + bytes([raw[100] ^ 1]) + raw[101:],
        "cut": raw[: 2 * piece],
        "swapped": raw[piece : 2 * piece] + raw[:piece] + raw[2 * piece :],
        "shortened": raw[:piece] + raw[2 * piece :],
    }[damage]
    path.write_bytes(altered)

    with pytest.raises(crypto.SealBroken):
        storage.read(kept.name)


def test_a_full_disk_is_told_and_leaves_nothing(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(stored_files.os, "fsync", full)

    with pytest.raises(Busy):
        storage.write(b"content")
    assert _files(storage) == []


def test_a_full_disk_is_told_while_a_file_is_in_the_making(storage: Storage) -> None:
    def fail() -> None:
        try:
            raise OSError(errno.ENOSPC, "no room")
        except OSError as error:
            raise RuntimeError("a library says it its own way") from error

    with pytest.raises(Busy), storage.workspace():
        fail()
    assert _files(storage) == []


def test_a_kept_file_goes_with_the_transaction(storage: Storage) -> None:
    engine = create_engine("sqlite://")
    with Session(engine) as session:
        session.execute(text("SELECT 1"))
        lost = storage.keep(session, b"lost")
        session.rollback()
        session.execute(text("SELECT 1"))
        kept = storage.keep(session, b"kept")
        session.commit()
        session.rollback()

    assert not storage.has(lost.name)
    assert storage.has(kept.name)


def test_a_dropped_file_stays_until_the_commit(storage: Storage) -> None:
    kept = storage.write(b"content")
    engine = create_engine("sqlite://")
    with Session(engine) as session:
        session.execute(text("SELECT 1"))
        storage.drop(session, kept.name)
        session.rollback()
        assert storage.has(kept.name)
        session.execute(text("SELECT 1"))
        storage.drop(session, kept.name)
        session.commit()

    assert not storage.has(kept.name)


def test_a_source_that_breaks_off_leaves_nothing(storage: Storage) -> None:
    def pieces():
        yield b"half"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        storage.write(pieces())
    assert _files(storage) == []


def test_a_deleted_file_is_gone_and_may_be_deleted_again(storage: Storage) -> None:
    kept = storage.write(b"content")

    storage.delete(kept.name)
    storage.delete(kept.name)
    storage.delete(None)

    assert not storage.has(kept.name)


def test_a_download_outlives_the_deletion_of_its_file(storage: Storage) -> None:
    kept = storage.write(b"content")

    stream = storage.stream(kept.name)
    storage.delete(kept.name)

    assert b"".join(stream) == b"content"


def test_what_a_killed_process_left_is_swept_after_a_day(storage: Storage) -> None:
    kept = storage.write(b"content")
    half = storage.folder / "ab" / ".part-half"
    half.parent.mkdir(exist_ok=True)
    half.write_bytes(b"half")
    work = storage.folder / "work-left"
    work.mkdir()
    old = time.time() - 2 * 86_400
    os.utime(half, (old, old))
    os.utime(work, (old, old))

    swept = storage.sweep(clock.now() - timedelta(days=1))

    assert swept == 2
    assert [path.name for path in _files(storage)] == [kept.name]


def test_a_workspace_is_private_and_removed(storage: Storage) -> None:
    with storage.workspace() as folder:
        (folder / "sheet.xml").write_text("half", encoding="utf-8")
        assert folder.stat().st_mode & 0o077 == 0

    assert not folder.exists()
