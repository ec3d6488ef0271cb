"""What the server's doors add to ``return 1 + 1``: HTTP and MCP, raw and by their own clients."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks._doors import Door, Run, doors
from benchmarks._program import PAUSE, Options, main, rounds
from benchmarks._report import Budget, Report
from benchmarks._server import guarded
from benchmarks._stats import percentile

_CODE = "return 1 + 1"
_LIBRARY = "library"

Times = dict[str, list[float]]


async def measure(options: Options) -> Report:
    """Every door in turn, each with a worker that is warm."""
    report = Report("doors", "Latency of `return 1 + 1` through each door")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        async with AsyncExitStack() as stack:
            address = await stack.enter_async_context(guarded(folder / "server"))
            known = doors(_CODE, address, folder)
            times = await _measure(known, options.pick(150, 20), stack)
    _report(report, known, times)
    report.notes += [
        "raw: bytes made before, written to a connection or a pipe that is open already; the"
        " answer's JSON is read. What it takes beyond the library is the server's.",
        "client: what the client's own library costs, the median beyond that of the raw door.",
        "HTTP and MCP over HTTP meet one `onehop serve` with keys, the SQLite store, the journal"
        " and the log of requests on; MCP over stdio one `onehop mcp` for each client.",
        "AgentClient is onehop's own, SDK the client of the package `mcp`.",
    ]
    return report


async def _measure(known: list[Door], count: int, stack: AsyncExitStack) -> Times:
    times = defaultdict(list)
    opened = [(door.name, await stack.enter_async_context(door.open())) for door in known]
    async for (name, run), counts in rounds(opened, count, warm_up=5):
        await asyncio.sleep(PAUSE)
        elapsed = await _timed(run)
        if counts:
            times[name].append(elapsed)
    return times


async def _timed(run: Run) -> float:
    began = perf_counter()
    value = await run()
    elapsed = perf_counter() - began
    assert value == 2
    return elapsed * 1000


def _report(report: Report, known: list[Door], times: Times) -> None:
    table = report.table(
        "Warm, one at a time, ms",
        "door",
        "p25",
        "p50",
        "p95",
        "/ library",
        "+ library",
        "client",
        "n",
    )
    library = median(times[_LIBRARY])
    for door in known:
        own = times[door.name]
        middle = median(own)
        client = None if door.wire is None else middle - median(times[door.wire])
        cells = [percentile(own, percent) for percent in (25, 50, 95)]
        table.add(door.name, *cells, middle / library, middle - library, client, len(own))
        if door.budget is not None:
            report.budgets.append(Budget(f"{door.name}, p50", middle, "≤", door.budget, "ms"))


if __name__ == "__main__":
    main("doors", measure)
