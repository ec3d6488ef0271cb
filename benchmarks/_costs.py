"""What processes have used: CPU time, memory and bytes written, of whole trees."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def tree(root: int, without: Iterable[int] = ()) -> list[int]:
    """``root`` and every process below it, but for the trees below ``without``."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _fields(int(folder.name))):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found, pending, left_out = [], [root], set(without)
    while pending:
        pid = pending.pop()
        if pid not in left_out:
            found.append(pid)
            pending += children.get(pid, [])
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """Of these processes, and of those that they have started and collected."""
    return sum(sum(map(int, fields[11:15])) for pid in pids if (fields := _fields(pid))) / _TICK


def _fields(pid: int) -> list[str]:
    """Of proc_pid_stat(5), from the third."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def own_megabytes(pids: Iterable[int]) -> float:
    """Proportional resident memory: what is shared counts once over all who share it."""
    return sum(map(_pss, pids)) / 1024


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def written_bytes(pids: Iterable[int]) -> int:
    """What was handed to the system to write into files, pipes and sockets."""
    total = 0
    for pid in pids:
        try:
            lines = dict(
                line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines()
            )
        except OSError:
            continue
        total += int(lines["wchar"])
    return total
