"""Files of lines, plain or compressed by the ending of their name: `.gz`, `.zst`."""

from __future__ import annotations

import contextlib
import gzip
import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final, Protocol, cast

from onehop._extras import needed_for

_CHUNK: Final = 1 << 16
Compression = str
"""`""`, `gz` or `zst`."""


def compression_of(path: Path) -> Compression:
    """By the ending of the name."""
    return {".gz": "gz", ".gzip": "gz", ".zst": "zst", ".zstd": "zst"}.get(path.suffix.lower(), "")


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd

        return zstd
    with needed_for("a file that is compressed with zstd"):
        from backports import zstd

    return zstd


def chunks(path: Path) -> Iterator[bytes]:
    """The bytes that the file stands for, as they come.

    Raises OSError, and EOFError or ValueError where a compressed file ends too early or is none.
    """
    try:
        with _opened(path) as stream:
            while data := stream.read(_CHUNK):
                yield data
    except zlib.error as error:
        raise ValueError(str(error)) from None
    except Exception as error:
        if type(error).__name__ == "ZstdError":
            raise ValueError(str(error)) from None
        raise


def _opened(path: Path) -> IO[bytes]:
    kind = compression_of(path)
    if kind == "gz":
        return cast("IO[bytes]", gzip.open(path))
    return cast("IO[bytes]", _zstd().open(path)) if kind else path.open("rb", buffering=0)


def recovered(path: Path) -> Iterator[bytes]:
    """The same as far as it can be read; the last part of a file may be torn."""
    decoder: Any = None
    kind = compression_of(path)
    with path.open("rb") as stream:
        while data := stream.read(_CHUNK):
            while data:
                decoder = decoder or _decoder(kind)
                try:
                    yield decoder.decompress(data)
                except Exception:  # what follows is not part of the stream
                    return
                data = decoder.unused_data if decoder.eof else b""
                decoder = None if decoder.eof else decoder


class _Plain:
    """What is not compressed, as a decoder has it."""

    eof = False
    unused_data = b""

    def decompress(self, data: bytes) -> bytes:
        return data


def _decoder(kind: Compression) -> Any:
    if kind == "gz":
        return zlib.decompressobj(wbits=31)
    return _zstd().ZstdDecompressor() if kind else _Plain()


class Encoder(Protocol):
    """Compresses lines so that each can be read as soon as it is written."""

    def line(self, data: bytes) -> bytes: ...

    def end(self) -> bytes: ...


class _Identity:
    def line(self, data: bytes) -> bytes:
        return data

    def end(self) -> bytes:
        return b""


class _Gzip:
    def __init__(self) -> None:
        self._compressor = zlib.compressobj(wbits=31)

    def line(self, data: bytes) -> bytes:
        return self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._compressor.flush()


class _Zstd:
    def __init__(self) -> None:
        self._compressor: Any = _zstd().ZstdCompressor()

    def line(self, data: bytes) -> bytes:
        return bytes(self._compressor.compress(data, self._compressor.FLUSH_BLOCK))

    def end(self) -> bytes:
        return bytes(self._compressor.flush(self._compressor.FLUSH_FRAME))


def encoder(kind: Compression) -> Encoder:
    """One member of a compressed file; several may stand behind one another."""
    if kind == "gz":
        return _Gzip()
    return _Zstd() if kind else _Identity()


class Lines:
    """Cuts chunks into lines, each with its line break. Of a line of more than ``most`` bytes only
    the first come, a chunk more than ``most`` at the most."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._parts: list[bytes] = []
        """Joined once: a line may have thousands of chunks."""
        self._size = 0

    def of(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that end in the next chunk."""
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            yield b"".join((*self._parts, line, b"\n"))
            self._parts, self._size = [], 0
        if self._most is None or self._size <= self._most:
            self._parts.append(rest)
            self._size += len(rest)

    def last(self) -> Iterator[bytes]:
        """What stands behind the last line break, if anything does."""
        if self._size:
            yield b"".join(self._parts)


def lines(data: Iterator[bytes], most: int | None = None) -> Iterator[bytes]:
    """The lines of the chunks; the last may have no line break. See Lines."""
    cut = Lines(most)
    for chunk in data:
        yield from cut.of(chunk)
    yield from cut.last()


def write_fully(descriptor: int, data: bytes) -> None:
    """Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def rewrite(path: Path, whole: Iterator[bytes]) -> None:
    """Put ``whole`` in the place of the file, or leave it as it is. Raises OSError."""
    new = path.with_name(f".{path.name}.new")
    packed = encoder(compression_of(path))
    try:
        with new.open("wb") as stream:
            for line in whole:
                stream.write(packed.line(line))
            stream.write(packed.end())
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            new.unlink()
