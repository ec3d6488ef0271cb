"""The process that forks analysis processes, as a process of the host: its start and its end."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

from onehop.analysis._framing import write_frame
from onehop.descriptors import shortage
from onehop.errors import SandboxUnavailableError

_START_SECONDS: Final = 30.0
_FORK_SECONDS: Final = 10.0
_END_SECONDS: Final = 2.0
_PROGRAM: Final = """
import gc, json, os, sys
gc.disable()
sys.path[:] = json.loads(sys.argv.pop(1))
from onehop.examiner.server import main
main()
os._exit(0)
"""
"""The path is the host's, so that an operator's rules are found as they are here. What is imported
stays, so that nobody looks for garbage in it, and at the end it is not taken apart."""
_ENVIRONMENT: Final = {"PYDANTIC_DISABLE_PLUGINS": "__all__"}
"""To look for plugins is a tenth of the start."""


class ZygoteProcess:
    """One of them. It loads its program at once, so that it can be started before its plan is made,
    and forks nothing before it has one. Raises SandboxUnavailableError."""

    def __init__(self) -> None:
        try:
            self.control, self._process = _connected()
        except OSError as error:
            raise SandboxUnavailableError(
                f"no analysis process can be started: {shortage(error) or error}"
            ) from None

    def plan(self, plan: Mapping[str, Any]) -> socket.socket:
        """Give it the plan, and wait until it is ready. Raises SandboxUnavailableError and
        OSError."""
        try:
            self.control.settimeout(_START_SECONDS)
            _check(self._ready(plan), self._process)
            self.control.settimeout(_FORK_SECONDS)
        except BaseException:
            self.end()
            raise
        return self.control

    def _ready(self, plan: Mapping[str, Any]) -> bytes:
        try:
            write_frame(self.control.fileno(), dict(plan))
            return self.control.recv(4096)
        except (BrokenPipeError, ConnectionResetError):  # it says on its standard error why
            return b""

    def end(self) -> None:
        """End it at once."""
        self._hang_up()
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """It ends by itself when its socket closes, and what it has forked with it."""
        self._hang_up()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):  # a copy of this process may hold it open
            self.control.shutdown(socket.SHUT_RDWR)
        self.control.close()
        if self._process.stderr is not None:
            self._process.stderr.close()


def _connected() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            return ours, _start(theirs.fileno())
        except BaseException:
            ours.close()
            raise


def _start(control: int) -> subprocess.Popen[bytes]:
    path = json.dumps([os.path.abspath(entry) for entry in sys.path])
    return subprocess.Popen(
        [sys.executable, "-I", "-c", _PROGRAM, path, str(os.getpid())],
        stdin=control,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=_ENVIRONMENT,
        start_new_session=True,  # the terminal's signals are for the host
    )


def _check(message: bytes, process: subprocess.Popen[bytes]) -> None:
    assert process.stderr is not None  # noqa: S101 - it was asked for
    with process.stderr as stderr:
        if message:
            return
        said = stderr.read(4096).decode(errors="replace").strip()[-500:]
    reason = said or f"the process ended with status {process.wait()}"
    raise SandboxUnavailableError(f"the analysis processes do not start: {reason}")
