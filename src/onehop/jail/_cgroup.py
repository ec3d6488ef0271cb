"""The control group around this process and its workers, as it is found (cgroup-v2.rst)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_MOUNTED: Final = Path("/sys/fs/cgroup")
_OWN: Final = Path("/proc/self/cgroup")
_BOUNDS: Final = {"pids.max": "processes and threads", "memory.max": "memory"}


def absence(mounted: Path = _MOUNTED, own: Path = _OWN) -> str:
    """Why the service as a whole is not bounded by its control group; empty when it is."""
    group = _group(mounted, own)
    if group is None:
        return "no control group of version 2 is to be seen here"
    missing = [what for name, what in _BOUNDS.items() if not _is_bounded(group, mounted, name)]
    return f"the service's control group does not bound {' and '.join(missing)}" if missing else ""


def _group(mounted: Path, own: Path) -> Path | None:
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return None
    paths = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    if not paths or not (mounted / "cgroup.controllers").is_file():
        return None
    return mounted / paths[0]


def _is_bounded(group: Path, mounted: Path, name: str) -> bool:
    """By the group itself or by one that it lies in."""
    return any(
        _has_bound(folder / name) for folder in (group, *group.parents) if _below(folder, mounted)
    )


def _below(folder: Path, mounted: Path) -> bool:
    return folder == mounted or mounted in folder.parents


def _has_bound(path: Path) -> bool:
    try:
        return path.read_text().strip().isdigit()
    except OSError:
        return False
