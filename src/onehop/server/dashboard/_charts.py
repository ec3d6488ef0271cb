"""What charts are drawn of: runs by steps of time, the empty steps too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from onehop.answers import TimelinePoint
from onehop.server.dashboard._spans import Span
from onehop.stores.base import Store
from onehop.stores.tally import DAY, FIVE_MINUTES, HOUR, Slice


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


def grain_of(span: Span, agent_id: str | None) -> int:
    """The longest slices that fit into a step of the chart. A store keeps none of five minutes of
    one agent."""
    lengths = (DAY, HOUR) if agent_id is not None else (DAY, HOUR, FIVE_MINUTES)
    return next((each for each in lengths if each <= span.step), lengths[-1])


async def chart_of(
    store: Store, agent_id: str | None, span: Span, now: int, slices: list[Slice]
) -> Chart:
    """The runs of a span: of an agent, or of all. Steps that are shorter than ``slices`` are asked
    of the store."""
    since = span.since(now)
    if span.step >= grain_of(span, agent_id):
        found = _of_slices(slices, span.step)
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


def _of_slices(slices: Iterable[Slice], step: int) -> dict[int, Bar]:
    sums = dict[int, tuple[int, int, float]]()
    for each in slices:
        start, tally = each.start // step * step, each.tally
        ok, failed, time = sums.get(start, (0, 0, 0.0))
        sums[start] = ok + tally.successful, failed + tally.failed, time + tally.times.total
    return {
        start: Bar(start, ok, failed, time / (ok + failed) if ok + failed else 0)
        for start, (ok, failed, time) in sums.items()
    }
