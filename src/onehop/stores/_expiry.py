"""Which records and events have outlived the retention."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from onehop.stores.base import RETENTION_SECONDS

_SLACK: Final = 86_400_000
"""ms by which the clocks of several machines may differ."""


class Expiry:
    """What has expired at ``now`` (ms since the epoch).

    A record from the future, written while a clock was wrong, says nothing about its age. It goes
    with the records after it in the chain, instead of holding them back until its time comes.
    """

    def __init__(self, now: int) -> None:
        self.cutoff = now - RETENTION_SECONDS * 1000
        self._latest = max(now, time.time_ns() // 1_000_000) + _SLACK

    def of(self, executed_at: int) -> bool:
        """Whether what ran then has expired."""
        return executed_at <= self.cutoff

    def prefix(self, times: Sequence[int]) -> int:
        """How many of the first records go, by when they ran: up to the first that has to stay."""
        gone = 0
        for place, executed_at in enumerate(times, 1):
            if self.of(executed_at):
                gone = place
            elif executed_at <= self._latest:
                break
        return gone

    def newest(self, times: Sequence[int]) -> int:
        """When the newest of the records ran that go, as far as they can be trusted."""
        return max(time for time in times if self.of(time))
