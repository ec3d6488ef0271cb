"""A job, how it ended, and its state while it runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from onehop.jail import Exit
from onehop.limits import Limits
from onehop.types import LogEntry, OnLog
from onehop.workers import _measure
from onehop.workers.protocol import (
    SMALL_BODY,
    Failure,
    LargeResult,
    Log,
    Original,
    ProtocolError,
    Result,
)

SAMPLE_SECONDS = 0.05
END_SECONDS = 5.0
"""From SIGKILL to the end of the process, in the worst case."""

Verdict = Literal["exit", "timeout", "memory", "cpu", "threads", "protocol", "cancelled"]
End = Callable[[Verdict, str], None]
"""Ends the run in progress, and says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is asked to run."""

    code: str
    """JavaScript."""
    context_json: str
    capture_console: bool
    limits: Limits
    original: Original | None = None
    """Of code that was TypeScript."""
    on_log: OnLog | None = None
    """Called in the event loop with each console line as it arrives, in order."""


@dataclass(frozen=True, slots=True)
class Died:
    """The run ended without a word from the guest that counts."""

    verdict: Verdict
    detail: str
    """What the host saw: the protocol's complaint, or the engine's last words."""
    exit: Exit | None


@dataclass(slots=True)
class Outcome:
    """How one job ended; all numbers are the host's own."""

    end: Result | LargeResult | Failure | Died
    elapsed: float
    cpu_seconds: float
    peak_bytes: int
    logs: list[LogEntry] = field(default_factory=list)
    logs_dropped: int = 0
    enforcement: tuple[str, ...] = ()


class Run:
    """The state of the job while it runs."""

    def __init__(
        self,
        job: Job,
        loop: asyncio.AbstractEventLoop,
        watched: _measure.Watch,
        end: End,
    ) -> None:
        self.job = job
        self.loop = loop
        self.watched = watched
        self.end = end
        self.start = _measure.Sample(0, 0, 0.0)
        self.started = time.perf_counter()
        self.finished = 0.0
        self.ended: asyncio.Future[None] = loop.create_future()
        self.message: Result | LargeResult | Failure | None = None
        self.verdict: Verdict | None = None
        self.detail = ""
        self.logs: list[LogEntry] = []
        self.log_bytes = 0
        self.deadline = 0.0
        self.timer: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        """Start the clock."""
        self.started = time.perf_counter()

    def watch(self) -> None:
        """Set the deadline and the sampling, which share a timer: most runs need neither."""
        now = self.loop.time()
        self.deadline = now + self.job.limits.timeout
        self._look_later(now)

    def _look_later(self, now: float) -> None:
        self.timer = self.loop.call_at(min(self.deadline, now + SAMPLE_SECONDS), self._look)

    def _look(self) -> None:
        now = self.loop.time()
        if now >= self.deadline:
            self._expire()
        else:
            self._sample(now)

    def _expire(self) -> None:
        self.end("timeout", "")
        # The kill closes the pipe; if that is ever late, do not keep the caller.
        self.timer = self.loop.call_later(END_SECONDS, self.finish, None)

    def _sample(self, now: float) -> None:
        """A backstop behind the kernel's own limits, which count other things."""
        over = self.watched.over_limit(self.start, self.job.limits)
        if over is None:
            self._look_later(now)
        else:
            self.end(over, "")
            self.timer = self.loop.call_at(self.deadline, self._expire)

    def take(self, message: Log | Result | LargeResult | Failure, size: int) -> None:
        """A frame of ``size`` bytes whose turn it is."""
        if isinstance(message, Log):
            self._log(message)
        elif isinstance(message, Result) and size > self.job.limits.output_bytes + SMALL_BODY:
            raise ProtocolError("a result over the output limit")
        else:
            self.finish(message)

    def _log(self, log: Log) -> None:
        limits = self.job.limits
        self.log_bytes += len(log.message)
        if len(self.logs) >= limits.log_entries or self.log_bytes > limits.log_bytes:
            raise ProtocolError("more console output than the job allows")
        if not self.job.capture_console:
            raise ProtocolError("console output that the job forbids")
        elapsed = (time.perf_counter() - self.started) * 1000
        entry = LogEntry(level=log.level, message=log.message, time=round(elapsed, 3))
        self.logs.append(entry)
        if self.job.on_log is not None:  # what it raises is not the worker's fault
            self.loop.call_soon(self.job.on_log, entry)

    def finish(self, message: Result | LargeResult | Failure | None) -> None:
        """It is over, with the guest's answer or without."""
        if not self.ended.done():
            self.message = message
            self.finished = time.perf_counter()
            self.ended.set_result(None)

    def stop(self) -> None:
        """Let the clock rest."""
        if self.timer is not None:
            self.timer.cancel()

    def outcome(
        self,
        end: Result | LargeResult | Failure | Died,
        cpu: float,
        peak: int,
        enforcement: tuple[str, ...],
    ) -> Outcome:
        dropped = 0 if isinstance(end, Died) else end.dropped
        return Outcome(
            end=end,
            elapsed=self.finished - self.started,
            cpu_seconds=cpu,
            peak_bytes=peak,
            logs=self.logs,
            logs_dropped=dropped,
            enforcement=enforcement,
        )
