"""Runs in flight, so that others can watch what they print."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any, Final

from onehop.execution.executor import Executor
from onehop.runs.callers import Caller
from onehop.sandbox.calls import Beside, Narrowing
from onehop.types import ExecutionResult, LogEntry, Progress

ALL: Final = Narrowing()
"""All tools, and no rules beside those of the server and the agent."""
Name = tuple[str, str]
"""An agent and its request id."""


class Watched:
    """One run: what it has printed so far, and its result when it has ended."""

    def __init__(self, agent_id: str) -> None:
        self.agent_id = agent_id
        self.outcome: asyncio.Future[ExecutionResult]
        """Of a run that was begun: its task. Cancelling that kills it."""
        self._printed: list[LogEntry | Progress] = []
        self._moved = asyncio.Event()

    def print(self, entry: LogEntry | Progress) -> None:
        """Another console line, or how far the code says that it is."""
        self._printed.append(entry)
        self.move()

    def move(self) -> None:
        """There is something new to see."""
        self._moved.set()
        self._moved = asyncio.Event()

    async def lines(self) -> AsyncIterator[LogEntry | Progress]:
        """Console lines and progress from the first on, as they come, until the run ends."""
        place = 0
        while place < len(self._printed) or not self.outcome.done():
            moved = self._moved
            if place == len(self._printed):
                await moved.wait()
                continue
            yield self._printed[place]
            place += 1
        if not place and not self.outcome.cancelled() and self.outcome.exception() is None:
            for entry in self.outcome.result().log_entries:  # a repeated call prints nothing anew
                yield entry


class Runs:
    """Starts runs, and finds those that are in flight in this process."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._watched: dict[Name, Watched] = {}

    def begin(
        self,
        arguments: Mapping[str, Any],
        caller: Caller,
        narrowing: Narrowing = ALL,
        beside: Beside | None = None,
    ) -> Watched:
        """Start a run in a task of its own, with tools ``beside`` the server's."""
        run = Watched(caller.agent_id)
        work = self._call(arguments, caller, run, narrowing, beside)
        run.outcome = asyncio.get_running_loop().create_task(work, name="onehop.run")
        first = self._watched.setdefault(_name(caller), run) is run
        run.outcome.add_done_callback(lambda _task: self._ended(run, _name(caller), first))
        return run

    async def here(
        self,
        arguments: Mapping[str, Any],
        caller: Caller,
        narrowing: Narrowing = ALL,
        beside: Beside | None = None,
    ) -> ExecutionResult:
        """As ``begin``, but in the awaiting task, which goes on in the very turn of the loop that
        brings the result: before the worker is killed and the next one started. Cancelling it
        kills the run.
        """
        run = Watched(caller.agent_id)
        run.outcome = asyncio.get_running_loop().create_future()
        first = self._watched.setdefault(_name(caller), run) is run
        try:
            result = await self._call(arguments, caller, run, narrowing, beside)
        except BaseException as error:
            _fail(run.outcome, error)
            raise
        else:
            run.outcome.set_result(result)
            return result
        finally:
            self._ended(run, _name(caller), first)

    def _call(
        self,
        arguments: Mapping[str, Any],
        caller: Caller,
        run: Watched,
        narrowing: Narrowing,
        beside: Beside | None,
    ) -> Coroutine[Any, Any, ExecutionResult]:
        layers = [narrowing.rules] if narrowing.rules else ()
        return self._executor.call(
            arguments,
            caller,
            run.print,
            narrowing.tools,
            layers,
            on_progress=run.print,
            beside=beside,
        )

    def find(self, request_id: str, agent_id: str | None = None) -> Watched | None:
        """An agent's run of this name, while it is in flight; any agent's for None."""
        if agent_id is not None:
            return self._watched.get((agent_id, request_id))
        names = (name for name in self._watched if name[1] == request_id)
        return self._watched.get(next(names, ("", "")))

    def _ended(self, run: Watched, name: Name, first: bool) -> None:
        if first:
            self._watched.pop(name, None)
        run.move()


def _name(caller: Caller) -> Name:
    return caller.agent_id, caller.request_id


def _fail(outcome: asyncio.Future[ExecutionResult], error: BaseException) -> None:
    if isinstance(error, asyncio.CancelledError):
        outcome.cancel()
    else:
        outcome.set_exception(error)
        outcome.exception()  # seen, also when nobody watches
