"""macOS: what a process uses, by proc_pid_rusage of <libproc.h>. UNTESTED, as all of macOS is."""

from __future__ import annotations

import ctypes
import os

_RUSAGE_INFO_V0 = 0
_USER_TIME, _SYSTEM_TIME, _RESIDENT_SIZE = 2, 3, 8
"""Indexes of 64-bit words in struct rusage_info_v0, whose first two hold a UUID."""


def usage(pid: int) -> tuple[int, int, float]:
    """Resident bytes, zero (data is not told apart), and CPU seconds. Raises ProcessLookupError."""
    libproc = ctypes.CDLL("/usr/lib/libproc.dylib", use_errno=True)
    words = (ctypes.c_uint64 * 12)()
    if libproc.proc_pid_rusage(pid, _RUSAGE_INFO_V0, ctypes.byref(words)) != 0:
        raise ProcessLookupError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    ticks = words[_USER_TIME] + words[_SYSTEM_TIME]
    return int(words[_RESIDENT_SIZE]), 0, ticks * _nanoseconds_per_tick() / 1e9


def _nanoseconds_per_tick() -> float:
    """Mach time units differ between Intel and Apple processors (mach_timebase_info)."""
    fraction = (ctypes.c_uint32 * 2)()
    ctypes.CDLL(None).mach_timebase_info(ctypes.byref(fraction))
    return float(fraction[0] / fraction[1])
