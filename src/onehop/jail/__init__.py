"""Confinement of worker processes by the operating system; knows nothing of Deno."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.jail._child import Child, Exit, Launcher
    from onehop.jail._compute import ComputePlan, compute_plan
    from onehop.jail._layers import LayerReport
    from onehop.jail._pipes import Pipes, read_some
    from onehop.jail._plan import Features, Plan, Programs, decide, examine, prepare, report
    from onehop.jail._spawner_process import SpawnerProcess
    from onehop.jail.measure import cpu_of, seal

__all__ = [
    "Child",
    "ComputePlan",
    "Exit",
    "Features",
    "Launcher",
    "LayerReport",
    "Pipes",
    "Plan",
    "Programs",
    "SpawnerProcess",
    "begin",
    "compute_plan",
    "cpu_of",
    "decide",
    "examine",
    "launcher",
    "prepare",
    "probe",
    "read_some",
    "report",
    "seal",
]

__getattr__ = late(
    {
        "onehop.jail._child": "Child Exit Launcher",
        "onehop.jail._compute": "ComputePlan compute_plan",
        "onehop.jail._layers": "LayerReport",
        "onehop.jail._pipes": "Pipes read_some",
        "onehop.jail._plan": "Features Plan Programs decide examine prepare report",
        "onehop.jail._spawner_process": "SpawnerProcess",
        "onehop.jail.measure": "cpu_of seal",
    }
)


def begin(*, asks: bool = True) -> SpawnerProcess | None:
    """Start early what a launcher needs, to be handed to it or closed; None where it needs nothing.
    With ``asks`` it finds out what ``examine`` wants to know. Raises SandboxUnavailableError."""
    if sys.platform != "linux":
        return None
    from onehop.jail._spawner_process import SpawnerProcess

    if not asks:
        return SpawnerProcess()
    from onehop.jail._accounts import has_accounts

    return SpawnerProcess(has_accounts())


def launcher(plan: Plan, begun: SpawnerProcess | None = None) -> Launcher:
    """What starts processes under ``plan`` on this system; ``begun`` is what ``begin`` gave."""
    if sys.platform == "darwin":
        from onehop.jail._seatbelt import SeatbeltLauncher

        return SeatbeltLauncher(plan)
    from onehop.jail._launcher import ZygoteLauncher

    return ZygoteLauncher(plan, begun)


def probe() -> list[LayerReport]:
    """Each isolation layer's state on this machine, with the reason."""
    from onehop.jail._plan import examine, report

    return report(examine())
