"""The stripper: a confined process that says where the types of a TypeScript program are.

``guest/strip.js`` is what runs in it, and has the form of questions and answers. It lives on from
one program to the next, so whatever it answers is its own word only: ``source.blank`` says how
little that may do.
"""

from __future__ import annotations

import asyncio
import os
import select
import struct
from collections.abc import Callable

from onehop.errors import WorkerStartError
from onehop.jail import Child, Launcher
from onehop.policy import MIB, Limits
from onehop.workers._pipes import Pipes, read_some
from onehop.workers._seal import seal

_START_SECONDS = 20.0
_END_SECONDS = 5.0
_AT_ONCE_MS = 2
"""The loop waits as long: to come back to it later would cost as much again as the answer takes."""
_ANSWER_SECONDS = 0.02
"""Whoever asked has its program compiled whole then."""
_LAST_SECONDS = 1.0
"""Until then it may still answer: on a busy machine it is not its fault."""
_LIFE = Limits(
    timeout=0.0,
    memory_bytes=96 * MIB,
    cpu_seconds=60.0,
    output_bytes=0,
    keep_bytes=0,
    log_bytes=0,
    log_entries=0,
)
"""For all its life: the kernel ends one that has used a minute, enough for 100,000 programs."""
_HEAP_MB = 48
_STDERR_BYTES = 2048
_MOST_HEAD = 32
_QUESTION = struct.Struct(">II")
_READY = b"ready\n"


class Stripper:
    """A process that answers one question after another. Made by ``start``."""

    def __init__(self, launcher: Launcher, process: Child, pipes: Pipes) -> None:
        self._launcher = launcher
        self._process = process
        self._pipes = pipes
        self._loop = asyncio.get_running_loop()
        self._exited = self._loop.create_future()
        self._poll = select.poll()
        self._poll.register(pipes.output, select.POLLIN)
        self._number = 0
        self._said = b""
        self._stderr = b""
        self._most = len(_READY)
        """Bytes that it may say now."""
        self._line: asyncio.Future[bytes] = self._loop.create_future()
        self._patience: asyncio.TimerHandle | None = None
        self.alive = True
        for descriptor, reader in self._readers().items():
            self._loop.add_reader(descriptor, reader)

    @classmethod
    async def start(cls, launcher: Launcher) -> Stripper:
        """Raises WorkerStartError, or LayerUnavailableError when a layer is not in force."""
        pipes = Pipes.open()
        try:
            process = await launcher.spawn("stripper", pipes.child_ends, _HEAP_MB)
        except BaseException:
            pipes.close()
            raise
        finally:
            pipes.close_child_ends()
        stripper = cls(launcher, process, pipes)
        try:
            await stripper._become_ready()
        except BaseException:
            await asyncio.shield(stripper.aclose())
            raise
        return stripper

    async def _become_ready(self) -> None:
        await asyncio.wait([self._line], timeout=_START_SECONDS)
        self._read_stderr()
        if not self._line.done() or self._line.result() != _READY:
            raise WorkerStartError(f"the stripper ended early: {self._stderr[-500:]!r}")
        try:
            status, _ = await seal(self._launcher, self._process, _LIFE)
        except OSError as error:
            raise WorkerStartError(f"the stripper could not be examined: {error}") from None
        if status is not None:
            status.close()

    @property
    def busy(self) -> bool:
        """Whether it has yet to answer."""
        return not self._line.done()

    async def ask(self, code: str) -> bytes | None:
        """What becomes of ``code`` without its types, in the form that ``source.blank`` reads; "no"
        when it takes more than that, None when it gave no answer in time, or none at all."""
        self._number = number = self._number + 1
        self._line = line = self._loop.create_future()
        text = code.encode()
        self._most = _MOST_HEAD + len(text)
        self._pipes.write(_QUESTION.pack(len(text), number) + text, self._loop)
        if self._poll.poll(_AT_ONCE_MS):
            self._read_output()
        if not line.done():
            self._patience = self._loop.call_later(_LAST_SECONDS, self.kill)
            await asyncio.wait([line], timeout=_ANSWER_SECONDS)
        return self._judge(line.result(), number) if line.done() else None

    def _judge(self, line: bytes, number: int) -> bytes | None:
        head = b"%d:" % number
        if not line.startswith(head):
            self.kill()
            return None
        return line[len(head) : -1]

    # --- watching the process ---

    def _readers(self) -> dict[int, Callable[[], None]]:
        return {
            self._pipes.output: self._read_output,
            self._pipes.stderr: self._read_stderr,
            self._process.exit_fd: self._notice_exit,
        }

    def _read_output(self) -> None:
        data = read_some(self._pipes.output)
        if data is None:
            return
        self._said += data
        if not data or self._line.done() or len(self._said) > self._most:
            self.kill()
        elif self._said.endswith(b"\n"):
            said, self._said = self._said, b""
            self._answer(said)

    def _read_stderr(self) -> None:
        words = read_some(self._pipes.stderr)
        if words == b"":
            self._loop.remove_reader(self._pipes.stderr)
        elif words:
            self._stderr = (self._stderr + words)[-_STDERR_BYTES:]

    def _notice_exit(self) -> None:
        self._loop.remove_reader(self._process.exit_fd)
        self.kill()
        if not self._exited.done():
            self._exited.set_result(None)

    # --- the end ---

    def kill(self) -> None:
        """End it; whoever waits for an answer gets none."""
        if self.alive:
            self.alive = False
            self._loop.remove_reader(self._pipes.output)
            self._process.kill()
        if not self._line.done():
            self._answer(b"")

    def _answer(self, line: bytes) -> None:
        self._line.set_result(line)
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    async def aclose(self) -> None:
        """Kill, reap, and close every descriptor."""
        self.kill()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await asyncio.shield(self._exited)
            self._launcher.release(self._process.id)
        finally:
            self._loop.remove_reader(self._pipes.stderr)
            self._loop.remove_reader(self._process.exit_fd)
            self._pipes.close()
            os.close(self._process.exit_fd)
