"""An iterator that a task of its own feeds, so that it may be left at any time."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from anyio import ClosedResourceError, EndOfStream, create_memory_object_stream
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

T = TypeVar("T")
Put = Callable[[T], Awaitable[None]]
Tasks = set[asyncio.Task[None]]
_ROOM: Final = 1000
"""Items that wait for the reader; the producer waits when there are more."""


class Feed(Generic[T]):
    """What ``produce`` puts, one by one, until it returns or raises; then the same here.

    It starts with the first item that is asked for, or on entering ``async with``, which waits
    until ``produce`` has set ``begun``. Leaving ends it, as does cancelling what is in ``tasks``:
    then the iterator ends after the items that have arrived.
    """

    def __init__(
        self, produce: Callable[[Put[T], asyncio.Event], Awaitable[None]], tasks: Tasks
    ) -> None:
        self._produce = produce
        self._tasks = tasks
        self._begun = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._items: MemoryObjectReceiveStream[T] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        items = self._items or self._start()
        try:
            return await items.receive()
        except (EndOfStream, ClosedResourceError):
            await self._finish()
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        if self._items is None:
            self._start()
        await self._begin()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End it; what has not been read is dropped."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._items is not None:
            self._items.close()

    def _start(self) -> MemoryObjectReceiveStream[T]:
        send, self._items = create_memory_object_stream[T](_ROOM)
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(_run(self._produce, send, self._begun))
        self._tasks.add(self._task)
        self._task.add_done_callback(self._tasks.discard)
        forgotten = weakref.finalize(self, _forget, loop, self._task, self._items)
        forgotten.atexit = False
        return self._items

    async def _begin(self) -> None:
        assert self._task is not None  # noqa: S101 - started by the caller
        begun = asyncio.ensure_future(self._begun.wait())
        try:
            await asyncio.wait([begun, self._task], return_when=asyncio.FIRST_COMPLETED)
        finally:
            begun.cancel()
        if self._task.done() and not self._task.cancelled():
            self._task.result()

    async def _finish(self) -> None:
        task = self._task
        if task is not None:
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()


async def _run(
    produce: Callable[[Put[T], asyncio.Event], Awaitable[None]],
    send: MemoryObjectSendStream[T],
    begun: asyncio.Event,
) -> None:
    with send:
        await produce(send.send, begun)


def _forget(
    loop: asyncio.AbstractEventLoop,
    task: asyncio.Task[None],
    items: MemoryObjectReceiveStream[object],
) -> None:
    """Nobody can read it any more."""
    items.close()
    if not loop.is_closed():
        loop.call_soon_threadsafe(task.cancel)
