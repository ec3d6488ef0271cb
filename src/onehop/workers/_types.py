"""Takes the types out of TypeScript programs, with the help of a stripper that is kept running."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from onehop.errors import OnehopError
from onehop.source import blank, may_be_typed, may_lose_types
from onehop.workers._stripper import Stripper

_KEPT = 64
"""Programs that are remembered: a few MiB at the most, since each is short."""
_FIRST_PAUSE = 0.05
"""From the first TypeScript to the start of a stripper, which shall not slow that program down,
and which a host that runs one program goes without."""
_LONGEST_PAUSE = 60.0
_GOOD_LIFE = 60.0
"""Seconds after which the end of a stripper is no reason to wait with the next."""

_log = logging.getLogger(__name__)


class TypeRemover:
    """Makes JavaScript of TypeScript where only types have to go.

    Without a stripper it can say nothing, and programs are compiled whole: at first, while a
    program before is still with it, and for a while after one has broken down.
    """

    def __init__(self, start: Callable[[], Awaitable[Stripper]]) -> None:
        self._start = start
        self._stripper: Stripper | None = None
        self._started = 0.0
        self._failures = 0
        self._starting: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._known: OrderedDict[str, str | None] = OrderedDict()
        self._closed = False

    async def remove(self, code: str) -> str | None:
        """``code`` with blanks for its types, each character in its place; None when it takes more
        than that, or nobody can say."""
        if code in self._known:  # agents repeat themselves: over other data, or once more
            self._known.move_to_end(code)
            return self._known[code]
        if not may_be_typed(code):
            return code
        if not may_lose_types(code):
            return None
        stripper = self._live_stripper()
        if stripper is None or stripper.busy:
            return None
        return self._remember(code, await self._ask(stripper, code))

    async def _ask(self, stripper: Stripper, code: str) -> str | None:
        answer = await stripper.ask(code)
        if answer is None or answer == b"no":
            return None
        plain = blank(code, answer)
        if plain is None:
            stripper.kill()  # an honest one says nothing like it
        return plain

    def _remember(self, code: str, plain: str | None) -> str | None:
        """Also what broke the stripper, so that it breaks no other."""
        self._known[code] = plain
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return plain

    # --- the stripper's life ---

    def _live_stripper(self) -> Stripper | None:
        if self._stripper is not None and not self._stripper.alive:
            self._lose(self._stripper)
        if self._stripper is None and self._starting is None and not self._closed:
            self._starting = asyncio.get_running_loop().create_task(self._replace())
        return self._stripper

    def _lose(self, stripper: Stripper) -> None:
        self._stripper = None
        lived = time.monotonic() - self._started
        self._failures = 0 if lived > _GOOD_LIFE else self._failures + 1
        _log.info("the stripper ended after %.1f s", lived)
        task = asyncio.get_running_loop().create_task(stripper.aclose())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _replace(self) -> None:
        await asyncio.sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 4**self._failures))
        try:
            self._stripper = await self._start()
            self._started = time.monotonic()
        except (OnehopError, OSError, TimeoutError) as error:
            self._failures += 1
            _log.warning("the stripper did not start (%d in a row): %s", self._failures, error)
        finally:
            self._starting = None

    async def aclose(self) -> None:
        """End the stripper and leave nothing of it behind."""
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        if self._stripper is not None:
            self._lose(self._stripper)
        if self._ending:
            await asyncio.wait(self._ending)
