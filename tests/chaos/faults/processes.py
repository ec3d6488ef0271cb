"""Processes that are killed, or stopped for a while and continued."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests import processes
from tests.chaos.subject import Subject
from tests.waiting import soon

Find = Callable[[int], list[int]]
"""From a server to the processes below it that are meant."""
STOPPED: Final = 1.5
"""Seconds for which something is stopped."""
_TIMES: Final = 3
_BETWEEN: Final = 0.3
"""Seconds between two blows."""


def workers(root: int) -> list[int]:
    """Those that run code."""
    readers = {*processes.compilers(root), *processes.checkers(root)}
    return [pid for pid in processes.workers(root) if pid not in readers]


def analysts(root: int) -> list[int]:
    """Those that parse the text of agents, and what they are forked from."""
    return [pid for pid in processes.descendants(root) if _runs(pid, b"examiner")]


templates: Final = processes.templates
compilers: Final = processes.compilers
checkers: Final = processes.checkers
spawners: Final = processes.spawners


def _runs(pid: int, what: bytes) -> bool:
    try:
        return what in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """A signal to each that still lives."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@dataclass(frozen=True)
class Killed:
    """All of a kind are killed, several times."""

    what: str
    find: Find
    recovers: float = 15.0
    aftermath: float = 0.0

    @property
    def name(self) -> str:
        return f"kill {self.what}"

    async def strike(self, subject: Subject) -> None:
        for _ in range(_TIMES):
            found: list[int] = await soon(lambda: self.find(subject.pid), self.what)
            send(found, signal.SIGKILL)
            await asyncio.sleep(_BETWEEN)


@dataclass(frozen=True)
class Stopped:
    """All of a kind are stopped, and continued later: those that still live."""

    what: str
    find: Find
    recovers: float = 15.0
    aftermath: float = 0.0

    @property
    def name(self) -> str:
        return f"stop and continue {self.what}"

    async def strike(self, subject: Subject) -> None:
        found: list[int] = await soon(lambda: self.find(subject.pid), self.what)
        send(found, signal.SIGSTOP)
        try:
            await asyncio.sleep(STOPPED)
        finally:
            send(found, signal.SIGCONT)


@dataclass(frozen=True)
class KilledServer:
    """The server is killed and started again."""

    name: str = "kill the server"
    recovers: float = 30.0
    aftermath: float = 0.0

    async def strike(self, subject: Subject) -> None:
        await asyncio.to_thread(subject.kill)
        await asyncio.to_thread(subject.start)


@dataclass(frozen=True)
class StoppedServer:
    """The server is stopped, and continued."""

    name: str = "stop and continue the server"
    recovers: float = 15.0
    aftermath: float = 0.0

    async def strike(self, subject: Subject) -> None:
        subject.tell(signal.SIGSTOP)
        try:
            await asyncio.sleep(STOPPED)
        finally:
            subject.tell(signal.SIGCONT)
