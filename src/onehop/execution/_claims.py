"""A request id names one run of its agent, also where several servers share a store.

A server takes a lease on the name before it runs anything, and drops it when the store has the
record. So a server that gets the lease, and finds no record, is the first. A lease that has lapsed
belonged to a server that died on the way: nobody knows what the run has done, so it is not run
again.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

from onehop.errors import RunLostError, StoreUnavailableError
from onehop.records import ExecutionRecord
from onehop.runs.kept import KeptRun

if TYPE_CHECKING:
    from onehop.runs.callers import Caller
    from onehop.stores.base import Lease
    from onehop.stores.leases import Leases

_PATIENCE: Final = 1.0
"""Seconds in which the store must answer, for a run waits meanwhile."""
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.5
"""Seconds between two looks whether another server's run has ended."""

Find = Callable[[], Awaitable[ExecutionRecord | None]]
Kept = Callable[[], Awaitable[KeptRun | None]]
Held = ExecutionRecord | KeptRun
"""What there is of a run already: its record, or what is kept of one that waits for people."""


async def _nothing() -> None:
    return None


class Claims:
    """Which runs are this server's, of those whose callers have named them."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    async def first(self, caller: Caller, find: Find, kept: Kept = _nothing) -> Held | None:
        """What another server has made of the run of this name: its record, which ``find`` looks
        for in the store, or what ``kept`` finds of it while it waits for people; None when the run
        is this server's to make.

        A run that is kept and waits for nobody is at its end, or its server is gone: its record is
        awaited as long as a lease lasts. Raises RunLostError, and StoreUnavailableError when nobody
        can tell.
        """
        name, pause = _name(caller.agent_id, caller.request_id), _FIRST_PAUSE
        patience = time.monotonic() + self._leases.duration
        while True:
            lease = await self._take(name)
            begun = await kept()  # before the record: a run that ends meanwhile has one then
            record = await find()
            if record is not None and not record.frees_its_name:
                self._leases.drop([name])
                return record
            if begun is not None and (begun.phase == "paused" or (lease and begun.is_waiting)):
                self._leases.drop([name])
                return begun
            if lease is not None and (record is not None or not (begun or lease.lapsed)):
                return None
            if lease is not None and (lease.lapsed or time.monotonic() > patience):
                await self._leases.abandon(name)
                raise _lost(caller.request_id)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    async def _take(self, name: str) -> Lease | None:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._leases.take(name)
        except TimeoutError:
            reason = f"it gave no lease within {_PATIENCE:g} s"
            raise StoreUnavailableError("the store", reason) from None

    def release(self, caller: Caller) -> None:
        """The run did not begin: its name is free."""
        self._leases.drop([_name(caller.agent_id, caller.request_id)])

    def taken(self, records: Iterable[ExecutionRecord]) -> None:
        """The store has these records, where every server finds them."""
        self._leases.drop(_name(record.agent_id, record.request_id) for record in records)


def _lost(request_id: str) -> RunLostError:
    return RunLostError(
        f"the run {request_id!r} was begun by another server, which stopped before it had recorded "
        "the run: what it has done is not known, so nothing runs again. If the code had begun, its "
        "record comes when that server is back; a new request id runs the code"
    )


def _name(agent_id: str, request_id: str) -> str:
    """Of bounded length, whatever the caller has written."""
    text = f"{agent_id}\0{request_id}".encode(errors="surrogatepass")
    return f"run {hashlib.sha256(text).hexdigest()}"
