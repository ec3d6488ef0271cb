"""Those who want the same thing have it one after the other, in their order. A lock of asyncio's
takes three coroutines to enter and leave, also when nobody else is there."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """To take a turn: ``if turns.is_taken: await turns.wait()``, then set ``is_taken``; ``leave``
    ends it."""

    def __init__(self) -> None:
        self.is_taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self) -> None:
        """Until those before have left; the turn is the caller's then."""
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # it came at the same time
                self.leave()
            raise

    def leave(self) -> None:
        """Hand the turn on."""
        while self._waiting:
            following = self._waiting.popleft()
            if not following.done():
                following.set_result(None)
                return
        self.is_taken = False
