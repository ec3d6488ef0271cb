"""How many processors this process may really use."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Final

_CGROUP: Final = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """The processors that it may run on, or as many as its control group's quota is worth."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(cores or 1, _quota(_CGROUP)))


def _quota(root: Path) -> int:
    """CPUs of the quota, rounded up. Control groups of version 2, then 1: <cgroup-v2.rst>."""
    try:
        quota, period = (root / "cpu.max").read_text().split()
    except (OSError, ValueError):
        quota, period = _quota_v1(root / "cpu")
    if not quota.isdigit() or not period.isdigit():  # "max", or -1: none
        return 1 << 20
    return math.ceil(int(quota) / max(int(period), 1))


def _quota_v1(root: Path) -> tuple[str, str]:
    try:
        quota = (root / "cpu.cfs_quota_us").read_text().strip()
        return quota, (root / "cpu.cfs_period_us").read_text().strip()
    except OSError:
        return "max", ""
