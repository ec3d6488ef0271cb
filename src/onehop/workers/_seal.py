"""The last layer, put on a process that is ready, and the check from outside that all are there."""

from __future__ import annotations

import sys

from onehop.jail import Child, Launcher
from onehop.limits import Limits
from onehop.workers import _measure


async def seal(
    launcher: Launcher, process: Child, ceiling: Limits
) -> tuple[_measure.Status | None, tuple[str, ...]]:
    """From here on: no new descriptor, and at most the granted memory, threads and CPU.

    Returns the kernel's account of the process, which the caller closes, and the layers in force.
    Raises LayerUnavailableError, and OSError when the process is gone.
    """
    status = _measure.Status(process.pid) if sys.platform == "linux" else None
    try:
        await _limit(launcher, process, ceiling, status)
        _measure.forget_peak(process.pid)
        enforcement = _measure.verify(status, launcher.plan.layers)
        process.kill(0)  # PermissionError: it could not be killed
    except BaseException:
        if status is not None:
            status.close()
        raise
    return status, enforcement


async def _limit(
    launcher: Launcher, process: Child, ceiling: Limits, status: _measure.Status | None
) -> None:
    layers = launcher.plan.layers
    if "rlimits" in layers and status is not None:
        ready, counts = status.extent(), "threads" in layers
        limits = _measure.sealing_limits(process.pid, ready, ceiling, counts)
        await launcher.limit(process.id, limits)
