"""One trial: a load, a fault in the middle of it, and what must hold afterwards."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from itertools import count
from typing import Final

from tests.chaos import invariants
from tests.chaos.faults import Fault
from tests.chaos.load import Answer, Load
from tests.chaos.subject import Subject

_PATIENCE: Final = 60.0
"""Seconds after which a server that does not recover is given up."""
_TRIALS: Final = count()


@dataclass(frozen=True)
class Trial:
    """What came of it; times in seconds."""

    fault: str
    recovery: float
    """From the end of the fault until a call that began after it was answered well."""
    calls: int
    failed: Counter[str]
    """Good code that failed while something was broken, by type of error."""
    again: Counter[str]
    """Calls that had to be sent again, by the reason."""
    problems: tuple[str, ...]


async def attempt(fault: Fault, subject: Subject, key: str, *, calm: float = 0.5) -> Trial:
    """Load ``subject``, let ``fault`` strike, and look at what is left. ``calm`` is for how long
    all must be well before and after."""
    load = Load(subject.url, key, f"t{next(_TRIALS)}")
    async with load:
        await _until_good(load, time.monotonic())
        await asyncio.sleep(calm)
        broke_at = time.monotonic()
        await fault.strike(subject)
        ended = time.monotonic()
        recovery = await _until_good(load, ended)
        calm_from = time.monotonic() + fault.aftermath
        await asyncio.sleep(calm + fault.aftermath)
    problems = [*load.problems, *invariants.answered_well(load.answers, calm_from, broke_at)]
    problems += await invariants.kept(subject, load.answers)
    problems += [f"process {pid} stayed" for pid in subject.strays]
    written = set(subject.ledger.read_text().split())
    problems += [f"{name} wrote, and is said to be lost" for name in load.lost if name in written]
    if recovery > fault.recovers:
        problems.append(f"it took {recovery:.1f} s to recover, not {fault.recovers:g}")
    failed = Counter(answer.error_type for answer in load.answers if _failed(answer))
    return Trial(
        fault.name, recovery, len(load.answers), failed, load.refused, tuple(sorted(problems))
    )


def _failed(answer: Answer) -> bool:
    return not answer.good and not answer.call.hostile


async def _until_good(load: Load, moment: float) -> float:
    """Seconds from ``moment`` until a call that began later was answered well."""
    while not await load.good_since(moment):
        if time.monotonic() - moment > _PATIENCE:
            return float("inf")
        await asyncio.sleep(0.01)
    good = (answer for answer in load.answers if answer.began >= moment and not _failed(answer))
    return min(answer.ended for answer in good if not answer.call.hostile) - moment
