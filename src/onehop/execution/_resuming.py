"""Goes on with paused runs when something was decided about them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from onehop.errors import ConfigError, OnehopError, StoreError
from onehop.execution.keeping import DAY, LEASE, Keeper
from onehop.runs.kept import KeptRun, RunChange

_LOOK: Final = 1.0
"""Seconds between two looks at the store: somebody may have decided at another server."""
_AT_ONCE: Final = 8
"""Runs that one server goes on with at the same time."""
_AGAIN: Final = 2.0
"""Seconds until a run that could not go on is tried again."""

Resume = Callable[[KeptRun], Awaitable[None]]

_log = logging.getLogger(__name__)


class Resumer:
    """Looks for runs that can go on, claims them, and has ``resume`` make each again."""

    def __init__(
        self,
        keeper: Keeper,
        resume: Resume,
        is_ready: Callable[[], bool],
        is_flying: Callable[[str], bool],
    ) -> None:
        """``is_flying``: whether a run is in flight in this process. Such a run goes on by itself,
        also when the store could not be reached for longer than its lease."""
        self._keeper = keeper
        self._resume = resume
        self._is_ready = is_ready
        self._is_flying = is_flying
        self._woken = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._foreign: dict[str, int] = {}
        """Runs that were sealed with another key, and when they are given up."""
        self._said = ""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.get_running_loop().create_task(self._look(), name="onehop.resumer")

    def wake(self) -> None:
        """Something was decided here."""
        self._woken.set()

    async def aclose(self) -> None:
        """Look no more, and wait for the runs that go on: they pause or end with the sandbox."""
        tasks = [each for each in (self._task, *self._running.values()) if each is not None]
        if self._task is not None:
            self._task.cancel()
        if tasks:
            _done, late = await asyncio.wait(tasks, timeout=LEASE)
            for task in late:
                task.cancel()

    async def _look(self) -> None:
        while True:
            self._woken.clear()
            if self._is_ready():
                try:
                    await self._claim_all()
                except StoreError as error:
                    _log.info("paused runs are not looked for now: %s", error)
                except ConfigError as error:
                    self._complain(str(error))
                except Exception:
                    _log.exception("paused runs cannot be looked for; trying again")
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await self._woken.wait()

    def _complain(self, words: str) -> None:
        """Once, for it is tried every second."""
        if words != self._said:
            _log.error("paused runs do not go on: %s", words)
            self._said = words

    async def _claim_all(self) -> None:
        free = _AT_ONCE - len(self._running)
        await self._keeper.prepare()
        if free <= 0 or self._keeper.sealer is None:
            return
        now = await self._keeper.store.time()
        most = free + len(self._foreign)
        for run_id in await self._keeper.store.resumable_runs(now, most):
            if self._is_flying(run_id) or run_id in self._running:
                continue
            if self._foreign.get(run_id, 0) <= now:
                await self._claim(run_id)

    async def _claim(self, run_id: str) -> None:
        sealer, store = self._keeper.sealer, self._keeper.store
        found = await store.kept_run(run_id)
        if found is None or sealer is None:
            return
        now = await store.time()
        if not sealer.is_ours(found.program) and not self._is_given_up(found, now):
            return
        kept = await store.claim_run(run_id, self._keeper.owner, now, now + int(LEASE * 1000))
        if kept is None:
            return  # another server was first
        task = asyncio.get_running_loop().create_task(self._go_on(kept))
        self._running[run_id] = task
        task.add_done_callback(lambda _task: self._ended(run_id))

    def _is_given_up(self, kept: KeptRun, now: int) -> bool:
        """Whether no server with its key has come for so long that the run is ended without it."""
        until = kept.expires_at + self._keeper.config.keep_days * DAY
        if until <= now:
            return True
        if kept.run_id not in self._foreign:
            _log.warning(
                "the paused run %s was sealed with another key: only a server that has it goes on "
                "with it (ONEHOP_RECORDING_KEY). It is given up %d days after its questions expire",
                kept.run_id,
                self._keeper.config.keep_days,
            )
        self._foreign[kept.run_id] = until
        return False

    def _ended(self, run_id: str) -> None:
        self._running.pop(run_id, None)
        self.wake()

    async def _go_on(self, kept: KeptRun) -> None:
        try:
            await self._resume(kept)
        except Exception as error:
            level = logging.INFO if isinstance(error, OnehopError) else logging.ERROR
            _log.log(level, "the run %s cannot go on now: %r", kept.run_id, error)
            store = self._keeper.store
            with suppress(StoreError):
                later = RunChange(lease_until=await store.time() + int(_AGAIN * 1000))
                await store.change_run(kept.run_id, kept.fence, later)
