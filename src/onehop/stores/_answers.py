"""Answers of analytics, put together from counts and sums, so that all stores give the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Final

from onehop.answers import CODE_LENGTH_EDGES, CodeLengthBucket, TrendPoint
from onehop.stores.base import RETENTION_SECONDS
from onehop.types import Language

DAY: Final = 86_400_000
"""ms"""
BUCKETS: Final[tuple[tuple[int, int | None], ...]] = (
    *pairwise(CODE_LENGTH_EDGES),
    (CODE_LENGTH_EDGES[-1], None),
)
"""Both edges of each bucket of code length."""
_EPOCH: Final = date(1970, 1, 1)
END_OF_DAYS: Final = (date.max - _EPOCH).days * DAY
"""ms since the epoch; no later time belongs to a day that has a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """What one agent ran in one language on one day (UTC). Times are ms, memory is MB."""

    day: str
    agent_id: str
    language: Language
    total: int
    successful: int
    failed: int
    timeouts: int
    sum_execution_time: float
    sum_memory: float
    max_memory: float


def mean(total: float, count: int) -> float:
    """``total`` / ``count``; 0 for nothing."""
    return total / count if count else 0.0


def place(count: int, percent: int) -> int:
    """Where the percentile by nearest rank stands among ``count`` sorted values, from 0."""
    return max(count * percent - 1, 0) // 100


def bucket_of(length: int) -> int:
    """The lower edge of the bucket that code of this length belongs to."""
    return max(edge for edge in CODE_LENGTH_EDGES if edge <= length)


def day_of(time: int) -> str:
    """The day (UTC) of a time in ms since the epoch."""
    nameable = min(max(time, (date.min - _EPOCH).days * DAY), END_OF_DAYS)
    return (_EPOCH + timedelta(days=nameable // DAY)).isoformat()


def start_of(day: str) -> int:
    """When a day (UTC) begins, in ms since the epoch."""
    return (date.fromisoformat(day) - _EPOCH).days * DAY


def first_rolled_up(now: int, keep_days: int) -> int:
    """When the first day begins that ``roll_up`` looks at, in ms since the epoch.

    No record of it or of a later day has been pruned, and its rollup is still kept. There is a day
    to spare, as clocks and the time of pruning differ.
    """
    whole = now - RETENTION_SECONDS * 1000 + DAY
    return max(-(-whole // DAY) * DAY, start_of(first_kept(now, keep_days)), 0)


def first_kept(now: int, keep_days: int) -> str:
    """The first day whose rollups are kept."""
    return day_of(now - keep_days * DAY)


def trend_points(rollups: Iterable[Rollup]) -> list[TrendPoint]:
    """The rollups of all agents, by day and language."""
    key = attrgetter("day", "language")
    return [_point(list(group)) for _, group in groupby(sorted(rollups, key=key), key)]


def _point(rollups: list[Rollup]) -> TrendPoint:
    total = sum(rollup.total for rollup in rollups)
    return TrendPoint(
        day=rollups[0].day,
        language=rollups[0].language,
        total=total,
        successful=sum(rollup.successful for rollup in rollups),
        failed=sum(rollup.failed for rollup in rollups),
        timeouts=sum(rollup.timeouts for rollup in rollups),
        average_execution_time=mean(sum(each.sum_execution_time for each in rollups), total),
        average_memory=mean(sum(rollup.sum_memory for rollup in rollups), total),
        max_memory=max(rollup.max_memory for rollup in rollups),
    )


def code_length_buckets(found: Iterable[tuple[int, int, int, float]]) -> list[CodeLengthBucket]:
    """All buckets, from the lower edge, runs, successful runs and ms in all of the filled ones."""
    by_edge = {low: rest for low, *rest in found}
    answer = []
    for low, high in BUCKETS:
        total, successful, time = by_edge.get(low, (0, 0, 0.0))
        answer.append(
            CodeLengthBucket(
                low=low,
                high=high,
                total=int(total),
                successful=int(successful),
                average_execution_time=mean(time, int(total)),
            )
        )
    return answer
