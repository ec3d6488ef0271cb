"""The host's end of one analysis process: one question at a time, its answer bounded."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import time
from typing import Any, Final

from onehop.analysis._framing import HEAD, length_of
from onehop.errors import LayerUnavailableError, OnehopError

MOST: Final = 16 << 20
"""Bytes of an answer: repaired code of the greatest length, every character escaped."""
_PIECE: Final = 1 << 18


class AnalysisLostError(OnehopError):
    """An analysis process ended or took too long: the text was too much for it."""


class Link:
    """Owns the channel and the process. Used by one question at a time, which sends and receives in
    steps that never block; when they cannot go on, the caller waits for the channel."""

    def __init__(self, channel: socket.socket, process: int) -> None:
        self._channel = channel
        self._process = process
        self._rest = memoryview(b"")
        self._answer = bytearray()
        channel.setblocking(False)

    def fileno(self) -> int:
        """Of the channel."""
        return self._channel.fileno()

    def begin(self, question: bytes) -> None:
        """Ask ``question``, a packed message."""
        self._rest = memoryview(question)
        self._answer.clear()

    @property
    def wants_to_send(self) -> bool:
        """Whether a part of the question is still here."""
        return bool(self._rest)

    def step(self) -> Any:
        """Send and receive what goes without waiting; the answer when it is whole, else None.

        Raises AnalysisLostError.
        """
        try:
            while self._rest:
                self._rest = self._rest[self._channel.send(self._rest) :]
            while part := self._channel.recv(_PIECE):
                self._answer += part
                if self._is_whole():
                    return _read(bytes(self._answer[HEAD:]))
        except BlockingIOError:
            return None
        except OSError as error:
            raise AnalysisLostError(f"the analysis process is gone: {error}") from None
        raise AnalysisLostError("the analysis process ended before it had an answer")

    def _is_whole(self) -> bool:
        if len(self._answer) < HEAD:
            return False
        length = length_of(bytes(self._answer[:HEAD]))
        if length > MOST or len(self._answer) > HEAD + length:
            raise AnalysisLostError("the analysis process broke the protocol")
        return len(self._answer) == HEAD + length

    def wait(self, seconds: float) -> bool:
        """Block until a step can go on, or the time is up; whether it can."""
        poller = select.poll()
        poller.register(self._channel, select.POLLOUT if self._rest else select.POLLIN)
        return bool(poller.poll(seconds * 1000))

    def ask(self, question: bytes, seconds: float) -> Any:
        """The answer, waited for in this thread. Raises AnalysisLostError."""
        self.begin(question)
        deadline = time.monotonic() + seconds
        while (answer := self.step()) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not self.wait(left):
                raise AnalysisLostError(f"the analysis took longer than {seconds:g} s")
        return answer

    def close(self) -> None:
        """End the process."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, signal.SIGKILL)
        os.close(self._process)
        self._channel.close()


def check_ready(answer: Any) -> None:
    """What a process says when it is confined. Raises LayerUnavailableError."""
    match answer:
        case {"ready": True}:
            return
        case {"layer": str(layer), "error": str(error)}:
            raise LayerUnavailableError(layer, f"for an analysis process: {error}")
    raise AnalysisLostError("the analysis process broke the protocol")


def _read(body: bytes) -> Any:
    """Nested too deep is an error too: Python's parser counts, and stops."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise AnalysisLostError("the analysis process broke the protocol") from None
