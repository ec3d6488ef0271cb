"""The plan for a process that computes on text it was sent and needs nothing else.

It reads and writes two descriptors that it holds, and allocates memory. It opens nothing: what it
needs was loaded before it was confined.
"""

from __future__ import annotations

import errno
import os
import platform
import resource
import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from onehop.errors import LayerUnavailableError
from onehop.jail import _landlock
from onehop.jail._accounts import may_drop_root
from onehop.jail._plan import (
    NOBODY,
    Features,
    _has_seccomp,
    _unavailable,
)

_LAYERS: Final = ("seatbelt", "seccomp", "landlock", "rlimits", "uid", "no_new_privs")
_ALLOWED: Final = """
    read write close futex mmap munmap mremap mprotect madvise brk getpid gettid sched_yield
    clock_gettime clock_nanosleep nanosleep getrandom rt_sigreturn rt_sigprocmask rt_sigaction
    sigaltstack restart_syscall rseq exit exit_group
""".split()
"""What the interpreter calls while it computes; found by running it under the filter."""
_LIMITS: Final = {
    "NOFILE": 0,
    "NPROC": 0,
    "CORE": 0,
    "FSIZE": 0,
    "MEMLOCK": 0,
    "CPU": 60,
    "STACK": 1 << 20,
}
"""By the names of the ``resource`` module; CPU in seconds. The stack is an eighth of what threads
of the host have: what a parser survives here, it survives there."""
_MORE_MEMORY: Final = 1 << 30
"""Bytes of address space that it may add to what it has when it is confined."""


@dataclass(frozen=True, slots=True)
class ComputePlan:
    """``body`` is for ``spawner.compute``; ``layers`` are those that it puts on."""

    layers: tuple[str, ...]
    body: dict[str, Any] = field(default_factory=dict)


def compute_plan(allow_degraded: Collection[str] = ()) -> ComputePlan:
    """The plan for this machine.

    Raises LayerUnavailableError for a layer that this machine lacks and ``allow_degraded`` does
    not name.
    """
    states = {name: why for name, why in _states().items() if name in _LAYERS}
    for name, why in states.items():
        if why and name not in allow_degraded:
            raise LayerUnavailableError(name, why)
    layers = tuple(name for name, why in states.items() if not why)
    return ComputePlan(layers, _body(layers))


def _states() -> dict[str, str]:
    """Each layer with the reason why it cannot be had; an empty reason means that it can."""
    is_linux = sys.platform == "linux"
    features = Features(
        system=platform.system(),
        machine=platform.machine(),
        landlock_abi=_landlock.abi() if is_linux else 0,
        seccomp=is_linux and _has_seccomp(),
        is_root=os.geteuid() == 0,
        may_drop_root=is_linux and may_drop_root(),
        namespaces="not used",
        accounts=False,
        cgroup="not used",
        threads="not used",
    )
    return _unavailable(features)


def _body(layers: tuple[str, ...]) -> dict[str, Any]:
    version = _landlock.abi() if "landlock" in layers else 0
    return {
        "layers": list(layers),
        "limits": {getattr(resource, f"RLIMIT_{name}"): most for name, most in _LIMITS.items()},
        "more_memory": _MORE_MEMORY,
        "nobody": NOBODY if os.geteuid() == 0 else None,
        "landlock": {**_landlock.ruleset(version, [], []), "rules": []} if version else None,
        "filter": _filter().hex() if "seccomp" in layers else "",
    }


def _filter() -> bytes:
    """Everything is refused but computing."""
    from seccompy import Action, Filter  # 60 ms: only where a process is planned

    filter_ = Filter(default=int(Action.ERRNO) | errno.EPERM)
    for name in _ALLOWED:
        filter_.allow(name)
    program: bytes = filter_.program
    return program
