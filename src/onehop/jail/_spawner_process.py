"""The spawner as a process of the host: its start, the plan that it is given, and its end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from typing import Final

from onehop.descriptors import shortage
from onehop.errors import SandboxUnavailableError

START_SECONDS: Final = 20.0
_STOP_SECONDS: Final = 5.0
_FOLDER: Final = os.path.dirname(__file__)
_PROGRAM: Final = """
import os, sys
sys.path.insert(0, sys.argv.pop(1))
from spawner.main import main
main()
os._exit(0)
"""
"""Not by its full name: that would import all of onehop. At the end the host waits, and it takes
longer to take Python apart than all the rest."""


class SpawnerProcess:
    """One spawner. It loads its program at once, so that it can be started before its plan is made,
    and starts nothing before it has one. Raises SandboxUnavailableError."""

    def __init__(self, accounts: bool | None = None) -> None:
        """With ``accounts``, whether workers can have user ids of their own, it says at once what
        this machine offers: see ``offers``."""
        self._says_offers = accounts is not None
        try:
            self.control, theirs = _control_pair()
        except OSError as error:
            raise SandboxUnavailableError(why_not_started(error)) from None
        try:
            self._process: subprocess.Popen[bytes] | None = _start(theirs.fileno(), accounts)
        except OSError as error:
            hang_up(self.control)
            raise SandboxUnavailableError(why_not_started(error)) from None
        finally:
            theirs.close()
        self._has_plan = False

    def offers(self) -> bytes:
        """What it says of the layers that not each machine has; empty if it has ended. Blocks
        until then. Raises OSError and TimeoutError."""
        if not self._says_offers:
            return b""
        self._says_offers = False
        waiting = select.poll()
        waiting.register(self.control, select.POLLIN)
        if not waiting.poll(START_SECONDS * 1000):
            raise TimeoutError
        return self.control.recv(65536)

    async def plan(self, plan: bytes) -> bytes:
        """Give it the plan; its first answer. Raises OSError and TimeoutError."""
        import asyncio  # it takes longer to load than to start a process

        assert self._process is not None  # noqa: S101 - it was not ended
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        self._has_plan = True
        with contextlib.suppress(BrokenPipeError), self._process.stdin as stdin:
            stdin.write(plan + b"\n")
        async with asyncio.timeout(START_SECONDS):
            return await asyncio.get_running_loop().sock_recv(self.control, 65536)

    def wake(self) -> None:
        """Let it go on if somebody has stopped it, and what it started too."""
        if self._process is not None:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it, and with it all that it has started."""
        if self._process is not None:
            self._process.kill()

    def end(self) -> None:
        """End one that has no plan yet, and has started nothing."""
        hang_up(self.control)
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with contextlib.suppress(BrokenPipeError), process.stdin or contextlib.nullcontext():
                pass
            process.wait()

    async def aclose(self) -> None:
        """It ends by itself when the control socket closes; after a while it is killed. One that
        has no plan yet has started nothing, and is killed at once."""
        hang_up(self.control)
        self.wake()
        process, self._process = self._process, None
        if process is None:
            return
        if not self._has_plan:
            process.kill()
            with contextlib.suppress(BrokenPipeError), process.stdin or contextlib.nullcontext():
                pass
        try:
            await _exited(process, _STOP_SECONDS)
        except TimeoutError:
            process.kill()
            with contextlib.suppress(TimeoutError):  # the kernel holds it
                await _exited(process, _STOP_SECONDS)
        process.poll()


def _control_pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    return ours, theirs


def _start(control: int, accounts: bool | None) -> subprocess.Popen[bytes]:
    asked = [] if accounts is None else ["accounts" if accounts else "none"]
    words = [_FOLDER, str(os.getpid()), *asked]
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, *words],
        stdin=subprocess.PIPE,
        stdout=control,
        env={},
        start_new_session=True,  # the terminal's signals are for the host
    )


def why_not_started(error: OSError) -> str:
    """In words for a caller."""
    if isinstance(error, TimeoutError):
        return f"the spawner did not answer within {START_SECONDS:g} s"
    return f"the spawner cannot be started: {shortage(error) or error}"


def hang_up(control: socket.socket) -> None:
    """The other end hears it even if a copy of this process by fork has the socket open."""
    with contextlib.suppress(OSError):
        control.shutdown(socket.SHUT_RDWR)
    control.close()


async def _exited(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait on a pidfd, so that no thread and no SIGCHLD handler is needed. Raises TimeoutError."""
    if process.poll() is not None:
        return
    import asyncio

    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    pidfd = os.pidfd_open(process.pid)
    loop.add_reader(pidfd, ended.cancel)
    try:
        await asyncio.wait([ended], timeout=seconds)
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)
    if process.poll() is None:
        raise TimeoutError
