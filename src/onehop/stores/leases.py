"""What one process may do alone while several share a store: taken, kept, and dropped.

    lease = await leases.take("upkeep")
    if lease is not None:  # nobody else has it, until it is dropped or this process is gone

A process that dies, or cannot reach the store, keeps nothing: 20 seconds later another may take
it. ``Lease.lapsed`` tells the other that this has happened.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from onehop.errors import StoreError
from onehop.stores.base import Lease, Store

DURATION: Final = 20.0
"""Seconds after which another may take what a process that died had."""
_BEATS: Final = 4
"""Times that leases are prolonged in that time."""
_MANY: Final = 1000
"""Names in one statement."""
_FAREWELL: Final = 2.0
"""Seconds that closing waits for the store."""

_log = logging.getLogger(__name__)


class Leases:
    """The leases of this process in ``store``, kept by a task for as long as they are not dropped.

    ``async with`` it, or ``open`` and ``aclose``.
    """

    def __init__(self, store: Store, *, duration: float = DURATION) -> None:
        self._store = store
        self._duration = duration
        self.holder = uuid.uuid4().hex
        """What this process is known by to the others."""
        self._held: dict[str, float] = {}
        """Until when, in seconds of a steady clock."""
        self._leaving: set[str] = set()
        """Dropped, but the store does not know it yet."""
        self._closing = asyncio.Event()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    @property
    def duration(self) -> float:
        """Seconds after which another may take what a process that died had."""
        return self._duration

    def open(self) -> None:
        """Keep leases from now on."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="onehop.leases")

    async def aclose(self) -> None:
        """Keep nothing more. What was not dropped expires, so that others learn of it."""
        task, self._task = self._task, None
        if task is None:
            return
        self._closing.set()
        self._wake.set()
        _done, late = await asyncio.wait([task], timeout=_FAREWELL)
        if late:
            task.cancel()
            await asyncio.wait(late, timeout=_FAREWELL)

    async def take(self, name: str) -> Lease | None:
        """Take ``name``, or take it again; None while another process has it.

        Raises StoreUnavailableError.
        """
        if name in self._leaving:
            await self._leave()
        until = time.monotonic() + self._duration
        lease = await self._store.take_lease(name, self.holder, self._milliseconds)
        if lease is not None:
            self._held[name] = until
        return lease

    def holds(self, name: str) -> bool:
        """Whether this process has ``name`` now, as far as it knows."""
        return self._held.get(name, 0.0) > time.monotonic()

    def drop(self, names: Iterable[str]) -> None:
        """Let others have ``names``, soon: the store hears of it in the background."""
        for name in names:
            if self._held.pop(name, None) is not None:
                self._leaving.add(name)
        if self._leaving:
            self._wake.set()

    async def abandon(self, name: str) -> None:
        """Let ``name`` expire now, so that the next one hears that it has lapsed.

        Raises StoreUnavailableError.
        """
        self._held.pop(name, None)
        await self._store.take_lease(name, self.holder, 0)

    @property
    def _milliseconds(self) -> int:
        return int(self._duration * 1000)

    async def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._duration / _BEATS):
                    await self._wake.wait()
            try:
                await self._leave()
                await self._keep()
            except StoreError as error:
                _log.info("leases are not kept: %s", error)
                await self._pause()
            except Exception:  # a mistake of ours must not lose every lease to come
                _log.exception("leases are not kept")
                await self._pause()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._closing.wait()

    async def _leave(self) -> None:
        for names in _parts(self._leaving):
            await self._store.drop_leases(self.holder, names)
            self._leaving.difference_update(names)

    async def _keep(self) -> None:
        soon = time.monotonic() + self._duration * (1 - 1 / _BEATS) + 0.01
        due = [name for name, until in self._held.items() if until < soon]
        for names in _parts(due):
            until = time.monotonic() + self._duration
            kept = await self._store.keep_leases(self.holder, names, self._milliseconds)
            for name in names:
                self._note(name, until, is_kept=name in kept)

    def _note(self, name: str, until: float, *, is_kept: bool) -> None:
        if name not in self._held:  # dropped meanwhile
            return
        if is_kept:
            self._held[name] = until
        else:
            del self._held[name]
            _log.warning("the lease %r is lost: it was not kept for too long", name)


def _parts(names: Collection[str]) -> Iterator[list[str]]:
    every = list(names)
    for start in range(0, len(every), _MANY):
        yield every[start : start + _MANY]
