"""What an agent may have at once and in a minute, counted in this process."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from onehop.server._errors import TooMuchAtOnceError

_MINUTE: Final = 60.0
_SWEEP: Final = 1024
"""Agents that are counted before idle ones are forgotten."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much one agent may ask for."""

    max_runs: int
    """At the same time, those that wait for a worker included."""
    max_rate: int
    """In a minute."""
    max_body: int
    """Bytes of one request."""


@dataclass(slots=True)
class _Use:
    runs: int = 0
    streams: int = 0
    starts: deque[float] = field(default_factory=deque)
    """When runs started, within the last minute."""


class Gate:
    """Counts each agent's runs and streams, and refuses one too many. ``clock`` counts seconds."""

    def __init__(self, max_streams: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_streams = max_streams
        self._clock = clock
        self._uses: dict[str, _Use] = {}

    @contextmanager
    def run(self, agent_id: str, allowed: Allowance) -> Iterator[None]:
        """One run, from its admission to its end. Raises TooMuchAtOnceError."""
        use = self._use(agent_id)
        now = self._clock()
        while use.starts and use.starts[0] <= now - _MINUTE:
            use.starts.popleft()
        if use.runs >= allowed.max_runs:
            raise TooMuchAtOnceError(f"{use.runs} runs of this agent are under way already", 1)
        if len(use.starts) >= allowed.max_rate:
            wait = use.starts[0] + _MINUTE - now
            raise TooMuchAtOnceError(f"{allowed.max_rate} runs have started within a minute", wait)
        use.starts.append(now)
        use.runs += 1
        try:
            yield
        finally:
            use.runs -= 1

    @contextmanager
    def stream(self, agent_id: str) -> Iterator[None]:
        """One stream of events, as long as it is open. Raises TooMuchAtOnceError."""
        use = self._use(agent_id)
        if use.streams >= self._max_streams:
            raise TooMuchAtOnceError(f"{use.streams} streams of this agent are open already", 5)
        use.streams += 1
        try:
            yield
        finally:
            use.streams -= 1

    def _use(self, agent_id: str) -> _Use:
        if agent_id not in self._uses and len(self._uses) >= _SWEEP:
            self._sweep()
        return self._uses.setdefault(agent_id, _Use())

    def _sweep(self) -> None:
        old = self._clock() - _MINUTE
        self._uses = {
            agent_id: use
            for agent_id, use in self._uses.items()
            if use.runs or use.streams or (use.starts and use.starts[-1] > old)
        }
