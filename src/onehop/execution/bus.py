"""Events to those who subscribed; a slow subscriber loses its own events and nobody else's."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from types import TracebackType
from typing import Final, Self

from onehop.errors import InvalidRequestError
from onehop.events import EVENT_TYPES, Event

Callback = Callable[[Event], Awaitable[None] | None]

BUFFER: Final = 1024
"""Events that wait for one subscriber before it loses the oldest."""
_FAREWELL: Final = 2.0
"""Seconds that subscribers have for what waits when the bus closes."""

_log = logging.getLogger(__name__)


class Subscription:
    """One subscriber: its buffer and its task. ``close`` ends it; what waits is dropped."""

    def __init__(
        self, callback: Callback, types: frozenset[str] | None, buffer: int, name: str
    ) -> None:
        self._callback = callback
        self._types = types
        self._waiting: deque[Event] = deque(maxlen=buffer)
        self._task: asyncio.Task[None] | None = None
        self._reported = 0
        self._closed = False
        self.name = name
        self.dropped = 0
        """Events that it was too slow for, so far."""

    def close(self) -> None:
        """Take no more events."""
        self._closed = True
        self._waiting.clear()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            self._task = None  # a task that never began clears nothing

    @property
    def closed(self) -> bool:
        """Whether it takes no more events."""
        return self._closed

    def offer(self, event: Event) -> None:
        """Give it an event, which it handles later, in order. Called by the bus; never blocks."""
        if self._closed or (self._types is not None and event.event_type not in self._types):
            return
        if len(self._waiting) == self._waiting.maxlen:
            self._count_drop()
        self._waiting.append(event)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work(), name=self.name)

    async def drained(self) -> None:
        """Return once nothing waits."""
        while self._task is not None:
            await asyncio.wait([self._task])

    def _count_drop(self) -> None:
        if self.dropped == self._reported:
            _log.warning("subscriber %s is too slow and loses events", self.name)
        self.dropped += 1

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._handle(self._waiting.popleft())
        finally:
            self._task = None
            self._report_drops()

    async def _handle(self, event: Event) -> None:
        try:
            outcome = self._callback(event)
            if inspect.isawaitable(outcome):
                await outcome
        except Exception:  # a subscriber's mistake is its own; it gets the next event
            _log.exception("subscriber %s failed on %s", self.name, event.event_type)

    def _report_drops(self) -> None:
        lost = self.dropped - self._reported
        if lost:
            _log.warning("subscriber %s lost %d events", self.name, lost)
        self._reported = self.dropped


class EventStream:
    """Events as an async iterator; ``async with`` it, so that it ends when the reader leaves."""

    def __init__(self, types: frozenset[str] | None, buffer: int) -> None:
        self._waiting: deque[Event] = deque(maxlen=buffer)
        self._types = types
        self._wake = asyncio.Event()
        self._closed = False
        self.dropped = 0
        """Events that the reader was too slow for, so far."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._waiting.popleft()

    @property
    def closed(self) -> bool:
        """Whether it takes no more events."""
        return self._closed

    def close(self) -> None:
        """Take no more events; the reader gets what waits, and then the end."""
        self._closed = True
        self._wake.set()

    def offer(self, event: Event) -> None:
        """Give it an event. Called by the bus; never blocks."""
        if self._closed or (self._types is not None and event.event_type not in self._types):
            return
        if len(self._waiting) == self._waiting.maxlen:
            self.dropped += 1
        self._waiting.append(event)
        self._wake.set()


class EventBus:
    """Hands every event to every subscriber that wants it, in the order they were published.

    Belongs to one event loop: publish and subscribe in its thread.
    """

    def __init__(self) -> None:
        self._subscribers: list[Subscription | EventStream] = []

    def subscribe(
        self,
        callback: Callback,
        *,
        types: Collection[str] | None = None,
        buffer: int = BUFFER,
        name: str | None = None,
    ) -> Subscription:
        """Call ``callback``, sync or async, with each event, or each of ``types``, one at a time.

        What it raises is logged. When ``buffer`` events wait, it loses the oldest: the loss is
        counted in ``dropped`` and logged. Raises InvalidRequestError for an unknown type.
        """
        label = name or str(getattr(callback, "__qualname__", callback))
        subscription = Subscription(callback, _check_types(types), _check_buffer(buffer), label)
        self._subscribers.append(subscription)
        return subscription

    def stream(self, *, types: Collection[str] | None = None, buffer: int = BUFFER) -> EventStream:
        """Events from now on, as an async iterator. Raises InvalidRequestError."""
        stream = EventStream(_check_types(types), _check_buffer(buffer))
        self._subscribers.append(stream)
        return stream

    def publish(self, event: Event) -> None:
        """Give ``event`` to its subscribers; returns at once and raises nothing of theirs."""
        for subscriber in tuple(self._subscribers):
            if subscriber.closed:
                self._subscribers.remove(subscriber)
            else:
                subscriber.offer(event)

    async def aclose(self) -> None:
        """Let subscribers handle what waits, for two seconds at most, and end them."""
        subscribers, self._subscribers = self._subscribers, []
        work = [item.drained() for item in subscribers if isinstance(item, Subscription)]
        try:
            async with asyncio.timeout(_FAREWELL):
                await asyncio.gather(*work)
        except TimeoutError:
            _log.warning("the event bus closed before its subscribers were done")
        for subscriber in subscribers:
            subscriber.close()


def _check_types(types: Collection[str] | None) -> frozenset[str] | None:
    if types is None:
        return None
    wanted = frozenset([types] if isinstance(types, str) else types)
    unknown = sorted(wanted.difference(EVENT_TYPES))
    if unknown:
        raise InvalidRequestError("types", ", ".join(unknown), f"among {', '.join(EVENT_TYPES)}")
    return wanted


def _check_buffer(buffer: int) -> int:
    if buffer < 1:
        raise InvalidRequestError("buffer", str(buffer), "1 or more")
    return buffer
