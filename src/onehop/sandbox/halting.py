"""Runs whose worker is ended before the code is: they go on later, or do not."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onehop import types
from onehop.types import code_hash

if TYPE_CHECKING:
    from onehop.sandbox.calls import Stop
    from onehop.types import ExecutionRequest, ExecutionResult, LogEntry, OnLog


class Printed:
    """What a run has printed so far, passed on to ``on_log``."""

    def __init__(self, on_log: OnLog | None) -> None:
        self._on_log = on_log
        self.entries: list[LogEntry] = []

    def hear(self, entry: LogEntry) -> None:
        """A line was printed."""
        self.entries.append(entry)
        if self._on_log is not None:
            self._on_log(entry)


@dataclass
class Halted:
    """A run that must end now; its worker still runs."""

    why: Stop
    _task: asyncio.Task[ExecutionResult]

    async def end(self) -> None:
        """End its worker."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()  # seen: it has ended by itself meanwhile


async def or_stopped(
    running: Coroutine[Any, Any, ExecutionResult], stopped: asyncio.Future[Stop]
) -> ExecutionResult | Halted:
    """The result of a run, unless it is to stop before. Raises what the run raises."""
    task = asyncio.get_running_loop().create_task(running)
    either: list[asyncio.Future[Any]] = [task, stopped]
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        raise
    return Halted(stopped.result(), task) if stopped.done() else task.result()


def halted(why: Stop, request: ExecutionRequest, printed: Printed) -> ExecutionResult:
    """The result of a run that was ended before its code was."""
    entries = printed.entries
    result = types.ExecutionResult(
        success=True,
        status="paused",
        code_hash=code_hash(request.code),
        resource_usage=types.ResourceUsage(memory=0),
        logs=[_line(each) for each in entries],
        log_entries=list(entries),
    )
    return differing(result, "in its calls") if why == "diverged" else result


def differing(result: ExecutionResult, where: str) -> ExecutionResult:
    """The result of a run that was made again, and did something else than before."""
    message = f"the run was made again after its pause, and did something else than before: {where}"
    info = types.ErrorInfo(type="diverged", name="DivergedError", message=message)
    return result.model_copy(
        update={
            "success": False,
            "status": "failed",
            "output": None,
            "error": f"{info.name}: {message}",
            "error_info": info,
        }
    )


def _line(entry: LogEntry) -> str:
    return entry.message if entry.level == "log" else f"[{entry.level.upper()}] {entry.message}"
