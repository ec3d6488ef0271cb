"""Compute: how much of V8's speed is left inside the sandbox."""

from __future__ import annotations

import math
from collections import defaultdict
from contextlib import AsyncExitStack
from statistics import median

from benchmarks import _programs_js
from benchmarks._program import Options, main, rest, rounds, timed
from benchmarks._report import Budget, Report
from benchmarks._stats import Interval, ratio
from benchmarks.rivals import open_all

_RIVALS = ("onehop", "deno run", "pydeno", "pydeno jit", "modebox", "quickjs-rs")
_BARE = "deno run"

Times = dict[tuple[str, str], list[float]]


async def measure(options: Options) -> Report:
    """Every program on every rival, timed inside by its own clock and outside by ours."""
    report = Report("compute", "Compute against bare Deno")
    inside: Times = defaultdict(list)
    outside: Times = defaultdict(list)
    checks: dict[str, set[str]] = defaultdict(set)
    count = options.pick(15, 3)
    async with AsyncExitStack() as stack:
        rivals = await open_all(_RIVALS, stack, report.absent)
        pairs = [(rival, name) for name in _programs_js.COMPUTE for rival in rivals]
        async for (rival, name), counts in rounds(pairs, count):
            await rest(rival)
            timing = await timed(rival, _programs_js.COMPUTE[name])
            checks[name].add(str(timing.value["check"]))
            if counts:
                inside[rival.name, name].append(timing.value["ms"])
                outside[rival.name, name].append(timing.answered)
    assert all(len(answers) == 1 for answers in checks.values()), checks
    _fill(report, inside, outside, [rival.name for rival in rivals])
    report.notes.append(
        f"Medians of {count} fresh runs each, in turns. Inside: the program's own clock"
        " (performance.now, or Date.now where there is none, which counts whole ms). Every rival"
        " gave the same answers."
    )
    return report


def _fill(report: Report, inside: Times, outside: Times, names: list[str]) -> None:
    programs = list(_programs_js.COMPUTE)
    for title, times in (("Inside, ms", inside), ("From outside, ms", outside)):
        table = report.table(title, "rival", *programs)
        for name in names:
            table.add(name, *(median(times[name, program]) for program in programs))
    if _BARE in names:
        _ratios(report, inside, [name for name in names if name != _BARE])


def _ratios(report: Report, inside: Times, names: list[str]) -> None:
    programs = list(_programs_js.COMPUTE)
    table = report.table("Inside, vs bare Deno", "rival", *programs, "geometric mean")
    for name in names:
        found = [ratio(inside[name, program], inside[_BARE, program]) for program in programs]
        mean = _geometric([interval.middle for interval in found])
        table.add(name, *(interval.middle for interval in found), mean)
        if name == "onehop":
            _budgets(report, dict(zip(programs, found, strict=True)), mean)
    if "onehop" not in names:
        report.budgets.append(Budget("compute, vs bare Deno", None, "≤", 1.1, "times"))


def _budgets(report: Report, found: dict[str, Interval], mean: float) -> None:
    for program, interval in found.items():
        report.budgets.append(
            Budget(f"{program}, vs bare Deno", interval.middle, "≤", 1.1, "times")
        )
    report.budgets.append(Budget("geometric mean, vs bare Deno", mean, "≤", 1.1, "times"))
    bounds = (f"{name} {i.low:.2f} to {i.high:.2f}" for name, i in found.items())
    report.notes.append("95 % intervals of onehop's ratios: " + ", ".join(bounds) + ".")


def _geometric(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


if __name__ == "__main__":
    main("compute", measure)
