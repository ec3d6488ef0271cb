"""Latency of ``return 1 + 1``: warm, one at a time; in a session; cold, from import to result."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from time import perf_counter, thread_time

from benchmarks import _cold
from benchmarks._program import PAUSE, Options, main, rest, rounds, timed
from benchmarks._report import Budget, Report
from benchmarks._server import environment
from benchmarks._stats import percentile
from benchmarks.rivals import ALL, MAIN, open_all
from onehop import Sandbox

_CODE = "return 1 + 1"


async def measure(options: Options) -> Report:
    """Warm and cold latency of every rival."""
    report = Report("latency", "Latency of `return 1 + 1`")
    answered, ended = await _warm(options.pick(200, 30), report)
    _report_warm(report, answered, ended)
    await _report_session(report, options.pick(100, 15))
    _report_cold(report, options.pick(7, 3))
    report.notes += [
        "ended: until the run's process or context was gone too. onehop returns the result and"
        " ends the worker afterwards, so both are the same.",
        "session: runs and calls of a session take turns in one sandbox, each as often after a run"
        " as after a call. CPU: of the host's thread, from the call to its result.",
        "cold: a new Python process; importing the library, opening the sandbox and the first"
        " result, without Python's own start. modebox compiles for 2 s once per machine and keeps"
        " the outcome in its cache folder; that was there already.",
    ]
    return report


async def _warm(
    count: int, report: Report
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    answered = defaultdict(list)
    ended = defaultdict(list)
    async with AsyncExitStack() as stack:
        rivals = await open_all(MAIN, stack, report.absent)
        async for rival, counts in rounds(rivals, count, warm_up=3):
            await rest(rival)
            timing = await timed(rival, _CODE)
            assert timing.value == 2
            if counts:
                answered[rival.name].append(timing.answered)
                ended[rival.name].append(timing.ended)
    return answered, ended


def _report_warm(
    report: Report, answered: dict[str, list[float]], ended: dict[str, list[float]]
) -> None:
    table = report.table(
        "Warm, ms",
        *("rival", "p50", "p95", "p99", "vs onehop", "ended p50", "n", "fresh", "what protects"),
    )
    own = answered.get("onehop")
    for name in sorted(answered, key=lambda name: median(answered[name])):
        times, rival = answered[name], ALL[name]
        cells = [percentile(times, percent) for percent in (50, 95, 99)]
        relative = median(times) / median(own) if own else None
        table.add(
            name, *cells, relative, median(ended[name]), len(times), rival.fresh, rival.isolation
        )
    _budgets(report, {name: median(times) for name, times in answered.items()})


def _budgets(report: Report, medians: dict[str, float]) -> None:
    own = medians.get("onehop")
    jailed = [value for name, value in medians.items() if ALL[name].jailed and name != "onehop"]
    report.budgets += [
        Budget("warm, p50", own, "≤", 1.5, "ms"),
        Budget(
            "warm, p50, against the fastest jailed rival", own, "≤", min(jailed, default=None), "ms"
        ),
    ]


async def _report_session(report: Report, count: int) -> None:
    """Each as often after a run, whose worker is replaced meanwhile, as after a call."""
    taken = defaultdict(list)
    async with Sandbox() as sandbox, sandbox.session() as session:
        ways = {"a warm run": sandbox.execute, "a call of a session": session.execute}
        run, call = ways
        for turn in range(-3, count):
            for way in (run, call, call, run):
                await asyncio.sleep(PAUSE)
                began, used = perf_counter(), thread_time()
                result = await ways[way](_CODE)
                times = (perf_counter() - began) * 1000, (thread_time() - used) * 1000
                assert result.output == 2
                if turn >= 0:
                    taken[way].append(times)
    table = report.table("In a session, ms", "what", "p50", "p95", "host CPU p50", "n")
    for way, pairs in taken.items():
        times, used_times = zip(*pairs, strict=True)
        cells = [percentile(times, percent) for percent in (50, 95)]
        table.add(way, *cells, median(used_times), len(times))
    medians = {way: median(time for time, _ in pairs) for way, pairs in taken.items()}
    budget = Budget(
        "a call of a session, p50, against a warm run", medians[call], "≤", medians[run], "ms"
    )
    report.budgets.append(budget)


def _report_cold(report: Report, count: int) -> None:
    times = defaultdict(list)
    names = [name for name in MAIN if name not in report.absent]
    for _ in range(count):
        for name in names:
            times[name].append(_cold_start(name, report))
    table = report.table("Cold, ms", "rival", "import", "open", "first result", "all", "n")
    for name, starts in times.items():
        phases = [median(phase) for phase in zip(*starts, strict=True)]
        table.add(name, *phases, median(sum(start) for start in starts), count)
    own = [sum(start) for start in times.get("onehop", [])]
    report.budgets += [
        Budget("cold, import to first result", median(own) if own else None, "≤", 120, "ms"),
        Budget("onehop run -c, whole process", median(_commands(count)), "≤", 300, "ms"),
    ]


def _commands(count: int) -> list[float]:
    """``onehop run -c`` with an audit trail that is there already, ms."""
    command = [sys.executable, "-m", "onehop", "run", "-c", _CODE]
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        variables = environment(Path(folder))
        for _ in range(count + 1):
            began = perf_counter()
            subprocess.run(command, env=variables, stdout=subprocess.DEVNULL, check=True)
            taken.append((perf_counter() - began) * 1000)
    return taken[1:]


def _cold_start(name: str, report: Report) -> tuple[float, float, float]:
    command = [sys.executable, "-m", _cold.__name__, name]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if not answer.stdout:
        raise RuntimeError(f"{name} gave no result in a new process:\n{answer.stderr}")
    if answer.returncode < 0:  # seen of modebox: one process in 25 crashes when Python exits
        crash = signal.Signals(-answer.returncode).name
        report.notes.append(f"{name}: a process ended by {crash}, after its times were in hand.")
    imported, opened, ran = json.loads(answer.stdout)
    return imported, opened, ran


if __name__ == "__main__":
    main("latency", measure)
