"""Events of the other servers that share the store, for the feed: read once they are recorded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from onehop.errors import StoreError
from onehop.events import Event
from onehop.stores.base import EventQuery, Store

_PAGE: Final = 500
_BEFORE: Final = 200
"""Events from before it began that are read too."""
_FAR: Final = 4096
"""Events behind which nothing is caught up."""
_WAIT: Final = 1.0
"""Seconds that the store is waited for at a time, and between two attempts when it is away."""
_PAUSE: Final = 0.02
"""Seconds between two looks at least, so that many runs are read at once."""

_log = logging.getLogger(__name__)


class Tail:
    """Reads what ``store`` takes, from whichever server, and gives it to ``take``: a sequence and
    its event. ``begin`` when somebody listens, ``rest`` when nobody does.

    ``forget`` is called when so much was left out that what was heard before has a gap after it.
    """

    def __init__(
        self, store: Store, take: Callable[[int, Event], None], forget: Callable[[], None]
    ) -> None:
        self._store = store
        self._take = take
        self._forget = forget
        self.place: int | None = None
        """The sequence up to which all has been taken."""
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Catch up, and read on in the background. Raises StoreUnavailableError, and reads on."""
        async with self._turn:
            if self._task is not None:
                return
            self._task = asyncio.get_running_loop().create_task(self._run(), name="onehop.tail")
            await self._catch_up()

    def rest(self) -> None:
        """Read nothing more until ``begin``."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    async def _catch_up(self) -> None:
        end = await self._store.last_event()
        if self.place is None or end - self.place > _FAR:
            if self.place is not None:
                self._forget()
            self.place = max(0, end - _BEFORE)
        while await self._read() == _PAGE:
            pass

    async def _read(self) -> int:
        """How many events came."""
        after = self.place or 0
        found = await self._store.events(EventQuery(after=after, limit=_PAGE))
        for stored in found:
            if stored.sequence > (self.place or 0):  # not taken by the other of us
                self.place = stored.sequence
                self._take(stored.sequence, stored.event)
        return len(found)

    async def _run(self) -> None:
        while True:
            try:
                if self.place is None:
                    await self._catch_up()
                await self._store.await_events(self.place or 0, _WAIT)
                while await self._read() == _PAGE:
                    pass
                await asyncio.sleep(_PAUSE)
            except StoreError as error:
                _log.info("events of other servers wait: %s", error)
                await asyncio.sleep(_WAIT)
