"""What a dynamic ELF program needs to start: its loader and its shared libraries."""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path

from onehop._data import data
from onehop.descriptors import shortage
from onehop.errors import SandboxUnavailableError

_PT_INTERP = 3


@data(frozen=True, slots=True)
class Program:
    """A program and the files that the kernel and the loader open to run it."""

    path: str
    loader: str | None
    """None for a static program."""
    libraries: tuple[str, ...]


def inspect(path: str) -> Program:
    """Ask the program's own loader which libraries it will map.

    Raises SandboxUnavailableError when ``path`` is not a program for this machine.
    """
    loader = _loader(path)
    if loader is None:
        return Program(path, None, ())
    try:
        listing = subprocess.run(
            [loader, "--list", path],
            env={},  # LD_PRELOAD and LD_LIBRARY_PATH of the host do not reach workers
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise SandboxUnavailableError(
            f"{path} cannot be run here: {shortage(error) or error}"
        ) from None
    found = re.findall(r"^\s+(?:\S+ => )?(/.+) \(0x", listing, re.MULTILINE)
    return Program(path, loader, tuple(library for library in found if library != loader))


def _loader(path: str) -> str | None:
    """The PT_INTERP entry of a 64-bit little-endian ELF file (ELF-64 object file format)."""
    with Path(path).open("rb") as file:
        head = file.read(64)
        if head[:6] != b"\x7fELF\x02\x01":
            raise SandboxUnavailableError(f"{path} is not a 64-bit little-endian ELF program")
        offset, size, count = _program_headers(head)
        for index in range(count):
            file.seek(offset + index * size)
            kind, _, start, _, _, length = struct.unpack("<IIQQQQ", file.read(40))
            if kind == _PT_INTERP:
                file.seek(start)
                return file.read(length).rstrip(b"\0").decode()
    return None


def _program_headers(head: bytes) -> tuple[int, int, int]:
    offset = struct.unpack_from("<Q", head, 32)[0]
    size, count = struct.unpack_from("<HH", head, 54)
    return offset, size, count
