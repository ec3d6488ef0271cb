"""A server at capacity for as long as is asked: what its processes hold may not grow.

python -m tests.chaos.soak --minutes 60

Both isolation classes, one after the other, each with one agent whose code is good and another
whose code is hostile in every tenth run. Writes ``benchmarks/results/soak.md``, and exits with 1
when something grew, stayed or went wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.chaos.calls import good_call
from tests.chaos.faults.processes import analysts, spawners, templates, workers
from tests.chaos.load import Answer, Load
from tests.chaos.subject import Subject
from tests.users import ROOT

RESULTS: Final = ROOT / "benchmarks" / "results" / "soak.md"
GROWTH: Final = {"host": 48.0, "spawner": 8.0, "template": 8.0, "analysis": 24.0, "worker": 32.0}
"""MB by which the largest of a kind may be larger at the end than when all was warm."""
_DESCRIPTORS: Final = 24
"""By which the descriptors of a kind may be more."""
_EVERY: Final = 0.5
"""Seconds between two looks."""


@dataclass(frozen=True)
class Sample:
    """The largest process of a kind: MB and descriptors; and how many there are."""

    memory: float
    descriptors: int
    processes: int


@dataclass
class Soaked:
    """What a soak has met."""

    seconds: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    """By kind of call."""
    samples: defaultdict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    problems: list[str] = field(default_factory=list)


@dataclass
class _Checked(Load):
    """A load that keeps no answer, but what is wrong with it."""

    counted: Counter[str] = field(default_factory=Counter)

    def note(self, answer: Answer) -> None:
        self.counted[answer.call.kind] += 1
        if not answer.good and len(self.problems) < 20:
            name = f"{answer.call.request_id} ({answer.call.kind})"
            self.problems.append(f"{name} was answered wrongly: {str(answer.result)[:300]}")


async def soak(subject: Subject, seconds: float) -> Soaked:
    """Load ``subject`` for so long."""
    soaked = Soaked()
    calm = _Checked(subject.url, await subject.agent_key("calm"), "calm", make=good_call)
    wild = _Checked(subject.url, await subject.agent_key("wild"), "wild")
    began = time.monotonic()
    async with calm, wild:
        while time.monotonic() - began < seconds:
            for kind, sample in _look(subject.pid):
                soaked.samples[kind].append(sample)
            await asyncio.sleep(_EVERY)
    soaked.seconds = time.monotonic() - began
    soaked.answers = calm.counted + wild.counted
    soaked.problems = [*calm.problems, *wild.problems, *_growth(soaked)]
    return soaked


def _look(server: int) -> Iterable[tuple[str, Sample]]:
    kinds = {
        "host": [server],
        "spawner": spawners(server),
        "template": templates(server),
        "analysis": analysts(server),
        "worker": workers(server),
    }
    for kind, pids in kinds.items():
        found = [each for each in map(_measure, pids) if each is not None]
        if found:
            yield kind, Sample(max(mb for mb, _ in found), max(n for _, n in found), len(found))


def _measure(pid: int) -> tuple[float, int] | None:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20), len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None  # it has ended


def _growth(soaked: Soaked) -> Iterable[str]:
    """What the last third has at least, beside what the first third had at most."""
    for kind, samples in soaked.samples.items():
        third = len(samples) // 3
        if not third:
            continue
        first, last = samples[:third], samples[-third:]
        grown = min(each.memory for each in last) - max(each.memory for each in first)
        if grown > GROWTH[kind]:
            yield f"{kind} has grown by {grown:.0f} MB"
        more = min(each.descriptors for each in last) - max(each.descriptors for each in first)
        if more > _DESCRIPTORS:
            yield f"{kind} has {more} descriptors more"


def main() -> int:
    """Run it, write the report, and say whether all was well."""
    parser = argparse.ArgumentParser(prog="scripts/soak")
    parser.add_argument("--minutes", type=float, default=60, help="in all")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    found: dict[str, Soaked] = {}
    for isolation in ("process", "realm"):
        with tempfile.TemporaryDirectory(prefix="onehop-soak-") as folder:
            with Subject(Path(folder), ONEHOP_ISOLATION=isolation) as subject:
                soaked = asyncio.run(soak(subject, options.minutes * 30))
            soaked.problems += [f"process {pid} stayed" for pid in subject.strays]
        found[isolation] = soaked
    options.out.write_text(_page(" ".join(["scripts/soak", *sys.argv[1:]]), found))
    print(options.out.read_text())
    return 1 if any(each.problems for each in found.values()) else 0


def _page(command: str, found: dict[str, Soaked]) -> str:
    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        "# Soak",
        "",
        f"Generated by `{command}`, {date}; do not edit. `onehop serve` under ten clients of two "
        "agents; one of them is hostile in every tenth run. For each kind of process: the resident "
        "memory of the largest one in MB and its descriptors, as medians of the first, the middle "
        "and the last tenth of the time, and how many there were at most.",
    ]
    for isolation, soaked in found.items():
        calls = soaked.answers.total()
        rate = calls / soaked.seconds
        counted = ", ".join(f"{name} {n}" for name, n in sorted(soaked.answers.items()))
        lines += ["", f"## {isolation}", ""]
        lines += [f"{soaked.seconds:.0f} s, {calls} calls ({rate:.0f}/s): {counted}.", ""]
        lines += ["| process | MB: begin | middle | end | descriptors: begin | end | at most |"]
        lines += ["| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
        lines += [_row(kind, samples) for kind, samples in soaked.samples.items()]
        lines += ["", *(f"- PROBLEM {problem}" for problem in soaked.problems)]
    return "\n".join(lines).rstrip() + "\n"


def _row(kind: str, samples: list[Sample]) -> str:
    tenth = max(1, len(samples) // 10)
    middle = len(samples) // 2
    parts = samples[:tenth], samples[middle : middle + tenth], samples[-tenth:]
    memory = [sorted(each.memory for each in part)[len(part) // 2] for part in parts]
    files = [sorted(each.descriptors for each in part)[len(part) // 2] for part in parts]
    most = max(each.processes for each in samples)
    numbers = [*(f"{mb:.0f}" for mb in memory), files[0], files[-1], most]
    return f"| {kind} | {' | '.join(map(str, numbers))} |"


if __name__ == "__main__":
    sys.exit(main())
