"""A run that only waits, for tools or its timers, leaves its place to others, and asks for one to
go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from onehop.workers._job import Send, Turn

_IDLE: Final = 0.005
"""Seconds of CPU time since the last look, up to which a worker only waits."""
_STILL: Final = 0.001
_LOOKS: Final = 4
"""Looks in a row at which a worker without open calls has used so little: then its timers are all
that it waits for. One that computes and is not given a processor gets more in that time."""


class Rest:
    """Whether one run has its place; answers are held back while it has none."""

    def __init__(self, turn: Turn | None, send: Send) -> None:
        self._turn = turn
        self._send = send
        self._cpu = 0.0
        self._still = 0
        self._has_place = True
        self._may_rest = True
        self._is_over = False
        self._held: list[tuple[Iterable[bytes], Callable[[], None]]] = []
        self._resuming: asyncio.Task[None] | None = None

    @property
    def has_place(self) -> bool:
        """Whether the run has its place."""
        return self._has_place

    def look(self, has_calls: bool, cpu_seconds: float) -> None:
        """Give the place up, if calls are open, or nothing happens at all, and the worker does
        nothing else. One that computes without a place asks for it at once, and keeps it from then
        on."""
        used, self._cpu = cpu_seconds - self._cpu, cpu_seconds
        self._still = self._still + 1 if used < _STILL else 0
        is_waiting = has_calls or self._still >= _LOOKS
        if self._turn is None:
            return
        if not self._has_place and used >= _IDLE:
            self._may_rest = False
            self._ask_for_place()
        elif self._has_place and self._may_rest and is_waiting and used < _IDLE:
            self._has_place = not self._turn.rest()

    def send(self, frames: Iterable[bytes], sent: Callable[[], None]) -> None:
        """Send an answer, as soon as there is a place to go on with it, and say so."""
        if self._has_place:
            self._send(frames)
            sent()
            return
        self._held.append((frames, sent))
        self._ask_for_place()

    def _ask_for_place(self) -> None:
        if self._resuming is None and not self._is_over:
            self._resuming = asyncio.get_running_loop().create_task(self._resume())

    def stop(self) -> None:
        """The run is over: nothing asks for a place any more."""
        self._is_over = True
        if self._resuming is not None:
            self._resuming.cancel()

    async def _resume(self) -> None:
        assert self._turn is not None  # noqa: S101 - else it has its place
        await self._turn.resume()
        self._has_place, self._resuming = True, None
        held, self._held = self._held, []
        for frames, sent in held:
            self.send(frames, sent)
