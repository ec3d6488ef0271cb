"""When to kill what: at random points of a run, or at moments in which most is at stake."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Final, Literal, get_args

from tests.chaos.bank import PAUSE, Customer
from tests.chaos.faults.processes import send, spawners, workers

Target = Literal["server", "worker", "spawner"]
TARGETS: Final[tuple[Target, ...]] = get_args(Target)
Moment = Literal["a write", "two writes", "an answer", "a second question", "any"]
"""What a kill waits for: a write is under way, two of them are at once, one was just answered, or a
person is asked about a run that has gone on after an earlier question."""
MOMENTS: Final[tuple[Moment, ...]] = get_args(Moment)
_WEIGHTS: Final = (5, 4, 2, 2, 1)
PATIENCE: Final = 120.0
"""Seconds until a moment is taken although nothing of that kind came."""
_LONGEST: Final = 1.5 * PAUSE
"""Seconds for which a kill waits at most once a write has come, which takes ``2 * PAUSE``."""
_SOON: Final = 0.1
"""Seconds for which it waits at most after an answer."""
_BETWEEN: Final = 0.02
"""Seconds between two looks."""


class Aim:
    """Kills one thing at a time, and counts."""

    def __init__(self, servers: list[Customer], dice: random.Random) -> None:
        self._servers = servers
        self._dice = dice
        self._struck = dict.fromkeys((server.url for server in servers), 0.0)
        """When a server, or what is below it, was killed last: its writes of before belong to runs
        that have ended or are begun again."""
        self.kills: Counter[str] = Counter()
        self.under_way: Counter[str] = Counter()
        """The kills that met a write between its sending and its answer, by what was killed."""
        self.moments: Counter[str] = Counter()
        """The kills by the moment that they waited for, if it came."""
        self.met: Counter[str] = Counter()
        """How far the writes were that were met."""
        self.asked_again: set[str] = set()
        """The runs that wait for a person, and did before: who decides keeps it up to date."""
        self.down = 0.0
        """Seconds in which a server was killed or started."""

    def lacks(self, each: int) -> list[Target]:
        """What has met fewer writes than ``each`` when it was killed."""
        return [target for target in TARGETS if self.under_way[target] < each]

    async def kill(self, targets: list[Target]) -> None:
        """Wait for a moment, and kill one of ``targets``."""
        [moment] = self._dice.choices(MOMENTS, _WEIGHTS)
        target = self._dice.choice(targets)
        subject = await self._until(moment)
        if subject is None:
            subject, moment = self._dice.choice(self._servers), "any"
        await self._strike(subject, target, moment)

    async def _until(self, moment: Moment) -> Customer | None:
        """The server at which it is that moment; None if it did not come."""
        look: dict[Moment, Callable[[Customer], bool]] = {
            "a write": lambda server: len(self._fresh(server)) > 0,
            "two writes": lambda server: len(self._fresh(server)) > 1,
            "an answer": self._new_answer(),
            "a second question": lambda _server: bool(self.asked_again),
            "any": lambda _server: True,
        }
        longest = _SOON if moment == "an answer" else _LONGEST
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            servers = self._dice.sample(self._servers, len(self._servers))
            for server in servers:
                if look[moment](server):
                    await asyncio.sleep(self._dice.uniform(0, longest))
                    if look[moment](server):
                        return server
            await asyncio.sleep(_BETWEEN)
        return None

    def _new_answer(self) -> Callable[[Customer], bool]:
        before = {server.url: server.moves.answered() for server in self._servers}
        return lambda server: server.moves.answered() > before[server.url]

    def _fresh(self, server: Customer, at: float = float("inf")) -> dict[str, str]:
        """Its writes that are under way, and that no kill has met before."""
        return {**server.moves.under_way(at, self._struck[server.url])}

    async def _strike(self, subject: Customer, target: Target, moment: Moment) -> None:
        began = time.monotonic()
        pids = {"server": lambda pid: [pid], "worker": workers, "spawner": spawners}[target](
            subject.pid
        )
        if not pids:
            await asyncio.sleep(_BETWEEN)
            return
        at = time.time()
        send(pids, signal.SIGKILL)
        self._note(subject, target, at, time.time())
        self.kills[target] += 1
        self.moments[moment] += 1
        if target == "server":
            await asyncio.to_thread(subject.kill)
            await asyncio.to_thread(subject.start)
            self.down += time.monotonic() - began

    def _note(self, subject: Customer, target: Target, at: float, after: float) -> None:
        """What was under way before the signal and was not answered after it."""
        before, then = self._fresh(subject, at), self._fresh(subject, after)
        met = [key for key in before if key in then]
        self.under_way[target] += bool(met)
        self.met.update(then[key] for key in met)
        self._struck[subject.url] = after
