"""Many requests through one sandbox: some at once, in order or as they end, in bounded memory."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
)
from typing import Any, Final, Generic, TypeVar

from onehop.errors import InvalidRequestError, Overloaded
from onehop.inputs.choices import Choices
from onehop.inputs.names import choice
from onehop.types import ErrorInfo, ExecutionResult, ResourceUsage, code_hash

Requests = Iterable[Any] | AsyncIterable[Any]
"""Each is a dict of the arguments of ``Sandbox.execute``; another thing is a failed result."""
Execute = Callable[..., Awaitable[ExecutionResult]]
T = TypeVar("T")

AHEAD: Final = 4
"""Results that may wait to be taken, for each request that may run."""
_NAMES: Final = frozenset(Choices.__annotations__) - {"yield_after"}
"""Of the arguments that ``execute`` takes as one; a request of many ends with its run."""
_WHAT: Final = "a dict of execute's arguments, such as {'code': 'return 1'}"


async def mapped(
    run: Callable[[Any], Awaitable[T]], requests: Requests, *, concurrency: int, ordered: bool
) -> AsyncGenerator[T, None]:
    """What ``run`` gives for each request. At most ``concurrency`` run at once, and no more are
    taken from ``requests`` than that and four times as many results that wait here.

    When the iterator is closed, what runs is cancelled. Raises what ``requests`` and ``run`` raise.
    """
    flow = _Flow(run, requests, concurrency, ordered)
    try:
        async for result in flow.results():
            yield result
    finally:
        await flow.aclose()


def attempting(execute: Execute) -> Callable[[Any], Awaitable[ExecutionResult]]:
    """``execute`` for a dict of its arguments: a bad request is a failed result, and one that finds
    no room waits, since others may use the sandbox too."""
    names = _NAMES | set(inspect.signature(execute).parameters) - {"choices"}

    async def attempt(request: Any) -> ExecutionResult:
        while True:
            try:
                _check(request, names)
                return await execute(**request)
            except InvalidRequestError as error:
                return refused(request, error)
            except Overloaded as error:
                await asyncio.sleep(error.retry_after)

    return attempt


class _Flow(Generic[T]):
    """Runners that take requests, and the results that wait to be taken."""

    def __init__(
        self,
        run: Callable[[Any], Awaitable[T]],
        requests: Requests,
        concurrency: int,
        ordered: bool,
    ) -> None:
        self._run = run
        self._next = _source(requests)
        self._is_empty = False
        self._taking = asyncio.Lock()
        self._room = asyncio.Semaphore(concurrency * (AHEAD + 1))
        self._done: deque[T] = deque()
        """May be given out now."""
        self._early: dict[int, T] = {}
        """Ended before one that comes first; only where the order counts."""
        self._ordered = ordered
        self._taken = 0
        self._given = 0
        self._error: BaseException | None = None
        self._news = asyncio.Event()
        self._runners = {asyncio.create_task(self._work()) for _ in range(concurrency)}
        for runner in self._runners:
            runner.add_done_callback(self._end)

    async def results(self) -> AsyncIterator[T]:
        while True:
            while self._done:
                self._room.release()
                yield self._done.popleft()
            if self._error is not None:
                raise self._error
            if not self._runners:
                return
            self._news.clear()
            await self._news.wait()

    async def _work(self) -> None:
        while True:
            await self._room.acquire()
            async with self._taking:
                if self._is_empty:
                    return
                try:
                    request = await self._next()
                except StopAsyncIteration:
                    self._is_empty = True
                    return
                place, self._taken = self._taken, self._taken + 1
            self._put(place, await self._run(request))

    def _put(self, place: int, result: T) -> None:
        if not self._ordered:
            self._done.append(result)
        else:
            self._early[place] = result
            while (following := self._early.pop(self._given, None)) is not None:
                self._done.append(following)
                self._given += 1
        self._news.set()

    def _end(self, runner: asyncio.Task[None]) -> None:
        self._runners.discard(runner)
        if not runner.cancelled() and (error := runner.exception()) is not None:
            self._error = self._error or error
        self._news.set()

    async def aclose(self) -> None:
        """Cancel what runs, and wait until it has ended."""
        runners = list(self._runners)
        for runner in runners:
            runner.cancel()
        if runners:
            await asyncio.wait(runners)


def _source(requests: Requests) -> Callable[[], Awaitable[Any]]:
    """A function that gives the next request. Raises StopAsyncIteration at the end."""
    if isinstance(requests, AsyncIterable):
        return requests.__aiter__().__anext__
    if isinstance(requests, str | bytes | dict) or not hasattr(requests, "__iter__"):
        allowed = "an iterable or an async iterable of dicts of execute's arguments"
        raise InvalidRequestError("requests", f"a {type(requests).__name__}", allowed)
    iterator: Iterator[Any] = iter(requests)

    async def following() -> Any:
        for request in iterator:
            return request
        raise StopAsyncIteration

    return following


def _check(request: Any, names: frozenset[str]) -> None:
    if not isinstance(request, dict):
        raise InvalidRequestError("request", f"a {type(request).__name__}", _WHAT)
    unknown = [name for name in request if name not in names]
    if unknown:
        name = str(unknown[0])[:80]
        raise InvalidRequestError(name, "an unknown argument", choice(sorted(names), name))
    if "code" not in request:
        raise InvalidRequestError("code", "nothing", "the code to run")


def refused(request: Any, error: Exception) -> ExecutionResult:
    """The result of a request that cannot be run."""
    code = request.get("code") if isinstance(request, dict) else None
    name = type(error).__name__
    info = ErrorInfo(type="validation", name=name, message=str(error))
    text = code.encode(errors="replace").decode() if isinstance(code, str) else ""
    return ExecutionResult(
        success=False,
        status="failed",
        code_hash=code_hash(text),
        resource_usage=ResourceUsage(memory=0),
        error=info.headline,
        error_info=info,
    )
