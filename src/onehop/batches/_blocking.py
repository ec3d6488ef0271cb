"""``onehop.map``: many requests for code that is not async. The sandbox lives in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from contextlib import aclosing
from queue import SimpleQueue
from typing import Any, Final

from onehop.config import SandboxConfig
from onehop.errors import InvalidRequestError
from onehop.sandbox import Sandbox
from onehop.sandbox.calls import Layer, Wanted
from onehop.sandbox.mapping import AHEAD
from onehop.types import ExecutionResult, Isolation

_END: Final = object()


def map(  # noqa: A001 - the name by which callers know it
    requests: Iterable[Any],
    *,
    concurrency: int | None = None,
    isolation: Isolation | None = None,
    ordered: bool = True,
    config: SandboxConfig | None = None,
    tools: Wanted | None = None,
    rules: Layer = (),
) -> Generator[ExecutionResult, None, None]:
    """The results of ``Sandbox.map``, in a sandbox opened for them, without an event loop.

    ``requests`` is iterated in the caller's own thread, a few ahead of the results that were taken.
    Closing the iterator, or dropping it, ends what runs and closes the sandbox. Raises what
    ``Sandbox.open`` and ``Sandbox.map`` raise, when the first result is taken.
    """
    if isinstance(requests, str | bytes | dict) or not hasattr(requests, "__iter__"):
        allowed = "an iterable of dicts of execute's arguments"
        raise InvalidRequestError("requests", f"a {type(requests).__name__}", allowed)
    settings = config or SandboxConfig()
    sandbox = Sandbox(settings, tools=tools, rules=rules)
    options = {"concurrency": concurrency, "isolation": isolation, "ordered": ordered}
    ahead = (concurrency or settings.max_concurrency) * (AHEAD + 1)
    return _results(iter(requests), _Thread(sandbox, options), ahead)


def _results(
    requests: Iterator[Any], thread: _Thread, ahead: int
) -> Generator[ExecutionResult, None, None]:
    thread.start()
    try:
        left, more = 0, True
        while True:
            if more and left < ahead and thread.results.empty():
                request = next(requests, _END)
                more = request is not _END
                left += more
                thread.give(request)
                continue
            result = thread.take()
            if result is None:
                return
            left -= 1
            yield result
    finally:
        thread.stop()


class _Thread:
    """Has a sandbox and its event loop; requests go in, and results come out."""

    def __init__(self, sandbox: Sandbox, options: dict[str, Any]) -> None:
        self._sandbox = sandbox
        self._options = options
        self._thread = threading.Thread(target=self._work, name="onehop.map", daemon=True)
        self._loop = asyncio.new_event_loop()
        self._requests: asyncio.Queue[Any] = asyncio.Queue()
        self._mapping: asyncio.Task[None] | None = None
        self._is_stopped = False
        self.results: SimpleQueue[ExecutionResult | BaseException | None] = SimpleQueue()

    def start(self) -> None:
        self._thread.start()

    def give(self, request: Any) -> None:
        self._loop.call_soon_threadsafe(self._requests.put_nowait, request)

    def take(self) -> ExecutionResult | None:
        """The next result; None at the end. Raises what the sandbox raised."""
        result = self.results.get()
        if isinstance(result, BaseException):
            raise result
        return result

    def stop(self) -> None:
        """Cancel what runs, and wait until nothing is left."""
        self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join()
        self._loop.close()

    def _cancel(self) -> None:
        """Of the work, not of the sandbox's own end."""
        self._is_stopped = True
        if self._mapping is not None:
            self._mapping.cancel()

    def _work(self) -> None:
        """The loop stays open until ``stop``, for what is still given to it."""
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._open_and_map())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        except BaseException as error:
            self.results.put(error)
        else:
            self.results.put(None)

    async def _open_and_map(self) -> None:
        async with self._sandbox:
            self._mapping = asyncio.create_task(self._map())
            if self._is_stopped:
                self._mapping.cancel()
            await asyncio.wait([self._mapping])
        if not self._mapping.cancelled():
            self._mapping.result()

    async def _map(self) -> None:
        results = self._sandbox.map(self._given(), **self._options)
        async with aclosing(results):
            async for result in results:
                self.results.put(result)

    async def _given(self) -> AsyncIterator[Any]:
        while (request := await self._requests.get()) is not _END:
            yield request
