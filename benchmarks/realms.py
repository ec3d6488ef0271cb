"""Both isolation classes beside a bare Deno, bare contexts of Deno and modebox: rates, CPU, memory.

CPU time is that of all processes, which other work on the machine disturbs less than the clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from deno import find_deno_bin

from benchmarks._program import Options, main
from benchmarks._report import Budget, Report
from benchmarks.rivals.modebox import Modebox
from onehop import Sandbox
from onehop.types import Isolation

_ONE = "return 1 + 1"
_COMPUTE = """
const fib = (n) => n < 2 ? n : fib(n - 1) + fib(n - 2);
return fib(30)"""
_COMPUTE_VALUE = 832040
_CONTEXTS = "bare contexts of Deno"
_WARM = 400
"""Runs before those that count: processes start, and V8 compiles what is hot in them."""
_BARE_CONTEXTS = """
import process from "node:process";
import vm from "node:vm";
const runs = async (count) => {
  for (let i = 0; i < count; i++) {
    const context = vm.createContext(vm.constants.DONT_CONTEXTIFY);
    const run = vm.compileFunction("return (async () => { return 1 + 1 })()", [], {
      parsingContext: context,
    });
    if (await run() !== 2) Deno.exit(1);
    if (i %% 16 === 15) await new Promise((done) => setImmediate(done));
  }
};
await runs(100);
const began = performance.now();
const before = process.cpuUsage();
await runs(%d);
const { user, system } = process.cpuUsage(before);
console.log((performance.now() - began) / 1000, (user + system) / 1000);
"""
"""What a fresh V8 context costs by itself: without a library in it, a jail, limits or messages, and
without the start of the process."""
_BARE_COMPUTE = """
import process from "node:process";
const began = process.cpuUsage();
const value = (() => {%s})();
const { user, system } = process.cpuUsage(began);
console.log((user + system) / 1000, value);
"""


@dataclass(frozen=True)
class Found:
    """One slice of one way to run code."""

    rate: float
    """Runs a second."""
    host: float
    """CPU time of this process for each run, in ms."""
    guest: float
    """CPU time of the other processes for each run, in ms."""


async def measure(options: Options) -> Report:
    """Slices that take turns."""
    report = Report("realms", "Realms beside fresh processes")
    runs = options.pick(2000, 200)
    found: dict[str, list[Found]] = defaultdict(list)
    async with Sandbox() as sandbox, _modebox() as modebox:
        ways = _ways(sandbox) | modebox
        for _ in range(options.pick(5, 2)):
            for name, (way, share) in ways.items():
                found[name].append(await way(max(4, int(runs * share))))
        growth = await _growth(sandbox, options.pick(100_000, 2000))
        private = max(map(_private, _realm_processes()), default=0.0)
        compute = await _compute(sandbox, options.pick(5, 2))
    _fill(report, found, compute, growth)
    _fill_memory(report, growth, private)
    return report


@asynccontextmanager
async def _modebox() -> AsyncIterator[dict[str, tuple[Way, float]]]:
    """Where it is installed."""
    if Modebox.version() is None:
        yield {}
        return
    rival = Modebox()
    await rival.open()

    async def calls(count: int) -> Found:
        began, cpu = perf_counter(), process_time()
        for _ in range(count):
            async with rival.run(_ONE) as value:
                assert value == 2, value
        seconds = perf_counter() - began
        return Found(count / seconds, (process_time() - cpu) / count * 1000, 0.0)

    try:
        yield {"modebox, one call after the other": (calls, 0.5)}
    finally:
        await rival.aclose()


Way = Callable[[int], Awaitable[Found]]


def _ways(sandbox: Sandbox) -> dict[str, tuple[Way, float]]:
    """By name, and the share of the runs that each makes in a slice."""

    async def realm_map(count: int) -> Found:
        await _map(sandbox, _WARM, "realm")  # the slices of others last longer than an idle process
        return await _map(sandbox, count, "realm")

    async def process_map(count: int) -> Found:
        return await _map(sandbox, count, "process")

    async def realm_calls(count: int) -> Found:
        await _map(sandbox, _WARM, "realm")
        return await _calls(sandbox, count, "realm")

    return {
        "realm, map": (realm_map, 1.0),
        "realm, one call after the other": (realm_calls, 0.5),
        "process, map": (process_map, 0.05),
        "bare deno run": (_bare, 0.02),
        _CONTEXTS: (_bare_contexts, 1.0),
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
    before, began, cpu = _used_below(), perf_counter(), process_time()
    async for result in results:
        assert result.output == 2, result
    seconds, own = perf_counter() - began, process_time() - cpu
    return Found(count / seconds, own / count * 1000, (_used_below() - before) / count * 1000)


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
        await _deno("1 + 1")


async def _bare_contexts(count: int) -> Found:
    """In as many processes as there are processors; a process has as many as one of ours has."""
    lanes = os.cpu_count() or 1
    each = count // lanes or 1
    told = await asyncio.gather(*(_deno(_BARE_CONTEXTS % each) for _ in range(lanes)))
    seconds, used = zip(*(map(float, line.split()) for line in told), strict=True)
    return Found(lanes * each / max(seconds), 0.0, sum(used) / (lanes * each))


async def _deno(code: str) -> str:
    process = await asyncio.create_subprocess_exec(
        find_deno_bin(), "eval", code, stdout=subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def _compute(sandbox: Sandbox, count: int) -> dict[str, float]:
    """CPU time of a recursion, in ms, by class."""
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(count):
        for isolation in ("process", "realm"):
            result = await sandbox.execute(_COMPUTE, isolation=isolation)
            assert result.output == _COMPUTE_VALUE
            times[isolation].append(result.resource_usage.cpu_time)
        milliseconds, value = (await _deno(_BARE_COMPUTE % _COMPUTE)).split()
        assert int(value) == _COMPUTE_VALUE
        times["bare"].append(float(milliseconds))
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


def _below() -> list[int]:
    """All processes below this one."""
    found: list[int] = []
    pending = [os.getpid()]
    while pending:
        pid = pending.pop()
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                children = Path(f"/proc/{pid}/task/{task}/children").read_text().split()
                pending += map(int, children)
                found += map(int, children)
    return found


def _realm_processes() -> list[int]:
    """Those below this process that run Deno; a sandbox has others too."""
    return [pid for pid in _below() if _command(pid) == "deno"]


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _used_below() -> float:
    """CPU seconds of all processes below this one, and of those that they have reaped."""
    ended = os.times()
    total = ended.children_user + ended.children_system
    for pid in _below():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return total


def _private(pid: int) -> float:
    """Memory in MB that is the process's alone. Clean pages are not: they are of Deno's file, in
    the kernel's cache, and count as private as long as no other process has them mapped."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        parts = [line.split() for line in lines if line.startswith("Private_Dirty")]
        return sum(int(part[1]) for part in parts) / 1024
    return 0.0


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
        *("way", "a second", "CPU of the host, ms", "CPU of the others, ms"),
        *("a second by CPU", "against process", "against bare contexts"),
    )
    rates = {name: median(each.rate for each in slices) for name, slices in found.items()}
    costs = {name: _costs(slices) for name, slices in found.items()}
    cores = os.cpu_count() or 1
    by_cpu = {name: cores * 1000 / (host + guest) for name, (host, guest) in costs.items()}
    for name in found:
        shares = (by_cpu[name] / by_cpu[other] for other in ("process, map", _CONTEXTS))
        table.add(name, rates[name], *costs[name], by_cpu[name], *shares)
    early, late, _runs = growth
    sums = report.table("fib(30), best time in ms", "process", "realm", "bare Deno")
    sums.add(compute["process"], compute["realm"], compute["bare"])
    rival = [name for name in rates if name.startswith("modebox")]
    times = rates["realm, map"] / rates[rival[0]] if rival else None
    report.budgets += [
        Budget("realm through map, beside modebox", times, "≥", 2.0, "times as many"),
        Budget("realm through map", rates["realm, map"], "≥", 4500.0, "a second"),
        Budget(
            "realm through map, by CPU time",
            by_cpu["realm, map"] / by_cpu[_CONTEXTS],
            "≥",
            0.8,
            "of bare contexts",
        ),
        Budget(
            "realm, single calls", rates["realm, one call after the other"], "≥", 1000.0, "a second"
        ),
        Budget("memory over many runs", late - early, "≤", 20.0, "MB more"),
        Budget("compute", compute["realm"] / compute["bare"], "≤", 1.1, "of bare Deno's time"),
    ]


def _fill_memory(report: Report, growth: tuple[float, float, int], private: float) -> None:
    early, late, runs = growth
    table = report.table("MB", "runs", "host after a tenth", "host at the end", "largest process")
    table.add(runs, early, late, private)
    report.budgets.append(Budget("private memory of a process", private, "≤", 40.0, "MB"))


def _costs(slices: list[Found]) -> tuple[float, float]:
    """CPU time of this process and of the others, in ms for each run."""
    return median(each.host for each in slices), median(each.guest for each in slices)


if __name__ == "__main__":
    main("realms", measure)
