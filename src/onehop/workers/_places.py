"""Who holds how many of the places, so that no agent can hold all of them."""

from __future__ import annotations

_KEPT = 4
"""One place of so many is kept for agents that hold none."""


class Places:
    """``size`` places. While calls name their agents, a quarter of the places goes only to agents
    that hold none."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept = 0
        self._held: dict[str, int] = {}
        self._taken = 0

    def admits(self, agent: str) -> bool:
        """Whether ``agent`` may take a place now."""
        if agent:  # calls that name nobody are one caller's, to whom all places belong
            self._kept = self._size // _KEPT
        return self._free > (self._kept if agent in self._held else 0)

    @property
    def _free(self) -> int:
        return self._size - self._taken

    def take(self, agent: str) -> None:
        """Count a place that ``admits`` has allowed."""
        self._held[agent] = self._held.get(agent, 0) + 1
        self._taken += 1

    def give_back(self, agent: str) -> None:
        """The place of a run that has ended."""
        self._taken -= 1
        self._held[agent] -= 1
        if not self._held[agent]:
            del self._held[agent]


class Shares(Places):
    """Places where an agent may hold several: while calls name their agents, a quarter goes only
    to agents that hold less than a quarter."""

    def admits(self, agent: str) -> bool:
        """Whether ``agent`` may take a place now."""
        share = self._size // _KEPT
        may_have_more = not agent or self._held.get(agent, 0) < share or self._free > share
        return self._free > 0 and may_have_more
