"""The frame of each program: options, rounds that interleave the rivals, timing one run."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

from benchmarks._report import Report, publish
from benchmarks.rivals.base import Context, Language, Rival

T = TypeVar("T")
PAUSE = 0.1
"""Seconds; a worker of onehop takes about 40 ms to start."""


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    quick: bool = False

    def pick(self, full: T, quick: T) -> T:
        """``quick`` in a quick run, else ``full``."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Timing:
    """One run, in ms."""

    value: Any
    answered: float
    """Until the value was in hand."""
    ended: float
    """Until what the run left behind had ended too."""


def main(program: str, measure: Callable[[Options], Awaitable[Report]]) -> None:
    """Run ``measure`` with the options of the command line and publish what it found."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{program}")
    parser.add_argument("--quick", action="store_true", help="fewer samples, rougher numbers")
    options = Options(**vars(parser.parse_args()))

    async def started() -> Report:
        return await measure(options)

    report = asyncio.run(started())
    publish(report, " ".join([parser.prog, *sys.argv[1:]]), options.quick)


async def timed(
    rival: Rival,
    code: str,
    context: Context | None = None,
    language: Language = "javascript",
) -> Timing:
    """Run ``code`` once, warm and alone."""
    start = perf_counter()
    async with rival.run(code, context=context, language=language) as value:
        answered = perf_counter()
    ended = perf_counter()
    return Timing(value, (answered - start) * 1000, (ended - start) * 1000)


async def rounds(
    subjects: Sequence[T], count: int, warm_up: int = 1
) -> AsyncIterator[tuple[T, bool]]:
    """Each subject in turn, ``count`` times, and whether the turn counts or only warms up.

    Noise then falls on all alike; each round starts with another subject, so that none always
    follows the same one.
    """
    for turn in range(-warm_up, count):
        shift = turn % max(len(subjects), 1)
        for subject in [*subjects[shift:], *subjects[:shift]]:
            yield subject, turn >= 0


async def rest(rival: Rival) -> None:
    """Let ``rival`` get warm again and the machine quiet."""
    await rival.settle()
    await asyncio.sleep(PAUSE)
