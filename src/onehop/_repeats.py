"""A request id names one run of its agent: whoever asks again gets the first result."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

from onehop.callers import Caller
from onehop.errors import SandboxClosedError
from onehop.types import ExecutionResult

_KEPT: Final = 256
"""Results that are kept as they were returned; older ones come from the audit trail."""
_MAX_SIZE: Final = 64 * 1024
"""Bytes of output and logs above which a result is not kept here."""

Promise = asyncio.Future[ExecutionResult]
Name = tuple[str, str]
"""An agent and its request id."""


class Repeats:
    """Runs in flight and the latest results, by request id."""

    def __init__(self) -> None:
        self._running: dict[Name, Promise] = {}
        self._recent: OrderedDict[Name, ExecutionResult] = OrderedDict()

    async def earlier(self, caller: Caller) -> ExecutionResult | None:
        """The result of the run of this name; waits for it while it runs."""
        promise = self._running.get(_name(caller))
        if promise is not None:
            return await asyncio.shield(promise)
        return self._recent.get(_name(caller))

    def forget(self, agent_id: str, request_id: str) -> None:
        """The result that is kept here is not the first of this name: the audit trail has that."""
        self._recent.pop((agent_id, request_id), None)

    def begin(self, caller: Caller) -> None:
        """From now on a run of this name is in flight."""
        promise: Promise = asyncio.get_running_loop().create_future()
        self._running[_name(caller)] = promise

    def resolve(self, caller: Caller, result: ExecutionResult, size: int) -> None:
        """It has ended: whoever waits gets ``result``, and so does who asks later.

        ``size`` is how many bytes it holds, about.
        """
        self._running.pop(_name(caller)).set_result(result)
        if size <= _MAX_SIZE:
            self._recent[_name(caller)] = result
            while len(self._recent) > _KEPT:
                self._recent.popitem(last=False)

    def fail(self, caller: Caller, error: BaseException) -> None:
        """It did not run: whoever waits gets ``error``, and the name is free again."""
        promise = self._running.pop(_name(caller))
        if isinstance(error, asyncio.CancelledError):
            error = SandboxClosedError("the run was given up before it began")
        promise.set_exception(error)
        promise.exception()  # seen, also when nobody waits

    async def ended(self, timeout: float) -> None:
        """Wait until nothing is in flight, for ``timeout`` seconds at most."""
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=timeout)


def _name(caller: Caller) -> Name:
    return caller.agent_id, caller.request_id
