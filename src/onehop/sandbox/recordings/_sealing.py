"""Seals what is kept of runs with one key: nobody who reads the store can read it, or change it."""

from __future__ import annotations

import hashlib
import os
import zlib
from functools import cached_property
from importlib.util import find_spec
from typing import Any, Final

from onehop._extras import needed_for
from onehop.errors import SealedError

_NONCE: Final = 12
_MARK: Final = 4
"""Bytes that tell keys apart."""
_PURPOSE: Final = b"onehop recordings 1\0"
_WHAT: Final = "keeping what runs were answered"
_LARGEST: Final = 256 << 20
"""Bytes that a part may unfold to."""


class Sealer:
    """Seals bytes with ``secret``, and opens what was sealed with it."""

    def __init__(self, secret: bytes) -> None:
        """Raises MissingExtraError when the library that does it is not installed; it is loaded
        when something is sealed or opened."""
        with needed_for(_WHAT):
            if find_spec("cryptography") is None:
                raise ModuleNotFoundError(name="cryptography")
        self._key = hashlib.sha256(_PURPOSE + secret).digest()
        self._mark = hashlib.sha256(_PURPOSE + self._key).digest()[:_MARK]

    @cached_property
    def _cipher(self) -> Any:
        with needed_for(_WHAT):
            from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
        return ChaCha20Poly1305(self._key)

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
