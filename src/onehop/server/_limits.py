"""What an agent may have at once and in a minute, counted in this process and, where servers share
a store, with what the others tell."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from onehop.server._elsewhere import Elsewhere, Usage
from onehop.server._errors import TooMuchAtOnceError
from onehop.stores.base import Store

_MINUTE: Final = 60.0
_OTHERS_WAIT: Final = 5.0
"""Seconds after which to ask again, when all runs of the last minute started elsewhere."""
_PARTS: Final = 20
"""The part of its runs in a minute that an agent may start before the other servers hear of it at
once."""
_NOTHING: Final = Usage()
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
    untold: int = 0
    """Runs that have started since the other servers heard of it."""


class Gate:
    """Counts each agent's runs and streams, and refuses one too many. ``clock`` counts seconds.
    ``store`` is set where other servers count too: then runs, but not streams, are counted of all.
    """

    def __init__(
        self,
        max_streams: int,
        clock: Callable[[], float] = time.monotonic,
        store: Store | None = None,
    ) -> None:
        self._max_streams = max_streams
        self.elsewhere = None if store is None else Elsewhere(store, self._used)
        self._clock = clock
        self._uses: dict[str, _Use] = {}

    @contextmanager
    def run(self, agent_id: str, allowed: Allowance) -> Iterator[None]:
        """One run, from its admission to its end. Raises TooMuchAtOnceError."""
        use = self._use(agent_id)
        now = self._clock()
        self._age(use, now)
        others = self.elsewhere.of(agent_id) if self.elsewhere is not None else _NOTHING
        if (runs := use.runs + others.runs) >= allowed.max_runs:
            raise TooMuchAtOnceError(f"{runs} runs of this agent are under way already", 1)
        if len(use.starts) + others.starts >= allowed.max_rate:
            wait = use.starts[0] + _MINUTE - now if use.starts else _OTHERS_WAIT
            raise TooMuchAtOnceError(f"{allowed.max_rate} runs have started within a minute", wait)
        use.starts.append(now)
        use.runs += 1
        use.untold += 1
        if self.elsewhere is not None and use.untold * _PARTS >= allowed.max_rate:
            self.elsewhere.hurry()
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

    def _age(self, use: _Use, now: float) -> None:
        while use.starts and use.starts[0] <= now - _MINUTE:
            use.starts.popleft()

    def _used(self) -> dict[str, Usage]:
        """What is used here, which the others hear now."""
        now, used = self._clock(), dict[str, Usage]()
        for agent_id, use in self._uses.items():
            self._age(use, now)
            use.untold = 0
            if use.runs or use.starts:
                used[agent_id] = Usage(use.runs, len(use.starts))
        return used

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
