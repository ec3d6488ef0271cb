"""Console lines to the client while the code runs, as notifications of progress."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from onehop.types import LogEntry

Report = Callable[[float, float | None, str | None], Awaitable[None]]

_LONGEST: Final = 16 * 1024
"""Characters of one notification; the result has the lines whole."""


class LogProgress:
    """Takes lines as they are printed and reports them in order, one notification for all lines
    that wait: a client that reads slowly gets fewer, larger ones."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._waiting: deque[str] = deque()
        self._wake = anyio.Event()
        self._count = 0
        self._ended = False

    def add(self, entry: LogEntry) -> None:
        """A line was printed. Never blocks."""
        prefix = "" if entry.level == "log" else f"[{entry.level.upper()}] "
        self._waiting.append(prefix + entry.message)
        self._wake.set()

    def end(self) -> None:
        """No more lines come; ``pump`` returns when all are reported."""
        self._ended = True
        self._wake.set()

    async def pump(self) -> None:
        """Report lines until ``end``; a client that has gone away ends it too."""
        try:
            while await self._more():
                await self._report(*self._take())
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return

    async def _more(self) -> bool:
        while not self._waiting:
            if self._ended:
                return False
            self._wake = anyio.Event()
            await self._wake.wait()
        return True

    def _take(self) -> tuple[float, None, str]:
        self._count += len(self._waiting)
        text = "\n".join(self._waiting)
        self._waiting.clear()
        return self._count, None, text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
