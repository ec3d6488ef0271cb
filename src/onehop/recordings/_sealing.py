"""Seals what is kept of runs with one key: nobody who reads the store can read it, or change it."""

from __future__ import annotations

import hashlib
import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from onehop._extras import needed_for
from onehop.errors import ConfigError, SealedError

_NONCE: Final = 12
_MARK: Final = 4
"""Bytes that tell keys apart."""
_PURPOSE: Final = b"onehop recordings 1\0"
_SHORTEST: Final = 16
"""Characters of a key."""
_LARGEST: Final = 256 << 20
"""Bytes that a part may unfold to."""


class Sealer:
    """Seals bytes with ``secret``, and opens what was sealed with it."""

    def __init__(self, secret: bytes) -> None:
        """Raises MissingExtraError when the library that does it is not installed."""
        key = hashlib.sha256(_PURPOSE + secret).digest()
        self._mark = hashlib.sha256(_PURPOSE + key).digest()[:_MARK]
        self._cipher = _cipher(key)

    def seal(self, data: bytes, about: str) -> bytes:
        """``about`` must be the same when it is opened."""
        nonce = os.urandom(_NONCE)
        sealed: bytes = self._cipher.encrypt(nonce, zlib.compress(data, 1), about.encode())
        return self._mark + nonce + sealed

    def is_ours(self, sealed: bytes) -> bool:
        """Whether it was sealed with this key."""
        return sealed[:_MARK] == self._mark

    def open(self, sealed: bytes, about: str) -> bytes:
        """What was sealed. Raises SealedError for another key, and for what was changed."""
        if not self.is_ours(sealed):
            raise SealedError("it was sealed with another key: give each server the same one")
        nonce, rest = sealed[_MARK : _MARK + _NONCE], sealed[_MARK + _NONCE :]
        try:
            packed = self._cipher.decrypt(nonce, rest, about.encode())
        except Exception:  # InvalidTag, which is not known before the library is loaded
            raise SealedError("it was changed since it was sealed") from None
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(packed, _LARGEST)
        if unpacking.unconsumed_tail:
            raise SealedError("it is too large")
        return data


def _cipher(key: bytes) -> Any:
    with needed_for("keeping what runs were answered"):
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    return ChaCha20Poly1305(key)


def open_sealer(given: str | None, file: Path) -> Sealer:
    """With the key that the settings give, or else the one in ``file``, which is made if it is not
    there. Raises ConfigError and MissingExtraError."""
    if given is None:
        return Sealer(_kept_key(file))
    if len(given) < _SHORTEST:
        raise ConfigError("recording.key", f"it has {len(given)} characters; {_SHORTEST} at least")
    return Sealer(given.encode())


def _kept_key(file: Path) -> bytes:
    try:
        return _read(file)
    except FileNotFoundError:
        pass
    try:
        _make(file)
        return _read(file)
    except OSError as error:
        raise ConfigError("recording.key", f"no key, and none can be made: {error}") from error


def _make(file: Path) -> None:
    """Whole or not at all, anyone who else makes it at the same time."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f"{file.name}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as out:
            out.write(os.urandom(32).hex() + "\n")
            out.flush()
            os.fsync(out.fileno())
        with suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink()


def _read(file: Path) -> bytes:
    with file.open("rb") as found:
        if os.fstat(found.fileno()).st_mode & 0o077:
            words = f"{file} can be read by others: chmod 600 {file}"
            raise ConfigError("recording.key", words)
        text = found.read(1024).strip()
    if len(text) < _SHORTEST:
        raise ConfigError("recording.key", f"{file} holds no key")
    return text
