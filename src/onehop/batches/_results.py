"""The file of results: a line for each request that has run, also when the process was killed."""

from __future__ import annotations

import fcntl
import json
import os
from array import array
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic_core import PydanticSerializationError, to_json

from onehop.batches import _files
from onehop.errors import ConfigError
from onehop.types import ExecutionResult

_STDOUT: Final = 1
_KIND: Final = 40
"""Characters of the type of an error."""
_ANEW: Final = "Name another file, or start it anew by --restart"


class Finished:
    """Which lines of the input have a result, with the hash of the code that ran: 8 bytes each."""

    def __init__(self) -> None:
        self._hashes = array("Q")
        self.count = 0
        self.failed = Counter[str]()
        """Of them, by the type of the error."""

    def add(self, line: int, code_hash: str) -> bool:
        """False when the line has a result already."""
        if line in self:
            return False
        if line >= len(self._hashes):
            self._hashes.extend([0] * (line + 1 - len(self._hashes)))
        self._hashes[line] = int(code_hash, 16) or 1
        self.count += 1
        return True

    def __contains__(self, line: int) -> bool:
        return line < len(self._hashes) and self._hashes[line] != 0

    def is_of(self, line: int, code_hash: str) -> bool:
        """Whether that code has run for the line."""
        return self._hashes[line] == (int(code_hash, 16) or 1)


class ResultsFile:
    """Appends results, each written at once as a whole line. Without a path: standard output."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._encoder = _files.encoder(_files.compression_of(path) if path else "")
        self._descriptor = _STDOUT
        self.finished = Finished()

    def open(self, *, restart: bool) -> None:
        """Keep the file for this process, and read what is finished. Raises ConfigError."""
        if self._path is None:
            return
        try:
            self._lock(self._path)
            if restart:
                os.truncate(self._path, 0)
            elif self._path.stat().st_size:
                self._resume(self._path)
        except OSError as error:
            raise _unusable(self._path, error.strerror or str(error)) from None

    def _lock(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o666)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _unusable(path, "another batch writes to it") from None

    def _resume(self, path: Path) -> None:
        """A file whose last line, or last part, is torn is written anew without that."""
        whole = sum(1 for _ in self._read(path))
        if self._ends_well(path):
            return
        _files.rewrite(path, _first(whole, path))
        old = self._descriptor
        self._lock(path)
        os.close(old)

    def _read(self, path: Path) -> Iterator[bytes]:
        for number, line in enumerate(_files.lines(_files.recovered(path)), 1):
            if not line.endswith(b"\n"):
                return
            try:
                found = json.loads(line)
                new = self.finished.add(found["line"], found["codeHash"])
                if not found["success"]:
                    self.finished.failed[str(found["errorInfo"]["type"])[:_KIND]] += 1
            except (ValueError, TypeError, KeyError, RecursionError):
                raise _unusable(
                    path, f"its line {number} is not a result of a batch", _ANEW
                ) from None
            if not new:
                raise _unusable(path, f"its line {number} repeats a result", _ANEW)
            yield line

    def _ends_well(self, path: Path) -> bool:
        if not _files.compression_of(path):
            with path.open("rb") as stream:
                stream.seek(-1, os.SEEK_END)
                return stream.read() == b"\n"
        try:
            (last,) = deque(_files.chunks(path), maxlen=1) or (b"",)
            return last.endswith(b"\n")
        except (EOFError, ValueError, OSError):
            return False

    def write(self, line: int, identifier: Any, result: ExecutionResult) -> None:
        """Write the result of a line of the input. Raises OSError."""
        wire = {"line": line, **({} if identifier is None else {"id": identifier})}
        wire.update(result.to_dict())
        # The sandbox that keeps it closes with the batch.
        wire.pop("persistedOutputId", None)
        text = _encoded(wire) + b"\n"
        _files.write_fully(self._descriptor, self._encoder.line(text))

    def close(self) -> None:
        """Raises OSError when what was written does not reach the disk."""
        if self._path is None or self._descriptor == _STDOUT:
            return
        try:
            end = self._encoder.end()
            _files.write_fully(self._descriptor, end)
            os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)
            self._descriptor = _STDOUT


def _encoded(wire: dict[str, Any]) -> bytes:
    try:
        return to_json(wire, inf_nan_mode="null")
    except PydanticSerializationError:  # the caller's words have half a surrogate pair
        return to_json(_whole(wire), inf_nan_mode="null")


def _whole(value: Any) -> Any:
    """With U+FFFD for halves of surrogate pairs."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole(name): _whole(item) for name, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def _first(count: int, path: Path) -> Iterator[bytes]:
    found = _files.lines(_files.recovered(path))
    return (line for _, line in zip(range(count), found, strict=False))


def _unusable(path: Path, why: str, advice: str = "Name another file") -> ConfigError:
    return ConfigError("--out", f"{path} cannot be used: {why}. {advice}")
