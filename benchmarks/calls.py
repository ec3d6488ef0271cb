"""Calls of the host's tools from inside the code: one after the other, at once, many in one run.

And what tools cost a run that calls none.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final

from benchmarks._program import PAUSE, Options, main, rounds
from benchmarks._report import Budget, Report
from benchmarks._stats import percentile, ratio
from benchmarks._tools import many
from onehop import Sandbox, SandboxConfig, ToolLimits, Tools, tool

_SLEEP: Final = 20
_AT_ONCE: Final = 50
_MANY: Final = 2000
_ECHO: Final = """\
import os
while data := os.read(0, 65536):
    os.write(1, data)
"""
_NOTHING: Final = "return 1 + 1"
_ONE: Final = "return await tools.add({a: 1, b: 1})"
_SEQUENCE: Final = """\
const taken = [];
for (let n = 0; n < context.count; n++) {
  const began = performance.now();
  await tools.add({a: n, b: 1});
  taken.push(performance.now() - began);
}
return taken;
"""
_TOGETHER: Final = """\
const began = performance.now();
await Promise.all(Array.from({length: context.count}, () => tools[context.tool]({ms: context.ms})));
return performance.now() - began;
"""
_FLOOD: Final = """\
const began = performance.now();
let left = context.count;
const worker = async () => { while (left-- > 0) await tools.add({a: left, b: 1}); };
await Promise.all(Array.from({length: context.at_once}, worker));
return context.count / (performance.now() - began) * 1000;
"""


@tool(effect="read")
async def add(a: int, b: int) -> int:
    """The sum of two numbers."""
    return a + b


@tool(effect="read")
async def wait(ms: float) -> None:
    """Wait without a thread."""
    await asyncio.sleep(ms / 1000)


@tool(effect="read")
def block(ms: float) -> None:
    """Wait in a thread."""
    time.sleep(ms / 1000)


async def measure(options: Options) -> Report:
    """All of it."""
    report = Report("calls", "Calls of tools from inside the code (library)")
    async with _opened(Tools(add, wait, block)) as sandbox:
        await _sequence(report, sandbox, options.pick(20, 4))
        await _together(report, sandbox, options.pick(40, 8))
        await _flood(report, sandbox, options.pick(10, 3))
    await _idle(report, options.pick(200, 30))
    report.notes += [
        "Taken inside the code, with performance.now. `add` is an async function with a schema from"
        " its signature: its arguments are checked, the call is recorded.",
        "direct: `sandbox.call_tool`, the same call under the same rules from the host. echo: as"
        " many bytes to a process that sends them back, through the same kind of pipe and event"
        " loop: what two changes of process cost here, without any work.",
        "On a busy machine believe the ratios, and CPU time rather than time: it is that of this"
        " process and of the worker during the run, without the worker's start.",
    ]
    return report


@asynccontextmanager
async def _opened(tools: Tools | None) -> AsyncIterator[Sandbox]:
    limits = ToolLimits(calls=_MANY)
    async with Sandbox(SandboxConfig(pool_size=1), tools=tools, tool_limits=limits) as sandbox:
        yield sandbox


async def _run(sandbox: Sandbox, code: str, **context: Any) -> Any:
    await asyncio.sleep(PAUSE)
    result = await sandbox.execute(code, context=context, timeout=30_000)
    assert result.success, result.error
    return result.output


# --- one after the other


async def _sequence(report: Report, sandbox: Sandbox, runs: int) -> None:
    times: dict[str, list[float]] = defaultdict(list)
    async with _echo() as echo:

        async def direct() -> Any:
            return await sandbox.call_tool("add", {"a": 1, "b": 1})

        for _ in range(runs):
            times["from inside"] += await _run(sandbox, _SEQUENCE, count=100)
            times["direct"] += await _times(direct, 100)
            times["echo"] += await _times(echo, 100)
    table = report.table(
        "One after the other, ms", "call", "p10", "p50", "p95", "p50 over echo's", "n"
    )
    for name, taken in times.items():
        cells = [percentile(taken, percent) for percent in (10, 50, 95)]
        table.add(name, *cells, median(taken) / median(times["echo"]), len(taken))
    inside = median(times["from inside"])
    report.budgets.append(Budget("a call from inside, p50", inside, "≤", 0.3, "ms"))


async def _times(call: Callable[[], Awaitable[Any]], count: int) -> list[float]:
    taken = []
    for _ in range(count):
        began = perf_counter()
        await call()
        taken.append((perf_counter() - began) * 1000)
    return taken


@asynccontextmanager
async def _echo() -> AsyncIterator[Callable[[], Awaitable[bytes]]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _ECHO), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    sink, source = process.stdin, process.stdout

    async def echo() -> bytes:
        sink.write(b"x" * 99 + b"\n")
        return await source.readline()

    await echo()
    try:
        yield echo
    finally:
        sink.close()
        await process.wait()


# --- at once


async def _together(report: Report, sandbox: Sandbox, runs: int) -> None:
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(runs):
        for name in ("wait", "block"):
            taken = await _run(sandbox, _TOGETHER, tool=name, count=_AT_ONCE, ms=_SLEEP)
            times[f"from inside, `{name}`"].append(taken)
        times["asyncio.gather of as many sleeps"] += await _times(_sleeps, 1)
    table = report.table(
        f"{_AT_ONCE} calls of {_SLEEP} ms at once, ms", "calls", "p10", "p50", "p95", "n"
    )
    for name, taken in times.items():
        table.add(name, *(percentile(taken, percent) for percent in (10, 50, 95)), len(taken))
    inside = median(times["from inside, `wait`"])
    report.budgets.append(
        Budget(f"{_AT_ONCE} calls of {_SLEEP} ms at once, p50", inside, "≤", 40, "ms")
    )


async def _sleeps() -> None:
    await asyncio.gather(*(asyncio.sleep(_SLEEP / 1000) for _ in range(_AT_ONCE)))


# --- many in one run


async def _flood(report: Report, sandbox: Sandbox, runs: int) -> None:
    rates: dict[int, list[float]] = defaultdict(list)
    for _ in range(runs):
        for at_once in (1, 8, 64):
            rates[at_once].append(await _run(sandbox, _FLOOD, count=_MANY, at_once=at_once))
    table = report.table(
        f"{_MANY} calls in one run, calls a second", "at once", "median", "least", "most", "n"
    )
    for at_once, found in rates.items():
        table.add(str(at_once), median(found), min(found), max(found), len(found))
    best = max(map(median, rates.values()))
    report.budgets.append(Budget("calls a second in one run", best, "≥", 1000, ""))


# --- no calls


async def _idle(report: Report, count: int) -> None:
    """Small runs in sandboxes that take turns."""
    three = Tools(add, wait, block)
    cases = {
        "no tools": (None, _NOTHING),
        "3 tools": (three, _NOTHING),
        "100 tools": (many(100), _NOTHING),
        "17,000 tools": (many(17_000), _NOTHING),
        "3 tools, one is called": (three, _ONE),
    }
    walls: dict[str, list[float]] = defaultdict(list)
    works: dict[str, list[float]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        opened = {
            name: await stack.enter_async_context(_opened(tools))
            for name, (tools, _) in cases.items()
        }
        async for name, counts in rounds([*cases], count, warm_up=3):
            await asyncio.sleep(PAUSE)
            wall, work = await _cost(opened[name], cases[name][1])
            if counts:
                walls[name].append(wall)
                works[name].append(work)
    _report_idle(report, walls, works)


async def _cost(sandbox: Sandbox, code: str) -> tuple[float, float]:
    """Of one run, in ms: time, and CPU time of this process and the worker."""
    began, work = perf_counter(), process_time()
    result = await sandbox.execute(code)
    wall, work = (perf_counter() - began) * 1000, (process_time() - work) * 1000
    assert result.output == 2
    return wall, work + result.resource_usage.cpu_time


def _report_idle(
    report: Report, walls: dict[str, list[float]], works: dict[str, list[float]]
) -> None:
    table = report.table(
        "`return 1 + 1`, ms",
        *("granted", "p10", "p50", "p50 over no tools", "with 95 % confidence"),
        *("CPU p50", "CPU over no tools", "with 95 % confidence", "n"),
    )
    for name, taken in walls.items():
        cells: list[float | str] = []
        for times in (walls, works):
            over = ratio(times[name], times["no tools"])
            cells += [median(times[name]), over.middle, f"{over.low:.2f} to {over.high:.2f}"]
        table.add(name, percentile(taken, 10), *cells, len(taken))
    share = (ratio(works["3 tools"], works["no tools"]).middle - 1) * 100
    report.budgets.append(
        Budget("CPU of a run that calls none of 3 tools, more", share, "≤", 3, "%")
    )


if __name__ == "__main__":
    main("calls", measure)
