"""What charts are drawn of: runs by steps of time, the empty steps too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from onehop.answers import TimelinePoint, TrendPoint
from onehop.server.dashboard._spans import DAY, Span
from onehop.stores.base import Store

_ROLLED_UP: Final = DAY
"""Steps from this length on are answered from the rollups."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One step."""

    start: int
    """ms since the epoch."""
    ok: int = 0
    failed: int = 0
    time: float = 0
    """ms that a run took, on average."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from the first to the last step of a span."""

    bars: list[Bar]
    step: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing ran."""
        return not any(bar.ok or bar.failed for bar in self.bars)


async def chart_of(store: Store, agent_id: str | None, span: Span, now: int) -> Chart:
    """The runs of a span: of an agent, or of all."""
    since = span.since(now)
    if span.step >= _ROLLED_UP:
        found = _of_days(await store.trends(agent_id, since))
    else:
        found = _of_steps(await store.timeline(agent_id, since, span.step))
    first, last = since // span.step * span.step, now // span.step * span.step
    starts = range(first, last + 1, span.step)
    return Chart([found.get(start, Bar(start)) for start in starts], span.step)


def _of_steps(points: Iterable[TimelinePoint]) -> dict[int, Bar]:
    return {
        each.start: Bar(
            each.start, each.successful, each.total - each.successful, each.average_execution_time
        )
        for each in points
    }


def _of_days(points: Iterable[TrendPoint]) -> dict[int, Bar]:
    """Languages together."""
    found = dict[int, Bar]()
    for each in points:
        start = _midnight(each.day)
        earlier = found.get(start, Bar(start))
        runs = earlier.ok + earlier.failed
        total = runs + each.total
        spent = earlier.time * runs + each.average_execution_time * each.total
        found[start] = Bar(
            start,
            earlier.ok + each.successful,
            earlier.failed + each.failed,
            spent / total if total else 0,
        )
    return found


def _midnight(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)
