"""A process that only computes confines itself, for good, and proves it.

It was forked from one that has loaded all it needs and has seen no hostile text.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from .errors import LayerError
from .kernel import PR_SET_PDEATHSIG, check, prctl, syscall
from .landlock import make_ruleset

PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 4, 22, 38
SECCOMP_MODE_FILTER = 2
_NICE = 5
"""Added to the host's: runs and the host itself come first."""
SYS_LANDLOCK_RESTRICT_SELF = 446
"""The same number on every architecture (landlock_restrict_self(2))."""


def confine(plan: dict[str, Any], parent: int) -> None:
    """Put on every layer that ``plan`` names, and try what must then fail. Raises LayerError."""
    layers = plan["layers"]
    os.nice(_NICE)
    ruleset = make_ruleset(plan) if "landlock" in layers else -1
    if "rlimits" in layers:
        _limit(plan["limits"], plan["more_memory"])
    if "uid" in layers and plan["nobody"] is not None:
        _become(plan["nobody"])
    if "seatbelt" in layers:
        _seatbelt()
    else:
        _forget_privileges(parent)
    if ruleset >= 0:
        check("landlock", "restrict", syscall(SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0))
        os.close(ruleset)
    if "seccomp" in layers:
        _filter(bytes.fromhex(plan["filter"]))
    _prove(layers)


def _limit(limits: dict[str, int], more_memory: int) -> None:
    if sys.platform == "linux":
        with open("/proc/self/statm") as statm:
            size = int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + more_memory, size + more_memory))
    for number, most in limits.items():
        resource.setrlimit(int(number), (most, most))


def _become(nobody: int) -> None:
    os.setgroups([])
    os.setresgid(nobody, nobody, nobody)
    os.setresuid(nobody, nobody, nobody)


def _forget_privileges(parent: int) -> None:
    """After the change of user, which clears the wish to die with the parent (prctl(2))."""
    check("no_new_privs", "PR_SET_DUMPABLE", prctl(PR_SET_DUMPABLE, 0))
    check("no_new_privs", "PR_SET_NO_NEW_PRIVS", prctl(PR_SET_NO_NEW_PRIVS, 1))
    check("no_new_privs", "PR_SET_PDEATHSIG", prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL)))
    if os.getppid() != parent:
        os._exit(1)


def _filter(program: bytes) -> None:
    """struct sock_fprog of <linux/filter.h>: a count of instructions of 8 bytes, and a pointer."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))

    filter_ = Program(len(program) // 8, program)
    installed = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(filter_))
    check("seccomp", "installing the filter", installed)


def _seatbelt() -> None:
    """UNTESTED. ``pure-computation`` is a profile that macOS has (sandbox_init(3))."""
    library = ctypes.CDLL("/usr/lib/libSystem.dylib", use_errno=True)
    message = ctypes.c_char_p()
    if library.sandbox_init(b"pure-computation", 1, ctypes.byref(message)):
        raise LayerError("seatbelt", f"sandbox_init: {message.value!r}")


def _prove(layers: list[str]) -> None:
    tries: dict[str, tuple[tuple[str, Callable[[], Any]], ...]] = {
        "landlock": (("listing /", lambda: os.listdir("/")),),
        "seatbelt": (("listing /", lambda: os.listdir("/")),),
        "seccomp": (
            ("opening a file", lambda: os.open("/dev/null", os.O_RDONLY)),
            ("opening a socket", lambda: socket.socket()),
            ("forking", os.fork),
            ("executing a program", lambda: os.execv("/bin/sh", ["sh"])),  # noqa: S606
        ),
    }
    for layer in layers:
        for what, attempt in tries.get(layer, ()):
            with contextlib.suppress(OSError):
                attempt()
                raise LayerError(layer, f"{what} succeeded inside the jail")
