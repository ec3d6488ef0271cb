"""What a machine runs out of: disk, descriptors, processes, and the right time."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.chaos.faults.base import Unavailable
from tests.chaos.subject import Subject
from tests.processes import descendants

_FOR: Final = 1.5
"""Seconds"""
_PIDS: Final = (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup"))
"""Where groups of processes can be made whose number is limited: cgroup 1, cgroup 2."""


@dataclass(frozen=True)
class FullDisk:
    """The disk of store and journal is full for a while; without a disk of its own, no file may
    grow."""

    name: str = "fill the disk"
    recovers: float = 15.0
    aftermath: float = 0.0

    async def strike(self, subject: Subject) -> None:
        with _filled(subject.disk) if subject.small_disk else _no_growth(subject.pid):
            await asyncio.sleep(_FOR)


@contextmanager
def _filled(disk: Path) -> Iterator[None]:
    hog = disk / "hog"
    try:
        with hog.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass  # it is full
        yield
    finally:
        hog.unlink()


@contextmanager
def _no_growth(pid: int) -> Iterator[None]:
    with _limited(pid, resource.RLIMIT_FSIZE, 4096):
        yield


@dataclass(frozen=True)
class Descriptors:
    """The server may open no file more than it has."""

    name: str = "exhaust descriptors"
    recovers: float = 15.0
    aftermath: float = 0.0

    async def strike(self, subject: Subject) -> None:
        now = len(os.listdir(f"/proc/{subject.pid}/fd"))
        with _limited(subject.pid, resource.RLIMIT_NOFILE, now):
            await asyncio.sleep(_FOR)


@contextmanager
def _limited(pid: int, what: int, soft: int) -> Iterator[None]:
    before = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (soft, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, what, before)


@dataclass(frozen=True)
class Pids:
    """No process or thread more than there are."""

    name: str = "exhaust pids"
    recovers: float = 15.0
    aftermath: float = 0.0

    async def strike(self, subject: Subject) -> None:
        with _group() as group:
            members = [subject.pid, *descendants(subject.pid)]
            homes = {pid: _move(pid, group) for pid in members}
            (group / "pids.max").write_text((group / "pids.current").read_text())
            try:
                await asyncio.sleep(_FOR)
            finally:
                (group / "pids.max").write_text("max")
                _empty(group, next(iter(homes.values())))


@contextmanager
def _group() -> Iterator[Path]:
    for root in _PIDS:
        group = root / f"onehop-chaos-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            if (group / "pids.max").exists():
                yield group
                return
        finally:
            group.rmdir()
    raise Unavailable("no group of processes with a limit can be made here")


def _move(pid: int, group: Path) -> Path:
    """Into ``group``; where it was before."""
    root = group.parent
    home = root
    try:
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _number, kinds, path = line.split(":", 2)
            if "pids" in kinds.split(",") or (not kinds and root == _PIDS[1]):
                home = root / path.lstrip("/")
        (group / "cgroup.procs").write_text(str(pid))
    except OSError:
        pass  # it has ended
    return home


def _empty(group: Path, home: Path) -> None:
    while members := (group / "cgroup.procs").read_text().split():
        for pid in members:
            try:
                (home / "cgroup.procs").write_text(pid)
            except ProcessLookupError:
                continue


@dataclass(frozen=True)
class SkewedClock:
    """The time of day jumps, and jumps back."""

    way: str
    seconds: int
    recovers: float = 10.0
    aftermath: float = 0.0

    @property
    def name(self) -> str:
        return f"put the clock {self.way} by {abs(self.seconds) // 86_400} days"

    async def strike(self, subject: Subject) -> None:
        subject.set_clock(self.seconds)
        try:
            await asyncio.sleep(_FOR)
        finally:
            subject.set_clock(0)
