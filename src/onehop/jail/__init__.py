"""Confinement of worker processes by the operating system; knows nothing of Deno."""

from __future__ import annotations

import sys

from onehop.jail._child import Child, Exit, Launcher
from onehop.jail._compute import ComputePlan, compute_plan
from onehop.jail._layers import LayerReport
from onehop.jail._plan import Features, Plan, Programs, decide, examine, report

__all__ = [
    "Child",
    "ComputePlan",
    "Exit",
    "Features",
    "Launcher",
    "LayerReport",
    "Plan",
    "Programs",
    "compute_plan",
    "decide",
    "examine",
    "launcher",
    "probe",
    "report",
]


def launcher(plan: Plan) -> Launcher:
    """What starts processes under ``plan`` on this system."""
    if sys.platform == "darwin":
        from onehop.jail._seatbelt import SeatbeltLauncher

        return SeatbeltLauncher(plan)
    from onehop.jail._launcher import ZygoteLauncher

    return ZygoteLauncher(plan)


def probe() -> list[LayerReport]:
    """Each isolation layer's state on this machine, with the reason."""
    return report(examine())
