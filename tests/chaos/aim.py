"""When to kill what: at random points of a run, or while a write is under way at the bank."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from tests.chaos.bank import PAUSE, Customer
from tests.chaos.faults.processes import send, spawners, workers

PATIENCE: Final = 60.0
"""Seconds until a moment is taken although nothing was written."""
_BELOW: Final[dict[str, Callable[[int], list[int]]]] = {"spawner": spawners, "worker": workers}
_AIMED: Final = 0.65
"""Of all kills, those that wait for a write that is under way."""
_KINDS: Final = ("server", "server", "worker", "worker", "spawner")


class Aim:
    """Kills one thing at a time, and counts."""

    def __init__(self, servers: list[Customer], dice: random.Random) -> None:
        self._servers = servers
        self._dice = dice
        self.kills: Counter[str] = Counter()
        self.under_way: Counter[str] = Counter()
        """The kills that met a write between its sending and its answer, by what was killed."""
        self.met: Counter[str] = Counter()
        """How far the writes were that were met."""
        self.cut: set[str] = set()
        """The writes that a server had sent when it was killed."""
        self.down = 0.0
        """Seconds in which a server was killed or started."""

    async def kill(self) -> None:
        """Wait for the moment, and kill."""
        if self._dice.random() < _AIMED:
            subject = await self._until_under_way()
            await self._strike(subject, self._dice.choice(_KINDS))
        else:
            await self._until_written()
            await asyncio.sleep(self._dice.uniform(0, 0.5))
            kind = self._dice.choice(_KINDS)
            await self._strike(self._dice.choice(self._servers), kind)

    async def _until_under_way(self) -> Customer:
        """A server that has sent a write, at some point before the answer."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for server in self._servers:
                if server.moves.under_way():
                    await asyncio.sleep(self._dice.uniform(0, 1.5 * PAUSE))
                    if server.moves.under_way():
                        return server
            await asyncio.sleep(0.02)
        return self._dice.choice(self._servers)

    async def _until_written(self) -> None:
        """Wait for the next write, so that a slow machine gets as far as to make some."""
        ledger = self._servers[0].ledger
        before, deadline = ledger.stat().st_size, time.monotonic() + PATIENCE
        while ledger.stat().st_size == before and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

    async def _strike(self, subject: Customer, kind: str) -> None:
        self.kills[kind] += 1
        if kind == "server":
            began, at = time.monotonic(), time.time()
            subject.tell(signal.SIGKILL)
            after = time.time()
            await asyncio.to_thread(subject.kill)
            self._note(subject, kind, at, after)
            await asyncio.to_thread(subject.start)
            self.down += time.monotonic() - began
        else:
            at = time.time()
            send(_BELOW[kind](subject.pid), signal.SIGKILL)
            self._note(subject, kind, at, time.time())

    def _note(self, subject: Customer, kind: str, at: float, after: float) -> None:
        """What was under way before the signal and was not answered after it."""
        before, then = subject.moves.under_way(at), subject.moves.under_way(after)
        met = [key for key in before if key in then]
        self.under_way[kind] += bool(met)
        self.met.update(then[key] for key in met)
        if kind == "server":
            self.cut.update(met)
