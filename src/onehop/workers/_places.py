"""Who holds how many of the places, so that no agent can hold all of them."""

from __future__ import annotations

from collections import Counter

_KEPT = 4
"""One place of so many is kept for agents that hold none."""


class Places:
    """``size`` places. While calls name their agents, a quarter of the places goes only to agents
    that hold none."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept = 0
        self._held: Counter[str] = Counter()
        self._taken = 0

    def admits(self, agent: str) -> bool:
        """Whether ``agent`` may take a place now."""
        if agent:  # calls that name nobody are one caller's, to whom all places belong
            self._kept = self._size // _KEPT
        free = self._size - self._taken
        return free > (self._kept if self._held[agent] else 0)

    def take(self, agent: str) -> None:
        """Count a place that ``admits`` has allowed."""
        self._held[agent] += 1
        self._taken += 1

    def give_back(self, agent: str) -> None:
        """The place of a run that has ended."""
        self._taken -= 1
        self._held[agent] -= 1
        if not self._held[agent]:
            del self._held[agent]
