"""The jail's layers as lights: in force on the latest run, or why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from onehop import jail
from onehop.records import ExecutionRecord


@dataclass(frozen=True, slots=True)
class Light:
    """One layer of isolation."""

    name: str
    state: str
    """``in force`` on the latest run; ``available`` here, but no run has shown it yet; or else
    what the machine says."""
    reason: str


def lights_of(latest: Sequence[ExecutionRecord]) -> list[Light]:
    """Each layer; ``latest`` are records, newest first."""
    proved = _enforced(latest)
    known = _reports()
    lights = [_light(name, state, reason, proved) for name, state, reason in known]
    names = {light.name for light in lights}
    lights += [Light(name, "in force", "") for name in sorted(proved - names)]
    return lights


def _light(name: str, state: str, reason: str, proved: set[str]) -> Light:
    return Light(name, "in force" if name in proved else state, reason)


def _enforced(latest: Sequence[ExecutionRecord]) -> set[str]:
    for record in latest:
        named = record.details.get("enforcement")
        if named:
            return {str(name) for name in named}
    return set()


def warm() -> None:
    """Ask the machine, which takes a while."""
    _reports()


@cache
def _reports() -> tuple[tuple[str, str, str], ...]:
    """What this machine offers: it does not change while the process runs."""
    return tuple((each.name, each.state, each.reason) for each in jail.probe())
