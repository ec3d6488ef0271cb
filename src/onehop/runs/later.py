"""Runs that go on after their caller has been answered, and their results until a stated end."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from onehop import types
from onehop.errors import RunNotFoundError
from onehop.types import code_hash

if TYPE_CHECKING:
    from onehop.types import ExecutionResult, PendingApproval

RETENTION_SECONDS: Final = 3600.0
"""From the end of a run to the time when its result is dropped here."""
_MOST_RESULTS: Final = 200
"""Of one agent; the oldest goes first."""
_MOST_BYTES: Final = 64 << 20
"""Of all results; the agent that keeps the most loses its oldest."""
_FAREWELL: Final = 10.0

Name = tuple[str, str]
"""An agent and the id of its run."""
Work = Coroutine[Any, Any, "ExecutionResult"]


class Pause(Protocol):
    """Says when the caller of a run is answered because people must decide about it."""

    @property
    def begun(self) -> asyncio.Event:
        """Set from then on."""
        ...

    def result(self) -> ExecutionResult | None:
        """What the run waits for now; None when it goes on."""
        ...


@dataclass(slots=True)
class _Kept:
    task: asyncio.Task[ExecutionResult]
    running: ExecutionResult
    pause: Pause | None
    size: int = 0
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    @property
    def unfinished(self) -> ExecutionResult:
        """What callers get before its end."""
        return (self.pause and self.pause.result()) or self.running


class Later:
    """Runs by agent and id."""

    def __init__(self) -> None:
        self._runs: OrderedDict[Name, _Kept] = OrderedDict()

    @property
    def paused(self) -> int:
        """Runs that go on here and have been answered as paused."""
        return sum(
            each.pause is not None and each.pause.begun.is_set() and not each.task.done()
            for each in self._runs.values()
        )

    async def start(
        self,
        agent_id: str,
        run_id: str,
        code: str,
        work: Work,
        after: float | None,
        pause: Pause | None = None,
    ) -> ExecutionResult:
        """The result of ``work`` if it is there within ``after`` seconds and before its ``pause``,
        else that it runs or waits; then ``wait`` gives the rest. Cancelling before that kills the
        run. Raises what ``work`` raises.
        """
        task = asyncio.get_running_loop().create_task(work, name="onehop.later")
        try:
            await _ended_or_paused(task, after, pause)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait([task])
            raise
        if task.done():
            return task.result()
        running = still_running(run_id, code_hash(code))
        kept = self._runs[agent_id, run_id] = _Kept(task, running, pause)
        task.add_done_callback(lambda _task: self._ended((agent_id, run_id), kept))
        return kept.unfinished

    async def wait(self, agent_id: str, run_id: str, timeout: float | None) -> ExecutionResult:
        """The result, or that it still runs or waits after ``timeout`` seconds. Raises
        RunNotFoundError, and what the run has raised."""
        kept = self._runs.get((agent_id, run_id))
        if kept is None:
            raise RunNotFoundError(
                f"no run {run_id[:80]!r} is known here: a result is kept for "
                f"{RETENTION_SECONDS / 60:g} minutes"
            )
        await asyncio.wait([kept.task], timeout=timeout)
        return kept.task.result() if kept.task.done() else kept.unfinished

    def when_ended(self, agent_id: str, run_id: str, callback: Callable[[], None]) -> None:
        """Call back when the run has ended, at once if it has."""
        kept = self._runs.get((agent_id, run_id))
        if kept is None:
            callback()
        else:
            kept.task.add_done_callback(lambda _task: callback())

    def _ended(self, name: Name, kept: _Kept) -> None:
        if not kept.task.cancelled() and kept.task.exception() is None:
            from pydantic_core import to_json  # not before a sandbox is open

            kept.size = len(to_json(kept.task.result().output, inf_nan_mode="null"))
        loop = asyncio.get_running_loop()
        kept.timer = loop.call_later(RETENTION_SECONDS, self._drop, name)
        self._make_room(name[0])

    def _make_room(self, agent_id: str) -> None:
        own = [name for name, each in self._runs.items() if each.timer and name[0] == agent_id]
        for name in own[: max(0, len(own) - _MOST_RESULTS)]:
            self._drop(name)
        while sum(each.size for each in self._runs.values()) > _MOST_BYTES:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        """Of the agent whose results are the largest."""
        sizes: dict[str, int] = {}
        for (agent, _), each in self._runs.items():
            sizes[agent] = sizes.get(agent, 0) + each.size
        most = max(sizes, key=sizes.__getitem__)
        ended = (name for name, each in self._runs.items() if name[0] == most and each.size)
        self._drop(next(ended))

    def _drop(self, name: Name) -> None:
        kept = self._runs.pop(name, None)
        if kept is not None and kept.timer is not None:
            kept.timer.cancel()

    async def aclose(self) -> None:
        """Wait for runs that are ending, end the others, and forget every result."""
        tasks = [each.task for each in self._runs.values()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_FAREWELL)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        for name in list(self._runs):
            self._drop(name)
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                task.exception()  # seen, though nobody waits for it any more


async def _ended_or_paused(
    task: asyncio.Task[ExecutionResult], after: float | None, pause: Pause | None
) -> None:
    if pause is None:
        await asyncio.wait([task], timeout=after)
        return
    begun = asyncio.get_running_loop().create_task(pause.begun.wait())
    try:
        await asyncio.wait([task, begun], timeout=after, return_when=asyncio.FIRST_COMPLETED)
    finally:
        begun.cancel()


def still_running(run_id: str, digest: str = "") -> ExecutionResult:
    """The result of a run that goes on; ``digest`` is the hash of its code, if it is known."""
    return types.ExecutionResult(
        success=True,
        status="running",
        code_hash=digest,
        resource_usage=types.ResourceUsage(memory=0),
        request_id=run_id,
    )


def paused(digest: str, request_id: str, waiting: list[PendingApproval]) -> ExecutionResult:
    """The result of a run that waits for people; ``digest`` is the code's hash."""
    return types.ExecutionResult(
        success=True,
        status="paused",
        code_hash=digest,
        resource_usage=types.ResourceUsage(memory=0),
        request_id=request_id,
        approvals=waiting,
    )
