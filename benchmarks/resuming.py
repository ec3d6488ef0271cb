"""What it costs that a run can go on after a pause: recording each call, and making the run again.

Two executors take turns: one that keeps runs, and one that does not.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Final, Literal

from benchmarks._program import PAUSE, Options, main
from benchmarks._report import Budget, Report
from benchmarks._stats import difference
from onehop import SandboxConfig, tool
from onehop.config import AnalyticsConfig, AuditConfig, RecordingConfig
from onehop.execution.compose import open_executor
from onehop.execution.executor import Executor
from onehop.runs.decisions import Approve
from onehop.types import ExecutionResult

_CALLS: Final = 50
"""Recorded calls of the run that is made again."""
_READS: Final = 200
"""Calls of a run by which the cost of recording one is found."""
_CODE: Final = """
let sum = 0;
for (let n = 0; n < context.calls; n++) sum += await tools.add({ a: n, b: 1 });
if (context.pays) await tools.pay({ amount: sum });
return sum;
"""
Recorded = Literal["asks", "off"]


@tool(effect="read")
async def add(a: int, b: int) -> int:
    """The sum of two numbers."""
    return a + b


@tool
async def pay(amount: float) -> float:
    """Pay somebody."""
    return amount


async def measure(options: Options) -> Report:
    """Both."""
    report = Report("resuming", "Pause and resume: what recording costs, and making a run again")
    async with AsyncExitStack() as stack:
        kept = await stack.enter_async_context(_opened("asks"))
        plain = await stack.enter_async_context(_opened("off"))
        await _recording(report, kept, plain, options.pick(60, 8))
        await _resuming(report, kept, options.pick(40, 6))
    report.notes += [
        "Time is the wall's; CPU is that of the host's process and of the worker that ran the code,"
        " without the worker's start. On a busy machine believe the CPU time.",
        f"Recording: {_READS} calls of a reading tool, one after the other, in a run that is kept"
        " and in one that is not, in turn; SQLite.",
        f"Resuming: from the decision until the result, of a run that made {_CALLS} calls and then"
        " asked about one. A warm run makes that one call, unasked.",
    ]
    return report


@asynccontextmanager
async def _opened(runs: Recorded) -> AsyncIterator[Executor]:
    os.environ["ONEHOP_TOOLS_APPROVALS"] = "true"
    os.environ["ONEHOP_TOOLS_HOLD"] = "100"
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield await stack.enter_async_context(_executor(folder, runs))


def _executor(folder: Path, runs: Recorded) -> AbstractAsyncContextManager[Executor]:
    audit = AuditConfig(store=f"sqlite:///{folder / 'runs.db'}", journal=str(folder / "journal"))
    return open_executor(
        SandboxConfig(pool_size=2),
        audit=audit,
        analytics=AnalyticsConfig(),
        recording=RecordingConfig(runs=runs),
        tools=[add, pay],
        rules={"ask": [{"tool": "pay", "when": "amount > 0"}]},
        resumes=True,
    )


# --- what recording costs


async def _recording(report: Report, kept: Executor, plain: Executor, rounds: int) -> None:
    walls: dict[str, list[float]] = defaultdict(list)
    costs: dict[str, list[float]] = defaultdict(list)
    for turn in range(2 * (rounds + 1)):
        name = ("kept", "not kept")[turn % 2]
        result, wall, cost = await _timed((kept, plain)[turn % 2], calls=_READS)
        assert result.output == _READS * (_READS + 1) // 2
        if turn > 1:
            walls[name].append(wall / _READS)
            costs[name].append(cost / _READS)
    table = report.table("A reading call, ms", "run", "time p50", "CPU p50", "runs")
    for name in walls:
        table.add(name, median(walls[name]), median(costs[name]), len(walls[name]))
    beyond = difference(walls["kept"], walls["not kept"])
    more = difference(costs["kept"], costs["not kept"])
    table.add("recording alone", beyond.middle, more.middle, None)
    report.budgets.append(Budget("recording a reading call, time", beyond.middle, "≤", 0.1, "ms"))
    report.budgets.append(Budget("recording a reading call, CPU", more.middle, "≤", 0.1, "ms"))


async def _timed(executor: Executor, **context: int) -> tuple[ExecutionResult, float, float]:
    """A run, its ms, and its ms of CPU."""
    await asyncio.sleep(PAUSE)
    began, used = perf_counter(), process_time()
    result = await executor.execute(_CODE, context=context, timeout=30_000)
    wall, cost = perf_counter() - began, process_time() - used
    assert result.success, result.error
    return result, wall * 1000, cost * 1000 + (result.resource_usage.cpu_time or 0)


# --- what going on costs


async def _resuming(report: Report, executor: Executor, rounds: int) -> None:
    walls: dict[str, list[float]] = defaultdict(list)
    costs: dict[str, list[float]] = defaultdict(list)
    for turn in range(rounds + 1):
        again = await _resumed(executor)
        _result, *warm = await _timed(executor, calls=0, pays=1)
        for name, (wall, cost) in {"resumed": again, "warm": (warm[0], warm[1])}.items():
            if turn:
                walls[name].append(wall)
                costs[name].append(cost)
    title = f"A run of {_CALLS} recorded calls that goes on, ms"
    table = report.table(title, "run", "time p50", "CPU p50", "runs")
    for name in walls:
        table.add(name, median(walls[name]), median(costs[name]), len(walls[name]))
    beyond = difference(walls["resumed"], walls["warm"])
    more = difference(costs["resumed"], costs["warm"])
    table.add("beyond a warm run", beyond.middle, more.middle, None)
    report.budgets.append(Budget("resuming, time beyond a warm run", beyond.middle, "≤", 100, "ms"))
    report.budgets.append(Budget("resuming, CPU beyond a warm run", more.middle, "≤", 100, "ms"))


async def _resumed(executor: Executor) -> tuple[float, float]:
    """ms, and ms of CPU, from a decision to the result."""
    paused, *_ = await _timed(executor, calls=_CALLS, pays=1)
    assert paused.status == "paused"
    assert paused.approvals
    assert paused.request_id
    approver, (asked,) = executor.sandbox.approver, paused.approvals
    assert approver is not None
    await asyncio.sleep(PAUSE)
    began, used = perf_counter(), process_time()
    await approver.decide(asked.run_id, {asked.call_id: Approve()}, by="ann")
    result = await executor.wait(paused.request_id, 30_000)
    wall, cost = perf_counter() - began, process_time() - used
    assert result.success, result.error
    return wall * 1000, cost * 1000 + (result.resource_usage.cpu_time or 0)


if __name__ == "__main__":
    main("resuming", measure)
