"""Medians, percentiles, and how sure a ratio of two medians is."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

_RESAMPLES = 1000


@dataclass(frozen=True)
class Interval:
    """An estimate and the bounds that hold it with 95 % confidence."""

    low: float
    middle: float
    high: float


def percentile(values: Sequence[float], percent: float) -> float:
    """Linear between the two nearest samples."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def ratio(these: Sequence[float], those: Sequence[float]) -> Interval:
    """median(these) / median(those)."""
    return _bootstrap(these, those, lambda a, b: a / b)


def difference(these: Sequence[float], those: Sequence[float]) -> Interval:
    """median(these) - median(those)."""
    return _bootstrap(these, those, lambda a, b: a - b)


def _bootstrap(
    these: Sequence[float], those: Sequence[float], combine: Callable[[float, float], float]
) -> Interval:
    source = random.Random(1)  # seeded: the same samples always give the same interval
    drawn = [
        combine(
            median(source.choices(these, k=len(these))), median(source.choices(those, k=len(those)))
        )
        for _ in range(_RESAMPLES)
    ]
    middle = combine(median(these), median(those))
    return Interval(percentile(drawn, 2.5), middle, percentile(drawn, 97.5))
