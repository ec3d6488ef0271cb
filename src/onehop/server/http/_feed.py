"""The live feed of events, and how a reader that was away gets what it missed.

Events go out as they are announced, long before the store has them: it takes those of a run
together, when the run has ended. So a place in the feed is two things, ``MARK-EVENT``. The event's
own id finds the place exactly while this process remembers it. The mark is where the store's events
ended before the event was announced: all up to there had been sent. After a restart what the store
took later is sent, from the mark on: nothing is left out, some may come twice, with the same id.

Where several servers share the store, each also sends what the others have recorded, and the mark
is where it has read to. Servers do not send in the same order, so a place names its server too:
``MARK-EVENT-SERVER``. At another one, the mark counts.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import Final

from onehop.errors import StoreError
from onehop.events import Event
from onehop.execution.bus import Subscription
from onehop.execution.executor import Executor
from onehop.server.http._readers import Filter, Item, Reader, Readers
from onehop.server.http._tail import Tail
from onehop.stores import is_shared
from onehop.stores.base import EventQuery, Store

PLACE: Final = r"(\d{1,18}|n)-([0-9a-f]{32})(?:-([0-9a-f]{8}))?"
"""What an event's id on the wire looks like; ``n``: the store could not be asked for a mark."""
_PLACE: Final = re.compile(PLACE)
_REMEMBERED: Final = 4096
"""Events that are kept at hand."""
_STORE: Final = "00000000"
"""Stands for the server in a place where the mark is all that counts."""
_PAGE: Final = 500
_MARK_AGE: Final = 1.0
"""Seconds between questions where the store's events end."""
_PATIENCE: Final = 1.0
"""Seconds that a new reader waits for the first such answer."""
_CATCH_UP: Final = 2.0
"""Seconds that the store has to take what has ended, before it is read."""

_log = logging.getLogger(__name__)


class Feed:
    """Follows the bus of ``executor``, and reads ``store`` for those who were away.

    ``open`` and ``close`` it. If the store is shared, events of other servers are among them.
    """

    def __init__(self, executor: Executor, store: Store) -> None:
        self._executor = executor
        self._store = store
        self._remembered: deque[Item] = deque(maxlen=_REMEMBERED)
        self._readers = Readers()
        self._subscription: Subscription | None = None
        self._marks = _Marks(store)
        self._tail = (
            Tail(store, self._take_recorded, self._forget_all) if is_shared(store) else None
        )
        self._server = secrets.token_hex(4) if self._tail is not None else ""
        self._known: OrderedDict[str, None] = OrderedDict()
        """The ids of events that were sent, where the tail may bring them again."""

    def open(self) -> None:
        """Listen from now on."""
        self._subscription = self._executor.bus.subscribe(
            self._take, buffer=100_000, name="onehop.server.feed"
        )

    def close(self) -> None:
        """Listen no more."""
        if self._subscription is not None:
            self._subscription.close()
        self._readers.close()
        self._marks.close()
        if self._tail is not None:
            self._tail.rest()

    def _forget(self, reader: Reader) -> None:
        """Give it no more."""
        self._readers.remove(reader)
        if not self._readers and self._tail is not None:
            self._tail.rest()

    async def attach(self, wanted: Filter, recent: int = 0) -> tuple[Reader, AsyncIterator[bytes]]:
        """A reader of the events from now on, and of those of the last ``recent`` before that it
        wants."""
        reader = Reader(wanted, self._forget)
        await self._settle()
        if recent:
            reader.catch_up(list(self._remembered)[-recent:])
        self._readers.add(reader)
        return reader, reader

    async def resume(self, wanted: Filter, last_seen: str) -> tuple[Reader, AsyncIterator[bytes]]:
        """A reader of the events after ``last_seen``, which matches PLACE.

        Raises StoreUnavailableError when they must come from the store.
        """
        found = _PLACE.fullmatch(last_seen)
        mark, event_id, server = found.groups("") if found else ("n", "", "")
        reader = Reader(wanted, self._forget)
        if self._tail is not None:
            await self._settle()
        missed = self._after(event_id) if server == self._server else None
        if missed is None and mark != "n":
            first = await self._page(wanted, int(mark))
            return reader, self._replay(reader, wanted, first)
        reader.catch_up(list(self._remembered) if missed is None else missed)
        self._readers.add(reader)
        return reader, reader

    async def _settle(self) -> None:
        """Know where the store's events end, if it says so soon."""
        if self._tail is None:
            await self._marks.settle()
            return
        with suppress(TimeoutError, StoreError):
            async with asyncio.timeout(_PATIENCE):
                await self._tail.begin()

    def _take(self, event: Event) -> None:
        if self._tail is not None:
            self._know(event)
            self._offer(Item(event, self._tail.place, self._server))
            return
        self._offer(Item(event, self._marks.before(event.timestamp)))
        if self._readers:
            self._marks.refresh()

    def _take_recorded(self, sequence: int, event: Event) -> None:
        if event.event_id not in self._known:
            self._know(event)
            self._offer(Item(event, sequence, self._server))

    def _know(self, event: Event) -> None:
        self._known[event.event_id] = None
        while len(self._known) > 4 * _REMEMBERED:
            self._known.popitem(last=False)

    def _forget_all(self) -> None:
        self._remembered.clear()

    def _offer(self, item: Item) -> None:
        self._remembered.append(item)
        self._readers.offer(item)

    def _after(self, event_id: str) -> list[Item] | None:
        """What was announced after this event, if it is remembered."""
        items = list(self._remembered)
        for place in range(len(items) - 1, -1, -1):
            if items[place].event.event_id == event_id:
                return items[place + 1 :]
        return None

    async def _replay(
        self, reader: Reader, wanted: Filter, page: list[tuple[int, Event]]
    ) -> AsyncGenerator[bytes, None]:
        """What the store has, then what it does not have yet, then what comes."""
        sent: deque[str] = deque(maxlen=2 * _REMEMBERED)
        last = 0
        while page:
            for last, event in page:
                yield Item(event, last, self._server and _STORE).wire
                sent.append(event.event_id)
            page = await self._page(wanted, last) if len(page) == _PAGE else []
        known = set(sent)
        reader.catch_up([item for item in self._remembered if item.event.event_id not in known])
        self._readers.add(reader)
        async for chunk in reader:
            yield chunk

    async def _page(self, wanted: Filter, after: int) -> list[tuple[int, Event]]:
        await self._executor.flush(_CATCH_UP)
        query = EventQuery(
            after=after,
            agent_id=wanted.agent_id,
            channel_id=wanted.channel_id,
            event_types=wanted.types,
            limit=_PAGE,
        )
        return [(stored.sequence, stored.event) for stored in await self._store.events(query)]


class _Marks:
    """Knows where the store's events ended, and since when."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mark: int | None = None
        self._following: deque[tuple[int, int]] = deque()
        """When it was asked for, in ms since the epoch, and the mark: it counts for what was
        announced later only, since what was announced before may be sent after it."""
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    def before(self, timestamp: int) -> int | None:
        """The mark of an event that was announced at ``timestamp``; called in their order."""
        while self._following and self._following[0][0] < timestamp:
            self._mark = self._following.popleft()[1]
        return self._mark

    def refresh(self) -> None:
        """Ask the store in the background, if the last time is long ago."""
        if self._asking is None and time.monotonic() - self._asked_at > _MARK_AGE:
            self._asked_at = time.monotonic()
            self._asking = asyncio.get_running_loop().create_task(self._ask())

    async def settle(self) -> None:
        """Wait for the first mark, but not for long."""
        self.refresh()
        if self._asking is not None:
            await asyncio.wait([self._asking], timeout=_PATIENCE)

    def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()

    async def _ask(self) -> None:
        try:
            mark = await self._store.last_event()
            self._following.append((time.time_ns() // 1_000_000, mark))
        except StoreError as error:
            _log.info("events go out with an older mark: %s", error)
        finally:
            self._asking = None
