"""The log of one run in the store: written by its owner alone, in the background, sealed."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from onehop.errors import OnehopError, StoreError
from onehop.sandbox.recordings._entries import (
    ENTRY,
    START,
    Answered,
    Entry,
    Made,
    Outgrown,
    Place,
    write_entries,
)
from onehop.sandbox.recordings._script import seal_head

if TYPE_CHECKING:
    from onehop.runs.kept import KeptRun, RunChange
    from onehop.sandbox.recordings._sealing import Sealer
    from onehop.stores.base import Store

_GATHER: Final = 0.05
"""Seconds in which entries gather before they are written."""

_log = logging.getLogger(__name__)


class Later(Protocol):
    """Makes an entry when it is written: that is not on the way of the run."""

    def __call__(self) -> Entry:
        """The entry."""
        ...

    @property
    def bare(self) -> Later | None:
        """The same without what was answered; None if nothing of it is kept then."""
        ...


class LostRunError(OnehopError):
    """Another process owns the run now."""


class RunLog:
    """Entries of one run, in memory until they must be kept: from then on ``run`` is in ``store``.

    ``most`` bytes are kept of a run; beyond that it cannot be made again, and the log only says
    what it called. ``after`` is the last part that former owners have written, and ``size`` what
    they have used of that.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        run: KeptRun,
        most: int,
        after: Place = START,
        size: int = 0,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self.run = run
        self._most = most
        self._pending: list[Entry | Later] = []
        self._last = after
        self._size = size
        self.is_kept = run.fence > 1
        """Whether the store has the run."""
        self.is_whole = run.replayable
        """Whether all entries are there, or will be."""
        self._turn = asyncio.Lock()
        self._writing: asyncio.Task[None] | None = None
        self._flushing: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def add(self, entry: Entry | Later, size: int = 0) -> None:
        """Take an entry of about so many bytes; it is written later, if the run is kept."""
        self._size += size + ENTRY
        if self.is_whole and self._size > self._most:
            self._give_up()
        kept = entry if self.is_whole else _bare(entry)
        if kept is None:
            return
        self._pending.append(kept)
        if self.is_kept and (self._writing is None or self._writing.done()):
            self._writing = asyncio.get_running_loop().create_task(self._write_soon())

    def _give_up(self) -> None:
        """Whatever is written next says first that answers are missing from here on."""
        self.is_whole = False
        bare = map(_bare, self._pending)
        self._pending = [Outgrown(), *(each for each in bare if each is not None)]

    async def _write_soon(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_GATHER):
                await self._closing.wait()
        try:
            await self.flush()
        except OnehopError as error:  # the next call that changes something finds out
            _log.info("what the run %s was answered is not written yet: %s", self.run.run_id, error)

    async def keep(self, *more: Entry) -> None:
        """In the store from now on: the run, all entries so far, and ``more``.

        Raises StoreError, and LostRunError when another process owns it.
        """
        self._pending += more
        if not self.is_kept:
            async with self._turn:
                if not self.is_kept:
                    await self._store.add_run(self.run)
                    self.is_kept = True
        await self.flush()

    async def flush(self) -> None:
        """In the store from now on: all entries so far. Raises as ``keep``.

        A caller that leaves meanwhile changes nothing: half-written entries would be written again.
        """
        task = asyncio.get_running_loop().create_task(self._flush())
        self._flushing.add(task)
        task.add_done_callback(self._flushed)
        await asyncio.shield(task)

    def _flushed(self, task: asyncio.Task[None]) -> None:
        self._flushing.discard(task)
        if not task.cancelled():
            task.exception()  # seen, also when its caller has left

    async def _flush(self) -> None:
        async with self._turn:
            if not self._pending:
                return
            waiting, self._pending = self._pending, []
            entries = [each() if callable(each) else each for each in waiting]
            try:
                await self._write(entries)
            except BaseException:
                self._pending = [*entries, *self._pending]
                raise

    async def _write(self, entries: list[Entry]) -> None:
        run, number = self.run, self._last[1] + 1 if self._last[0] == self.run.fence else 1
        place = run.fence, number
        text = write_entries(place, entries, self._last)
        part = self._sealer.seal(text, f"{run.run_id} log")
        head = seal_head(run.run_id, place, self._sealer)
        if not await self._store.add_run_part(run.run_id, run.fence, number, part, head):
            raise LostRunError(f"another server has taken over the run {run.run_id}")
        self._last = place

    async def change(self, change: RunChange) -> None:
        """Change what is kept of the run. Raises as ``keep``."""
        if not await self._store.change_run(self.run.run_id, self.run.fence, change):
            raise LostRunError(f"another server has taken over the run {self.run.run_id}")

    async def aclose(self) -> None:
        """Write what can be written."""
        self._closing.set()
        if self._writing is not None:
            await asyncio.wait([self._writing])
        if self.is_kept:
            try:
                await self.flush()
            except (StoreError, LostRunError) as error:
                _log.info("the log of the run %s ends early: %s", self.run.run_id, error)


def _bare(entry: Entry | Later) -> Entry | Later | None:
    """What is kept of an entry once answers are not: what a run called, and what it changed."""
    if isinstance(entry, Made):
        return entry if entry.kind == "call" else None
    if isinstance(entry, Answered):
        return None if entry.call is None else replace(entry, value=None, error=None)
    return entry.bare if callable(entry) else entry
