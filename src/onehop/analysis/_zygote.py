"""Starts the process that forks analysis processes, and asks it for them. Blocks meanwhile."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from onehop.analysis._answers import read_ready
from onehop.analysis._link import AnalysisLostError, Link
from onehop.analysis._zygote_process import ZygoteProcess
from onehop.descriptors import shortage
from onehop.errors import SandboxClosedError, SandboxUnavailableError

if TYPE_CHECKING:
    from onehop.jail import ComputePlan

_FORK_SECONDS: Final = 10.0


class Zygote:
    """Started at the first need, and again when it was killed. Threads may share one."""

    def __init__(
        self, allow_degraded: Collection[str] = (), begun: ZygoteProcess | None = None
    ) -> None:
        """``begun`` is the process if there is one already."""
        self._begun = begun
        self._allow_degraded = allow_degraded
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: ZygoteProcess | None = None
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
            why = shortage(error) or error
            raise SandboxUnavailableError(f"no analysis process: {why}") from None
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
            process, self._begun = self._begun or ZygoteProcess(), None
            self._control = process.plan(self._plan(process).body)
            self._process = process
        return self._control

    def _plan(self, process: ZygoteProcess) -> ComputePlan:
        from onehop.jail import compute_plan

        try:
            return compute_plan(self._allow_degraded)
        except BaseException:
            process.end()
            raise

    def _end(self) -> None:
        self._control = None
        process, self._process = self._process, None
        begun, self._begun = self._begun, None
        if begun is not None:
            begun.end()
        if process is not None:
            process.close()
