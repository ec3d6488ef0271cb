"""How long Python takes to import the library, and the command line to print its help and to run
code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks._program import Options, main, rounds
from benchmarks._report import Budget, Report
from benchmarks.rivals import ALL, MAIN

_ONEHOP = ["-m", "onehop"]
_RUN = "onehop run -c"
_COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "onehop --version": [*_ONEHOP, "--version"],
    "onehop --help": [*_ONEHOP, "--help"],
    "onehop run --no-record -c": [*_ONEHOP, "run", "--no-record", "-c", "return 1"],
    _RUN: [*_ONEHOP, "run", "-c", "return 1"],
    "import onehop": ["-c", "import onehop"],
    **{
        command: ["-c", command]
        for command in (
            f"from {ALL[name].package.replace('-', '_')} import {ALL[name].entry}" for name in MAIN
        )
    },
}

_SANDBOX = "from onehop import Sandbox"


async def measure(options: Options) -> Report:
    """Whole processes, in turns, and what each takes beyond an empty one."""
    report = Report("imports", "Import, help and a run of the command")
    with TemporaryDirectory() as folder:
        environment = _environment(Path(folder))
        times = await _times(report, options.pick(15, 5), environment)
    _fill(report, {name: median(found) for name, found in times.items()}, options.pick(15, 5))
    return report


async def _times(
    report: Report, count: int, environment: Mapping[str, str]
) -> dict[str, list[float]]:
    times: dict[str, list[float]] = defaultdict(list)
    first = {name: _run(arguments, environment) for name, arguments in _COMMANDS.items()}
    works = [name for name, taken in first.items() if taken is not None]
    report.absent |= {
        name: "not installed, or does not run here" for name in _COMMANDS if name not in works
    }
    async for name, _ in rounds(works, count, warm_up=0):
        taken = _run(_COMMANDS[name], environment)
        if taken is not None:
            times[name].append(taken)
    return times


def _environment(folder: Path) -> dict[str, str]:
    """A store of its own, and modules compiled as they are where onehop is installed."""
    ours = {"ONEHOP_STORE": f"sqlite:///{folder / 'store.db'}", "ONEHOP_JOURNAL": str(folder / "j")}
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **ours}


def _run(arguments: list[str], environment: Mapping[str, str]) -> float | None:
    """Seconds of one process, or None when it failed."""
    start = perf_counter()
    answer = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    taken = perf_counter() - start
    return None if answer.returncode else taken


def _fill(report: Report, medians: dict[str, float], count: int) -> None:
    empty = medians["python -c pass"]
    table = report.table("Seconds, p50", "command", "whole process", "beyond an empty one", "n")
    for name, taken in medians.items():
        table.add(name, taken, taken - empty, count)
    report.budgets += [
        Budget("import onehop, whole process", medians.get("import onehop"), "≤", 0.3, "s"),
        Budget(f"{_SANDBOX}, whole process", medians.get(_SANDBOX), "≤", 0.3, "s"),
        Budget("onehop --help, whole process", medians.get("onehop --help"), "≤", 0.5, "s"),
        Budget(f"{_RUN}, whole process", medians.get(_RUN), "≤", 0.3, "s"),
    ]


if __name__ == "__main__":
    main("imports", measure)
