"""What the answers of tools have looked like, in this process's memory."""

from __future__ import annotations

import dataclasses

from onehop.stores._expiry import Expiry
from onehop.stores.base import MOST_OBSERVED
from onehop.tools.observed import ObservedType


class MemoryObserved:
    """Observed types of the store that keeps nothing on disk."""

    _observed: dict[tuple[str, str], ObservedType]

    async def observed_types(self) -> list[ObservedType]:
        """Those whose last answer is the latest."""
        found = sorted(self._observed.values(), key=lambda each: (-each.observed_at, each.tool))
        return found[:MOST_OBSERVED]

    async def observed_type(self, namespace: str, tool: str) -> ObservedType | None:
        """What is kept of a tool."""
        return self._observed.get((namespace, tool))

    async def keep_observed_type(self, observed: ObservedType) -> bool:
        """Replace what is kept of the tool, if that has the same revision."""
        name = observed.namespace, observed.tool
        kept = self._observed.get(name)
        if observed.revision != (0 if kept is None else kept.revision):
            return False
        self._observed[name] = dataclasses.replace(observed, revision=observed.revision + 1)
        return True

    def _prune_observed(self, expiry: Expiry) -> None:
        for name in [n for n, each in self._observed.items() if expiry.of(each.observed_at)]:
            del self._observed[name]
