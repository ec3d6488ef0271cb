"""A request id names one run of its agent: anyone who asks again gets the first result.

Two calls of one name may be under way at once: one that looks whether another server has the run,
and the run itself, which goes on here after a decision. Each has its own promise, and only its own.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from onehop.records import GIVEN_UP
from onehop.types import ExecutionResult

if TYPE_CHECKING:
    from onehop.runs.callers import Caller

_KEPT: Final = 256
"""Results that are kept as they were returned; older ones come from the audit trail."""
_MAX_SIZE: Final = 64 * 1024
"""Bytes of output and logs above which a result is not kept here."""

Promise = asyncio.Future[ExecutionResult | None]
"""Of one call that is under way; None: it was given up before it began."""
Name = tuple[str, str]
"""An agent and its request id."""


class Repeats:
    """Runs in flight and the latest results, by request id."""

    def __init__(self) -> None:
        self._running: dict[Name, Promise] = {}
        self._recent: OrderedDict[Name, ExecutionResult] = OrderedDict()
        self._awaited: dict[Name, set[asyncio.Event]] = {}

    async def earlier(self, caller: Caller) -> ExecutionResult | None:
        """The result of the run of this name; waits for it while it runs. None if there is no such
        run, or it was given up: then the name is free, and the caller may begin one.
        """
        while (promise := self._running.get(_name(caller))) is not None:
            ended = await asyncio.shield(promise)
            if ended is not None and (_stands(ended) or ended.status == "paused"):
                return ended
        return self._recent.get(_name(caller))

    def forget(self, agent_id: str, request_id: str) -> None:
        """The result that is kept here is not the first of this name: the audit trail has that."""
        self._recent.pop((agent_id, request_id), None)

    def begin(self, caller: Caller) -> Promise:
        """From now on a run of this name is in flight; ``resolve`` or ``fail`` what this gives."""
        promise: Promise = asyncio.get_running_loop().create_future()
        self._running[_name(caller)] = promise
        for each in self._awaited.get(_name(caller), ()):
            each.set()
        return promise

    async def beginning(self, caller: Caller, seconds: float) -> None:
        """Return when a run of this name begins here, or after so many ``seconds``."""
        name, begun = _name(caller), asyncio.Event()
        others = self._awaited.setdefault(name, set())
        others.add(begun)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await begun.wait()
        finally:
            others.discard(begun)
            if not others:
                self._awaited.pop(name, None)

    def resolve(self, caller: Caller, promise: Promise, result: ExecutionResult, size: int) -> None:
        """It has ended: anyone who waits gets ``result``, and so does anyone who asks later,
        unless it was given up. The first end of a promise counts.

        ``size`` is how many bytes it holds, about.
        """
        self._leave(caller, promise)
        if not promise.done():
            promise.set_result(result)
        if size <= _MAX_SIZE and _stands(result):
            self._recent[_name(caller)] = result
            while len(self._recent) > _KEPT:
                self._recent.popitem(last=False)

    def fail(self, caller: Caller, promise: Promise, error: BaseException) -> None:
        """It did not run: anyone who waits gets ``error``, and the name is free again.

        If it was given up, those who wait begin it anew.
        """
        self._leave(caller, promise)
        if promise.done():
            return
        if isinstance(error, asyncio.CancelledError):
            promise.set_result(None)
            return
        promise.set_exception(error)
        promise.exception()  # seen, also when nobody waits

    def _leave(self, caller: Caller, promise: Promise) -> None:
        """It is under way no more; another one of the same name may be."""
        if self._running.get(_name(caller)) is promise:
            del self._running[_name(caller)]

    async def ended(self, timeout: float) -> None:
        """Wait until nothing is in flight, for ``timeout`` seconds at most."""
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=timeout)


def _stands(result: ExecutionResult) -> bool:
    if result.status == "paused":  # it has not ended
        return False
    if result.error_info is None or result.error_info.type != GIVEN_UP:
        return True
    return any(call.effect != "read" and call.change != "none" for call in result.tool_calls or ())


def _name(caller: Caller) -> Name:
    return caller.agent_id, caller.request_id
