"""The requests of a batch: lines of JSON, each with arguments of `code_execute` and an `id`."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from onehop.batches import _files
from onehop.batches._results import Finished
from onehop.errors import ConfigError, InvalidRequestError
from onehop.inputs.names import choice
from onehop.inputs.strict import RepeatedKeyError, parse
from onehop.types import code_hash

_FIELDS: Final = {
    "code": "code",
    "language": "language",
    "timeout": "timeout",
    "context": "context",
    "captureConsole": "capture_console",
    "description": "description",
    "isolation": "isolation",
    "seed": "seed",
    "clock": "clock",
}
"""What a line may have, on the wire and here."""
_LONGEST: Final = 128 << 20
"""Bytes of a line: the largest context there may be, and escapes."""
_CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the input."""

    number: int
    """1-based."""
    identifier: Any = None
    arguments: dict[str, Any] = field(default_factory=dict)
    error: InvalidRequestError | None = None
    """Why it cannot be run."""

    @property
    def hash(self) -> str:
        """Of its code, as its result has it."""
        code = self.arguments.get("code")
        return code_hash(code.encode(errors="replace").decode() if isinstance(code, str) else "")


class Requests:
    """The lines of a file, or of standard input without a path. What a line leaves out,
    ``defaults`` have."""

    def __init__(self, path: Path | None, defaults: Mapping[str, Any]) -> None:
        self._path = path
        self._defaults = defaults
        self.bad: InvalidRequestError | None = None

    async def left(self, finished: Finished) -> AsyncIterator[Line]:
        """Those that have no result. Raises ConfigError when the results are of other requests."""
        number = 0
        async for text in self._lines():
            number += 1
            if number not in finished:
                if text.strip():
                    yield self._read(number, text)
                continue
            line = self._read(number, text)
            if line.error is None and not finished.is_of(number, line.hash):
                raise ConfigError(
                    "--out",
                    f"it has results of other code: line {number} of the input is not what ran. "
                    "Name another file, or start it anew by --restart",
                )

    def count(self) -> int | None:
        """How many there are; None where nobody knows before they are read."""
        if self._path is None or not self._path.is_file():
            return None
        try:
            return sum(1 for line in _files.lines(_files.chunks(self._path), 1) if line.strip())
        except (OSError, EOFError, ValueError):
            return None

    async def _lines(self) -> AsyncIterator[bytes]:
        if self._path is None and not _is_at_hand(sys.stdin):
            async for line in _piped():
                yield line
            return
        try:
            for line in _files.lines(self._chunks(), _LONGEST):
                yield line
        except (OSError, EOFError, ValueError) as error:
            name = self._path or "standard input"
            raise ConfigError("FILE", f"{name} cannot be read: {error}") from None

    def _chunks(self) -> Iterator[bytes]:
        if self._path is not None:
            return _files.chunks(self._path)
        return iter(lambda: os.read(0, _CHUNK), b"")

    def _read(self, number: int, text: bytes) -> Line:
        if len(text) > _LONGEST:
            return Line(number, error=_bad(number, f"more than {_LONGEST >> 20} MiB"))
        try:
            found = parse(text.decode("utf-8-sig"))
        except RepeatedKeyError as error:
            return Line(number, error=_bad(number, str(error)))
        except ValueError as error:
            return Line(number, error=_bad(number, f"text that is not JSON ({error})"))
        if not isinstance(found, dict):
            return Line(number, error=_bad(number, f"a {type(found).__name__}"))
        identifier = found.pop("id", None)
        unknown = next((name for name in found if name not in _FIELDS), None)
        if unknown is not None:
            wrong = InvalidRequestError(
                unknown[:80], "an unknown field", f"id, or {choice(_FIELDS, unknown)}"
            )
            return Line(number, identifier, error=wrong)
        given = {_FIELDS[name]: value for name, value in found.items() if value is not None}
        return Line(number, identifier, {**self._defaults, **given})


def _bad(number: int, got: str) -> InvalidRequestError:
    return InvalidRequestError(f"line {number}", got, "a JSON object with the arguments of a call")


def _is_at_hand(stream: Any) -> bool:
    """Whether reading it never waits for anyone: a file, or a device such as /dev/null, which no
    event loop can wait for."""
    mode = os.fstat(stream.fileno()).st_mode
    return not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(stream.fileno()))


async def _piped() -> AsyncIterator[bytes]:
    """Lines of standard input as they come: what writes them may take its time."""
    loop = asyncio.get_running_loop()
    reader, cut = asyncio.StreamReader(), _files.Lines(_LONGEST)
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer
    )
    try:
        while chunk := await reader.read(_CHUNK):
            for line in cut.of(chunk):
                yield line
        for line in cut.last():
            yield line
    finally:
        transport.close()
