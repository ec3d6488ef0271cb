"""Landlock: which files the guest's engine may see, for the ABI that this kernel has.

Numbers are those of <linux/landlock.h>.
"""

from __future__ import annotations

import ctypes
import errno
from typing import Any

_SYS_CREATE_RULESET = 444
_VERSION_FLAG = 1

EXECUTE = 1 << 0
READ_FILE = 1 << 2
_FS_BITS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NET_BIND_CONNECT = 0b11  # since ABI 4
_SCOPE_ABSTRACT_UNIX_SIGNAL = 0b11  # since ABI 6


def abi() -> int:
    """The Landlock ABI of the running kernel, or less than 0: the errno of its refusal."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(
        ctypes.c_long(_SYS_CREATE_RULESET), None, ctypes.c_long(0), ctypes.c_long(_VERSION_FLAG)
    )
    return int(version) if version > 0 else -ctypes.get_errno()


def absence(answer: int) -> str:
    """Why there is no Landlock, from what ``abi`` gave."""
    if answer == -errno.EPERM:
        return (
            "a seccomp profile around this process forbids Landlock's system calls: the "
            "container's runtime is too old, or its profile too strict"
        )
    if answer == -errno.EOPNOTSUPP:
        return "Landlock was disabled when the kernel started: name 'landlock' in its lsm= list"
    return "the kernel has no Landlock (Linux 5.13 or later with 'landlock' in its lsm= list)"


def ruleset(version: int, programs: list[str], libraries: list[str]) -> dict[str, Any]:
    """The ruleset as data: handle all that ``version`` knows, grant the engine's own files
    (``programs``: the engine and its loader)."""
    fs_bits = _FS_BITS_BY_ABI[min(version, 5)]
    attr_words = 1 if version < 4 else 2 if version < 6 else 3
    readable = [*libraries, "/dev/urandom"]
    return {
        "handled_fs": (1 << fs_bits) - 1,
        "handled_net": _NET_BIND_CONNECT if version >= 4 else 0,
        "scoped": _SCOPE_ABSTRACT_UNIX_SIGNAL if version >= 6 else 0,
        "attr_size": 8 * attr_words,
        "rules": [
            *((path, EXECUTE | READ_FILE) for path in programs),
            *((path, READ_FILE) for path in readable),
        ],
    }
