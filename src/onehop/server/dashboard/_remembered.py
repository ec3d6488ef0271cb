"""Answers that several people ask for are made once and kept for seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar

T = TypeVar("T")
_MOST: Final = 64
"""Answers that are kept."""


class Remembered:
    """Gives an answer again while it is young enough; those who ask meanwhile wait for the same
    one. ``clock`` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: dict[Hashable, tuple[float, asyncio.Future[Any]]] = {}

    async def get(self, key: Hashable, seconds: float, make: Callable[[], Awaitable[T]]) -> T:
        """The answer for ``key``, at most ``seconds`` old. What making it raises is not kept."""
        now = self._clock()
        known = self._answers.get(key)
        if known is None or now - known[0] >= seconds or _failed(known[1]):
            if len(self._answers) >= _MOST:
                self._answers.clear()
            known = self._answers[key] = (now, asyncio.ensure_future(make()))
        answer: T = await asyncio.shield(known[1])
        return answer


def _failed(answer: asyncio.Future[Any]) -> bool:
    return answer.done() and (answer.cancelled() or answer.exception() is not None)
