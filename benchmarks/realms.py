"""Both isolation classes beside a bare Deno: runs a second, CPU time, and memory over many runs.

CPU time is that of all processes, which other work on the machine disturbs less than the clock.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from deno import find_deno_bin

from benchmarks._program import Options, main
from benchmarks._report import Budget, Report
from onehop import Sandbox
from onehop.types import Isolation

_ONE = "return 1 + 1"
_COMPUTE = """
const fib = (n) => n < 2 ? n : fib(n - 1) + fib(n - 2);
return fib(30)"""
_COMPUTE_VALUE = 832040


@dataclass(frozen=True)
class Found:
    """One slice of one way to run code."""

    rate: float
    """Runs a second."""
    host: float
    """CPU time of this process for each run, in ms."""
    guest: float
    """CPU time of the run itself, in ms."""


async def measure(options: Options) -> Report:
    """Slices that take turns."""
    report = Report("realms", "Realms beside fresh processes")
    runs = options.pick(2000, 200)
    found: dict[str, list[Found]] = defaultdict(list)
    async with Sandbox() as sandbox:
        ways = _ways(sandbox)
        for _ in range(options.pick(5, 2)):
            for name, (way, share) in ways.items():
                found[name].append(await way(max(4, int(runs * share))))
        growth = await _growth(sandbox, options.pick(100_000, 2000))
        compute = await _compute(sandbox, options.pick(5, 2))
    _fill(report, found, compute, growth)
    return report


Way = Callable[[int], Awaitable[Found]]


def _ways(sandbox: Sandbox) -> dict[str, tuple[Way, float]]:
    """By name, and the share of the runs that each makes in a slice."""

    async def realm_map(count: int) -> Found:
        return await _map(sandbox, count, "realm")

    async def process_map(count: int) -> Found:
        return await _map(sandbox, count, "process")

    async def realm_calls(count: int) -> Found:
        return await _calls(sandbox, count, "realm")

    return {
        "realm, map": (realm_map, 1.0),
        "realm, one call after the other": (realm_calls, 0.5),
        "process, map": (process_map, 0.05),
        "bare deno run": (_bare, 0.02),
    }


async def _map(sandbox: Sandbox, count: int, isolation: Isolation) -> Found:
    requests = ({"code": _ONE} for _ in range(count))
    return await _timed(sandbox.map(requests, isolation=isolation), count)


async def _calls(sandbox: Sandbox, count: int, isolation: Isolation) -> Found:
    async def results() -> AsyncIterator[Any]:
        for _ in range(count):
            yield await sandbox.execute(_ONE, isolation=isolation)

    return await _timed(results(), count)


async def _timed(results: AsyncIterator[Any], count: int) -> Found:
    began, cpu, guest = perf_counter(), process_time(), 0.0
    async for result in results:
        assert result.output == 2, result
        guest += result.resource_usage.cpu_time
    seconds = perf_counter() - began
    return Found(count / seconds, (process_time() - cpu) / count * 1000, guest / count)


async def _bare(count: int) -> Found:
    """``deno eval`` without a jail, as many at once as there are processors."""
    lanes = os.cpu_count() or 1
    before, began = os.times(), perf_counter()
    await asyncio.gather(*(_lane(count // lanes or 1) for _ in range(lanes)))
    after, seconds = os.times(), perf_counter() - began
    done = lanes * (count // lanes or 1)
    used = after.children_user - before.children_user
    used += after.children_system - before.children_system
    return Found(done / seconds, 0.0, used / done * 1000)


async def _lane(count: int) -> None:
    for _ in range(count):
        process = await asyncio.create_subprocess_exec(
            find_deno_bin(), "eval", "1 + 1", stdout=subprocess.DEVNULL
        )
        assert await process.wait() == 0


async def _compute(sandbox: Sandbox, count: int) -> dict[str, float]:
    """CPU time of a recursion, in ms, by class."""
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(count):
        for isolation in ("process", "realm"):
            result = await sandbox.execute(_COMPUTE, isolation=isolation)
            assert result.output == _COMPUTE_VALUE
            times[isolation].append(result.resource_usage.cpu_time)
    return {name: min(values) for name, values in times.items()}


async def _growth(sandbox: Sandbox, runs: int) -> tuple[float, float, int]:
    """The resident memory of this process and its workers, in MB, early and at the end."""
    early = 0.0
    count = 0
    async for _ in sandbox.map(({"code": _ONE} for _ in range(runs)), isolation="realm"):
        count += 1
        if count == runs // 10:
            early = _resident()
    return early, _resident(), runs


def _resident() -> float:
    """Of this process: the workers' is bounded by their replacement."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def _fill(
    report: Report,
    found: dict[str, list[Found]],
    compute: dict[str, float],
    growth: tuple[float, float, int],
) -> None:
    table = report.table(
        "Runs of `return 1 + 1`, medians of slices",
        *("way", "a second", "CPU of the host, ms", "CPU of the run, ms", "against process"),
    )
    rates = {name: median(each.rate for each in slices) for name, slices in found.items()}
    for name, slices in found.items():
        host, guest = (median(_column(slices, column)) for column in ("host", "guest"))
        table.add(name, rates[name], host, guest, rates[name] / rates["process, map"])
    early, late, runs = growth
    memory = report.table(
        "MB of the host after a tenth of the runs, and at the end", "runs", "early", "late"
    )
    memory.add(runs, early, late)
    sums = report.table("fib(30), best CPU time in ms", "process", "realm")
    sums.add(compute["process"], compute["realm"])
    report.budgets += [
        Budget("realm through map", rates["realm, map"], "≥", 4500.0, "a second"),
        Budget(
            "realm, single calls", rates["realm, one call after the other"], "≥", 1000.0, "a second"
        ),
        Budget("memory over many runs", late - early, "≤", 20.0, "MB more"),
    ]


def _column(slices: list[Found], name: str) -> Iterator[float]:
    return (getattr(each, name) for each in slices)


if __name__ == "__main__":
    main("realms", measure)
