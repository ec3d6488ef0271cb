"""What the command line asks for, and the bounds of a program of the suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """How much of each corpus is run, and where corpora are kept."""

    folder: Path
    limit: int | None = None
    seconds: float = 900.0
    concurrency: int = 2

    def some(self, items: Sequence[T]) -> Sequence[T]:
        """At most ``limit`` items, spread evenly over all of them."""
        if self.limit is None or len(items) <= self.limit:
            return items
        return [items[index * len(items) // self.limit] for index in range(self.limit)]

    def deadline(self) -> float:
        """When a corpus that starts now has to stop."""
        return monotonic() + self.seconds
