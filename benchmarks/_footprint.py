"""The memory of one rival's idle sandboxes, read from /proc in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.rivals import ALL

_PROCESSES = 4
_CONTEXTS = 64
_REST = 1.0
_MIB_IN_KB = 1024


@dataclass(frozen=True)
class Footprint:
    """MB (2^20 bytes)."""

    sandboxes: int
    own: float
    """Private to one sandbox."""
    share: float
    """Its proportional share, shared pages included."""
    helper: float
    """Private to other processes of the library."""
    host: float
    """What this process grew by."""


@dataclass(frozen=True)
class _Memory:
    own: float
    share: float


async def footprint(name: str) -> Footprint:
    """Open ``name``, let its sandboxes idle and look at this process and its descendants."""
    before = _memory(os.getpid())
    rival = ALL[name]()
    await rival.open()
    async with rival.run("return 1") as value:
        assert value == 1
    await rival.settle()
    await asyncio.sleep(_REST)
    opened = _memory(os.getpid())
    wanted = _CONTEXTS if rival.fresh == "context" else _PROCESSES
    async with rival.hold(wanted) as held:
        await asyncio.sleep(_REST)
        after = _memory(os.getpid())
        children = [_memory(pid) for pid in _descendants(os.getpid())]
    await rival.aclose()
    host = after.own - before.own
    if rival.fresh == "context":
        grown = (after.own - opened.own) / held, (after.share - opened.share) / held
        return Footprint(held, *grown, helper=0, host=host)
    return _of_processes(held, children, host)


def _of_processes(held: int, children: list[_Memory], host: float) -> Footprint:
    """The ``held`` processes with the largest resident share are sandboxes, the rest helpers."""
    assert len(children) >= held, f"{held} sandboxes in {len(children)} processes"
    ordered = sorted(children, key=lambda memory: memory.share, reverse=True)
    sandboxes, helpers = ordered[:held], ordered[held:]
    return Footprint(
        held,
        median(memory.own for memory in sandboxes),
        median(memory.share for memory in sandboxes),
        sum(memory.own for memory in helpers),
        host,
    )


def _memory(pid: int) -> _Memory:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()[1:]
    kb = {name.rstrip(":"): int(size) for name, size, _ in map(str.split, lines)}
    own = kb["Private_Clean"] + kb["Private_Dirty"]
    return _Memory(own / _MIB_IN_KB, kb["Pss"] / _MIB_IN_KB)


def _descendants(root: int) -> list[int]:
    parents = _parents()
    found = [root]
    for pid in found:  # grows while it is walked
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def _parents() -> dict[int, int]:
    """The parent of every process; the name in /proc/PID/stat may hold spaces and brackets."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
            parents[int(stat.parent.name)] = int(fields[1])
    return parents


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(footprint(sys.argv[1])))))
