"""A request id names one run: anyone who asks again gets the first result."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

from onehop.callers import Caller
from onehop.errors import DuplicateRequestError
from onehop.types import ExecutionResult

_KEPT: Final = 256
"""Results that are kept as they were returned; older ones come from the audit trail."""
_MAX_SIZE: Final = 64 * 1024
"""Bytes of output and logs above which a result is not kept here."""

GIVEN_UP: Final = "cancelled"
"""The error type of a run whose caller has left, so that nothing came of it. Its name is free
again: a client whose connection broke asks for the run, not for the news that it was ended."""

Promise = asyncio.Future[ExecutionResult | None]
"""None: it was given up before it began."""


class Repeats:
    """Runs in flight and the latest results, by request id."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[str, Promise]] = {}
        self._recent: OrderedDict[str, tuple[str, ExecutionResult]] = OrderedDict()

    async def earlier(self, caller: Caller) -> ExecutionResult | None:
        """The result of the run of this name; waits for it while it runs. None if there is no such
        run, or it was given up: then the name is free, and the caller may begin one.

        Raises DuplicateRequestError when the name is another agent's.
        """
        while caller.request_id in self._running:
            agent, promise = self._running[caller.request_id]
            check_owner(caller, agent)
            ended = await asyncio.shield(promise)
            if ended is not None and _stands(ended):
                return ended
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
        """It has ended: anyone who waits gets ``result``, and so does anyone who asks later,
        unless it was given up.

        ``size`` is how many bytes it holds, about.
        """
        _agent, promise = self._running.pop(caller.request_id)
        promise.set_result(result)
        if size <= _MAX_SIZE and _stands(result):
            self._recent[caller.request_id] = caller.agent_id, result
            while len(self._recent) > _KEPT:
                self._recent.popitem(last=False)

    def fail(self, caller: Caller, error: BaseException) -> None:
        """It did not run: anyone who waits gets ``error``, and the name is free again.

        If it was given up, those who wait begin it anew.
        """
        _agent, promise = self._running.pop(caller.request_id)
        if isinstance(error, asyncio.CancelledError):
            promise.set_result(None)
            return
        promise.set_exception(error)
        promise.exception()  # seen, also when nobody waits

    async def ended(self, timeout: float) -> None:
        """Wait until nothing is in flight, for ``timeout`` seconds at most."""
        promises = [promise for _agent, promise in self._running.values()]
        if promises:
            await asyncio.wait(promises, timeout=timeout)


def _stands(result: ExecutionResult) -> bool:
    return result.error_info is None or result.error_info.type != GIVEN_UP


def check_owner(caller: Caller, agent_id: str) -> None:
    """Raise DuplicateRequestError unless the run belongs to this agent."""
    if caller.agent_id != agent_id:
        raise DuplicateRequestError(
            f"request_id: {caller.request_id!r} is in use; a request id must be new"
        )
