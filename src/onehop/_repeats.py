"""A request id names one run: whoever asks again gets the first result."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

from onehop.callers import Caller
from onehop.errors import DuplicateRequestError, SandboxClosedError
from onehop.types import ExecutionResult

_KEPT: Final = 256
"""Results that are kept as they were returned; older ones come from the audit trail."""
_MAX_SIZE: Final = 64 * 1024
"""Bytes of output and logs above which a result is not kept here."""

Promise = asyncio.Future[ExecutionResult]


class Repeats:
    """Runs in flight and the latest results, by request id."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[str, Promise]] = {}
        self._recent: OrderedDict[str, tuple[str, ExecutionResult]] = OrderedDict()

    async def earlier(self, caller: Caller) -> ExecutionResult | None:
        """The result of the run of this name; waits for it while it runs.

        Raises DuplicateRequestError when the name is another agent's.
        """
        if caller.request_id in self._running:
            agent, promise = self._running[caller.request_id]
            check_owner(caller, agent)
            return await asyncio.shield(promise)
        if caller.request_id in self._recent:
            agent, result = self._recent[caller.request_id]
            check_owner(caller, agent)
            return result
        return None

    def begin(self, caller: Caller) -> None:
        """From now on a run of this name is in flight."""
        promise: Promise = asyncio.get_running_loop().create_future()
        self._running[caller.request_id] = caller.agent_id, promise

    def resolve(self, caller: Caller, result: ExecutionResult, size: int) -> None:
        """It has ended: whoever waits gets ``result``, and so does who asks later.

        ``size`` is how many bytes it holds, about.
        """
        _agent, promise = self._running.pop(caller.request_id)
        promise.set_result(result)
        if size <= _MAX_SIZE:
            self._recent[caller.request_id] = caller.agent_id, result
            while len(self._recent) > _KEPT:
                self._recent.popitem(last=False)

    def fail(self, caller: Caller, error: BaseException) -> None:
        """It did not run: whoever waits gets ``error``, and the name is free again."""
        _agent, promise = self._running.pop(caller.request_id)
        if isinstance(error, asyncio.CancelledError):
            error = SandboxClosedError("the run was given up before it began")
        promise.set_exception(error)
        promise.exception()  # seen, also when nobody waits

    async def ended(self, timeout: float) -> None:
        """Wait until nothing is in flight, for ``timeout`` seconds at most."""
        promises = [promise for _agent, promise in self._running.values()]
        if promises:
            await asyncio.wait(promises, timeout=timeout)


def check_owner(caller: Caller, agent_id: str) -> None:
    """Raise DuplicateRequestError unless the run belongs to this agent."""
    if caller.agent_id != agent_id:
        raise DuplicateRequestError(
            f"request_id: {caller.request_id!r} is in use; a request id must be new"
        )
