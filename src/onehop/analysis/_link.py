"""The host's end of one analysis process: one question at a time, its answer bounded."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from typing import Final

from onehop.analysis._framing import HEAD, length_of, most_of_answer
from onehop.errors import OnehopError, SandboxUnavailableError

_PIECE: Final = 1 << 18
_SHARE: Final = 0.25
"""Of the time in which there was no answer: a process that got less of a processor is not at
fault."""


class AnalysisLostError(OnehopError):
    """An analysis process ended or took too long: the text was too much for it.

    ``took_long`` says that it was the latter.
    """

    def __init__(self, message: str, *, took_long: bool = False) -> None:
        super().__init__(message)
        self.took_long = took_long


class Link:
    """Owns the channel and the process. Used by one question at a time, which sends and receives in
    steps that never block; when they cannot go on, the caller waits for the channel."""

    def __init__(self, channel: socket.socket, process: int, pid: int) -> None:
        """``process`` is a descriptor of the process, ``pid`` its number."""
        self._channel = channel
        self._process = process
        self._pid = pid
        self._cpu_before = 0.0
        self._rest = memoryview(b"")
        self._answer = bytearray()
        self._most = 0
        self._waiting: asyncio.Future[None] | None = None
        self._stop_watching: Callable[[], object] = _nothing
        channel.setblocking(False)

    def begin(self, question: bytes, most: int) -> None:
        """Ask ``question``, a packed message; the answer may have ``most`` bytes."""
        self._rest = memoryview(question)
        self._cpu_before = _cpu_seconds(self._pid)
        self._answer.clear()
        self._most = most

    def step(self) -> bytes | None:
        """Send and receive what goes without waiting; the answer when it is whole, else None.

        Raises AnalysisLostError.
        """
        try:
            while self._rest:
                self._rest = self._rest[self._channel.send(self._rest) :]
            while part := self._channel.recv(_PIECE):
                self._answer += part
                if self._is_whole():
                    return bytes(self._answer[HEAD:])
        except BlockingIOError:
            return None
        except OSError as error:
            raise AnalysisLostError(f"the analysis process is gone: {error}") from None
        raise AnalysisLostError("the analysis process ended before it had an answer")

    def _is_whole(self) -> bool:
        if len(self._answer) < HEAD:
            return False
        length = length_of(bytes(self._answer[:HEAD]))
        if length > self._most or len(self._answer) > HEAD + length:
            raise AnalysisLostError("the analysis process broke the protocol")
        return len(self._answer) == HEAD + length

    def wait(self, seconds: float) -> bool:
        """Block until a step can go on, or the time is up; whether it can."""
        poller = select.poll()
        poller.register(self._channel, select.POLLOUT if self._rest else select.POLLIN)
        return bool(poller.poll(seconds * 1000))

    async def can_go_on(self) -> None:
        """Wait in the event loop until a step can go on. Raises AnalysisLostError."""
        loop = asyncio.get_running_loop()
        add, remove = loop.add_reader, loop.remove_reader
        if self._rest:
            add, remove = loop.add_writer, loop.remove_writer
        self._waiting = loop.create_future()
        self._stop_watching = functools.partial(remove, self._channel.fileno())
        add(self._channel.fileno(), _resolve, self._waiting)
        try:
            await self._waiting
        finally:
            self._waiting = None
            self._let_go()

    def _let_go(self) -> None:
        """The event loop must forget the channel before that is closed: the next socket may have
        its number, and would not be heard, or no longer."""
        stop, self._stop_watching = self._stop_watching, _nothing
        stop()

    @property
    def cpu_seconds(self) -> float:
        """CPU time that went into the question so far: how much it is, whatever else the machine
        does meanwhile."""
        return _cpu_seconds(self._pid) - self._cpu_before

    def give_way(self) -> None:
        """Have the question that is being answered given up, for the sake of another agent's."""
        words = "the analysis took too long while others waited"
        self._fail(AnalysisLostError(words, took_long=True))

    def _fail(self, error: AnalysisLostError) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    def ask(self, question: bytes, seconds: float) -> bytes:
        """The answer, waited for in this thread. Raises AnalysisLostError."""
        self.begin(question, most_of_answer(question))
        deadline = time.monotonic() + seconds
        while (answer := self.step()) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not self.wait(left):
                raise self.late(seconds)
        return answer

    def late(self, seconds: float) -> AnalysisLostError | SandboxUnavailableError:
        """Why there was no answer for so long: the text, or a machine with too much to do."""
        used = self.cpu_seconds
        if used >= seconds * _SHARE:
            words = f"the analysis took longer than {seconds:g} s"
            return AnalysisLostError(words, took_long=True)
        return SandboxUnavailableError(
            f"the analysis got {used:.1f} s of the processors in {seconds:g} s: "
            "the machine has too much to do; try again later"
        )

    def close(self) -> None:
        """End the process; a question that is open is lost."""
        self._let_go()
        self._fail(AnalysisLostError("the analysis process was ended"))
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, signal.SIGKILL)
        os.close(self._process)
        self._channel.close()


def _cpu_seconds(pid: int) -> float:
    """By the clock of clock_getcpuclockid(3); 0 of a process that has ended."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def _nothing() -> None:
    """Nobody waits for the channel."""


def _resolve(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
