"""Keeps names, phones, homes, health and messages unreadable to anyone who gets hold of the database (P3).

A *keyring* holds named 32-byte keys, one of which is current. What is written is sealed with AES-256-GCM under the
current key; what was sealed under an older key of the ring can still be read, so keys are changed without stopping:

1. put a new key in front: ``ANLIN_KEYS="new:BASE64,old:BASE64"`` (the first key is the current one);
2. re-seal what is stored with :meth:`Keyring.rotate`;
3. take the old key away, *unless* it is the last one of a ring without a key named ``index`` (below).

To find a resident by phone without reading every row, a *blind index* (HMAC-SHA256) is stored beside the sealed
value. Its key must not change when keys rotate, so it comes from the key named ``index``; a ring without one takes
its last key, the oldest. A last key that retires is renamed ``index:BASE64`` instead of being removed: the key
material is the same, so every stored index stays valid.

Layout of a sealed value: version (1 byte, ``0x01``) · length of the key id (1 byte) · key id (ASCII) · nonce (12 bytes)
· ciphertext with its tag of 16 bytes. Everything in front of the nonce is authenticated too. Nonces are random, so
one key should seal fewer than 2³² values (NIST SP 800-38D, section 8.3): for a community that is never, for a city
it is a reason to rotate.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import ColumnElement, LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator

from data.errors import AnlinError

KEY_BYTES = 32
"""Length of a key: AES-256."""

INDEX_KEY_ID = "index"
"""The key with this id feeds the blind index and never seals anything."""

_VERSION = 1
_NONCE_BYTES = 12
_TAG_BYTES = 16
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,16}")


class KeyringInvalid(AnlinError):
    """The keys of the setting or the file cannot be used: not `id:base64`, wrong length, an id twice, none at all."""

    code = "crypto.keyring_invalid"


class KeyFileUnsafe(AnlinError):
    """The key file can be read by other accounts of the machine."""

    code = "crypto.key_file_unsafe"


class KeyringMissing(AnlinError):
    """Something is to be sealed or opened before the program installed its keys."""

    code = "crypto.keyring_missing"


class KeyUnknown(AnlinError):
    """A stored value was sealed under a key that is not in the ring (`facts["key_id"]`)."""

    code = "crypto.key_unknown"


class SealBroken(AnlinError):
    """A stored value is damaged, was tampered with, or its key id now names another key."""

    code = "crypto.seal_broken"


def _derive(key: bytes, purpose: bytes) -> bytes:
    """One key for one purpose: sealing and indexing never share key bytes."""
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=b"anlin:" + purpose).derive(key)


class Keyring:
    """Named keys, the first of which seals; all of them open.

    `keys` maps a key id (1–16 letters, digits, `_`, `-`) to 32 bytes, current first, order kept. Raises
    `KeyringInvalid`. Neither `repr` nor any error shows key material.
    """

    __slots__ = ("_ciphers", "_current", "_header", "_index_key", "_key_ids")

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        for key_id, key in keys.items():
            if not _KEY_ID.fullmatch(key_id):
                raise KeyringInvalid("a key id is 1 to 16 letters, digits, '_' or '-'")
            if len(key) != KEY_BYTES:
                raise KeyringInvalid(
                    f"key {key_id!r} has {len(key)} bytes instead of {KEY_BYTES}", key_id=key_id
                )
        sealing = [key_id for key_id in keys if key_id != INDEX_KEY_ID]
        if not sealing:
            raise KeyringInvalid(
                f"there is no key to seal with (a key named {INDEX_KEY_ID!r} only feeds the index)"
            )
        self._ciphers = {
            key_id.encode(): AESGCM(_derive(key, b"seal:v1"))
            for key_id, key in keys.items()
            if key_id in sealing
        }
        self._key_ids = tuple(sealing)
        self._current = self._ciphers[sealing[0].encode()]
        self._header = bytes((_VERSION, len(sealing[0]))) + sealing[0].encode()
        self._index_key = _derive(keys.get(INDEX_KEY_ID) or keys[sealing[-1]], b"index:v1")

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._key_ids)})"

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Ids of the keys that open values, current first."""
        return self._key_ids

    @classmethod
    def parse(cls, text: str) -> Keyring:
        """The ring of `ANLIN_KEYS`: `id:base64` separated by commas or line ends, current first.

        Base64 may be the plain or the URL alphabet. Empty lines and lines that begin with `#` are skipped.
        """
        keys: dict[str, bytes] = {}
        for number, entry in enumerate(_entries(text), start=1):
            key_id, colon, encoded = entry.partition(":")
            if not colon:
                raise KeyringInvalid(f"entry {number} of the keys is not of the form id:base64", entry=number)
            if key_id in keys:
                raise KeyringInvalid(f"key id {key_id!r} is there twice", key_id=key_id)
            try:
                keys[key_id] = base64.b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
            except (binascii.Error, ValueError):
                # The cause is cut off: its traceback would show the key.
                raise KeyringInvalid(f"entry {number} of the keys is not base64", entry=number) from None
        return cls(keys)

    @classmethod
    def from_file(cls, path: Path) -> Keyring:
        """The ring of a key file; a missing file is made, with fresh keys and mode 600.

        Two programs that start at once end with the same file. Raises `KeyFileUnsafe` when group or others may
        touch the file, `KeyringInvalid` for its content.
        """
        if not path.exists():
            _create_key_file(path)
        with path.open(encoding="ascii") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if os.name == "posix" and mode & 0o077:
                raise KeyFileUnsafe(
                    f"{path} holds the encryption keys and is open to other accounts (mode {mode:o}); "
                    f"close it with: chmod 600 {path}",
                    path=str(path),
                )
            try:
                return cls.parse(file.read())
            except UnicodeDecodeError:
                raise KeyringInvalid(f"{path} is not a key file", path=str(path)) from None

    def encrypt(self, plain: bytes) -> bytes:
        """Seal bytes under the current key; about 5 µs for a sentence."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._header + nonce + self._current.encrypt(nonce, plain, self._header)

    def decrypt(self, sealed: bytes) -> bytes:
        """Open what `encrypt` made, under whichever key of the ring it names. Raises `KeyUnknown`, `SealBroken`."""
        body = _body_offset(sealed)
        key_id = sealed[2:body]
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            name = key_id.decode("ascii", "replace")
            raise KeyUnknown(
                f"a stored value needs key {name!r}, which is not in the ring {self!r}", key_id=name
            )
        nonce = sealed[body : body + _NONCE_BYTES]
        try:
            return cipher.decrypt(nonce, sealed[body + _NONCE_BYTES :], sealed[:body])
        except InvalidTag:
            raise SealBroken(
                "a stored value does not open: damaged, or its key was replaced under the same id"
            ) from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether a value is sealed under the current key, so that rotation may pass over it."""
        return sealed.startswith(self._header) and _body_offset(sealed) == len(self._header)

    def rotate(self, sealed: bytes) -> bytes:
        """The same value under the current key; the very same bytes when it already is."""
        return sealed if self.is_current(sealed) else self.encrypt(self.decrypt(sealed))

    def blind_index(self, value: str) -> bytes:
        """32 bytes that are equal for equal `value`s and tell nothing else; the caller normalises (phones: digits only)."""
        return hmac.digest(self._index_key, value.encode(), hashlib.sha256)


def generate_keys() -> str:
    """Text of a fresh ring for `ANLIN_KEYS` or a key file: one sealing key with a random id, one index key.

    The id is random so that values sealed under a lost ring are recognised as such (`KeyUnknown`) and not taken
    for damage.
    """
    entries = (f"k{secrets.token_hex(3)}", INDEX_KEY_ID)
    return "".join(f"{key_id}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}\n" for key_id in entries)


def _entries(text: str) -> list[str]:
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return [entry.strip() for line in lines for entry in line.split(",") if entry.strip()]


def _body_offset(sealed: bytes) -> int:
    """Where nonce and ciphertext begin; refuses what cannot be a sealed value."""
    if len(sealed) < 2 or sealed[0] != _VERSION:
        raise SealBroken("a stored value is not sealed in a form this version knows")
    offset = 2 + sealed[1]
    if len(sealed) < offset + _NONCE_BYTES + _TAG_BYTES:
        raise SealBroken("a stored value is cut off")
    return offset


def _create_key_file(path: Path) -> None:
    """Write fresh keys beside `path`, then link them in place: the file is never seen half written or replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(
                "# Encryption keys of Anlin. Back them up apart from the database: without them it is unreadable.\n"
            )
            file.write(generate_keys())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another program was first: its keys count
            path.hardlink_to(draft)
    finally:
        draft.unlink()


_installed: Keyring | None = None


def install(keyring: Keyring | None) -> None:
    """Set the ring that the column types of this process use; `None` takes it away (tests)."""
    global _installed  # column types are built at import, long before the keys are known
    _installed = keyring


def installed() -> Keyring:
    """The ring of this process. Raises `KeyringMissing`."""
    if _installed is None:
        raise KeyringMissing("no encryption keys are installed; call data.crypto.install() first")
    return _installed


def blind_index(value: str) -> bytes:
    """`Keyring.blind_index` of the installed ring: 32 bytes for a `LargeBinary` column with an index."""
    return installed().blind_index(value)


class _SealedComparator(TypeDecorator.Comparator[Any]):
    """Sealed values differ each time they are written: comparing them in SQL would silently find nothing."""

    def operate(self, op: operators.OperatorType, *other: Any, **kwargs: Any) -> ColumnElement[Any]:
        about_null = op in (operators.is_, operators.is_not) or (
            op in (operators.eq, operators.ne) and other == (None,)
        )
        if not about_null:
            raise TypeError("an encrypted column can only be compared with NULL; look up by its blind index")
        return super().operate(op, *other, **kwargs)


class EncryptedText(TypeDecorator[str]):
    """Text that is sealed in the database and plain in Python. No SQL comparison but with NULL."""

    impl = LargeBinary
    cache_ok = True
    comparator_factory = _SealedComparator

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Seal on the way in."""
        return None if value is None else installed().encrypt(value.encode())

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        """Open on the way out."""
        return None if value is None else installed().decrypt(value).decode()


class EncryptedJSON(TypeDecorator[Any]):
    """JSON that is sealed in the database. Assign a new object to change it: changes inside are not noticed."""

    impl = LargeBinary
    cache_ok = True
    comparator_factory = _SealedComparator

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> bytes | None:
        """Seal on the way in; `None` is NULL."""
        if value is None:
            return None
        return installed().encrypt(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any | None:
        """Open on the way out."""
        return None if value is None else json.loads(installed().decrypt(value))
