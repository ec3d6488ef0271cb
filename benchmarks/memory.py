"""Memory that belongs to one idle, warm sandbox alone, and what it adds to the host."""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median

from benchmarks import _footprint
from benchmarks._footprint import Footprint
from benchmarks._program import Options, main
from benchmarks._report import Budget, Report
from benchmarks.rivals import ALL

_RIVALS = ("onehop", "pydeno", "pydeno fork", "modebox", "quickjs-rs", "deno run")


async def measure(options: Options) -> Report:
    """Each rival in a process of its own, with several sandboxes idle, a few times over."""
    report = Report("memory", "Memory of an idle sandbox")
    table = report.table(
        "MB (2^20 bytes), medians",
        *("rival", "own (USS)", "share (PSS)", "sandboxes", "helper (USS)", "host grew by", "n"),
    )
    own = None
    for name in _RIVALS:
        found = _measure(name, options.pick(3, 1), report.absent)
        if found:
            table.add(name, *_cells(found), len(found))
            own = _cells(found)[0] if name == "onehop" else own
    report.budgets.append(Budget("idle warm worker, own memory", own, "≤", 12.0, "MB"))
    report.notes.append(
        "Own: Private_Clean + Private_Dirty of /proc/PID/smaps_rollup, per sandbox. modebox and"
        " quickjs-rs live in the host's process: theirs is what the process grew by, per sandbox."
        " Helper: other processes that the library keeps. Host: growth of this Python process, from"
        " before the import to all sandboxes idle."
    )
    return report


def _measure(name: str, count: int, absent: dict[str, str]) -> list[Footprint]:
    if ALL[name].version() is None:
        absent[name] = "not installed"
        return []
    command = [sys.executable, "-m", _footprint.__name__, name]
    found = []
    for _ in range(count):
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            absent[name] = answer.stderr.strip().splitlines()[-1]
            return []
        found.append(Footprint(**json.loads(answer.stdout)))
    return found


def _cells(found: list[Footprint]) -> list[float]:
    own = median(each.own for each in found)
    share = median(each.share for each in found)
    helper = median(each.helper for each in found)
    return [own, share, found[0].sandboxes, helper, median(each.host for each in found)]


if __name__ == "__main__":
    main("memory", measure)
