"""Spans of time that pages offer: from an hour to all that is kept; pure."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from onehop.errors import InvalidRequestError

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Span:
    """The last ``length`` ms, in a chart as bars of ``step`` ms."""

    key: str
    words: str
    length: int
    step: int
    fresh: float
    """Seconds for which what was counted of it is fresh enough."""

    def since(self, now: int) -> int:
        """Where it starts."""
        return now - self.length


SPANS: Final = {
    span.key: span
    for span in (
        Span("1h", "last hour", HOUR, 60_000, 2),
        Span("24h", "last 24 hours", DAY, HOUR // 2, 15),
        Span("7d", "last 7 days", 7 * DAY, 4 * HOUR, 60),
        Span("30d", "last 30 days", 30 * DAY, DAY, 60),
    )
}


def now_ms() -> int:
    """ms since the epoch."""
    return time.time_ns() // 1_000_000


def span_of(asked: dict[str, str], usual: str = "1h") -> Span:
    """The span that an address names. Raises InvalidRequestError."""
    key = asked.get("within", usual)
    if key not in SPANS:
        raise InvalidRequestError("within", repr(key)[:40], " or ".join(SPANS))
    return SPANS[key]
