"""What a worker uses and which limits it has, read and set from outside (proc(5), prlimit(2)), and
the check from outside that all layers are there.

A worker's pid stays its own until the host has it reaped, so reading by pid is safe here.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import resource
import sys
import time
from typing import Literal

from onehop._data import data
from onehop.errors import LayerUnavailableError
from onehop.jail._child import Child, Exit, Launcher
from onehop.limits import MIB, Limits

_HIGH_WATER = b"\nVmHWM:"
"""At the start of a line, where no process name can put it."""
_CONFINEMENT = re.compile(rb"^(Seccomp|NoNewPrivs|Uid|CapEff|NSpid):\s+(.*)$", re.MULTILINE)
_EXTENT = re.compile(rb"^(VmSize|VmRSS|VmPTE|Threads):\s+(\d+)", re.MULTILINE)
_STATUS_BYTES = 16384  # most of it would be a user's many groups
_IN_KILOBYTES = (b"VmSize", b"VmRSS", b"VmPTE")
_PAGE = resource.getpagesize()
_DATA_SLACK = 1.25
"""Memory that V8 may map beyond the grant, for its own book-keeping and garbage collection."""
_BACKSTOP_BYTES = 48 * MIB
"""Memory above the grant at which the sampler ends a run that the kernel let pass."""
MOST_THREADS = 64
"""Beyond those of a worker that is ready. The engine itself adds up to 32, when a program does much
cryptography at once."""
_ADDRESSES = 16 << 30
"""Address space beyond that of a worker that is ready, and beyond four times its grant: for buffers
that may grow, and for threads. Page tables of 32 MB describe it."""


Over = Literal["memory", "cpu", "threads"]


@data(frozen=True, slots=True)
class Sample:
    """A worker's state at dispatch."""

    rss_bytes: int
    data_bytes: int
    cpu_seconds: float


@data(frozen=True, slots=True)
class Extent:
    """What a worker takes of the kernel, besides its data."""

    address_bytes: int
    rss_bytes: int
    table_bytes: int
    """Page tables, which neither resident memory nor RLIMIT_DATA counts."""
    threads: int


def sample(pid: int) -> Sample:
    """Read memory and CPU time now. Raises OSError when the process is gone."""
    if sys.platform == "darwin":
        from onehop.jail import _darwin

        return Sample(*_darwin.usage(pid))
    pages = _read(f"/proc/{pid}/statm").split()
    return Sample(int(pages[1]) * _PAGE, int(pages[5]) * _PAGE, cpu_of(pid))


def _read(path: str) -> bytes:
    """A short file of /proc, without the 20 µs that a file object costs."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, 4096)
    finally:
        os.close(file)


def cpu_of(pid: int) -> float:
    """User and system time of all threads; the clock id is that of clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


def sealing_limits(
    pid: int, ready: Extent, ceiling: Limits, counts_threads: bool
) -> dict[int, int]:
    """What the kernel must hold once a worker is ready: its memory, address space and CPU time at
    the most, no descriptor opened any more, and its threads, if the kernel counts them alone.
    Raises OSError when the process is gone."""
    now = sample(pid)
    threads = {resource.RLIMIT_NPROC: ready.threads + MOST_THREADS} if counts_threads else {}
    return threads | {
        resource.RLIMIT_DATA: now.data_bytes + int(ceiling.memory_bytes * _DATA_SLACK),
        resource.RLIMIT_AS: ready.address_bytes + _ADDRESSES + 4 * ceiling.memory_bytes,
        resource.RLIMIT_CPU: math.ceil(now.cpu_seconds + ceiling.cpu_seconds) + 1,
        resource.RLIMIT_NOFILE: 0,
    }


@data(frozen=True, slots=True)
class Watch:
    """Looks at a worker from outside while it runs, for what the kernel does not hold."""

    pid: int
    status: Status | None
    ready: Extent | None
    """When it was sealed; None where the kernel has no such account (macOS)."""

    def over_limit(self, start: Sample, limits: Limits, first: Sample | None = None) -> Over | None:
        """Which limit the worker is over, if any, when it was at ``start`` at dispatch, and at
        ``first`` when it was given the first job of its session."""
        try:
            grown, threads, cpu = self._usage(start)
            if first is not None:
                grown += start.rss_bytes - first.rss_bytes
        except OSError:
            return None  # it ended, which its pipe tells
        if grown > limits.memory_bytes + _BACKSTOP_BYTES:
            return "memory"
        if threads > MOST_THREADS:
            return "threads"
        return "cpu" if cpu > limits.cpu_seconds else None

    def cpu_seconds(self, start: Sample) -> float:
        """CPU time since dispatch; 0 of a worker that has ended, which its pipe tells."""
        try:
            now = sample(self.pid).cpu_seconds if self.status is None else cpu_of(self.pid)
            return now - start.cpu_seconds
        except OSError:
            return 0.0

    def _usage(self, start: Sample) -> tuple[int, int, float]:
        """Growth in bytes, threads that it did not have when it was ready, and CPU seconds."""
        if self.status is None or self.ready is None:
            now = sample(self.pid)
            return now.rss_bytes - start.rss_bytes, 0, now.cpu_seconds - start.cpu_seconds
        seen, ready = self.status.extent(), self.ready
        grown = seen.rss_bytes - start.rss_bytes + seen.table_bytes - ready.table_bytes
        return grown, seen.threads - ready.threads, cpu_of(self.pid) - start.cpu_seconds


def forget_peak(pid: int) -> None:
    """Start the peak of resident memory anew (clear_refs, value 5), so that start-up is not in it.

    Where the kernel refuses, the peak merely includes start-up."""
    with contextlib.suppress(OSError):
        file = os.open(f"/proc/{pid}/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(file, b"5")
        finally:
            os.close(file)


class Status:
    """What the kernel tells of a process, from one descriptor that stays open: reading it again
    costs a third of opening the file. Raises OSError when the process is gone."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._file = os.open(f"/proc/{pid}/status", os.O_RDONLY | os.O_CLOEXEC)
        self._references: int | None = None
        self._pages: int | None = None

    def peak(self) -> int | None:
        """Of resident memory, in bytes; None when the process has ended."""
        _, _, rest = os.pread(self._file, _STATUS_BYTES, 0).partition(_HIGH_WATER)
        return int(rest[: rest.index(b"kB")]) * 1024 if rest else None

    def extent(self) -> Extent:
        """Raises OSError when the process has ended."""
        found = dict(_EXTENT.findall(os.pread(self._file, _STATUS_BYTES, 0)))
        try:
            size, rss, tables = (int(found[name]) << 10 for name in _IN_KILOBYTES)
        except KeyError:  # a zombie has none
            raise ProcessLookupError("the process has ended") from None
        return Extent(size, rss, tables, int(found[b"Threads"]))

    def sample(self) -> Sample:
        """The state now, for a tenth of what opening its files costs. Raises OSError when the
        process has ended."""
        if self._pages is None:
            self._pages = os.open(f"/proc/{self._pid}/statm", os.O_RDONLY | os.O_CLOEXEC)
        pages = int(os.pread(self._pages, 256, 0).split(None, 2)[1])
        if not pages:  # a zombie has none
            raise ProcessLookupError("the process has ended")
        return Sample(pages * _PAGE, 0, cpu_of(self._pid))

    def forget_peak(self) -> None:
        """See the function of this name."""
        if self._references is None:
            path = f"/proc/{self._pid}/clear_refs"
            with contextlib.suppress(OSError):
                self._references = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        if self._references is not None:
            with contextlib.suppress(OSError):
                os.pwrite(self._references, b"5", 0)

    def confinement(self) -> dict[bytes, bytes]:
        """The fields that tell of layers, as they are written there."""
        return dict(_CONFINEMENT.findall(os.pread(self._file, _STATUS_BYTES, 0)))

    def close(self) -> None:
        """Give the descriptor back."""
        for descriptor in (self._file, self._references, self._pages):
            if descriptor is not None:
                os.close(descriptor)


def usage(pid: int, start: Sample, status: Status | None) -> tuple[float, int] | None:
    """CPU seconds and peak growth in bytes since ``start``; None when the process has ended."""
    try:
        if status is None:  # macOS tells no peak; what is there at the end is
            now = sample(pid)
            return now.cpu_seconds - start.cpu_seconds, max(0, now.rss_bytes - start.rss_bytes)
        cpu, high = cpu_of(pid), status.peak()
    except OSError:
        return None
    return None if high is None else (cpu - start.cpu_seconds, max(0, high - start.rss_bytes))


def usage_at_exit(exit_: Exit | None, start: Sample) -> tuple[float, int]:
    """The same from what the kernel kept of a process that has ended."""
    if exit_ is None:
        return 0.0, 0
    cpu = max(0.0, exit_.cpu_seconds - start.cpu_seconds)
    return cpu, max(0, exit_.max_rss_bytes - start.rss_bytes)


def verify(status: Status | None, layers: tuple[str, ...]) -> tuple[str, ...]:
    """Check by the kernel's own account that the planned layers are on this worker.

    Landlock, rlimits and the filter's effect were proved by the worker itself before it ran the
    engine. Raises LayerUnavailableError; returns the layers, with Deno's own permissions last.
    """
    if status is None:  # Seatbelt has no account of itself to read
        return (*layers, "permissions")
    seen = status.confinement()
    expected = {
        "seccomp": seen.get(b"Seccomp") == b"2",
        "no_new_privs": seen.get(b"NoNewPrivs") == b"1",
        "uid": b"0" not in seen.get(b"Uid", b"0").split()
        and int(seen.get(b"CapEff", b"1"), 16) == 0,
        "namespaces": len(seen.get(b"NSpid", b"").split()) > 1,
    }
    for layer in layers:
        if not expected.get(layer, True):
            raise LayerUnavailableError(layer, "the kernel says that it is not on a worker")
    return (*layers, "permissions")


async def seal(
    launcher: Launcher, process: Child, ceiling: Limits
) -> tuple[Status | None, tuple[str, ...]]:
    """From here on: no new descriptor, and at most the granted memory, threads and CPU.

    Returns the kernel's account of the process, which the caller closes, and the layers in force.
    Raises LayerUnavailableError, and OSError when the process is gone.
    """
    status = Status(process.pid) if sys.platform == "linux" else None
    try:
        await _limit(launcher, process, ceiling, status)
        forget_peak(process.pid)
        enforcement = verify(status, launcher.plan.layers)
        process.kill(0)  # PermissionError: it could not be killed
    except BaseException:
        if status is not None:
            status.close()
        raise
    return status, enforcement


async def _limit(
    launcher: Launcher, process: Child, ceiling: Limits, status: Status | None
) -> None:
    layers = launcher.plan.layers
    if "rlimits" in layers and status is not None:
        ready, counts = status.extent(), "threads" in layers
        limits = sealing_limits(process.pid, ready, ceiling, counts)
        await launcher.limit(process.id, limits)
