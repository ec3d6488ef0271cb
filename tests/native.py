"""Makes tiny native programs: a static ELF that performs system calls and writes their results.

It stands in a worker's stead to try what a taken-over engine would try, without any engine, and
without a compiler on the machine. Encodings are from the Intel SDM and the Arm ARM.
"""

from __future__ import annotations

import platform
import struct
from collections.abc import Sequence
from pathlib import Path

Arg = int | bytes
Call = tuple[int, tuple[Arg, ...]]

BASE = 0x400000
_HEADER = 64 + 56 * 2
_DATA = 0x600000
_DATA_SIZE = 0x10000
MACHINE = platform.machine()


def build(path: Path, calls: Sequence[Call]) -> Path:
    """Write a program that makes ``calls`` in order and then writes each result (i64) to 1.

    A bytes argument is placed in memory and passed as a pointer.
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
    path.write_bytes(_elf(code, memory.content()))
    path.chmod(0o755)
    return path


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


def _elf(code: bytes, data: bytes) -> bytes:
    machine = {"x86_64": 62, "aarch64": 183}[MACHINE]
    text = b"\0" * _HEADER + code
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        *(b"\x7fELF\x02\x01\x01", 2, machine, 1, BASE + _HEADER, 64, 0, 0, 64, 56, 2, 0, 0, 0),
    )
    offset = (len(text) + 0xFFFF) & ~0xFFFF
    load_text = struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, len(text), len(text), 0x10000)
    load_data = struct.pack("<IIQQQQQQ", 1, 6, offset, _DATA, _DATA, len(data), _DATA_SIZE, 0x10000)
    head = header + load_text + load_data
    return head + text[_HEADER:].ljust(offset - _HEADER, b"\0") + data
