"""Facts of the machine that a reader needs to judge a number; none that name it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

from benchmarks.rivals import ALL


def facts() -> dict[str, str]:
    """Cores, kernel, processor, load, Python and the versions of all that is compared."""
    return {
        "cores": str(os.cpu_count()),
        "processor": _processor(),
        "kernel": f"{platform.system()} {platform.release()}",
        "load before": f"{os.getloadavg()[0]:.2f}",
        "user": "root" if os.geteuid() == 0 else "not root",
        "Python": platform.python_version(),
        **_versions(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else 'unknown'} ({platform.machine()})"


def _versions() -> dict[str, str]:
    versions = {rival.package: rival.version() or "not installed" for rival in ALL.values()}
    return {**versions, "V8 of deno": _v8()}


def _v8() -> str:
    command = [sys.executable, "-m", "deno", "--version"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = dict(line.split(" ")[:2] for line in answer.stdout.splitlines() if " " in line)
    return lines.get("v8", "unknown")
