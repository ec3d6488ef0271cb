"""Large JSON in memory: Python's cycle collector is kept from looking at it in vain, which costs
several times as much as the JSON, as from what a server has loaded; and it is freed when nobody
waits."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

Body = bytes | bytearray
"""Text in UTF-8, also in a buffer of its own."""
_LARGE = 64 * 1024
"""Bytes of JSON below which a pause is not worth its price."""
_REST = 10.0
"""Seconds that a server's collector rests after such JSON."""
_LONGEST = 30.0
"""Seconds after which it runs all the same."""
_SPARED = 100
"""Times that a collection is spared before a full one, which would come by itself as often."""


def keep_what_is_loaded() -> None:
    """Let no collection look again at what there is now: a full one would take 100 ms, in which a
    server answers nobody, to find that all of its modules are still in use."""
    gc.freeze()
    _pause.lasts = True


def read_json(text: Body) -> Any:
    """Strict JSON: no NaN, no lone surrogates, at most 200 levels, integers of 4300 digits. Raises
    ValueError."""
    from pydantic_core import from_json  # not before a sandbox is open

    if len(text) < _LARGE:
        return from_json(text, allow_inf_nan=False)
    with no_collection(len(text)):
        # Values are seldom the same text again: looking each up takes up to a third of the time.
        return from_json(text, allow_inf_nan=False, cache_strings="keys")


@contextmanager
def no_collection(size: int) -> Iterator[None]:
    """Build ``size`` bytes' worth of plain data while no collection runs.

    Such data has no cycles, but each of its many objects brings the next collection nearer, the
    full one included, which looks at all that the process holds. In a server the pause goes on for
    a while, by which such data has been answered, recorded and let go of: it is never looked at. A
    million lists would take a second each time.
    """
    if size < _LARGE or not (gc.isenabled() or _pause.is_on):
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        _pause.end()


def free_later(held: object, size: int) -> None:
    """Keep ``size`` bytes' worth of data until the event loop's next turn, if it is large: to take
    it apart costs a millisecond or two, and the caller of a coroutine that returns goes on first.
    """
    if size >= _LARGE:
        asyncio.get_running_loop().call_soon(lambda _: None, held)


class _Pause:
    """Of the one collector that a process has."""

    def __init__(self) -> None:
        self.lasts = False
        """Whether this is a server, whose loop is there for as long as its process."""
        self._ends = 0
        self._began = 0.0
        self._spared = 0

    @property
    def is_on(self) -> bool:
        """Whether the collector is to go on later."""
        return self._ends > 0

    def end(self) -> None:
        """At once; in a server, whose loop lasts, after a while in which nobody pauses again."""
        if self.lasts:
            with suppress(RuntimeError):  # in a thread
                self._end_later(asyncio.get_running_loop())
                return
        elif not gc.get_freeze_count():  # else the program keeps objects frozen, as they must stay
            self._spare()
        gc.enable()

    def _spare(self) -> None:
        """Count what was built among the old objects: the next new one would start a collection
        that looks at all of it. This puts off full ones as well, so that one is made at times."""
        gc.freeze()
        gc.unfreeze()
        self._spared += 1
        if self._spared >= _SPARED:
            self._spared = 0
            gc.collect()

    def _end_later(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._ends:
            self._began = loop.time()
        self._ends += 1
        loop.call_later(_REST, self._one_is_over, loop)

    def _one_is_over(self, loop: asyncio.AbstractEventLoop) -> None:
        self._ends -= 1
        if not self._ends or loop.time() - self._began > _LONGEST:
            self._began = loop.time()
            gc.enable()


_pause = _Pause()
