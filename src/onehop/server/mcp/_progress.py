"""Console lines to the client while the code runs, as notifications of progress."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import anyio

from onehop.types import LogEntry, Progress

Report = Callable[[float, float | None, str | None], Awaitable[None]]
"""Tells the client how far a call is: a count, of how many, and words."""

_LONGEST: Final = 16 * 1024
"""Characters of one notification; the result has the lines whole."""


async def report_lines(lines: AsyncIterator[LogEntry | Progress], report: Report) -> None:
    """Report lines, and how far the code says that it is, until they end or the client has gone
    away. Each line counts one, and what the code says is part of one more, so that the count grows.

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
        self._fraction: float | None = None
        self._ended = False

    async def fill(self, lines: AsyncIterator[LogEntry | Progress]) -> None:
        async for entry in lines:
            if isinstance(entry, Progress):
                self._note(entry)
                continue
            self._count += 1
            prefix = "" if entry.level == "log" else f"[{entry.level.upper()}] "
            self._lines.append(prefix + entry.message)
            self._wake.set()
        self._ended = True
        self._wake.set()

    def _note(self, report: Progress) -> None:
        self._fraction = max(report.fraction, self._fraction or 0.0)
        words = f": {report.message}" if report.message else ""
        self._lines.append(f"{report.fraction:.0%}{words}")
        self._wake.set()

    async def more(self) -> bool:
        while not (self._lines or self._ended):
            self._wake = anyio.Event()
            await self._wake.wait()
        return bool(self._lines)

    def take(self) -> tuple[float, float | None, str]:
        text = "\n".join(self._lines)
        self._lines.clear()
        text = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
        if self._fraction is None:
            return self._count, None, text
        return self._count + self._fraction, self._count + 1, text
