"""Console lines to the client while the code runs, as notifications of progress."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import anyio

from onehop.types import LogEntry

Report = Callable[[float, float | None, str | None], Awaitable[None]]
"""Tells the client how far a call is: a count, of how many, and words."""

_LONGEST: Final = 16 * 1024
"""Characters of one notification; the result has the lines whole."""


async def report_lines(lines: AsyncIterator[LogEntry], report: Report) -> None:
    """Report lines in order until they end or the client has gone away.

    Lines that come while a notification is on its way share the next one: a client that reads
    slowly gets fewer and larger ones.
    """
    waiting = _Waiting()
    async with anyio.create_task_group() as group:
        group.start_soon(waiting.fill, lines)
        try:
            while await waiting.more():
                await report(*waiting.take())
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            group.cancel_scope.cancel()


class _Waiting:
    """Lines that were printed and not reported yet."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._wake = anyio.Event()
        self._count = 0
        self._ended = False

    async def fill(self, lines: AsyncIterator[LogEntry]) -> None:
        async for entry in lines:
            prefix = "" if entry.level == "log" else f"[{entry.level.upper()}] "
            self._lines.append(prefix + entry.message)
            self._wake.set()
        self._ended = True
        self._wake.set()

    async def more(self) -> bool:
        while not (self._lines or self._ended):
            self._wake = anyio.Event()
            await self._wake.wait()
        return bool(self._lines)

    def take(self) -> tuple[float, None, str]:
        self._count += len(self._lines)
        text = "\n".join(self._lines)
        self._lines.clear()
        return self._count, None, text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
