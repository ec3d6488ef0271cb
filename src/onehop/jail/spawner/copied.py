"""Workers that are copies of a template."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import struct
from typing import Any

from .errors import LayerError, StepError, TemplateError, failure
from .layout import (
    CONTROL_MESSAGE,
    LIBRARY,
    LIBRARY_FD,
    REPORT_SIZE,
    TEMPLATE_RECEIVED,
    TEMPLATE_SECONDS,
    WORKERS_OF_A_TEMPLATE,
)
from .table import Command, Table


class Copied:
    """Starts each worker as a copy of a process that has loaded the program and waits before its
    first instruction."""

    def __init__(
        self, plan: dict[str, Any], run: Any, ruleset: int, null: int, library: int
    ) -> None:
        self.plan = plan
        self.table = Table(plan["template"], run)
        in_root = library < 0
        self.path = LIBRARY if in_root else f"/proc/self/fd/{LIBRARY_FD}"
        self.table.name(
            spawner=os.getpid(),
            null=null,
            ruleset=ruleset,
            library=null if in_root else library,
        )
        self.pid = 0
        self.written: tuple[str, int] | None = None
        self.workers = 0

    def start(self, program: str, heap: int, stdio: list[int], account: int) -> int:
        """The pid of a confined child in which the program starts. Raises LayerError, and
        TemplateError when there is no template to copy."""
        if (program, heap) != self.written or self.workers >= WORKERS_OF_A_TEMPLATE:
            self.stop()
        if not self.pid:
            self.execute(program, heap)
        self.workers += 1
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        try:
            with os.fdopen(ours, "rb", 0) as last_words:
                try:
                    pid = self.copy([*stdio, theirs], account)
                finally:
                    os.close(theirs)
                self.judge(pid, last_words.read(24))
                return pid
        except OSError as error:
            self.stop()
            raise TemplateError(f"the template has ended or does not answer ({error})") from None

    def copy(self, descriptors: list[int], account: int) -> int:
        words = self.plan["copied"]["account_words"]
        message = struct.pack(f"={words}q", *[account] * words) or b"\0"
        socket.send_fds(self.control, [message], descriptors)
        report = self.control.recv(REPORT_SIZE)
        if len(report) != REPORT_SIZE:
            raise OSError("no report")
        pid, _, _, _, *received = CONTROL_MESSAGE.unpack(report)
        if tuple(received) != TEMPLATE_RECEIVED:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise OSError(f"it has descriptors open that it should not have: {received}")
        return int(pid)

    def judge(self, pid: int, last_words: bytes) -> None:
        """A worker says something only when a step went wrong, and ends then."""
        if not last_words:
            return
        os.waitpid(pid, 0)
        failed, result, entries = struct.unpack("=qqq", last_words)
        error = StepError(failed, result, entries, self.plan["copied"]["first_step"])
        raise failure(error, self.plan["steps"])

    def execute(self, program: str, heap: int) -> None:
        """Raises TemplateError."""
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(TEMPLATE_SECONDS)
        self.command = Command(self.plan, program, heap, LD_PRELOAD=self.path, LD_BIND_NOW="1")
        self.command.put_into(self.table)
        self.written, self.workers = (program, heap), 0
        with theirs:
            control = high(theirs.fileno())
        self.table.name(control=control)
        try:
            self.pid = self.table.start()
        except (StepError, LayerError) as error:
            raise TemplateError(f"the template cannot be started: {error}") from None
        finally:
            os.close(control)

    def stop(self) -> None:
        """Without a template there is nothing to stop."""
        pid, self.pid = self.pid, 0
        if pid:
            self.control.close()
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def high(descriptor: int) -> int:
    """A copy with a number that no table moves a descriptor to."""
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 64)
