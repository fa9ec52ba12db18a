"""Sealed values, blind indexes and the keys in use; the only place of cryptography (SEC-39 to 41).

Where the keys come from is in core.keys.
"""

import hmac as constant_time
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4

NONCE, TAG, HEADER = 12, 16, 2
INDEX_SIZE = 32
INDEX_SUFFIXES = ("_index", "_index2")  # The columns of keys with odd and with even ids.


class Suite(IntEnum):
    """The algorithms of a key; the number is the version byte of a sealed value."""

    INTERNATIONAL = 1  # AES-256-GCM, HMAC-SHA256
    COMMERCIAL = 2  # SM4-GCM, HMAC-SM3 (GB/T 32907, GB/T 32905)


class KeyProblem(Exception):
    """The keys cannot be used; the application must not start. Never holds a key."""


class SealBroken(Exception):
    """A sealed value was altered, moved to another place, or its key is not in the ring."""


@dataclass(frozen=True)
class Key:
    """One secret for one use; a `waiting` key is known for reading, not yet for writing."""

    use: str
    id: int
    suite: Suite
    secret: bytes = field(repr=False)
    waiting: bool = False

    @property
    def name(self) -> str:
        return f"{self.use}:{self.id}"

    @property
    def index_suffix(self) -> str:
        """How the index columns of the key end: each has its own, by its id odd or even."""
        return INDEX_SUFFIXES[(self.id + 1) % 2]

    def mac(self, data: bytes) -> bytes:
        """Return the 32-byte HMAC of the data, by the hash of the suite."""
        algorithm = hashes.SM3() if self.suite is Suite.COMMERCIAL else hashes.SHA256()
        mac = hmac.HMAC(self.secret, algorithm)
        mac.update(data)
        return mac.finalize()

    def encrypt(self, nonce: bytes, plain: bytes, place: bytes) -> bytes:
        """Return ciphertext and 16-byte tag."""
        if self.suite is Suite.INTERNATIONAL:
            return AESGCM(self.secret).encrypt(nonce, plain, place)
        encryptor = Cipher(SM4(self.secret), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(place)
        return encryptor.update(plain) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, sealed: bytes, place: bytes) -> bytes:
        """Return the plain bytes; raise InvalidTag."""
        if self.suite is Suite.INTERNATIONAL:
            return AESGCM(self.secret).decrypt(nonce, sealed, place)
        body, tag = sealed[:-TAG], sealed[-TAG:]
        decryptor = Cipher(SM4(self.secret), modes.GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(place)
        return decryptor.update(body) + decryptor.finalize()


@dataclass(frozen=True)
class KeyRing:
    """All keys of the installation, and the suite that new values are written with."""

    keys: Mapping[tuple[str, int], Key]
    suite: Suite

    def key(self, use: str, key_id: int) -> Key | None:
        return self.keys.get((use, key_id))

    def all(self, use: str, *, waiting: bool = False) -> list[Key]:
        """Return the keys of a use in the order of their ids, newest last."""
        found = (key for key in self.keys.values() if key.use == use and key.waiting == waiting)
        return sorted(found, key=lambda key: key.id)

    @property
    def field_key(self) -> Key:
        """The key for new sealed values: the newest one of the suite in force."""
        return [key for key in self.all("field") if key.suite is self.suite][-1]

    @property
    def index_key(self) -> Key:
        """The key of the blind indexes.

        It does not follow CRYPTO_SUITE: two index keys at once would let one number in twice.
        Only a rotation, which fills a second column first, changes it.
        """
        return self.all("index")[-1]

    @property
    def next_index_key(self) -> Key | None:
        """The index key of a rotation under way: its values stand in the second column."""
        return next(iter(self.all("index", waiting=True)[-1:]), None)

    @property
    def index_keys(self) -> list[Key]:
        """The keys under which new values are indexed: that in force, and while a rotation is
        under way the one that follows it or the one it has replaced."""
        mine = self.index_key.index_suffix
        before = [key for key in self.all("index")[:-1] if key.index_suffix != mine]
        other = self.next_index_key or next(iter(before[-1:]), None)
        return [self.index_key, other] if other else [self.index_key]

    @property
    def shares_index_column(self) -> bool:
        """Whether the index key of a rotation would write into the column of that in force."""
        following = self.next_index_key
        return following is not None and following.index_suffix == self.index_key.index_suffix

    @property
    def audit_key(self) -> Key:
        """The key of new audit seals."""
        return self.all("audit")[-1]

    def fingerprints(self) -> dict[str, str]:
        """Return 16 hex characters per key name, to be kept in the database for check()."""
        return {key.name: key.mac(b"fingerprint")[:8].hex() for key in self.keys.values()}

    def check(self, stored: Mapping[str, str]) -> None:
        """Raise KeyProblem when a key the database was written with is missing or another one."""
        mine = self.fingerprints()
        for name, expected in stored.items():
            if name not in mine:
                raise KeyProblem(f"Key {name} is missing; the database was written with it.")
            if not constant_time.compare_digest(mine[name], expected):
                raise KeyProblem(f"Key {name} is not the one the database was written with.")


def put_to_use(ring: KeyRing) -> KeyRing:
    """Put a ring to use in all threads of the process, and return it."""
    _in_use.ring = ring
    return ring


@contextmanager
def using(ring: KeyRing) -> Iterator[KeyRing]:
    """Put another ring to use for a while, in all threads of the process."""
    before, _in_use.ring = _in_use.ring, ring
    try:
        yield ring
    finally:
        _in_use.ring = before


def ring_in_use() -> KeyRing:
    """Return the ring of the process; raise KeyProblem before put_to_use()."""
    if _in_use.ring is None:
        raise KeyProblem("The keys have not been loaded.")
    return _in_use.ring


def seal(value: str, *, table: str, column: str, uuid: UUID | str) -> bytes:
    """Return version, key id, nonce, ciphertext and tag of a value bound to its place.

    The row is named by its uuid. Raise ValueError for anything else.
    """
    key = ring_in_use().field_key
    header, nonce = bytes((key.suite, key.id)), os.urandom(NONCE)
    sealed = key.encrypt(nonce, value.encode(), _place(header, table, column, uuid))
    return header + nonce + sealed


def unseal(blob: bytes, *, table: str, column: str, uuid: UUID | str) -> str:
    """Return the value of a sealed one; raise SealBroken, never return a wrong value."""
    suite, key_id = seal_key(blob)
    key = ring_in_use().key("field", key_id)
    if key is None or key.suite != suite:
        raise SealBroken("The key of a sealed value is not in the ring.")
    header, nonce, body = blob[:HEADER], blob[HEADER : HEADER + NONCE], blob[HEADER + NONCE :]
    try:
        plain = key.decrypt(nonce, body, _place(header, table, column, uuid))
    except InvalidTag:
        raise SealBroken("A sealed value was altered or does not belong here.") from None
    return plain.decode()


def seal_key(blob: bytes) -> tuple[int, int]:
    """Return suite and key id of a sealed value; raise SealBroken when it is too short."""
    if len(blob) < HEADER + NONCE + TAG:
        raise SealBroken("A sealed value was cut short.")
    return blob[0], blob[1]


def is_current(blob: bytes) -> bool:
    """Tell whether a value is sealed with the key of new values; a rotation skips it then."""
    key = ring_in_use().field_key
    return seal_key(blob) == (key.suite, key.id)


def seal_header() -> bytes:
    """Return the first bytes of every value that is sealed with the key of new values."""
    key = ring_in_use().field_key
    return bytes((key.suite, key.id))


def reseal(blob: bytes, *, table: str, column: str, uuid: UUID | str) -> bytes:
    """Return the value sealed anew with the key of new values; as unseal()."""
    plain = unseal(blob, table=table, column=column, uuid=uuid)
    return seal(plain, table=table, column=column, uuid=uuid)


def normalise(value: str, kind: str) -> str:
    """Return the one spelling of a value: NFKC, without blanks and invisible characters.

    kind "idcard": upper case. kind "phone": a mobile is its 11 digits; +86, 0086 and 86- are
    dropped from any number. kind "text": nothing more. Raise ValueError for another kind.
    """
    if kind not in _SPELLING:
        raise ValueError(f"unknown kind {kind!r}")
    return _SPELLING[kind](_visible(value))


def blind_index(value: str, kind: str, *, key: Key | None = None) -> bytes:
    """Return the 32 bytes that stand for a value in exact search and unique indexes (SEC-40).

    Without `key` it is that of the index in force. Raise ValueError for an empty value.
    """
    text = normalise(value, kind)
    if not text:
        raise ValueError("an empty value has no index")
    return (key or ring_in_use().index_key).mac(f"{kind}\0{text}".encode())


def search_indexes(value: str, kind: str) -> list[bytes]:
    """Return the indexes under which a value may stand: two while the index key rotates."""
    return [blind_index(value, kind, key=key) for key in ring_in_use().index_keys]


def index_columns(code: str, value: str | None, kind: str) -> dict[str, bytes | None]:
    """Return what the two index columns of a sealed column hold, by their names.

    Each key has a column of its own, by its id odd or even, so that a rotation fills the one
    while the other goes on to be searched and to refuse duplicates. None where no key writes.
    """
    found: dict[str, bytes | None] = dict.fromkeys(code + suffix for suffix in INDEX_SUFFIXES)
    if value not in (None, ""):
        for key in ring_in_use().index_keys:
            found[code + key.index_suffix] = blind_index(value, kind, key=key)
    return found


def index_column(code: str) -> str:
    """Return the name of the index column of a sealed column that the key in force fills."""
    return code + ring_in_use().index_key.index_suffix


@dataclass
class _InUse:
    ring: KeyRing | None = None


_in_use = _InUse()

_INVISIBLE = {"Zs", "Zl", "Zp", "Cc", "Cf"}
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc", "-"))
_COUNTRY = re.compile(r"\(?(?:\+|00)86\)?-?|86-")
_MOBILE = re.compile(r"(?:86)?(1[3-9][0-9]{9})")


def _visible(value: str) -> str:
    text = unicodedata.normalize("NFKC", value)
    shown = "".join(char for char in text if unicodedata.category(char) not in _INVISIBLE)
    # Without the blank between them a letter and its accent become one character.
    return unicodedata.normalize("NFKC", shown)


def _upper(text: str) -> str:
    # Upper-casing may take letters apart ("ΐ"), NFKC puts them together again.
    return unicodedata.normalize("NFKC", text.upper())


def _phone(text: str) -> str:
    text = text.translate(_DASHES)
    while shorter := _COUNTRY.match(text):
        text = text[shorter.end() :]
    mobile = _MOBILE.fullmatch(re.sub(r"[-().]", "", text))
    # 86123456 may be a fixed line: the bare 86 goes only from a mobile number.
    return mobile.group(1) if mobile else text


_SPELLING: dict[str, Callable[[str], str]] = {"idcard": _upper, "phone": _phone, "text": str}


def _place(header: bytes, table: str, column: str, uuid: UUID | str) -> bytes:
    row = uuid if isinstance(uuid, UUID) else UUID(uuid)
    return header + f"{table}\0{column}\0".encode() + row.bytes
