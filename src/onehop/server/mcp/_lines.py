"""Lines of a descriptor, as they come."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, Protocol

from onehop.limits import MIB

MAX_LINE: Final = 32 * MIB
"""Bytes of one message; a longer one is dropped."""
_CHUNK: Final = 256 * 1024
_AHEAD: Final = 64
"""Messages that are read before those before them were taken."""

_log = logging.getLogger(__name__)


class Lines:
    """The lines, as an async iterator. ``start`` begins to read, ``end`` gives no more."""

    def __init__(self, descriptor: int) -> None:
        self._waiting: deque[str] = deque()
        self._wake = asyncio.Event()
        self._complete = False
        self._ended = False
        kind = _ByLoop if _can_be_watched(descriptor) else _ByThread
        self._reader: _Reader = kind(descriptor, self._take, self._finish)

    def start(self) -> None:
        """Begin to read."""
        self._reader.start()

    def end(self) -> None:
        """Give no more lines, not even those that wait."""
        self._ended = True
        self._reader.stop()
        self._wake.set()

    def __aiter__(self) -> Lines:
        return self

    async def __anext__(self) -> str:
        while not (self._waiting or self._complete or self._ended):
            self._wake.clear()
            await self._wake.wait()
        if self._ended or not self._waiting:
            raise StopAsyncIteration
        self._reader.taken()
        return self._waiting.popleft()

    def _take(self, line: bytes) -> None:
        self._waiting.append(line.decode(errors="replace"))
        self._wake.set()

    def _finish(self) -> None:
        self._complete = True
        self._wake.set()


class _Reader(Protocol):
    """Hands on each line, and then the end; not many more than are taken."""

    def start(self) -> None: ...

    def taken(self) -> None: ...

    def stop(self) -> None: ...


class _ByLoop:
    """Reads in the event loop, when there is something: no message has to come from a thread."""

    def __init__(
        self, descriptor: int, take: Callable[[bytes], None], finish: Callable[[], None]
    ) -> None:
        self._descriptor = descriptor
        self._take = take
        self._finish = finish
        self._loop = asyncio.get_running_loop()
        self._pieces = _Pieces()
        self._untaken = 0
        self._watching = False
        self._over = False

    def start(self) -> None:
        if not self._watching and not self._over:
            self._watching = True
            self._loop.add_reader(self._descriptor, self._read)

    def taken(self) -> None:
        self._untaken -= 1
        if self._untaken < _AHEAD:
            self.start()

    def stop(self) -> None:
        self._over = True
        self._pause()

    def _pause(self) -> None:
        if self._watching:
            self._watching = False
            self._loop.remove_reader(self._descriptor)

    def _read(self) -> None:
        try:
            chunk = _read(self._descriptor)
        except BlockingIOError:  # there was nothing after all
            return
        for line in self._pieces.feed(chunk):
            self._untaken += 1
            self._take(line)
        if not chunk:
            self.stop()
            self._finish()
        elif self._untaken >= _AHEAD:
            self._pause()


class _ByThread:
    """Reads in a thread, which can be left behind where it waits: at a terminal, or for a file."""

    def __init__(
        self, descriptor: int, take: Callable[[bytes], None], finish: Callable[[], None]
    ) -> None:
        self._descriptor = descriptor
        self._take = take
        self._finish = finish
        self._loop = asyncio.get_running_loop()
        self._room = threading.BoundedSemaphore(_AHEAD)

    def start(self) -> None:
        threading.Thread(target=self._read, name="onehop.stdin", daemon=True).start()

    def taken(self) -> None:
        self._room.release()

    def stop(self) -> None:
        """Nothing: the thread ends with the process."""

    def _read(self) -> None:
        with suppress(RuntimeError):  # the loop may be closed by the time a line comes
            with suppress(BlockingIOError):
                self._take_all()
            self._loop.call_soon_threadsafe(self._finish)

    def _take_all(self) -> None:
        pieces = _Pieces()
        while chunk := _read(self._descriptor):
            for line in pieces.feed(chunk):
                self._room.acquire()
                self._loop.call_soon_threadsafe(self._take, line)


class _Pieces:
    """Puts lines together, and leaves out those that are too long."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that end in ``chunk``."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            size = self._size + len(line)
            if size <= MAX_LINE:
                yield b"".join([*self._held, line])
            else:
                _log.warning("a message of %d bytes is dropped: more than %d", size, MAX_LINE)
            self._held, self._size = [], 0
        self._size += len(rest)
        if self._size <= MAX_LINE:
            self._held.append(rest)
        else:
            self._held = []


def _can_be_watched(descriptor: int) -> bool:
    """Whether the event loop can tell that there is something to read, and nobody else reads it."""
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _read(descriptor: int) -> bytes:
    """What there is; nothing at the end, or when it cannot be read. Raises BlockingIOError."""
    try:
        return os.read(descriptor, _CHUNK)
    except BlockingIOError:
        raise
    except OSError:
        return b""
