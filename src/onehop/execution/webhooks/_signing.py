"""Signatures as the Standard Webhooks specification has them; pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

from onehop.errors import ConfigError

PREFIX: Final = "whsec_"
_SHORTEST: Final = 24
_LONGEST: Final = 64
"""Bytes of a key."""


def key_of(secret: str) -> bytes:
    """The key of a secret such as ``whsec_MfKQ9r8G…``. Raises ConfigError."""
    allowed = f"{PREFIX} and the base64 of {_SHORTEST} to {_LONGEST} random bytes"
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not _SHORTEST <= len(key) <= _LONGEST:
        raise ConfigError("webhook.secret", f"this is not a secret of a webhook: write {allowed}")
    return key


def signed(key: bytes, message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers of a message that is sent ``seconds`` after 1970."""
    text = b".".join([message_id.encode(), str(seconds).encode(), body])
    digest = hmac.new(key, text, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
