"""Starts the process that forks analysis processes, and asks it for them. Blocks meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Collection
from typing import Final

from onehop.analysis._answers import read_ready
from onehop.analysis._link import AnalysisLostError, Link
from onehop.errors import SandboxClosedError, SandboxUnavailableError
from onehop.jail import ComputePlan, compute_plan

_START_SECONDS: Final = 30.0
_FORK_SECONDS: Final = 10.0
_END_SECONDS: Final = 2.0
_PROGRAM: Final = """
import json, sys
sys.path[:] = json.loads(sys.argv.pop(1))
from onehop.examiner.server import main
main()
"""
"""The path is the host's, so that an operator's rules are found as they are here."""


class Zygote:
    """Started at the first need, and again when it was killed. Threads may share one."""

    def __init__(self, allow_degraded: Collection[str] = ()) -> None:
        self._allow_degraded = allow_degraded
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def start(self) -> None:
        """Make it ready ahead of the first need. Raises SandboxUnavailableError."""
        with self._lock:
            self._started()

    def fork(self, rules: Collection[str]) -> Link:
        """A confined process that knows ``rules``, references of an operator's.

        Raises LayerUnavailableError and SandboxUnavailableError.
        """
        ours, theirs = socket.socketpair()
        try:
            with self._lock, theirs:
                process, pid = self._ask(rules, theirs.fileno())
        except BaseException:
            ours.close()
            raise
        link = Link(ours, process, pid)
        try:
            read_ready(link.ask(b"", _FORK_SECONDS))
        except AnalysisLostError as error:
            link.close()
            if self._closed:
                raise SandboxClosedError("the analysis processes were ended") from None
            raise SandboxUnavailableError(f"no analysis process: {error}") from None
        except BaseException:
            link.close()
            raise
        return link

    def close(self) -> None:
        """End it for good; what it has forked ends with it."""
        with self._lock:
            self._closed = True
            self._end()

    def _ask(self, rules: Collection[str], channel: int) -> tuple[int, int]:
        """A descriptor of the process that was forked, and its number."""
        request = json.dumps({"rules": list(rules)}).encode()
        for attempt in range(2):
            control = self._started()
            try:
                socket.send_fds(control, [request], [channel])
                message, descriptors, _, _ = socket.recv_fds(control, 65536, 1)
                reply = json.loads(message) if message else {"error": "it ended"}
                if descriptors:
                    return descriptors[0], int(reply["pid"])
                reason = reply["error"]
            except OSError as error:
                reason = str(error)
            self._end()
            if attempt:
                break
        raise SandboxUnavailableError(f"the analysis processes do not start: {reason}")

    def _started(self) -> socket.socket:
        if self._closed:
            raise SandboxClosedError("the analysis processes were ended")
        if self._control is None:
            self._control, self._process = _start(compute_plan(self._allow_degraded))
        return self._control

    def _end(self) -> None:
        control, self._control = self._control, None
        process, self._process = self._process, None
        if control is not None:
            with contextlib.suppress(OSError):  # a copy of this process may hold it open
                control.shutdown(socket.SHUT_RDWR)
            control.close()
        if process is not None:
            _wait_for_end(process)


def _wait_for_end(process: subprocess.Popen[bytes]) -> None:
    """It ends by itself when its socket closes."""
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _start(plan: ComputePlan) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            _command(theirs.fileno(), plan),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
            env={},
            start_new_session=True,  # the terminal's signals are for the host
        )
    try:
        ours.settimeout(_START_SECONDS)
        _check(ours.recv(4096), process)
        ours.settimeout(_FORK_SECONDS)
    except BaseException:
        ours.close()
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()
        raise
    return ours, process


def _command(control: int, plan: ComputePlan) -> list[str]:
    path = json.dumps([os.path.abspath(entry) for entry in sys.path])
    arguments = [path, str(control), json.dumps(plan.body), str(os.getpid())]
    return [sys.executable, "-I", "-c", _PROGRAM, *arguments]


def _check(message: bytes, process: subprocess.Popen[bytes]) -> None:
    assert process.stderr is not None  # noqa: S101 - it was asked for
    with process.stderr as stderr:
        if message:
            return
        said = stderr.read(4096).decode(errors="replace").strip()[-500:]
    reason = said or f"the process ended with status {process.wait()}"
    raise SandboxUnavailableError(f"the analysis processes do not start: {reason}")
