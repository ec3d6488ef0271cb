"""A jailed process that reads the programs of one agent and runs none: one question, one answer.

It lives on from one program to the next of the same agent, so that agent may have taken it over:
all that it can do then is to give that agent wrong answers.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any, Self

from onehop.compiler._frames import AnswerError
from onehop.errors import WorkerStartError
from onehop.inputs.frames import FrameReader, ProtocolError, encode_frame
from onehop.inputs.gc import Body
from onehop.jail import Child, Launcher, Pipes, cpu_of, read_some, seal
from onehop.limits import MIB, Limits

_START_SECONDS = 5.0
"""Of CPU; it takes about half a second."""
_END_SECONDS = 5.0
_PATIENCE = 4
"""How many times its CPU time an answer may take on a machine that is busy with others."""
_LIFE = Limits(
    timeout=0.0,
    memory_bytes=512 * MIB,
    cpu_seconds=60.0,
    output_bytes=0,
    keep_bytes=0,
    log_bytes=0,
    log_entries=0,
)
"""For all its life: the kernel ends one that has used a minute."""
_LEAST_WAIT = 0.05
"""Seconds, so that the end of a bound is not waited for in ever smaller steps."""
_HEAP_MB = 256
_STDERR_BYTES = 2048
SMALL_ANSWER = 256 * 1024
"""Bytes."""


class GoneError(Exception):
    """It ended, did not answer in time, or said what an honest one never says."""


class Reader:
    """A process that answers one question after another. Made by ``start``."""

    program: str
    """By its name in the jail's plan."""
    answer_seconds: float
    """Of CPU, from a question to its answer."""

    def __init__(self, launcher: Launcher, process: Child, pipes: Pipes) -> None:
        self._launcher = launcher
        self._process = process
        self._pipes = pipes
        self._loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[None] = self._loop.create_future()
        self._frames = FrameReader(SMALL_ANSWER)
        self._answer: asyncio.Future[Any] = self._loop.create_future()
        self._bounds = 0.0, 0.0
        """Of the answer: by when, and until which CPU time of the process."""
        self._number = 0
        self._stderr = b""
        self.alive = True
        for descriptor, reader in self._readers().items():
            self._loop.add_reader(descriptor, reader)

    @classmethod
    async def start(cls, launcher: Launcher) -> Self:
        """Raises WorkerStartError, or LayerUnavailableError when a layer is not in force."""
        pipes = Pipes.open()
        try:
            process = await launcher.spawn(cls.program, pipes.child_ends, _HEAP_MB)
        except BaseException:
            pipes.close()
            raise
        finally:
            pipes.close_child_ends()
        reader = cls(launcher, process, pipes)
        try:
            await reader._become_ready()
        except BaseException:
            await asyncio.shield(reader.aclose())
            raise
        return reader

    async def _become_ready(self) -> None:
        try:
            is_ready = await self._load(_START_SECONDS)
            status, _ = await seal(self._launcher, self._process, _LIFE)
        except (GoneError, OSError) as error:
            self._read_stderr()
            words = self._stderr[-500:] or error
            raise WorkerStartError(f"a {self.program} was not ready: {words!r}") from None
        if status is not None:
            status.close()
        if not is_ready:
            raise WorkerStartError(f"a {self.program} was not ready: it answered unasked")

    async def _load(self, seconds: float) -> bool:
        """Give it what it needs before it sees a program; whether it then says that it is ready."""
        raise NotImplementedError

    def read(self, body: Body, number: int) -> Any:
        """The answer to question ``number``. Raises AnswerError."""
        raise NotImplementedError

    async def _ask(
        self,
        body: bytes,
        seconds: float | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> Any:
        self._answer = self._loop.create_future()
        self._post(body)
        if meanwhile is not None:
            meanwhile()
        return await self._receive(seconds or self.answer_seconds)

    def _post(self, body: bytes) -> None:
        if not self.alive or not self._pipes.write(encode_frame(body), self._loop):
            self.kill()
            raise GoneError

    async def _receive(self, seconds: float) -> Any:
        self._bounds = self._loop.time() + _PATIENCE * seconds, self._cpu_seconds() + seconds
        self._timer = self._loop.call_later(seconds, self._look)
        try:
            return await self._answer
        except BaseException:
            self.kill()  # nobody would hear the answer, and it would be taken for the next one's
            raise
        finally:
            self._timer.cancel()

    def _look(self) -> None:
        """End it if the answer has taken its CPU time; one that is not let run has longer."""
        end, most = self._bounds
        left = min(end - self._loop.time(), most - self._cpu_seconds())
        if left > 0:
            self._timer = self._loop.call_later(max(left, _LEAST_WAIT), self._look)
        else:
            self.kill()

    def _cpu_seconds(self) -> float:
        try:
            return cpu_of(self._process.pid)
        except OSError:
            return 0.0  # it has ended, which is noticed as an answer

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
        try:
            for body in self._frames.feed(data):
                self._take(self.read(body, self._number))
        except (ProtocolError, AnswerError):
            self.kill()
        if not data:
            self.kill()

    def _take(self, answer: Any) -> None:
        if self._answer.done():
            raise AnswerError("an answer that nobody asked for")
        self._answer.set_result(answer)

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
        """End it; anyone who waits for an answer gets GoneError."""
        if self.alive:
            self.alive = False
            self._loop.remove_reader(self._pipes.output)
            self._process.kill()
        if not self._answer.done():
            self._answer.set_exception(GoneError())
            self._answer.exception()  # there may be nobody who waits

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
