"""Where the keys come from: read from a file or the environment, checked, made afresh (SEC-41).

What a key does is in core.crypto.
"""

import base64
import binascii
import json
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from app.core.crypto import Key, KeyProblem, KeyRing, Suite, put_to_use

MAX_KEY_ID = 255  # The id is one byte of a sealed value.
USES = ("field", "index", "audit")


class KeyProvider(Protocol):
    """Where keys come from: a file, the environment, later a hardware module."""

    def read(self) -> str:
        """Return the key ring as JSON text; raise KeyProblem."""


@dataclass(frozen=True)
class TextKeys:
    """Keys handed over as text, as the environment variable FIELD_KEYS does."""

    text: str = field(repr=False)

    def read(self) -> str:
        return self.text


@dataclass(frozen=True)
class FileKeys:
    """Keys in a file which nobody but its owner may read."""

    path: Path

    def read(self) -> str:
        try:
            mode = self.path.stat().st_mode
            if not stat.S_ISREG(mode) or stat.S_IMODE(mode) & 0o177:
                raise KeyProblem(f"The key file {self.path} must be a file with mode 600.")
            return self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise KeyProblem(f"The key file {self.path} cannot be read.") from error


def load_keys(config: Mapping[str, Any]) -> KeyRing:
    """Read the ring that ring_of() names, put it to use, and return it; raise KeyProblem."""
    return put_to_use(ring_of(config))


def ring_of(config: Mapping[str, Any]) -> KeyRing:
    """Read the ring named by FIELD_KEYS or FIELD_KEY_FILE without putting it to use.

    CRYPTO_SUITE (1 or 2) chooses the algorithms of new values. Raise KeyProblem.
    """
    provider: KeyProvider
    if config.get("FIELD_KEYS"):
        provider = TextKeys(config["FIELD_KEYS"])
    elif config.get("FIELD_KEY_FILE"):
        provider = FileKeys(Path(config["FIELD_KEY_FILE"]))
    else:
        raise KeyProblem("Neither FIELD_KEYS nor FIELD_KEY_FILE is set.")
    ring = read_ring(provider, suite=config.get("CRYPTO_SUITE", Suite.INTERNATIONAL))
    if config.get("APP_ENV") == "production" and json.loads(provider.read()).get("demo"):
        raise KeyProblem("The keys are those of a demonstration. Make fresh ones.")
    return ring


def read_ring(provider: KeyProvider, *, suite: int | str = Suite.INTERNATIONAL) -> KeyRing:
    """Read and check a ring without putting it to use; raise KeyProblem."""
    try:
        chosen = Suite(int(suite))
    except ValueError:
        raise KeyProblem("CRYPTO_SUITE must be 1 (AES, SHA-256) or 2 (SM4, SM3).") from None
    try:
        entries = json.loads(provider.read())["keys"]
        keys = [_read_key(entry) for entry in entries]
    except (ValueError, TypeError, KeyError, AttributeError):
        # The cause is left out: it would quote the text with the keys.
        raise KeyProblem("The keys are not in the expected JSON form.") from None
    ring = KeyRing({(key.use, key.id): key for key in keys}, chosen)
    _check_ring(ring, keys)
    return ring


def create_key_file(
    path: Path, *, suite: Suite = Suite.INTERNATIONAL, for_demo: bool = False
) -> None:
    """Write fresh keys to a new file with mode 600; raise FileExistsError, never overwrite.

    Those `for_demo` are marked, and production refuses them.
    """
    wanted = [("field", 1, Suite.INTERNATIONAL), ("field", 2, Suite.COMMERCIAL)]
    wanted += [("index", 1, suite), ("audit", 1, suite)]
    mark = {"demo": True} if for_demo else {}
    text = json.dumps({**mark, "keys": [new_key(*each) for each in wanted]}, indent=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        # A link is refused if the name is taken, and nobody sees half a file.
        os.link(draft, path)
    finally:
        draft.unlink()


def new_key(use: str, key_id: int, suite: Suite, *, waiting: bool = False) -> dict[str, Any]:
    """Return a fresh entry for the JSON of a ring."""
    secret = base64.b64encode(secrets.token_bytes(_secret_size(use, suite))).decode()
    entry = {"use": use, "id": key_id, "suite": int(suite), "secret": secret}
    return entry | {"waiting": True} if waiting else entry


def _read_key(entry: Mapping[str, Any]) -> Key:
    use, key_id, suite = entry["use"], entry["id"], Suite(entry["suite"])
    if use not in USES or type(key_id) is not int or not 1 <= key_id <= MAX_KEY_ID:
        raise ValueError
    try:
        secret = base64.b64decode(entry["secret"], validate=True)
    except binascii.Error:
        raise KeyProblem(f"Key {use}:{key_id} is not in base64.") from None
    if len(secret) != _secret_size(use, suite):
        raise KeyProblem(f"Key {use}:{key_id} must have {_secret_size(use, suite)} bytes.")
    if len(set(secret)) < len(secret) // 4:
        raise KeyProblem(f"Key {use}:{key_id} is not random.")
    return Key(use, key_id, suite, secret, waiting=bool(entry.get("waiting", False)))


def _check_ring(ring: KeyRing, keys: list[Key]) -> None:
    if len(ring.keys) != len(keys):
        raise KeyProblem("Two keys have the same use and id.")
    if len({key.secret for key in keys}) != len(keys):
        raise KeyProblem("Two keys have the same secret.")
    for use in USES:
        if not ring.all(use):
            raise KeyProblem(f"There is no key for {use}.")
    if ring.shares_index_column:
        raise KeyProblem("Of two index keys that follow each other one id is odd and one even.")
    if not any(key.suite is ring.suite for key in ring.all("field")):
        raise KeyProblem(f"There is no field key for CRYPTO_SUITE {int(ring.suite)}.")


def _secret_size(use: str, suite: Suite) -> int:
    return 16 if use == "field" and suite is Suite.COMMERCIAL else 32
