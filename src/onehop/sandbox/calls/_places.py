"""How many calls of a run are at work at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Places:
    """``most`` in all, and ``most_each`` of one namespace, first come, first served."""

    def __init__(self, most: int, most_each: int) -> None:
        self._all = asyncio.Semaphore(most)
        self._most_each = most_each
        self._each: dict[str, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def place(self, namespace: str) -> AsyncIterator[None]:
        """Wait for a place, and hold it. A namespace's own place comes first, so that a slow one
        keeps none of the others' places while it waits."""
        if not namespace:
            async with self._all:
                yield
            return
        async with self._each.setdefault(namespace, asyncio.Semaphore(self._most_each)), self._all:
            yield
