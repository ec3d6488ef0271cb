"""How much a server may send: of everything here, more ends the message or the connection."""

from __future__ import annotations

import time
from typing import Final

from onehop.limits import MIB

MESSAGE: Final = 16 * MIB
"""Bytes of one message: four times what an answer may have as JSON, as JSON can be verbose."""
VALUES: Final = 500_000
"""JSON values in one message: numbers, texts, lists, objects."""
SKIPPED: Final = 64 * MIB
"""Bytes of one message that is too large: read and forgotten, so that the next can come."""
TOOLS: Final = 5000
"""Tools of one server."""
PAGES: Final = 200
"""Answers in which it lists them."""
TOOL: Final = 256 * 1024
"""Bytes of JSON of one tool, its schemas included."""
DESCRIPTION: Final = 8192
"""Characters of a tool's description."""
ERROR: Final = 8192
"""Characters of what a server says of a failure."""
_BURST: Final = 2000
_PER_SECOND: Final = 200
TOO_LARGE: Final = "the answer is too large"
"""Stands for an answer that was not read; the client gets it as an error of the server."""


class FloodError(Exception):
    """A server sends more than anybody asked for."""


class Budget:
    """Messages that nobody asked for: so many at once, and so many each second. A large one counts
    for one more with each KiB."""

    def __init__(self) -> None:
        self._left = float(_BURST)
        self._seen = time.monotonic()

    def take(self, size: int = 0) -> None:
        """One more, of so many bytes. Raises FloodError."""
        now = time.monotonic()
        self._left = min(_BURST, self._left + (now - self._seen) * _PER_SECOND)
        self._left -= 1 + size / 1024
        self._seen = now
        if self._left < 0:
            raise FloodError(f"it sends more than {_PER_SECOND} messages a second unasked")
