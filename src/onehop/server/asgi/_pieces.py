"""Large answers in pieces, each sent when the client has taken the one before: all of it at once
would be kept for a client that takes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from onehop.server.asgi._scope import Message

PIECE: Final = 128 * 1024
"""Bytes."""


def pieces(message: Message) -> Iterator[Message]:
    """The messages to send for ``message``."""
    body = message.get("body", b"")
    if len(body) <= PIECE:
        yield message
        return
    for start in range(0, len(body), PIECE):
        end = start + PIECE
        more = end < len(body) or message.get("more_body", False)
        yield {**message, "body": body[start:end], "more_body": more}
