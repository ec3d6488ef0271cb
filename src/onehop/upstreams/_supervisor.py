"""The program between onehop and a server that runs here: when onehop is gone, however it ended,
all processes of the server go too, those that left its group among them.

It is run by its path with nothing but Python's own library: ``_supervisor.py DESCRIPTOR COMMAND…``.
The descriptor is the end of a pipe whose other end onehop has; it is at its end when onehop is.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import time

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE = 5.0
"""Seconds in which processes that start others all the time are killed again and again."""
_PAUSE = 0.005


def main(lifeline: int, argv: list[str]) -> int:
    """Run the command; its exit code."""
    os.set_inheritable(lifeline, False)
    wakes, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _hear)  # the server's own begin as usual
    _adopt()
    server = os.posix_spawnp(argv[0], argv, os.environ)
    _let_go_of_streams()
    code = _watch(server, lifeline, wakes)
    _kill_all()
    return code


def _hear(*_: object) -> None:
    """They are for the server, which is in the same group."""


def _adopt() -> None:
    """Whatever loses its parent below becomes a child of this process (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _let_go_of_streams() -> None:
    """They are the server's alone."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.close(nothing)


def _watch(server: int, lifeline: int, wakes: int) -> int:
    """Until the server has ended, or onehop has."""
    while True:
        ready, _, _ = select.select([lifeline, wakes], [], [])
        if lifeline in ready:
            return 0
        os.read(wakes, 4096)
        for pid, status in _ended():
            if pid == server:
                return abs(os.waitstatus_to_exitcode(status))


def _ended() -> list[tuple[int, int]]:
    """Children that are over."""
    found = []
    with contextlib.suppress(ChildProcessError):
        while (one := os.waitpid(-1, os.WNOHANG))[0]:
            found.append(one)
    return found


def _kill_all() -> None:
    """Everything below this process, until nothing is left; then its group, it included."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and (pids := _descendants()):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        _ended()
        time.sleep(_PAUSE)
    if sys.platform != "linux":
        os.killpg(0, signal.SIGKILL)


def _descendants() -> list[int]:
    """By the parents that the system knows."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if sys.platform == "linux" else []:
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                children.setdefault(_parent(name), []).append(int(name))
    found: list[int] = []
    pending = [os.getpid()]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found


def _parent(name: str) -> int:
    with open(f"/proc/{name}/stat", "rb") as stream:
        return int(stream.read().rpartition(b")")[2].split()[1])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
