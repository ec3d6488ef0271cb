"""A batch from start to end: what is left of the requests, run, and their results written."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from onehop.batches._requests import Line, Requests
from onehop.batches._results import ResultsFile
from onehop.config import SandboxConfig
from onehop.runs.watching import Watcher
from onehop.sandbox import Sandbox
from onehop.sandbox.mapping import attempting, mapped, refused
from onehop.types import ExecutionResult, Isolation


@dataclass(slots=True)
class Progress:
    """How far a batch is."""

    total: int | None = None
    """Requests in all; None as long as nobody has counted them."""
    skipped: int = 0
    """Had a result already."""
    failed_before: Counter[str] = field(default_factory=Counter)
    """Of those, by the type of the error."""
    succeeded: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """By the type of the error."""
    cpu_time: float = 0.0
    """ms of all runs."""
    began: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        """Run by this process."""
        return self.succeeded + self.failed.total()

    @property
    def all_failed(self) -> int:
        """Failures in the results, of this process and of earlier ones."""
        return self.failed.total() + self.failed_before.total()

    @property
    def rate(self) -> float:
        """Runs a second."""
        return self.done / max(time.monotonic() - self.began, 1e-9)

    @property
    def left(self) -> float | None:
        """Seconds, at the present rate; None when that is not known."""
        if self.total is None or self.done == 0:
            return None
        return max(0, self.total - self.skipped - self.done) / self.rate

    def note(self, result: ExecutionResult) -> None:
        self.cpu_time += result.resource_usage.cpu_time
        if result.error_info is None:
            self.succeeded += 1
        else:
            self.failed[result.error_info.type] += 1


@dataclass(frozen=True, slots=True)
class Batch:
    """What to run, how, and where the results go."""

    requests: Requests
    results: ResultsFile
    config: SandboxConfig
    isolation: Isolation | None = None
    concurrency: int | None = None
    ordered: bool = True
    watchers: Sequence[Watcher] = ()
    """They hear of each stage of each run."""
    traceparent: str | None = None
    """The caller's place in a trace, which the runs are parts of."""

    async def run(self, hear: Callable[[Progress], None]) -> Progress:
        """Run what has no result yet; ``hear`` is called after each. Raises ConfigError, OSError
        and what a sandbox raises; results that are there are kept."""
        before = self.results.finished
        progress = Progress(skipped=before.count, failed_before=before.failed)
        hear(progress)
        counting = asyncio.create_task(self._count(progress))
        try:
            async with Sandbox(self.config, watchers=self.watchers) as sandbox:
                progress.began = time.monotonic()
                async for line, result in self._results(sandbox):
                    self.results.write(line.number, line.identifier, result)
                    progress.note(result)
                    hear(progress)
        finally:
            counting.cancel()
        return progress

    async def _count(self, progress: Progress) -> None:
        progress.total = await asyncio.to_thread(self.requests.count)

    def _results(self, sandbox: Sandbox) -> AsyncIterator[tuple[Line, ExecutionResult]]:
        once = partial(sandbox.execute, isolation=self.isolation, traceparent=self.traceparent)
        attempt = attempting(once)

        async def run(line: Line) -> tuple[Line, ExecutionResult]:
            if line.error is not None:
                return line, refused(line.arguments, line.error)
            return line, await attempt(line.arguments)

        most = self.concurrency or self.config.max_concurrency
        left = self.requests.left(self.results.finished)
        return mapped(run, left, concurrency=most, ordered=self.ordered)
