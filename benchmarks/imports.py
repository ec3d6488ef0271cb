"""How long Python takes to import the library, and the command line to print its help."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from statistics import median
from time import perf_counter

from benchmarks._program import Options, main, rounds
from benchmarks._report import Budget, Report
from benchmarks.rivals import ALL, MAIN

_COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "onehop --help": [
        "-c",
        "import sys; from onehop.cli import main; sys.argv[1:] = ['--help']; main()",
    ],
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
    report = Report("imports", "Import and help")
    times: dict[str, list[float]] = defaultdict(list)
    works = [name for name, arguments in _COMMANDS.items() if _run(arguments) is not None]
    report.absent |= {
        name: "not installed, or does not run here" for name in _COMMANDS if name not in works
    }
    async for name, _ in rounds(works, options.pick(15, 5), warm_up=0):
        taken = _run(_COMMANDS[name])
        if taken is not None:
            times[name].append(taken)
    _fill(report, {name: median(found) for name, found in times.items()}, options.pick(15, 5))
    return report


def _run(arguments: list[str]) -> float | None:
    """Seconds of one process, or None when it failed."""
    start = perf_counter()
    answer = subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
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
    ]


if __name__ == "__main__":
    main("imports", measure)
