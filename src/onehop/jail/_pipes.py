"""The standard streams of a confined process, as pipes."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sys
from collections import deque

from onehop.descriptors import shortage
from onehop.errors import WorkerStartError

_FEW_BYTES, _MANY_BYTES = 1 << 14, 1 << 18
"""Read at once: first few, since a large buffer is mapped and unmapped anew each time."""
_PIPE_BYTES = 1 << 20


class Pipes:
    """The host's ends of a worker's standard streams, and, until the spawn, the worker's."""

    def __init__(self, host: tuple[int, int, int], child: tuple[int, int, int]) -> None:
        self.input, self.output, self.stderr = host
        self.child_ends = child
        self._child_open = self._host_open = True
        self._writing: asyncio.AbstractEventLoop | None = None
        self._rest: deque[memoryview] = deque()
        """What the worker has yet to read."""

    @classmethod
    def open(cls) -> Pipes:
        ends: list[int] = []
        try:
            for _ in range(3):
                ends += os.pipe()
            child_in, in_, out, child_out, err, child_err = ends
            for descriptor in (in_, out, err):
                os.set_blocking(descriptor, False)
        except OSError as error:
            for descriptor in ends:
                os.close(descriptor)
            raise WorkerStartError(
                f"no descriptors for a worker: {shortage(error) or error}"
            ) from None
        return cls((in_, out, err), (child_in, child_out, child_err))

    def close_child_ends(self) -> None:
        if self._child_open:
            self._child_open = False
            for descriptor in self.child_ends:
                os.close(descriptor)

    def write(self, data: bytes, loop: asyncio.AbstractEventLoop) -> bool:
        """Write at once what fits, and the rest, in order, as the worker reads it; false when the
        worker is dead already, or the pipes are closed: their numbers are another's then."""
        if not self._host_open:
            return False
        if len(data) > 65536:
            self._widen()
        if self._writing is not None:
            self._rest.append(memoryview(data))
            return True
        written = self._write_some(data)
        if written is not None and written < len(data):
            self._rest.append(memoryview(data)[written:])
            self._writing = loop
            loop.add_writer(self.input, self._continue)
        return written is not None

    def _widen(self) -> None:
        """Larger pipes make large frames quicker; over the user's quota it stays as it is."""
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                fcntl.fcntl(self.input, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
                fcntl.fcntl(self.output, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def _continue(self) -> None:
        assert self._writing is not None  # noqa: S101 - set before the writer was added
        if not self._write_rest() or not self._rest:  # a dead worker's other pipe tells
            self._writing.remove_writer(self.input)
            self._writing = None

    def _write_rest(self) -> bool:
        """Write what goes; false when nobody is there to read."""
        while self._rest:
            view = self._rest.popleft()
            written = self._write_some(view)
            if written is None:
                self._rest.clear()
                return False
            if written < len(view):
                self._rest.appendleft(view[written:])
                break
        return True

    def _write_some(self, view: bytes | memoryview) -> int | None:
        """How much of it; None when nobody is there to read."""
        try:
            return os.write(self.input, view)
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            return None

    def close(self) -> None:
        """Once; what has yet to be read is forgotten."""
        self.close_child_ends()
        if not self._host_open:
            return
        self._host_open = False
        if self._writing is not None:
            self._writing.remove_writer(self.input)
        for descriptor in (self.input, self.output, self.stderr):
            os.close(descriptor)


def read_some(descriptor: int) -> bytes | None:
    """What is there; None when nothing is, b"" at the end."""
    try:
        data = os.read(descriptor, _FEW_BYTES)
        if len(data) == _FEW_BYTES:
            with contextlib.suppress(BlockingIOError):
                data += os.read(descriptor, _MANY_BYTES)
    except (BlockingIOError, InterruptedError):
        return None
    except OSError:
        return b""
    return data
