"""Messages on a stream: four bytes of length, then JSON. The host bounds what it reads."""

from __future__ import annotations

import json
import os
from typing import Any

HEAD = 4
"""Bytes of the length, the highest first."""
_LEAST_ANSWER = 256 * 1024
_TIMES_THE_QUESTION = 8


def pack(message: dict[str, Any]) -> bytes:
    """A message with its length; ASCII, so that halves of surrogate pairs survive."""
    body = json.dumps(message, separators=(",", ":")).encode("ascii")
    return len(body).to_bytes(HEAD, "big") + body


def most_of_answer(question: bytes) -> int:
    """Bytes: repaired code may come several times, with all its characters escaped."""
    return _LEAST_ANSWER + _TIMES_THE_QUESTION * len(question)


def length_of(head: bytes) -> int:
    """Of the message that follows."""
    return int.from_bytes(head, "big")


def write_frame(descriptor: int, message: dict[str, Any]) -> None:
    """Write all of it, and block meanwhile."""
    rest = memoryview(pack(message))
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def read_frame(descriptor: int) -> Any:
    """The next message of one that is trusted; None at the end."""
    head = _read(descriptor, HEAD)
    return json.loads(_read(descriptor, length_of(head))) if head else None


def _read(descriptor: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
