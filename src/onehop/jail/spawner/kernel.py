"""System calls that the standard library of Python lacks."""

from __future__ import annotations

import ctypes
import os
from typing import Any

from .errors import LayerError

PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
libc.mmap.restype = ctypes.c_void_p


def check(layer: str, what: str, result: int) -> int:
    """Raise LayerError when a libc call failed."""
    if result < 0:
        error = ctypes.get_errno()
        raise LayerError(layer, f"{what}: {os.strerror(error)} (errno {error})")
    return result


def prctl(option: int, *args: Any) -> int:
    padded = [ctypes.c_ulong(arg) if isinstance(arg, int) else arg for arg in args]
    return int(libc.prctl(ctypes.c_int(option), *padded, *[ctypes.c_ulong(0)] * (4 - len(padded))))


def syscall(number: int, *args: Any) -> int:
    wide = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    return int(libc.syscall(ctypes.c_long(number), *wide))
