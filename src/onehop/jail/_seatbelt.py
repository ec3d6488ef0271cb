"""macOS: each worker is started by ``sandbox-exec`` under a Seatbelt profile.

Written from Apple's sandbox profile language as its own profiles use it, and UNTESTED: nobody has
run it yet. There is no spawner here, and the kernel holds no memory limit: V8's heap limit and the
host's sampling do, which is why the layer ``rlimits`` must be allowed to be missing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from onehop.descriptors import shortage
from onehop.errors import LayerUnavailableError, WorkerStartError
from onehop.jail._child import Exit
from onehop.jail._plan import Plan

SANDBOX_EXEC = "/usr/bin/sandbox-exec"

_PROFILE = """
(version 1)
(deny default)
(allow process-exec (literal (param "BINARY")))
(allow file-read* (literal (param "BINARY")) (literal "/") (literal "/dev/urandom")
    (literal "/dev/random") (literal "/dev/null") (subpath "/usr/lib")
    (subpath "/System/Library") (subpath "/System/Volumes/Preboot/Cryptexes")
    (subpath "/private/var/db/dyld"))
(allow sysctl-read)
(allow signal (target self))
"""


@dataclass(frozen=True, slots=True)
class SeatbeltChild:
    """A Child whose end shows as the end of a pipe that only it holds."""

    id: int
    exit_fd: int
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """See Child.pid."""
        return self.process.pid

    def kill(self, number: int = signal.SIGKILL) -> None:
        """See Child.kill; Popen never signals a process that it has reaped."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)


class SeatbeltLauncher:
    """A Launcher for macOS."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._ids = 0

    @property
    def alive(self) -> bool:
        """See Launcher.alive."""
        return True

    async def start(self) -> None:
        """Raises LayerUnavailableError where there is no sandbox-exec."""
        if not os.access(SANDBOX_EXEC, os.X_OK):
            raise LayerUnavailableError("seatbelt", f"there is no {SANDBOX_EXEC}")

    async def spawn(self, program: str, stdio: tuple[int, int, int], heap_mb: int) -> SeatbeltChild:
        """See Launcher.spawn."""
        exit_read, exit_write = os.pipe()
        try:
            process = self._popen(self._command(program, heap_mb), stdio, exit_write)
        except OSError as error:
            os.close(exit_read)
            why = shortage(error) or error
            raise WorkerStartError(f"sandbox-exec could not be started: {why}") from None
        finally:
            os.close(exit_write)
        self._ids += 1
        self._children[self._ids] = process
        return SeatbeltChild(self._ids, exit_read, process)

    def _command(self, program: str, heap_mb: int) -> list[str]:
        argv = [arg.replace("@HEAP@", str(heap_mb)) for arg in self.plan.programs[program]]
        return [SANDBOX_EXEC, "-p", _PROFILE, "-D", f"BINARY={self.plan.body['binary']}", *argv]

    def _popen(
        self, command: list[str], stdio: tuple[int, int, int], exit_write: int
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            stdin=stdio[0],
            stdout=stdio[1],
            stderr=stdio[2],
            env=self.plan.body["env"],
            pass_fds=[exit_write],
            cwd="/",
            start_new_session=True,
        )

    async def limit(self, child: int, limits: Mapping[int, int]) -> None:
        """macOS has no prlimit; the layer ``rlimits`` is never in a plan here."""
        raise LayerUnavailableError("rlimits", f"macOS cannot limit process {child} ({limits})")

    async def reap(self, child: int) -> Exit:
        """See Launcher.reap."""
        process = self._children.pop(child)
        _, status, usage = os.wait4(process.pid, 0)  # noqa: ASYNC222 - it has ended
        process.returncode = os.waitstatus_to_exitcode(status)
        # ru_maxrss counts bytes on macOS (getrusage(2)), kilobytes on Linux.
        return Exit(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)

    def release(self, child: int) -> None:
        """See Launcher.release."""
        self._children.pop(child).wait()

    async def aclose(self) -> None:
        """See Launcher.aclose."""
        for process in self._children.values():
            process.kill()
            process.wait()
        self._children.clear()
