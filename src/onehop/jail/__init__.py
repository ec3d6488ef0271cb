"""Confinement of worker processes by the operating system; knows nothing of Deno."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from onehop.jail._child import Child, Exit, Launcher
from onehop.jail._compute import ComputePlan, compute_plan
from onehop.jail._layers import LayerReport
from onehop.jail._plan import Features, Plan, Programs, decide, examine, report

if TYPE_CHECKING:
    from onehop.jail._spawner_process import SpawnerProcess as SpawnerProcess

__all__ = [
    "Child",
    "ComputePlan",
    "Exit",
    "Features",
    "Launcher",
    "LayerReport",
    "Plan",
    "Programs",
    "begin",
    "compute_plan",
    "decide",
    "examine",
    "launcher",
    "probe",
    "report",
]


def begin() -> SpawnerProcess | None:
    """Start early what a launcher needs, to be handed to it or closed; None where it needs nothing.
    Raises SandboxUnavailableError."""
    if sys.platform != "linux":
        return None
    from onehop.jail._spawner_process import SpawnerProcess

    return SpawnerProcess()


def launcher(plan: Plan, begun: SpawnerProcess | None = None) -> Launcher:
    """What starts processes under ``plan`` on this system; ``begun`` is what ``begin`` gave."""
    if sys.platform == "darwin":
        from onehop.jail._seatbelt import SeatbeltLauncher

        return SeatbeltLauncher(plan)
    from onehop.jail._launcher import ZygoteLauncher

    return ZygoteLauncher(plan, begun)


def probe() -> list[LayerReport]:
    """Each isolation layer's state on this machine, with the reason."""
    return report(examine())
