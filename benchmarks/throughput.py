"""Executions a second, sustained, each in a fresh process or context."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack
from statistics import median
from time import perf_counter

from benchmarks._program import Options, main, rounds
from benchmarks._report import Budget, Report
from benchmarks.rivals import open_one
from benchmarks.rivals.base import Rival

_RIVALS = ("onehop", "pydeno", "pydeno fork", "modebox", "quickjs-rs", "deno run")
_CONCURRENCIES = (1, 2, 4, 8)

Rates = dict[tuple[str, int], list[float]]


async def measure(options: Options) -> Report:
    """Rates of every rival at every concurrency, in slices that take turns."""
    report = Report("throughput", "Sustained executions of `return 1 + 1` a second")
    seconds = options.pick(2.0, 1.5)
    slices = [(name, workers) for workers in _CONCURRENCIES for name in _RIVALS]
    rates: Rates = defaultdict(list)
    async for (name, workers), _ in rounds(slices, options.pick(3, 1), warm_up=0):
        if name not in report.absent:
            rate = await _slice(name, workers, seconds, report.absent)
            if rate is not None:
                rates[name, workers].append(rate)
    _fill(report, rates)
    report.notes.append(
        f"Median of slices of {seconds:g} s, after {seconds / 4:g} s of the same load to use up"
        " what was warm. Blocking libraries (pydeno, quickjs-rs) run one thread for each"
        " concurrent run."
    )
    return report


async def _slice(name: str, workers: int, seconds: float, absent: dict[str, str]) -> float | None:
    async with AsyncExitStack() as stack:
        rival = await open_one(name, stack, absent)
        if rival is None:
            return None
        await rival.settle()
        await _load(rival, workers, seconds / 4)
        start = perf_counter()
        done = await _load(rival, workers, seconds)
        return done / (perf_counter() - start)


async def _load(rival: Rival, workers: int, seconds: float) -> int:
    """Keep ``workers`` runs going; answers how many ended."""
    end = perf_counter() + seconds
    if rival.blocking:
        lanes = [asyncio.to_thread(asyncio.run, _lane(rival, end)) for _ in range(workers)]
        return sum(await asyncio.gather(*lanes))
    return sum(await asyncio.gather(*(_lane(rival, end) for _ in range(workers))))


async def _lane(rival: Rival, end: float) -> int:
    done = 0
    while perf_counter() < end:
        async with rival.run("return 1 + 1") as value:
            assert value == 2
        done += 1
    return done


def _fill(report: Report, rates: Rates) -> None:
    heads = [f"{workers} at once" for workers in _CONCURRENCIES]
    table = report.table("Runs a second", "rival", *heads, "best vs onehop", "slices")
    medians = {key: median(values) for key, values in rates.items()}
    best: dict[str, float] = {}
    for (name, _), rate in medians.items():
        best[name] = max(best.get(name, 0.0), rate)
    own = best.get("onehop")
    for name in sorted(best, key=best.__getitem__, reverse=True):
        cells = [medians.get((name, workers)) for workers in _CONCURRENCIES]
        table.add(name, *cells, best[name] / own if own else None, len(rates[name, 1]))
    _budgets(report, best)


def _budgets(report: Report, best: dict[str, float]) -> None:
    own, pydeno, forked = (best.get(name) for name in ("onehop", "pydeno", "pydeno fork"))
    report.budgets += [
        Budget("fresh process per run", own, "≥", 80.0, "a second"),
        Budget("against three times pydeno's pool", own, "≥", pydeno and 3 * pydeno, "a second"),
    ]
    if own and forked:
        report.notes.append(
            f"Against pydeno's opt-in fork template the ratio is {own / forked:.1f}."
        )


if __name__ == "__main__":
    main("throughput", measure)
