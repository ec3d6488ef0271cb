"""Runs that only wait: how many fit beside each other, and what each of them takes."""

from __future__ import annotations

import asyncio
import os
import time

from benchmarks._footprint import _descendants, _memory
from benchmarks._program import Options, main
from benchmarks._report import Budget, Report
from onehop import Sandbox
from onehop.config import SandboxConfig
from onehop.tools import tool

_PLACES = 4
_STEADY = 3.0
"""Seconds over which the processor's time is taken while all wait."""
_PATIENCE = 600.0


async def measure(options: Options) -> Report:
    """Start many runs that wait for one tool, look at them, and let them end."""
    report = Report("waiting", "Runs that only wait")
    table = report.table(
        "of each run that waits for a tool",
        *("runs", "places", "own memory (MB)", "host (KB)", "CPU (ms a second)", "succeeded"),
    )
    own = None
    for count in options.pick((50, 200, 1000), (25, 100)):
        cells = await _waiting(count)
        own = cells[2]
        table.add(*cells)
    report.budgets.append(Budget("memory of a run that only waits", own, "≤", 20.0, "MB"))
    report.notes.append(
        f"All runs wait at the same time, with {_PLACES} places for code that computes. Own memory:"
        " Private_Clean + Private_Dirty of the worker. Host: what the Python process grew by. CPU:"
        " of host and workers together, over a few seconds in which nothing happens."
    )
    return report


async def _waiting(count: int) -> tuple[int, int, float, float, float, int]:
    gate = asyncio.Event()

    @tool(effect="read")
    async def wait() -> str:
        """Answer when the gate opens."""
        await gate.wait()
        return "open"

    config = SandboxConfig(max_concurrency=_PLACES, max_waiting=count * 2, max_queue=count)
    async with Sandbox(config, tools=[wait]) as sandbox:
        await sandbox.execute("return 1")
        before, host = set(_descendants(os.getpid())), _memory(os.getpid()).own
        code = "return await tools.wait()"
        runs = [asyncio.create_task(sandbox.execute(code)) for _ in range(count)]
        await _until_all_rest(sandbox, count)
        used = _cpu_seconds()
        await asyncio.sleep(_STEADY)
        used = (_cpu_seconds() - used) / _STEADY
        workers = [_memory(pid).own for pid in _descendants(os.getpid()) if pid not in before]
        grown = _memory(os.getpid()).own - host
        gate.set()
        results = await asyncio.gather(*runs)
    succeeded = sum(result.output == "open" for result in results)
    median = sorted(workers)[len(workers) // 2]
    return count, _PLACES, median, grown * 1024 / count, used * 1000 / count, succeeded


async def _until_all_rest(sandbox: Sandbox, count: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        state = sandbox.pool_state()
        if state is not None and state.resting == count:
            return
        assert time.monotonic() < deadline, f"of {count} runs: {state}"
        await asyncio.sleep(0.1)


def _cpu_seconds() -> float:
    """Of this process and of all that it has started."""
    ticks = 0
    for pid in [os.getpid(), *_descendants(os.getpid())]:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main("waiting", measure)
