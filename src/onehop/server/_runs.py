"""Runs in flight, so that others can watch what they print."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from onehop.callers import Caller
from onehop.executor import Executor
from onehop.types import ExecutionResult, LogEntry


class Watched:
    """One run: what it has printed so far, and its result when it has ended."""

    def __init__(self, agent_id: str) -> None:
        self.agent_id = agent_id
        self.task: asyncio.Task[ExecutionResult]
        self._printed: list[LogEntry] = []
        self._moved = asyncio.Event()

    def print(self, entry: LogEntry) -> None:
        """Another console line."""
        self._printed.append(entry)
        self.move()

    def move(self) -> None:
        """There is something new to see."""
        self._moved.set()
        self._moved = asyncio.Event()

    async def lines(self) -> AsyncIterator[LogEntry]:
        """Console lines from the first on, as they are printed, until the run ends."""
        place = 0
        while place < len(self._printed) or not self.task.done():
            moved = self._moved
            if place == len(self._printed):
                await moved.wait()
                continue
            yield self._printed[place]
            place += 1
        if not place and not self.task.cancelled() and self.task.exception() is None:
            for entry in self.task.result().log_entries:  # a repeated call prints nothing anew
                yield entry


class Runs:
    """Starts runs, and finds those that are in flight in this process."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._watched: dict[str, Watched] = {}

    def begin(self, arguments: Mapping[str, Any], caller: Caller) -> Watched:
        """Start a run. Cancelling its task kills it."""
        run = Watched(caller.agent_id)
        work = self._work(run, arguments, caller)
        run.task = asyncio.get_running_loop().create_task(work, name="onehop.run")
        first = self._watched.setdefault(caller.request_id, run) is run
        run.task.add_done_callback(lambda _task: self._ended(run, caller.request_id, first))
        return run

    def find(self, request_id: str) -> Watched | None:
        """The run of this name, while it is in flight."""
        return self._watched.get(request_id)

    def _ended(self, run: Watched, request_id: str, first: bool) -> None:
        if first:
            self._watched.pop(request_id, None)
        run.move()

    async def _work(
        self, run: Watched, arguments: Mapping[str, Any], caller: Caller
    ) -> ExecutionResult:
        return await self._executor.call(arguments, caller, run.print)
