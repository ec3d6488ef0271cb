"""The time by which records may be dropped: not any clock's word, but what several agree on.

A clock that is a month ahead would otherwise drop the whole trail. So records go by the earliest of
three times: this process's, the database's own, and that of the newest records. They go in steps,
too: at most a day of the trail in an hour, for a clock that is wrong and new records that bear its
time agree.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from onehop.stores.base import RETENTION_SECONDS, Store

STEP: Final = 86_400_000
"""ms of the trail that go in one step."""
_PAUSE: Final = 3_300_000
"""ms between two steps, a little less than what passes between two attempts."""
_QUIET: Final = 2 * 86_400_000
"""ms without a run after which a clock is not believed any further."""
_SAMPLE: Final = 20
"""Records at each end of the chain that are asked for their time."""
_LOWEST: Final = -(1 << 63)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """What may be dropped now."""

    until: int
    """The time to give to ``Store.prune``."""
    behind: int
    """ms by which this stays behind what has expired."""


class TrustedTime:
    """The time that ``clock`` (ms since the epoch) and ``store`` agree on."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._began = time.monotonic()

    async def now(self) -> int:
        """The earliest of all clocks; the clock of this process, if there are no records."""
        times = [self._clock(), await self._store.time()]
        newest = await self._newest()
        if newest is not None:
            # As long as this process has been looking, the time has certainly gone on.
            elapsed = int((time.monotonic() - self._began) * 1000)
            times.append(newest + _QUIET + elapsed)
        return min(times)

    async def step(self) -> Step | None:
        """What may be dropped now; None when the last step was less than an hour ago."""
        now = await self.now()
        if self._clock() - now > STEP:
            _log.warning(
                "records are pruned as of %.1f days ago: the database's clock, or the newest "
                "records, are that far behind this process. Check the clock; if nothing has run "
                "for so long, nothing need be done",
                (self._clock() - now) / STEP,
            )
        oldest = await self._oldest()
        if oldest is None:
            return Step(now, 0)
        until = min(now, oldest + RETENTION_SECONDS * 1000 + STEP)
        if until < now and await self._stepped_lately():
            return None
        return Step(until, now - until)

    async def _newest(self) -> int | None:
        """When the newest records ran; not the very newest, for a single one may say anything."""
        head = await self._store.head()
        latest = self._clock() + STEP
        times = [time for time in await self._times(head.sequence - _SAMPLE) if time <= latest]
        return sorted(times, reverse=True)[len(times) // 4] if times else None

    async def _oldest(self) -> int | None:
        times = await self._times(_LOWEST)
        return statistics.median_low(times) if times else None

    async def _times(self, after: int) -> list[int]:
        return [record.executed_at for record in await self._store.chain(after, _SAMPLE)]

    async def _stepped_lately(self) -> bool:
        noted = [anchor.noted_at for anchor in await self._store.anchors()]
        now = time.time_ns() // 1_000_000
        return any(at is not None and abs(now - at) < _PAUSE for at in noted)
