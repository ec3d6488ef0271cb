"""Frames on a stream: four bytes of length, then a body. No body over a bound is ever read."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from onehop.inputs.gc import Body

HEADER = struct.Struct(">I")


class ProtocolError(Exception):
    """A process said something that an honest one never says."""


def encode_frame(body: Body) -> bytes:
    """Put the length in front of ``body``."""
    return HEADER.pack(len(body)) + body


class FrameReader:
    """Cuts a byte stream into frame bodies; refuses a body over ``max_body`` unread."""

    def __init__(self, max_body: int) -> None:
        self.max_body = max_body
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Body]:
        """Yield each body that ``data`` completes; raise ProtocolError on a length over the cap."""
        if not self._buffer and self._is_one_frame(data):
            yield data[HEADER.size :]
            return
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            (length,) = HEADER.unpack_from(self._buffer)
            if length > self.max_body:
                raise ProtocolError(f"a frame of {length} bytes is over the limit {self.max_body}")
            end = HEADER.size + length
            if len(self._buffer) < end:
                return
            yield self._cut(end)

    def _cut(self, end: int) -> bytearray:
        """The first body; the buffer itself when that is all: a copy of a large one costs more in
        pages of memory than in bytes."""
        if len(self._buffer) == end:
            body, self._buffer = self._buffer, bytearray()
            del body[: HEADER.size]
            return body
        body = self._buffer[HEADER.size : end]
        del self._buffer[:end]
        return body

    def _is_one_frame(self, data: bytes) -> bool:
        length = len(data) - HEADER.size
        return 0 <= length <= self.max_body and data.startswith(HEADER.pack(length))
