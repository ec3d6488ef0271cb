"""How many CPUs the cluster should have, asked of Ray's autoscaler by the length of the queue."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Final

from onehop.backends.cluster._node import Node

_RUNS_FOR_EACH_CPU: Final = 8
"""As many as a pool runs at once for each of its CPUs, by default."""


class Demand:
    """``request`` tells the autoscaler how many CPUs there should be, ``waiting`` says how many
    runs have no node. A node that was idle for ``idle_seconds`` is given up, but for one."""

    def __init__(
        self, request: Callable[[float], None], waiting: Callable[[], int], idle_seconds: float
    ) -> None:
        self._request = request
        self._waiting = waiting
        self._idle_seconds = idle_seconds
        self._asked = 0.0

    def wants(self, nodes: Sequence[Node]) -> bool:
        """Whether a node that is there should be used."""
        return not nodes or self._waiting() > 0

    async def ask(self, nodes: Sequence[Node]) -> None:
        """Ask for what runs and what waits."""
        have = sum(node.cpus for node in nodes)
        more = math.ceil(self._waiting() / _RUNS_FOR_EACH_CPU)
        wanted = max(1.0, have + more)
        if wanted != self._asked:
            self._asked = wanted
            await asyncio.to_thread(self._request, wanted)

    def idle(self, nodes: Sequence[Node]) -> list[Node]:
        """Those that may go."""
        if self._waiting():
            return []
        last = asyncio.get_running_loop().time() - self._idle_seconds
        rested = [node for node in nodes if node.state == "open" and node.idle_since < last]
        return rested[: max(0, len(nodes) - 1)]

    async def end(self) -> None:
        """Ask for nothing any more."""
        if self._asked:
            await asyncio.to_thread(self._request, 0.0)
