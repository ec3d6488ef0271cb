"""Answers that several people ask for are made once, and no page waits long for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")
_MOST: Final = 64
"""Answers that are kept."""
PATIENCE: Final = 0.05
"""Seconds that a page waits for an answer."""
_TOO_OLD: Final = 600.0
"""Seconds after which an answer is not shown any more, not even while the next one is made."""


@dataclass(frozen=True, slots=True)
class Got(Generic[T]):
    """What there was in time."""

    answer: T | None
    late: bool = False
    """Whether a newer one is being made: ask again soon."""


@dataclass(slots=True)
class _Kept(Generic[T]):
    """The latest answer for one key, and the work on the next one."""

    at: float = 0.0
    answer: T | None = None
    work: asyncio.Future[T] | None = None


class Remembered:
    """Gives an answer again while it is young enough. Those who ask for one that is being made wait
    for the same one, for ``patience`` seconds: then they get the one before, or nothing. ``clock``
    counts seconds."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, patience: float = PATIENCE
    ) -> None:
        self._clock = clock
        self._patience = patience
        self._kept: dict[Hashable, _Kept[Any]] = {}

    async def get(self, key: Hashable, seconds: float, make: Callable[[], Awaitable[T]]) -> Got[T]:
        """The answer for ``key``, at most ``seconds`` old if it can be had in time; else an older
        one, or None. Raises what making it raises, which is not kept."""
        kept = self._of(key)
        if kept.answer is not None and self._age(kept) < seconds:
            return Got(kept.answer)
        work = kept.work
        if work is None:
            work = kept.work = asyncio.ensure_future(self._make(kept, make))
            work.add_done_callback(_hear)
        done, _ = await asyncio.wait([work], timeout=self._patience)
        if done:
            return Got(await work)
        return Got(kept.answer if self._age(kept) < _TOO_OLD else None, late=True)

    def _of(self, key: Hashable) -> _Kept[Any]:
        if key not in self._kept and len(self._kept) >= _MOST:
            self._kept.pop(next(iter(self._kept)))
        return self._kept.setdefault(key, _Kept())

    def _age(self, kept: _Kept[Any]) -> float:
        return self._clock() - kept.at

    async def _make(self, kept: _Kept[T], make: Callable[[], Awaitable[T]]) -> T:
        began = self._clock()
        try:
            kept.answer = await make()
            kept.at = began
            return kept.answer
        finally:
            kept.work = None


def _hear(work: asyncio.Future[Any]) -> None:
    """Where nobody waits any more, what it raised is of no use: the next one asks again."""
    if not work.cancelled():
        work.exception()
