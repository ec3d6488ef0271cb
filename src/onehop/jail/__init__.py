"""Confinement of worker processes by the operating system; knows nothing of Deno."""

from __future__ import annotations

from onehop.jail._launcher import Exit, Launcher, Spawned
from onehop.jail._layers import LayerReport
from onehop.jail._plan import Features, Plan, decide, examine, report

__all__ = [
    "Exit",
    "Features",
    "Launcher",
    "LayerReport",
    "Plan",
    "Spawned",
    "decide",
    "examine",
    "probe",
    "report",
]


def probe() -> list[LayerReport]:
    """Each isolation layer's state on this machine, with the reason."""
    return report(examine())
