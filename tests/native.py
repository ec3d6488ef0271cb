"""Makes tiny native programs: an ELF that performs system calls and writes their results.

It stands in a worker's stead to try what a taken-over engine would try, without any engine, and
without a compiler on the machine. Encodings are from the Intel SDM and the Arm ARM.
"""

from __future__ import annotations

import os
import platform
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

Arg = int | bytes
Call = tuple[int, tuple[Arg, ...]]

BASE = 0x400000
_HEADER = 64 + 56 * 4
_DATA = 0x600000
_DATA_SIZE = 0x10000
MACHINE = platform.machine()
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3


def build(path: Path, calls: Sequence[Call], loader: str = "") -> Path:
    """Write a program that makes ``calls`` in order and then writes each result (i64) to 1.

    A bytes argument is placed in memory and passed as a pointer. With a ``loader`` the program is
    dynamic, without it static.
    """
    memory = _Memory(len(calls))
    code = b"".join(
        _CALL[MACHINE](number, memory.words(args), memory.result(index))
        for index, (number, args) in enumerate(calls)
    )
    write, leave = (1, 60) if MACHINE == "x86_64" else (64, 93)
    results = (1, _DATA, 8 * len(calls))
    code += _CALL[MACHINE](write, results, memory.scratch)
    code += _CALL[MACHINE](leave, (0,), memory.scratch)
    path.write_bytes(_elf(code, memory.content(), loader.encode()))
    path.chmod(0o755)
    return path


def loader() -> str:
    """This machine's dynamic loader: the interpreter that its Python names."""
    head = Path(os.path.realpath(sys.executable)).read_bytes()
    offset, count = struct.unpack_from("<Q", head, 32)[0], struct.unpack_from("<H", head, 56)[0]
    for at in range(offset, offset + 56 * count, 56):
        kind, _, start, _, _, length = struct.unpack_from("<IIQQQQ", head, at)
        if kind == _PT_INTERP:
            return head[start : start + length].rstrip(b"\0").decode()
    raise AssertionError("Python is a static program here")


def results(output: bytes) -> list[int]:
    """What the program wrote: each call's return value, negative errno on failure."""
    return [value for (value,) in struct.iter_unpack("<q", output[: len(output) // 8 * 8])]


class _Memory:
    """The program's data: results first, then what pointers point to."""

    def __init__(self, calls: int) -> None:
        self._data = bytearray(8 * calls + 8)
        self.scratch = _DATA + 8 * calls

    def result(self, index: int) -> int:
        return _DATA + 8 * index

    def words(self, args: tuple[Arg, ...]) -> tuple[int, ...]:
        return tuple(self._place(arg) if isinstance(arg, bytes) else arg for arg in args)

    def _place(self, content: bytes) -> int:
        address = _DATA + len(self._data)
        self._data += content + b"\0" * (16 - len(content) % 16)
        return address

    def content(self) -> bytes:
        return bytes(self._data)


def _x86_64_call(number: int, args: tuple[int, ...], result: int) -> bytes:
    moves = (b"\x48\xbf", b"\x48\xbe", b"\x48\xba", b"\x49\xba", b"\x49\xb8", b"\x49\xb9")
    code = b"\x48\xb8" + _u64(number)
    for opcode, value in zip(moves, (*args, 0, 0, 0, 0, 0, 0)[:6], strict=True):
        code += opcode + _u64(value)
    return code + b"\x0f\x05" + b"\x48\xa3" + _u64(result)


def _aarch64_call(number: int, args: tuple[int, ...], result: int) -> bytes:
    code = b"".join(_aarch64_move(reg, value) for reg, value in enumerate((*args, *[0] * 6)[:6]))
    code += _aarch64_move(8, number) + struct.pack("<I", 0xD4000001)
    return code + _aarch64_move(9, result) + struct.pack("<I", 0xF9000000 | 9 << 5)


def _aarch64_move(register: int, value: int) -> bytes:
    value &= (1 << 64) - 1
    words = [struct.pack("<I", 0xD2800000 | (value & 0xFFFF) << 5 | register)]
    for shift in (1, 2, 3):
        part = value >> 16 * shift & 0xFFFF
        words.append(struct.pack("<I", 0xF2800000 | shift << 21 | part << 5 | register))
    return b"".join(words)


_CALL = {"x86_64": _x86_64_call, "aarch64": _aarch64_call}


def _u64(value: int) -> bytes:
    return struct.pack("<Q", value & (1 << 64) - 1)


def _elf(code: bytes, data: bytes, interpreter: bytes) -> bytes:
    offset = (_HEADER + len(code) + 0xFFFF) & ~0xFFFF
    segments = [_segment(_PT_LOAD, 5, 0, BASE, _HEADER + len(code))]
    if interpreter:
        interpreter_at = (len(data) + 15) & ~15
        data = data.ljust(interpreter_at, b"\0") + interpreter + b"\0"
        dynamic_at = (len(data) + 15) & ~15
        dynamic = _dynamic(_DATA + dynamic_at)
        data = data.ljust(dynamic_at, b"\0") + dynamic
        for kind, at, size in (
            (_PT_INTERP, interpreter_at, len(interpreter) + 1),
            (_PT_DYNAMIC, dynamic_at, len(dynamic)),
        ):
            segments.append(_segment(kind, 6, offset + at, _DATA + at, size))
    segments.append(_segment(_PT_LOAD, 6, offset, _DATA, len(data), _DATA_SIZE))
    segments.sort(key=lambda segment: segment[:4] != _PT_INTERP.to_bytes(4, "little"))
    head = _elf_header(len(segments)) + b"".join(segments)
    return (head.ljust(_HEADER, b"\0") + code).ljust(offset, b"\0") + data


def _elf_header(segments: int) -> bytes:
    machine = {"x86_64": 62, "aarch64": 183}[MACHINE]
    ident = b"\x7fELF\x02\x01\x01"
    rest = (64, 56, segments, 0, 0, 0)
    return struct.pack("<16sHHIQQQIHHHHHH", ident, 2, machine, 1, BASE + _HEADER, 64, 0, 0, *rest)


def _segment(
    kind: int, flags: int, offset: int, address: int, size: int, in_memory: int = 0
) -> bytes:
    sizes = (size, max(size, in_memory))
    return struct.pack("<IIQQQQQQ", kind, flags, offset, address, address, *sizes, 0x10000)


def _dynamic(address: int) -> bytes:
    """No symbol, no string, no relocation; the tables lie behind the list of them."""
    entries = 6 * 16
    hash_, symbol, strings = address + entries, address + entries + 16, address + entries + 40
    tags = ((4, hash_), (5, strings), (6, symbol), (10, 1), (11, 24), (0, 0))
    listed = b"".join(struct.pack("<QQ", *tag) for tag in tags)
    return listed + struct.pack("<4I", 1, 1, 0, 0) + bytes(24) + bytes(8)
