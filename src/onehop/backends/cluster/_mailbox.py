"""What a run on a node has said, until the caller's process fetches it."""

from __future__ import annotations

import asyncio
from collections import deque

from onehop.backends.cluster._messages import Said


class Mailbox:
    """Messages of one run, in order. Their number and size are bounded by the run's own limits."""

    def __init__(self) -> None:
        self._waiting: deque[Said] = deque()
        self._arrived = asyncio.Event()
        self.said = 0
        """Messages in all."""

    def put(self, message: Said) -> None:
        """Add a message."""
        self.said += 1
        self._waiting.append(message)
        self._arrived.set()

    async def fetch(self, seconds: float) -> tuple[Said, ...]:
        """What has come since the last time; waits ``seconds`` for a first one."""
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            return ()
        return self.empty()

    def empty(self) -> tuple[Said, ...]:
        """What nobody has fetched."""
        messages = tuple(self._waiting)
        self._waiting.clear()
        self._arrived.clear()
        return messages

    def close(self) -> None:
        """Let go of anyone who waits."""
        self._arrived.set()
