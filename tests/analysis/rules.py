"""Rules that do, in an analysis process, what a parser that was taken over might do."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from onehop.types import Finding
from onehop.validation import Source

_libc = ctypes.CDLL(None, use_errno=True)
CHANNEL = 1
"""The descriptor of an analysis process that leads to the host."""
ATTEMPTS: dict[str, Callable[[], Any]] = {
    "read a file": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "read its own memory map": lambda: os.open("/proc/self/maps", os.O_RDONLY),
    "make a file": lambda: os.open("/tmp/onehop-attempt", os.O_WRONLY | os.O_CREAT),
    "list a folder": lambda: os.listdir("/"),
    "open a socket": socket.socket,
    "fork": os.fork,
    "start a thread": lambda: threading.Thread(target=print).start(),
    "run a program": lambda: os.execv("/bin/sh", ["sh"]),
    "signal its parent": lambda: os.kill(os.getppid(), signal.SIGKILL),
    "signal everybody": lambda: os.kill(-1, signal.SIGKILL),
    "raise a limit": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
    "change its user": lambda: os.setuid(1),
    "duplicate a descriptor": lambda: os.dup(CHANNEL),
    "make an anonymous file": lambda: os.memfd_create("x"),
    "trace its parent": lambda: _called(101, 16, os.getppid(), 0, 0),
}
"""Each raises when it is refused."""


def _called(number: int, *arguments: int) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def attempts(source: Source) -> Iterator[Finding]:
    """A finding for each attempt that succeeds."""
    for what, attempt in ATTEMPTS.items():
        try:
            attempt()
        except (OSError, RuntimeError, ValueError):
            continue
        yield source.finding(source.root, what)


def collector(source: Source) -> Iterator[Finding]:
    """A finding that says whether the collector of cycles is at work."""
    yield source.finding(source.root, str(gc.isenabled()))


def descriptors(source: Source) -> Iterator[Finding]:
    """A finding for each open descriptor."""
    for number in range(256):
        try:
            os.fstat(number)
        except PermissionError:  # asked by reading nothing: fstat itself is refused
            try:
                os.write(number, b"")
            except OSError:
                continue
        except OSError:
            continue
        yield source.finding(source.root, str(number))


def who(source: Source) -> Iterator[Finding]:
    """A finding that names the process."""
    yield source.finding(source.root, str(os.getpid()), type="warning")


def slow(source: Source) -> Iterator[Finding]:
    """Two seconds for a text that says so."""
    if "slow" in source.code:
        end = time.monotonic() + 2
        while time.monotonic() < end:
            pass
    yield from ()


FORGERIES = {
    "a length of 4 GB": b"\xff\xff\xff\xff",
    "no JSON": b"\0\0\0\4null"[:6] + b"{{",
    "another form": b"\0\0\0\2[]",
    "a finding of 10 MB": b"",
    "nesting": b"",
    "two answers": b'\0\0\0\x0d{"result": 1}' * 2,
}


def forge(source: Source) -> Iterator[Finding]:
    """Answers the host in place of the process, as the text says."""
    name = source.code.rpartition("//")[2]
    if name == "a finding of 10 MB":
        yield source.finding(source.root, "x" * 10_000_000)
    elif name == "nesting":
        body = b"[" * 1_000_000 + b"]" * 1_000_000
        _send(len(body).to_bytes(4, "big") + body)
    elif name in FORGERIES:
        _send(FORGERIES[name])


def _send(data: bytes) -> None:
    while data:
        data = data[os.write(CHANNEL, data) :]
    time.sleep(30)
